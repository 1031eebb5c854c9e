"""Lines that nobody linked, linked later; and orders that other hands than ours will send."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import attrs
import pytest

from ordersync import ChannelOrder, ChannelSettings, OrderKey, OrderPage, OrderState
from ordersync.errors import TransitionError
from ordersync.testing import FakeMarketplace
from runner.watching import watched
from runner.world import SHOP, World, sightings


async def test_unlinked_line_is_saved_and_reserved_once_linked(world: World) -> None:
    """An order of an unlinked SKU is stored without a reservation, and gets it in the run after it is linked."""
    world.shop.list_sku("CUP", 5)
    world.shop.place("1001", lines={"CUP": 2, "MUG": 1})
    report = await world.run()

    order = await world.order("1001")
    assert sightings(report.channels[SHOP]) == {"new": 1}
    assert order.state is OrderState.OPEN
    assert [line.channel_sku for line in order.unlinked] == ["CUP"]
    assert order.wanted == {("MUG", "main"): 1}

    await world.stock("CUP", 5)
    await world.storage.listings.link(SHOP, "CUP", {"CUP": 1, "SAUCER": 2})
    report = await world.run_later()

    order = await world.order("1001")
    assert order.unlinked == ()
    assert order.wanted == {("MUG", "main"): 1, ("CUP", "main"): 2, ("SAUCER", "main"): 4}
    assert ((await world.level("CUP")).reserved, (await world.level("SAUCER")).reserved) == (2, 4)
    assert sightings(report.channels[SHOP]) == {"same": 1}


async def test_unlinked_lines_are_not_read_again_without_a_reason(world: World) -> None:
    """An order that stays unlinked is resolved once for each change of links, and written no more."""
    world.shop.list_sku("CUP", 5)
    world.shop.place("1001", lines={"CUP": 2})
    await world.run()
    await world.storage.listings.link(SHOP, "OTHER", "MUG")
    await world.run_later()
    once = await world.order("1001")

    await world.run_later()

    assert await world.order("1001") == once
    assert once.links_revision > 1


async def test_many_unlinked_orders_are_linked_in_one_run(world: World) -> None:
    """However many orders wait for a link, one run reserves all of them."""
    for number in range(7):
        world.shop.place(f"{number}", lines={"CUP": 1})
    await world.run()
    await world.storage.listings.link(SHOP, "CUP", "CUP")

    await world.run_later()

    assert (await world.level("CUP")).reserved == 7


async def test_link_and_a_person_at_once(world: World) -> None:
    """Orders are resolved one by one when a person was faster with one of them, and the rest in the same run."""
    for number in range(3):
        world.shop.place(f"{number}", lines={"CUP": 2})
    await world.run()
    await world.storage.listings.link(SHOP, "CUP", "CUP")
    calls = Counter[str]()

    async def pack(verb: str) -> None:
        if verb == "save_page" and calls["orders.save_page"] == 1:
            await world.process("1", id="p1", lines={"L1": 1})

    busy = World(watched(world.storage, calls, before=pack), world.clock)
    await busy.run_later(world.shop)

    assert (await world.level("CUP")).reserved == 2 + 1 + 2
    assert (await world.order("1")).unlinked == ()


async def test_orders_are_linked_all_at_once_where_nobody_was_faster(memory_world: World) -> None:
    """Whatever waits for a link is written in one page, and not once more by itself."""
    world, calls = memory_world, Counter[str]()
    for number in range(3):
        world.shop.place(f"{number}", lines={"CUP": 2})
    await world.run()
    await world.storage.listings.link(SHOP, "CUP", "CUP")

    await World(watched(world.storage, calls), world.clock).run(world.shop)

    assert calls["orders.replace"] == 0
    assert (await world.level("CUP")).reserved == 6
    history = await world.storage.orders.history(OrderKey(SHOP, "0"))
    assert [(one.event, one.who, one.why) for one in history] == [
        ("linked", "ordersync", "the channel's links have changed")
    ]


async def test_line_that_is_linked_later_means_the_listing_of_its_own_place(memory_world: World) -> None:
    """An order of one of the channel's locations takes what the listing there means, not another one's meaning."""
    world = memory_world
    shop = world.open(SHOP, ChannelSettings(location={"n": "main", "s": "hall"}))
    shop.place("1001", lines={"CUP": 1}, location="s")
    await world.run(shop)
    await world.storage.listings.link(SHOP, "CUP", "CUP", channel_location="n")
    await world.storage.listings.link(SHOP, "CUP", "SOUTH-CUP", channel_location="s")

    await world.run_later(shop)

    assert (await world.order("1001")).wanted == {("SOUTH-CUP", "hall"): 1}


async def test_link_reaches_no_order_that_is_done(world: World) -> None:
    """An order that was processed or cancelled before its SKU was linked reserves nothing any more."""
    for reference in ("1001", "1002"):
        world.shop.place(reference, lines={"CUP": 1})
    await world.run()
    await world.process("1001")
    await world.desk.cancel(OrderKey(SHOP, "1002"))
    await world.storage.listings.link(SHOP, "CUP", "CUP")

    await world.run_later()

    assert await world.storage.stock.levels(["CUP"]) == []


async def test_relinking_reaches_later_orders_only(world: World) -> None:
    """What a line takes from stock is frozen when it is linked; another link counts for the orders to come."""
    world.shop.place("1001", lines={"MUG": 1})
    await world.run()
    await world.storage.listings.link(SHOP, "MUG", "CUP")
    world.clock.advance(minutes=1)
    world.shop.place("1002", lines={"MUG": 1})

    await world.run_later()

    assert (await world.order("1001")).wanted == {("MUG", "main"): 1}
    assert (await world.order("1002")).wanted == {("CUP", "main"): 1}


class Fulfilling(FakeMarketplace):
    """Sends its orders from its own warehouse."""

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Say of every order that it is not ours to send."""
        page = await super().fetch_orders(updated_since=updated_since, cursor=cursor)
        return attrs.evolve(page, orders=[_theirs(order) for order in page.orders])


def _theirs(order: ChannelOrder) -> ChannelOrder:
    return attrs.evolve(order, fulfilled_by_channel=True)


async def test_order_that_the_channel_sends_itself(world: World) -> None:
    """An order from the channel's own warehouse is stored, reserves nothing of ours, and is never dispatched by us."""
    shop = Fulfilling(SHOP, clock=world.clock)
    shop.list_sku("MUG", 10)
    await world.run(shop)
    world.clock.advance(minutes=1)
    shop.place("1001", lines={"MUG": 2})

    await world.run_later(shop)

    order = await world.order("1001")
    assert (order.fulfilled_by_channel, order.wanted) == (True, {})
    assert (await world.level()).reserved == 0
    with pytest.raises(TransitionError, match="is fulfilled by the channel and never dispatched by us"):
        await world.process("1001")
