"""The readings of a channel, as the journal tells them, and whether they should have shown an order. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Self

import attrs

from ..admission import canonical
from ..channel import Channel
from ..model.channel_orders import ChannelOrder, FulfillmentStatus
from ..model.runs import JournalEntry, Progress
from ..sync.scan import ScanKind

ENDED = (FulfillmentStatus.SHIPPED, FulfillmentStatus.CANCELLED)


@attrs.frozen(kw_only=True)
class Window:
    """One reading of a channel: everything unshipped, or what had changed from ``since`` on, as it was at ``until``."""

    at: datetime
    run_id: str
    scan: ScanKind
    complete: bool
    since: datetime | None
    until: datetime
    seen: str

    @classmethod
    def of(cls, entry: JournalEntry) -> Self:
        """Read a journal entry."""
        facts = entry.facts
        return cls(
            at=entry.at,
            run_id=entry.run_id,
            scan=ScanKind(facts["scan"]),
            complete=entry.code == "complete",
            since=datetime.fromisoformat(facts["since"]) if facts["since"] else None,
            until=datetime.fromisoformat(facts["until"]),
            seen=facts.get("seen", ""),
        )

    def __str__(self) -> str:
        """Return the reading as a person would say it."""
        what = "everything unshipped" if self.since is None else f"changes since {self.since:%Y-%m-%d %H:%MZ}"
        how = "to the end" if self.complete else "CUT OFF"
        orders = f", {self.seen} orders" if self.seen else ""
        return f"{self.at:%Y-%m-%d %H:%MZ} {what}, {how}{orders} (run {self.run_id[:8]})"


def windows_of(entries: Iterable[JournalEntry]) -> Sequence[Window]:
    """Return the readings that journal entries tell of."""
    return [Window.of(entry) for entry in entries]


def has_ended(order: ChannelOrder, channel: Channel) -> bool:
    """Say whether no sweep shows an order any more: nothing of it is open, or its word says so."""
    nothing_open = all(line.quantity <= line.cancelled + line.shipped for line in order.lines)
    return nothing_open or canonical(order, channel.settings)[1] in ENDED


def should_have_shown(window: Window, order: ChannelOrder, channel: Channel) -> bool:
    """Say whether a reading had to show an order as it is now: it was complete, and the order was there to be seen."""
    if not window.complete or window.until <= order.updated_at + _lag(channel) + channel.clock_skew:
        return False
    if window.scan is ScanKind.SWEEP:
        return not has_ended(order, channel)
    return window.since is not None and window.since <= order.updated_at


def will_be_shown(order: ChannelOrder, channel: Channel, progress: Progress) -> bool:
    """Say whether the coming scans show an order: ended ones only as long as they count as changed."""
    if not has_ended(order, channel):
        return True
    if channel.scan == "state" or progress.watermark is None:
        return False
    return order.updated_at >= progress.watermark - channel.settings.overlap - _lag(channel)


def _lag(channel: Channel) -> timedelta:
    return channel.listing_lag + channel.stamp_granularity
