"""The scan's rules taken out: cursor, overlap, cap, sweeps, watches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

import attrs

from ordersync import Channel, Decision, Order, OrderPage
from ordersync.errors import ChannelResponseError
from ordersync.model.runs import Progress
from ordersync.sync import channel_task, download, pages, scan, sightings, watch
from ordersync.sync.channel_run import ChannelRun
from ordersync.sync.pages import Seen
from ordersync.sync.scan import Scan, ScanKind

from .registry import Patch, plant

SCANNING = "tests/runner/test_scanning.py"


@plant(
    "cursor saved before the orders",
    law="L3",
    source="reliability 3.3 and 4.3",
    directed="tests/simulator/test_directed_scans.py::test_watermark_is_never_ahead_of_the_orders",
)
def early_cursor() -> Sequence[Patch]:
    """Write a page's progress, then the page."""
    save = download.save

    async def saved(run: ChannelRun, page: OrderPage, number: int, progress: Progress | None = None) -> None:
        if progress is not None:
            await run.storage.orders.set_progress(run.id, progress, fence=run.fence)
        await save(run, page, number, progress)

    return [(download, "save", saved)]


def _no_overlap() -> Sequence[Patch]:
    begin = scan.begin

    def begun(channel: Channel, kind: ScanKind, progress: Progress, *, now: datetime) -> Scan:
        first = begin(channel, kind, progress, now=now)
        since = progress.watermark if kind is ScanKind.UPDATES else first.since
        return attrs.evolve(first, since=since and since + timedelta(microseconds=1))

    return [(download, "begin", begun)]


def _no_sweeps() -> Sequence[Patch]:
    plan = scan.plan

    def planned(channel: Channel, progress: Progress, *, now: datetime) -> Sequence[ScanKind]:
        kinds = plan(channel, progress, now=now)
        return kinds if len(kinds) == 1 else [ScanKind.UPDATES]

    return [(download, "plan", planned)]


@plant(
    "no overlap, strict >",
    law="L3",
    source="reliability 3.3 and 4.3",
    directed="tests/simulator/test_directed_scans.py::test_order_of_the_same_second_is_seen_in_the_next_scan",
)
def no_overlap() -> Sequence[Patch]:
    """Read what changed after the watermark, and not at it."""
    return _no_overlap()


@plant(
    "no overlap, strict >, no sweeps",
    law="L3",
    source="reliability 3.3 and 4.3",
    directed="tests/simulator/test_directed_scans.py::test_order_of_the_same_second_is_seen_in_the_next_scan",
)
def no_overlap_and_no_sweeps() -> Sequence[Patch]:
    """Read what changed after the watermark, and never sweep again."""
    return [*_no_overlap(), *_no_sweeps()]


@plant(
    "no sweeps after the first",
    law="L3",
    source="reliability 3.3",
    directed=f"{SCANNING}::test_everything_is_swept_each_hour",
)
def no_sweeps() -> Sequence[Patch]:
    """Trust the changes alone."""
    return _no_sweeps()


@attrs.frozen(kw_only=True)
class _LocalScan(Scan):
    """A scan whose watermark becomes this machine's time."""

    local: datetime

    def progress(self, *, complete: bool) -> Progress:
        """Return the progress with another watermark."""
        after = Scan.progress(self, complete=complete)
        return attrs.evolve(after, watermark=self.local) if complete else after


def _by_the_local_clock() -> Sequence[Patch]:
    read = download._read

    async def reads(run: ChannelRun, one: Scan) -> AsyncIterator[Scan]:
        fields = {field.name: getattr(one, field.name) for field in attrs.fields(Scan)}
        async for reached in read(run, _LocalScan(**fields, local=run.clock.now())):
            yield reached

    return [(download, "_read", reads)]


@plant(
    "cursor from the local clock",
    law="L3",
    source="reliability 3.3 and 4.3",
    directed="tests/simulator/test_directed_scans.py::test_watermark_goes_by_the_channels_clock",
)
def cursor_of_the_local_clock() -> Sequence[Patch]:
    """Take this machine's time at the beginning of a scan for the watermark."""
    return _by_the_local_clock()


@plant(
    "cursor from the local clock, no overlap",
    law="L3",
    source="reliability 3.3 and 4.3",
    directed="tests/simulator/test_directed_scans.py::test_watermark_goes_by_the_channels_clock",
)
def cursor_of_the_local_clock_without_overlap() -> Sequence[Patch]:
    """Take this machine's time for the watermark, and read from there."""
    return [*_by_the_local_clock(), *_no_overlap()]


def _uncapped() -> Sequence[Patch]:
    real = Scan.after

    def after(one: Scan, page: OrderPage, *, first: bool) -> Scan:
        capped = real(one, page, first=first)
        newest = [order.updated_at for order in page.orders]
        return attrs.evolve(capped, reached=max([*newest, *filter(None, [one.reached])], default=None))

    return [(Scan, "after", after)]


@plant(
    "watermark not capped at scan start",
    law="L3",
    source="reliability 3.3 and 4.3",
    directed=f"{SCANNING}::test_clock_of_the_channel_runs_ahead",
)
def uncapped_watermark() -> Sequence[Patch]:
    """Let the watermark follow whatever was seen."""
    return _uncapped()


