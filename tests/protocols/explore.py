"""An explorer: the real engine under a scheduler that interleaves runners, desk, buyers, clock and network by chance.

python tests/protocols/explore.py [seconds] [first seed]   prints what each broken seed breaks, and its schedule
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

from ordersync import (
    Channel,
    ChannelId,
    ChannelSettings,
    ListingBook,
    OrderDesk,
    OrderKey,
    OrderState,
    OrderStore,
    Parcel,
    PaymentStatus,
    StockLedger,
    StockRule,
    Storage,
    SyncRunner,
    errors,
    lifecycle,
)
from ordersync.clock import SystemClock
from ordersync.model.orders import Hold, Order
from ordersync.ports import Journal
from ordersync.storage.memory import MemoryStorage
from ordersync.sync.retry import RetryPolicy
from ordersync.testing import FakeMarketplace
from ordersync.testing.market_orders import CANCELLED
from protocols.laws import check_end, check_step, demand
from protocols.schedule import LawBrokenError, ReadableWire, Schedule, SharedClock, Turns, Wire

SHOP, MARKET = ChannelId("Shop", "north"), ChannelId("Market", "uk")
ONCE = RetryPolicy(attempts=1)
OPENING = {"MUG": 9, "LID": 5}
RULES = (StockRule(), StockRule(), StockRule(cap=3), StockRule(buffer=1), StockRule(percentage=Decimal(50)))
MOST_STEPS = 900
LOOKS = 30


class Scene:
    """Two marketplaces and one storage, drawn by a seed: kits, caps, whole orders, compare-and-set or not."""

    def __init__(self, seed: int) -> None:
        self.clock = SharedClock()
        self.schedule = Schedule(seed, self.clock)
        chance = self.schedule.chance
        self.storage = MemoryStorage(clock=self.clock)
        self.read_back = chance.random() < 0.3
        self.markets = [
            FakeMarketplace(
                channel,
                settings=ChannelSettings(stock_rule=chance.choice(RULES), sweep_every=timedelta(minutes=20)),
                clock=self.clock,
                page_size=chance.choice([1, 3]),
                call_timeout=timedelta(seconds=10),
                late_window=timedelta(seconds=60),
                compare_and_set=chance.random() < 0.25,
                whole_order_dispatch=chance.random() < 0.2,
                pages_in_update_order=chance.random() < 0.5,
                stock_batch_size=chance.choice([1, 5]),
                refuses_overshipping=chance.random() < 0.5,
            )
            for channel in (SHOP, MARKET)
        ]
        self.on_hand = dict(OPENING)
        self.counts = 0
        self.placed = 0
        self.cut_down: set[OrderKey] = set()

    async def open(self) -> None:
        """Stock, list and link everything, and let a first run settle it."""
        for sku, quantity in OPENING.items():
            await self.count(sku, quantity)
        for market in self.markets:
            for sku, parts in (("MUG", {"MUG": 1}), ("SET", {"MUG": 1, "LID": 1})):
                market.list_sku(sku, 0)
                await self.storage.listings.link(market.id, sku, parts)
        self.schedule.wild = False
        await self.drain(1)
        await self._begin_with_orders()
        self.schedule.wild = True

    async def _begin_with_orders(self) -> None:
        """Let some orders be there already, some of them processed and not told of."""
        chance, desk = self.schedule.chance, OrderDesk(self.storage, clock=self.clock)
        keys = []
        for _ in range(chance.choice([0, 1, 2])):
            self.placed += 1
            market = chance.choice(self.markets)
            market.place(f"{self.placed}", lines=chance.choice([{"MUG": 2}, {"MUG": 1, "SET": 1}]))
            keys.append(OrderKey(market.id, f"{self.placed}"))
        await self.drain(1)
        for key in keys:
            for verb in chance.choice([[], [_whole], [_part], [_part, _part, _part]]):
                with suppress(errors.TransitionError, errors.ParcelConflictError):
                    await verb(desk, await self.storage.orders.get(key), str(chance.randrange(3)))

    async def count(self, sku: str, quantity: int) -> None:
        """Take stock."""
        self.counts += 1
        movement = f"count/{self.counts}"
        await self.storage.stock.set_on_hand(sku, location="main", quantity=quantity, movement_id=movement)

    async def drain(self, times: int) -> None:
        """Let a clean runner run, with time between."""
        for number in range(times):
            self.clock.advance(700 if times > 1 else 30)
            await self.runner(f"drain {number}").run_once()

    def ports(self, actor: str) -> Storage:
        """Return the storage behind turns of one actor."""
        one, schedule = self.storage, self.schedule
        return one.replace(
            orders=cast("OrderStore", Turns("orders", one.orders, actor, schedule)),
            stock=cast("StockLedger", Turns("stock", one.stock, actor, schedule)),
            listings=cast("ListingBook", Turns("listings", one.listings, actor, schedule)),
            journal=cast("Journal", Turns("journal", one.journal, actor, schedule)),
        )

    def runner(self, actor: str) -> SyncRunner:
        """Return one runner over both marketplaces."""
        kind = ReadableWire if self.read_back else Wire
        wires = [cast("Channel", kind(market, actor, self.schedule)) for market in self.markets]
        retry = RetryPolicy(attempts=self.schedule.chance.choice([1, 1, 3]))
        return SyncRunner(wires, self.ports(actor), clock=self.clock, retry=retry, run_ids=lambda: actor)


def stored(scene: Scene) -> Sequence[Order]:
    """Return all orders that we know, by key."""
    orders: dict[OrderKey, Order] = cast("Any", scene.storage.orders)._orders
    return [orders[key] for key in sorted(orders)]


async def running(scene: Scene, actor: str, times: int) -> None:
    """Be a runner."""
    for _ in range(times):
        await scene.runner(actor).run_once()


async def at_the_desk(scene: Scene, actor: str, times: int) -> None:
    """Be a person who processes, cancels and requeues what is there."""
    chance = scene.schedule.chance
    desk = Desk(scene.ports(actor), clock=scene.clock)
    for _ in range(LOOKS):
        await scene.schedule.turn(actor, "looks")
        orders = stored(scene)
        if not orders:
            continue
        times -= 1
        if times < 0:
            return
        order = chance.choice(orders)
        verb = chance.choice([_whole, _part, _part, _twice, _cancel, _requeue, _lock, _move])
        try:
            await verb(desk, order, str(chance.randrange(3)))
        except (errors.TransitionError, errors.ParcelConflictError):
            continue


class Desk(OrderDesk):
    """A desk with verbs that come with a later issue."""

    async def change(self, order: OrderKey, step: Callable[[Order], Order]) -> None:
        """Write one step and settle it."""
        await self._change(order, step)


async def _lock(desk: OrderDesk, order: Order, _number: str) -> None:
    lock = None if order.held else Hold(who="Ada", why="asks", at=order.placed_at)
    await cast("Desk", desk).change(order.key, lambda one: lifecycle.advance(one, held=lock))


async def _move(desk: OrderDesk, order: Order, number: str) -> None:
    place = {"0": "main", "1": "depot", "2": "depot"}[number]
    await cast("Desk", desk).change(order.key, lambda one: lifecycle.advance(one, location=place))


async def _whole(desk: OrderDesk, order: Order, number: str) -> None:
    await desk.process(order.key, Parcel(carrier="DHL", tracking_number="JD" if number == "0" else None))


async def _part(desk: OrderDesk, order: Order, number: str) -> None:
    line = next((line for line in order.lines if line.open), order.lines[0])
    tracking = {"0": None, "1": "JD", "2": "JD"}[number]
    await desk.process(order.key, Parcel(id=f"p{number}", lines={line.line_id: 1}, tracking_number=tracking))


async def _twice(desk: OrderDesk, order: Order, number: str) -> None:
    await _whole(desk, order, number)
    await _whole(desk, order, number)


async def _cancel(desk: OrderDesk, order: Order, _number: str) -> None:
    await desk.cancel(order.key)


async def _requeue(desk: OrderDesk, order: Order, number: str) -> None:
    await desk.requeue(order.key, parcel_id=f"p{number}")


class Outside:
    """Buyers, the marketplaces' staff, and whoever counts the stock: each a budget of moves."""

    def __init__(self, scene: Scene) -> None:
        self._scene, self._chance = scene, scene.schedule.chance
        self._left = Counter(buys=self._chance.choice([1, 2, 3]), staff=self._chance.choice([0, 0, 1, 2]))
        self._left["counts"] = self._chance.choice([0, 1, 2])
        self._left["deaths"] = self._chance.choice([0, 1])
        self._left["sleeps"] = self._chance.choice([0, 1, 2])

    def moves(self) -> list[tuple[str, Callable[[], None]]]:
        """Return what may happen now."""
        every = {"buys": self._buy, "staff": self._staff, "counts": self._count, "deaths": self._death}
        every["sleeps"] = self._sleep
        mine = [(name, self._spend(name, move)) for name, move in every.items() if self._left[name]]
        return [*mine, ("clock", self._scene.schedule.tick)]

    def _spend(self, name: str, move: Callable[[], None]) -> Callable[[], None]:
        def spend() -> None:
            self._left[name] -= 1
            move()

        return spend

    def _say(self, text: str) -> None:
        self._scene.schedule.trace.append(f"   {text}")

    def _buy(self) -> None:
        market = self._chance.choice(self._scene.markets)
        lines = self._chance.choice([{"MUG": 1}, {"MUG": 2}, {"SET": 1}, {"MUG": 1, "SET": 1}])
        self._scene.placed += 1
        reference = market.place(f"{self._scene.placed}", lines=lines, paid=self._chance.random() < 0.8)
        self._say(f"{market.id.source} sells {lines} as {reference}, shows {market.levels}")

    def _staff(self) -> None:
        known = [(market, one) for market in self._scene.markets for one in market.orders.values()]
        if not known:
            return
        market, order = self._chance.choice(known)
        deed = self._chance.choice(["cancel", "keep", "edit", "revive", "pay", "relink"])
        open_lines = [line for line in order.lines if line.open > 0]
        if deed == "revive":
            if not self._was_seen_cancelled(market, order.reference):
                return
            market.revive(order.reference)
        elif deed == "pay":
            market.pay(order.reference)
        elif deed == "relink":
            _run_now(relink(self._scene, market))
        elif not open_lines:
            return
        elif deed == "edit":
            line = self._chance.choice(open_lines)
            market.edit(order.reference, {line.sku: line.quantity + 1})
        else:
            market.cancel(order.reference, restock=deed == "cancel")
            self._scene.cut_down.add(OrderKey(market.id, order.reference))
        self._say(f"{market.id.source} {deed}s {order.reference}, shows {market.levels}")

    def _was_seen_cancelled(self, market: FakeMarketplace, reference: str) -> bool:
        """Say whether the last sighting was a cancelled one: nobody can see what is undone before it is looked at."""
        key = OrderKey(market.id, reference)
        decision = cast("Any", self._scene.storage.orders)._decisions.get(key)
        return decision is not None and decision.status == CANCELLED

    def _count(self) -> None:
        self._scene.clock.advance(1)
        sku, by = self._chance.choice(["MUG", "LID"]), self._chance.choice([-2, -1, 1, 2])
        ledger = cast("Any", self._scene.storage.stock)
        _run_now(self._scene.count(sku, ledger._on_hand[sku, "main"] + by))
        self._scene.on_hand[sku] += by
        self._say(f"{sku} {by:+}")

    def _sleep(self) -> None:
        self._scene.schedule.sleep(self._chance.choice(["R1", "R1", "R2", "desk"]))

    def _death(self) -> None:
        self._scene.schedule.kill(self._chance.choice(["R1", "R2", "desk"]))


