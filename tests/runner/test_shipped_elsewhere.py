"""Orders that other hands ship on the channel while they are open here: whole, in part, beside parcels of our own."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from ordersync import ChannelSettings, Event, OrderKey, OrderState
from ordersync.errors import TransitionError
from ordersync.model.channel_orders import PaymentStatus
from ordersync.model.events import OrderInConflict
from ordersync.model.orders import ConflictCode
from ordersync.testing import FakeMarketplace
from runner.looking import conflict_of, levels
from runner.world import MARKET, SHOP, World, remarks, sightings

KEY = OrderKey(SHOP, "1001")
ELSEWHERE = [("SHIPPED_ELSEWHERE", "Shop/north/1001")]


async def sold(
    world: World,
    quantity: int = 3,
    *,
    traits: Mapping[str, Any] = MappingProxyType({}),
    **settings: Any,  # noqa: ANN401 - of the channel
) -> FakeMarketplace:
    """Sell mugs on a shop with these settings, and tell everybody."""
    shop = world.open(SHOP, ChannelSettings(**settings), **traits)
    await world.sell(shop, "MUG", 10)
    shop.place("1001", lines={"MUG": quantity})
    await world.run(shop, world.market)
    assert await levels(world) == (10, quantity)
    return shop


OUTCOMES: dict[str, tuple[OrderState, tuple[int, int], int]] = {
    "process": (OrderState.PROCESSED, (7, 0), 7),
    "follow": (OrderState.PROCESSED, (10, 0), 10),
    "cancel": (OrderState.CANCELLED, (10, 0), 10),
    "keep": (OrderState.OPEN, (10, 3), 7),
}
"""For each resolution: the order's state, on-hand and reserved, and what both channels show in the end."""


@pytest.mark.parametrize("resolution", OUTCOMES)
@pytest.mark.parametrize("decided", ["by setting", "by a person"])
async def test_whole_order_shipped_elsewhere(world: World, resolution: str, decided: str) -> None:
    """What becomes of the order, of the goods and of what channels show is decided once, by setting or by a person."""
    by_setting = decided == "by setting"
    shop = await sold(world, shipped_elsewhere=resolution if by_setting else None)
    shop.ship_by_hand("1001", carrier="UPS", tracking="1Z")

    report = await world.run_later(shop, world.market)
    assert remarks(report.channels[SHOP], "conflict") == ([] if by_setting else ELSEWHERE)
    if not by_setting:
        assert await conflict_of(world, "1001") is ConflictCode.SHIPPED_ELSEWHERE
        await world.desk.resolve(KEY, resolution, who="Ada")
    await world.run_later(shop, world.market)

    state, held, shown = OUTCOMES[resolution]
    order = await world.order("1001")
    assert (order.state, order.conflict) == (state, None)
    assert await levels(world) == held
    assert shop.levels == world.market.levels == {"MUG": shown}
    assert shop.notes_received == []
    assert len(shop.shipments) == 1
    who = "the settings" if by_setting else "Ada"
    assert [one.who for one in await world.storage.orders.history(KEY)] == ["the channel", who]


async def test_order_shipped_elsewhere_waits_for_a_person(world: World) -> None:
    """Without a setting the order stays open and reserved, is told of once, and may not be processed again."""
    shop = await sold(world)
    shop.ship_by_hand("1001")
    told: list[Event] = []

    first = await world.run_later(shop, observers=[told.append])
    second = await world.run_later(shop, observers=[told.append])

    assert sightings(first.channels[SHOP]) == {"changed": 1}
    assert remarks(first.channels[SHOP], "conflict") == ELSEWHERE
    assert remarks(second.channels[SHOP], "conflict") == []
    assert [(one.order, one.code.value) for one in told if isinstance(one, OrderInConflict)] == [
        (KEY, "SHIPPED_ELSEWHERE")
    ]
    assert (await world.order("1001")).state is OrderState.OPEN
    assert await levels(world) == (10, 3)
    with pytest.raises(TransitionError, match="shipped on the channel by other hands while open here"):
        await world.process("1001")
    assert await world.notes("1001") == []


async def test_deduction_for_other_hands_has_a_parcel_that_is_not_sent(world: World) -> None:
    """Taking off what others shipped is a parcel like any other, except that its channel knows already."""
    shop = await sold(world, shipped_elsewhere="process")
    shop.ship_by_hand("1001")

    report = await world.run_later(shop, world.market)

    [note] = await world.notes("1001")
    assert note.status.value == "confirmed"
    assert dict(note.note.lines) == {"L1": 3}
    assert remarks(report.channels[SHOP], "resolved") == [("process", "Shop/north/1001")]
    assert world.market.levels == {"MUG": 7}
    for _ in range(3):
        await world.run_later(shop, minutes=60)
    assert shop.notes_received == []
    assert await levels(world) == (7, 0)


