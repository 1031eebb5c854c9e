"""What an order of Vendure means: derived from its lines and fulfillments, since its state tells too little."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.vendure_shop import Order, VendureShop, order_document
from ordersync.admission import Candidate, admit, canonical, parking_reason
from ordersync.channels.vendure import reading, scanning
from ordersync.errors import ChannelRejectedError
from ordersync.model.channel_orders import ChannelOrder, FulfillmentStatus, PaymentStatus
from ordersync.model.settings import ChannelSettings


@pytest.fixture
def shop() -> VendureShop:
    """Open a shop."""
    shop = VendureShop()
    for sku in ("MUG", "LID"):
        shop.list_sku(sku, 20)
    return shop


def read(order: Order, precision: int = 2, **changes: Any) -> ChannelOrder:  # noqa: ANN401 - JSON
    """Read an order, with some fields of its document changed."""
    return reading.read_order({**order_document(order), **changes}, precision=precision)


def counts(order: ChannelOrder) -> list[tuple[int, int, int]]:
    """Return quantity, cancelled and shipped of each line."""
    return [(line.quantity, line.cancelled, line.shipped) for line in order.lines]


def test_every_field_is_read(shop: VendureShop) -> None:
    """An order's reference, id, words, amounts, buyer, address and shipping service are where they belong."""
    order = read(shop.place({"MUG": 2, "LID": 1}))

    assert (order.reference, order.channel_order_id) == ("CODE000000000003", "3")
    assert (order.status, order.payment) == ("PaymentSettled", PaymentStatus.PAID)
    assert order.fulfillment is FulfillmentStatus.UNSHIPPED
    assert [(line.channel_sku, line.title, str(line.unit_price)) for line in order.lines] == [
        ("MUG", "Mug", "15.46 EUR"),
        ("LID", "Lid", "15.46 EUR"),
    ]
    assert str(order.total) == "52.33 EUR"
    assert order.buyer is not None
    assert (order.buyer.name, order.buyer.email, order.buyer.phone) == ("Ann Buyer", "ann@example.test", None)
    assert order.shipping_address is not None
    assert order.shipping_address.lines == ("Hauptstr. 1", "Hof 2")
    assert (order.shipping_address.postcode, order.shipping_address.country) == ("10115", "DE")
    assert order.shipping_service == "Parcel"
    assert order.placed_at.isoformat() == "2026-01-05T09:03:07+00:00"


@pytest.mark.parametrize(("precision", "currency", "told"), [(2, "EUR", "36.87 EUR"), (3, "KWD", "3.687 KWD")])
def test_amounts_have_the_decimal_places_of_the_server(
    shop: VendureShop, precision: int, currency: str, told: str
) -> None:
    """The server's setting says how many decimal places an amount has, and the currency does not."""
    order = shop.place({"MUG": 1})

    assert str(read(order, precision, currencyCode=currency, totalWithTax=3687).total) == told
    assert str(read(order, 2, currencyCode="JPY", totalWithTax=100000).total) == "1000.00 JPY"


def test_cancelled_pieces_stay_in_the_gross_quantity(shop: VendureShop) -> None:
    """Vendure lowers a line's quantity when pieces are cancelled, and leaves a cancelled line at 0."""
    order = shop.place({"MUG": 3, "LID": 1})
    shop.cancel_line(order, 0, 1)
    shop.cancel_line(order, 1, 1)

    assert counts(read(order)) == [(3, 1, 0), (1, 1, 0)]
    assert read(order).fulfillment is FulfillmentStatus.UNSHIPPED


def test_modified_line_may_grow(shop: VendureShop) -> None:
    """A line that has more pieces now than when the order was placed has none cancelled."""
    order = shop.place({"MUG": 1})
    order.lines[0].quantity = 4

    assert counts(read(order)) == [(4, 0, 0)]


def test_line_that_was_added_and_taken_back_is_left_out(shop: VendureShop) -> None:
    """A line that was added to a placed order and cancelled again has no pieces, and stops nothing."""
    order = shop.place({"MUG": 1, "LID": 1})
    order.lines[1].quantity = order.lines[1].placed = 0

    assert [line.channel_sku for line in read(order).lines] == ["MUG"]


