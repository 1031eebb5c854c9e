"""An order as it is saved when it is seen for the first time: alive, ended, at its place, fulfilled by whom."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ordersync.model.channel_orders import ChannelOrder, ChannelOrderLine, FulfillmentStatus, PaymentStatus
from ordersync.model.listings import Links, ListingId
from ordersync.model.orders import CHANNEL, Order, OrderState, Reason
from ordersync.model.settings import ChannelSettings
from ordersync.sync.edits import Shown
from ordersync.sync.new_orders import new_order
from ordersync.testing import FakeMarketplace
from ordersync.testing.builders import NOON, SHOP, make_channel_order

LINKS = Links(revision=3, components={ListingId("MUG"): {"CUP": 1}})
CANCELLED, SHIPPED = FulfillmentStatus.CANCELLED, FulfillmentStatus.SHIPPED
LATER = NOON + timedelta(hours=1)


def saved(what: ChannelOrder, *, stock_revision: int = 1, revived: bool = False, **settings: Any) -> Order:  # noqa: ANN401
    """Save an order of one channel with these settings."""
    channel = FakeMarketplace(SHOP, settings=ChannelSettings(**settings))
    shown = Shown(seen=what, settings=channel.settings, links=LINKS, at=LATER)
    return new_order(channel, shown, stock_revision=stock_revision, revived=revived)


def line(quantity: int, **gone: Any) -> ChannelOrderLine:  # noqa: ANN401 - fields of the record
    """Build a line of mugs as the channel shows it."""
    return ChannelOrderLine(line_id="1", channel_sku="MUG", quantity=quantity, **gone)


def test_living_order_is_new() -> None:
    """An order that waits to be sent is new, and nobody has ended it."""
    order = saved(make_channel_order(lines={"MUG": 2}))

    assert (order.state, order.ended, order.conflict) == (OrderState.NEW, None, None)
    assert (order.wanted, order.channel_revision) == ({("CUP", "main"): 2}, 0)


@pytest.mark.parametrize(
    "shown", [line(3, cancelled=1), line(3, cancelled=1, shipped=1), line(3, cancelled=1, shipped=2)]
)
def test_order_shipped_before_it_was_seen_is_imported_as_processed(shown: ChannelOrderLine) -> None:
    """By setting, an order that was shipped unseen is saved as processed, moves no stock, and has no open piece."""
    order = saved(make_channel_order(lines=[shown], fulfillment=SHIPPED), import_shipped=True)

    assert (order.state, order.wanted, order.ended) == (OrderState.PROCESSED, {}, None)
    assert [(one.quantity, one.cancelled, one.shipped, one.processed, one.open) for one in order.lines] == [
        (3, 1, 2, 0, 0)
    ]


def test_order_cancelled_before_it_was_seen_is_imported_as_cancelled() -> None:
    """By setting, an order that was cancelled unseen is saved as cancelled by its channel, and wants nothing."""
    order = saved(make_channel_order(status="Void", fulfillment=CANCELLED), import_cancelled=True)

    assert (order.state, order.wanted) == (OrderState.CANCELLED, {})
    assert order.ended == Reason(who=CHANNEL, why="Void", at=LATER)


@pytest.mark.parametrize(
    ("what", "revived", "doubted"),
    [
        (make_channel_order(), False, False),
        (make_channel_order(), True, True),
        (make_channel_order(fulfillment=SHIPPED), False, True),
        (make_channel_order(fulfillment=CANCELLED), False, True),
        (make_channel_order(lines=[line(3, cancelled=1)]), False, True),
        (make_channel_order(lines=[line(3, shipped=1)], fulfillment=FulfillmentStatus.PARTIAL), False, False),
    ],
)
def test_order_with_a_past_doubts_its_listings(what: ChannelOrder, *, revived: bool, doubted: bool) -> None:
    """An order of which something was cancelled, or that ended, before it was seen leaves its listings in doubt."""
    order = saved(what, stock_revision=4, revived=revived, import_shipped=True, import_cancelled=True)

    assert order.channel_revision == (4 if doubted else 0)
    assert order.stock_revision == 4
    assert order.sold == {("MUG", None): what.lines[0].quantity}


@pytest.mark.parametrize(
    ("shown", "state", "ended"),
    [
        (line(2, cancelled=2), OrderState.CANCELLED, True),
        (line(2, cancelled=1, shipped=1), OrderState.PROCESSED, False),
    ],
)
def test_order_with_nothing_open_is_saved_as_ended(shown: ChannelOrderLine, state: OrderState, *, ended: bool) -> None:
    """An order whose lines are all gone is not left open, though its channel has not closed it yet."""
    order = saved(make_channel_order(lines=[shown]))

    assert (order.state, order.wanted, order.ended is not None) == (state, {}, ended)


def test_partly_shipped_order_wants_the_rest() -> None:
    """What left before the order was seen is not ours to reserve or to send, and no conflict."""
    what = make_channel_order(lines=[line(3, shipped=1)], fulfillment=FulfillmentStatus.PARTIAL)

    order = saved(what)

    assert (order.state, order.wanted, order.conflict) == (OrderState.NEW, {("CUP", "main"): 2}, None)


@pytest.mark.parametrize(
    ("fulfillment", "told"), [(FulfillmentStatus.UNSHIPPED, True), (SHIPPED, False), (CANCELLED, False)]
)
def test_order_refunded_in_part_is_in_question(fulfillment: FulfillmentStatus, *, told: bool) -> None:
    """A living order that was refunded in part before it was seen is told to a person."""
    what = make_channel_order(payment=PaymentStatus.PARTIALLY_REFUNDED, fulfillment=fulfillment)

    assert (saved(what).conflict is not None) is told


@pytest.mark.parametrize(
    ("place", "settings", "location"),
    [
        (None, {}, "main"),
        ("north", {}, "main"),
        (None, {"location": "hall"}, "hall"),
        ("north", {"location": {"north": "hall", "south": "yard"}}, "hall"),
        ("south", {"location": {"north": "hall", "south": "yard"}}, "yard"),
    ],
)
def test_order_is_saved_to_its_location(place: str | None, settings: dict[str, Any], location: str) -> None:
    """An order is saved to the location of the settings, or to the one that the channel's own means."""
    order = saved(make_channel_order(channel_location=place), **settings)

    assert (order.location, order.channel_location) == (location, place)
    assert order.wanted == {("CUP", location): 1}


