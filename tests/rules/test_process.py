"""Taking parcels out of an order: whole, in part, too much, and while it may not be done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersync.conflicts import BLOCKING, SENTENCES
from ordersync.errors import TransitionError
from ordersync.lifecycle import claim_of, wanted
from ordersync.model.dispatch import NoteStatus, Parcel
from ordersync.model.fields import MAX_QUANTITY
from ordersync.model.orders import LIVE, Conflict, ConflictCode, Order, OrderLine, OrderState, Reason
from ordersync.parcels import process
from ordersync.testing.builders import NOON, make_order

LATER = NOON + timedelta(hours=2)


def test_whole_order_leaves_in_one_parcel() -> None:
    """A parcel without lines takes all that is open, and the order is processed."""
    order = make_order(lines={"MUG": 2, "LID": 1}, state=OrderState.OPEN, channel_order_id="gid-1")

    after, record, note = process(order, Parcel(carrier="DHL", tracking_number="JD01"), at=LATER)

    assert (after.state, after.wanted) == (OrderState.PROCESSED, {})
    assert [line.open for line in after.lines] == [0, 0]
    assert after.revision == order.revision + 1
    assert record.asked.lines is None
    assert (record.id, record.lines, record.at) == ("all", {"1": 2, "2": 1}, LATER)
    assert record.deduction.id == "Shop/one/1001/parcel/all"
    assert record.deduction.taken == {("MUG", "main"): 2, ("LID", "main"): 1}
    assert record.deduction.claim == claim_of(after)
    assert (note.parcel_id, note.status, note.tries) == ("all", NoteStatus.WAITING, 0)
    assert note.note.id == "Shop/one/1001/dispatch/all"
    assert (note.note.order_key, note.note.channel_order_id) == (order.key, "gid-1")
    assert (note.note.lines, note.note.carrier, note.note.tracking_number) == ({"1": 2, "2": 1}, "DHL", "JD01")
    assert note.note.dispatched_at == LATER


def test_parcel_knows_when_it_left() -> None:
    """The time that a person gives goes to the channel, and not the time of the entry."""
    _, record, note = process(make_order(), Parcel(dispatched_at=NOON), at=LATER)

    assert (note.note.dispatched_at, record.at) == (NOON, LATER)


@pytest.mark.parametrize("state", [OrderState.NEW, OrderState.OPEN])
def test_part_of_an_order_leaves_the_rest(state: OrderState) -> None:
    """A parcel with lines takes these, and the order goes on wanting what is left."""
    order = make_order(lines={"MUG": 3, "LID": 1}, state=state, stock_revision=4)

    after, record, _ = process(order, Parcel(id="p1", lines={"1": 2}), at=NOON)

    assert after.state is state
    assert [line.open for line in after.lines] == [1, 1]
    assert after.wanted == {("MUG", "main"): 1, ("LID", "main"): 1}
    assert after.stock_revision == 5 == record.deduction.claim.revision
    assert record.deduction.taken == {("MUG", "main"): 2}


def test_kit_leaves_in_its_components() -> None:
    """A parcel of kits moves each component, added up over lines, at the order's location."""
    lines = [
        OrderLine(line_id="1", channel_sku="SET", quantity=2, components={"MUG": 2, "LID": 1}),
        OrderLine(line_id="2", channel_sku="MUG", quantity=1, components={"MUG": 1}),
    ]

    _, record, _ = process(make_order(lines=lines, location="hall"), Parcel(), at=NOON)

    assert record.deduction.taken == {("MUG", "hall"): 5, ("LID", "hall"): 2}


def test_unlinked_goods_leave_without_a_movement() -> None:
    """A parcel of unlinked lines moves no stock and still has a claim and a revision of its own."""
    order = make_order(lines=[OrderLine(line_id="1", channel_sku="NEW", quantity=1)], stock_revision=3)

    after, record, _ = process(order, Parcel(), at=NOON)

    assert (record.deduction.taken, record.deduction.claim.wanted) == ({}, {})
    assert record.deduction.claim.revision == after.stock_revision == 4
    assert after.state is OrderState.PROCESSED


ADA = Reason(who="Ada", why="fraud?", at=NOON)


