"""The laws of dispatch notes: each is kept in silence, and breaks with its own name."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from ordersync import ChannelId, Parcel, Shipment
from ordersync.model.dispatch import DispatchNote, Note, NoteStatus, ParcelRecord
from ordersync.model.ids import Fence
from ordersync.testing.builders import NOON, SHOP, make_channel_order, make_claim, make_deduction, make_order
from ordersync.testing.simulator.checkers.dispatch import DispatchChecker
from simulator.reading import KEY, Books, Bought, Effect, Market, Traits, breaks, commit, make_note, started, world_of

FENCE = Fence(SHOP, 1)
DEDUCTION = make_deduction(KEY, "p1", {"MUG": 1}, make_claim(KEY, {}, revision=2))
PARCEL = ParcelRecord(order_key=KEY, asked=Parcel(id="p1"), lines={"1": 1}, deduction=DEDUCTION, at=NOON)
NOTE = make_note()
SENT = NOTE.note


class Scene:
    """One parcel, its note, its market, and a checker that has seen all of it."""

    def __init__(self, **traits: Any) -> None:  # noqa: ANN401 - fields of the traits
        self.market, self.books = Market(traits=Traits(**traits)), Books()
        self.market.orders["1001"] = Bought()
        self.checker = DispatchChecker(world_of(self.market))
        (line,) = make_order().lines
        self.books.by_key[KEY] = make_order(lines=[attrs.evolve(line, processed=1)])

    def record(self, note: Note = NOTE) -> None:
        """Tell that the parcel was recorded."""
        self.books.noted.setdefault(KEY, []).append(note)
        self.books.parcels[KEY, "p1"] = PARCEL
        told = commit("orders", "record_parcel", PARCEL, self.books.by_key[KEY], note, answer="recorded")
        self.checker.committed(told, self.books)

    def queue(self) -> None:
        """Tell that the note may go."""
        self.books.noted[KEY] = [attrs.evolve(self.books.noted[KEY][0], status=NoteStatus.QUEUED)]
        self.checker.committed(commit("orders", "queue", KEY, "p1"), self.books)

    def ready(self) -> None:
        """Record, deduct and queue."""
        self.record()
        self.checker.committed(commit("stock", "deduct", DEDUCTION), self.books)
        self.queue()

    def move(self, status: NoteStatus, *, person: bool = False, minutes: float = 0, **changes: Any) -> None:  # noqa: ANN401
        """Tell that the note was brought to another status."""
        before = self.books.noted[KEY][0]
        note = attrs.evolve(before, status=status, **changes)
        self.books.noted[KEY] = [note]
        facts: dict[str, Any] = {} if person else {"fence": FENCE}
        told = commit("orders", "write_note", note, expect=before, answer=True, minutes=minutes, **facts)
        self.checker.committed(told, self.books)

    def claim(self, *, minutes: float = 0, tries: int = 1) -> None:
        """Tell that the note was claimed."""
        self.move(
            NoteStatus.CLAIMED, tries=tries, claimed_at=NOON + timedelta(minutes=minutes), message=None, minutes=minutes
        )

    def call(self, note: DispatchNote = SENT, *, process: str = "runner") -> None:
        """Tell that the note leaves."""
        self.checker.started(started("send_dispatch", note, process=process), self.books)

    def arrive(self, *, channel: ChannelId = SHOP, **changes: Any) -> None:  # noqa: ANN401 - fields of the effect
        """Tell that the note took effect."""
        self.checker.applied(channel, Effect(**changes), self.books)


@pytest.fixture
def scene() -> Scene:
    """Open a scene."""
    return Scene()


def test_ordinary_way_breaks_nothing(scene: Scene) -> None:
    """A note that is recorded, deducted, queued, claimed, sent and confirmed breaks no law."""
    scene.ready()
    scene.claim()
    scene.call()
    scene.arrive()
    scene.move(NoteStatus.SENT)
    scene.market.show(make_channel_order(shipments=[Shipment(lines={"1": 1})]))
    scene.move(NoteStatus.CONFIRMED)
    scene.checker.ended(scene.books)


def test_confirmation_that_nobody_saw_breaks_d2(scene: Scene) -> None:
    """A note is confirmed by what its market shows, not by its having been sent."""
    scene.ready()
    scene.claim()
    scene.arrive()
    scene.move(NoteStatus.SENT)
    with breaks("D2"):
        scene.move(NoteStatus.CONFIRMED)


def test_second_effect_breaks_l8(scene: Scene) -> None:
    """A note takes effect once."""
    scene.ready()
    scene.arrive()
    with breaks("L8"):
        scene.arrive()


def test_second_effect_of_a_requeued_note_breaks_nothing() -> None:
    """Where nobody can look, a note that a person requeued may take effect once more."""
    scene = Scene(can_look_up=False)
    scene.ready()
    scene.claim()
    scene.arrive()
    scene.move(NoteStatus.UNKNOWN, message="look")
    scene.move(NoteStatus.QUEUED, person=True)
    scene.arrive()
    with breaks("L8"):
        scene.arrive()


def test_second_try_of_what_has_arrived_breaks_l8(scene: Scene) -> None:
    """No note is tried again that its market shows already; one that does not show yet may be."""
    scene.ready()
    scene.claim()
    scene.arrive()
    scene.claim(minutes=0, tries=2)
    with breaks("L8"):
        scene.claim(minutes=20, tries=3)


def test_effect_on_another_channel_breaks_l8(scene: Scene) -> None:
    """A note goes to its order's own channel."""
    scene.ready()
    with breaks("L8"):
        scene.arrive(channel=ChannelId("Shop", "two"))


