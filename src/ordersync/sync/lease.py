"""A runner's hold on one channel, and until when it may start anything."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from ..clock import Clock
from ..errors import LeaseLostError
from ..model.ids import ChannelId, Fence
from ..model.runs import Lease
from ..ports import Journal, Storage

DURATION = timedelta(minutes=3)
"""How long a lease lasts; every page and batch renews it when a third has passed."""

MARGIN_S = 15.0
"""No effect starts later than this many seconds before the lease's end."""

START_WINDOW_S = 20.0
"""An effect starts within this many seconds of its claim, or not at all."""


class HeldLease:
    """A lease that this runner took. Its end is counted on this runner's clock from before it was asked for."""

    def __init__(self, journal: Journal, lease: Lease, *, clock: Clock, asked_at: float) -> None:
        self._journal, self._lease, self._clock = journal, lease, clock
        self._asked_at = asked_at

    @classmethod
    async def take(cls, storage: Storage, channel: ChannelId, *, holder: str, clock: Clock) -> Self | None:
        """Take the channel and fence off whoever held it before; None while another runner holds it."""
        asked_at = clock.monotonic()
        lease = await storage.journal.lease(channel, holder=holder, duration=DURATION)
        if lease is None:
            return None
        await storage.orders.fence(lease.fence)
        await storage.listings.fence(lease.fence)
        return cls(storage.journal, lease, clock=clock, asked_at=asked_at)

    @property
    def fence(self) -> Fence:
        """Return the proof that goes with every verb of this run."""
        return self._lease.fence

    def may_start(self, claimed_at: float) -> bool:
        """Say whether an effect claimed at *claimed_at* (monotonic seconds) may still be started."""
        now = self._clock.monotonic()
        lease_end = self._asked_at + DURATION.total_seconds()
        return now - claimed_at < START_WINDOW_S and now < lease_end - MARGIN_S

    async def keep(self) -> None:
        """Renew the lease if a third of it has passed; ``LeaseLostError`` when another holder has begun."""
        asked_at = self._clock.monotonic()
        if asked_at - self._asked_at < DURATION.total_seconds() / 3:
            return
        if not await self._journal.renew(self._lease, duration=DURATION):
            raise LeaseLostError(f"{self._lease.channel}: another runner took it over; this run leaves it alone")
        self._asked_at = asked_at

    async def release(self) -> None:
        """Give the channel back."""
        await self._journal.release(self._lease)