def conflict(code: ConflictCode) -> Conflict:
    """Build a conflict that nobody has decided yet."""
    return Conflict(code=code, sentence=SENTENCES[code], at=NOON, view="1")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"parked": "not paid (unpaid)"}, r"is parked \(not paid \(unpaid\)\)"),
        ({"held": ADA}, r"is held by Ada at 2024-05-06 12:00Z \(fraud\?\); resume it first"),
        ({"set_aside": ADA}, r"is parked by Ada at 2024-05-06 12:00Z \(fraud\?\); unpark it first"),
        ({"fulfilled_by_channel": True}, "is fulfilled by the channel"),
        ({"conflict": conflict(ConflictCode.SHIPPED_ELSEWHERE)}, r"is in conflict \(shipped on the channel.*resolve"),
        ({"conflict": conflict(ConflictCode.VANISHED)}, r"is in conflict \(the channel does not show it.*resolve"),
        ({"state": OrderState.CANCELLED}, "a cancelled order cannot be processed"),
        ({"state": OrderState.DELETED, "ended": ADA}, "a deleted order cannot be processed; it was deleted by Ada"),
        ({"state": OrderState.PROCESSED}, "a processed order cannot be processed"),
    ],
)
def test_locked_order_is_not_processed(changes: dict[str, Any], said: str) -> None:
    """A parked, held, ended or foreign order, or one that may have left already, is refused with its reason."""
    with pytest.raises(TransitionError, match=said):
        process(make_order(**changes), Parcel(), at=NOON)


@pytest.mark.parametrize("code", sorted(set(ConflictCode) - BLOCKING))
def test_other_conflicts_do_not_stop_a_parcel(code: ConflictCode) -> None:
    """A conflict that says nothing of goods that have left stops no parcel, and stays until it is decided."""
    after, _, note = process(make_order(conflict=conflict(code)), Parcel(), at=NOON)

    assert (after.state, note.ready) == (OrderState.PROCESSED, NoteStatus.QUEUED)
    assert after.conflict == conflict(code)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"parked": "not paid (unpaid)"},
        {"held": ADA},
        {"set_aside": ADA},
        {"fulfilled_by_channel": True},
        {"conflict": conflict(ConflictCode.SHIPPED_ELSEWHERE)},
        {"conflict": conflict(ConflictCode.VANISHED)},
    ],
)
def test_what_left_by_other_hands_asks_for_no_leave(changes: dict[str, Any]) -> None:
    """Goods that are gone are taken off stock whatever the order waited for, and their note is never sent."""
    order = make_order(lines={"MUG": 2}, state=OrderState.OPEN, **changes)

    after, record, note = process(order, Parcel(id="elsewhere-1"), at=LATER, elsewhere=True)

    assert (after.state, after.conflict, after.wanted) == (OrderState.PROCESSED, None, {})
    assert record.deduction.taken == {("MUG", "main"): 2}
    assert (note.status, note.ready) == (NoteStatus.WAITING, NoteStatus.CONFIRMED)


def test_part_that_left_by_other_hands_leaves_the_rest() -> None:
    """Of an order that left in part by other hands the rest stays open and wanted, and the conflict is over."""
    order = make_order(lines={"MUG": 3}, state=OrderState.OPEN, conflict=conflict(ConflictCode.SHIPPED_ELSEWHERE))

    after, record, _ = process(order, Parcel(id="elsewhere-1", lines={"1": 1}), at=NOON, elsewhere=True)

    assert (after.state, after.conflict, after.wanted) == (OrderState.OPEN, None, {("MUG", "main"): 2})
    assert record.deduction.taken == {("MUG", "main"): 1}


@pytest.mark.parametrize("state", sorted(set(OrderState) - LIVE))
def test_ended_order_takes_no_parcel_of_other_hands(state: OrderState) -> None:
    """Nothing leaves an order that has ended, by whatever hands."""
    with pytest.raises(TransitionError, match=f"a {state} order cannot be processed"):
        process(make_order(state=state), Parcel(), at=NOON, elsewhere=True)


def test_stock_that_is_not_kept_here_is_not_deducted() -> None:
    """An order that reserves nothing here takes nothing off stock here when it leaves."""
    order = make_order(lines={"MUG": 2}, state=OrderState.OPEN, fulfilled_by_channel=True, reserves=False)

    after, record, _ = process(order, Parcel(), at=NOON, elsewhere=True)

    assert (record.deduction.taken, record.deduction.claim.wanted) == ({}, {})
    assert after.stock_revision == order.stock_revision + 1


