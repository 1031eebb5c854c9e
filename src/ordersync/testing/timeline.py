"""What a fact was, and since when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Generic, TypeVar

T = TypeVar("T")


class Timeline(Generic[T]):
    """The value of one fact, and as many older ones as an observer may still see who is *lag* behind."""

    def __init__(self, lag: timedelta) -> None:
        """Remember nothing yet."""
        self._lag = lag
        self._values: list[tuple[datetime, T]] = []

    def record(self, at: datetime, value: T) -> None:
        """Say that the fact is *value* from *at* on."""
        old = sum(since <= at - self._lag for since, _ in self._values)
        self._values = [*self._values[max(0, old - 1) :], (at, value)]

    @property
    def latest(self) -> T:
        """Return the value that holds now."""
        return self._values[-1][1]

    def seen_at(self, now: datetime) -> T | None:
        """Return what the observer sees at *now*; None if there was nothing to be seen yet."""
        if not self._lag:
            return self.latest
        return next((value for since, value in reversed(self._values) if since <= now - self._lag), None)