async def test_part_shipped_elsewhere_is_processed(world: World) -> None:
    """Of three pieces one is shipped by other hands and taken off; the other two are ours to send."""
    shop = await sold(world, shipped_elsewhere="process")
    shop.ship_by_hand("1001", lines={"L1": 1})

    await world.run_later(shop, world.market)

    order = await world.order("1001")
    assert (order.state, order.lines[0].open, order.conflict) == (OrderState.OPEN, 2, None)
    assert await levels(world) == (9, 2)
    assert world.market.levels == {"MUG": 7}
    await world.process("1001")
    await world.run_later(shop, world.market)
    assert [dict(note.lines) for note in shop.notes_received] == [{"L1": 2}]
    assert (await world.order("1001")).state is OrderState.PROCESSED
    assert shop.orders["1001"].status == "Shipped"
    assert await levels(world) == (7, 0)
    await world.run_later(shop)
    assert await world.statuses("1001") == ["confirmed", "confirmed"]
    assert await conflict_of(world, "1001") is None


async def test_part_shipped_elsewhere_is_followed(memory_world: World) -> None:
    """Where goods of other stock were sent, their pieces are open no more, and nothing leaves this shelf for them."""
    shop = await sold(memory_world, shipped_elsewhere="follow")
    shop.ship_by_hand("1001", lines={"L1": 1})

    await memory_world.run_later(shop, memory_world.market)

    order = await memory_world.order("1001")
    assert (order.state, order.lines[0].open, order.lines[0].shipped) == (OrderState.OPEN, 2, 1)
    assert await levels(memory_world) == (10, 2)
    assert shop.levels == memory_world.market.levels == {"MUG": 8}


async def test_rest_shipped_elsewhere_later(memory_world: World) -> None:
    """Each time that others ship a part it is taken off, once."""
    shop = await sold(memory_world, shipped_elsewhere="process")
    for on_hand, reserved in ((9, 2), (8, 1), (7, 0)):
        shop.ship_by_hand("1001", lines={"L1": 1})
        await memory_world.run_later(shop)
        assert await levels(memory_world) == (on_hand, reserved)

    assert (await memory_world.order("1001")).state is OrderState.PROCESSED
    assert shop.notes_received == []


async def test_pieces_shipped_elsewhere_beside_our_own_parcel(world: World) -> None:
    """Pieces in our own parcels are told from those of other hands, before and after our note has arrived."""
    shop = await sold(world, shipped_elsewhere="process")
    await world.process("1001", id="p1", lines={"L1": 1})
    shop.ship_by_hand("1001", lines={"L1": 1}, tracking="1Z")

    await world.run_later(shop)
    await world.run_later(shop)

    order = await world.order("1001")
    assert (order.lines[0].open, order.conflict) == (1, None)
    assert await levels(world) == (8, 1)
    await world.process("1001", id="p2", tracking_number="JD02")
    await world.run_later(shop)
    await world.run_later(shop)
    assert len(shop.notes_received) == 2
    assert [shipment.lines for shipment in shop.shipments] == [{"L1": 1}] * 3
    assert set(await world.statuses("1001")) == {"confirmed"}
    assert await levels(world) == (7, 0)


async def test_our_own_parcel_is_no_conflict(memory_world: World) -> None:
    """What the channel shows as shipped because we said so contradicts nothing."""
    shop = await sold(memory_world)
    await memory_world.process("1001", id="p1", lines={"L1": 1})

    for _ in range(3):
        report = await memory_world.run_later(shop)
        assert remarks(report.channels[SHOP], "conflict") == []

    assert await conflict_of(memory_world, "1001") is None
    assert await levels(memory_world) == (9, 2)


async def test_whole_order_marked_by_our_first_parcel_is_no_conflict(memory_world: World) -> None:
    """Where only whole orders can be marked, our first parcel marks it; what is still open here is ours to send."""
    shop = await sold(memory_world, traits={"whole_order_dispatch": True}, shipped_elsewhere="process")
    await memory_world.process("1001", id="p1", lines={"L1": 1})

    for _ in range(2):
        report = await memory_world.run_later(shop)
        assert remarks(report.channels[SHOP], "conflict") == []

    assert shop.orders["1001"].status == "Shipped"
    assert await levels(memory_world) == (9, 2)
    assert (await memory_world.process("1001", id="p2", tracking_number="JD02")).state is OrderState.PROCESSED
    assert await levels(memory_world) == (7, 0)


async def test_whole_order_marked_by_other_hands_is_a_conflict(memory_world: World) -> None:
    """Where only whole orders can be marked and we sent nothing, somebody else did."""
    shop = await sold(memory_world, traits={"whole_order_dispatch": True})
    shop.ship_by_hand("1001")

    report = await memory_world.run_later(shop)

    assert remarks(report.channels[SHOP], "conflict") == ELSEWHERE


