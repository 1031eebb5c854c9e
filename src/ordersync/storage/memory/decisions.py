"""What was decided about orders, in memory: now, before, and what may be forgotten of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice

from ...model.ids import ChannelId, Fence, OrderKey
from ...model.orders import Decision, search_name
from ...model.runs import Progress
from ..seen import names_seen
from .tables import OrderTables


class MemoryDecisions(OrderTables):
    """The part of the order store that says what was decided about an order, and when."""

    async def decision(self, key: OrderKey) -> Decision | None:
        """Return what was decided about an order."""
        return self._decisions.get(key)

    async def decisions(
        self, channel: ChannelId, *, admitted: bool | None = None, limit: int = 1000
    ) -> Sequence[Decision]:
        """Return decisions, newest sighting first."""
        mine = [decision for decision in self._decisions.of(channel) if admitted in (None, decision.admitted)]
        mine.sort(key=lambda decision: str(decision.last_seen_at), reverse=True)
        return mine[:limit]

    async def decisions_by_key(
        self, channel: ChannelId, *, admitted: bool | None = None, limit: int, after: OrderKey | None = None
    ) -> Sequence[Decision]:
        """Return decisions in order of their keys."""
        mine = self._decisions.of(channel, after=after)
        return list(islice((decision for decision in mine if admitted in (None, decision.admitted)), limit))

    async def decided(self, reference: str, *, channel: ChannelId | None = None) -> Sequence[Decision]:
        """Return decisions by any reference of their orders."""
        wanted = search_name(reference)
        found = (
            decision
            for decision in self._decisions.values()
            if channel in (None, decision.key.channel) and wanted in self._names(decision)
        )
        return sorted(found, key=lambda decision: decision.key)

    def _names(self, decision: Decision) -> frozenset[str]:
        order = self._orders.get(decision.key)
        return names_seen(decision) if order is None else order.search_names

    async def decision_history(self, key: OrderKey) -> Sequence[Decision]:
        """Return all decisions about an order, oldest first."""
        now = self._decisions.get(key)
        return [*self._earlier_decisions.get(key, []), *([] if now is None else [now])]

    async def forget(self, channel: ChannelId, *, before: datetime, limit: int, fence: Fence) -> int:
        """Drop old decisions: first those that count no more, then those of orders that are gone."""
        self._fences.check(fence)
        earlier = list(islice(self._old_earlier(channel, before), limit))
        for decision in earlier:
            self._earlier_decisions[decision.key].remove(decision)
        gone = list(islice(self._gone(channel, before), limit - len(earlier)))
        for decision in gone:
            del self._decisions[decision.key]
        return len(earlier) + len(gone)

    def _old_earlier(self, channel: ChannelId, before: datetime) -> Iterator[Decision]:
        for key, decisions in self._earlier_decisions.items():
            if key.channel == channel:
                yield from (one for one in decisions if one.last_seen_at is not None and one.last_seen_at < before)

    def _gone(self, channel: ChannelId, before: datetime) -> Iterator[Decision]:
        """Yield what counts now of orders that nobody will hear of again."""
        progress = self._progress.get(channel, Progress())
        swept_at = None if progress.blind else progress.swept_at
        unread = {document.reference for document in self._quarantine.values() if document.channel == channel}
        for decision in self._decisions.of(channel):
            seen_at, key = decision.last_seen_at, decision.key
            if key in self._orders or key.reference in unread or seen_at is None or seen_at >= before:
                continue
            if decision.final or (swept_at is not None and seen_at < swept_at):
                yield decision
