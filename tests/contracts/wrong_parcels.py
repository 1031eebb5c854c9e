"""Order stores with one mistake each about parcels and their notes, and the law that must find it."""

# ruff: noqa: ANN401, ARG002 - what is wrong may well be that an argument is ignored

from __future__ import annotations

from typing import Any

import attrs

from ordersync import lifecycle
from ordersync.errors import StorageError
from ordersync.model.dispatch import Note, NoteStatus, ParcelRecord
from ordersync.model.ids import Fence, OrderKey
from ordersync.model.orders import Order
from ordersync.ports import ParcelAnswer
from ordersync.storage.memory import MemoryOrderStore

LONGEST_ID = 1024


class TwoWaitingParcels(MemoryOrderStore):
    """Records a second parcel while the first waits."""

    async def record_parcel(
        self, parcel: ParcelRecord, order: Order, note: Note, *, expect: int, **options: Any
    ) -> ParcelAnswer:
        """Hide the first parcel's note."""
        hidden = self._notes.pop(parcel.order_key, {})
        answer = await super().record_parcel(parcel, order, note, expect=expect, **options)
        self._notes[parcel.order_key] = hidden | self._notes.get(parcel.order_key, {})
        return answer


class AnyContent(MemoryOrderStore):
    """Takes a used parcel id for the same parcel, whatever it holds."""

    async def record_parcel(
        self, parcel: ParcelRecord, order: Order, note: Note, *, expect: int, **options: Any
    ) -> ParcelAnswer:
        """Compare the id alone."""
        answer = await super().record_parcel(parcel, order, note, expect=expect, **options)
        return ParcelAnswer.REPEATED if answer is ParcelAnswer.OTHER_CONTENT else answer


class ComparesResolved(MemoryOrderStore):
    """Compares a parcel by the lines it came to, not as it was asked for."""

    async def record_parcel(
        self, parcel: ParcelRecord, order: Order, note: Note, *, expect: int, **options: Any
    ) -> ParcelAnswer:
        """Compare lines."""
        known = self._parcels.get(parcel.order_key, {}).get(parcel.id)
        if known is not None and known.lines == parcel.lines:
            return ParcelAnswer.REPEATED
        return await super().record_parcel(parcel, order, note, expect=expect, **options)


class StaleFirst(MemoryOrderStore):
    """Looks at the order's revision before it looks for the parcel."""

    async def record_parcel(
        self, parcel: ParcelRecord, order: Order, note: Note, *, expect: int, **options: Any
    ) -> ParcelAnswer:
        """Compare the revision first."""
        if self._orders[parcel.order_key].revision != expect:
            return ParcelAnswer.STALE
        return await super().record_parcel(parcel, order, note, expect=expect, **options)


class ParcelFollowsOrder(MemoryOrderStore):
    """Reads a parcel's claim from its order as that is now."""

    async def parcel(self, key: OrderKey, parcel_id: str) -> ParcelRecord | None:
        """Look at the order."""
        found = await super().parcel(key, parcel_id)
        if found is None:
            return None
        deduction = attrs.evolve(found.deduction, claim=lifecycle.claim_of(self._orders[key]))
        return attrs.evolve(found, deduction=deduction)


class QueueSettles(MemoryOrderStore):
    """Takes an order for settled when its parcel's note is queued."""

    async def queue(self, key: OrderKey, parcel_id: str, *, fence: Fence | None = None) -> None:
        """Settle too."""
        await super().queue(key, parcel_id, fence=fence)
        if key in self._orders:
            order = self._orders[key]
            self._orders[key] = attrs.evolve(order, reserved_revision=order.stock_revision)


class QueuesAgain(MemoryOrderStore):
    """Queues notes that have moved on."""

    async def queue(self, key: OrderKey, parcel_id: str, *, fence: Fence | None = None) -> None:
        """Queue whatever there is."""
        note = self._notes.get(key, {}).get(parcel_id)
        if note is not None:
            self._notes[key][parcel_id] = attrs.evolve(note, status=NoteStatus.QUEUED)


class WritesNotesBlindly(MemoryOrderStore):
    """Writes a note over whatever is stored."""

    async def write_note(self, note: Note, *, expect: Note, fence: Fence | None = None) -> bool:
        """Expect what is there."""
        stored = self._notes[note.note.order_key][note.parcel_id]
        return await super().write_note(note, expect=stored, fence=fence)


class QueuesTheConfirmed(MemoryOrderStore):
    """Lets every note go out, whatever it is ready for."""

    async def queue(self, key: OrderKey, parcel_id: str, *, fence: Fence | None = None) -> None:
        """Queue."""
        note = self._notes.get(key, {}).get(parcel_id)
        if note is not None and note.status is NoteStatus.WAITING:
            self._notes[key][parcel_id] = attrs.evolve(note, status=NoteStatus.QUEUED)


class ReadyAtOnce(MemoryOrderStore):
    """Forgets what a note is ready for."""

    async def record_parcel(
        self, parcel: ParcelRecord, order: Order, note: Note, *, expect: int, **options: Any
    ) -> ParcelAnswer:
        """Let it be queued."""
        forgotten = attrs.evolve(note, ready=NoteStatus.QUEUED)
        return await super().record_parcel(parcel, order, forgotten, expect=expect, **options)


class RecordsForAnybody(MemoryOrderStore):
    """Records the parcel of a run that was overtaken."""

    async def record_parcel(
        self, parcel: ParcelRecord, order: Order, note: Note, *, expect: int, fence: Fence | None = None, **options: Any
    ) -> ParcelAnswer:
        """Compare no token."""
        return await super().record_parcel(parcel, order, note, expect=expect, **options)


class HasShortColumns(MemoryOrderStore):
    """Keeps ids of no more than 1024 characters."""

    async def record_parcel(
        self, parcel: ParcelRecord, order: Order, note: Note, *, expect: int, **options: Any
    ) -> ParcelAnswer:
        """Refuse longer ones."""
        if len(note.note.id) > LONGEST_ID:
            raise StorageError("a note's id is too long")
        return await super().record_parcel(parcel, order, note, expect=expect, **options)


WRONG_PARCELS = {
    TwoWaitingParcels: "test_second_waiting_parcel_is_refused",
    AnyContent: "test_used_id_with_other_content_is_refused",
    ComparesResolved: "test_rest_named_line_by_line_is_other_content",
    StaleFirst: "test_repeated_parcel_is_recognized_first",
    ParcelFollowsOrder: "test_recorded_parcel_is_frozen",
    QueueSettles: "test_queueing_settles_no_revision",
    QueuesAgain: "test_only_waiting_notes_are_queued",
    WritesNotesBlindly: "test_one_of_two_claimers_wins",
    QueuesTheConfirmed: "test_note_becomes_what_it_is_ready_for",
    ReadyAtOnce: "test_note_becomes_what_it_is_ready_for",
    RecordsForAnybody: "test_lower_token_is_refused",
    HasShortColumns: "test_widest_names_go_all_the_way",
}
