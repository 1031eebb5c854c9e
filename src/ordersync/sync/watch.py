"""Watch: look up single orders that wait for something, that somebody asked for, or that a sweep did not show."""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs

from ..channel import SupportsOrderLookup
from ..conflicts import is_expected, vanished
from ..errors import ChannelError
from ..history import entry_of
from ..lifecycle import OrderEvent
from ..model.channel_orders import ChannelOrder, OrderPage, UnreadableOrder
from ..model.events import SweepSuspicious
from ..model.ids import OrderKey
from ..model.orders import CHANNEL, Order, Reason
from ..model.pages import ChangedOrder, PageWork, Watch, WatchChange
from ..model.runs import EntryKind, Progress
from .channel_run import ChannelRun
from .download import save
from .lookups import looked_up, require_same
from .rereading import unsettle
from .watch_list import is_worth_watching, next_watch

LOOKS = 200
"""So many orders are looked up in one run, one call each; the others wait for the next."""

SUSPECT_LOOKS = 20
"""So many where a sweep left out more than half of the open orders: then the channel may be at fault, not they.

So many are also left for a sweep's missing orders however long the watch list is.
"""

LONGEST_SUSPICION = timedelta(days=1)
"""When no sweep has been credible for so long, the orders are gone, however many."""

CUT_OFF = timedelta(minutes=3)
"""So long after it began, a look that was not finished is due again."""

BATCH = 200

TRIES = 3
"""How often an order that has vanished is read anew because people changed it in between."""


async def watch(run: ChannelRun, first: OrderKey | None = None) -> None:
    """Look at the orders that are due for it, *first* before all others, then at what the last sweep did not show."""
    looks = LOOKS - await _look_at_watched(run, first)
    await _judge_sweep(run, looks)


async def _look_at_watched(run: ChannelRun, first: OrderKey | None) -> int:
    """Look up orders of the watch list; where the channel cannot be asked for one, the scans have to do."""
    orders = run.storage.orders
    due = await orders.watched(run.id, at=run.now(), limit=LOOKS - SUSPECT_LOOKS, fence=run.fence)
    asked = None if first is None else await orders.watch(first)
    if asked is not None and asked.look_at <= run.now():
        due = [asked, *(one for one in due if one.key != first)]
    if due and isinstance(run.channel, SupportsOrderLookup):
        await unsettle(run, await orders.progress(run.id, fence=run.fence))
        for one in due:
            await _look_at(run, one)
    elif due:
        await _rewatch(run, *(WatchChange(key=one.key, before=one, after=None) for one in due))
    return len(due)


async def _look_at(run: ChannelRun, watched: Watch) -> None:
    """Look up one order of the watch list.

    A look that is cut off is soon due again. It is noted before it begins, so that a hint that comes meanwhile makes
    another one due.
    """
    orders, key = run.storage.orders, watched.key
    begun = attrs.evolve(watched, look_at=run.now() + CUT_OFF)
    await _rewatch(run, WatchChange(key=key, before=watched, after=begun))
    try:
        shown = await _look_up(run, key)
    except ChannelError:
        await _rewatch(run, WatchChange(key=key, before=begun, after=watched))
        raise
    order = (await orders.load([key], fence=run.fence)).get(key)
    if shown is False and order is not None and is_expected(order):
        await _vanish(run, order)
    again = None
    if shown is None or is_worth_watching(order, await orders.decision(key)):
        again = next_watch(key, since=watched.since, now=run.now(), watch_for=run.channel.settings.watch_for)
    await _rewatch(run, WatchChange(key=key, before=begun, after=again))


async def _rewatch(run: ChannelRun, *changes: WatchChange) -> None:
    work = PageWork(channel=run.id, watches=changes)
    await run.storage.orders.save_page(work, fence=run.fence, at=run.now())


async def _look_up(run: ChannelRun, key: OrderKey) -> bool | None:
    """Take over what the channel shows of one order; say whether it knows it, None when it did not answer."""
    channel = run.channel
    if not isinstance(channel, SupportsOrderLookup):
        return None
    await run.lease.keep()
    try:
        found = looked_up(key, await run.caller.read(lambda: channel.fetch_order(key.reference)))
        run.counts["looked_up"] += 1
        if found is None:
            return False
        await save(run, page_of(found), 0)
        require_same(key, found)
    except ChannelError as error:
        await run.failed_or_raise(error, order=key)
        return None
    return True


def page_of(found: ChannelOrder | UnreadableOrder) -> OrderPage:
    """Return what a look-up found as a page of one."""
    if isinstance(found, ChannelOrder):
        return OrderPage(orders=[found])
    return OrderPage(orders=[], unreadable=[found])