async def test_order_that_was_kept_is_named_again_when_more_is_shipped(world: World) -> None:
    """What a person has let stand is no conflict, until its channel shows something else."""
    shop = await sold(world)
    shop.ship_by_hand("1001", lines={"L1": 1})
    await world.run_later(shop)
    await world.desk.resolve(KEY, "keep", who="Ada")
    world.clock.advance(minutes=1)
    shop.pay("1001")

    report = await world.run_later(shop)
    assert sightings(report.channels[SHOP]) == {"changed": 1}
    assert await conflict_of(world, "1001") is None
    shop.ship_by_hand("1001", lines={"L1": 1})
    report = await world.run_later(shop)

    assert remarks(report.channels[SHOP], "conflict") == ELSEWHERE
    await world.desk.resolve(KEY, "process", who="Ada")
    assert await levels(world) == (8, 1)


async def test_unpaid_order_shipped_elsewhere_is_processed(memory_world: World) -> None:
    """An order that is parked here for its payment may leave by other hands; what has left is taken off."""
    shop = memory_world.open(SHOP, ChannelSettings(download_unpaid=True, shipped_elsewhere="process"))
    await memory_world.sell(shop, "MUG", 10)
    shop.place("1001", lines={"MUG": 3}, paid=False)
    await memory_world.run(shop)
    shop.ship_by_hand("1001")

    await memory_world.run_later(shop)

    assert (await memory_world.order("1001")).state is OrderState.PROCESSED
    assert await levels(memory_world) == (7, 0)


async def test_held_order_shipped_elsewhere_is_processed(world: World) -> None:
    """A hold keeps our hands off an order, not those of others: what has left is taken off."""
    shop = await sold(world, shipped_elsewhere="process")
    await world.desk.hold(KEY, who="Ada", why="ask first")
    assert await levels(world) == (10, 0)
    shop.ship_by_hand("1001")

    await world.run_later(shop)

    assert (await world.order("1001")).state is OrderState.PROCESSED
    assert await levels(world) == (7, 0)


async def test_more_than_is_there_shipped_elsewhere(memory_world: World) -> None:
    """Goods that others shipped are gone, whether we knew of them or not: on-hand turns negative and is told of."""
    shop = await sold(memory_world, 12, shipped_elsewhere="process")
    shop.ship_by_hand("1001")

    report = await memory_world.run_later(shop, memory_world.market)

    assert await levels(memory_world) == (-2, 0)
    assert report.errors == ()
    assert memory_world.market.levels == {"MUG": 0}


async def test_refunded_in_part_is_flagged(world: World) -> None:
    """An order that is refunded in part stays open and reserved, is flagged for a person, and may be processed."""
    shop = await sold(world)
    shop.pay("1001", payment=PaymentStatus.PARTIALLY_REFUNDED)

    report = await world.run_later(shop)

    assert remarks(report.channels[SHOP], "conflict") == [("PARTIALLY_REFUNDED", "Shop/north/1001")]
    assert await conflict_of(world, "1001") is ConflictCode.PARTIALLY_REFUNDED
    assert await levels(world) == (10, 3)
    assert remarks((await world.run_later(shop)).channels[SHOP], "conflict") == []
    assert (await world.process("1001")).state is OrderState.PROCESSED
    assert await levels(world) == (7, 0)


@pytest.mark.parametrize(("resolution", "held"), [("keep", (10, 3)), ("cancel", (10, 0))])
async def test_refunded_in_part_is_decided_by_a_person(world: World, resolution: str, held: tuple[int, int]) -> None:
    """A person keeps an order that was refunded in part, or cancels it; it is not flagged again."""
    shop = await sold(world)
    shop.pay("1001", payment=PaymentStatus.PARTIALLY_REFUNDED)
    await world.run_later(shop)

    await world.desk.resolve(KEY, resolution, who="Ada")
    report = await world.run_later(shop, minutes=60)

    assert remarks(report.channels[SHOP], "conflict") == []
    assert await conflict_of(world, "1001") is None
    assert await levels(world) == held


async def test_order_refunded_in_part_before_it_was_seen(memory_world: World) -> None:
    """An order that is new here and was refunded in part already is downloaded, reserved and flagged."""
    memory_world.market.place("2001", lines={"MUG": 1})
    memory_world.market.pay("2001", payment=PaymentStatus.PARTIALLY_REFUNDED)

    await memory_world.run()

    assert await conflict_of(memory_world, "2001", MARKET) is ConflictCode.PARTIALLY_REFUNDED
    assert (await memory_world.order("2001", MARKET)).state is OrderState.OPEN
    assert await levels(memory_world) == (10, 1)
