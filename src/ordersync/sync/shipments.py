"""Which of a channel's shipments answers for which of our notes. Pure.

One shipment answers for one note: those of notes that are already known to have arrived are taken away first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from ..model.channel_orders import ChannelOrder, FulfillmentStatus, Shipment
from ..model.dispatch import Note, NoteStatus

ARRIVED = frozenset({NoteStatus.SENT, NoteStatus.CONFIRMED})

Parcels = Counter[tuple[tuple[tuple[str, int], ...], str]]


class Look(StrEnum):
    """What a look at the channel's order says of one note."""

    ARRIVED = "arrived"
    NOT_THERE = "not-there"
    SHIPPED_OTHERWISE = "shipped-otherwise"


def look_for(note: Note, order: ChannelOrder, notes: Iterable[Note], *, shipped: FulfillmentStatus) -> Look:
    """Say whether the channel knows the parcel of *note*; *notes* are all of its order.

    *shipped* is the order's canonical fulfillment. A channel that lists no shipments can only say how many pieces
    of each line have left. Where no room is left for the note, a shipment under its own number is its own, though
    the channel drew the lines otherwise: one that marks whole orders shows all of them. It is not, where it shares no
    line with the note, or is just what another note of the same number tells of that was sent, too.
    """
    others = [one for one in notes if one.parcel_id != note.parcel_id]
    told = [one for one in others if one.status in ARRIVED]
    if not order.shipments:
        whole = shipped is FulfillmentStatus.SHIPPED
        return Look.ARRIVED if whole or _counted(order, [*told, note], of=note) else Look.NOT_THERE
    left, tracking = _parcels(order.shipments), _plain(note.note.tracking_number)
    spoken_for = told if tracking else [one for one in others if one in told or _plain(one.note.tracking_number)]
    found = {one.parcel_id: _take(left, one) for one in _choosiest_first([*spoken_for, note])}
    if found[note.parcel_id]:
        return Look.ARRIVED
    if shipped is not FulfillmentStatus.SHIPPED and _has_room(order, note):
        return Look.NOT_THERE
    for tried in (one for one in others if one.tries and one not in spoken_for):
        _take(left, tried)
    same_number = any(times and one[1] == tracking and _may_be_of(one[0], note) for one, times in left.items())
    ours = same_number and (tracking != "" or shipped is FulfillmentStatus.SHIPPED)
    return Look.ARRIVED if ours else Look.SHIPPED_OTHERWISE


def all_arrived(notes: Iterable[Note], order: ChannelOrder, *, shipped: FulfillmentStatus) -> bool:
    """Say whether the channel shows every one of these notes."""
    if shipped is FulfillmentStatus.SHIPPED:
        return True
    left = _parcels(order.shipments)
    return all(_take(left, note) for note in _choosiest_first(notes))


def _parcels(shipments: Iterable[Shipment]) -> Parcels:
    return Counter((tuple(sorted(one.lines.items())), _plain(one.tracking_number)) for one in shipments)


def _choosiest_first(notes: Iterable[Note]) -> list[Note]:
    """Put notes without tracking last: they match any shipment of their lines, and must not take another's own.

    Before the last come the parcels that left by other hands: no shipment of theirs is one of ours.
    """
    return sorted(notes, key=lambda note: (not _plain(note.note.tracking_number), not _is_elsewhere(note)))


def _is_elsewhere(note: Note) -> bool:
    return note.ready is NoteStatus.CONFIRMED


def _take(parcels: Parcels, note: Note) -> bool:
    """Take the shipment of *note* away; one without tracking takes any of its lines, at best one without, too.

    What left by other hands may be many shipments there and one parcel here: what is found of it is taken away.
    """
    if _is_elsewhere(note):
        _take_pieces(parcels, note.note.lines)
        return True
    lines, tracking = tuple(sorted(note.note.lines.items())), _plain(note.note.tracking_number)
    fitting = [one for one, times in parcels.items() if times and one[0] == lines and tracking in ("", one[1])]
    if not fitting:
        return False
    parcels[min(fitting, key=lambda one: one[1])] -= 1
    return True


def _take_pieces(parcels: Parcels, lines: Mapping[str, int]) -> None:
    """Take shipments away, those without tracking first, while they hold nothing but these pieces."""
    left = Counter(lines)
    for shipment in sorted(parcels, key=lambda one: one[1]):
        while parcels[shipment] and all(left[line_id] >= quantity for line_id, quantity in shipment[0]):
            parcels[shipment] -= 1
            left.subtract(dict(shipment[0]))


def _may_be_of(lines: Sequence[tuple[str, int]], note: Note) -> bool:
    """Say whether a shipment shares a line with a note, or does not say what is in it."""
    return not lines or any(line_id in note.note.lines for line_id, _ in lines)


def _counted(order: ChannelOrder, notes: Iterable[Note], *, of: Note) -> bool:
    """Say whether as many pieces of the lines of one note have left as all of these notes come to."""
    told = Counter[str]()
    for note in notes:
        told.update(note.note.lines)
    gone = {line.line_id: line.shipped for line in order.lines}
    return all(gone.get(line_id, 0) >= told[line_id] for line_id in of.note.lines)


def _has_room(order: ChannelOrder, note: Note) -> bool:
    """Say whether what was shipped so far leaves enough for this note."""
    gone = Counter[str]()
    for shipment in order.shipments:
        gone.update(shipment.lines)
    room = {line.line_id: line.quantity - line.cancelled - gone[line.line_id] for line in order.lines}
    return all(room.get(line_id, 0) >= quantity for line_id, quantity in note.note.lines.items())


def _plain(tracking: str | None) -> str:
    return "".join((tracking or "").split()).casefold()
