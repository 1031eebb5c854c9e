"""SyncRunner: all channels through one run, several at once, each failing alone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack

from ..channel import Channel
from ..clock import Clock, SystemClock, new_run_id
from ..errors import ChannelError, ConfigurationError, LeaseLostError, OrderSyncError, StorageError
from ..model.dispatch import NoteStatus
from ..model.events import Event, Observer, RunFinished, RunStarted
from ..model.ids import ChannelId
from ..model.runs import ChannelLife, ChannelState, EntryKind, JournalEntry
from ..ports import Storage
from .channel_run import ChannelRun
from .channel_task import Rendezvous, work
from .lease import HeldLease
from .preview import preview
from .report import ChannelReport, RunReport
from .retry import Caller, RetryPolicy

log = logging.getLogger("ordersync")

WAITING = (NoteStatus.WAITING, NoteStatus.QUEUED, NoteStatus.CLAIMED)


class SyncRunner:
    """Keeps orders and stock in step with every channel, one ``run_once()`` at a time.

    It owns nothing: the host opens and closes channels and storage, and decides when to run. Any number of
    runners in any number of processes may share one storage.
    """

    def __init__(
        self,
        channels: Sequence[Channel],
        storage: Storage,
        *,
        clock: Clock | None = None,
        retry: RetryPolicy | None = None,
        observers: Sequence[Observer] = (),
        run_ids: Callable[[], str] = new_run_id,
    ) -> None:
        """Check that the channels fit together; ``ConfigurationError`` names what does not."""
        self._channels = {channel.id: channel for channel in channels}
        self._storage = storage
        self._clock = clock or SystemClock()
        self._retry = retry or RetryPolicy()
        self._observers, self._run_ids = tuple(observers), run_ids
        self._check(channels)

    def _check(self, channels: Sequence[Channel]) -> None:
        if len(self._channels) < len(channels):
            ids = [str(channel.id) for channel in channels]
            twice = sorted({one for one in ids if ids.count(one) > 1})
            raise ConfigurationError(f"two channels have the same id: {', '.join(twice)}")

    async def run_once(self, *, only: Collection[ChannelId] | None = None, dry_run: bool = False) -> RunReport:
        """Do whatever is due on each channel now, and tell what was done.

        *only* limits the run to some channels. A *dry_run* takes no lease and writes and sends nothing. What goes
        wrong is in the report; only cancellation and bugs come out as exceptions.
        """
        run = _Run(self._storage, self._clock, self._retry, self._observers, dry=dry_run, run_id=self._run_ids())
        return await run.over(self._selected(only))

    def run_once_sync(self, *, only: Collection[ChannelId] | None = None, dry_run: bool = False) -> RunReport:
        """Open everything, run once and close it again, for hosts without an event loop."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            raise RuntimeError(
                "run_once_sync() was called inside a running event loop; write: await runner.run_once()"
            )
        if self._storage.is_open or any(channel.is_open for channel in self._channels.values()):
            raise RuntimeError("run_once_sync() opens and closes storage and channels itself; pass none that is open")
        return asyncio.run(self._run_opened(only=only, dry_run=dry_run))

    async def _run_opened(self, *, only: Collection[ChannelId] | None, dry_run: bool) -> RunReport:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._storage)
            for channel in self._channels.values():
                await stack.enter_async_context(channel)
            return await self.run_once(only=only, dry_run=dry_run)

    def _selected(self, only: Collection[ChannelId] | None) -> Sequence[Channel]:
        if only is None:
            return list(self._channels.values())
        unknown = [str(one) for one in only if one not in self._channels]
        if unknown:
            raise ConfigurationError(f"only: this runner has no channel {', '.join(unknown)}")
        return [channel for channel in self._channels.values() if channel.id in only]


class _Run:
    """One run over some channels."""

    def __init__(
        self, storage: Storage, clock: Clock, retry: RetryPolicy, observers: Sequence[Observer], *, dry: bool, run_id: str
    ) -> None:
        self._storage, self._clock, self._retry, self._observers, self._dry = storage, clock, retry, observers, dry
        self._id = run_id
        self._reports: dict[ChannelId, ChannelReport] = {}
        self._errors: list[OrderSyncError] = []

    async def over(self, channels: Sequence[Channel]) -> RunReport:
        """Work on the channels and report."""
        started_at = self._clock.now()
        self._tell(RunStarted(run_id=self._id, channels=tuple(one.id for one in channels), dry_run=self._dry))
        try:
            await (self._preview(channels) if self._dry else self._work(channels))
        except StorageError as error:
            self._errors.append(error)
        self._tell(RunFinished(run_id=self._id, errors=len(self._errors)))
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
            runs.append(self._channel_run(channel, lease))

    def _channel_run(self, channel: Channel, lease: HeldLease | None) -> ChannelRun:
        caller = Caller(
            policy=self._retry,
            clock=self._clock,
            timeout_s=channel.call_timeout.total_seconds(),
            name=str(channel.id),
        )
        return ChannelRun(
            channel,
            self._storage,
            run_id=self._id,
            clock=self._clock,
            caller=caller,
            lease=lease,
            tell=self._tell,
        )

    async def _together(self, runs: Sequence[ChannelRun], lives: Mapping[ChannelId, ChannelLife]) -> None:
        """Work on all leased channels at once; a bug in one lets the others finish before it comes out."""
        rendezvous = Rendezvous(len(runs))
        bugs: list[Exception] = []

        async def guarded(run: ChannelRun) -> None:
            try:
                await work(run, lives[run.id], rendezvous)
            except StorageError:
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
                counts = await self._storage.orders.note_counts(run.id)
                run.counts["notes_waiting"] = sum(counts.get(status, 0) for status in WAITING)
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
            run = self._channel_run(channel, None)
            try:
                await preview(run)
            except ChannelError as error:
                run.status = "failed"
                self._errors.append(error)
            self._reports[channel.id] = run.report()

    async def _note(self, kind: EntryKind, **facts: str) -> None:
        entry = JournalEntry(at=self._clock.now(), kind=kind, run_id=self._id, facts=facts)
        await self._storage.journal.write([entry])

    def _tell(self, event: Event) -> None:
        """Tell every observer; one that raises is the host's to mend, and stops nothing."""
        for observer in self._observers:
            try:
                observer(event)
            except Exception:
                log.exception("ordersync.observer_failed event=%s", type(event).__name__)


def missing_mapping(channel: Channel) -> str | None:
    """Return why a channel cannot download anything for lack of a status mapping; None when it can."""
    settings = channel.settings
    if not channel.requires_status_mapping:
        return None
    if settings.status_mapping is None:
        return "it needs settings.status_mapping: its shop defines its own status words"
    if settings.status_mapping.paid or (settings.download_unpaid and settings.status_mapping.unpaid):
        return None
    return "settings.status_mapping maps nothing to paid, so no order could ever be downloaded"
