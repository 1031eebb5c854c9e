"""A mapping of orders that can be read in order of their keys, from behind any of them."""

from __future__ import annotations

from bisect import bisect, insort
from collections.abc import Iterator, MutableMapping, Sequence

from ...model.ids import ChannelId, OrderKey
from ...model.orders import Order


class OrdersByKey(MutableMapping[OrderKey, Order]):
    """Orders by key; the keys are kept sorted, so that a long backlog can be read page by page."""

    def __init__(self) -> None:
        self._orders: dict[OrderKey, Order] = {}
        self._keys: dict[ChannelId, list[OrderKey]] = {}

    def __getitem__(self, key: OrderKey) -> Order:
        """Return an order."""
        return self._orders[key]

    def __setitem__(self, key: OrderKey, order: Order) -> None:
        """Put an order in its place."""
        if key not in self._orders:
            insort(self._keys.setdefault(key.channel, []), key, key=_reference)
        self._orders[key] = order

    def __delitem__(self, key: OrderKey) -> None:
        """Take an order out."""
        del self._orders[key]
        self._keys[key.channel].remove(key)

    def __contains__(self, key: object) -> bool:
        """Say whether there is an order under this key."""
        return key in self._orders

    def __iter__(self) -> Iterator[OrderKey]:
        """Yield the keys, in no order."""
        return iter(self._orders)

    def __len__(self) -> int:
        """Return how many orders there are."""
        return len(self._orders)

    @property
    def channels(self) -> Sequence[ChannelId]:
        """Return the channels that have orders, in their order."""
        return sorted(self._keys)

    def of(self, channel: ChannelId, *, after: OrderKey | None = None) -> Iterator[Order]:
        """Yield the orders of a channel in order of their keys, from behind *after*."""
        keys = self._keys.get(channel, [])
        start = 0
        if after is not None and after.channel >= channel:
            start = len(keys) if after.channel > channel else bisect(keys, after.reference, key=_reference)
        return (self._orders[key] for key in keys[start:])


def _reference(key: OrderKey) -> str:
    return key.reference