@plant(
    "watermark not capped at scan start, no sweeps",
    law="L3",
    source="reliability 3.3 and 4.3",
    directed=f"{SCANNING}::test_clock_of_the_channel_runs_ahead",
)
def uncapped_watermark_without_sweeps() -> Sequence[Patch]:
    """Let the watermark follow whatever was seen, and never sweep again."""
    return [*_uncapped(), *_no_sweeps()]


@plant(
    "watermark moves by the page in no order",
    law="L3",
    source="DESIGN L3",
    directed="tests/simulator/test_directed_scans.py::test_watermark_waits_for_the_end_where_pages_come_in_no_order",
)
def pages_taken_for_ordered() -> Sequence[Patch]:
    """Take the pages of every channel for pages in update order."""
    begin = scan.begin

    def begun(channel: Channel, kind: ScanKind, progress: Progress, *, now: datetime) -> Scan:
        return attrs.evolve(begin(channel, kind, progress, now=now), in_order=True)

    return [(download, "begin", begun), (scan, "begin", begun)]


@plant(
    "a cut sweep counts as complete",
    law="L3",
    source="reliability 1.1 F04",
    directed=f"{SCANNING}::test_everything_is_swept_after_an_error",
)
def cut_sweep_is_complete() -> Sequence[Patch]:
    """Note a sweep as read to the end with its first page, and no scan as cut."""
    real = Scan.progress

    def progress(one: Scan, *, complete: bool) -> Progress:
        return real(one, complete=True)

    async def scanned(run: ChannelRun, one: Scan) -> None:
        async for _ in download._read(run, one):
            pass

    return [(Scan, "progress", progress), (download, "_scan", scanned)]


@plant(
    "one bad order stops the scan",
    law="L10",
    source="reliability 3.3 and 4.3",
    directed="tests/simulator/test_directed_scans.py::test_bad_order_stops_only_itself",
)
def bad_order_stops_the_scan() -> Sequence[Patch]:
    """Raise for a page with a document that cannot be read."""
    real = pages.decide

    async def decide(run: ChannelRun, page: OrderPage, number: int) -> Sequence[Seen]:
        if page.unreadable:
            raise ChannelResponseError(f"{run.id}: page {number} holds a document that cannot be read")
        return await real(run, page, number)

    return [(download, "decide", decide)]


@plant(
    "a repeated page token is the end of the scan",
    law="L3",
    source="reliability 1.2 F25",
    directed="tests/simulator/test_directed_scans.py::test_repeated_page_token_is_an_error",
)
def repeated_token_ends_the_scan() -> Sequence[Patch]:
    """Take a page that points back for the last one."""

    async def read(run: ChannelRun, one: Scan) -> AsyncIterator[Scan]:
        cursors: set[str | None] = set()
        cursor, number = None, 1
        while True:
            await run.lease.keep()
            page = await download.fetch_page(run, one, cursor)
            one = one.after(page, first=cursor is None)
            yield one
            last = page.next_cursor is None or page.next_cursor in cursors
            await download.save(run, page, number, one.progress(complete=last))
            if last:
                return
            cursor, number = page.next_cursor, number + 1
            cursors.add(cursor)

    return [(download, "_read", read)]


@plant(
    "an empty sweep concludes that everything vanished",
    law="L10",
    source="reliability 1.1 F17",
    directed="tests/runner/test_suspicious_sweeps.py",
)
def empty_sweep_is_believed() -> Sequence[Patch]:
    """Find no sweep suspicious, and look nothing up before an order has vanished."""

    async def judge_sweep(run: ChannelRun, _looks: int) -> None:
        orders = run.storage.orders
        progress = await orders.progress(run.id, fence=run.fence)
        if progress.swept_at is None or progress.swept_at == progress.judged_at:
            return
        await watch._vanish_unseen(run, before=progress.swept_at)
        judged = attrs.evolve(progress, judged_at=progress.swept_at, trusted_at=progress.swept_at)
        await orders.set_progress(run.id, judged, fence=run.fence)

    return [(watch, "_judge_sweep", judge_sweep)]


@plant(
    "an order that waits for its payment is not watched",
    law="L2",
    source="DESIGN 5",
    directed="tests/runner/test_watch_list.py",
)
def watches_nothing() -> Sequence[Patch]:
    """Put nothing on the watch list, and leave it after one look."""

    def never(_order: Order | None, _decision: Decision | None) -> bool:
        return False

    return [(watch, "is_worth_watching", never), (sightings, "is_worth_watching", never)]


@plant(
    "an error of the channel ends the run's bookkeeping",
    law="L10",
    source="DESIGN 8",
    directed="tests/runner/test_bad_things.py",
)
def outage_stops_the_books() -> Sequence[Patch]:
    """Leave a channel's bookkeeping undone when the channel cannot be called."""
    keep = channel_task.keep_books

    async def kept(run: ChannelRun) -> None:
        if run.status != "failed":
            await keep(run)

    return [(channel_task, "keep_books", kept)]
