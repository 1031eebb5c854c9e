"""What a stored order becomes when its channel shows it differently."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersync.lifecycle import wanted
from ordersync.model.channel_orders import Buyer, ChannelOrder, ChannelOrderLine, FulfillmentStatus, PaymentStatus
from ordersync.model.money import Money
from ordersync.model.orders import CHANNEL, ConflictCode, OrderLine, OrderState, Reason
from ordersync.testing.builders import NOON
from rules.following import CANCELLED, LATER, SHIPPED, after, code_of, line, parted, processed, seen, stored

EDITED_AFTER = ConflictCode.EDITED_AFTER_PROCESSING
CANCELLED_AFTER = ConflictCode.CANCELLED_AFTER_PROCESSING


def test_facts_are_followed_without_touching_stock() -> None:
    """A new word, buyer or date is taken over, and what the order holds stays."""
    shown = seen(
        status="Checked",
        buyer=Buyer(name="Ada"),
        dispatch_by=NOON,
        total=Money(Decimal(3), "EUR"),
        secondary_reference="PO",
    )

    changed = after(stored(), shown)

    assert (changed.status, changed.buyer, changed.dispatch_by) == ("Checked", Buyer(name="Ada"), NOON)
    assert (changed.total, changed.secondary_reference) == (Money(Decimal(3), "EUR"), "PO")
    assert changed.updated_at == NOON + timedelta(minutes=1)
    assert (changed.revision, changed.stock_revision, changed.channel_revision) == (3, 5, 0)
    assert changed.conflict is None


def test_payment_unparks_and_parks() -> None:
    """An order is parked as long as its payment or a hold on the channel says so."""
    parked = stored(parked="not paid (unpaid)", payment=PaymentStatus.UNPAID)

    paid = after(parked, seen())
    held = after(paid, seen(fulfillment=FulfillmentStatus.ON_HOLD))

    assert (paid.parked, paid.payment) == (None, PaymentStatus.PAID)
    assert held.parked == "on hold on the channel"
    assert held.wanted == paid.wanted == parked.wanted


@pytest.mark.parametrize(
    ("lines", "want"),
    [
        ([line("1", 5)], {"MUG": 5}),
        ([line("1", 5, cancelled=2)], {"MUG": 3}),
        ([line("1", 1), line("2", 2, "LID")], {"MUG": 1, "LID": 2}),
        ([line("2", 2, "LID")], {"LID": 2}),
        ([line("1", 1, "LID")], {"LID": 1}),
        ([line("1", 2), line("2", 1, "NEW")], {"MUG": 2}),
    ],
)
def test_lines_and_reservations_are_followed(lines: list[ChannelOrderLine], want: dict[str, int]) -> None:
    """A line that grew, shrank, came, went or changed its SKU is followed, and what the order wants with it."""
    changed = after(stored({"MUG": 2}), seen(lines))

    assert changed.wanted == {(sku, "main"): quantity for sku, quantity in want.items()} == wanted(changed)
    assert (changed.stock_revision, changed.channel_revision) == (6, 6)
    assert changed.state is OrderState.OPEN


def test_what_the_channel_sold_is_followed() -> None:
    """An edit renews what the channel took off its listings, unless it never takes anything off."""
    edited = seen({"MUG": 5})

    assert after(stored({"MUG": 2}), edited).sold == {("MUG", None): 5}
    assert after(stored({"MUG": 2}, sold={}), edited).sold == {}


def test_line_that_went_is_kept_as_cancelled() -> None:
    """A line that the channel shows no more stays in the order as cancelled, also when it is seen again without it."""
    order = stored({"MUG": 2, "LID": 3})
    once = after(order, seen([line("1", 2)]))
    twice = after(once, seen([line("1", 2)], status="Again"))

    assert [(one.line_id, one.quantity, one.cancelled, one.open) for one in once.lines] == [
        ("1", 2, 0, 2),
        ("2", 3, 3, 0),
    ]
    assert twice.lines == once.lines
    assert twice.stock_revision == once.stock_revision


def test_frozen_components_outlive_an_edit() -> None:
    """A line keeps what it was resolved to, whatever its SKU is linked to by now."""
    kit = OrderLine(line_id="1", channel_sku="MUG", quantity=1, components={"OLD": 2})

    assert after(stored([kit]), seen([line("1", 3)])).wanted == {("OLD", "main"): 6}


def test_cancelled_order_frees_its_stock() -> None:
    """An order cancelled on the channel is cancelled here, by the channel, and wants nothing."""
    changed = after(stored(), seen(fulfillment=CANCELLED))

    assert (changed.state, changed.wanted, changed.conflict) == (OrderState.CANCELLED, {}, None)
    assert changed.channel_revision == changed.stock_revision == 6
    assert changed.fulfillment is CANCELLED


def test_cancelled_behind_a_parcel_is_a_conflict() -> None:
    """What is left is cancelled, and a person is told that goods have gone out."""
    changed = after(parted(stored({"MUG": 3})), seen({"MUG": 3}, fulfillment=CANCELLED))

    assert (changed.state, changed.wanted, code_of(changed)) == (OrderState.CANCELLED, {}, CANCELLED_AFTER)


def test_edit_keeps_what_was_processed() -> None:
    """A parcel that went out counts against the new quantity, also where the line's SKU was changed."""
    order = parted(stored({"MUG": 3}))

    more = after(order, seen([line("1", 5)]))
    other = after(order, seen([line("1", 5, "LID")]))
    gone = after(order, seen([line("2", 1, "LID")]))

    assert more.wanted == {("MUG", "main"): 4}
    assert other.wanted == {("LID", "main"): 4}
    assert gone.wanted == {("LID", "main"): 1}
    assert [(one.cancelled, one.processed) for one in gone.lines] == [(0, 0), (2, 1)]


