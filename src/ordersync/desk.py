"""OrderDesk: what people and the host do to an order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import attrs

from . import handling, lifecycle
from .changes import TRIES, Change, settled
from .clock import Clock, SystemClock
from .errors import OrderNotFoundError, TransitionError
from .lifecycle import OrderEvent
from .model.dispatch import Note, NoteStatus, Parcel
from .model.fields import EARLIEST
from .model.ids import ChannelId, OrderKey
from .model.orders import Order, OrderState, Reason, Resolution
from .model.runs import EntryKind, JournalEntry
from .ports import Storage
from .settlement import finish

HOST = "the host"

ERASE_BATCH = 5000
"""So many orders are erased at once: a storage may have to write all its files anew each time."""


class OrderDesk:
    """People's verbs. Stock is settled at once; what a crash cuts off, the next run finishes.

    Every verb compares and sets: it takes effect on the order as it was read, or reads it again. A step that is
    no arrow raises ``TransitionError`` and names those that are, and ``OrderNotFoundError`` means that
    the order is not stored. Who, when and why are kept in the order's history. With *expect*, the revision that a
    person looked at, a verb is refused when the order has changed since, and the error tells what happened.
    """

    def __init__(self, storage: Storage, *, clock: Clock | None = None) -> None:
        """Work on the orders of *storage*; opens nothing."""
        self._storage = storage
        self._clock = clock or SystemClock()

    async def process(
        self, key: OrderKey, parcel: Parcel | None = None, *, who: str = HOST, expect: int | None = None
    ) -> Order:
        """Take a parcel out of an order: deduct it from stock, and queue a note for the order's own channel.

        Without lines the parcel holds all that is open. The same parcel id with the same content again gives the
        same answer; with other content ``ParcelConflictError``. ``TransitionError`` when the order may not be
        processed, or less is open than the parcel takes.
        """
        recorded = await self._change(key, who, "", expect).record(parcel or Parcel())
        await finish(self._storage, recorded, at=self._clock.now())
        return await settled(self._storage, key, at=self._clock.now())

    async def cancel(self, key: OrderKey, *, who: str = HOST, why: str = "", expect: int | None = None) -> Order:
        """Cancel what is open of an order; what was reserved for it is free again."""
        change = self._change(key, who, why, expect)
        return await self._made(change, OrderEvent.CANCELLED, lambda order: lifecycle.cancel(order, by=change.by))

    async def hold(self, key: OrderKey, *, who: str, why: str, expect: int | None = None) -> Order:
        """Lock an order: it is not processed and reserves nothing until it is resumed."""
        change = self._change(key, who, why, expect)
        return await self._made(change, OrderEvent.HELD, lambda order: handling.hold(order, by=change.by))

    async def resume(self, key: OrderKey, *, who: str, why: str = "", expect: int | None = None) -> Order:
        """Unlock a held order; it reserves again, and more may be sold by now than there is."""
        return await self._made(self._change(key, who, why, expect), OrderEvent.RESUMED, handling.resume)

    async def park(self, key: OrderKey, *, who: str, why: str, expect: int | None = None) -> Order:
        """Set an order aside: it is not processed, and goes on reserving."""
        change = self._change(key, who, why, expect)
        return await self._made(change, OrderEvent.PARKED, lambda order: handling.park(order, by=change.by))

    async def unpark(self, key: OrderKey, *, who: str, why: str = "", expect: int | None = None) -> Order:
        """Let an order be processed that a person had set aside; what its channel waits for stays."""
        return await self._made(self._change(key, who, why, expect), OrderEvent.UNPARKED, handling.unpark)

    async def move(self, key: OrderKey, location: str, *, who: str, why: str = "", expect: int | None = None) -> Order:
        """Serve an order from another location; its reservation moves along."""
        change = self._change(key, who, why, expect)
        return await self._made(change, OrderEvent.MOVED, lambda order: handling.move(order, location))

    async def relink(self, key: OrderKey, *, who: str, why: str = "", expect: int | None = None) -> Order:
        """Let every line of an order take from stock what its channel SKU means now, instead of when it was saved."""
        await self._change(key, who, why, expect).relink()
        return await settled(self._storage, key, at=self._clock.now())

    async def delete(self, key: OrderKey, *, who: str, why: str, expect: int | None = None) -> Order:
        """Leave only a tombstone: the order reserves nothing and is not downloaded again until it is restored."""
        change = self._change(key, who, why, expect)
        return await self._made(change, OrderEvent.DELETED, lambda order: handling.delete(order, by=change.by))

    async def restore(self, key: OrderKey, *, who: str, why: str = "", expect: int | None = None) -> Order:
        """Bring a deleted order back, as its channel shows it by now; it reserves again."""
        change = self._change(key, who, why, expect)
        return await self._made(change, OrderEvent.RESTORED, lambda order: handling.restore(order, by=change.by))

    async def resolve(
        self, key: OrderKey, resolution: Resolution | str, *, who: str, why: str = "", expect: int | None = None
    ) -> Order:
        """Decide an order's conflict; ``TransitionError`` names the resolutions that its conflict leaves."""
        recorded = await self._change(key, who, why, expect).resolve(Resolution(resolution))
        if recorded is not None:
            await finish(self._storage, recorded, at=self._clock.now())
        return await settled(self._storage, key, at=self._clock.now())

    async def erase(self, key: OrderKey, *, who: str, why: str) -> None:
        """Remove the personal data of an order for good: buyer, address, documents, those in quarantine included.

        Key, facts, stock and reasons stay, and an order that its channel shows again stays erased. It may be done to
        an order in any state, and to one that was seen and never stored; what is open can still be sent.
        ``OrderNotFoundError`` when nothing is kept of it: no channel ever showed it, or all about it is forgotten.
        """
        if not await self._is_kept(key):
            raise OrderNotFoundError(f"{key}: nothing of it is kept; look for the key of the order that is meant")
        await self._erase([key], who, why)

    async def _is_kept(self, key: OrderKey) -> bool:
        """Say whether anything is kept of an order; one whose document waits in quarantine has a decision."""
        orders = self._storage.orders
        return bool(await orders.decision(key) or await orders.load([key]) or await orders.erased([key]))

    async def purge(self, *, older_than: timedelta, who: str = HOST, why: str = "") -> int:
        """Erase every order that ended longer ago than that, and return how many.

        A processed order has ended when its last parcel left, and no note of it is still to be sent. Documents that
        have waited in quarantine for so long are dropped, too; why they are there stays. ``ValueError`` for an age
        below zero.
        """
        now, erased = self._clock.now(), 0
        if older_than < timedelta(0):
            raise ValueError(f"older_than: {older_than} is below zero; orders that ended by now are older than zero")
        before = now - min(older_than, now - EARLIEST)
        while keys := await self._storage.orders.erasable(before=before, limit=ERASE_BATCH):
            await self._erase(keys, who, why)
            erased += len(keys)
        await self._storage.orders.empty_quarantine(before=before)
        return erased

    async def _erase(self, keys: Sequence[OrderKey], who: str, why: str) -> None:
        """Erase orders; that it was asked for is in the journal first, once for each, so that a crash hides nothing."""
        now, journal = self._clock.now(), self._storage.journal
        erased = [EntryKind.ERASED]
        asked = [key for key in keys if not await journal.entries(order=key, kinds=erased, limit=1)]
        facts = {"by": who}
        await journal.write(
            [
                JournalEntry(at=now, kind=EntryKind.ERASED, channel=key.channel, order=key, message=why, facts=facts)
                for key in asked
            ]
        )
        await self._storage.orders.erase(keys, at=now)

    async def deleted(self, *, channel: ChannelId | None = None, limit: int = 1000) -> Sequence[Order]:
        """Return the orders that people deleted, by key; ``ended`` says who, when and why."""
        return await self._storage.orders.listed(states=[OrderState.DELETED], channel=channel, limit=limit)

    async def conflicts(self, *, channel: ChannelId | None = None, limit: int = 1000) -> Sequence[Order]:
        """Return the orders that a person must decide about, by key; a deleted one only when it is restored."""
        states = [state for state in OrderState if state is not OrderState.DELETED]
        return await self._storage.orders.listed(states=states, conflicts=True, channel=channel, limit=limit)

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

    def _change(self, key: OrderKey, who: str, why: str, expect: int | None) -> Change:
        by = Reason(who=who, why=why, at=self._clock.now())
        return Change(storage=self._storage, key=key, by=by, expect=expect)

    async def _made(self, change: Change, event: OrderEvent, step: Callable[[Order], Order]) -> Order:
        await change.make(event, step)
        return await settled(self._storage, change.key, at=self._clock.now())

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
        raise TransitionError(f"{key}: somebody else keeps changing its notes; look at them and try again")
