"""What tests of replays share: shops whose documents cannot be read at first, and what they ask."""

from __future__ import annotations

from datetime import datetime

import attrs

from ordersync import (
    ChannelOrder,
    ChannelSettings,
    OrderKey,
    OrderPage,
    RunReport,
    StatusMapping,
    UnreadableOrder,
)
from ordersync.model.pages import Quarantined
from ordersync.sync.channel_run import RunContext
from ordersync.sync.replay import replay
from ordersync.testing import BareMarketplace, FakeMarketplace
from runner.world import ONCE, SHOP, World, adds_up

KEY = OrderKey(SHOP, "1001")


class Picky(FakeMarketplace):
    """Refuses orders whose total has another amount than its reader was written for, until that is mended."""

    mended = False
    names_them = True

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Show what can be read as orders."""
        page = await super().fetch_orders(updated_since=updated_since, cursor=cursor)
        read = [self._read(order) for order in page.orders]
        orders = [one for one in read if isinstance(one, ChannelOrder)]
        return attrs.evolve(page, orders=orders, unreadable=[one for one in read if isinstance(one, UnreadableOrder)])

    async def fetch_order(self, reference: str) -> ChannelOrder | UnreadableOrder | None:
        """Show one order."""
        found = await super().fetch_order(reference)
        return self._read(found) if isinstance(found, ChannelOrder) else found

    def read_order(self, payload: bytes) -> ChannelOrder | UnreadableOrder:
        """Read a kept document."""
        found = super().read_order(payload)
        return self._read(found) if isinstance(found, ChannelOrder) else found

    def _read(self, order: ChannelOrder) -> ChannelOrder | UnreadableOrder:
        if self.mended or order.raw is None or order.lines[0].quantity < 3:
            return order
        reference = order.reference if self.names_them else None
        return UnreadableOrder(payload=order.raw, error="total: is too long", reference=reference)


class Nameless(Picky):
    """Shows what it cannot read without a name."""

    names_them = False


async def replayed(world: World, shop: BareMarketplace, reference: str | None = None) -> RunReport:
    """Replay, and see that sightings add up."""
    context = RunContext(run_id="replay", storage=world.storage, clock=world.clock, retry=ONCE, tell=lambda _: None)
    report = await replay(context, shop, reference)
    adds_up(report)
    return report


async def waiting(world: World) -> list[tuple[str | None, str]]:
    """Return reference and code of what waits in the shop's quarantine."""
    return [(one.reference, one.code) for one in await documents(world)]


async def documents(world: World) -> list[Quarantined]:
    """Return what waits in the shop's quarantine."""
    return list(await world.storage.orders.quarantined(SHOP))


def mapped(version: str = "1", *paid: str) -> ChannelSettings:
    """Return settings that map Ready, and these words too, to paid."""
    return ChannelSettings(status_mapping=StatusMapping(version=version, paid=["Ready", *paid]))


def with_words(world: World, settings: ChannelSettings) -> FakeMarketplace:
    """Open a shop that defines its own status words."""
    shop = world.open(SHOP, settings, requires_status_mapping=True)
    shop.list_sku("MUG", 10)
    return shop
