"""The scene of a schedule drawn by chance: two marketplaces and one storage behind turns."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any, cast

from ordersync import (
    ChannelId,
    ChannelSettings,
    ListingBook,
    Order,
    OrderDesk,
    OrderKey,
    OrderStore,
    StockLedger,
    StockRule,
    Storage,
    SyncRunner,
    errors,
)
from ordersync.model.orders import Resolution
from ordersync.ports import Journal
from ordersync.storage.memory import MemoryStorage
from ordersync.sync.retry import RetryPolicy
from ordersync.testing import FakeMarketplace
from protocols.schedule import ReadableWire, Schedule, SharedClock, Turns, Wire
from protocols.verbs import part, whole

SHOP, MARKET = ChannelId("Shop", "north"), ChannelId("Market", "uk")
OPENING = {"MUG": 9, "LID": 5}
RULES = (StockRule(), StockRule(), StockRule(cap=3), StockRule(buffer=1), StockRule(percentage=Decimal(50)))


class Scene:
    """Two marketplaces and one storage, drawn by chance: kits, caps, whole orders, compare-and-set or not."""

    def __init__(self, chance: Random) -> None:
        self.clock = SharedClock()
        self.schedule = Schedule(chance, self.clock)
        self.storage = MemoryStorage(clock=self.clock)
        self.read_back = chance.random() < 0.3
        self.markets = [
            FakeMarketplace(
                channel,
                settings=self._settings(),
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

    def _settings(self) -> ChannelSettings:
        chance = self.schedule.chance
        return ChannelSettings(
            stock_rule=chance.choice(RULES),
            sweep_every=timedelta(minutes=20),
            shipped_elsewhere=chance.choice([None, Resolution.PROCESS, Resolution.FOLLOW, Resolution.CANCEL]),
            vanished=chance.choice([None, Resolution.KEEP, Resolution.PROCESS, Resolution.CANCEL]),
            import_shipped=chance.random() < 0.3,
            import_cancelled=chance.random() < 0.3,
        )

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
        await self.begin_with_orders()
        self.schedule.wild = True

    async def begin_with_orders(self) -> None:
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
            for verb in chance.choice([[], [whole], [part], [part, part, part]]):
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
        wires = [kind(market, actor, self.schedule) for market in self.markets]
        retry = RetryPolicy(attempts=self.schedule.chance.choice([1, 1, 3]))
        return SyncRunner(wires, self.ports(actor), clock=self.clock, retry=retry, run_ids=lambda: actor)


def stored(scene: Scene) -> Sequence[Order]:
    """Return all orders that we know, by key."""
    orders: dict[OrderKey, Order] = cast("Any", scene.storage.orders)._orders
    return [orders[key] for key in sorted(orders)]