def test_only_what_has_left_counts_as_shipped(shop: VendureShop) -> None:
    """Shipped and delivered fulfillments count, pending and cancelled ones do not."""
    order = shop.place({"MUG": 9})
    line = order.lines[0].id
    for number, state in enumerate(("Shipped", "Delivered", "Pending", "Cancelled"), start=1):
        shop.fulfill(order, {line: number}, tracking=f"T{number}").state = state

    found = read(order)
    assert counts(found) == [(9, 0, 3)]
    assert found.fulfillment is FulfillmentStatus.PARTIAL
    assert [(dict(one.lines), one.carrier, one.tracking_number) for one in found.shipments] == [
        ({line: 1}, "DHL", "T1"),
        ({line: 2}, "DHL", "T2"),
    ]


def test_authorized_order_is_shipped_when_everything_has_left(shop: VendureShop) -> None:
    """An order whose payment is only promised keeps its state when it ships; its lines tell."""
    order = shop.place({"MUG": 1}, pay=False)
    shop.pay(order, settle=False)
    parcel = shop.fulfill(order, {order.lines[0].id: 1}, tracking="")
    shop.move(order, parcel, "Shipped")

    found = read(order)
    assert (order.state, found.payment) == ("PaymentAuthorized", PaymentStatus.AUTHORIZED)
    assert found.fulfillment is FulfillmentStatus.SHIPPED
    assert found.shipments[0].tracking_number is None


def test_order_whose_rest_was_cancelled_is_shipped(shop: VendureShop) -> None:
    """One of two shipped and the other cancelled: Vendure says PartiallyShipped for ever."""
    order = shop.place({"MUG": 2})
    parcel = shop.fulfill(order, {order.lines[0].id: 1}, tracking="T1")
    shop.move(order, parcel, "Shipped")
    shop.cancel_line(order, 0, 1)

    assert order.state == "PartiallyShipped"
    assert read(order).fulfillment is FulfillmentStatus.SHIPPED


def test_order_that_was_shipped_twice_can_be_read(shop: VendureShop) -> None:
    """A server that shipped more than was ordered shows an order that is wholly shipped, with both parcels."""
    order = shop.place({"MUG": 1})
    for tracking in ("T1", "T1"):
        shop.fulfill(order, {order.lines[0].id: 1}, tracking=tracking).state = "Shipped"

    assert counts(read(order)) == [(1, 0, 1)]
    assert len(read(order).shipments) == 2


def test_lines_of_another_order_are_not_ours(shop: VendureShop) -> None:
    """A fulfillment may span several orders; each sees its own lines, and one without any is not its shipment."""
    order, other = shop.place({"MUG": 1}), shop.place({"MUG": 1})
    mine, theirs = order.lines[0].id, other.lines[0].id
    for lines in ({mine: 1, theirs: 1}, {theirs: 1}, {mine: -1}):
        shop.fulfill(order, lines, tracking="").state = "Shipped"

    assert [dict(one.lines) for one in read(order).shipments] == [{mine: 1}]


@pytest.mark.parametrize(
    ("state", "payment", "fulfillment"),
    [
        ("PaymentSettled", PaymentStatus.PAID, FulfillmentStatus.UNSHIPPED),
        ("PartiallyDelivered", PaymentStatus.PAID, FulfillmentStatus.UNSHIPPED),
        ("Modifying", PaymentStatus.PAID, FulfillmentStatus.ON_HOLD),
        ("ArrangingAdditionalPayment", PaymentStatus.PAID, FulfillmentStatus.ON_HOLD),
        ("ArrangingPayment", PaymentStatus.UNPAID, FulfillmentStatus.UNSHIPPED),
        ("Cancelled", PaymentStatus.PAID, FulfillmentStatus.CANCELLED),
        ("ReadyToPack", PaymentStatus.PAID, FulfillmentStatus.UNKNOWN),
    ],
)
def test_state_says_the_rest(
    shop: VendureShop, state: str, payment: PaymentStatus, fulfillment: FulfillmentStatus
) -> None:
    """Payment, hold, cancellation and a shop's own state are told by the state, beside the payments."""
    order = shop.place({"MUG": 1})
    order.state = state

    assert (read(order).payment, read(order).fulfillment) == (payment, fulfillment)


