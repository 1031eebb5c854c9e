"""Parcels and dispatch notes in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

import attrs

from ...model.dispatch import Note, NoteStatus, ParcelRecord
from ...model.ids import ChannelId, Fence, OrderKey
from ...model.orders import Order
from ...ports import ParcelAnswer
from .fences import Fences

LOOKED_AT = frozenset({NoteStatus.CLAIMED, NoteStatus.SENT})


class MemoryParcels:
    """The half of the order store that keeps parcels and their notes beside the orders."""

    def __init__(self) -> None:
        self._fences = Fences()
        self._orders: dict[OrderKey, Order] = {}
        self._parcels: dict[OrderKey, dict[str, ParcelRecord]] = {}
        self._notes: dict[OrderKey, dict[str, Note]] = {}

    async def record_parcel(self, parcel: ParcelRecord, order: Order, note: Note, *, expect: int) -> ParcelAnswer:
        """Write parcel, order and note together, unless something speaks against it."""
        key = parcel.order_key
        known = self._parcels.get(key, {}).get(parcel.id)
        if known is not None:
            return ParcelAnswer.REPEATED if known.asked == parcel.asked else ParcelAnswer.OTHER_CONTENT
        if self._has_waiting(key):
            return ParcelAnswer.ANOTHER_WAITING
        stored = self._orders.get(key)
        if stored is None or stored.revision != expect:
            return ParcelAnswer.STALE
        self._write_over(order)
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
            for note in self._notes_of(channel)
            if note.status is NoteStatus.WAITING and key in (None, note.note.order_key)
        ]
        found.sort(key=lambda parcel: (parcel.deduction.claim.revision, parcel.order_key))
        return found[:limit]

    async def queue(self, key: OrderKey, parcel_id: str, *, fence: Fence | None = None) -> None:
        """Let a finished parcel's note go out."""
        self._fences.check(fence)
        note = self._notes.get(key, {}).get(parcel_id)
        if note is not None and note.status is NoteStatus.WAITING:
            self._notes[key][parcel_id] = attrs.evolve(note, status=NoteStatus.QUEUED)

    async def notes_due(
        self, channel: ChannelId, *, at: datetime, limit: int, after: str | None = None, fence: Fence | None = None
    ) -> Sequence[Note]:
        """Return notes to send or to look after, by id."""
        self._fences.check(fence)
        found = [
            note
            for note in self._notes_of(channel)
            if (after is None or note.note.id > after)
            and (
                note.status is NoteStatus.QUEUED
                or (note.status in LOOKED_AT and (note.look_at is None or note.look_at <= at))
            )
        ]
        return found[:limit]

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

    def _write_over(self, order: Order) -> None:
        """Write a stored order over; its stock revision never falls."""
        if order.stock_revision < self._orders[order.key].stock_revision:
            raise ValueError(f"{order.key}: its stock revision would fall; change what is stored, not an older copy")
        self._orders[order.key] = order

    def _has_waiting(self, key: OrderKey) -> bool:
        return any(note.status is NoteStatus.WAITING for note in self._notes.get(key, {}).values())

    def _notes_of(self, channel: ChannelId) -> list[Note]:
        mine = (note for key, notes in self._notes.items() if key.channel == channel for note in notes.values())
        return sorted(mine, key=lambda note: note.note.id)
