"""OrderDesk: what people and the host do to an order."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from . import lifecycle
from .clock import Clock, SystemClock
from .errors import ParcelConflictError, TransitionError
from .model.dispatch import Note, NoteStatus, Parcel, ParcelRecord
from .model.ids import OrderKey
from .model.orders import Order
from .ports import ParcelAnswer, Storage
from .settlement import finish, settle

TRIES = 10
"""How often a verb reads an order anew because somebody else wrote it in between."""


class OrderDesk:
    """People's verbs. Stock is settled at once; what a crash cuts off, the next run finishes.

    Every verb compares and sets: it takes effect on the order as it was read, or reads it again. A step that is
    no arrow raises ``TransitionError`` and names those that are.
    """

    def __init__(self, storage: Storage, *, clock: Clock | None = None) -> None:
        """Work on the orders of *storage*; opens nothing."""
        self._storage = storage
        self._clock = clock or SystemClock()

    async def process(self, key: OrderKey, parcel: Parcel | None = None) -> Order:
        """Take a parcel out of an order: deduct it from stock, and queue a note for the order's own channel.

        Without lines the parcel holds all that is open. The same parcel id with the same content again gives the
        same answer; with other content ``ParcelConflictError``. ``TransitionError`` when the order may not be
        processed, or less is open than the parcel takes; ``OrderNotFoundError`` when it is not stored.
        """
        asked = parcel or Parcel()
        recorded = await self._record(key, asked)
        await finish(self._storage, recorded, at=self._clock.now())
        return await self._settled(key)

    async def cancel(self, key: OrderKey) -> Order:
        """Cancel what is open of an order; what was reserved for it is free again."""
        return await self._change(key, lifecycle.cancel)

    async def set_tracking(self, key: OrderKey, *, parcel_id: str = "all", carrier: str, tracking_number: str) -> None:
        """Give a parcel its tracking number after it was processed; allowed until its note is first tried."""
        await self._change_note(
            key,
            parcel_id,
            lambda note: attrs.evolve(
                note,
                note=attrs.evolve(note.note, carrier=carrier, tracking_number=tracking_number),
                message=None,
            ),
            allowed=lambda note: note.status in (NoteStatus.WAITING, NoteStatus.QUEUED) and not note.tries,
            verb="given a tracking number",
        )

    async def requeue(self, key: OrderKey, *, parcel_id: str = "all") -> None:
        """Let a note that was refused, given up or of unknown fate be tried again; it is looked for first."""
        await self._change_note(
            key,
            parcel_id,
            lambda note: attrs.evolve(note, status=NoteStatus.QUEUED, first_tried_at=self._clock.now(), message=None),
            allowed=lambda note: note.status in (NoteStatus.REJECTED, NoteStatus.UNKNOWN, NoteStatus.GAVE_UP),
            verb="requeued",
        )

    async def _record(self, key: OrderKey, asked: Parcel) -> ParcelRecord:
        """Record a parcel once, finishing another of the order first if its goods have not moved yet."""
        orders = self._storage.orders
        for _ in range(TRIES):
            known = await orders.parcel(key, asked.id)
            if known is not None:
                return _same(known, asked)
            order = await orders.get(key)
            try:
                after, record, note = lifecycle.process(order, asked, at=self._clock.now())
            except TransitionError:
                if await orders.parcel(key, asked.id) is None:
                    raise
                continue  # somebody recorded the very same parcel in between
            answer = await orders.record_parcel(record, after, note, expect=order.revision)
            if answer is ParcelAnswer.RECORDED:
                return record
            if answer is ParcelAnswer.ANOTHER_WAITING:
                for parcel in await orders.waiting(key.channel, key=key, limit=1):
                    await finish(self._storage, parcel, at=self._clock.now())
        raise _busy(key)

    async def _change(self, key: OrderKey, step: Callable[[Order], Order]) -> Order:
        for _ in range(TRIES):
            order = await self._storage.orders.get(key)
            if await self._storage.orders.replace(step(order), expect=order.revision):
                return await self._settled(key)
        raise _busy(key)

    async def _settled(self, key: OrderKey) -> Order:
        """Settle what an order holds and return it as it is now."""
        dues = await self._storage.orders.due(key.channel, key=key, limit=1)
        if dues:
            await settle(self._storage, dues, at=self._clock.now())
        return await self._storage.orders.get(key)

    async def _change_note(
        self,
        key: OrderKey,
        parcel_id: str,
        step: Callable[[Note], Note],
        *,
        allowed: Callable[[Note], bool],
        verb: str,
    ) -> None:
        for _ in range(TRIES):
            await self._storage.orders.get(key)
            notes = {note.parcel_id: note for note in await self._storage.orders.notes(key)}
            note = notes.get(parcel_id)
            if note is None:
                raise TransitionError(f"{key}: has no parcel {parcel_id!r}; it has {', '.join(notes) or 'none'}")
            if not allowed(note):
                raise TransitionError(f"{key}: the note of parcel {parcel_id!r} is {note.status} and cannot be {verb}")
            if await self._storage.orders.write_note(step(note), expect=note):
                return
        raise _busy(key)


def _same(known: ParcelRecord, asked: Parcel) -> ParcelRecord:
    if known.asked != asked:
        raise ParcelConflictError(
            f"{known.order_key}: parcel {asked.id!r} was processed before with other content; "
            "give another parcel its own id"
        )
    return known


def _busy(key: OrderKey) -> TransitionError:
    return TransitionError(f"{key}: somebody else keeps changing it; look at it and try again")
