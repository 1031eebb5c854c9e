"""From the first page to an order that its channel shows as shipped, step by step."""

from __future__ import annotations

import pytest

from ordersync import ChannelId, OrderKey, OrderState, StockLevel
from ordersync.errors import ConfigurationError, OrderNotFoundError, ParcelConflictError, TransitionError
from runner.world import MARKET, SHOP, World, counts


def level(on_hand: int, reserved: int) -> StockLevel:
    """Build the level of mugs."""
    return StockLevel(sku="MUG", location="main", on_hand=on_hand, reserved=reserved)


async def test_seven_steps(world: World) -> None:
    """An order is downloaded, reserved, published to the others, processed, dispatched and confirmed."""
    await world.run()
    world.clock.advance(minutes=5)
    world.shop.place("1001", lines={"MUG": 2})
    world.clock.advance(minutes=5)

    report = await world.run()

    order = await world.order("1001")
    assert (order.state, order.location, order.wanted) == (OrderState.OPEN, "main", {("MUG", "main"): 2})
    assert await world.level() == level(10, 2)
    assert world.market.levels == world.shop.levels == {"MUG": 8}
    assert [one.quantity for one in world.market.levels_applied] == [8]
    assert world.shop.levels_applied == []
    assert counts(report.channels[SHOP]) == {"new": 1}
    assert counts(report.channels[MARKET]) == {"pushed": 1}
    assert report.channels[SHOP].unpublished_s == 301

    order = await world.process("1001")

    assert order.state is OrderState.PROCESSED
    assert await world.level() == level(8, 0)
    assert await world.statuses("1001") == ["queued"]
    assert world.shop.shipments == []

    report = await world.run()

    assert [(one.reference, one.lines, one.carrier, one.tracking_number) for one in world.shop.shipments] == [
        ("1001", {"L1": 2}, "DHL", "JD01")
    ]
    assert world.shop.orders["1001"].status == "Shipped"
    assert await world.statuses("1001") == ["confirmed"]
    assert counts(report.channels[SHOP]) == {"same": 1, "dispatched": 1, "confirmed": 1}
    assert world.market.shipments == []
    assert report.errors == ()


async def test_nothing_is_sent_twice(world: World) -> None:
    """When nothing more is due, further runs write nothing to any channel."""
    world.shop.place("1001", lines={"MUG": 2})
    await world.run()
    await world.process("1001")
    await world.run()
    applied = len(world.market.levels_applied) + len(world.shop.levels_applied)

    for _ in range(3):
        report = await world.run_later(minutes=40)
        assert not any(one.pushed or one.dispatched or one.confirmed for one in report.channels.values())

    assert len(world.market.levels_applied) + len(world.shop.levels_applied) == applied
    assert len(world.shop.shipments) == len(world.shop.notes_received) == 1


async def test_order_leaves_in_two_parcels(world: World) -> None:
    """Each parcel moves its own goods and is told on its own, and the rest goes on being reserved."""
    world.shop.place("1001", lines={"MUG": 3})
    await world.run()

    await world.process("1001", id="p1", lines={"L1": 2}, tracking_number="JD01")
    assert await world.level() == level(8, 1)
    await world.run()
    assert world.shop.orders["1001"].status == "Part shipped"
    assert (await world.order("1001")).state is OrderState.OPEN

    await world.process("1001", id="p2", tracking_number="JD02")
    await world.run_later()

    assert await world.level() == level(7, 0)
    assert world.shop.orders["1001"].status == "Shipped"
    assert [(one.lines, one.tracking_number) for one in world.shop.shipments] == [
        ({"L1": 2}, "JD01"),
        ({"L1": 1}, "JD02"),
    ]
    assert await world.statuses("1001") == ["confirmed", "confirmed"]


async def test_parcel_asked_twice_is_one(world: World) -> None:
    """The same parcel again changes nothing, and other content under its id is refused."""
    world.shop.place("1001", lines={"MUG": 3})
    await world.run()
    first = await world.process("1001")

    assert await world.process("1001") == first
    with pytest.raises(
        ParcelConflictError, match="Shop/north/1001: parcel 'all' was processed before with other content"
    ):
        await world.process("1001", tracking_number="JD99")

    assert await world.level() == level(7, 0)


async def test_cancelled_order_frees_its_stock_everywhere(world: World) -> None:
    """An order that a person cancels gives its goods back, and every channel shows them again."""
    world.shop.place("1001", lines={"MUG": 2})
    await world.run()

    order = await world.desk.cancel(OrderKey(SHOP, "1001"))

    assert order.state is OrderState.CANCELLED
    assert await world.level() == level(10, 0)
    await world.run_later()
    assert world.market.levels == world.shop.levels == {"MUG": 10}
    told = "a cancelled order cannot be cancelled; it was cancelled by the host at 2026-01-05 09:00Z; from here"
    with pytest.raises(TransitionError, match=told):
        await world.desk.cancel(OrderKey(SHOP, "1001"))


async def test_order_nobody_has_is_named(world: World) -> None:
    """A verb on an order that is not stored names it."""
    with pytest.raises(OrderNotFoundError, match="Shop/north/4711"):
        await world.process("4711")


async def test_only_some_channels_run(world: World) -> None:
    """A run limited to one channel leaves the others unread, and still marks what they must be told."""
    world.shop.place("1001", lines={"MUG": 2})
    world.market.place("2001", lines={"MUG": 1})

    report = await world.runner().run_once(only=[SHOP])

    assert list(report.channels) == [SHOP]
    assert world.market.calls.total() == 0
    await world.order("1001")
    report = await world.runner().run_once(only=[MARKET])
    assert list(report.channels) == [MARKET]
    assert world.market.levels == {"MUG": 7}


async def test_unknown_channel_is_named(world: World) -> None:
    """A run limited to a channel that the runner does not have is refused."""
    with pytest.raises(ConfigurationError, match="this runner has no channel Nowhere/at all"):
        await world.runner().run_once(only=[SHOP, ChannelId("Nowhere", "at all")])


async def test_orders_of_both_channels_share_one_stock(world: World) -> None:
    """Two channels with orders at once both end up showing what is left of the stock."""
    world.shop.place("1001", lines={"MUG": 2})
    world.market.place("1001", lines={"MUG": 3})

    await world.run()
    await world.run()

    assert await world.level() == level(10, 5)
    assert world.shop.levels == world.market.levels == {"MUG": 5}
    assert (await world.order("1001", MARKET)).key != (await world.order("1001")).key


async def test_many_pages_are_read(world: World) -> None:
    """Every order of a channel is stored, however many pages it takes, each once."""
    for number in range(7):
        world.shop.place(f"{number}", lines={"MUG": 1})

    report = await world.run()
    again = await world.run_later()

    assert counts(report.channels[SHOP]) == {"new": 7}
    assert report.channels[SHOP].pages == 4
    assert counts(again.channels[SHOP]) == {"same": 7}
    assert [(await world.order(f"{number}")).state for number in range(7)] == [OrderState.OPEN] * 7