@pytest.mark.parametrize(
    ("shown", "conflict"),
    [
        (seen({"MUG": 2}), EDITED_AFTER),
        (seen([line("1", 1, cancelled=1)]), EDITED_AFTER),
        (seen([line("1", 1, "LID")]), EDITED_AFTER),
        (seen([line("1", 1), line("2", 1, "LID")]), EDITED_AFTER),
        (seen(fulfillment=CANCELLED), CANCELLED_AFTER),
        (seen(fulfillment=SHIPPED), None),
        (seen([line("1", 1, shipped=1)]), None),
        (seen(status="Other"), None),
    ],
)
def test_processed_order_is_never_changed_silently(shown: ChannelOrder, conflict: ConflictCode | None) -> None:
    """A change behind the processing is a named conflict; what stays is due, since the channel moved its levels."""
    order = processed(stored())

    changed = after(order, shown)

    assert code_of(changed) == conflict
    assert (changed.lines, changed.state) == (order.lines, OrderState.PROCESSED)
    assert (changed.wanted, changed.stock_revision - order.stock_revision) == ({}, int(conflict is not None))


def test_what_a_processed_order_sold_is_followed() -> None:
    """An edit behind the processing still renews what the channel took off its listings, so that these are doubted."""
    order = processed(stored({"MUG": 1}))

    assert after(order, seen([line("1", 3), line("2", 1, "LID")])).sold == {("MUG", None): 3, ("LID", None): 1}


def test_line_that_was_cancelled_may_go() -> None:
    """A line that was cancelled as a whole may vanish from a processed order without a conflict."""
    lines = [
        OrderLine(line_id="1", channel_sku="MUG", quantity=1, components={"MUG": 1}),
        OrderLine(line_id="2", channel_sku="LID", quantity=2, cancelled=2, components={"LID": 1}),
    ]
    order = processed(stored(lines))

    assert after(order, seen([line("1", 1)], status="Other")).conflict is None


def test_order_cancelled_there_moves_levels_only_for_what_it_sells_anew() -> None:
    """Of an order that its channel had cancelled, more pieces may have been sold and cancelled again; words may not."""
    order = after(stored({"MUG": 2}), seen({"MUG": 2}, fulfillment=CANCELLED))

    grown = after(order, seen({"MUG": 3}, fulfillment=CANCELLED))
    reworded = after(order, seen({"MUG": 2}, fulfillment=CANCELLED, status="Closed"))
    revived = after(order, seen({"MUG": 2}))

    assert grown.channel_revision == grown.stock_revision == order.stock_revision + 1
    assert reworded.stock_revision == order.stock_revision
    assert revived.channel_revision == revived.stock_revision == order.stock_revision + 1


def test_edit_and_cancellation_in_one_are_both_seen() -> None:
    """An order that grew and was cancelled between two looks has taken off its listings what it grew to."""
    changed = after(stored({"MUG": 2}), seen({"MUG": 5, "LID": 1}, fulfillment=CANCELLED))

    assert changed.sold == {("MUG", None): 5, ("LID", None): 1}


def test_line_that_went_keeps_what_left_of_it() -> None:
    """Of a line that the channel shows no more, what was shipped by other hands stays shipped."""
    lines = [
        OrderLine(line_id="1", channel_sku="MUG", quantity=1, components={"MUG": 1}),
        OrderLine(line_id="2", channel_sku="LID", quantity=5, shipped=2, processed=1, components={"LID": 1}),
    ]

    _, gone = after(stored(lines), seen([line("1", 1)])).lines

    assert (gone.shipped, gone.processed, gone.cancelled, gone.open) == (2, 1, 2, 0)