def test_effect_before_the_deduction_breaks_l8(scene: Scene) -> None:
    """A note takes effect only once its goods have left."""
    scene.record()
    with breaks("L8"):
        scene.arrive()


def test_effect_without_a_parcel_breaks_d5(scene: Scene) -> None:
    """No note takes effect that no parcel was recorded for."""
    with breaks("D5"):
        scene.arrive()


@pytest.mark.parametrize(
    ("before", "after", "person"),
    [
        (NoteStatus.CONFIRMED, NoteStatus.QUEUED, False),
        (NoteStatus.REJECTED, NoteStatus.QUEUED, False),
        (NoteStatus.QUEUED, NoteStatus.CONFIRMED, False),
        (NoteStatus.QUEUED, NoteStatus.CLAIMED, True),
        (NoteStatus.SENT, NoteStatus.CLAIMED, False),
    ],
)
def test_step_of_a_note_that_is_no_arrow_breaks_l8(before: NoteStatus, after: NoteStatus, *, person: bool) -> None:
    """Notes go the ways of their table, each by whom it belongs to."""
    scene = Scene()
    scene.ready()
    scene.claim()
    scene.arrive()
    way = {
        NoteStatus.CONFIRMED: [NoteStatus.SENT, NoteStatus.CONFIRMED],
        NoteStatus.REJECTED: [NoteStatus.REJECTED],
        NoteStatus.QUEUED: [NoteStatus.QUEUED],
        NoteStatus.SENT: [NoteStatus.SENT],
    }
    scene.market.show(make_channel_order(shipments=[Shipment(lines={"1": 1})]))
    for status in way[before]:
        scene.move(status, message="why")
    with breaks("L8"):
        scene.move(after, person=person)


def test_note_queued_before_its_deduction_breaks_d3(scene: Scene) -> None:
    """A note may go only once its deduction is durable."""
    scene.record()
    with breaks("D3"):
        scene.queue()


def test_call_without_a_claim_breaks_d3(scene: Scene) -> None:
    """A call starts only after its own claim is committed, never on the claim of somebody else."""
    scene.ready()
    with breaks("D3"):
        scene.call()
    scene.claim()
    with breaks("D3"):
        scene.call(process="another")


@pytest.mark.parametrize("changes", [{"lines": {"1": 2}}, {"tracking_number": "X"}, {"carrier": "DHL"}])
def test_call_with_another_content_breaks_d4(scene: Scene, changes: dict[str, Any]) -> None:
    """What is sent is what the parcel holds, by its carrier and under its number."""
    scene.ready()
    scene.claim()
    with breaks("D4"):
        scene.call(attrs.evolve(SENT, **changes))


def test_tracking_that_changes_after_a_try_breaks_d4(scene: Scene) -> None:
    """Tracking is given by a person before the first claim, or not at all."""
    scene.ready()
    scene.move(NoteStatus.QUEUED, person=True, note=attrs.evolve(SENT, carrier="DHL", tracking_number="T1"))
    scene.claim()
    with breaks("D4"):
        scene.move(NoteStatus.CLAIMED, note=attrs.evolve(SENT, carrier="DHL", tracking_number="T2"))


def test_pieces_in_no_parcel_break_l5(scene: Scene) -> None:
    """What was processed of an order is what its parcels hold."""
    scene.books.by_key[KEY] = make_order()
    with breaks("L5"):
        scene.record()


def test_two_parcels_that_wait_break_p2(scene: Scene) -> None:
    """At most one parcel of an order waits."""
    scene.books.noted[KEY] = [attrs.evolve(NOTE, parcel_id="p0")]
    with breaks("R02"):
        scene.record()


def test_note_that_was_never_taken_and_counts_as_sent_breaks_l8(scene: Scene) -> None:
    """A note counts as sent only if its market has taken it."""
    scene.ready()
    scene.claim()
    with breaks("L8"):
        scene.move(NoteStatus.SENT)


def test_refusal_without_a_reason_breaks_d2(scene: Scene) -> None:
    """A note that waits for a person says why."""
    scene.ready()
    scene.claim()
    with breaks("D2"):
        scene.move(NoteStatus.REJECTED)


@pytest.mark.parametrize("status", [NoteStatus.QUEUED, NoteStatus.CLAIMED, NoteStatus.SENT])
def test_note_that_comes_to_no_end_breaks_d2(scene: Scene, status: NoteStatus) -> None:
    """In the end each note is confirmed or waits for a person."""
    scene.ready()
    scene.claim()
    scene.arrive()
    scene.move(status)
    with breaks("D2"):
        scene.checker.ended(scene.books)


def test_note_that_lacks_its_tracking_may_wait() -> None:
    """Where a market demands tracking, a note without it may stay queued."""
    scene = Scene(requires_tracking=True)
    scene.ready()
    scene.checker.ended(scene.books)
