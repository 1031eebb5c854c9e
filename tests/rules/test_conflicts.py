"""What can be done about each conflict, in which state, and what becomes of the order."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersync.conflicts import (
    BLOCKING,
    RESOLUTIONS,
    SENTENCES,
    follow_lines,
    is_expected,
    keep,
    pieces_elsewhere,
    possible,
    require,
    vanished,
)
from ordersync.errors import TransitionError
from ordersync.model.channel_orders import FulfillmentStatus
from ordersync.model.dispatch import Parcel
from ordersync.model.orders import LIVE, Conflict, ConflictCode, Order, OrderLine, OrderState, Resolution
from ordersync.parcels import process
from ordersync.testing.builders import NOON, make_order
from rules.following import ADA, SHIPPED, after, line, parted, processed, seen, stored

C, R, S = ConflictCode, Resolution, OrderState

TABLE = {
    C.CANCELLED_AFTER_PROCESSING: {R.KEEP},
    C.EDITED_AFTER_PROCESSING: {R.KEEP, R.FOLLOW},
    C.SHIPPED_ELSEWHERE: {R.KEEP, R.FOLLOW, R.PROCESS, R.CANCEL},
    C.VANISHED: {R.KEEP, R.PROCESS, R.CANCEL},
    C.PARTIALLY_REFUNDED: {R.KEEP, R.CANCEL},
}
"""What can be done about each conflict, written a second time."""

ENDED = {S.PROCESSED: {R.KEEP, R.FOLLOW}, S.CANCELLED: {R.KEEP}, S.DELETED: set[Resolution]()}
"""What of that is left once an order has ended."""


def in_conflict(code: ConflictCode, state: OrderState = S.OPEN, **changes: Any) -> Order:  # noqa: ANN401
    """Build an order in conflict, shown with one mug more."""
    lines = (attrs.evolve(make_order().lines[0], quantity=3),)
    conflict = Conflict(code=code, sentence=SENTENCES[code], at=NOON, lines=lines, view="v")
    return make_order(lines={"MUG": 2}, state=state, conflict=conflict, **changes)


def test_every_conflict_has_its_resolutions() -> None:
    """The module knows what can be done about every conflict, and no more than this."""
    assert RESOLUTIONS == TABLE
    assert RESOLUTIONS.keys() == SENTENCES.keys() == set(ConflictCode)
    assert {C.SHIPPED_ELSEWHERE, C.VANISHED} == BLOCKING


@pytest.mark.parametrize("state", S)
@pytest.mark.parametrize("code", C)
def test_what_is_possible_in_each_state(code: ConflictCode, state: OrderState) -> None:
    """A live order leaves every choice of its conflict, an ended one fewer, a tombstone none."""
    assert possible(in_conflict(code, state)) == TABLE[code] & ENDED.get(state, set(R))


@pytest.mark.parametrize("resolution", R)
@pytest.mark.parametrize("code", C)
def test_other_resolutions_are_refused(code: ConflictCode, resolution: Resolution) -> None:
    """A resolution that a conflict does not leave is refused, and the error names those that it does."""
    order = in_conflict(code)
    if resolution in TABLE[code]:
        assert require(order, resolution) == order.conflict
        return

    with pytest.raises(TransitionError) as caught:
        require(order, resolution)

    choices = ", ".join(sorted(TABLE[code]))
    assert str(caught.value) == f"Shop/one/1001: {code} cannot be resolved by {resolution}, but by {choices}"


def test_order_in_no_conflict_has_nothing_to_resolve() -> None:
    """Whoever resolves a conflict twice is told that somebody may have been faster."""
    assert possible(make_order()) == frozenset()
    with pytest.raises(TransitionError, match="1001: is in no conflict; somebody may have resolved it already"):
        keep(make_order())


@pytest.mark.parametrize(("code", "state"), [(code, state) for code in C for state in sorted(set(S) - {S.DELETED})])
def test_keeping_changes_nothing_but_the_conflict(code: ConflictCode, state: OrderState) -> None:
    """An order that is kept as it is loses its conflict, and remembers what was let stand; a refund is told once."""
    order = in_conflict(code, state, revision=4, stock_revision=6)

    kept = keep(order)

    let_stand = None if code is C.PARTIALLY_REFUNDED else "v"
    assert attrs.evolve(order, conflict=None, reviewed=let_stand, revision=5) == kept


def test_following_reopens_a_processed_order() -> None:
    """A processed order that is followed to more pieces is open again, and wants those that have not left."""
    order = after(processed(stored({"MUG": 2})), seen([line("1", 5), line("2", 1, "LID")]))

    followed = follow_lines(order, by=ADA)

    assert (followed.state, followed.conflict) == (S.OPEN, None)
    assert followed.wanted == {("MUG", "main"): 3, ("LID", "main"): 1}
    assert [(one.quantity, one.processed) for one in followed.lines] == [(5, 2), (1, 0)]
    assert followed.stock_revision == order.stock_revision + 1


@pytest.mark.parametrize("shown", [[line("1", 1)], [line("1", 2, cancelled=1)], [line("2", 1, "LID", cancelled=1)]])
def test_following_to_less_leaves_a_processed_order_processed(shown: list[Any]) -> None:
    """A processed order of which less is bought by now stays processed, and nothing comes back to stock by itself."""
    order = after(processed(stored({"MUG": 2})), seen(shown))

    followed = follow_lines(order, by=ADA)

    assert (followed.state, followed.wanted, followed.conflict) == (S.PROCESSED, {}, None)
    assert followed.lines[-1 if len(followed.lines) > 1 else 0].processed == 2


def test_followed_order_knows_no_more_conflict() -> None:
    """An order that was followed agrees with its channel."""
    shown = seen([line("1", 5)])
    followed = follow_lines(after(processed(stored({"MUG": 2})), shown), by=ADA)

    assert after(followed, attrs.evolve(shown, status="Other")).conflict is None


def test_following_what_left_elsewhere_moves_no_stock() -> None:
    """What left by other hands is counted as shipped and wanted no more; all of it makes the order processed."""
    part = after(stored({"MUG": 3}), seen([line("1", 3, shipped=1)]))
    whole = after(stored({"MUG": 3}), seen({"MUG": 3}, fulfillment=SHIPPED))

    some, all_of_it = follow_lines(part, by=ADA), follow_lines(whole, by=ADA)

    assert (some.state, some.lines[0].shipped, some.wanted) == (S.OPEN, 1, {("MUG", "main"): 2})
    assert (all_of_it.state, all_of_it.lines[0].shipped, all_of_it.wanted) == (S.PROCESSED, 3, {})
    assert all_of_it.lines[0].processed == 0


def test_following_keeps_what_was_linked_since() -> None:
    """A line that was linked while it was in question keeps its components when it is followed."""
    order = after(stored({"MUG": 3}), seen([line("1", 3, shipped=1)]))
    linked = attrs.evolve(order, lines=(attrs.evolve(order.lines[0], components={"CUP": 2}),))

    assert follow_lines(linked, by=ADA).wanted == {("CUP", "main"): 4}


def test_line_that_became_another_article_means_that() -> None:
    """A line whose SKU was changed after processing takes from stock what the new one means."""
    order = after(processed(stored({"MUG": 1})), seen([line("1", 2, "LID")]))

    assert follow_lines(order, by=ADA).wanted == {("LID", "main"): 1}


@pytest.mark.parametrize(
    ("shown", "pieces"),
    [
        (seen([line("1", 4, shipped=3), line("2", 2, "LID")]), {"1": 2}),
        (seen([line("1", 4, shipped=3), line("2", 2, "LID", shipped=2)]), {"1": 2, "2": 2}),
        (seen({"MUG": 4, "LID": 2}, fulfillment=SHIPPED), {"1": 3, "2": 2}),
        (seen([line("1", 6, shipped=6), line("2", 2, "LID")]), {"1": 5}),
        (seen([line("1", 4), line("2", 2, "LID"), line("3", 1, "LID", shipped=1)]), {"3": 1}),
    ],
)
def test_pieces_that_left_elsewhere(shown: Any, pieces: dict[str, int]) -> None:  # noqa: ANN401 - of a channel
    """What left by other hands is what the channel shows as shipped and we have not sent."""
    assert pieces_elsewhere(after(parted(stored({"MUG": 4, "LID": 2})), shown)) == pieces


def test_all_of_a_vanished_order_may_have_left() -> None:
    """Of an order that vanished every open piece is taken off stock, if it is decided that it has left."""
    assert pieces_elsewhere(vanished(parted(stored({"MUG": 4, "LID": 2})), at=NOON)) == {"1": 3, "2": 2}


@pytest.mark.parametrize("state", sorted(LIVE))
def test_order_vanishes(state: OrderState) -> None:
    """An order that its channel does not show any more stays, wants what it wanted, is in question and in doubt."""
    order = make_order(lines={"MUG": 2}, state=state)

    gone = vanished(order, at=NOON)

    assert gone.conflict == Conflict(code=C.VANISHED, sentence=SENTENCES[C.VANISHED], at=NOON, view="VANISHED")
    assert (gone.state, gone.wanted, gone.lines) == (state, order.wanted, order.lines)
    assert gone.channel_revision == gone.stock_revision == order.stock_revision + 1


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (make_order(), True),
        (make_order(state=S.OPEN, held=ADA), True),
        (make_order(state=S.OPEN, fulfillment=FulfillmentStatus.PARTIAL), True),
        (in_conflict(C.PARTIALLY_REFUNDED), True),
        (make_order(state=S.PROCESSED), False),
        (make_order(state=S.CANCELLED), False),
        (make_order(state=S.DELETED), False),
        (make_order(state=S.OPEN, fulfillment=SHIPPED), False),
        (make_order(state=S.OPEN, fulfillment=FulfillmentStatus.CANCELLED), False),
        (vanished(make_order(state=S.OPEN), at=NOON), False),
        (keep(vanished(make_order(state=S.OPEN), at=NOON)), False),
    ],
)
def test_sweep_should_show_what_is_open_on_both_sides(order: Order, *, expected: bool) -> None:
    """A sweep should show what is open here and was open there, unless it is known to be missing."""
    assert is_expected(order) is expected


quantities = st.integers(0, 3)


@given(ours=quantities, theirs=quantities, cancelled=quantities, grown=quantities)
def test_pieces_elsewhere_are_open_and_not_ours(ours: int, theirs: int, cancelled: int, grown: int) -> None:
    """However much was sent by whom, what left elsewhere is open here, and is what they show beyond what we sent."""
    quantity = 9 + grown
    mug = OrderLine(line_id="1", channel_sku="MUG", quantity=9, processed=ours, components={"MUG": 1})
    shown = seen([line("1", quantity, cancelled=cancelled, shipped=ours + theirs)])

    order = after(stored([mug]), shown)

    assert (order.conflict is not None) == (theirs > 0)
    if theirs:
        assert pieces_elsewhere(order) == {"1": theirs}
        followed = follow_lines(order, by=ADA)
        assert followed.lines[0].open == quantity - cancelled - ours - theirs


def test_each_piece_that_leaves_elsewhere_is_asked_about() -> None:
    """Pieces that leave by other hands one after the other are a conflict each time, also after the first was taken."""
    order = stored({"MUG": 3})
    for gone in (1, 2, 3):
        order = after(order, seen([line("1", 3, shipped=gone)]))
        assert pieces_elsewhere(order) == {"1": 1}
        asked = Parcel(id=f"elsewhere-{gone}", lines=pieces_elsewhere(order))
        order, _, _ = process(order, asked, at=NOON, elsewhere=True)
        assert (order.conflict, order.reviewed) == (None, None)

    assert (order.state, order.lines[0].processed) == (S.PROCESSED, 3)


def test_followed_pieces_are_asked_about_each_time() -> None:
    """Pieces that leave by other hands one after the other are a conflict each time, also where they are followed."""
    order = stored({"MUG": 3})
    for gone in (1, 2, 3):
        order = after(order, seen([line("1", 3, shipped=gone)]))
        order = follow_lines(order, by=ADA)

    assert (order.state, order.lines[0].shipped) == (S.PROCESSED, 3)
