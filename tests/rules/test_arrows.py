"""The arrows of the lifecycle: every pair of state and event, and what raises an order's revisions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersync import conflicts, handling
from ordersync.errors import TransitionError
from ordersync.lifecycle import (
    ARROWS,
    OrderEvent,
    advance,
    arrow,
    cancel,
    claim_of,
    closed,
    due_of,
    link,
    reserved,
    rewant,
    wanted,
)
from ordersync.model.dispatch import Parcel
from ordersync.model.listings import Links
from ordersync.model.orders import LIVE, Conflict, ConflictCode, Order, OrderLine, OrderState, Reason
from ordersync.parcels import process
from ordersync.testing.builders import NOON, make_order

E, S = OrderEvent, OrderState

ADA = Reason(who="Ada", why="a twin", at=NOON)
BOB = Reason(who="Bob", why="", at=NOON)

TABLE = {
    S.NEW: {
        E.RESERVED: S.OPEN,
        E.EDITED: S.NEW,
        E.LINKED: S.NEW,
        E.PROCESSED_IN_PART: S.NEW,
        E.PROCESSED: S.PROCESSED,
        E.CANCELLED: S.CANCELLED,
        E.HELD: S.NEW,
        E.RESUMED: S.NEW,
        E.PARKED: S.NEW,
        E.UNPARKED: S.NEW,
        E.MOVED: S.NEW,
        E.RELINKED: S.NEW,
        E.DELETED: S.DELETED,
        E.RESOLVED: S.NEW,
        E.VANISHED: S.NEW,
    },
    S.OPEN: {
        E.EDITED: S.OPEN,
        E.LINKED: S.OPEN,
        E.PROCESSED_IN_PART: S.OPEN,
        E.PROCESSED: S.PROCESSED,
        E.CANCELLED: S.CANCELLED,
        E.HELD: S.OPEN,
        E.RESUMED: S.OPEN,
        E.PARKED: S.OPEN,
        E.UNPARKED: S.OPEN,
        E.MOVED: S.OPEN,
        E.RELINKED: S.OPEN,
        E.DELETED: S.DELETED,
        E.RESOLVED: S.OPEN,
        E.VANISHED: S.OPEN,
    },
    S.PROCESSED: {E.REOPENED: S.OPEN, E.RESOLVED: S.PROCESSED},
    S.CANCELLED: {E.REVIVED: S.NEW, E.RESOLVED: S.CANCELLED},
    S.DELETED: {E.RESTORED: S.NEW},
}
"""What must hold, written a second time; a state that is missing here fails the test below."""


def article(state: OrderState) -> str:
    """Return what stands before a state."""
    return "an" if state is S.OPEN else "a"


@pytest.mark.parametrize("state", S)
@pytest.mark.parametrize("event", E)
def test_every_pair_is_an_arrow_or_an_error(state: OrderState, event: OrderEvent) -> None:
    """Each state and event lead somewhere, or the error names every arrow that does exist."""
    order = make_order(state=state)
    expected = TABLE[state].get(event)
    if expected is not None:
        assert arrow(order, event) is expected
        return

    with pytest.raises(TransitionError) as caught:
        arrow(order, event)

    possible = ", ".join(sorted(str(one) for one in TABLE[state]))
    rest = f"from here it can be {possible}" if possible else "nothing leads on from here"
    assert str(caught.value) == f"Shop/one/1001: {article(state)} {state} order cannot be {event}; {rest}"


def test_table_is_whole() -> None:
    """The module has no arrow beside these."""
    assert {(state, event): to for state, arrows in TABLE.items() for event, to in arrows.items()} == ARROWS


@pytest.mark.parametrize("state", [S.CANCELLED, S.DELETED])
def test_error_tells_who_ended_the_order(state: OrderState) -> None:
    """Whoever comes too late is told who ended the order, when and why."""
    with pytest.raises(TransitionError) as caught:
        arrow(make_order(state=state, ended=ADA), E.HELD)

    assert f"; it was {state} by Ada at 2024-05-06 12:00Z (a twin); from here it can be" in str(caught.value)


CONFLICT = Conflict(code=ConflictCode.SHIPPED_ELSEWHERE, sentence="shipped elsewhere", at=NOON, view="1")
LINKS = Links(revision=1, components={})

VERBS: dict[str, Callable[[Order], object]] = {
    "cancel": lambda order: cancel(order, by=BOB),
    "link": lambda order: link(order, {}, links_revision=2),
    "process": lambda order: process(order, Parcel(), at=NOON),
    "process elsewhere": lambda order: process(order, Parcel(), at=NOON, elsewhere=True),
    "hold": lambda order: handling.hold(order, by=BOB),
    "resume": handling.resume,
    "park": lambda order: handling.park(order, by=BOB),
    "unpark": handling.unpark,
    "move": lambda order: handling.move(order, "hall"),
    "relink": lambda order: handling.relink(order, LINKS),
    "delete": lambda order: handling.delete(order, by=BOB),
    "vanished": lambda order: conflicts.vanished(order, at=NOON),
}
"""What can be done to a live order only."""


@pytest.mark.parametrize("state", sorted(set(S) - LIVE))
@pytest.mark.parametrize("verb", VERBS)
def test_ended_order_refuses_every_verb(state: OrderState, verb: str) -> None:
    """Nothing of what people do to live orders can be done to an ended one, and each refusal says who ended it."""
    with pytest.raises(TransitionError, match=rf"a {state} order cannot be .* it was {state} by Ada .*\(a twin\)"):
        VERBS[verb](make_order(state=state, ended=ADA))


@pytest.mark.parametrize("state", sorted(set(S) - {S.DELETED}))
def test_only_a_deleted_order_is_restored(state: OrderState) -> None:
    """An order that nobody deleted cannot be restored."""
    with pytest.raises(TransitionError, match=f"{article(state)} {state} order cannot be restored"):
        handling.restore(make_order(state=state), by=BOB)


@pytest.mark.parametrize("resolution", [conflicts.keep, lambda order: conflicts.follow_lines(order, by=BOB)])
def test_conflict_of_a_tombstone_waits(resolution: Callable[[Order], object]) -> None:
    """The conflict of a deleted order is decided once somebody has restored it."""
    with pytest.raises(TransitionError, match="deleted"):
        resolution(make_order(state=S.DELETED, ended=ADA, conflict=CONFLICT))


@pytest.mark.parametrize("state", S)
def test_only_a_live_order_wants_stock(state: OrderState) -> None:
    """An order wants its open pieces while it is new or open, and nothing behind that."""
    expected = {("MUG", "main"): 2} if state in LIVE else {}

    assert wanted(make_order(lines={"MUG": 2}, state=state)) == expected


@pytest.mark.parametrize("changes", [{"held": ADA}, {"fulfilled_by_channel": True, "reserves": False}])
def test_order_that_is_locked_or_of_other_stock_wants_nothing(changes: dict[str, Any]) -> None:
    """A held order, and one that the channel fulfils out of stock that is not kept here, reserve nothing."""
    assert wanted(make_order(**changes)) == {}


@pytest.mark.parametrize(
    "changes",
    [{"parked": "not paid (unpaid)"}, {"set_aside": ADA}, {"conflict": CONFLICT}, {"fulfilled_by_channel": True}],
)
def test_order_that_waits_wants_stock(changes: dict[str, Any]) -> None:
    """An order that waits for its payment, a person or a decision, or is fulfilled elsewhere, reserves all the same."""
    assert wanted(make_order(**changes)) == {("MUG", "main"): 1}


def test_wanted_adds_up_over_lines_and_kits() -> None:
    """Lines and kits that take the same SKU are added up; unlinked lines want nothing yet."""
    lines = [
        OrderLine(line_id="1", channel_sku="SET", quantity=3, cancelled=1, components={"MUG": 2, "LID": 1}),
        OrderLine(line_id="2", channel_sku="MUG", quantity=4, shipped=1, processed=1, components={"MUG": 1}),
        OrderLine(line_id="3", channel_sku="NEW", quantity=9),
        OrderLine(line_id="4", channel_sku="TEA", quantity=1, processed=1, components={"TEA": 1}),
    ]

    assert wanted(make_order(lines=lines, location="hall")) == {("MUG", "hall"): 6, ("LID", "hall"): 2}


def test_line_is_never_open_below_zero() -> None:
    """A line of which too much has left has nothing open."""
    assert OrderLine(line_id="1", channel_sku="MUG", quantity=2, shipped=2, processed=2).open == 0


def test_change_of_no_stock_raises_one_revision() -> None:
    """A change that touches no stock leaves the stock revision alone."""
    order = make_order(revision=4, stock_revision=7)

    after = advance(order, status="Seen")

    assert (after.revision, after.stock_revision, after.channel_revision) == (5, 7, 0)
    assert after.wanted == order.wanted


def test_change_of_stock_raises_both_revisions() -> None:
    """A change of what is wanted raises the stock revision, and only the channel's own changes are remembered."""
    order = make_order(revision=4, stock_revision=7, channel_revision=3)

    ours = advance(order, location="hall")
    theirs = advance(order, by_channel=True, location="hall")
    restless = advance(order, by_channel=True)

    assert (ours.revision, ours.stock_revision, ours.channel_revision) == (5, 8, 3)
    assert ours.wanted == {("MUG", "hall"): 1}
    assert (theirs.stock_revision, theirs.channel_revision) == (8, 8)
    assert (restless.stock_revision, restless.channel_revision, restless.wanted) == (8, 8, order.wanted)


