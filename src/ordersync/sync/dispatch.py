"""Dispatch: tell the channel about parcels that left; look before anything is sent a second time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import attrs

from ..admission import canonical
from ..channel import SupportsOrderLookup
from ..errors import ChannelError, ChannelRejectedError
from ..model.channel_orders import ChannelOrder
from ..model.dispatch import DispatchNote, Note, NoteStatus
from ..model.runs import EntryKind
from ..model.settings import UnknownDispatch
from .channel_run import ChannelRun
from .retry import TooLateError
from .shipments import ARRIVED, Look, look_for

BATCH = 200
LOOK_AGAIN = timedelta(minutes=1)


async def dispatch(run: ChannelRun) -> None:
    """Work on each note that is due, one at a time, so that two of one order are never under way."""
    after = None
    while notes := await run.storage.orders.notes_due(run.id, at=run.now(), limit=BATCH, after=after, fence=run.fence):
        after = notes[-1].note.id
        for note in notes:
            await run.lease.keep()
            if note.status is not NoteStatus.SENT:
                await _handle(run, note)


async def _handle(run: ChannelRun, note: Note) -> None:
    if note.look_at is not None and run.now() < note.look_at:  # a requeued one whose late copy may still land
        return
    if await _marked_by_another(run, note):
        await _move(run, note, NoteStatus.SENT, message="the channel takes one note an order; an earlier one told it")
    elif note.status is NoteStatus.CLAIMED or note.tries:
        await _look_first(run, note)
    else:
        await _send(run, note)


def _window_is_over(run: ChannelRun, note: Note, *, at: datetime | None) -> bool:
    """Say whether *at* is later than the dispatch window of a note allows, counted from its first try."""
    first = note.first_tried_at
    return first is not None and at is not None and at - first > run.channel.settings.dispatch_window


async def _look_first(run: ChannelRun, note: Note) -> None:
    """Look at the channel for a note whose fate is not known, then send it only if it is not there."""
    if not isinstance(run.channel, SupportsOrderLookup):
        await _without_look(run, note)
        return
    found = await look(run, note)
    if found is Look.ARRIVED:
        await _move(run, note, NoteStatus.SENT)
    elif found is Look.SHIPPED_OTHERWISE:
        await _move(run, note, NoteStatus.REJECTED, message="the channel shows it shipped with other tracking")
    elif found is None and not _window_is_over(run, note, at=run.now()):
        await _write(run, note, attrs.evolve(note, look_at=run.now() + LOOK_AGAIN))
    elif found is None:
        await _give_up(run, note)
    else:
        await _send(run, note)


async def _give_up(run: ChannelRun, note: Note) -> None:
    await _move(run, note, NoteStatus.GAVE_UP, message="the channel did not take it within the dispatch window")


async def _without_look(run: ChannelRun, note: Note) -> None:
    """Do as the settings say; what a person has requeued is sent, for it was the person who looked."""
    policy = run.channel.settings.unknown_dispatch
    if policy is UnknownDispatch.RESEND or note.status is NoteStatus.QUEUED:
        await _send(run, note)
    elif policy is UnknownDispatch.NEVER:
        await _move(run, note, NoteStatus.GAVE_UP, message="its fate is unknown, and it is never sent twice")
    else:
        await _move(run, note, NoteStatus.UNKNOWN, message="its fate is unknown; look at the channel, then requeue it")


async def look(run: ChannelRun, note: Note) -> Look | None:
    """Say what the channel shows of a note; None when it does not show the order."""
    order = await find_order(run, note)
    if order is None:
        return None
    notes = await run.storage.orders.notes(note.note.order_key)
    return look_for(note, order, notes, shipped=canonical(order, run.channel.settings)[1])


async def find_order(run: ChannelRun, note: Note) -> ChannelOrder | None:
    """Ask the channel for a note's order; None when it cannot be read or found."""
    channel, reference = run.channel, note.note.order_key.reference
    if not isinstance(channel, SupportsOrderLookup):
        return None
    await run.lease.keep()
    try:
        found = await run.caller.read(lambda: channel.fetch_order(reference))
    except ChannelError as error:
        await run.failed_or_raise(error, order=note.note.order_key)
        return None
    return found if isinstance(found, ChannelOrder) else None