async def _judge_sweep(run: ChannelRun, looks: int) -> None:
    """Judge the last complete sweep, once, by the open orders that it did not show.

    They are looked up one by one, and those that the channel does not know have vanished. Where it cannot be asked,
    two credible sweeps in a row say so, unless the last showed documents of who knows which order. A sweep without
    more than half of the known orders, those aside that turn out to have ended, is suspicious for a day: that is
    reported, and nothing is concluded.
    """
    orders = run.storage.orders
    progress = await orders.progress(run.id, fence=run.fence)
    swept_at = progress.swept_at
    if swept_at is None or swept_at == progress.judged_at:
        return
    known, missing = await orders.missing_counts(run.id, before=swept_at, fence=run.fence)
    looked = await _look_for_missing(run, before=swept_at, most=looks, many=missing * 2 > known)
    unexplained = missing - looked.ended
    suspicious = unexplained * 2 > known and not _is_stale(progress, swept_at)
    if suspicious:
        await _report_suspicion(run, known=known, missing=unexplained)
    elif isinstance(run.channel, SupportsOrderLookup):
        for order in looked.gone:
            await _vanish(run, order)
    elif progress.trusted_at is not None and not progress.blind:
        await _vanish_unseen(run, before=progress.trusted_at)
    if looked.finished:
        trusted_at = progress.trusted_at if suspicious else swept_at
        judged = attrs.evolve(progress, judged_at=swept_at, trusted_at=trusted_at)
        await orders.set_progress(run.id, judged, fence=run.fence)


def _is_stale(progress: Progress, swept_at: datetime) -> bool:
    """Say whether no sweep has been credible for so long that what they all show must be believed."""
    return progress.trusted_at is not None and swept_at - progress.trusted_at >= LONGEST_SUSPICION


@attrs.define
class _Looked:
    """What looks at missing orders have shown: which are gone, how many have ended, and whether more are to come."""

    gone: list[Order] = attrs.field(factory=list)
    ended: int = 0
    finished: bool = True


async def _look_for_missing(run: ChannelRun, *, before: datetime, most: int, many: bool) -> _Looked:
    """Look up orders that a sweep did not show, if the channel can be asked.

    Where *many* are missing and most of the first have not ended, the sweep is at fault, and no others are asked for.
    """
    looked = _Looked()
    if not isinstance(run.channel, SupportsOrderLookup):
        return looked
    orders = run.storage.orders
    missing = await orders.missing(run.id, before=before, limit=most + 1, fence=run.fence)
    for number, order in enumerate(missing[:most]):
        if number == SUSPECT_LOOKS and many and looked.ended * 2 < number:
            return looked
        if await _look_up(run, order.key) is False:
            looked.gone.append(order)
        else:
            now = await orders.load([order.key], fence=run.fence)
            looked.ended += not is_expected(now.get(order.key, order))
    looked.finished = len(missing) <= most
    return looked


async def _vanish_unseen(run: ChannelRun, *, before: datetime) -> None:
    """Name the orders that two sweeps in a row did not show."""
    after = None
    while missing := await run.storage.orders.missing(run.id, before=before, limit=BATCH, after=after, fence=run.fence):
        after = missing[-1].key
        await run.lease.keep()
        for order in missing:
            if not _is_told_whole(run, order):
                await _vanish(run, order)


def _is_told_whole(run: ChannelRun, order: Order) -> bool:
    """Say whether the channel took our first parcel for the whole order, which then leaves its sweeps."""
    return run.channel.whole_order_dispatch and any(line.processed for line in order.lines)


async def _vanish(run: ChannelRun, order: Order) -> None:
    """Name an order that its channel does not know any more; what was done to it meanwhile may change that."""
    now, orders = run.now(), run.storage.orders
    for _ in range(TRIES):
        after = vanished(order, at=now)
        entry = entry_of(order, after, OrderEvent.VANISHED, Reason(who=CHANNEL, why="", at=now))
        if await orders.replace(after, expect=order.revision, change=entry, fence=run.fence):
            run.order_changed(ChangedOrder(order=after, expect=order.revision, change=entry))
            return
        order = (await orders.load([order.key], fence=run.fence)).get(order.key, order)
        if not is_expected(order):
            return


async def _report_suspicion(run: ChannelRun, *, known: int, missing: int) -> None:
    text = f"a complete sweep did not show {missing} of {known} open orders; nothing was concluded from it"
    run.remark("suspicious", "SWEEP_SUSPICIOUS", "sweep", text)
    run.tell(SweepSuspicious, known=known, missing=missing)
    await run.write(EntryKind.SWEEP_JUDGED, code="SWEEP_SUSPICIOUS", message=text)
