"""A runner's hold on one channel, and until when it may start anything."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from ..channel import Channel
from ..clock import Clock
from ..errors import LeaseLostError
from ..model.ids import Fence
from ..model.runs import Lease
from ..ports import Journal, Storage

WORK = timedelta(minutes=3)
"""How long a lease lasts beside the time of one call; every page and batch renews it when a third has passed."""

START_WINDOW_S = 20.0
"""An effect starts within this many seconds of its claim, or not at all."""


def late_window(channel: Channel) -> timedelta:
    """Return how long after its record an attempt on a channel may still take effect."""
    return timedelta(seconds=START_WINDOW_S) + channel.call_timeout + channel.late_window


class HeldLease:
    """A lease that this runner took.

    Its end is counted on this runner's own clock, from before it was asked for. Nothing starts that could still be
    under way then: the margin before the end is the longest that one call may take.

    It also tells the time, which is the storage's: the wall clocks of two machines may differ by more than any window
    lasts. The storage told it at some moment while it was asked, so ``now`` is never ahead of it, ``latest`` never
    behind, and they differ by how long the answer took.
    """

    def __init__(
        self, journal: Journal, lease: Lease, *, clock: Clock, call_timeout: timedelta, asked_at: float
    ) -> None:
        self._journal, self._lease, self._clock = journal, lease, clock
        self._call_timeout, self._asked_at = call_timeout, asked_at
        self._told_at = clock.monotonic()
        self._asking_took_s = self._told_at - asked_at

    @classmethod
    async def take(cls, storage: Storage, channel: Channel, *, holder: str, clock: Clock) -> Self | None:
        """Take the channel and fence off whoever held it before.

        None while another runner holds it, and when the answer came so late that the lease may be over already; what
        it says of the time is then of no use either.
        """
        asked_at = clock.monotonic()
        duration = WORK + channel.call_timeout
        lease = await storage.journal.lease(channel.id, holder=holder, duration=duration)
        if lease is None:
            return None
        held = cls(storage.journal, lease, clock=clock, call_timeout=channel.call_timeout, asked_at=asked_at)
        if not held.lasts():
            await held.release()
            return None
        await storage.orders.fence(lease.fence)
        await storage.listings.fence(lease.fence)
        return held

    @property
    def fence(self) -> Fence:
        """Return the proof that goes with every verb of this run."""
        return self._lease.fence

    def now(self) -> datetime:
        """Return the storage's time, or a little less."""
        if self._lease.at is None:
            return self._clock.now()
        return self._lease.at + timedelta(seconds=self._clock.monotonic() - self._told_at)

    def latest(self) -> datetime:
        """Return the storage's time, or a little more."""
        return self.now() + self.doubt

    @property
    def doubt(self) -> timedelta:
        """Return how far ``now`` may be behind the storage's time."""
        return timedelta(seconds=self._asking_took_s)

    def lasts(self) -> bool:
        """Say whether a call that is started now is over before the lease ends."""
        return self._clock.monotonic() < self._asked_at + WORK.total_seconds()

    def may_start(self, claimed_at: float) -> bool:
        """Say whether an effect claimed at *claimed_at* (monotonic seconds) may still be started."""
        return self._clock.monotonic() - claimed_at < START_WINDOW_S and self.lasts()

    async def keep(self) -> None:
        """Renew the lease if a third of it has passed; ``LeaseLostError`` when another holder has begun."""
        asked_at = self._clock.monotonic()
        if asked_at - self._asked_at < WORK.total_seconds() / 3:
            return
        if not await self._journal.renew(self._lease, duration=WORK + self._call_timeout):
            raise LeaseLostError(f"{self._lease.channel}: another runner took it over; this run leaves it alone")
        self._asked_at = asked_at

    async def release(self) -> None:
        """Give the channel back."""
        await self._journal.release(self._lease)
