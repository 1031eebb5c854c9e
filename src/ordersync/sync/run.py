"""One run over some channels: leases, all of them at once, the report."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from ..channel import Channel
from ..errors import ChannelError, ConfigurationError, LeaseLostError, OrderSyncError, StorageError
from ..model.dispatch import NoteStatus
from ..model.events import RunFinished, RunStarted
from ..model.ids import ChannelId
from ..model.runs import ChannelLife, ChannelState, EntryKind, JournalEntry
from .channel_run import ChannelRun, RunContext
from .channel_task import Rendezvous, Task, work
from .lease import HeldLease
from .preview import preview
from .report import ChannelReport, RunReport

WAITING = (NoteStatus.WAITING, NoteStatus.QUEUED, NoteStatus.CLAIMED)


class Run:
    """One run: it does its *task* with each channel, or with *dry* shows what it would do."""

    def __init__(self, context: RunContext, *, dry: bool = False, task: Task = work) -> None:
        self._context, self._dry, self._task = context, dry, task
        self._id, self._storage, self._clock = context.run_id, context.storage, context.clock
        self._reports: dict[ChannelId, ChannelReport] = {}
        self._errors: list[OrderSyncError] = []

    async def over(self, channels: Sequence[Channel]) -> RunReport:
        """Work on the channels and report."""
        started_at = self._clock.now()
        self._context.tell(RunStarted(run_id=self._id, channels=tuple(one.id for one in channels), dry_run=self._dry))
        try:
            await (self._preview(channels) if self._dry else self._work(channels))
        except StorageError as error:
            self._errors.append(error)
        self._context.tell(RunFinished(run_id=self._id, errors=len(self._errors)))
        order = [channel.id for channel in channels]
        return RunReport(
            run_id=self._id,
            started_at=started_at,
            finished_at=self._clock.now(),
            dry_run=self._dry,
            channels={one: self._reports.get(one, ChannelReport(channel=one, status="failed")) for one in order},
            errors=tuple(self._errors),
        )

    async def _work(self, channels: Sequence[Channel]) -> None:
        await self._note(EntryKind.RUN_STARTED)
        lives = await self._storage.journal.life([channel.id for channel in channels])
        ready = [channel for channel in channels if await self._is_ready(channel, lives[channel.id])]
        runs: list[ChannelRun] = []
        try:
            for channel in ready:
                await self._lease(channel, runs)
            await self._together(runs, lives)
        finally:
            await self._give_back(runs)
        await self._note(EntryKind.RUN_FINISHED, errors=str(len(self._errors)))

    async def _is_ready(self, channel: Channel, life: ChannelLife) -> bool:
        """Say whether a channel is to be worked on; a mapping that must be there and is not disables it."""
        cause = missing_mapping(channel)
        if cause is not None and life.state is not ChannelState.DISABLED:
            await self._storage.journal.disable(channel.id, by="ordersync", cause=cause, at=self._clock.now())
            self._errors.append(ConfigurationError(f"{channel.id}: {cause}"))
        if cause is None and life.state is not ChannelState.DISABLED:
            return True
        self._reports[channel.id] = ChannelReport(channel=channel.id, status="disabled")
        return False

    async def _lease(self, channel: Channel, runs: list[ChannelRun]) -> None:
        try:
            lease = await HeldLease.take(self._storage, channel, holder=self._id, clock=self._clock)
        except LeaseLostError:
            lease = None  # taken over between lease and fence
        if lease is None:
            self._reports[channel.id] = ChannelReport(channel=channel.id, status="busy")
        else:
            runs.append(ChannelRun(channel, self._context, lease))

    async def _together(self, runs: Sequence[ChannelRun], lives: Mapping[ChannelId, ChannelLife]) -> None:
        """Work on all leased channels at once; a bug in one lets the others finish before it comes out."""
        rendezvous = Rendezvous(len(runs))
        bugs: list[Exception] = []

        async def guarded(run: ChannelRun) -> None:
            try:
                await self._task(run, lives[run.id], rendezvous)
            except (StorageError, asyncio.CancelledError):
                run.status = "failed"
                raise
            except Exception as bug:  # noqa: BLE001 - not ours to handle, only to delay
                run.status = "failed"
                bugs.append(bug)

        try:
            async with asyncio.TaskGroup() as group:
                for run in runs:
                    group.create_task(guarded(run))
        except* StorageError as failures:
            self._errors += [error for error in failures.exceptions if isinstance(error, StorageError)]
        if bugs:
            raise ExceptionGroup("a channel, an observer or ordersync itself has a bug", bugs)

    async def _give_back(self, runs: Sequence[ChannelRun]) -> None:
        """Report on every channel and release its lease, whatever happened."""
        for run in runs:
            try:
                await self._count_notes(run)
                await run.lease.release()
            except StorageError as error:
                self._errors.append(error)
            self._reports[run.id] = run.report()
            self._errors += run.errors

    async def _preview(self, channels: Sequence[Channel]) -> None:
        lives = await self._storage.journal.life([channel.id for channel in channels])
        for channel in channels:
            if lives[channel.id].state is ChannelState.DISABLED or missing_mapping(channel) is not None:
                self._reports[channel.id] = ChannelReport(channel=channel.id, status="disabled")
                continue
            run = ChannelRun(channel, self._context, None)
            try:
                await preview(run)
            except ChannelError as error:
                run.status = "failed"
                self._errors.append(error)
            await self._count_notes(run)
            self._reports[channel.id] = run.report()

    async def _count_notes(self, run: ChannelRun) -> None:
        counts = await self._storage.orders.note_counts(run.id)
        run.counts["notes_waiting"] = sum(counts.get(status, 0) for status in WAITING)

    async def _note(self, kind: EntryKind, **facts: str) -> None:
        entry = JournalEntry(at=self._clock.now(), kind=kind, run_id=self._id, facts=facts)
        await self._storage.journal.write([entry])


def missing_mapping(channel: Channel) -> str | None:
    """Return why a channel cannot download anything for lack of a status mapping; None when it can."""
    settings = channel.settings
    if not channel.requires_status_mapping:
        return None
    if settings.status_mapping is None:
        return "it needs settings.status_mapping: its shop defines its own status words"
    mapping = settings.status_mapping
    if mapping.paid or mapping.pending or (settings.download_unpaid and mapping.unpaid):
        return None
    return "settings.status_mapping maps nothing to paid, so no order could ever be downloaded"
