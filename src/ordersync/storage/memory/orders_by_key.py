"""A mapping of orders, or of what belongs to each, that can be read in order of its keys, from behind any of them."""

from __future__ import annotations

from bisect import bisect, bisect_left, insort
from collections.abc import Iterator, MutableMapping, Sequence
from typing import TypeVar

from ...model.ids import ChannelId, OrderKey

T = TypeVar("T")


class OrdersByKey(MutableMapping[OrderKey, T]):
    """Values by order key; the keys are kept sorted, so that a long backlog can be read page by page."""

    def __init__(self) -> None:
        self._values: dict[OrderKey, T] = {}
        self._keys: dict[ChannelId, list[OrderKey]] = {}

    def __getitem__(self, key: OrderKey) -> T:
        """Return what is under a key."""
        return self._values[key]

    def __setitem__(self, key: OrderKey, value: T) -> None:
        """Put a value in its place."""
        if key not in self._values:
            insort(self._keys.setdefault(key.channel, []), key, key=_reference)
        self._values[key] = value

    def __delitem__(self, key: OrderKey) -> None:
        """Take a value out."""
        del self._values[key]
        keys = self._keys[key.channel]
        del keys[bisect_left(keys, key.reference, key=_reference)]

    def __contains__(self, key: object) -> bool:
        """Say whether there is a value under this key."""
        return key in self._values

    def __iter__(self) -> Iterator[OrderKey]:
        """Yield the keys, in no order."""
        return iter(self._values)

    def __len__(self) -> int:
        """Return how many values there are."""
        return len(self._values)

    @property
    def channels(self) -> Sequence[ChannelId]:
        """Return the channels that have values, in their order."""
        return sorted(self._keys)

    def of(self, channel: ChannelId, *, after: OrderKey | None = None) -> Iterator[T]:
        """Yield the values of a channel in order of their keys, from behind *after*."""
        keys = self._keys.get(channel, [])
        start = 0
        if after is not None and after.channel >= channel:
            start = len(keys) if after.channel > channel else bisect(keys, after.reference, key=_reference)
        return (self._values[key] for key in keys[start:])


def _reference(key: OrderKey) -> str:
    return key.reference
