"""How a channel's orders are read: a complete sweep, or what changed since the watermark. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import attrs

from ..channel import Channel
from ..model.channel_orders import OrderPage
from ..model.runs import Progress


class ScanKind(StrEnum):
    """SWEEP reads everything unshipped; RESUMED goes on with one that was cut; UPDATES reads what changed."""

    SWEEP = "sweep"
    RESUMED = "resumed-sweep"
    UPDATES = "updates"


@attrs.frozen(kw_only=True)
class Scan:
    """One reading of a channel's orders, and the progress that each page allows.

    The watermark never passes an order that is not handled: page by page where pages come in update order,
    else at the end. It is capped at the channel's own clock when the scan began.
    """

    kind: ScanKind
    since: datetime | None
    before: Progress
    began_at: datetime
    in_order: bool
    cap: datetime
    reached: datetime | None = None

    def after(self, page: OrderPage) -> Scan:
        """Return the scan with one more page behind it."""
        newest = max((order.updated_at for order in page.orders), default=None)
        return attrs.evolve(self, reached=_latest(self.reached, newest and min(newest, self.cap)))

    def seen_clock(self, page: OrderPage) -> Scan:
        """Return the scan capped at the channel's clock, if its first page tells it."""
        return self if page.server_time is None else attrs.evolve(self, cap=page.server_time)

    def progress(self, *, complete: bool) -> Progress:
        """Return how far the channel's orders are known once the pages so far are handled."""
        if complete:
            return attrs.evolve(
                self.before,
                watermark=_latest(self.before.watermark, self.reached),
                swept_at=self.before.swept_at if self.kind is ScanKind.UPDATES else self.began_at,
                sweep_began_at=None,
                sweep_position=None,
                interrupted=False,
            )
        if self.kind is ScanKind.UPDATES:
            watermark = _latest(self.before.watermark, self.reached) if self.in_order else self.before.watermark
            return attrs.evolve(self.before, watermark=watermark, interrupted=True)
        position = _latest(self.before.sweep_position, self.reached) if self.in_order else None
        return attrs.evolve(self.before, sweep_began_at=self.began_at, sweep_position=position, interrupted=True)


def plan(channel: Channel, progress: Progress, *, now: datetime) -> Scan:
    """Decide how to read a channel now.

    Everything unshipped is swept when it never was, when the last sweep is older than the settings say, after a cut
    scan, and always where update times cannot be trusted. A sweep that was cut goes on from
    where it came to, if its pages come in update order.
    """
    overlap = channel.settings.overlap + channel.listing_lag + channel.stamp_granularity
    in_order = channel.pages_in_update_order and channel.scan == "updated"
    scan = Scan(
        kind=ScanKind.SWEEP,
        since=None,
        before=progress,
        began_at=now,
        in_order=in_order,
        cap=now - channel.clock_skew,
    )
    if in_order and progress.sweep_began_at is not None and progress.sweep_position is not None:
        since = progress.sweep_position - overlap
        return attrs.evolve(scan, kind=ScanKind.RESUMED, since=since, began_at=progress.sweep_began_at)
    swept_lately = progress.swept_at is not None and now - progress.swept_at < channel.settings.sweep_every
    if channel.scan == "updated" and swept_lately and progress.watermark is not None and not progress.interrupted:
        return attrs.evolve(scan, kind=ScanKind.UPDATES, since=progress.watermark - overlap)
    return scan


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((moment for moment in (one, other) if moment is not None), default=None)
