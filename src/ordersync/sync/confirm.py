"""Confirm: know that the channel shows as shipped what it was told of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

import attrs

from ..admission import canonical
from ..channel import SupportsOrderLookup
from ..model.channel_orders import FulfillmentStatus
from ..model.dispatch import Note, NoteStatus
from ..model.ids import OrderKey
from .channel_run import ChannelRun
from .dispatch import BATCH, find_order
from .shipments import ARRIVED, all_arrived

SHORTEST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)


async def confirm(run: ChannelRun) -> None:
    """Look after sent notes, an order at a time; one that is not shown yet is looked for later and later."""
    after = None
    while notes := await run.storage.orders.notes_due(run.id, at=run.now(), limit=BATCH, after=after, fence=run.fence):
        after = notes[-1].note.id
        sent: dict[OrderKey, list[Note]] = defaultdict(list)
        for note in notes:
            if note.status is NoteStatus.SENT:
                sent[note.note.order_key].append(note)
        for of_order in sent.values():
            await run.lease.keep()
            await _confirm(run, of_order)


async def _confirm(run: ChannelRun, notes: Sequence[Note]) -> None:
    shown = await (_looked_up(run, notes) if isinstance(run.channel, SupportsOrderLookup) else _from_feed(run, notes))
    for note in notes:
        changed = attrs.evolve(note, look_at=_next_look(note, run.now()))
        if shown:
            changed = attrs.evolve(note, status=NoteStatus.CONFIRMED, look_at=None)
        if await run.storage.orders.write_note(changed, expect=note, fence=run.fence) and shown:
            run.counts["confirmed"] += 1
            run.note_moved(note.note.order_key, note.parcel_id, NoteStatus.CONFIRMED.value)


async def _looked_up(run: ChannelRun, notes: Sequence[Note]) -> bool:
    order = await find_order(run, notes[0])
    if order is None:
        return False
    told = [note for note in await run.storage.orders.notes(notes[0].note.order_key) if note.status in ARRIVED]
    return all_arrived(told, order, shipped=canonical(order, run.channel.settings)[1])


async def _from_feed(run: ChannelRun, notes: Sequence[Note]) -> bool:
    """Confirm by what the last scan showed: the order as shipped, or a later credible sweep without it."""
    orders, key = run.storage.orders, notes[0].note.order_key
    if (await orders.get(key)).fulfillment is FulfillmentStatus.SHIPPED:
        return True
    swept_at = (await orders.progress(run.id, fence=run.fence)).trusted_at
    seen = await orders.decision(key)
    told_at = max(note.claimed_at or note.note.dispatched_at for note in notes) + run.channel.listing_lag
    gone = swept_at is not None and seen is not None and seen.last_seen_at is not None and seen.last_seen_at < swept_at
    return gone and swept_at is not None and told_at < swept_at


def _next_look(note: Note, now: datetime) -> datetime:
    """Return when to look again: after as long as we have waited already, within bounds."""
    waited = now - (note.claimed_at or note.note.dispatched_at)
    return now + min(max(waited, SHORTEST_WAIT), LONGEST_WAIT)