@pytest.mark.parametrize(
    ("taken", "returned", "state", "payment"),
    [
        (1000, [(400, "Settled")], "PaymentSettled", PaymentStatus.PARTIALLY_REFUNDED),
        (1000, [(400, "Settled"), (600, "Settled")], "PaymentSettled", PaymentStatus.REFUNDED),
        (1000, [(1000, "Pending")], "PaymentSettled", PaymentStatus.PAID),
        (2641, [(500, "Settled")], "PaymentSettled", PaymentStatus.PAID),
        (2641, [(501, "Settled")], "PaymentSettled", PaymentStatus.PARTIALLY_REFUNDED),
        (2641, [(500, "Settled")], "Cancelled", PaymentStatus.PARTIALLY_REFUNDED),
        (1000, [(400, "Settled")], "ArrangingAdditionalPayment", PaymentStatus.PAID),
        (1000, [(1000, "Settled")], "Cancelled", PaymentStatus.REFUNDED),
        (0, [], "Cancelled", PaymentStatus.UNPAID),
    ],
)
def test_refunds_are_told(
    shop: VendureShop, taken: int, returned: list[tuple[int, str]], state: str, payment: PaymentStatus
) -> None:
    """Money that was given back makes an order refunded, in part or as a whole; not while what it costs is covered."""
    order = shop.place({"MUG": 1})
    order.state = state
    refunds = [{"total": total, "state": word} for total, word in returned]
    order.payments = [{"state": "Settled", "amount": taken, "refunds": refunds}]

    assert read(order).payment is payment


@pytest.mark.parametrize("state", sorted(reading.HELD))
def test_order_that_is_being_changed_waits(shop: VendureShop, state: str) -> None:
    """What was paid or promised for it stands, what has left of it has left, and the rest is on hold."""
    order = shop.place({"MUG": 3}, pay=False)
    shop.pay(order, settle=False)
    shop.move(order, shop.fulfill(order, {order.lines[0].id: 1}, tracking="T1"), "Shipped")
    order.lines[0].quantity, order.state = 4, state

    found = read(order)
    assert (found.payment, found.fulfillment) == (PaymentStatus.AUTHORIZED, FulfillmentStatus.ON_HOLD)
    assert counts(found) == [(4, 0, 1)]
    settings = ChannelSettings()
    assert admit(Candidate(order=found, settings=settings)) is None
    assert parking_reason(*canonical(found, settings)) == "on hold on the channel"


def test_order_that_is_being_changed_is_shipped_when_everything_has_left(shop: VendureShop) -> None:
    """A seller may open a shipped order again; while nothing is added, nothing of it is open."""
    order = shop.place({"MUG": 1})
    shop.move(order, shop.fulfill(order, {order.lines[0].id: 1}, tracking="T1"), "Shipped")
    order.state = "Modifying"

    assert read(order).fulfillment is FulfillmentStatus.SHIPPED


def test_cart_has_the_time_at_which_it_was_made(shop: VendureShop) -> None:
    """An order that is not placed yet was begun when its cart was made, and has nothing cancelled."""
    order = shop.place({"MUG": 2}, pay=False)

    found = read(order)
    assert (found.placed_at, counts(found)) == (order.created_at, [(2, 0, 0)])


def test_order_without_buyer_or_address_can_be_read(shop: VendureShop) -> None:
    """An order can be paid for without any address: then all of it is null, or it is null itself."""
    order = shop.place({"MUG": 1})
    nobody = dict.fromkeys(order_document(order)["shippingAddress"])

    for address in (None, nobody):
        found = read(order, customer=None, shippingAddress=address, payments=None, fulfillments=None)
        assert (found.buyer, found.shipping_address, found.shipments) == (None, None, ())


@given(st.data())
def test_scan_misses_nothing_that_stays(data: st.DataObject) -> None:
    """However orders leave and enter the scanned states between two pages, all that stay are seen once."""
    present = set(range(1, data.draw(st.integers(0, 40)) + 1))
    stayed = set(present)
    size = data.draw(st.integers(1, 12))
    seen: set[int] = set()
    position: scanning.Position | None = scanning.Position()
    for _ in range(400):
        assert position is not None
        window = scanning.Window(scanning.position_of(position.cursor) if position.last_id else position, size)
        asked = sorted(present)[window.skip : window.skip + window.take]
        items, position = window.page([{"id": str(one)} for one in asked], total=len(present))
        shown = {int(item["id"]) for item in items}
        assert not shown & seen, "an order is shown twice"
        seen |= shown
        if position is None:
            break
        gone = data.draw(st.sets(st.sampled_from(sorted(present)), max_size=8)) if present else set()
        present -= gone
        stayed -= gone
        present |= data.draw(st.sets(st.integers(1, 60), max_size=3))
    assert position is None, "the scan does not end"
    assert stayed <= seen


@pytest.mark.parametrize("cursor", ["", "x", "-1/2", "1/", "1", "٣/1", "1/2/3", "9999999999/1"])
def test_foreign_cursor_is_refused(cursor: str) -> None:
    """A cursor that no scan has given is refused."""
    with pytest.raises(ChannelRejectedError, match="start the scan again"):
        scanning.position_of(cursor)