def test_order_that_begins_anew_is_due_though_it_wants_what_it_did() -> None:
    """An order that is new again is due even where it wants nothing more than before: its sale may count anew."""
    unlinked = OrderLine(line_id="1", channel_sku="MUG", quantity=1)
    order = make_order(lines=[unlinked], state=S.CANCELLED, stock_revision=5)

    assert advance(order, state=S.NEW).stock_revision == 6
    assert advance(attrs.evolve(order, state=S.NEW), state=S.NEW).stock_revision == 5
    assert advance(order, state=S.CANCELLED).stock_revision == 5


def test_cancelled_order_wants_nothing() -> None:
    """Cancelling frees what was wanted, under a new revision, tells who did it and ends every conflict."""
    after = cancel(make_order(state=S.OPEN, stock_revision=3, conflict=CONFLICT), by=ADA)

    assert (after.state, after.wanted, after.stock_revision) == (S.CANCELLED, {}, 4)
    assert (after.ended, after.conflict) == (ADA, None)


def line(quantity: int, **gone: Any) -> OrderLine:  # noqa: ANN401 - fields of the record
    """Build a line of mugs, some of them gone."""
    return OrderLine(line_id="1", channel_sku="MUG", quantity=quantity, components={"MUG": 1}, **gone)


@pytest.mark.parametrize(
    ("gone", "state", "ended"),
    [
        (line(3, cancelled=2), S.OPEN, None),
        (line(3, cancelled=3), S.CANCELLED, ADA),
        (line(3, cancelled=2, processed=1), S.PROCESSED, None),
        (line(3, shipped=3), S.PROCESSED, None),
        (line(3, processed=3), S.PROCESSED, None),
    ],
)
def test_order_of_which_nothing_is_open_ends(gone: OrderLine, state: OrderState, ended: Reason | None) -> None:
    """A live order without open pieces ends: processed if any of it has left, else cancelled by whoever did it."""
    order = make_order(lines=[gone], state=S.OPEN, revision=4, stock_revision=6)

    after = closed(order, by=ADA)

    assert (after.state, after.ended) == (state, ended)
    assert (after.revision, after.stock_revision) == (4, 6)


