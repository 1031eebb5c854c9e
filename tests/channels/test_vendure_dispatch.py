"""Notes become fulfillments, which Vendure makes in two calls."""

from __future__ import annotations

import attrs
import pytest

from channels.vendure_harness import SHOP
from channels.vendure_shop import Order
from channels.vendure_stub import VendureStub
from ordersync.channels.vendure import VendureChannel
from ordersync.errors import ChannelRejectedError, ChannelUnavailableError
from ordersync.model.channel_orders import ChannelOrder
from ordersync.model.dispatch import DispatchNote
from ordersync.model.ids import OrderKey
from ordersync.testing import START
from ordersync.testing.network import When


def note_for(order: Order, quantity: int, tracking: str | None = "T1") -> DispatchNote:
    """Build a note for so many pieces of an order's first line."""
    key = OrderKey(SHOP, order.code)
    return DispatchNote(
        id=key.dispatch_id("p1"),
        order_key=key,
        channel_order_id=order.id,
        lines={order.lines[0].id: quantity},
        carrier="DHL",
        service=None,
        tracking_number=tracking,
        tracking_url=None,
        dispatched_at=START,
    )


def parcels(order: Order) -> list[tuple[str, int, str]]:
    """Return state, pieces and tracking of an order's fulfillments."""
    return [(one.state, sum(one.lines.values()), one.tracking) for one in order.parcels]


async def refused(channel: VendureChannel, note: DispatchNote) -> str:
    """Return why a note is refused; it must not have had an effect."""
    with pytest.raises(ChannelRejectedError) as caught:
        await channel.send_dispatch(note)
    assert caught.value.applied is False
    return str(caught.value)


async def test_note_becomes_a_shipped_fulfillment(stub: VendureStub, channel: VendureChannel) -> None:
    """Carrier and tracking number go along, and what may be sold stays as it is."""
    order = stub.shop.place({"MUG": 3})
    await channel.send_dispatch(note_for(order, 2))

    assert (order.state, parcels(order)) == ("PartiallyShipped", [("Shipped", 2, "T1")])
    assert order.parcels[0].method == "DHL"
    assert stub.shop.variant("MUG").levels == {"1": [18, 1]}


async def test_note_without_tracking_or_carrier_is_sent(stub: VendureStub, channel: VendureChannel) -> None:
    """Vendure demands a method, and takes an empty one."""
    order = stub.shop.place({"MUG": 1})
    await channel.send_dispatch(attrs.evolve(note_for(order, 1, tracking=None), carrier=None))

    assert parcels(order) == [("Shipped", 1, "")]


async def test_half_made_fulfillment_is_finished(stub: VendureStub, channel: VendureChannel) -> None:
    """What was cut between the two calls is found by its lines and tracking, and not made again."""
    order = stub.shop.place({"MUG": 3})
    stub.shop.fulfill(order, {order.lines[0].id: 2}, tracking="T1")
    stub.shop.fulfill(order, {order.lines[0].id: 1}, tracking="other")
    await channel.send_dispatch(note_for(order, 2))

    assert parcels(order) == [("Shipped", 2, "T1"), ("Pending", 1, "other")]
    assert "addFulfillmentToOrder" not in stub.asked


async def test_half_made_fulfillment_of_another_parcel_is_left_alone(
    stub: VendureStub, channel: VendureChannel
) -> None:
    """The same lines under another tracking number are another parcel."""
    order = stub.shop.place({"MUG": 2})
    stub.shop.fulfill(order, {order.lines[0].id: 1}, tracking="other")
    await channel.send_dispatch(note_for(order, 1))

    assert parcels(order) == [("Pending", 1, "other"), ("Shipped", 1, "T1")]


