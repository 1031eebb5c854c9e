"""Parcels and dispatch notes in memory."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import attrs

from ...model.dispatch import Note, NoteStatus, ParcelRecord
from ...model.ids import ChannelId, Fence, OrderKey
from ...model.orders import Order, OrderChange
from ...ports import ParcelAnswer
from .tables import OrderTables

LOOKED_AT = frozenset({NoteStatus.CLAIMED, NoteStatus.SENT})


class MemoryParcels(OrderTables):
    """The part of the order store that keeps parcels and their notes beside the orders."""

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
        """Write parcel, order and note together, unless something speaks against it."""
        self._fences.check(fence)
        key = parcel.order_key
        known = self._parcels.get(key, {}).get(parcel.id)
        if known is not None:
            return ParcelAnswer.REPEATED if known.asked == parcel.asked else ParcelAnswer.OTHER_CONTENT
        if self._has_waiting(key):
            return ParcelAnswer.ANOTHER_WAITING
        stored = self._orders.get(key)
        if stored is None or stored.revision != expect:
            return ParcelAnswer.STALE
        self._write_over(order, change)
        self._parcels.setdefault(key, {})[parcel.id] = parcel
        self._notes.setdefault(key, {})[parcel.id] = note
        return ParcelAnswer.RECORDED

    async def parcel(self, key: OrderKey, parcel_id: str) -> ParcelRecord | None:
        """Return a parcel as recorded."""
        return self._parcels.get(key, {}).get(parcel_id)

    async def waiting(
        self, channel: ChannelId, *, limit: int, key: OrderKey | None = None, fence: Fence | None = None
    ) -> Sequence[ParcelRecord]:
        """Return parcels that are not finished, oldest claim first."""
        self._fences.check(fence)
        found = [
            self._parcels[note.note.order_key][note.parcel_id]
            for note in (self._notes_of(channel) if key is None else self._notes.get(key, {}).values())
            if note.status is NoteStatus.WAITING
        ]
        found.sort(key=lambda parcel: (parcel.deduction.claim.revision, parcel.order_key))
        return found[:limit]

    async def queue(self, key: OrderKey, parcel_id: str, *, fence: Fence | None = None) -> None:
        """Let a finished parcel's note go out."""
        self._fences.check(fence)
        note = self._notes.get(key, {}).get(parcel_id)
        if note is not None and note.status is NoteStatus.WAITING:
            self._notes[key][parcel_id] = attrs.evolve(note, status=note.ready)

    async def notes_due(
        self, channel: ChannelId, *, at: datetime, limit: int, after: str | None = None, fence: Fence | None = None
    ) -> Sequence[Note]:
        """Return notes to send or to look after, by id."""
        self._fences.check(fence)
        found = (
            note
            for note in self._notes_of(channel)
            if (after is None or note.note.id > after)
            and (
                note.status is NoteStatus.QUEUED
                or (note.status in LOOKED_AT and (note.look_at is None or note.look_at <= at))
            )
        )
        return heapq.nsmallest(limit, found, key=lambda note: note.note.id)

    async def notes(self, key: OrderKey) -> Sequence[Note]:
        """Return all notes of an order, oldest first."""
        return list(self._notes.get(key, {}).values())

    async def write_note(self, note: Note, *, expect: Note, fence: Fence | None = None) -> bool:
        """Replace a note that is still the one that was read."""
        self._fences.check(fence)
        mine = self._notes.get(note.note.order_key, {})
        stored = mine.get(note.parcel_id)
        if stored is None or stored.standing != expect.standing:
            return False
        mine[note.parcel_id] = note
        return True

    async def note_counts(self, channel: ChannelId) -> Mapping[NoteStatus, int]:
        """Return how many notes stand where."""
        return dict(Counter(note.status for note in self._notes_of(channel)))

    def _has_waiting(self, key: OrderKey) -> bool:
        return any(note.status is NoteStatus.WAITING for note in self._notes.get(key, {}).values())

    def _notes_of(self, channel: ChannelId) -> Iterator[Note]:
        """Yield the notes of a channel, in no order."""
        return (note for key, notes in self._notes.items() if key.channel == channel for note in notes.values())
