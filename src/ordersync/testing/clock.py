"""A clock that stands still until a test moves it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
"""When a ``ManualClock`` starts unless told otherwise: a Monday morning."""


class ManualClock:
    """A ``Clock`` whose time passes only by ``advance`` and by ``sleep``, which returns at once.

    Pass the same one to the marketplaces, the storage and the runner. Sleeps of several tasks add up: it is
    meant for tests in which one thing happens at a time.
    """

    def __init__(self, start: datetime = START) -> None:
        """Stand at *start*, an aware datetime."""
        if start.tzinfo is None:
            raise ValueError("ManualClock: start has no time zone; give an aware datetime such as START")
        self._now = start.astimezone(UTC)
        self._elapsed = 0.0

    def now(self) -> datetime:
        """Return the wall clock in UTC."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds that have passed since the clock was made; a ``jump`` does not count."""
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        """Let *seconds* pass at once, and give other tasks one turn."""
        self.advance(max(0.0, seconds))
        await asyncio.sleep(0)

    def advance(self, seconds: float = 0, *, minutes: float = 0, hours: float = 0, days: float = 0) -> datetime:
        """Let time pass and return the new wall clock; ``ValueError`` if that would turn it back."""
        passed = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        if passed < timedelta(0):
            raise ValueError("ManualClock.advance: time passes forward only; jump() sets the wall clock back")
        self._elapsed += passed.total_seconds()
        self._now += passed
        return self._now

    def jump(self, by: timedelta) -> datetime:
        """Set the wall clock forth or back, as an operator or NTP may; ``monotonic`` does not notice."""
        self._now += by
        return self._now

    def __repr__(self) -> str:
        """Return what the clock shows."""
        return f"<ManualClock {self._now:%Y-%m-%d %H:%M:%S.%f}Z>"
