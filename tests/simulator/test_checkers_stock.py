"""The laws of stock: each is kept in silence, and breaks with its own name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import pytest

from ordersync import Order, OrderState
from ordersync.model.dispatch import Parcel, ParcelRecord
from ordersync.model.stock import Deduction, Movement
from ordersync.testing.builders import NOON, make_claim, make_deduction, make_order
from ordersync.testing.simulator.checkers.stock import STRANGER, StockChecker
from simulator.reading import KEY, Books, Market, breaks, commit, make_note, world_of

MUG = ("MUG", "main")
NOTE = make_note()


class Scene:
    """Ten mugs, an order for one of them, and a checker that has seen all of it."""

    def __init__(self) -> None:
        self.books = Books()
        self.checker = StockChecker(world_of(Market()))
        self.books.lay(10)
        self.books.movements.append(Movement(id="opening", sku="MUG", location="main", quantity=10, on_hand_after=10))
        self.stock("set_on_hand", "MUG", location="main", quantity=10, movement_id="opening")
        self.order(make_order())

    def stock(self, verb: str, *args: object, **facts: Any) -> None:  # noqa: ANN401 - of any verb
        """Tell of a verb of the ledger."""
        self.checker.committed(commit("stock", verb, *args, **facts), self.books)

    def order(self, order: Order) -> None:
        """Tell that the order was written."""
        self.books.by_key[KEY] = order
        self.checker.committed(commit("orders", "replace", order, expect=1, answer=True), self.books)

    def reserve(self, wanted: Mapping[str, int] | None = None, *, revision: int = 1, reserved: int = 1) -> None:
        """Tell that the ledger holds what the order claims."""
        claim = self.books.holds[KEY] = make_claim(KEY, wanted, revision=revision)
        self.books.lay(10, reserved=reserved)
        self.stock("reserve", [claim])

    def settled(self) -> None:
        """Tell that the order counts as reserved."""
        order = self.books.by_key[KEY]
        state = OrderState.OPEN if order.state is OrderState.NEW else order.state
        order = attrs.evolve(order, state=state, reserved_revision=order.stock_revision)
        self.books.by_key[KEY] = order
        self.checker.committed(commit("orders", "reserved", {KEY: order.stock_revision}), self.books)

    def cancelled(self) -> None:
        """Tell that the order was cancelled."""
        order = self.books.by_key[KEY]
        self.order(attrs.evolve(order, state=OrderState.CANCELLED, wanted={}, stock_revision=2))

    def packed(self) -> Deduction:
        """Tell that a parcel with the mug was recorded."""
        deduction = make_deduction(KEY, "p1", {"MUG": 1}, make_claim(KEY, {}, revision=2))
        parcel = ParcelRecord(order_key=KEY, asked=Parcel(id="p1"), lines={"1": 1}, deduction=deduction, at=NOON)
        order = self.books.by_key[KEY]
        lines = tuple(attrs.evolve(line, processed=1) for line in order.lines)
        order = attrs.evolve(order, lines=lines, state=OrderState.PROCESSED, wanted={}, stock_revision=2)
        self.books.by_key[KEY], self.books.parcels[KEY, "p1"] = order, parcel
        self.books.noted[KEY] = [NOTE]
        told = commit("orders", "record_parcel", parcel, order, NOTE, expect=1, answer="recorded")
        self.checker.committed(told, self.books)
        return deduction

    def new_ledger(self) -> None:
        """Tell that the ledger is another one, which holds nothing for the order under a revision above ours."""
        claim = self.books.holds[KEY] = make_claim(KEY, {}, revision=7)
        self.books.lay(10)
        self.checker.committed(commit("stock", "reserve", [claim], process=STRANGER), self.books)

    def rewanted(self, **changes: Any) -> None:  # noqa: ANN401 - fields of an order
        """Tell that every order is to be told anew."""
        self.books.by_key[KEY] = attrs.evolve(self.books.by_key[KEY], **changes)
        self.checker.committed(commit("orders", "rewant_all"), self.books)

    def deduct(self, deduction: Deduction, *, left: int) -> None:
        """Tell that the parcel was deducted, with so many mugs left."""
        self.books.holds[KEY] = deduction.claim
        self.books.lay(left)
        self.stock("deduct", deduction)


@pytest.fixture
def scene() -> Scene:
    """Open a scene."""
    return Scene()


def test_ordinary_life_breaks_nothing(scene: Scene) -> None:
    """An order that is reserved and processed leaves a ledger that adds up, and a repetition changes nothing."""
    scene.reserve()
    scene.settled()
    deduction = scene.packed()
    scene.deduct(deduction, left=9)
    scene.deduct(deduction, left=9)
    scene.settled()
    scene.books.movements.append(Movement(id=deduction.id, sku="MUG", location="main", quantity=-1, on_hand_after=9))
    scene.checker.ended(scene.books)


def test_goods_that_people_move_add_up(scene: Scene) -> None:
    """A stocktake, a correction and a transfer change exactly the levels that they name."""
    scene.books.lay(12)
    scene.stock("adjust", "MUG", location="main", quantity=2, movement_id="found")
    scene.books.lay(7)
    scene.books.lay(5, location="depot")
    scene.stock("transfer", "MUG", source="main", destination="depot", quantity=5, movement_id="moved")
    scene.books.lay(3)
    scene.stock("set_on_hand", "MUG", location="main", quantity=3, movement_id="counted")


def test_reserved_that_is_no_sum_breaks_s1(scene: Scene) -> None:
    """Reserved is the sum of what orders hold."""
    with breaks("S1"):
        scene.reserve(reserved=2)


def test_on_hand_that_is_no_sum_breaks_s2(scene: Scene) -> None:
    """On-hand is the sum of the movements."""
    scene.books.lay(11)
    with breaks("S2"):
        scene.stock("adjust", "MUG", location="main", quantity=2, movement_id="found")


def test_movement_that_counts_twice_breaks_s2(scene: Scene) -> None:
    """The same movement id again changes nothing, also with another quantity."""
    scene.books.lay(20)
    with breaks("S2"):
        scene.stock("set_on_hand", "MUG", location="main", quantity=20, movement_id="opening")


def test_movement_that_is_told_twice_breaks_s3(scene: Scene) -> None:
    """No movement stands twice in the history."""
    scene.reserve()
    scene.books.movements *= 2
    with breaks("S3"):
        scene.checker.ended(scene.books)


def test_reserved_below_zero_breaks_s4(scene: Scene) -> None:
    """On-hand may be negative, reserved never."""
    scene.books.lay(-2)
    scene.stock("adjust", "MUG", location="main", quantity=-12, movement_id="lost")
    scene.books.lay(-2, reserved=-1)
    with breaks("S4"):
        scene.stock("reserve", [make_claim(KEY, {"MUG": 1})])


def test_hold_that_nobody_wants_breaks_s5(scene: Scene) -> None:
    """In the end holds are exactly what orders want."""
    with breaks("S5"):
        scene.checker.ended(scene.books)


def test_reservation_that_outlives_the_cancellation_breaks_l4(scene: Scene) -> None:
    """An order that was cancelled and counts as settled holds nothing."""
    scene.reserve()
    scene.cancelled()
    with breaks("L4"):
        scene.settled()


def test_reservation_after_the_cancellation_breaks_s1(scene: Scene) -> None:
    """A claim that comes late changes nothing."""
    scene.reserve()
    scene.cancelled()
    scene.reserve({}, revision=2, reserved=0)
    scene.settled()
    with breaks("S1"):
        scene.reserve()


def test_order_settled_without_a_hold_breaks_l4(scene: Scene) -> None:
    """Nothing counts as reserved that the ledger was not told of."""
    with breaks("L4"):
        scene.settled()


def test_order_that_wants_what_is_not_open_breaks_l4(scene: Scene) -> None:
    """An order wants the pieces of its open lines, where it is served from."""
    with breaks("L4"):
        scene.order(make_order(wanted={MUG: 2}))


def test_deduction_of_no_parcel_breaks_l5(scene: Scene) -> None:
    """Goods leave only in a parcel that was recorded."""
    with breaks("L5"):
        scene.deduct(make_deduction(KEY, "p1", {"MUG": 1}, make_claim(KEY, {}, revision=2)), left=9)


def test_deduction_with_another_quantity_breaks_p4(scene: Scene) -> None:
    """A parcel is deducted as it was recorded, whoever asks for it again."""
    scene.reserve()
    deduction = scene.packed()
    with breaks("R04"):
        scene.deduct(attrs.evolve(deduction, taken={MUG: 2}), left=8)


def test_deduction_that_moves_twice_breaks_s2(scene: Scene) -> None:
    """A parcel that is finished twice leaves once."""
    scene.reserve()
    deduction = scene.packed()
    scene.deduct(deduction, left=9)
    with breaks("S2"):
        scene.deduct(deduction, left=8)


def test_parcel_whose_hold_is_free_too_early_breaks_p1(scene: Scene) -> None:
    """What a recorded parcel takes is held until it has left."""
    scene.reserve()
    scene.packed()
    with breaks("R01"):
        scene.reserve({}, revision=2, reserved=0)


def test_two_lists_under_one_revision_break_p7(scene: Scene) -> None:
    """One revision of an order has one wanted list."""
    with breaks("R07"):
        scene.reserve({"MUG": 2})


def test_ledger_that_is_ahead_of_its_order_breaks_p6(scene: Scene) -> None:
    """The ledger never holds a later revision than the order has."""
    with breaks("R06"):
        scene.reserve(revision=2)


def test_parcel_that_is_gone_breaks_p6(scene: Scene) -> None:
    """What was recorded of an order stays, also when the order is deleted."""
    scene.reserve()
    scene.deduct(scene.packed(), left=9)
    order = attrs.evolve(scene.books.by_key[KEY], state=OrderState.DELETED)
    scene.order(order)
    scene.books.noted.clear()
    with breaks("R06"):
        scene.order(order)


def test_new_ledger_is_told_of_every_order(scene: Scene) -> None:
    """A ledger in the place of ours holds what orders want once all are wanted anew and overtake what it held."""
    scene.reserve()
    scene.settled()
    scene.new_ledger()
    scene.rewanted(stock_revision=2)
    scene.order(attrs.evolve(scene.books.by_key[KEY], stock_revision=8))
    scene.reserve(revision=8)
    scene.settled()


def test_new_ledger_that_is_told_nothing_breaks_l4(scene: Scene) -> None:
    """No order counts as settled because an earlier ledger held what it wants."""
    scene.reserve()
    scene.settled()
    scene.new_ledger()
    with breaks("L4"):
        scene.rewanted()


def test_order_that_does_not_hear_of_a_higher_revision_breaks_l4(scene: Scene) -> None:
    """An order that the ledger holds under a higher revision is not settled by a claim that counts for nothing."""
    scene.reserve()
    scene.settled()
    scene.new_ledger()
    scene.rewanted(stock_revision=2)
    with breaks("L4"):
        scene.settled()