async def relink(scene: Scene, market: FakeMarketplace) -> None:
    """Do what an operator does to have a listing pushed anew."""
    await scene.storage.listings.unlink(market.id, "MUG")
    await scene.storage.listings.link(market.id, "MUG", "MUG")


def pay_all(markets: Sequence[FakeMarketplace]) -> None:
    """Let every order be paid: an unpaid one keeps back what nobody reserves."""
    for market in markets:
        for order in market.orders.values():
            if order.payment is PaymentStatus.UNPAID:
                market.pay(order.reference)


def _run_now(work: Awaitable[None]) -> None:
    for _ in work.__await__():
        raise AssertionError("it waits")


async def play(seed: int) -> Schedule:
    """Play one schedule to its end and check the laws; ``LawBrokenError`` when one is broken."""
    scene = Scene(seed)
    schedule, outside = scene.schedule, Outside(scene)
    try:
        async with asyncio.timeout(60):
            await scene.open()
            actors = _actors(scene)
            try:
                await _schedule(scene, outside, actors)
            finally:
                schedule.release()
                done = await asyncio.gather(*actors.values(), return_exceptions=True)
            for error in done:
                if isinstance(error, Exception):
                    raise error
            schedule.trace.append("-- drain --")
            pay_all(scene.markets)
            await scene.drain(4)
            await check_end(scene.storage, scene.markets, scene.on_hand, scene.cut_down)
            before = writes(scene.markets)
            await scene.drain(1)
            demand(before == writes(scene.markets), "L6: an idle run writes")
    except (LawBrokenError, ExceptionGroup, TimeoutError) as error:
        error.add_note("\n".join(schedule.trace))
        raise
    return schedule


