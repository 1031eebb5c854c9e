"""Download: read what the channel shows, decide each order, save page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from itertools import count

import attrs

from ..errors import ChannelError, ChannelResponseError, StorageUnavailableError
from ..model.channel_orders import OrderPage
from ..model.events import PageSaved
from ..model.fields import EARLIEST
from ..model.runs import EntryKind, Progress
from .channel_run import ChannelRun
from .pages import decide, page_work, report
from .rereading import read_back_to, reread, unsettle
from .scan import Scan, ScanKind, begin, plan

TRIES_PER_PAGE = 8
"""How often a page is decided anew because people changed its orders in between."""

FORGET_BATCH = 500


async def download(run: ChannelRun) -> None:
    """Read the channel and save what it shows; a scan that is cut is noted, and made up for by a sweep."""
    orders = run.storage.orders
    progress = await orders.progress(run.id, fence=run.fence)
    back_to = await read_back_to(run, progress)
    await unsettle(run, progress)
    kinds = plan(run.channel, progress, now=run.now())
    for kind in kinds:
        scan = begin(run.channel, kind, await orders.progress(run.id, fence=run.fence), now=run.now())
        await _scan(run, scan if back_to is None else scan.from_time(back_to))
    await reread(run, progress)
    if ScanKind.SWEEP in kinds:
        await _forget(run)


async def _scan(run: ChannelRun, scan: Scan) -> None:
    """Read to the end, and write into the journal which orders were looked for, so that gaps can be told later."""
    orders, before = run.storage.orders, run.counts.copy()
    if scan.beginning is not None:
        await orders.set_progress(run.id, scan.beginning, fence=run.fence)
    try:
        async for reached in _read(run, scan):
            scan = reached
    except ChannelError:
        progress = await orders.progress(run.id, fence=run.fence)
        await orders.set_progress(run.id, attrs.evolve(progress, interrupted=True), fence=run.fence)
        await _note_window(run, scan, before, outcome="cut")
        raise
    await _note_window(run, scan, before, outcome="complete")


async def _read(run: ChannelRun, scan: Scan) -> AsyncIterator[Scan]:
    """Read and save page after page to the end; yield the scan with each behind it, which knows the channel's clock."""
    cursors: set[str] = set()
    cursor: str | None = None
    for number in count(1):
        await run.lease.keep()
        page = await fetch_page(run, scan, cursor)
        scan = scan.after(page, first=cursor is None)
        yield scan
        await save(run, page, number, scan.progress(complete=page.next_cursor is None))
        cursor = page.next_cursor
        if cursor is None:
            return
        not_twice(run, cursor, cursors)


async def fetch_page(run: ChannelRun, scan: Scan, cursor: str | None) -> OrderPage:
    """Ask the channel for one page, and make sure that it is one."""
    page = await run.caller.read(lambda: run.channel.fetch_orders(updated_since=scan.since, cursor=cursor))
    if not isinstance(page, OrderPage):
        raise ChannelResponseError(
            f"{run.id}: fetch_orders returned a {type(page).__name__}; return OrderPage(orders=[...], next_cursor=...)"
        )
    run.counts["pages"] += 1
    return page


def not_twice(run: ChannelRun, cursor: str, before: set[str]) -> None:
    """Remember a page token of this scan; ``ChannelResponseError`` when it came before."""
    if cursor in before:
        raise ChannelResponseError(
            f"{run.id}: page token {cursor[:40]!r} came twice (page {len(before) + 1}); stopped to avoid a loop, "
            "what was read until then is kept"
        )
    before.add(cursor)


async def save(run: ChannelRun, page: OrderPage, number: int, progress: Progress | None = None) -> None:
    """Decide and save a page; decide it anew when people changed one of its orders meanwhile."""
    for _ in range(TRIES_PER_PAGE):
        decided = await decide(run, page, number)
        work = page_work(run, decided, progress)
        if await run.storage.orders.save_page(work, fence=run.fence, at=run.now()):
            report(run, decided)
            run.tell(PageSaved, page=number, orders=len(decided), seen=run.counts["seen"])
            return
    raise StorageUnavailableError(f"{run.id}: page {number} changes faster than it can be saved; run again later")


async def _note_window(run: ChannelRun, scan: Scan, before: Mapping[str, int], *, outcome: str) -> None:
    await run.write(
        EntryKind.WINDOW_READ,
        code=outcome,
        scan=scan.kind.value,
        since="" if scan.since is None else scan.since.isoformat(),
        until=scan.cap.isoformat(),
        pages=str(run.counts["pages"] - before["pages"]),
        seen=str(run.counts["seen"] - before["seen"]),
    )


async def _forget(run: ChannelRun) -> None:
    """Drop what was decided long ago about orders that are over."""
    keep, now = run.channel.settings.keep_decisions, run.now()
    if keep >= now - EARLIEST:
        return
    before = now - keep
    while await run.storage.orders.forget(run.id, before=before, limit=FORGET_BATCH, fence=run.fence) == FORGET_BATCH:
        await run.lease.keep()