@pytest.mark.parametrize("state", sorted(set(S) - LIVE))
def test_ended_order_does_not_end_again(state: OrderState) -> None:
    """What has ended stays as it ended, whatever is open of it."""
    order = make_order(lines=[line(1, cancelled=1)], state=state)

    assert closed(order, by=ADA) == order


def test_link_freezes_what_was_open() -> None:
    """Linking gives unlinked lines their components and leaves linked ones as they were."""
    lines = [
        OrderLine(line_id="1", channel_sku="A", quantity=1),
        OrderLine(line_id="2", channel_sku="B", quantity=1, components={"OLD": 1}),
        OrderLine(line_id="3", channel_sku="C", quantity=1),
    ]
    order = make_order(lines=lines, links_revision=1)

    after = link(order, {"1": {"MUG": 2}, "2": {"NEW": 1}}, links_revision=5)

    assert [line.components for line in after.lines] == [{"MUG": 2}, {"OLD": 1}, None]
    assert [line.line_id for line in after.unlinked] == ["3"]
    assert (after.links_revision, after.stock_revision) == (5, order.stock_revision + 1)
    assert after.wanted == {("MUG", "main"): 2, ("OLD", "main"): 1}


@given(
    state=st.sampled_from(S),
    own=st.integers(1, 4),
    told=st.integers(1, 4),
    held=st.integers(1, 6),
    before=st.integers(0, 4),
)
def test_answers_of_the_ledger(state: OrderState, own: int, told: int, held: int, before: int) -> None:
    """A late answer changes nothing, the right one settles in any state, and a ledger ahead of us is overtaken."""
    order = make_order(state=state, stock_revision=own, reserved_revision=min(before, own))

    after = reserved(order, told, held=held)

    if held > own:
        assert after == attrs.evolve(order, revision=order.revision + 1, stock_revision=held + 1)
    elif told != own or order.reserved_revision == own:
        assert after == order
    else:
        assert after.reserved_revision == after.stock_revision == own
        assert after.state is (S.OPEN if state is S.NEW else state)
        assert after.revision == order.revision + 1
        assert reserved(after, told, held=held) == after


@given(state=st.sampled_from(S), stock_revision=st.integers(1, 9))
def test_order_wanted_again_is_due_and_the_same(state: OrderState, stock_revision: int) -> None:
    """An order that is to be claimed anew gets a revision, and nothing else changes."""
    order = make_order(state=state, stock_revision=stock_revision, reserved_revision=stock_revision)

    after = rewant(order)

    assert after.revision == order.revision + 1
    assert after.stock_revision == stock_revision + 1 != after.reserved_revision
    assert attrs.evolve(after, revision=order.revision, stock_revision=stock_revision) == order


def test_due_carries_claim_and_sale() -> None:
    """What settles an order is its claim under its revision, and its sale with the channel's last change."""
    order = make_order(lines={"MUG": 2}, stock_revision=3, channel_revision=2, taken_at=None)

    due = due_of(order)

    assert due.claim == claim_of(order)
    assert (due.claim.order_key, due.claim.revision, due.claim.wanted) == (order.key, 3, {("MUG", "main"): 2})
    assert (due.sale.revision, due.sale.channel_revision, due.sale.taken_at) == (3, 2, order.placed_at)
    assert due.sale.sold == {("MUG", None): 2}
    assert due_of(attrs.evolve(order, taken_at=NOON)).sale.taken_at == NOON