def writes(markets: Sequence[FakeMarketplace]) -> list[tuple[int, int]]:
    """Return how much each marketplace was told so far."""
    return [(len(market.levels_applied), len(market.notes_received)) for market in markets]


def _actors(scene: Scene) -> dict[str, asyncio.Task[None]]:
    chance = scene.schedule.chance
    return {
        "R1": asyncio.create_task(running(scene, "R1", chance.choice([1, 2, 3]))),
        "R2": asyncio.create_task(running(scene, "R2", chance.choice([1, 2, 3]))),
        "desk": asyncio.create_task(at_the_desk(scene, "desk", chance.choice([1, 3, 5]))),
    }


async def _schedule(scene: Scene, outside: Outside, actors: dict[str, asyncio.Task[None]]) -> None:
    for _ in range(MOST_STEPS):
        await scene.schedule.quiet()
        check_step(scene.storage, scene.markets)
        if all(task.done() or name in scene.schedule.dead for name, task in actors.items()):
            return
        if not scene.schedule.step(outside.moves()):
            return


def explore(seconds: float, first: int = 1) -> tuple[int, dict[int, BaseException]]:
    """Play seeds until the time is over; return how many, and what each broken one broke."""
    found: dict[int, BaseException] = {}
    seed, clock = first, SystemClock()
    began = clock.monotonic()
    while clock.monotonic() - began < seconds:
        try:
            asyncio.run(play(seed))
        except Exception as error:  # noqa: BLE001 - it is reported
            found[seed] = error
        seed += 1
    return seed - first, found


def main() -> int:
    """Explore, and print what was found."""
    seconds, first = (float(sys.argv[1]) if len(sys.argv) > 1 else 5.0), int((sys.argv[2:] or ["1"])[0])
    played, found = explore(seconds, first)
    laws = Counter(str(error)[:90] for error in found.values())
    sys.stdout.write(f"{played} schedules, {len(found)} broken\n")
    for law, times in laws.most_common():
        seed = min(
            (seed for seed, error in found.items() if str(error)[:90] == law), key=lambda one: _length(found[one])
        )
        sys.stdout.write(f"{times:>5} {law}   shortest: seed {seed}\n")
    return 1 if found else 0


def _length(error: BaseException) -> int:
    return sum(len(note) for note in getattr(error, "__notes__", []))


__all__ = ["OrderState", "explore", "play"]

if __name__ == "__main__":
    sys.exit(main())
