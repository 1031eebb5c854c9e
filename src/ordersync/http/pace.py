"""No faster than the channel allows: a first guess, corrected by what its answers say."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

import attrs
from aiolimiter import AsyncLimiter

from ..clock import Clock
from .headers import seconds_until

LONGEST_PAUSE = timedelta(minutes=15)
"""A channel that asks for a longer pause than this is asked again after it."""

_COUNT = re.compile(r"\d{1,9}", re.ASCII)


@attrs.frozen
class Rate:
    """So many requests in so much time; all of them may come at once."""

    requests: int
    per: timedelta = timedelta(seconds=1)


@attrs.frozen(kw_only=True)
class Allowance:
    """What an answer says about the rate limit; None where it says nothing.

    ``remaining``: how many requests may still come before ``reset_after`` has passed.
    """

    rate: Rate | None = None
    remaining: int | None = None
    reset_after: timedelta | None = None


def allowance_of(headers: Mapping[str, str], server_time: datetime | None) -> Allowance:
    """Read the headers that many APIs share: X-RateLimit-Remaining and -Reset, with or without the X."""
    remaining = headers.get("X-RateLimit-Remaining", headers.get("RateLimit-Remaining", ""))
    reset = headers.get("X-RateLimit-Reset", headers.get("RateLimit-Reset", ""))
    return Allowance(
        remaining=int(remaining) if _COUNT.fullmatch(remaining) else None,
        reset_after=seconds_until(reset, server_time),
    )


class Pacer:
    """Hands out slots for requests; lives within one event loop."""

    def __init__(self, rate: Rate | None, clock: Clock) -> None:
        self._rate = rate
        self._limiter = _limiter(rate)
        self._clock = clock
        self._opens_at = clock.monotonic()

    async def slot(self, patience: timedelta) -> timedelta | None:
        """Wait for a slot; return how long it would still take when that exceeds *patience*."""
        pause = self._opens_at - self._clock.monotonic()
        if pause > patience.total_seconds():
            return timedelta(seconds=pause)
        if pause > 0:
            await self._clock.sleep(pause)
        if self._limiter is not None:
            try:
                async with asyncio.timeout(patience.total_seconds()):
                    await self._limiter.acquire()
            except TimeoutError:
                return patience
        return None

    def learn(self, allowance: Allowance) -> None:
        """Correct the guess by what an answer said."""
        if allowance.rate is not None and allowance.rate != self._rate:
            self._rate = allowance.rate
            self._limiter = _limiter(allowance.rate)  # an AsyncLimiter's rate cannot be lowered in place
        if allowance.remaining == 0 and allowance.reset_after is not None:
            pause = min(allowance.reset_after, LONGEST_PAUSE).total_seconds()
            self._opens_at = max(self._opens_at, self._clock.monotonic() + pause)


def _limiter(rate: Rate | None) -> AsyncLimiter | None:
    return None if rate is None else AsyncLimiter(rate.requests, rate.per.total_seconds())
