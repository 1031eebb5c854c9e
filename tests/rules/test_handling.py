"""What people do to an order, one step at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersync.errors import TransitionError
from ordersync.handling import delete, hold, move, park, relink, restore, resume, unpark
from ordersync.lifecycle import advance, cancel, wanted
from ordersync.model.dispatch import Parcel
from ordersync.model.listings import Links, ListingId
from ordersync.model.orders import LIVE, Order, OrderLine, OrderState, Reason
from ordersync.parcels import process
from ordersync.testing.builders import NOON, make_order

ADA = Reason(who="Ada", why="fraud?", at=NOON)
BOB = Reason(who="Bob", why="", at=NOON + timedelta(hours=1))
LIVING = sorted(LIVE)
HALL = ("MUG", "hall")


def order(state: OrderState = OrderState.OPEN, **changes: Any) -> Order:  # noqa: ANN401 - fields of the record
    """Build a live order of two mugs."""
    return make_order(lines={"MUG": 2}, state=state, **({"revision": 3, "stock_revision": 5} | changes))


@pytest.mark.parametrize("state", LIVING)
def test_held_order_frees_its_stock_and_gets_it_back(state: OrderState) -> None:
    """A held order wants nothing, says who holds it, and wants what it wanted when it is resumed."""
    held = hold(order(state), by=ADA)
    resumed = resume(held)

    assert (held.state, held.held, held.wanted, held.stock_revision) == (state, ADA, {}, 6)
    assert (resumed.state, resumed.held, resumed.wanted) == (state, None, {("MUG", "main"): 2})
    assert (resumed.revision, resumed.stock_revision) == (5, 7)


@pytest.mark.parametrize("state", LIVING)
def test_parked_order_goes_on_reserving(state: OrderState) -> None:
    """An order that a person sets aside wants what it wanted, and its stock revision stays."""
    parked = park(order(state), by=ADA)
    unparked = unpark(parked)

    assert (parked.state, parked.set_aside, parked.wanted) == (state, ADA, {("MUG", "main"): 2})
    assert (unparked.state, unparked.set_aside) == (state, None)
    assert (unparked.revision, unparked.stock_revision) == (5, 5)


@pytest.mark.parametrize(
    ("verb", "subject", "said"),
    [
        (lambda one: hold(one, by=BOB), order(held=ADA), r"is held already, by Ada at 2024-05-06 12:00Z \(fraud\?\)"),
        (resume, order(), "is not held; somebody may have resumed it already"),
        (lambda one: park(one, by=BOB), order(set_aside=ADA), "is parked already, by Ada at 2024-05-06 12:00Z"),
        (unpark, order(), "cannot be unparked, no person has parked it"),
        (unpark, order(parked="not paid (unpaid)"), r"cannot be unparked, its channel says so: not paid \(unpaid\)"),
    ],
)
def test_step_that_somebody_made_before_is_refused(verb: Callable[[Order], Order], subject: Order, said: str) -> None:
    """Whoever does what has been done, or undoes what was not, is told by whom or why."""
    with pytest.raises(TransitionError, match=f"Shop/one/1001: {said}"):
        verb(subject)


def test_unparking_leaves_the_channels_reason() -> None:
    """A person lifts a person's parking only."""
    assert unpark(order(set_aside=ADA, parked="not paid (unpaid)")).parked == "not paid (unpaid)"


@pytest.mark.parametrize("state", LIVING)
def test_moved_order_is_served_from_there(state: OrderState) -> None:
    """A moved order wants the same from another location, and its parcels stay where they left."""
    part, record, _ = process(order(state), Parcel(id="p1", lines={"1": 1}), at=NOON)

    moved = move(part, "hall")

    assert (moved.state, moved.location, moved.wanted) == (state, "hall", {HALL: 1})
    assert moved.stock_revision == part.stock_revision + 1
    assert record.deduction.taken == {("MUG", "main"): 1}
    assert process(moved, Parcel(id="p2"), at=NOON)[1].deduction.taken == {HALL: 1}


def test_held_order_may_be_moved() -> None:
    """A held order is moved without wanting anything, and wants from there once it is resumed."""
    moved = move(hold(order(), by=ADA), "hall")

    assert moved.wanted == {}
    assert resume(moved).wanted == {HALL: 2}


def test_move_to_where_it_is_changes_no_stock() -> None:
    """An order moved to where it is keeps its stock revision."""
    assert move(order(), "main").stock_revision == 5


@pytest.mark.parametrize(
    ("links", "want"),
    [
        ({ListingId("MUG"): {"CUP": 3}}, {("CUP", "main"): 6}),
        ({ListingId("MUG", "north"): {"CUP": 1}, ListingId("MUG"): {"TEA": 1}}, {("CUP", "main"): 2}),
        ({}, {}),
    ],
)
def test_relinked_order_takes_what_its_skus_mean_now(links: dict[ListingId, dict[str, int]], want: Any) -> None:  # noqa: ANN401
    """Every line takes what its listing means now, at the order's own place there; what means nothing takes nothing."""
    relinked = relink(order(channel_location="north"), Links(revision=9, components=links))

    assert (relinked.wanted, relinked.links_revision) == (want, 9)
    assert len(relinked.unlinked) == (0 if want else 1)


@pytest.mark.parametrize("state", LIVING)
def test_deleted_order_is_a_tombstone(state: OrderState) -> None:
    """A deleted order wants nothing, says who deleted it, and keeps its lines."""
    gone = delete(order(state), by=ADA)

    assert (gone.state, gone.ended, gone.wanted) == (OrderState.DELETED, ADA, {})
    assert gone.lines == order().lines
    assert (gone.revision, gone.stock_revision) == (4, 6)


STEPS: dict[str, Callable[[Order], Order]] = {
    "hold": lambda one: hold(one, by=ADA),
    "resume": resume,
    "park": lambda one: park(one, by=ADA),
    "unpark": unpark,
    "move": lambda one: move(one, "hall" if one.location == "main" else "main"),
    "relink": lambda one: relink(one, Links(revision=2, components={ListingId("MUG"): {"CUP": 1}})),
    "delete": lambda one: delete(one, by=ADA),
    "restore": lambda one: restore(one, by=BOB),
    "cancel": lambda one: cancel(one, by=ADA),
    "process": lambda one: process(one, Parcel(id="p1", lines={"1": 1}), at=NOON)[0],
    "edit": lambda one: advance(one, status="Seen"),
}


@given(
    st.lists(st.sampled_from(sorted(STEPS)), max_size=12),
    st.builds(OrderLine, line_id=st.just("1"), channel_sku=st.just("MUG"), quantity=st.integers(1, 4)),
    st.sampled_from([None, {"MUG": 1}, {"MUG": 2, "LID": 1}]),
)
def test_any_steps_keep_the_order_whole(steps: list[str], line: OrderLine, components: dict[str, int] | None) -> None:
    """Whatever people do in whatever order, an order wants what its state says, and no revision ever falls."""
    one = make_order(lines=[attrs.evolve(line, components=components)])
    for name in steps:
        try:
            done = STEPS[name](one)
        except TransitionError:
            continue
        assert done.revision == one.revision + 1
        assert done.stock_revision >= one.stock_revision
        assert done.stock_revision > one.stock_revision or done.wanted == one.wanted
        assert done.wanted == wanted(done)
        assert (done.state in LIVE) == (done.ended is None and done.state is not OrderState.PROCESSED)
        one = done
