"""Parcels and dispatch notes, as rows of columns that any SQL storage can keep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..model.dispatch import DispatchNote, Note, NoteStatus, ParcelRecord
from ..model.ids import OrderKey
from ..model.stock import Claim, Deduction
from . import codec

Row = Sequence[Any]

PARCEL_COLUMNS = (
    "parcel",
    "asked",
    "lines",
    "deduction_id",
    "taken",
    "claim_revision",
    "claim_wanted",
    "at",
)

NOTE_COLUMNS = (
    "note",
    "status",
    "tries",
    "claimed_at",
    "first_tried_at",
    "look_at",
    "channel_order_id",
    "lines",
    "carrier",
    "service",
    "tracking_number",
    "tracking_url",
    "dispatched_at",
    "message",
    "ready",
)


def parcel_row(record: ParcelRecord) -> Row:
    """Return what ``PARCEL_COLUMNS`` hold of a recorded parcel."""
    return (
        record.id,
        codec.parcel(record.asked),
        codec.to_json(dict(record.lines)),
        record.deduction.id,
        codec.quantities(record.deduction.taken),
        record.deduction.claim.revision,
        codec.quantities(record.deduction.claim.wanted),
        codec.micros(record.at),
    )


def parcel_of(key: OrderKey, row: Row) -> ParcelRecord:
    """Build a recorded parcel of what ``PARCEL_COLUMNS`` hold."""
    _, asked, lines, deduction_id, taken, revision, wanted, at = row
    claim = Claim(order_key=key, revision=revision, wanted=codec.quantities_of(wanted))
    return ParcelRecord(
        order_key=key,
        asked=codec.parcel_of(asked),
        lines=codec.from_json(lines),
        deduction=Deduction(id=deduction_id, taken=codec.quantities_of(taken), claim=claim),
        at=codec.moment_of(at),
    )


def note_row(note: Note) -> Row:
    """Return what ``NOTE_COLUMNS`` hold of a note."""
    told = note.note
    return (
        told.id,
        note.status.value,
        note.tries,
        codec.maybe_micros(note.claimed_at),
        codec.maybe_micros(note.first_tried_at),
        codec.maybe_micros(note.look_at),
        told.channel_order_id,
        codec.to_json(dict(told.lines)),
        told.carrier,
        told.service,
        told.tracking_number,
        told.tracking_url,
        codec.micros(told.dispatched_at),
        note.message,
        note.ready.value,
    )


def note_of(key: OrderKey, parcel_id: str, row: Row) -> Note:
    """Build a note of what ``NOTE_COLUMNS`` hold."""
    fields = dict(zip(NOTE_COLUMNS, row, strict=True))
    return Note(
        note=DispatchNote(
            id=fields["note"],
            order_key=key,
            channel_order_id=fields["channel_order_id"],
            lines=codec.from_json(fields["lines"]),
            carrier=fields["carrier"],
            service=fields["service"],
            tracking_number=fields["tracking_number"],
            tracking_url=fields["tracking_url"],
            dispatched_at=codec.moment_of(fields["dispatched_at"]),
        ),
        parcel_id=parcel_id,
        status=NoteStatus(fields["status"]),
        tries=fields["tries"],
        claimed_at=codec.maybe_moment_of(fields["claimed_at"]),
        first_tried_at=codec.maybe_moment_of(fields["first_tried_at"]),
        look_at=codec.maybe_moment_of(fields["look_at"]),
        message=fields["message"],
        ready=NoteStatus(fields["ready"]),
    )
