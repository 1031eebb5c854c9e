"""What a reader sees of a fact that shows late."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")


class Veil(Generic[T]):
    """The values of one fact that a reader may still come to see, each with the moment from which it is seen."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: list[tuple[datetime, T]] = []

    def put(self, value: T, *, seen_from: datetime) -> None:
        """Let *value* be seen from then on, but not before the value that was put before it."""
        if self._values:
            seen_from = max(seen_from, self._values[-1][0])
        self._values.append((seen_from, value))

    def seen(self, now: datetime) -> T | None:
        """Return what a reader sees at *now*, which never goes back; None if nothing is seen yet."""
        values = self._values
        while len(values) > 1 and values[1][0] <= now:
            del values[0]
        return values[0][1] if values and values[0][0] <= now else None

    @property
    def latest(self) -> T:
        """Return the newest value, whether or not anybody sees it."""
        return self._values[-1][1]
