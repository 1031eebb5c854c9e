"""A run that dies while it looks for single orders or decides conflicts: later runs end where an uncut one does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import attrs
import pytest

from ordersync import ChannelSettings, Event, OrderKey, OrderState, Storage, SupportsOrderLookup, SyncRunner
from ordersync.errors import StorageUnavailableError
from ordersync.model.events import PhaseStarted
from ordersync.storage.memory import MemoryStorage
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.testing import BareMarketplace, FakeMarketplace, ManualClock
from runner.conftest import stock_mugs
from runner.looking import watched
from runner.watching import watched as counted
from runner.world import SHOP, World

PHASES = ("watch", "resolve")
Facts = Mapping[Hashable, object]
Work = Callable[[SyncRunner], Awaitable[None]]
OF_ORDER = ("state", "status", "payment", "fulfillment", "lines", "wanted", "parked")


def open_shop(kind: type[BareMarketplace], clock: ManualClock) -> BareMarketplace:
    """Open a shop where everything that is missed is decided by setting, and orders are missed soon."""
    settings = ChannelSettings(
        download_unpaid=True, shipped_elsewhere="process", vanished="cancel", sweep_every=timedelta(minutes=20)
    )
    return kind(SHOP, clock=clock, settings=settings, page_size=20)


async def much_is_missing(world: World, shop: BareMarketplace) -> None:
    """Let orders be paid, shipped, cancelled, removed and spoiled in silence; their looks and a sweep are due."""
    shop.list_sku("MUG", 30)
    await world.stock("MUG", 30)
    for number in range(12):
        shop.place(f"{number:02}", lines={"MUG": 2}, paid=number >= 3)
    shop.spoil("11")
    world.clock.advance(minutes=6)
    await world.run(shop, world.market)
    await world.process("04", id="p1", lines={"L1": 1})
    world.clock.advance(minutes=6)
    await world.run(shop, world.market)
    world.clock.advance(minutes=6)
    await world.run(shop, world.market)
    shop.pay("00", silently=True)
    for gone in ("01", "03"):
        shop.remove(gone)
    shop.orders["11"].spoiled = None
    shop.pay("11", silently=True)
    in_silence(shop, "05", lambda: shop.ship_by_hand("05"))
    in_silence(shop, "06", lambda: shop.cancel("06"))
    shop.ship_by_hand("04", lines={"L1": 1})
    world.clock.advance(minutes=20)
    if not isinstance(shop, SupportsOrderLookup):  # there, what one sweep misses proves nothing
        await world.run(shop, world.market)
        world.clock.advance(minutes=20)


def in_silence(shop: BareMarketplace, reference: str, act: Callable[[], None]) -> None:
    """Let something happen to an order that moves no timestamp."""
    order = shop.orders[reference]
    before = order.updated_at
    act()
    order.updated_at = before
    shop.pay(reference, silently=True)


@attrs.define
class Death:
    """Lets the storage fail for good at one port call of the phases that are looked at; -1: never."""

    at: int
    calls: list[str] = attrs.field(factory=list)
    phase: str = ""
    dead: bool = False

    def hear(self, event: Event) -> None:
        """Note which phase the shop has come to."""
        if isinstance(event, PhaseStarted) and event.channel == SHOP:
            self.phase = event.phase

    async def before(self, verb: str) -> None:
        """Die here if it is time; who is dead does nothing more."""
        if self.dead:
            raise StorageUnavailableError("gone")
        if self.phase in PHASES:
            self.calls.append(f"{self.phase}: {verb}")
            if len(self.calls) - 1 == self.at:
                self.dead = True
                raise StorageUnavailableError("gone")


async def facts_of(world: World, shop: BareMarketplace) -> Facts:
    """Return what must be equal in the end: orders, what waits, levels, and what both channels show and heard."""
    facts: dict[Hashable, object] = {"watched": await watched(world), "shop": shop.levels}
    for order in await world.storage.orders.listed():
        facts |= {(order.key, name): getattr(order, name) for name in OF_ORDER}
        facts[order.key, "conflict"] = order.conflict and order.conflict.code
        facts[order.key, "notes"] = sorted(await world.statuses(order.key.reference))
        facts[order.key, "history"] = [one.event for one in await world.storage.orders.history(order.key)]
    for decision in await world.storage.orders.decisions(SHOP):
        facts[decision.key, "decision"] = decision.code
    facts["quarantine"] = [one.reference for one in await world.storage.orders.quarantined(SHOP)]
    level = await world.level()
    facts |= {"level": (level.on_hand, level.reserved), "market": world.market.levels}
    facts["notes"] = sorted((note.order_key.reference, dict(note.lines)["L1"]) for note in shop.notes_received)
    return facts


async def running(runner: SyncRunner) -> None:
    """Run once."""
    await runner.run_once()


async def hinted(runner: SyncRunner) -> None:
    """Look at one order that was shipped by other hands, and at whatever else is due to be looked at."""
    await runner.hint(OrderKey(SHOP, "05"))


async def ending(
    open_storage: Callable[[ManualClock], Storage], kind: type[BareMarketplace], death: Death, work: Work = running
) -> tuple[Facts, Sequence[str]]:
    """Live through it all, die once, and let runs follow; return what is so in the end, and which calls there were."""
    clock = ManualClock()
    async with open_storage(clock) as storage:
        world = World(storage, clock)
        await stock_mugs(world)
        shop = open_shop(kind, clock)
        await world.storage.listings.link(SHOP, "MUG", "MUG")
        await much_is_missing(world, shop)
        dying = World(counted(storage, Counter(), before=death.before), clock)
        await work(dying.runner(shop, world.market, observers=[death.hear]))
        for minutes in (5, 25, 25):
            await world.run_later(shop, world.market, minutes=minutes)
        return await facts_of(world, shop), death.calls


def in_memory(clock: ManualClock) -> Storage:
    """Open a storage in memory."""
    return MemoryStorage(clock=clock)


every_call = pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.slow)])
"""Every fourth call in the suite that always runs, and all of them in the long one."""

KINDS = {"with look-up": FakeMarketplace, "without": BareMarketplace}


async def sweep(
    open_storage: Callable[[int], Callable[[ManualClock], Storage]],
    kind: type[BareMarketplace],
    places: Callable[[int], Sequence[int]],
    work: Work = running,
) -> list[str]:
    """Die at each of these calls, each time in a world of its own; name those that end elsewhere."""
    whole, calls = await ending(open_storage(-1), kind, Death(at=-1), work)
    wrong = []
    for place in places(len(calls)):
        death = Death(at=place)
        end, _ = await ending(open_storage(place), kind, death, work)
        assert death.dead
        if end != whole:
            differing = [f"{name}: {end.get(name)}" for name in {*end, *whole} if end.get(name) != whole.get(name)]
            wrong.append(f"{place}, {calls[place]}: {differing}")
    return wrong


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_cut(kind: str) -> None:
    """The run that is cut judges a sweep and decides conflicts, and where it can it looks up single orders."""
    end, calls = await ending(in_memory, KINDS[kind], Death(at=-1))

    judged = {"watched", "progress", "missing_counts", "missing", "replace", "set_progress"}
    assert {f"watch: {verb}" for verb in judged} <= set(calls)
    assert {"resolve: listed", "resolve: replace"} <= set(calls)
    states = [end[OrderKey(SHOP, one), "state"] for one in ("01", "03", "04", "05", "06")]
    gone, sent = OrderState.CANCELLED, OrderState.PROCESSED
    if kind == "with look-up":
        assert {"watch: save_page", "resolve: record_parcel", "resolve: deduct", "resolve: queue"} <= set(calls)
        assert states == [gone, gone, sent, sent, gone]
    else:
        assert states == [gone, gone, sent, gone, gone]


@every_call
@pytest.mark.parametrize("kind", KINDS)
async def test_run_that_dies_at_any_look_or_decision_is_made_up_for(kind: str, step: int) -> None:
    """Wherever a run dies in these phases, the runs that follow end where an undisturbed one does."""
    assert await sweep(lambda _: in_memory, KINDS[kind], lambda most: range(0, most, step)) == []


@every_call
async def test_hint_that_dies_at_any_look_or_decision_is_made_up_for(step: int) -> None:
    """A hint is noted before anything is done: wherever it dies then, the runs that follow do what it would have."""
    assert await sweep(lambda _: in_memory, FakeMarketplace, lambda most: range(0, most, step), hinted) == []


async def test_run_that_dies_at_a_look_on_sqlite_is_made_up_for(tmp_path: Path) -> None:
    """The same on SQLite, at a few calls evenly spread."""

    def open_storage(place: int) -> Callable[[ManualClock], Storage]:
        return lambda clock: SQLiteStorage(tmp_path / f"{place}.db", clock=clock)

    assert await sweep(open_storage, FakeMarketplace, lambda most: range(5, most, most // 3)) == []
