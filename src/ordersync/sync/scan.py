"""How a channel's orders are read: what changed since the watermark, and complete sweeps between. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import attrs

from ..channel import Channel
from ..model.channel_orders import OrderPage
from ..model.runs import Progress


class ScanKind(StrEnum):
    """UPDATES reads what changed since the watermark; SWEEP reads everything unshipped, or the rest of a cut sweep."""

    UPDATES = "updates"
    SWEEP = "sweep"


@attrs.frozen(kw_only=True)
class Scan:
    """One reading of a channel's orders, and the progress that each page allows.

    The watermark never passes an order that is not handled: it moves page by page where pages come in update
    order, else at the end, and never past ``cap``, the channel's own clock when the scan began. A sweep shows no
    cancelled and shipped orders, so only the first one sets it; where that was cut and begun anew, to when it was
    begun at first, since what it had shown by then may have ended before it was complete; where it went on from where
    it came to, to the last order that it showed.
    """

    kind: ScanKind
    since: datetime | None
    before: Progress
    began_at: datetime
    in_order: bool
    cap: datetime
    reached: datetime | None = None
    begun_first: datetime | None = None
    blind: bool = False

    @property
    def beginning(self) -> Progress | None:
        """Return what is to be noted before the first page ever is read; None for every other scan.

        What that page shows may be lost with the process, and have ended when it is read again.
        """
        known = self.before.watermark is not None or self.before.sweep_began_at is not None
        return None if known else attrs.evolve(self.before, sweep_began_at=self.began_at, interrupted=True)

    def from_time(self, moment: datetime) -> Scan:
        """Return the scan that reads changes back to *moment* at least; a sweep reads everything anyhow."""
        if self.kind is ScanKind.SWEEP or self.since is None:
            return self
        return attrs.evolve(self, since=min(self.since, moment))

    def after(self, page: OrderPage, *, first: bool) -> Scan:
        """Return the scan with one more page behind it; the first page may tell the channel's clock."""
        cap = page.server_time if first and page.server_time is not None else self.cap
        newest = max((order.updated_at for order in page.orders), default=None)
        blind = self.blind or any(document.reference is None for document in page.unreadable)
        return attrs.evolve(self, cap=cap, blind=blind, reached=_latest(self.reached, newest and min(newest, cap)))

    def progress(self, *, complete: bool) -> Progress:
        """Return how far the channel's orders are known once the pages so far are handled."""
        if self.kind is ScanKind.UPDATES:
            moves = complete or self.in_order
            watermark = _latest(self.before.watermark, self.reached) if moves else self.before.watermark
            interrupted = self.before.interrupted or not complete
            return attrs.evolve(self.before, watermark=watermark, interrupted=interrupted)
        if complete:
            return attrs.evolve(
                self.before,
                watermark=self.before.watermark or self._first_watermark(),
                swept_at=self.began_at,
                sweep_began_at=None,
                sweep_position=None,
                interrupted=False,
                blind=self.blind,
            )
        position = _latest(self.before.sweep_position, self.reached) if self.in_order else None
        is_first = self.before.watermark is None
        began_at = (is_first and self.before.sweep_began_at) or self.began_at
        return attrs.evolve(
            self.before, sweep_began_at=began_at, sweep_position=position, interrupted=True, blind=self.blind
        )

    def _first_watermark(self) -> datetime | None:
        """Return how far everything is known after the first sweep.

        The rest of one that was cut was asked for as changes are: an answer that wrongly shows none must cost nothing.
        """
        if self.since is not None:
            return _latest(self.before.sweep_position, self.reached)
        return min(self.cap, self.begun_first or self.cap)


def plan(channel: Channel, progress: Progress, *, now: datetime) -> Sequence[ScanKind]:
    """Decide which scans are due.

    Changes since the watermark are always read, where update times can be trusted. Everything unshipped is swept
    when it never was, when the last sweep is older than the settings say, when a sweep or a scan was cut, and on
    each run where update times cannot be trusted, or tell of some changes only.
    """
    if channel.scan == "state":
        return [ScanKind.SWEEP]
    kinds = [] if progress.watermark is None else [ScanKind.UPDATES]
    swept_at, every = progress.swept_at, channel.settings.sweep_every
    overdue = channel.scan == "both" or swept_at is None or now - swept_at >= every
    return [*kinds, ScanKind.SWEEP] if overdue or progress.interrupted or not kinds else kinds


def begin(channel: Channel, kind: ScanKind, progress: Progress, *, now: datetime) -> Scan:
    """Begin a scan; a sweep that was cut goes on from where it came to, if pages come in update order."""
    overlap = channel.settings.overlap + channel.listing_lag + channel.stamp_granularity
    in_order = channel.pages_in_update_order and channel.scan == "updated"
    begun = progress.sweep_began_at
    resumed = in_order and kind is ScanKind.SWEEP and begun is not None
    position = progress.watermark if kind is ScanKind.UPDATES else progress.sweep_position if resumed else None
    return Scan(
        kind=kind,
        since=None if position is None else position - overlap,
        before=progress,
        began_at=begun if resumed and begun is not None else now,
        in_order=in_order,
        begun_first=None if begun is None or position is not None else begun - channel.clock_skew,
        blind=resumed and progress.blind,
        cap=now - channel.clock_skew,
    )


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((moment for moment in (one, other) if moment is not None), default=None)