@pytest.mark.parametrize(("reserves", "want"), [(False, {}), (True, {("CUP", "their hall"): 1})])
def test_order_fulfilled_by_the_channel_is_kept_apart(*, reserves: bool, want: dict[tuple[str, str], int]) -> None:
    """What the channel sends itself has a place of its own, reserves there by setting, and lowers no listing."""
    order = saved(
        make_channel_order(fulfilled_by_channel=True, channel_location="nowhere"),
        location={"north": "hall"},
        fulfillment_location="their hall",
        fulfillment_reserves=reserves,
    )

    assert (order.location, order.reserves, order.fulfilled_by_channel) == ("their hall", reserves, True)
    assert (order.wanted, order.sold) == (want, {})


def test_date_of_the_future_is_not_believed() -> None:
    """An order dated to come is dated by when it was seen, so that its next change is not hidden."""
    assert saved(make_channel_order(updated_at=LATER + timedelta(days=3))).updated_at == LATER


@pytest.mark.parametrize(
    ("payment", "fulfillment", "reason"),
    [
        (PaymentStatus.PAID, FulfillmentStatus.UNSHIPPED, None),
        (PaymentStatus.UNPAID, FulfillmentStatus.UNSHIPPED, "not paid (unpaid)"),
        (PaymentStatus.PAID, FulfillmentStatus.ON_HOLD, "on hold on the channel"),
        (PaymentStatus.UNPAID, FulfillmentStatus.ON_HOLD, "on hold on the channel"),
    ],
)
def test_order_is_saved_parked_with_its_reason(
    payment: PaymentStatus, fulfillment: FulfillmentStatus, reason: str | None
) -> None:
    """An order that may not be sent yet is saved with the channel's reason, and wants its pieces."""
    order = saved(make_channel_order(payment=payment, fulfillment=fulfillment))

    assert (order.parked, order.wanted) == (reason, {("CUP", "main"): 1})
