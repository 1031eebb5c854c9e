"""Reading again: what was refused under former settings, and everything, when somebody asks for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import attrs

from ..admission import DELETED_HERE, Candidate, admission_fingerprint, admit
from ..channel import SupportsOrderLookup
from ..model.orders import Decision
from ..model.runs import Progress
from .channel_run import ChannelRun

BATCH = 500


async def read_back_to(run: ChannelRun, progress: Progress) -> datetime | None:
    """Return when the oldest order changed that was refused, and that the settings of today would download.

    None when there is none, or when the settings are those under which all were judged. Sweeps do not show what has
    ended meanwhile; a scan of the changes since then does.
    """
    if progress.admission == admission_fingerprint(run.channel.settings) or not _reads_back(run, progress):
        return None
    changed = [_changed_at(decision) async for decision in _admitted_now(run)]
    return min((moment for moment in changed if moment is not None), default=None)


async def unsettle(run: ChannelRun, progress: Progress) -> None:
    """Note, before orders are judged by other settings than the last, that no settings have judged all of them.

    Whoever returns to the former settings before a download has ended under these reads again, too.
    """
    if progress.admission not in ("", admission_fingerprint(run.channel.settings)):
        await run.storage.orders.set_progress(run.id, attrs.evolve(progress, admission=""), fence=run.fence)


async def reread(run: ChannelRun, progress: Progress) -> None:
    """Note that all orders are judged by the settings of today; what no scan shows again is looked up first."""
    orders, judged_by = run.storage.orders, admission_fingerprint(run.channel.settings)
    if progress.admission == judged_by:
        return
    if not _reads_back(run, progress) and isinstance(run.channel, SupportsOrderLookup):
        async for decision in _admitted_now(run):
            await orders.hint(decision.key, at=run.now())
    progress = await orders.progress(run.id, fence=run.fence)
    await orders.set_progress(run.id, attrs.evolve(progress, admission=judged_by), fence=run.fence)


async def sweep_next(run: ChannelRun) -> None:
    """Make a complete sweep due, from its start even if one is under way."""
    orders = run.storage.orders
    progress = await orders.progress(run.id, fence=run.fence)
    asked = attrs.evolve(progress, interrupted=True, sweep_began_at=None, sweep_position=None)
    await orders.set_progress(run.id, asked, fence=run.fence)


def _reads_back(run: ChannelRun, progress: Progress) -> bool:
    """Say whether a scan of this run reads changes at all."""
    return run.channel.scan != "state" and progress.watermark is not None


async def _admitted_now(run: ChannelRun) -> AsyncIterator[Decision]:
    """Yield the decisions against orders that would be downloaded under the settings of today."""
    after = None
    while batch := await run.storage.orders.decisions_by_key(run.id, admitted=False, limit=BATCH, after=after):
        after = batch[-1].key
        if run.read_fence is not None:
            await run.lease.keep()
        for decision in batch:
            if decision.code != DELETED_HERE and _would_be_admitted(run, decision):
                yield decision


def _would_be_admitted(run: ChannelRun, decision: Decision) -> bool:
    """Say so, too, of an order of which only is known that it could be read."""
    if decision.seen is None:
        return decision.placed_at is not None
    return admit(Candidate(order=decision.seen, settings=run.channel.settings)) is None


def _changed_at(decision: Decision) -> datetime | None:
    return decision.placed_at if decision.seen is None else decision.seen.updated_at
