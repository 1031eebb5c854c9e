"""Marketplaces whose orders slip out of sight, and what tests ask about orders that are looked for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from ordersync import ChannelId, ChannelOrder, ChannelSettings, OrderPage, UnreadableOrder
from ordersync.model.orders import ConflictCode
from ordersync.model.pages import Watch
from ordersync.testing import BareMarketplace, FakeMarketplace
from runner.world import SHOP, World

FOREVER = timedelta(days=10_000)
REFERENCES = ("1001", "1002", "1003", "1004")


class Forgetful(FakeMarketplace):
    """Leaves some orders out of its pages, and shows them to who asks for them."""

    hidden: Collection[str] = ()

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Show what is not hidden."""
        page = await super().fetch_orders(updated_since=updated_since, cursor=cursor)
        return attrs.evolve(page, orders=[order for order in page.orders if order.reference not in self.hidden])


class ForgetfulBare(BareMarketplace):
    """Leaves some orders out of its pages, and cannot be asked for one."""

    hidden: Collection[str] = ()

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Show what is not hidden."""
        page = await super().fetch_orders(updated_since=updated_since, cursor=cursor)
        return attrs.evolve(page, orders=[order for order in page.orders if order.reference not in self.hidden])


class Blurred(ForgetfulBare):
    """Shows some orders as documents in which not even the reference can be read."""

    blurred: Collection[str] = ()

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Blur some."""
        page = await super().fetch_orders(updated_since=updated_since, cursor=cursor)
        clear = [order for order in page.orders if order.reference not in self.blurred]
        lost = [UnreadableOrder(payload=b"?" * (len(clear) + 1), error="reference: is missing")]
        return attrs.evolve(page, orders=clear, unreadable=lost if len(clear) < len(page.orders) else [])


class Fulfilling(FakeMarketplace):
    """Sends some of its orders itself, out of stock that lies in its own warehouse."""

    own: Collection[str] = ()

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Say of each order who sends it."""
        page = await super().fetch_orders(updated_since=updated_since, cursor=cursor)
        return attrs.evolve(page, orders=[self._told(order) for order in page.orders])

    async def fetch_order(self, reference: str) -> ChannelOrder | UnreadableOrder | None:
        """Say of an order who sends it."""
        found = await super().fetch_order(reference)
        return self._told(found) if isinstance(found, ChannelOrder) else found

    def _told(self, order: ChannelOrder) -> ChannelOrder:
        return attrs.evolve(order, fulfilled_by_channel=order.reference in self.own)


def by_state(kind: type[BareMarketplace], world: World, **settings: Any) -> Any:  # noqa: ANN401 - of that kind
    """Open a shop of a kind that is swept in each run, since its update times cannot be trusted; it shows ten mugs."""
    shop = kind(SHOP, clock=world.clock, settings=ChannelSettings(**settings), scan="state")
    shop.list_sku("MUG", 10)
    return shop


def comes_back(shop: BareMarketplace, reference: str) -> None:
    """Show a removed order again, exactly as it was; on a shop whose changes move no timestamp."""
    shop.orders[reference].removed = False
    shop.set_status(reference, shop.orders[reference].word)


async def watches(world: World, channel: ChannelId = SHOP) -> Sequence[Watch]:
    """Return a channel's whole watch list, the next look first."""
    return await world.storage.orders.watched(channel, at=world.clock.now() + FOREVER, limit=1000)


async def watched(world: World, channel: ChannelId = SHOP) -> list[str]:
    """Return the references on a channel's watch list."""
    return sorted(watch.key.reference for watch in await watches(world, channel))


async def conflict_of(world: World, reference: str, channel: ChannelId = SHOP) -> ConflictCode | None:
    """Return what is wrong between an order here and on its channel."""
    conflict = (await world.order(reference, channel)).conflict
    return None if conflict is None else conflict.code


async def levels(world: World, location: str = "main") -> tuple[int, int]:
    """Return how many mugs lie at a place, and how many of them are reserved."""
    level = await world.level(location=location)
    return level.on_hand, level.reserved


async def four_open(world: World, shop: BareMarketplace) -> None:
    """Let four people buy two mugs each, and download that."""
    await world.storage.listings.link(SHOP, "MUG", "MUG")
    for reference in REFERENCES:
        shop.place(reference, lines={"MUG": 2})
    await world.run(shop, world.market)
    assert await levels(world) == (10, 8)
