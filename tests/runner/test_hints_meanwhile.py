"""Hints and looks that meet: what happens while an order is looked up is not lost."""

from __future__ import annotations

from ordersync import ChannelOrder, OrderKey, OrderState, UnreadableOrder
from ordersync.errors import ChannelUnavailableError
from ordersync.testing import FakeMarketplace
from runner.looking import watched
from runner.world import SHOP, World

KEY = OrderKey(SHOP, "1001")


class Interrupted(FakeMarketplace):
    """Lets something happen to an order right after it was looked up, and somebody say so."""

    world: World
    happens = True

    async def fetch_order(self, reference: str) -> ChannelOrder | UnreadableOrder | None:
        """Answer with what is, then let the order be cancelled."""
        found = await super().fetch_order(reference)
        if self.happens:
            self.happens = False
            self.cancel(reference)
            await self.world.storage.orders.hint(OrderKey(self.id, reference), at=self.world.clock.now())
        return found


async def test_hint_that_comes_during_a_look_makes_another_one_due(world: World) -> None:
    """What happens while an order is looked up is not lost with the answer that came too early."""
    shop = Interrupted(SHOP, clock=world.clock)
    shop.world = world
    shop.place("1001", lines={"MUG": 2})
    await world.storage.listings.link(SHOP, "MUG", "MUG")
    await world.run(shop)

    await world.runner(shop).hint(KEY)

    assert (await world.order("1001")).state is OrderState.OPEN
    assert await watched(world) == ["1001"]
    await world.runner(shop).hint(KEY)
    assert (await world.order("1001")).state is OrderState.CANCELLED
    assert await watched(world) == []


async def test_look_that_fails_stays_due(memory_world: World) -> None:
    """When the channel does not answer at all, the look is as due as it was before."""
    world = memory_world
    await world.run()
    world.shop.place("1001", lines={"MUG": 2})
    world.shop.fail_next("fetch_order", ChannelUnavailableError("away"), times=9)

    await world.runner().hint(KEY)

    due = await world.storage.orders.watched(SHOP, at=world.clock.now(), limit=9)
    assert [one.key for one in due] == [KEY]
