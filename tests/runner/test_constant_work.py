"""What a run costs: so many calls a page, whatever its size, and nothing for what is settled."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from ordersync import ChannelOrder, Event, OrderPage
from ordersync.model.events import PhaseStarted
from ordersync.storage.memory import MemoryStorage
from ordersync.testing import FakeMarketplace, ManualClock, make_channel_order
from runner.conftest import stock_mugs
from runner.watching import watched
from runner.world import SHOP, World, counts, sightings
from storage.watching import WatchedStorage

CHANGES = {
    "orders.save_page",
    "orders.replace",
    "orders.reserved",
    "orders.doubted",
    "orders.record_parcel",
    "orders.queue",
    "orders.write_note",
    "stock.reserve",
    "stock.deduct",
    "stock.acknowledge",
    "listings.sold",
    "listings.mark",
    "listings.mark_channel",
    "listings.begin",
    "listings.finish",
    "listings.observed",
}
"""The verbs of a run that change an order, a level, a listing or a note."""


async def bought(world: World, orders: int, *, page_size: int) -> FakeMarketplace:
    """Open a shop where so many mugs were bought, each by somebody else."""
    shop = world.open(SHOP, page_size=page_size, decrements_on_sale=False)
    shop.list_sku("MUG", 10)
    for number in range(orders):
        shop.place(f"{number}", lines={"MUG": 1})
    return shop


async def calls_of_a_run(orders: int, *, page_size: int) -> Counter[str]:
    """Return how often each verb of each port is called by a first run."""
    calls, clock = Counter[str](), ManualClock()
    async with MemoryStorage(clock=clock) as opened:
        world = World(opened, clock)
        await stock_mugs(world)
        shop = await bought(world, orders, page_size=page_size)
        counting = World(watched(opened, calls), clock)
        report = await counting.run(shop)
        assert sightings(report.channels[SHOP]) == {"new": orders}
    return calls


async def test_calls_a_page_do_not_grow_with_it() -> None:
    """A page of 500 orders takes exactly the port calls that a page of 10 takes."""
    small = await calls_of_a_run(10, page_size=10)
    large = await calls_of_a_run(500, page_size=500)

    assert small == large
    assert large["orders.save_page"] == large["orders.known"] == large["stock.reserve"] == 1


async def test_calls_grow_with_pages_alone() -> None:
    """Ten pages take ten times the calls of the download, and no more of anything else."""
    one = await calls_of_a_run(50, page_size=50)
    ten = await calls_of_a_run(50, page_size=5)

    more = {verb: ten[verb] - one[verb] for verb in ten if ten[verb] != one[verb]}
    assert more == {"orders.known": 9, "orders.save_page": 9, "listings.links": 9}


async def statements(path: Path, orders: int, *, page_size: int) -> list[str]:
    """Return the statements of a first run on SQLite, up to what was asked of single orders."""
    clock = ManualClock()
    async with WatchedStorage(path) as storage:
        world = World(storage, clock)
        await stock_mugs(world)
        shop = await bought(world, orders, page_size=page_size)
        storage.taken()
        await world.run(shop)
        return storage.taken()


async def test_statements_a_page_do_not_grow_with_it(tmp_path: Path) -> None:
    """A run over a page of 400 orders takes exactly as many statements as over one of 10."""
    small = await statements(tmp_path / "small.db", 10, page_size=10)
    large = await statements(tmp_path / "large.db", 400, page_size=400)

    assert len(small) == len(large)
    assert [one for one in large if one.startswith("COMMIT")] == [one for one in small if one.startswith("COMMIT")]


async def settled(world: World, orders: int) -> FakeMarketplace:
    """Let so many orders be bought, sent and confirmed, and one more come an hour later."""
    shop = await bought(world, orders, page_size=100)
    await world.run(shop)
    for number in range(orders):
        await world.process(f"{number}", tracking_number=f"JD{number}")
    await world.run(shop)
    world.clock.advance(hours=2)
    shop.place("last", lines={"MUG": 1})
    for _ in range(3):
        await world.run_later(shop)
    return shop


async def test_idle_run_changes_nothing(world: World) -> None:
    """When nothing is due a run sends nothing and changes no order, level, listing or note."""
    shop = await settled(world, 5)
    calls = Counter[str]()
    counting = World(watched(world.storage, calls), world.clock)
    shop.calls.clear()
    orders = [await world.order(f"{number}") for number in range(5)]

    report = await counting.run_later(shop)

    assert counts(report.channels[SHOP]) == {"same": 1}
    assert {verb for verb in calls if verb in CHANGES} == {"orders.save_page"}
    assert shop.calls == {"fetch_orders": 1}
    assert [await world.order(f"{number}") for number in range(5)] == orders


async def test_idle_run_is_as_cheap_with_many_orders(tmp_path: Path) -> None:
    """An idle run takes the same statements whether five orders were ever stored or fifty."""
    taken = []
    for orders in (5, 50):
        clock = ManualClock()
        async with WatchedStorage(tmp_path / f"{orders}.db") as storage:
            world = World(storage, clock)
            await stock_mugs(world)
            shop = await settled(world, orders)
            storage.taken()
            await world.run_later(shop)
            taken.append(storage.taken())

    assert taken[0] == taken[1]
    assert len([one for one in taken[0] if one.startswith("COMMIT")]) < 40


async def test_idle_run_looks_for_little(tmp_path: Path) -> None:
    """When no look is due and nothing is in conflict, the phases that ask for it read three times and write nothing."""
    clock, taken = ManualClock(), dict[str, list[str]]()
    async with WatchedStorage(tmp_path / "idle.db") as storage:
        world = World(storage, clock)
        await stock_mugs(world)
        shop = await settled(world, 5)
        phases = ["begin"]

        def note(event: Event) -> None:
            if isinstance(event, PhaseStarted):
                taken[phases[-1]] = storage.taken()
                phases.append(event.phase)

        await world.run_later(shop, observers=[note])

    assert len(taken["watch"]) <= 9  # two transactions: what is due of the watch list, and which sweep was judged
    assert len(taken["resolve"]) <= 6  # one: what is in conflict
    words = {statement.split()[0] for statement in (*taken["watch"], *taken["resolve"])}
    assert words == {"BEGIN", "SELECT", "COMMIT"}


class Streaming(FakeMarketplace):
    """Makes its orders page by page, and sees which of them are still in memory."""

    SIZE, PAGES = 25, 30

    def __init__(self, *, clock: ManualClock) -> None:
        """Begin with nothing."""
        super().__init__(SHOP, clock=clock)
        self.made: list[weakref.ref[ChannelOrder]] = []
        self.alive: list[int] = []

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Make one more page, every second order unpaid."""
        self.alive.append(sum(one() is not None for one in self.made))
        number = int(cursor or 0)
        orders = self._orders(number) if updated_since is None else []
        self.made += map(weakref.ref, orders)
        return OrderPage(orders=orders, next_cursor=f"{number + 1}" if number + 1 < self.PAGES else None)

    def _orders(self, page: int) -> Sequence[ChannelOrder]:
        when = self.clock.now() - timedelta(minutes=1)
        return [
            make_channel_order(f"{page}/{number}", placed_at=when, updated_at=when, raw=b"x" * 1000)
            for number in range(self.SIZE)
        ]


async def test_pages_are_let_go(world: World) -> None:
    """While a run reads on, no more orders are in memory than two pages hold."""
    shop = Streaming(clock=world.clock)
    await world.storage.journal.enable(SHOP, by="Ada", at=world.clock.now())

    report = await world.run(shop)

    assert sightings(report.channels[SHOP]) == {"new": shop.SIZE * shop.PAGES}
    assert max(shop.alive) <= 2 * shop.SIZE


async def test_remarks_are_bounded(memory_world: World) -> None:
    """However many orders are skipped, the report keeps fifty of a kind, counts the rest, and hides no other kind."""
    for number in range(120):
        memory_world.shop.place(f"{number}", lines={"MUG": 1}, paid=False)
    memory_world.shop.place("spoiled", lines={"MUG": 1})
    memory_world.shop.spoil("spoiled")

    report = (await memory_world.run()).channels[SHOP]

    kinds = Counter(remark.kind for remark in report.remarks)
    assert kinds == {"skipped": 50, "quarantined": 1}
    assert (report.more_remarks, report.skipped) == (70, 120)
