"""Which shipment on a channel answers for which of our notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersync.model.channel_orders import ChannelOrder, FulfillmentStatus, Shipment
from ordersync.model.dispatch import Note, NoteStatus, Parcel
from ordersync.parcels import process
from ordersync.sync.shipments import Look, all_arrived, look_for
from ordersync.testing.builders import NOON, make_channel_order, make_order

UNSHIPPED, PARTIAL, SHIPPED = FulfillmentStatus.UNSHIPPED, FulfillmentStatus.PARTIAL, FulfillmentStatus.SHIPPED


def note(parcel: str, lines: Mapping[str, int], tracking: str | None = None, **changes: Any) -> Note:  # noqa: ANN401
    """Build the note of a parcel, queued unless *changes* say otherwise."""
    order = make_order(lines={"MUG": 9, "LID": 9})
    _, _, made = process(order, Parcel(id=parcel, lines=lines, tracking_number=tracking), at=NOON)
    fields: dict[str, Any] = {"status": NoteStatus.QUEUED}
    return attrs.evolve(made, **(fields | changes))


def sent(parcel: str, lines: Mapping[str, int], tracking: str | None = None) -> Note:
    """Build the note of a parcel that the channel was told of."""
    return note(parcel, lines, tracking, status=NoteStatus.SENT)


def shown(*shipments: tuple[Mapping[str, int], str | None], ordered: int = 4) -> ChannelOrder:
    """Build an order of so many MUGs and as many LIDs that shows these shipments."""
    return make_channel_order(
        lines={"MUG": ordered, "LID": ordered},
        shipments=[Shipment(lines=lines, tracking_number=tracking) for lines, tracking in shipments],
    )


def look(one: Note, order: ChannelOrder, *others: Note, shipped: FulfillmentStatus = PARTIAL) -> Look:
    """Look for a note among all of its order."""
    return look_for(one, order, [one, *others], shipped=shipped)


def test_shipment_with_our_lines_and_tracking_is_ours() -> None:
    """A shipment with the note's lines and number is the note's, however the number is written."""
    ours = note("p1", {"1": 2}, "JD 01")

    assert look(ours, shown(({"1": 2}, "jd01"))) is Look.ARRIVED
    assert look(ours, shown(({"1": 1}, "JD01"))) is Look.NOT_THERE
    assert look(ours, shown(({"1": 2}, "JD02"), ordered=9)) is Look.NOT_THERE
    assert look(ours, shown(({"2": 2}, "JD01"))) is Look.NOT_THERE


def test_note_without_tracking_is_any_shipment_of_its_lines() -> None:
    """A note that has no number is answered by a shipment of its lines under any number or none."""
    bare = note("p1", {"1": 2})

    assert look(bare, shown(({"1": 2}, "JD01"))) is Look.ARRIVED
    assert look(bare, shown(({"1": 2}, None))) is Look.ARRIVED


def test_one_shipment_answers_for_one_note() -> None:
    """A shipment that an earlier note is known to have made is not taken for a second, equal one."""
    first, second = sent("p1", {"1": 1}, "JD01"), note("p2", {"1": 1}, "JD01")

    assert look(second, shown(({"1": 1}, "JD01")), first) is Look.NOT_THERE
    assert look(second, shown(({"1": 1}, "JD01"), ({"1": 1}, "JD01")), first) is Look.ARRIVED
    confirmed = attrs.evolve(first, status=NoteStatus.CONFIRMED)
    assert look(second, shown(({"1": 1}, "JD01")), confirmed) is Look.NOT_THERE


def test_note_without_tracking_takes_no_other_notes_shipment() -> None:
    """A note that any shipment would answer for leaves those with a number to the notes that have it."""
    bare, ours = sent("p1", {"1": 1}), note("p2", {"1": 1}, "JD02")
    both = [({"1": 1}, "JD02"), ({"1": 1}, None)]

    assert look(ours, shown(*both, ordered=9), bare) is Look.ARRIVED
    assert look(ours, shown(({"1": 1}, "JD02"), ({"1": 1}, "JD09"), ordered=9), bare) is Look.ARRIVED
    assert look(attrs.evolve(bare, status=NoteStatus.CLAIMED), shown(*both, ordered=9), ours) is Look.ARRIVED
    assert all_arrived([bare, ours], shown(*both, ordered=9), shipped=PARTIAL)
    assert not all_arrived([bare, bare, ours], shown(*both, ordered=9), shipped=PARTIAL)


@pytest.mark.parametrize("status", [NoteStatus.QUEUED, NoteStatus.CLAIMED, NoteStatus.WAITING, NoteStatus.REJECTED])
def test_note_that_has_not_arrived_takes_nothing_away(status: NoteStatus) -> None:
    """A note whose fate is open leaves the shipment to the one that is looked for."""
    other, ours = note("p1", {"1": 1}, "JD01", status=status), note("p2", {"1": 1}, "JD01")

    assert look(ours, shown(({"1": 1}, "JD01")), other) is Look.ARRIVED


def test_order_shipped_by_other_hands_is_told_apart() -> None:
    """Where no room is left for the note, somebody else has shipped its goods."""
    ours = note("p1", {"1": 2}, "JD01")

    assert look(ours, shown(({"1": 4, "2": 4}, "ELSE")), shipped=SHIPPED) is Look.SHIPPED_OTHERWISE
    assert look(ours, shown(({"1": 3}, "ELSE"))) is Look.SHIPPED_OTHERWISE
    assert look(ours, shown(({"1": 2}, "ELSE"))) is Look.NOT_THERE
    assert look(ours, shown(({"2": 4}, "ELSE"))) is Look.NOT_THERE


def test_note_of_a_line_that_is_gone_has_no_room() -> None:
    """A note for a line that the channel does not show any more cannot be sent."""
    order = make_channel_order(lines={"MUG": 4}, shipments=[Shipment(lines={"1": 1})])

    assert look(note("p1", {"2": 1}), order) is Look.SHIPPED_OTHERWISE


def test_cancelled_pieces_leave_no_room() -> None:
    """Pieces that were cancelled cannot be shipped any more."""
    order = shown(({"1": 1}, "ELSE"))
    mug, lid = order.lines
    short = attrs.evolve(order, lines=[attrs.evolve(mug, cancelled=2), lid])

    assert look(note("p1", {"1": 2}), short) is Look.SHIPPED_OTHERWISE
    assert look(note("p1", {"1": 2}), order) is Look.NOT_THERE


@pytest.mark.parametrize(
    ("shipped", "expected"),
    [(SHIPPED, Look.ARRIVED), (PARTIAL, Look.NOT_THERE), (UNSHIPPED, Look.NOT_THERE)],
)
def test_channel_that_lists_no_shipments(shipped: FulfillmentStatus, expected: Look) -> None:
    """A channel that shows no shipments can only say whether the whole order is shipped."""
    assert look(note("p1", {"1": 4, "2": 4}), shown(), shipped=shipped) is expected


@pytest.mark.parametrize(
    ("gone", "expected"), [(3, Look.ARRIVED), (4, Look.ARRIVED), (2, Look.NOT_THERE), (0, Look.NOT_THERE)]
)
def test_channel_that_only_counts_pieces(gone: int, expected: Look) -> None:
    """A channel that shows how many pieces have left says by that whether ours did, behind those that it was told."""
    mug, _ = shown(ordered=5).lines
    order = make_channel_order(lines=[attrs.evolve(mug, shipped=gone)])

    assert look(note("p2", {"1": 2}), order, sent("p1", {"1": 1})) is expected
    assert look(note("p2", {"2": 1}), order) is Look.NOT_THERE


def test_bare_note_leaves_what_has_anothers_number() -> None:
    """A note without a number is not taken to have arrived by a shipment under the number of another note."""
    bare, other = note("p1", {"1": 1}), note("p2", {"1": 1}, "JD02", status=NoteStatus.CLAIMED)

    assert look(bare, shown(({"1": 1}, "JD02"), ordered=9), other) is Look.NOT_THERE
    assert look(bare, shown(({"1": 1}, "JD02"), ({"1": 1}, None), ordered=9), other) is Look.ARRIVED
    assert look(bare, shown(({"1": 1}, None), ordered=9), sent("p3", {"1": 1})) is Look.NOT_THERE
    assert look(bare, shown(({"1": 1}, None), ordered=9), note("p3", {"1": 1})) is Look.ARRIVED


def test_whole_order_under_our_number_is_ours() -> None:
    """A channel that marks whole orders shows all lines under our number, and that is our parcel."""
    ours, bare = note("p1", {"1": 2}, "JD01"), note("p1", {"1": 2})
    everything = {"1": 4, "2": 4}

    assert look(ours, shown((everything, "JD01")), shipped=SHIPPED) is Look.ARRIVED
    assert look(ours, shown((everything, "JD01"))) is Look.ARRIVED
    assert look(bare, shown((everything, None)), shipped=SHIPPED) is Look.ARRIVED
    assert look(bare, shown((everything, None))) is Look.SHIPPED_OTHERWISE
    assert look(ours, shown((everything, None)), shipped=SHIPPED) is Look.SHIPPED_OTHERWISE


def test_number_that_was_used_up_is_no_answer() -> None:
    """A shipment that answers for another note under the same number does not answer for ours as well."""
    ours, other = note("p2", {"1": 1}, "JD01"), sent("p1", {"1": 4}, "JD01")

    assert look(ours, shown(({"1": 4}, "JD01")), other) is Look.SHIPPED_OTHERWISE


def test_shipment_that_another_note_may_have_made_is_no_answer_under_its_number() -> None:
    """A shipment that is just what another note under our number was sent for does not answer for ours."""
    order = make_channel_order(lines={"MUG": 1}, shipments=[Shipment(lines={"1": 1}, tracking_number="JD01")])
    ours, tried = note("p1", {"1": 2}, "JD01"), note("p2", {"1": 1}, "JD01", status=NoteStatus.CLAIMED, tries=1)

    assert look(ours, order, tried) is Look.SHIPPED_OTHERWISE
    assert look(tried, order, ours) is Look.ARRIVED
    assert look(ours, order, note("p2", {"1": 1}, "JD01")) is Look.ARRIVED


def test_shipment_of_none_of_our_lines_is_not_ours() -> None:
    """A shipment under our number that shares no line with the note is another parcel of the same consignment."""
    order = make_channel_order(lines={"MUG": 4}, shipments=[Shipment(lines={"1": 1}, tracking_number="JD01")])

    assert look(note("p1", {"2": 1}, "JD01"), order) is Look.SHIPPED_OTHERWISE


def test_shipment_that_names_no_lines_goes_by_its_number() -> None:
    """A channel that shows the numbers of an order's parcels alone shows our parcel by our number."""
    assert look(note("p1", {"1": 2}, "JD01"), shown(({}, "JD01")), shipped=SHIPPED) is Look.ARRIVED
    assert look(note("p1", {"1": 2}, "JD01"), shown(({}, "ELSE")), shipped=SHIPPED) is Look.SHIPPED_OTHERWISE


