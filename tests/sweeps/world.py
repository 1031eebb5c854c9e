"""Two marketplaces, a storage and a clock: the world in which the sweeps cut, cancel and overtake."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import cast

import attrs

from ordersync import (
    ChannelId,
    ChannelOrder,
    OrderDesk,
    OrderKey,
    OrderPage,
    RunReport,
    StockRule,
    Storage,
    SyncRunner,
    UnreadableOrder,
)
from ordersync.model.settings import ChannelSettings
from ordersync.ports import OwnStockLedger
from ordersync.sync.retry import RetryPolicy
from ordersync.testing import FakeMarketplace, ManualClock

SHOP = ChannelId("Shop", "north")
MARKET = ChannelId("Market", "uk")

OPENING = {("MUG", "main"): 20, ("MUG", "depot"): 9, ("LID", "main"): 30, ("LID", "depot"): 8, ("POSTER", "main"): 5}
"""What lies where in the beginning, by SKU and location."""

LINKS: dict[ChannelId, dict[str, tuple[dict[str, int], StockRule | None]]] = {
    SHOP: {
        "MUG-S": ({"MUG": 1}, None),
        "SET-S": ({"MUG": 1, "LID": 2}, None),
        "CAP-S": ({"LID": 1}, StockRule(cap=4)),
    },
    MARKET: {
        "BAD-M": ({"LID": 1}, None),
        "MUG-M": ({"MUG": 1}, None),
        "POISON-M": ({"MUG": 1}, None),
        "SET-M": ({"MUG": 1, "LID": 2}, None),
    },
}
"""What the channels' SKUs mean: a kit on both, a capped listing, one that is refused and one that poisons its batch."""

RULES = {SHOP: StockRule(), MARKET: StockRule(locations=frozenset({"main", "depot"}), buffer=2)}

ONCE = RetryPolicy(attempts=1)
"""A call that fails has failed: whatever is tried again is tried in a later run."""


class PartlyFulfilling(FakeMarketplace):
    """A marketplace that sends some orders itself, out of a stock of its own: those with a 9 in second place."""

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Return one page of orders."""
        page = await super().fetch_orders(updated_since=updated_since, cursor=cursor)
        return attrs.evolve(page, orders=[_told(order) for order in page.orders])

    async def fetch_order(self, reference: str) -> ChannelOrder | UnreadableOrder | None:
        """Return the order as it is shown now."""
        found = await super().fetch_order(reference)
        return _told(found) if isinstance(found, ChannelOrder) else found


def _told(order: ChannelOrder) -> ChannelOrder:
    return attrs.evolve(order, fulfilled_by_channel=True) if order.reference[1] == "9" else order


OpenStorage = Callable[[ManualClock], Storage]


@attrs.frozen
class World:
    """All there is: what the channels know, what we know, and what time it is."""

    clock: ManualClock
    shop: FakeMarketplace
    market: FakeMarketplace
    storage: Storage

    @property
    def stock(self) -> OwnStockLedger:
        """Return the ledger, which is one of ours."""
        return cast("OwnStockLedger", self.storage.stock)

    @property
    def marketplaces(self) -> Sequence[FakeMarketplace]:
        """Return both marketplaces."""
        return self.shop, self.market

    @property
    def desk(self) -> OrderDesk:
        """Return a desk that nothing happens to."""
        return OrderDesk(self.storage, clock=self.clock)

    async def run(self) -> RunReport:
        """Run once; nothing happens to the runner."""
        return await SyncRunner(self.marketplaces, self.storage, clock=self.clock, retry=ONCE).run_once()

    async def link(self, channel: ChannelId, channel_sku: str, sku: str) -> None:
        """Link one more channel SKU."""
        await self.storage.listings.link(channel, channel_sku, sku)


def of_shop(reference: str) -> OrderKey:
    """Return the key of an order of the shop."""
    return OrderKey(SHOP, reference)


def of_market(reference: str) -> OrderKey:
    """Return the key of an order of the marketplace."""
    return OrderKey(MARKET, reference)


def _shop(clock: ManualClock) -> FakeMarketplace:
    """Return a web shop: pages in update order, orders from ``main``, only paid ones; told to, it ships six of four."""
    shop = PartlyFulfilling(
        SHOP,
        settings=ChannelSettings(stock_rule=RULES[SHOP]),
        clock=clock,
        pages_in_update_order=True,
        refuses_overshipping=False,
        stock_batch_size=2,
    )
    for sku in (*LINKS[SHOP], "POSTER-S"):
        shop.list_sku(sku, 7)
    return shop


def _market(clock: ManualClock) -> FakeMarketplace:
    """Return a marketplace: newest orders first, orders from ``depot``, unpaid ones parked, two SKUs in trouble."""
    market = PartlyFulfilling(
        MARKET,
        settings=ChannelSettings(stock_rule=RULES[MARKET], location="depot", download_unpaid=True),
        clock=clock,
        requires_tracking=True,
        stock_batch_size=3,
        call_timeout=timedelta(seconds=30),
    )
    for sku in LINKS[MARKET]:
        market.list_sku(sku, 7)
    market.refuse_sku("BAD-M")
    market.poison_sku("POISON-M")
    return market


@asynccontextmanager
async def open_world(open_storage: OpenStorage) -> AsyncIterator[World]:
    """Open a world in which goods lie on the shelves and nobody has bought anything yet."""
    clock = ManualClock()
    async with open_storage(clock) as storage, _shop(clock) as shop, _market(clock) as market:
        world = World(clock, shop, market, storage)
        for (sku, location), quantity in OPENING.items():
            movement_id = f"opening/{sku}/{location}"
            await world.stock.set_on_hand(sku, location=location, quantity=quantity, movement_id=movement_id)
        for channel, links in LINKS.items():
            for channel_sku, (components, rule) in links.items():
                await storage.listings.link(channel, channel_sku, components, rule=rule)
        yield world