def test_names_and_prices_are_followed() -> None:
    """A line's title and price are taken over, and a new line brings its own; what left of it is in question."""
    price = Money(Decimal(3), "EUR")
    shown = seen(
        [
            line("1", 2, title="Cup", unit_price=price),
            line("2", 4, "LID", title="Lid", unit_price=price, cancelled=1, shipped=1),
        ]
    )

    changed = after(stored({"MUG": 2}), shown)

    mug, lid = changed.lines
    assert (mug.title, mug.unit_price) == ("Cup", price)
    assert (lid.title, lid.unit_price, lid.cancelled, lid.shipped) == ("Lid", price, 1, 0)
    assert changed.conflict is not None
    assert changed.conflict.lines[1].shipped == 1


quantities = st.dictionaries(st.sampled_from(["MUG", "LID", "NEW"]), st.integers(1, 5), min_size=1)


def lines_of(bought: Mapping[str, int]) -> list[ChannelOrderLine]:
    """Build a line for each SKU, under an id of its own."""
    return [line(sku, quantity, sku) for sku, quantity in bought.items()]


@given(quantities, st.lists(quantities, min_size=1, max_size=4))
def test_any_edits_end_where_the_last_one_says(first: Mapping[str, int], edits: list[Mapping[str, int]]) -> None:
    """After any number of edits the order wants exactly what is shown last, and no revision ever fell."""
    order = after(stored({"TEA": 1}), seen(lines_of(first)))
    for edit in edits:
        before, order = order, after(order, seen(lines_of(edit)))
        assert order.revision > before.revision
        assert order.stock_revision >= before.stock_revision
        assert (order.stock_revision > before.stock_revision) == (order.lines != before.lines)
        assert order.wanted == wanted(order)

    assert order.wanted == {(sku, "main"): n for sku, n in edits[-1].items() if sku != "NEW"}


@pytest.mark.parametrize(
    ("facts", "state"),
    [({}, OrderState.CANCELLED), ({"processed": 1}, OrderState.PROCESSED), ({"shipped": 1}, OrderState.PROCESSED)],
)
def test_order_cancelled_line_by_line_ends(facts: dict[str, Any], state: OrderState) -> None:
    """An order of which the last open piece is cancelled ends: processed if any of it has left, else cancelled."""
    mug = OrderLine(line_id="1", channel_sku="MUG", quantity=3, components={"MUG": 1}, **facts)
    shown = seen([line("1", 3, cancelled=3 - sum(facts.values()), shipped=facts.get("shipped", 0))], status="Changed")

    changed = after(stored([mug]), shown)

    assert (changed.state, changed.wanted, changed.conflict) == (state, {}, None)
    assert changed.revision == 3
    if state is OrderState.CANCELLED:
        assert changed.ended == Reason(who=CHANNEL, why="Changed", at=LATER)
    else:
        assert changed.ended is None


def test_change_is_dated_no_later_than_it_was_seen() -> None:
    """A channel whose clock is ahead cannot hide the changes to come behind a date of the future."""
    changed = after(stored(), seen(updated_at=LATER + timedelta(days=1)))

    assert changed.updated_at == LATER


def test_what_the_channel_sends_out_of_its_own_stock_is_followed() -> None:
    """An order that the channel fulfils out of its own stock is processed piece by piece, without a person."""
    order = stored({"MUG": 3}, fulfilled_by_channel=True, reserves=False)

    part = after(order, seen([line("1", 3, shipped=1)], fulfillment=FulfillmentStatus.PARTIAL))
    whole = after(part, seen([line("1", 3, shipped=3)], fulfillment=SHIPPED))

    assert (part.state, part.lines[0].shipped, part.conflict) == (OrderState.OPEN, 1, None)
    assert (whole.state, whole.lines[0].open, whole.conflict) == (OrderState.PROCESSED, 0, None)
    assert order.wanted == part.wanted == whole.wanted == {}


def test_what_the_channel_sends_out_of_our_stock_is_in_question() -> None:
    """An order that the channel fulfils out of stock kept here leaves that stock only when that is decided."""
    order = stored({"MUG": 3}, fulfilled_by_channel=True)

    changed = after(order, seen([line("1", 3, shipped=3)], fulfillment=SHIPPED))

    assert (changed.state, code_of(changed)) == (OrderState.OPEN, ConflictCode.SHIPPED_ELSEWHERE)
    assert changed.wanted == {("MUG", "main"): 3}