async def _send(run: ChannelRun, note: Note) -> None:
    """Claim a note, send it, record what became of it; a claim without a record is looked up later."""
    if _window_is_over(run, note, at=note.claimed_at):  # the last try was made behind it; a rest counts for none
        await _give_up(run, note)
        return
    lacking = _lacking(run, note)
    if lacking is not None:
        run.remark("lacking", "DISPATCH_LACKING", str(note.note.order_key), lacking)
        if note.message != lacking:
            await _write(run, note, attrs.evolve(note, message=lacking))
        return
    if await _another_under_way(run, note):
        return
    claimed_at, now = run.clock.monotonic(), run.lease.latest()
    claim = attrs.evolve(
        note,
        status=NoteStatus.CLAIMED,
        tries=note.tries + 1,
        claimed_at=now,
        first_tried_at=note.first_tried_at or now,
        look_at=now + run.window + run.channel.listing_lag,
        message=None,
    )
    if not await _write(run, note, claim):
        return
    await _call(run, note, claim, claimed_at)


async def _call(run: ChannelRun, note: Note, claim: Note, claimed_at: float) -> None:
    try:
        await run.caller.effect(
            lambda: run.channel.send_dispatch(_for_channel(run, note.note)),
            may_start=lambda: run.lease.may_start(claimed_at),
        )
    except TooLateError:
        await _write(run, claim, attrs.evolve(note, first_tried_at=claim.first_tried_at))
    except ChannelRejectedError as error:
        await _refused(run, claim, error)
    except ChannelError as error:
        if error.applied is False:
            await _write(run, claim, attrs.evolve(claim, status=NoteStatus.QUEUED, tries=0, look_at=None))
        await run.failed_or_raise(error, order=claim.note.order_key)
    else:
        run.counts["dispatched"] += 1
        await _move(run, claim, NoteStatus.SENT)


async def _refused(run: ChannelRun, claim: Note, error: ChannelRejectedError) -> None:
    """Take a refusal for success if the channel shows the parcel already; else for what it says."""
    found = await look(run, claim) if isinstance(run.channel, SupportsOrderLookup) else None
    certain = error.applied is False
    if found is Look.ARRIVED:
        await _move(run, claim, NoteStatus.SENT, message="the channel had it already")
    elif certain or found is Look.NOT_THERE:
        look_at = None if certain else claim.look_at
        await _move(run, claim, NoteStatus.REJECTED, message=str(error), look_at=look_at)
    else:
        run.remark("failed", error.code, str(claim.note.order_key), str(error))


def _lacking(run: ChannelRun, note: Note) -> str | None:
    """Say what a note still needs before this channel takes it."""
    carriers = run.channel.settings.carriers
    if run.channel.requires_tracking and not note.note.tracking_number:
        return f"parcel {note.parcel_id!r} needs a tracking number: OrderDesk.set_tracking(...)"
    if carriers and note.note.carrier and note.note.carrier not in carriers:
        return f"carrier {note.note.carrier!r} is not in settings.carriers; map it to the channel's code"
    return None


async def _marked_by_another(run: ChannelRun, note: Note) -> bool:
    """Say whether the channel, which can only mark whole orders, was told of this one already."""
    return run.channel.whole_order_dispatch and any(one.status in ARRIVED for one in await _others(run, note))


async def _another_under_way(run: ChannelRun, note: Note) -> bool:
    """Say whether another note of the order was sent, its fate is not known, and a copy of it may still land."""
    latest = run.now() - run.window - run.channel.listing_lag
    return any(
        one.status is NoteStatus.CLAIMED and one.claimed_at is not None and one.claimed_at > latest
        for one in await _others(run, note)
    )


async def _others(run: ChannelRun, note: Note) -> Sequence[Note]:
    notes = await run.storage.orders.notes(note.note.order_key)
    return [one for one in notes if one.parcel_id != note.parcel_id]


def _for_channel(run: ChannelRun, note: DispatchNote) -> DispatchNote:
    carriers = run.channel.settings.carriers
    return attrs.evolve(note, carrier=carriers[note.carrier]) if carriers and note.carrier else note


async def _move(
    run: ChannelRun,
    note: Note,
    status: NoteStatus,
    *,
    message: str | None = None,
    look_at: datetime | None = None,
) -> None:
    """Bring a note to another status; what a person must know is reported."""
    look_at = run.now() if status is NoteStatus.SENT else look_at
    if not await _write(run, note, attrs.evolve(note, status=status, look_at=look_at, message=message)):
        return
    run.note_moved(note.note.order_key, note.parcel_id, status.value)
    if status is not NoteStatus.SENT:
        code = f"DISPATCH_{status.name}"
        run.remark("refused", code, str(note.note.order_key), message or status.value)
        await run.write(EntryKind.ERROR, code=code, message=f"{note.note.id}: {message}", order=note.note.order_key)


async def _write(run: ChannelRun, note: Note, changed: Note) -> bool:
    return await run.storage.orders.write_note(changed, expect=note, fence=run.fence)
