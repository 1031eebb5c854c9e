"""The clocks of the simulated world: one true time, and what each machine shows of it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from ..clock import START
from .loop import VirtualTime


class SimClock:
    """A machine's clock: ``skew`` ahead of true time. Its monotonic seconds are true, from a zero of its own."""

    def __init__(self, loop: VirtualTime, *, skew: timedelta = timedelta(0)) -> None:
        """Show the time of *loop*."""
        self._loop, self.skew = loop, skew

    def now(self) -> datetime:
        """Return the wall clock in UTC."""
        return START + timedelta(seconds=self._loop.passed) + self.skew

    def monotonic(self) -> float:
        """Return seconds that only ever grow."""
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        """Let virtual seconds pass."""
        await asyncio.sleep(seconds)
