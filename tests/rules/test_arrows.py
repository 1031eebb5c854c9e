"""The arrows of the lifecycle: every pair of state and event, and what raises an order's revisions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersync.errors import TransitionError
from ordersync.lifecycle import (
    ARROWS,
    OrderEvent,
    advance,
    arrow,
    cancel,
    claim_of,
    due_of,
    link,
    process,
    reserved,
    rewant,
    wanted,
)
from ordersync.model.dispatch import Parcel
from ordersync.model.orders import LIVE, Hold, Order, OrderLine, OrderState
from ordersync.testing.builders import NOON, make_order

E, S = OrderEvent, OrderState

TABLE = {
    S.NEW: {
        E.RESERVED: S.OPEN,
        E.EDITED: S.NEW,
        E.LINKED: S.NEW,
        E.PROCESSED_IN_PART: S.NEW,
        E.PROCESSED: S.PROCESSED,
        E.CANCELLED: S.CANCELLED,
    },
    S.OPEN: {
        E.EDITED: S.OPEN,
        E.LINKED: S.OPEN,
        E.PROCESSED_IN_PART: S.OPEN,
        E.PROCESSED: S.PROCESSED,
        E.CANCELLED: S.CANCELLED,
    },
    S.PROCESSED: {},
    S.CANCELLED: {},
    S.DELETED: {},
}
"""What must hold, written a second time; a state that is missing here fails the test below."""


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
    assert str(caught.value) == f"Shop/one/1001: a {state} order cannot be {event}; {rest}"


def test_table_is_whole() -> None:
    """The module has no arrow beside these."""
    assert {(state, event): to for state, arrows in TABLE.items() for event, to in arrows.items()} == ARROWS


VERBS: dict[str, Callable[[Order], object]] = {
    "cancel": cancel,
    "link": lambda order: link(order, {}, links_revision=2),
    "process": lambda order: process(order, Parcel(), at=NOON),
}


@pytest.mark.parametrize("state", sorted(set(S) - LIVE))
@pytest.mark.parametrize("verb", VERBS)
def test_ended_order_refuses_every_verb(state: OrderState, verb: str) -> None:
    """Nothing can be done to an order that is processed, cancelled or deleted."""
    with pytest.raises(TransitionError, match=f"a {state} order cannot be"):
        VERBS[verb](make_order(state=state))


@pytest.mark.parametrize("state", S)
def test_only_a_live_order_wants_stock(state: OrderState) -> None:
    """An order wants its open pieces while it is new or open, and nothing behind that."""
    expected = {("MUG", "main"): 2} if state in LIVE else {}

    assert wanted(make_order(lines={"MUG": 2}, state=state)) == expected


@pytest.mark.parametrize("changes", [{"held": Hold(who="Ada", why="fraud?", at=NOON)}, {"fulfilled_by_channel": True}])
def test_order_that_is_locked_or_not_ours_to_send_wants_nothing(changes: dict[str, Any]) -> None:
    """A held order, and one that the channel fulfils itself, reserve nothing."""
    assert wanted(make_order(**changes)) == {}


def test_parked_order_wants_stock() -> None:
    """An order that waits for its payment reserves all the same."""
    assert wanted(make_order(parked="not paid (unpaid)")) == {("MUG", "main"): 1}


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


def test_cancelled_order_wants_nothing() -> None:
    """Cancelling frees what was wanted, under a new revision."""
    after = cancel(make_order(state=S.OPEN, stock_revision=3))

    assert (after.state, after.wanted, after.stock_revision) == (S.CANCELLED, {}, 4)


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
