"""What tests of reconciling share: shops, a comparison that is checked, and what they ask of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import attrs

from ordersync import ChannelOrder, OrderKey, OrderPage, UnreadableOrder
from ordersync.doctor.differences import RECONCILE_CODES, Difference
from ordersync.doctor.reconciliation import Reconciliation, reconcile
from ordersync.sync.channel_run import RunContext
from ordersync.testing import BareMarketplace, FakeMarketplace
from runner.world import ONCE, SHOP, World

KEY = OrderKey(SHOP, "1001")


KINDS = [FakeMarketplace, BareMarketplace]


Deed = Callable[[FakeMarketplace], object]


async def compared(world: World, shop: BareMarketplace, *, heal: bool = False) -> Reconciliation:
    """Reconcile a shop, and see that its counts add up and its text fits."""
    context = RunContext(run_id="reconcile", storage=world.storage, clock=world.clock, retry=ONCE, tell=lambda _: None)
    found = await reconcile(world.storage, shop, context=context, heal=heal)
    assert found.shown == found.agree + len([one for one in found.differences if one.code != "NOT_SHOWN"])
    assert {one.code for one in found.differences} <= set(RECONCILE_CODES)
    assert all(len(line) <= 80 for line in str(found).splitlines())
    return found


def codes(found: Reconciliation) -> list[tuple[str, str | None]]:
    """Return code and reference of every difference."""
    return [(one.code, None if one.key is None else one.key.reference) for one in found.differences]


def only(found: Reconciliation) -> Difference:
    """Return the one difference that there is."""
    (one,) = found.differences
    return one


async def state_of(world: World) -> list[Any]:
    """Return all that is stored of the shop."""
    orders = await world.storage.orders.listed(channel=SHOP)
    decisions = await world.storage.orders.decisions(SHOP)
    progress = await world.storage.orders.progress(SHOP)
    return [orders, decisions, progress, await world.journal()]


def opened(kind: type[BareMarketplace], world: World, **traits: Any) -> Any:  # noqa: ANN401 - of that kind
    """Open a shop of a kind, with ten mugs listed."""
    shop = kind(SHOP, clock=world.clock, **traits)
    shop.list_sku("MUG", 10)
    return shop


async def three_open(world: World, shop: BareMarketplace) -> None:
    """Let three people buy a mug each and download that; ten minutes pass."""
    for reference in ("1001", "1002", "1003"):
        shop.place(reference, lines={"MUG": 1})
    await world.run(shop)
    world.clock.advance(minutes=10)


class SlowBare(BareMarketplace):
    """Goes on listing an order as unshipped after it was told of its parcel."""

    lagging: ChannelOrder | None = None

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Show the order as it was before on every page."""
        page = await super().fetch_orders(updated_since=updated_since, cursor=cursor)
        old = [] if self.lagging is None else [self.lagging]
        return attrs.evolve(page, orders=[*page.orders, *old])


class Slow(SlowBare, FakeMarketplace):
    """Shows it so to who asks for it, too."""

    async def fetch_order(self, reference: str) -> ChannelOrder | UnreadableOrder | None:
        """Show one order."""
        if self.lagging is not None and reference == self.lagging.reference:
            return self.lagging
        return await super().fetch_order(reference)
