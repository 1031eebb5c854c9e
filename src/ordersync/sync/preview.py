"""Dry run: decide downloads and show what would be pushed and sent now; nothing is written or sent."""

from __future__ import annotations

from itertools import count

import attrs

from ..model.dispatch import NoteStatus
from .channel_run import ChannelRun
from .download import fetch_page, not_twice
from .pages import DOUBLE, decide, report
from .publish import targets
from .rereading import read_back_to
from .scan import Scan, begin, plan


async def preview(run: ChannelRun) -> None:
    """Show what a run would do to one channel."""
    progress = await run.storage.orders.progress(run.id)
    back_to = await read_back_to(run, progress)
    told: set[str] = set()
    for kind in plan(run.channel, progress, now=run.now()):
        scan = begin(run.channel, kind, progress, now=run.now())
        await _read(run, scan if back_to is None else scan.from_time(back_to), told)
    await _pushes(run)
    await _notes(run)


async def _read(run: ChannelRun, scan: Scan, told: set[str]) -> None:
    """Decide page after page; what an earlier scan has shown, and a run would have saved, is told once."""
    cursors: set[str] = set()
    cursor: str | None = None
    for number in count(1):
        page = await fetch_page(run, scan, cursor)
        decided = await decide(run, page, number)
        report(run, [attrs.evolve(one, sighting=DOUBLE) if one.reference in told else one for one in decided])
        told.update(one.reference for one in decided if one.reference is not None)
        cursor = page.next_cursor
        if cursor is None:
            return
        not_twice(run, cursor, cursors)


async def _pushes(run: ChannelRun) -> None:
    after = None
    while batch := await run.storage.listings.due(
        run.id, window=run.window, at=run.now(), limit=run.channel.stock_batch_size, after=after
    ):
        after = batch[-1].id
        believed = {listing.id: listing.believed for listing in batch}
        for push in await targets(run, batch):
            shown = believed[push.listing]
            if shown != push.quantity:
                told = f"{'unknown' if shown is None else shown} -> {push.quantity}"
                run.remark("due", "PUSH", str(push.listing), told)


async def _notes(run: ChannelRun) -> None:
    after = None
    while notes := await run.storage.orders.notes_due(run.id, at=run.now(), limit=200, after=after):
        after = notes[-1].note.id
        for note in notes:
            if note.status is not NoteStatus.SENT:
                run.remark("due", "NOTE", str(note.note.order_key), f"parcel {note.parcel_id}: {note.status}")
