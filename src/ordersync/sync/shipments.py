"""Which of a channel's shipments answers for which of our notes. Pure.

One shipment answers for one note: those of notes that are already known to have arrived are taken away first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
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

    *shipped* is the order's canonical fulfillment. A channel that lists no shipments can only say that
    the whole order is shipped.
    """
    others = [one for one in notes if one.status in ARRIVED and one.parcel_id != note.parcel_id]
    if not order.shipments:
        return Look.ARRIVED if shipped is FulfillmentStatus.SHIPPED else Look.NOT_THERE
    left = _parcels(order.shipments)
    for other in others:
        _take(left, other)
    if _take(left, note):
        return Look.ARRIVED
    whole = shipped is FulfillmentStatus.SHIPPED or not _has_room(order, note)
    return Look.SHIPPED_OTHERWISE if whole else Look.NOT_THERE


def all_arrived(notes: Iterable[Note], order: ChannelOrder, *, shipped: FulfillmentStatus) -> bool:
    """Say whether the channel shows every one of these notes."""
    if shipped is FulfillmentStatus.SHIPPED:
        return True
    left = _parcels(order.shipments)
    return all(_take(left, note) for note in notes)


def _parcels(shipments: Iterable[Shipment]) -> Parcels:
    return Counter((tuple(sorted(one.lines.items())), _plain(one.tracking_number)) for one in shipments)


def _take(parcels: Parcels, note: Note) -> bool:
    """Take the shipment of *note* away; one without tracking matches any with its lines."""
    lines, tracking = tuple(sorted(note.note.lines.items())), _plain(note.note.tracking_number)
    for parcel, times in parcels.items():
        if times and parcel[0] == lines and (not tracking or parcel[1] == tracking):
            parcels[parcel] -= 1
            return True
    return False


def _has_room(order: ChannelOrder, note: Note) -> bool:
    """Say whether what was shipped so far leaves enough for this note."""
    gone = Counter[str]()
    for shipment in order.shipments:
        gone.update(shipment.lines)
    room = {line.line_id: line.quantity - line.cancelled - gone[line.line_id] for line in order.lines}
    return all(room.get(line_id, 0) >= quantity for line_id, quantity in note.note.lines.items())


def _plain(tracking: str | None) -> str:
    return "".join((tracking or "").split()).casefold()
