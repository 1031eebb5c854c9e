"""Orders to look at again, in memory: the watch list, and what a sweep did not show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice

import attrs

from ...conflicts import is_expected
from ...model.ids import ChannelId, Fence, OrderKey
from ...model.orders import Order
from ...model.pages import Watch
from .tables import OrderTables


class MemoryWatches(OrderTables):
    """The part of the order store that says which orders are to be looked up."""

    async def hint(self, key: OrderKey, *, at: datetime) -> None:
        """Let a look at an order be due at *at* at the latest."""
        before = self._watches.get(key, Watch(key=key, since=at, look_at=at))
        self._watches[key] = attrs.evolve(before, look_at=min(before.look_at, at))

    async def watch(self, key: OrderKey) -> Watch | None:
        """Return an order's place on the watch list."""
        return self._watches.get(key)

    async def watched(
        self, channel: ChannelId, *, at: datetime, limit: int, fence: Fence | None = None
    ) -> Sequence[Watch]:
        """Return due watches, the longest overdue first."""
        self._fences.check(fence)
        due = [watch for key, watch in self._watches.items() if key.channel == channel and watch.look_at <= at]
        return sorted(due, key=lambda watch: (watch.look_at, watch.key.reference))[:limit]

    async def missing(
        self,
        channel: ChannelId,
        *,
        before: datetime,
        limit: int,
        after: OrderKey | None = None,
        fence: Fence | None = None,
    ) -> Sequence[Order]:
        """Return what a sweep should have shown and did not, by key."""
        self._fences.check(fence)
        expected = self._expected(channel, before, after=after)
        return list(islice((order for order in expected if self._unseen_since(order, before)), limit))

    async def missing_counts(
        self, channel: ChannelId, *, before: datetime, fence: Fence | None = None
    ) -> tuple[int, int]:
        """Count what a sweep should have shown, and what of it it did not."""
        self._fences.check(fence)
        expected = list(self._expected(channel, before))
        return len(expected), sum(self._unseen_since(order, before) for order in expected)

    def _expected(self, channel: ChannelId, before: datetime, *, after: OrderKey | None = None) -> Iterator[Order]:
        """Yield what a sweep that began at *before* should have shown, by key."""
        for order in self._orders.of(channel, after=after):
            decision = self._decisions.get(order.key)
            if decision is not None and is_expected(order) and _earlier(decision.first_seen_at, before):
                yield order

    def _unseen_since(self, order: Order, moment: datetime) -> bool:
        return _earlier(self._decisions[order.key].last_seen_at, moment)


def _earlier(moment: datetime | None, other: datetime) -> bool:
    return moment is not None and moment < other