def test_finished_order_has_no_room() -> None:
    """An order that the channel calls shipped takes no parcel more, whatever its shipments add up to."""
    assert look(note("p1", {"1": 1}, "JD01"), shown(({"1": 1}, "ELSE"), ordered=9), shipped=SHIPPED) is (
        Look.SHIPPED_OTHERWISE
    )


parcels = st.tuples(st.sampled_from([{"1": 1}, {"1": 2}, {"2": 1}]), st.sampled_from(["JD01", "JD02"]))


@given(st.lists(parcels, max_size=5), st.lists(parcels, max_size=5))
def test_all_notes_have_arrived_when_each_has_a_shipment(
    notes: list[tuple[dict[str, int], str]], shipments: list[tuple[dict[str, int], str]]
) -> None:
    """Notes are all there exactly when the shipments contain them as a multiset."""
    told = [sent(f"p{number}", lines, tracking) for number, (lines, tracking) in enumerate(notes)]
    need = Counter((*lines.items(), tracking) for lines, tracking in notes)
    have = Counter((*lines.items(), tracking) for lines, tracking in shipments)

    assert all_arrived(told, shown(*shipments, ordered=99), shipped=PARTIAL) == (need <= have)
    assert all_arrived(told, shown(*shipments), shipped=SHIPPED)


