"""The laws of orders: each is kept in silence, and breaks with its own name."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from ordersync import ChannelOrderLine, Order, OrderState
from ordersync.model.dispatch import NoteStatus, Parcel, ParcelRecord
from ordersync.model.ids import Fence
from ordersync.model.orders import Conflict, ConflictCode, Reason
from ordersync.model.pages import ChangedOrder, PageWork
from ordersync.testing.builders import (
    NOON,
    SHOP,
    make_channel_order,
    make_claim,
    make_decision,
    make_deduction,
    make_order,
)
from ordersync.testing.simulator.checkers.orders import OrdersChecker
from ordersync.testing.simulator.trace import Violation
from simulator.reading import KEY, Books, Bought, Line, Market, breaks, commit, make_note, world_of

FENCE = Fence(SHOP, 1)
ADA = Reason(who="Ada", why="", at=NOON)


class Scene:
    """One order, its market, and a checker that has seen all of it."""

    def __init__(self) -> None:
        self.market, self.books = Market(), Books()
        self.market.orders["1001"] = Bought()
        self.checker = OrdersChecker(world_of(self.market))

    def save(self, **changes: Any) -> Order:  # noqa: ANN401 - fields of an order
        """Show the order, and save it as it was shown."""
        seen = self.market.show(make_channel_order())
        order = make_order(**changes)
        self.books.by_key[KEY] = order
        self.page(new=(order,), decisions=(make_decision(order, seen=seen),))
        return order

    def page(self, **work: Any) -> None:  # noqa: ANN401 - fields of a page
        """Tell of a page that was saved."""
        page = PageWork(channel=SHOP, **work)
        self.checker.committed(commit("orders", "save_page", page, fence=FENCE, at=NOON, answer=True), self.books)

    def become(self, verb: str = "replace", *, by_person: bool = False, **changes: Any) -> Order:  # noqa: ANN401
        """Tell of a verb that changed the order."""
        before = self.books.by_key[KEY]
        order = attrs.evolve(before, **({"revision": before.revision + 1} | changes))
        self.books.by_key[KEY] = order
        facts: dict[str, Any] = {} if by_person else {"fence": FENCE}
        given = {KEY: order.stock_revision} if verb == "reserved" else order
        self.checker.committed(commit("orders", verb, given, expect=before.revision, answer=True, **facts), self.books)
        return order

    def settle(self) -> None:
        """Tell that the order was reserved."""
        before = self.books.by_key[KEY]
        self.become("reserved", state=OrderState.OPEN, reserved_revision=before.stock_revision)


@pytest.fixture
def scene() -> Scene:
    """Open a scene."""
    return Scene()


def test_ordinary_life_breaks_nothing(scene: Scene) -> None:
    """An order that is shown, saved, reserved, deleted and restored breaks no law."""
    scene.save()
    scene.settle()
    scene.become(state=OrderState.DELETED, wanted={}, stock_revision=2, by_person=True)
    scene.become(state=OrderState.NEW, wanted={("MUG", "main"): 1}, stock_revision=3, by_person=True)
    scene.settle()
    scene.checker.ended(scene.books)


def test_order_that_is_saved_twice_breaks_o1(scene: Scene) -> None:
    """An order that is stored cannot be saved as new."""
    scene.save()
    with breaks("O1"):
        scene.save()


def test_order_that_is_lost_breaks_o2(scene: Scene) -> None:
    """What is to be shipped on a market is stored, decided about or in quarantine in the end."""
    with breaks("O2"):
        scene.checker.ended(scene.books)
    scene.books.decided[KEY] = make_decision(KEY, admitted=False)
    scene.checker.ended(scene.books)


def test_order_that_is_gone_from_the_storage_breaks_o2(scene: Scene) -> None:
    """No stored order disappears."""
    order = scene.save()
    del scene.books.by_key[KEY]
    with breaks("O2"):
        scene.checker.committed(commit("orders", "replace", order, expect=1, answer=True), scene.books)


@pytest.mark.parametrize("lines", [{"MUG": 2}, {"CUP": 1}])
def test_line_that_was_never_shown_breaks_o3(scene: Scene, lines: dict[str, int]) -> None:
    """No line is stored with a listing or a quantity that its market never showed."""
    with breaks("O3"):
        scene.save(lines=lines)


def test_document_that_was_never_shown_breaks_o3(scene: Scene) -> None:
    """No document is judged that its market never answered."""
    with breaks("O3"):
        scene.page(decisions=(make_decision(KEY, admitted=False, seen=make_channel_order(status="Invented")),))


@pytest.mark.parametrize(
    ("state", "by_person"),
    [(OrderState.OPEN, False), (OrderState.DELETED, False), (OrderState.NEW, True)],
)
def test_step_that_is_no_arrow_breaks_o4(scene: Scene, state: OrderState, *, by_person: bool) -> None:
    """Only ``reserved`` opens an order, only people delete one, and nothing that is cancelled comes back by hand."""
    scene.save()
    if by_person:
        scene.become(state=OrderState.CANCELLED, ended=ADA, wanted={}, stock_revision=2)
    with breaks("O4"):
        scene.become(state=state, by_person=by_person)


def test_older_document_that_is_taken_over_breaks_o5(scene: Scene) -> None:
    """A form that is older than the one taken over last changes nothing."""
    scene.save()
    older = scene.market.show(make_channel_order(status="Older", updated_at=NOON - timedelta(minutes=1)))
    order = attrs.evolve(scene.books.by_key[KEY], revision=2, status="Older")
    with breaks("O5"):
        scene.page(changed=(ChangedOrder(order=order, expect=1),), decisions=(make_decision(order, seen=older),))


@pytest.mark.parametrize(
    ("law", "changes"),
    [
        ("R08", {"revision": 1, "parked": "unpaid"}),
        ("R06", {"stock_revision": 0}),
        ("R07", {"wanted": {}}),
        ("R05", {"reserved_revision": 1}),
    ],
)
def test_revision_that_does_not_rise_breaks_its_rule(scene: Scene, law: str, changes: dict[str, Any]) -> None:
    """Each write raises the revision, each change of what is wanted the other one, and one verb alone settles it."""
    scene.save()
    with breaks(law):
        scene.become(**changes)


def test_admission_without_an_order_breaks_l2(scene: Scene) -> None:
    """What is admitted is stored, and what is stored was admitted."""
    seen = scene.market.show(make_channel_order())
    with breaks("L2"):
        scene.page(decisions=(make_decision(KEY, seen=seen),))
    scene.books.by_key[KEY] = order = make_order()
    with breaks("L2"):
        scene.page(new=(order,))


@pytest.mark.parametrize("stop", [{"held": ADA}, {"parked": "unpaid"}, {"set_aside": ADA}, {}])
def test_parcel_of_an_order_that_must_wait_breaks_p8(scene: Scene, stop: dict[str, Any]) -> None:
    """Nothing is taken out of an order that is held, parked or set aside at the moment of its record."""
    scene.save()
    before = scene.become(**stop)
    lines = tuple(attrs.evolve(line, processed=1) for line in before.lines)
    after = attrs.evolve(before, revision=3, lines=lines, state=OrderState.PROCESSED, wanted={}, stock_revision=2)
    scene.books.by_key[KEY] = after
    deduction = make_deduction(KEY, "p1", {"MUG": 1}, make_claim(KEY, {}, revision=2))
    parcel = ParcelRecord(order_key=KEY, asked=Parcel(id="p1"), lines={"1": 1}, deduction=deduction, at=NOON)
    told = commit("orders", "record_parcel", parcel, after, make_note(), expect=2, answer="recorded")
    if not stop:
        scene.checker.committed(told, scene.books)
        return
    with breaks("R08"):
        scene.checker.committed(told, scene.books)


@pytest.mark.parametrize("sent", [0, 1])
def test_parcel_of_more_than_left_elsewhere_breaks_l4(scene: Scene, sent: int) -> None:
    """What left by other hands is no more than the market shows as sent."""
    shown = tuple(attrs.evolve(line, shipped=sent) for line in scene.save().lines)
    conflict = Conflict(code=ConflictCode.SHIPPED_ELSEWHERE, sentence="", at=NOON, view="", lines=shown)
    before = scene.become(conflict=conflict)
    lines = tuple(attrs.evolve(line, processed=1) for line in before.lines)
    changes: dict[str, Any] = {
        "revision": 3,
        "stock_revision": 2,
        "state": OrderState.PROCESSED,
        "wanted": {},
        "conflict": None,
    }
    after = scene.books.by_key[KEY] = attrs.evolve(before, lines=lines, **changes)
    deduction = make_deduction(KEY, "p1", {"MUG": 1}, make_claim(KEY, {}, revision=2))
    parcel = ParcelRecord(order_key=KEY, asked=Parcel(id="p1"), lines={"1": 1}, deduction=deduction, at=NOON)
    note = attrs.evolve(make_note(), ready=NoteStatus.CONFIRMED)
    told = commit("orders", "record_parcel", parcel, after, note, expect=2, answer="recorded")
    if sent:
        scene.checker.committed(told, scene.books)
        return
    with breaks("L4"):
        scene.checker.committed(told, scene.books)


@pytest.mark.parametrize(
    "truth",
    [
        Bought(lines=[Line(quantity=2)]),
        Bought(lines=[Line(), Line(line_id="2")]),
        Bought(lines=[Line(cancelled=1)], done=True, cancelled=True),
        Bought(lines=[Line(shipped=1)], done=True),
    ],
)
def test_order_that_is_not_as_shown_breaks_o5_in_the_end(scene: Scene, truth: Bought) -> None:
    """In the end a live order holds what its market sells, and whatever ended there is not live without a word."""
    scene.save()
    scene.settle()
    scene.market.orders["1001"] = truth
    with breaks("O5"):
        scene.checker.ended(scene.books)


def test_order_that_stays_due_breaks_l9(scene: Scene) -> None:
    """In the end every order is reserved."""
    scene.save()
    with breaks("L9"):
        scene.checker.ended(scene.books)


def test_shown_line_of_any_time_may_be_stored(scene: Scene) -> None:
    """A line that was shown once and is stored later breaks nothing, and a refused verb is no commit."""
    seen = scene.market.show(make_channel_order(lines=[ChannelOrderLine(line_id="1", channel_sku="MUG", quantity=3)]))
    order = scene.save()
    changed = attrs.evolve(
        order, revision=2, stock_revision=2, lines=make_order(lines={"MUG": 3}).lines, wanted={("MUG", "main"): 3}
    )
    refused = Violation("X", "refused")
    wrong = commit("orders", "replace", attrs.evolve(changed, revision=0), expect=1, refused=refused)
    scene.checker.committed(wrong, scene.books)
    scene.books.by_key[KEY] = changed
    scene.page(changed=(ChangedOrder(order=changed, expect=1),), decisions=(make_decision(changed, seen=seen),))
