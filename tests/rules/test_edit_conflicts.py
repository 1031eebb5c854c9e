"""What a channel shows that cannot be followed: each conflict, what it keeps, and when it comes back."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from ordersync.conflicts import keep, vanished
from ordersync.lifecycle import advance
from ordersync.model.channel_orders import ChannelOrder, ChannelOrderLine, FulfillmentStatus, PaymentStatus
from ordersync.model.dispatch import Parcel
from ordersync.model.orders import Conflict, ConflictCode, Order, OrderState
from ordersync.parcels import process
from ordersync.testing.builders import NOON
from rules.following import (
    ADA,
    CANCELLED,
    LATER,
    SHIPPED,
    after,
    cancelled_by,
    code_of,
    line,
    parted,
    processed,
    seen,
    stored,
)

C = ConflictCode
REFUNDED_IN_PART = PaymentStatus.PARTIALLY_REFUNDED
EVEN_LATER = LATER + timedelta(days=1)


def in_question(order: Order, what: ChannelOrder) -> Conflict:
    """Follow the channel into a conflict."""
    conflict = after(order, what).conflict
    assert conflict is not None
    return conflict


CASES: dict[ConflictCode, tuple[Order, ChannelOrder]] = {
    C.CANCELLED_AFTER_PROCESSING: (processed(stored({"MUG": 2})), seen({"MUG": 2}, fulfillment=CANCELLED)),
    C.EDITED_AFTER_PROCESSING: (processed(stored({"MUG": 2})), seen({"MUG": 3})),
    C.SHIPPED_ELSEWHERE: (stored({"MUG": 2}), seen({"MUG": 2}, fulfillment=SHIPPED)),
    C.PARTIALLY_REFUNDED: (stored({"MUG": 2}), seen({"MUG": 2}, payment=REFUNDED_IN_PART)),
}
"""For each conflict that a channel shows: the order as it was, and what is shown."""


@pytest.mark.parametrize("code", CASES)
def test_each_conflict_tells_itself(code: ConflictCode) -> None:
    """Each conflict has its code, a sentence, the time it was seen, and what lets it stand."""
    conflict = in_question(*CASES[code])

    assert (conflict.code, conflict.at) == (code, LATER)
    assert conflict.sentence
    assert len(conflict.view) == 24


@pytest.mark.parametrize("code", CASES)
def test_conflict_let_stand_does_not_come_back(code: ConflictCode) -> None:
    """A conflict that was let stand is none while the channel shows the same, and is one again when it does not."""
    order, what = CASES[code]
    kept = keep(after(order, what))

    same = after(kept, attrs.evolve(what, status="Another word"))

    assert (kept.conflict, same.conflict) == (None, None)


def test_our_own_parcels_raise_no_question_again() -> None:
    """What was let stand stays so when our own parcels, or the payment, show up on the channel."""
    order = after(stored({"MUG": 4}), seen([line("1", 4, shipped=1)]))
    part = parted(keep(order))
    edited = keep(after(processed(stored({"MUG": 2})), seen({"MUG": 3})))

    assert after(part, seen([line("1", 4, shipped=2)], payment=PaymentStatus.AUTHORIZED)).conflict is None
    assert code_of(after(part, seen([line("1", 4, shipped=3)]))) is C.SHIPPED_ELSEWHERE
    assert after(edited, seen([line("1", 3, shipped=2)], fulfillment=FulfillmentStatus.PARTIAL)).conflict is None


def test_refund_is_told_beside_what_was_let_stand() -> None:
    """A partial refund is told of an order of which something else was let stand, and lets that stand."""
    kept = keep(after(stored({"MUG": 4}), seen([line("1", 4, shipped=1)])))

    refunded = after(kept, seen([line("1", 4, shipped=1)], payment=REFUNDED_IN_PART))
    both = keep(refunded)

    assert (code_of(refunded), both.reviewed) == (C.PARTIALLY_REFUNDED, kept.reviewed)
    assert after(both, seen([line("1", 4, shipped=1)], payment=REFUNDED_IN_PART, status="Other")).conflict is None


def test_what_was_let_stand_is_asked_again_once_it_was_otherwise() -> None:
    """A contradiction that was let stand, went away and comes back is a question of its own."""
    kept = keep(after(processed(stored({"MUG": 2})), seen({"MUG": 3})))

    back = after(kept, seen({"MUG": 2}))

    assert (back.conflict, back.reviewed) == (None, None)
    assert code_of(after(back, seen({"MUG": 3}))) is C.EDITED_AFTER_PROCESSING


def test_what_was_decided_hides_no_other_contradiction() -> None:
    """An order whose conflict was decided is in question again when another one shows the very same lines."""
    shown = seen([line("1", 3, shipped=1), line("2", 2, "LID")])
    order = after(stored({"MUG": 3, "LID": 2}), shown)
    sent, _, _ = process(order, Parcel(id="elsewhere", lines={"1": 1}), at=NOON, elsewhere=True)
    less = after(sent, seen([line("1", 3, cancelled=2, shipped=1), line("2", 2, "LID", cancelled=2)]))
    assert less.state is OrderState.PROCESSED

    assert code_of(after(less, shown)) is C.EDITED_AFTER_PROCESSING


@pytest.mark.parametrize(
    ("code", "then"),
    [
        (C.CANCELLED_AFTER_PROCESSING, seen({"MUG": 2})),
        (C.EDITED_AFTER_PROCESSING, seen({"MUG": 4})),
        (C.SHIPPED_ELSEWHERE, seen([line("1", 4, shipped=3)])),
    ],
)
def test_conflict_comes_back_when_something_else_is_shown(code: ConflictCode, then: ChannelOrder) -> None:
    """Another contradiction than the one that was let stand is a conflict of its own."""
    order, what = CASES[code]
    kept = keep(after(order, what))
    if code is C.CANCELLED_AFTER_PROCESSING:
        assert after(kept, then).conflict is None
        then = seen({"MUG": 3}, fulfillment=CANCELLED)

    assert in_question(kept, then).code is code


def test_same_conflict_keeps_its_time_and_is_about_what_is_shown_now() -> None:
    """A conflict that goes on keeps the time at which it began, and holds the lines as they are shown by now."""
    order = after(processed(stored({"MUG": 2})), seen({"MUG": 3}))

    conflict = after(order, seen({"MUG": 5}), at=EVEN_LATER).conflict

    assert conflict is not None
    assert (conflict.code, conflict.at) == (C.EDITED_AFTER_PROCESSING, LATER)
    assert [one.quantity for one in conflict.lines] == [5]


def test_conflict_stays_until_somebody_decides_it() -> None:
    """A conflict is not forgotten because the channel goes back on it, and is about what is shown then."""
    order = after(processed(stored({"MUG": 2})), seen({"MUG": 3}))

    back = after(order, seen({"MUG": 2}, status="Other"), at=EVEN_LATER)

    assert back.conflict is not None
    assert (back.conflict.code, back.conflict.at) == (C.EDITED_AFTER_PROCESSING, LATER)
    assert [one.quantity for one in back.conflict.lines] == [2]
    assert after(keep(back), seen({"MUG": 2}, status="Third")).conflict is None


def test_graver_conflict_takes_the_place_of_another() -> None:
    """An order that is in question for one reason is told of another at the time of that."""
    order = after(processed(stored({"MUG": 2})), seen({"MUG": 3}))

    conflict = after(order, seen({"MUG": 3}, fulfillment=CANCELLED), at=EVEN_LATER).conflict

    assert conflict is not None
    assert (conflict.code, conflict.at) == (C.CANCELLED_AFTER_PROCESSING, EVEN_LATER)


@pytest.mark.parametrize(
    ("what", "conflict"),
    [
        (seen({"MUG": 3}, fulfillment=SHIPPED), C.SHIPPED_ELSEWHERE),
        (seen([line("1", 3, shipped=2)]), C.SHIPPED_ELSEWHERE),
        (seen([line("2", 1, "LID", shipped=1)]), C.SHIPPED_ELSEWHERE),
        (seen([line("1", 3, shipped=1)]), None),
    ],
)
def test_shipped_by_other_hands_is_a_conflict(what: ChannelOrder, conflict: ConflictCode | None) -> None:
    """More shipped there than has left here is a conflict, and our own parcels coming back are none."""
    assert code_of(after(parted(stored({"MUG": 3})), what)) == conflict


def test_what_left_elsewhere_is_told_by_line() -> None:
    """The conflict holds what left by other hands in each line, and the order wants it until it is decided."""
    order = parted(stored({"MUG": 3, "LID": 2}))

    changed = after(order, seen([line("1", 3, shipped=2), line("2", 2, "LID", shipped=2)]))

    assert changed.conflict is not None
    assert [(one.shipped, one.processed, one.open) for one in changed.conflict.lines] == [(1, 1, 1), (2, 0, 0)]
    assert changed.wanted == {("MUG", "main"): 2, ("LID", "main"): 2}


def test_whole_order_shipped_elsewhere_holds_every_open_piece() -> None:
    """Where the channel considers all of it shipped, every open piece has left, whatever it says of single lines."""
    conflict = in_question(parted(stored({"MUG": 3})), seen({"MUG": 3}, fulfillment=SHIPPED))

    assert [(one.shipped, one.processed) for one in conflict.lines] == [(2, 1)]


@pytest.mark.parametrize(("whole", "conflict"), [(True, None), (False, C.SHIPPED_ELSEWHERE)])
def test_channel_of_whole_orders_shows_our_part_as_all(*, whole: bool, conflict: ConflictCode | None) -> None:
    """A channel that can only mark whole orders shows all of it as shipped after our first part, which is none."""
    order = parted(stored({"MUG": 3}))

    assert code_of(after(order, seen([line("1", 3, shipped=3)], fulfillment=SHIPPED), whole_order=whole)) == conflict


def test_channel_of_whole_orders_can_ship_elsewhere() -> None:
    """On a channel of whole orders one of which nothing has left here was shipped by other hands."""
    assert code_of(after(stored(), seen(fulfillment=SHIPPED), whole_order=True)) is C.SHIPPED_ELSEWHERE


def test_partial_refund_is_told_once() -> None:
    """An order that is refunded in part is in question once, and goes on wanting what is open."""
    refunded = after(stored({"MUG": 2}), seen({"MUG": 2}, payment=REFUNDED_IN_PART))
    again = after(keep(refunded), seen([line("1", 2, cancelled=1)], payment=REFUNDED_IN_PART))

    assert refunded.wanted == {("MUG", "main"): 2}
    assert (again.conflict, again.wanted) == (None, {("MUG", "main"): 1})


@pytest.mark.parametrize(
    ("order", "conflict"),
    [
        (after(stored({"MUG": 2}), seen({"MUG": 2}, fulfillment=SHIPPED)), C.SHIPPED_ELSEWHERE),
        (after(processed(stored({"MUG": 2})), seen({"MUG": 3})), C.EDITED_AFTER_PROCESSING),
        (cancelled_by(ADA), None),
        (processed(stored({"MUG": 2})), None),
    ],
)
def test_partial_refund_is_never_told_over_more(order: Order, conflict: ConflictCode | None) -> None:
    """A partial refund takes no graver conflict's place, and is none of an order that has ended."""
    lines = [line("1", one.quantity, shipped=one.processed) for one in order.lines]
    if conflict is C.EDITED_AFTER_PROCESSING:
        lines = [line("1", 3)]

    changed = after(order, seen(lines, payment=REFUNDED_IN_PART, fulfillment=FulfillmentStatus.UNSHIPPED))

    assert code_of(changed) == conflict


