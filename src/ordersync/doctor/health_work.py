"""Health of what waits for a person: quarantine, dispatch notes, refused listings, conflicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from ..model.dispatch import NoteStatus
from ..model.health import HealthArea, HealthFinding, HealthLevel
from ..model.ids import ChannelId
from ..model.listings import ListingState
from ..ports import ListingBook, OrderStore
from .health_storage import enumerated

MOST_COUNTED = 100
"""So many are counted one by one; beyond it is said that there are more."""

LONGEST_WAIT = timedelta(hours=1)
"""A note that waited longer than this was passed over by runs."""

UNDER_WAY = (NoteStatus.WAITING, NoteStatus.QUEUED, NoteStatus.CLAIMED)

STUCK = {
    NoteStatus.REJECTED: ("NOTES_REFUSED", "correct the tracking and requeue, or mark the order shipped by hand"),
    NoteStatus.GAVE_UP: ("NOTES_GIVEN_UP", "requeue them once the channel is well, or mark the orders shipped by hand"),
    NoteStatus.UNKNOWN: ("NOTES_UNKNOWN", "look on the channel whether the parcels are there, then requeue or leave"),
}
"""Notes that no run sends again by itself: the code of each, and what a person does."""


async def quarantine(orders: OrderStore, channel: ChannelId) -> Sequence[HealthFinding]:
    """Count what could not be understood."""
    found = await orders.quarantined(channel, limit=MOST_COUNTED)
    counts = Counter(one.code for one in found)
    step = "mend the settings or have the orders corrected; `ordersync replay` reads them again"
    return [_counted(HealthArea.QUARANTINE, channel, "QUARANTINED", counts, step)]


async def notes(orders: OrderStore, channel: ChannelId, *, at: datetime) -> Sequence[HealthFinding]:
    """Count the notes that wait, and those that no run sends again by itself."""
    counts = await orders.note_counts(channel)
    under_way = sum(counts.get(status, 0) for status in UNDER_WAY)
    oldest = await _oldest(orders, channel, at=at) if under_way else None
    late = oldest is not None and at - oldest > LONGEST_WAIT
    since = f", the oldest since {oldest:%Y-%m-%d %H:%MZ}" if oldest is not None else ""
    stuck = [
        _finding(HealthArea.NOTES, channel, HealthLevel.WARNING, code, f"{counts[status]} {status}", step)
        for status, (code, step) in STUCK.items()
        if counts.get(status)
    ]
    step = "see that runs reach the channel, and what their reports say of these notes"
    waiting = _finding(
        HealthArea.NOTES,
        channel,
        HealthLevel.WARNING if late else HealthLevel.OK,
        "NOTES_LATE" if late else "NOTES",
        f"{under_way} under way{since}",
        step if late else "",
    )
    return [waiting, *stuck]


async def _oldest(orders: OrderStore, channel: ChannelId, *, at: datetime) -> datetime | None:
    """Return when the parcel left that waits longest, among those that can be seen at once."""
    parcels = await orders.waiting(channel, limit=1)
    queued = await orders.notes_due(channel, at=at, limit=MOST_COUNTED)
    unsent = [note.note.dispatched_at for note in queued if note.status in UNDER_WAY]
    return min([*(parcel.at for parcel in parcels), *unsent], default=None)


async def listings(book: ListingBook, channel: ChannelId) -> Sequence[HealthFinding]:
    """Name the listings whose last push was refused."""
    linked = await book.of_channel(channel)
    failed = [listing for listing in linked if listing.state is ListingState.FAILED]
    if not failed:
        told = f"{len(linked)} linked, none failed"
        return [_finding(HealthArea.LISTINGS, channel, HealthLevel.OK, "LISTINGS", told)]
    named = enumerated([str(listing.id) for listing in failed])
    told = f"{len(failed)} of {len(linked)} were refused by the channel: {named}"
    step = "read Listing.failure of each; correct the SKU on the channel, or unlink it"
    return [_finding(HealthArea.LISTINGS, channel, HealthLevel.WARNING, "LISTINGS_FAILED", told, step)]


async def conflicts(orders: OrderStore, channel: ChannelId) -> Sequence[HealthFinding]:
    """Count the conflicts that are open."""
    found = await orders.listed(channel=channel, conflicts=True, limit=MOST_COUNTED)
    counts = Counter(str(order.conflict.code) for order in found if order.conflict is not None)
    step = "decide them: storage.orders.listed(conflicts=True) shows them, OrderDesk.resolve settles one"
    return [_counted(HealthArea.CONFLICTS, channel, "CONFLICTS", counts, step)]


def _counted(area: HealthArea, channel: ChannelId, code: str, counts: Counter[str], next_step: str) -> HealthFinding:
    total = counts.total()
    if not total:
        return _finding(area, channel, HealthLevel.OK, f"NO_{code}", "none")
    by_code = ", ".join(f"{name} {number}" for name, number in sorted(counts.items()))
    told = f"{total}{' or more' if total >= MOST_COUNTED else ''}: {by_code}"
    return _finding(area, channel, HealthLevel.WARNING, code, told, next_step)


def _finding(
    area: HealthArea, channel: ChannelId, level: HealthLevel, code: str, sentence: str, next_step: str = "", /
) -> HealthFinding:
    return HealthFinding(
        area=area, subject=str(channel), level=level, code=code, sentence=sentence, next_step=next_step
    )