async def test_copies_of_a_half_made_fulfillment_are_taken_back(stub: VendureStub, channel: VendureChannel) -> None:
    """Late copies of one request leave several pending ones: one is shipped, the others give their pieces back."""
    order = stub.shop.place({"MUG": 2})
    for _ in range(3):
        stub.shop.fulfill(order, {order.lines[0].id: 2}, tracking="T1")
    await channel.send_dispatch(note_for(order, 2))

    assert parcels(order) == [("Shipped", 2, "T1"), ("Cancelled", 2, "T1"), ("Cancelled", 2, "T1")]
    assert stub.shop.variant("MUG").levels == {"1": [18, 0]}
    moves = [name for name in stub.asked if name.startswith("transition")]
    assert moves[-1].endswith("Shipped"), "cut before, the others would stay pending for ever"


async def test_second_parcel_with_the_same_content_is_sent(stub: VendureStub, channel: VendureChannel) -> None:
    """Two parcels with the same lines under one tracking number are two."""
    order = stub.shop.place({"MUG": 2})
    for _ in range(2):
        await channel.send_dispatch(note_for(order, 1))

    assert parcels(order) == [("Shipped", 1, "T1"), ("Shipped", 1, "T1")]


@pytest.mark.parametrize("lost", [1, 2, 3])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_note_cut_anywhere_ends_as_one_parcel(
    stub: VendureStub, channel: VendureChannel, lost: int, when: When
) -> None:
    """Whichever request is lost, or its answer, looking and sending again ends with one parcel."""
    order = stub.shop.place({"MUG": 2})
    note = note_for(order, 2)
    await channel.test_connection()
    if lost > 1:
        stub.network.hang("/", 0.001, times=lost - 1)
    stub.network.drop("/", when=when)
    with pytest.raises(ChannelUnavailableError) as caught:
        await channel.send_dispatch(note)
    assert caught.value.applied is (False if lost == 1 else None)

    found = await channel.fetch_order(order.code)
    assert isinstance(found, ChannelOrder)
    if not found.shipments:
        await channel.send_dispatch(note)
    assert parcels(order) == [("Shipped", 2, "T1")]


async def test_faster_copy_has_shipped_it(stub: VendureStub, channel: VendureChannel) -> None:
    """A fulfillment that a copy of the request has just shipped is shipped."""
    order = stub.shop.place({"MUG": 1})

    def ship(name: str) -> None:
        if name.startswith("transition"):
            stub.on_ask = None
            stub.shop.move(order, order.parcels[0], "Shipped")

    stub.on_ask = ship
    await channel.send_dispatch(note_for(order, 1))

    assert parcels(order) == [("Shipped", 1, "T1")]


async def test_note_that_must_not_be_sent_is_refused_here(stub: VendureStub, channel: VendureChannel) -> None:
    """Vendure would ship cancelled orders and carts; the channel does not."""
    cancelled, cart, other = (stub.shop.place({"MUG": 1}, pay=False) for _ in range(3))
    stub.shop.fulfill(cancelled, {cancelled.lines[0].id: 1}, tracking="T1")
    cancelled.state = "Cancelled"

    assert "cancelled" in await refused(channel, note_for(cancelled, 1))
    assert "not paid" in await refused(channel, note_for(cart, 1))
    stub.shop.pay(other)
    strange = attrs.evolve(note_for(other, 1), lines={cart.lines[0].id: 1})
    assert "does not have" in await refused(channel, strange)
    assert parcels(cancelled) == [("Pending", 1, "T1")]
    assert "addFulfillmentToOrder" not in stub.asked


async def test_note_that_vendure_refuses_is_refused(stub: VendureStub, channel: VendureChannel) -> None:
    """Pieces that somebody else has shipped, or that do not lie there, are a refusal that says which."""
    shipped, empty = stub.shop.place({"MUG": 1}), stub.shop.place({"LID": 1})
    stub.shop.fulfill(shipped, {shipped.lines[0].id: 1}, tracking="by hand").state = "Shipped"
    stub.shop.variant("LID").levels["1"][0] = 0

    assert "ITEMS_ALREADY_FULFILLED_ERROR" in await refused(channel, note_for(shipped, 1))
    assert "INSUFFICIENT_STOCK_ON_HAND_ERROR" in await refused(channel, note_for(empty, 1))