def test_order_that_had_vanished_is_found_again() -> None:
    """An order that vanished is in question no more as soon as its channel shows it, and may vanish again."""
    order = vanished(stored({"MUG": 2}), at=NOON)
    assert code_of(order) is C.VANISHED

    found = after(order, seen({"MUG": 2}))
    kept_and_found = after(keep(order), seen({"MUG": 2}))

    assert (found.conflict, found.state, found.wanted) == (None, OrderState.OPEN, order.wanted)
    assert (kept_and_found.conflict, kept_and_found.reviewed) == (None, None)


def test_order_that_had_vanished_comes_back_shipped() -> None:
    """An order that vanished and is shown as shipped has left by other hands."""
    conflict = after(vanished(stored(), at=NOON), seen(fulfillment=SHIPPED), at=LATER).conflict

    assert conflict is not None
    assert (conflict.code, conflict.at) == (C.SHIPPED_ELSEWHERE, LATER)


def test_person_may_hold_what_is_in_question() -> None:
    """What people change about an order leaves its conflict alone."""
    order = after(stored(), seen(fulfillment=SHIPPED))

    assert advance(order, held=ADA).conflict == order.conflict


def test_rest_that_is_cancelled_has_not_left() -> None:
    """Where our part went out and the rest was cancelled the channel shows all as shipped, which is no conflict."""
    order = parted(stored({"MUG": 1, "LID": 2}))

    changed = after(order, seen([line("1", 1, shipped=1), line("2", 2, "LID", cancelled=2)], fulfillment=SHIPPED))

    assert (changed.state, changed.conflict, changed.wanted) == (OrderState.PROCESSED, None, {})


@pytest.mark.parametrize(
    "lines",
    [[line("1", 1)], [line("1", 3, cancelled=2)], [line("2", 1, "LID")], [line("1", 3, "LID")]],
)
def test_parcel_of_what_is_not_bought_any_more_is_a_conflict(lines: list[ChannelOrderLine]) -> None:
    """An open order of which more has left than is still bought, or another article, is in question."""
    changed = after(parted(stored({"MUG": 3}), 2), seen(lines))

    assert code_of(changed) is C.EDITED_AFTER_PROCESSING
    assert changed.channel_revision == changed.stock_revision
    assert after(keep(changed), seen(lines, status="Other")).conflict is None