@given(st.lists(parcels, min_size=1, max_size=5), st.data())
def test_each_note_of_a_multiset_is_found_once(notes: list[tuple[dict[str, int], str]], data: st.DataObject) -> None:
    """With one shipment for each arrived note none is left over; with one more, the next note has arrived."""
    told = [sent(f"p{number}", lines, tracking) for number, (lines, tracking) in enumerate(notes)]
    ours = data.draw(st.sampled_from(notes))
    queued = note("mine", *ours)
    shipments = data.draw(st.permutations(notes))

    assert look(queued, shown(*shipments, ordered=99), *told) is Look.NOT_THERE
    assert look(queued, shown(*shipments, ours, ordered=99), *told) is Look.ARRIVED


def elsewhere(parcel: str, lines: Mapping[str, int]) -> Note:
    """Build the note of what left by other hands."""
    return note(parcel, lines, status=NoteStatus.CONFIRMED, ready=NoteStatus.CONFIRMED)


def test_what_left_by_other_hands_answers_for_no_note_of_ours() -> None:
    """Shipments that other hands made in pieces are taken away, and our own parcel is still looked for."""
    theirs, ours = elsewhere("e", {"1": 2}), note("p1", {"1": 1})
    pieces = [({"1": 1}, "A"), ({"1": 1}, "B")]

    assert look(ours, shown(*pieces), theirs) is Look.NOT_THERE
    assert look(ours, shown(*pieces, ({"1": 1}, None)), theirs) is Look.ARRIVED


def test_what_left_by_other_hands_is_not_required() -> None:
    """Our own parcels are confirmed whether or not the channel shows what left by other hands, and as it likes."""
    theirs, ours = elsewhere("e", {"1": 2}), sent("p1", {"1": 1}, "JD01")
    own = ({"1": 1}, "JD01")

    assert all_arrived([theirs, ours], shown(({"1": 1}, "A"), ({"1": 1}, "B"), own), shipped=PARTIAL)
    assert all_arrived([theirs, ours], shown(own), shipped=PARTIAL)
    assert not all_arrived([theirs, ours], shown(({"1": 2}, None)), shipped=PARTIAL)