def test_held_order_that_left_is_deducted() -> None:
    """An order that reserved nothing because it was held is still taken off stock when it has left elsewhere."""
    order = make_order(lines={"MUG": 2}, state=OrderState.OPEN, held=ADA)
    assert order.wanted == {}

    _, record, _ = process(order, Parcel(), at=NOON, elsewhere=True)

    assert record.deduction.taken == {("MUG", "main"): 2}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ({"1": 3}, "parcel 'p1' takes 3 of line '1', but only 2 are open"),
        ({"1": 1, "9": 1}, "parcel 'p1' takes 1 of line '9', but only 0 are open"),
        ({"2": 1}, "parcel 'p1' takes 1 of line '2', but only 0 are open"),
        ({}, "parcel 'p1' holds no lines"),
    ],
)
def test_parcel_that_does_not_fit_is_refused(lines: dict[str, int], said: str) -> None:
    """A parcel takes no more than is open, of no line that is not there, and not nothing."""
    done = OrderLine(line_id="2", channel_sku="LID", quantity=1, processed=1, components={"LID": 1})
    order = make_order(lines=[*make_order(lines={"MUG": 2}).lines, done])

    with pytest.raises(TransitionError, match=said):
        process(order, Parcel(id="p1", lines=lines), at=NOON)


def test_order_with_nothing_open_has_no_parcel() -> None:
    """An order of which everything is gone by other hands cannot be processed by an empty parcel."""
    gone = [OrderLine(line_id="1", channel_sku="MUG", quantity=2, cancelled=1, shipped=1)]

    with pytest.raises(TransitionError, match="parcel 'all' holds no lines"):
        process(make_order(lines=gone), Parcel(), at=NOON)


def test_very_large_order_still_has_its_claim() -> None:
    """Lines at the limit, in kits at the limit, add up to a claim and a movement without an error."""
    lines = [
        OrderLine(line_id=str(n), channel_sku="SET", quantity=MAX_QUANTITY, components={"NUT": MAX_QUANTITY})
        for n in range(3)
    ]
    order = make_order(lines=lines)

    _, record, _ = process(order, Parcel(), at=NOON)

    assert claim_of(order).wanted == record.deduction.taken == {("NUT", "main"): 3 * MAX_QUANTITY**2}


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """Draw an order of a few lines, linked or not, some of it gone by other hands."""
    lines = []
    for number in range(draw(st.integers(1, 4))):
        quantity = draw(st.integers(1, 6))
        cancelled = draw(st.integers(0, quantity))
        lines.append(
            OrderLine(
                line_id=str(number),
                channel_sku=f"C{number}",
                quantity=quantity,
                cancelled=cancelled,
                shipped=draw(st.integers(0, quantity - cancelled)),
                components=draw(st.sampled_from([None, {"MUG": 1}, {"MUG": 2, "LID": 1}])),
            )
        )
    return make_order(lines=lines, state=draw(st.sampled_from([OrderState.NEW, OrderState.OPEN])))


@given(orders(), st.data())
def test_parcels_and_rest_make_the_order(order: Order, data: st.DataObject) -> None:
    """However an order leaves, parcels and rest add up to what was open, in pieces and in stock."""
    whole, total = {line.line_id: line.open for line in order.lines}, dict(wanted(order))
    moved: dict[tuple[str, str], int] = {}
    sent = dict.fromkeys(whole, 0)
    for number in range(data.draw(st.integers(1, 4))):
        left = {line.line_id: line.open for line in order.lines if line.open}
        if not left:
            break
        some = {line_id: data.draw(st.integers(0, quantity)) for line_id, quantity in left.items()}
        lines = {line_id: quantity for line_id, quantity in some.items() if quantity} or None
        revision = order.stock_revision

        order, record, note = process(order, Parcel(id=f"p{number}", lines=lines), at=NOON)

        assert record.deduction.claim.revision == order.stock_revision > revision
        assert record.deduction.claim.wanted == order.wanted == wanted(order)
        assert note.note.lines == record.lines
        for line_id, quantity in record.lines.items():
            sent[line_id] += quantity
        for place, quantity in record.deduction.taken.items():
            moved[place] = moved.get(place, 0) + quantity

        rest = {line.line_id: line.open for line in order.lines}
        assert {line_id: sent[line_id] + rest[line_id] for line_id in whole} == whole
        assert {place: moved.get(place, 0) + order.wanted.get(place, 0) for place in total} == total
        assert (order.state is OrderState.PROCESSED) == (not any(rest.values()))
