"""Parcels as they were recorded, and the notes that tell a channel about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from ...model.dispatch import Note, NoteStatus, ParcelRecord
from ...model.ids import ChannelId, Fence, OrderKey
from ...model.orders import Order, OrderChange
from ...ports import OrderStore, ParcelAnswer
from .. import codec
from ..note_rows import NOTE_COLUMNS, PARCEL_COLUMNS, note_of, note_row, parcel_of, parcel_row
from .connection import Connection
from .keys import channel_number, key_numbers
from .order_tables import Standing, change_orders, standings
from .parts import FencedPart

_NOTE = ", ".join(f"notes.{name}" for name in NOTE_COLUMNS)
_PARCEL = ", ".join(f"parcels.{name}" for name in PARCEL_COLUMNS)

FIND_PARCEL = f"SELECT {_PARCEL} FROM parcels WHERE order_id = ? AND parcel = ?"  # noqa: S608 - constants

ADD_PARCEL = f"""
INSERT INTO parcels (order_id, {", ".join(PARCEL_COLUMNS)})
VALUES (?, {", ".join("?" * len(PARCEL_COLUMNS))})
"""  # noqa: S608 - constants

ADD_NOTE = f"""
INSERT INTO notes (id, order_id, channel_id, {", ".join(NOTE_COLUMNS)})
VALUES (?, ?, ?, {", ".join("?" * len(NOTE_COLUMNS))})
"""  # noqa: S608 - constants

HAS_WAITING = "SELECT 1 FROM notes WHERE order_id = ? AND status = 'waiting'"

WAITING = f"""
SELECT reference, {_PARCEL}
FROM notes CROSS JOIN parcels ON parcels.id = notes.id CROSS JOIN order_keys ON order_keys.id = notes.order_id
WHERE notes.channel_id = ? AND notes.status = 'waiting' AND ? IN ('', reference)
ORDER BY claim_revision, reference LIMIT ?
"""  # noqa: S608 - constants

QUEUE = """
UPDATE notes SET status = ready
WHERE id = (SELECT id FROM parcels WHERE order_id = ? AND parcel = ?) AND status = 'waiting'
"""

NOTES_DUE = f"""
SELECT reference, parcel, {_NOTE}
FROM notes CROSS JOIN parcels ON parcels.id = notes.id CROSS JOIN order_keys ON order_keys.id = notes.order_id
WHERE notes.channel_id = ? AND status IN ('queued', 'claimed', 'sent') AND note > ?
AND (status = 'queued' OR look_at IS NULL OR look_at <= ?)
ORDER BY note LIMIT ?
"""  # noqa: S608 - constants

NOTES_OF = f"""
SELECT parcel, {_NOTE} FROM parcels JOIN notes ON notes.id = parcels.id
WHERE parcels.order_id = ? ORDER BY parcels.id
"""  # noqa: S608 - constants

WRITE_NOTE = f"""
UPDATE notes SET ({", ".join(NOTE_COLUMNS)}) = ({", ".join("?" * len(NOTE_COLUMNS))})
WHERE id = (SELECT id FROM parcels WHERE order_id = ? AND parcel = ?)
AND status = ? AND tries = ? AND claimed_at IS ?
AND carrier IS ? AND tracking_number IS ?
"""  # noqa: S608 - constants

COUNT_NOTES = "SELECT status, count(*) FROM notes WHERE channel_id = ? GROUP BY status"


class ParcelVerbs(FencedPart, OrderStore):
    """Parcels and notes."""

    async def record_parcel(
        self,
        parcel: ParcelRecord,
        order: Order,
        note: Note,
        *,
        expect: int,
        change: OrderChange | None = None,
        fence: Fence | None = None,
    ) -> ParcelAnswer:
        """Write parcel, order and WAITING note in one transaction, unless something speaks against it."""
        key = parcel.order_key

        def work(db: Connection) -> ParcelAnswer:
            number = key_numbers(db, [key]).get(key, 0)
            before = standings(db, [number])
            answer = _answer(db, parcel, number, before, expect=expect)
            if answer is ParcelAnswer.RECORDED:
                change_orders(db, {number: order}, before, {number: change})
                parcel_number = db.execute(ADD_PARCEL, (number, *parcel_row(parcel))).lastrowid
                channel = channel_number(db, key.channel)
                db.execute(ADD_NOTE, (parcel_number, number, channel, *note_row(note)))
            return answer

        return await self._write(work, fence)

    async def parcel(self, key: OrderKey, parcel_id: str) -> ParcelRecord | None:
        """Return a parcel as it was recorded."""

        def work(db: Connection) -> ParcelRecord | None:
            row = db.execute(FIND_PARCEL, (key_numbers(db, [key]).get(key), parcel_id)).fetchone()
            return None if row is None else parcel_of(key, row)

        return await self._read(work)

    async def waiting(
        self, channel: ChannelId, *, limit: int, key: OrderKey | None = None, fence: Fence | None = None
    ) -> Sequence[ParcelRecord]:
        """Return parcels whose notes are WAITING, oldest claim first."""

        def work(db: Connection) -> Sequence[ParcelRecord]:
            reference = "" if key is None else key.reference
            rows = db.execute(WAITING, (channel_number(db, channel), reference, limit))
            return [parcel_of(OrderKey(channel, reference), row) for reference, *row in rows]

        return await self._read(work, fence)

    async def queue(self, key: OrderKey, parcel_id: str, *, fence: Fence | None = None) -> None:
        """Turn a WAITING note into what it is ready for; any other is left alone."""

        def work(db: Connection) -> None:
            db.execute(QUEUE, (key_numbers(db, [key]).get(key), parcel_id))

        await self._write(work, fence)

    async def notes_due(
        self, channel: ChannelId, *, at: datetime, limit: int, after: str | None = None, fence: Fence | None = None
    ) -> Sequence[Note]:
        """Return notes to work on, by id."""

        def work(db: Connection) -> Sequence[Note]:
            bound = (channel_number(db, channel), after or "", codec.micros(at), limit)
            rows = db.execute(NOTES_DUE, bound)
            return [note_of(OrderKey(channel, reference), parcel, row) for reference, parcel, *row in rows]

        return await self._read(work, fence)

    async def notes(self, key: OrderKey) -> Sequence[Note]:
        """Return all notes of one order, oldest first."""

        def work(db: Connection) -> Sequence[Note]:
            rows = db.execute(NOTES_OF, (key_numbers(db, [key]).get(key),))
            return [note_of(key, parcel, row) for parcel, *row in rows]

        return await self._read(work)

    async def write_note(self, note: Note, *, expect: Note, fence: Fence | None = None) -> bool:
        """Replace a note that is still the one that was read."""
        key = note.note.order_key

        def work(db: Connection) -> bool:
            was = (
                expect.status.value,
                expect.tries,
                codec.maybe_micros(expect.claimed_at),
                expect.note.carrier,
                expect.note.tracking_number,
            )
            number = key_numbers(db, [key]).get(key)
            return db.execute(WRITE_NOTE, (*note_row(note), number, note.parcel_id, *was)).rowcount == 1

        return await self._write(work, fence)

    async def note_counts(self, channel: ChannelId) -> Mapping[NoteStatus, int]:
        """Return how many notes of a channel stand where."""

        def work(db: Connection) -> Mapping[NoteStatus, int]:
            rows = db.execute(COUNT_NOTES, (channel_number(db, channel),))
            return {NoteStatus(status): count for status, count in rows}

        return await self._read(work)


def _answer(
    db: Connection, parcel: ParcelRecord, number: int, before: Mapping[int, Standing], *, expect: int
) -> ParcelAnswer:
    known = db.execute(FIND_PARCEL, (number, parcel.id)).fetchone()
    if known is not None:
        same = parcel_of(parcel.order_key, known).asked == parcel.asked
        return ParcelAnswer.REPEATED if same else ParcelAnswer.OTHER_CONTENT
    if db.execute(HAS_WAITING, (number,)).fetchone() is not None:
        return ParcelAnswer.ANOTHER_WAITING
    if number not in before or before[number].revision != expect:
        return ParcelAnswer.STALE
    return ParcelAnswer.RECORDED
