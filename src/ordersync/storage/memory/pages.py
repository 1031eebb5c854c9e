"""What pages bring, in memory: orders, decisions, quarantine, doubts and progress, written together."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import attrs

from ...conflicts import conflict_known
from ...model.ids import ChannelId, Fence, OrderKey
from ...model.orders import Decision
from ...model.pages import ChangedOrder, Known, PageWork, WatchChange
from ...model.runs import Progress
from ..seen import impersonal
from .tables import OrderTables

FORGOTTEN = Known(digest=b"", code="", mapping_version="", admitted=False, final=False)
"""What is known of an order whose decision was dropped; how often its listings were doubted comes on top."""


class MemoryPages(OrderTables):
    """The part of the order store that writes pages, and tells what was known before."""

    async def progress(self, channel: ChannelId, *, fence: Fence | None = None) -> Progress:
        """Return how far a channel's orders are known."""
        self._fences.check(fence)
        return self._progress.get(channel, Progress())

    async def set_progress(self, channel: ChannelId, progress: Progress, *, fence: Fence) -> None:
        """Replace a channel's progress."""
        self._fences.check(fence)
        self._progress[channel] = progress

    async def known(
        self, channel: ChannelId, references: Collection[str], *, fence: Fence | None = None
    ) -> Mapping[str, Known]:
        """Return what is known of these references."""
        self._fences.check(fence)
        keys = (OrderKey(channel, reference) for reference in references)
        return {
            key.reference: self._known(key) for key in keys if key in self._decisions or key in self._doubt_revisions
        }

    def _known(self, key: OrderKey) -> Known:
        decision, order = self._decisions.get(key, FORGOTTEN), self._orders.get(key)
        return Known(
            digest=decision.digest,
            code=decision.code,
            mapping_version=decision.mapping_version,
            admitted=decision.admitted,
            final=decision.final,
            state=None if order is None else order.state,
            revision=None if order is None else order.revision,
            doubt_revision=self._doubt_revisions.get(key, 0),
            conflict=None if order is None else conflict_known(order),
            watch=self._watches.get(key),
        )

    async def save_page(self, work: PageWork, *, fence: Fence, at: datetime) -> bool:
        """Write a page wholly, or not at all."""
        self._fences.check(fence)
        if any(order.key in self._orders for order in work.new) or not all(map(self._unchanged, work.changed)):
            return False
        for changed in work.changed:
            self._require_no_fall(changed.order)
        for changed in work.changed:
            self._write_over(changed.order, changed.change)
        self._orders.update({order.key: self._allowed(order) for order in work.new})
        self._raw |= {key: document for key, document in work.raw.items() if key not in self._erased}
        for decision in {decision.key: decision for decision in work.decisions}.values():
            self._decide(decision, at)
        for key in self._decisions.keys() & work.seen:
            self._decisions[key] = attrs.evolve(self._decisions[key], last_seen_at=at)
        self._watch(work.watches)
        self._quarantine_of(work)
        for sale in work.doubts:
            self._doubts[sale.order_key] = sale
            self._doubt_revisions[sale.order_key] = sale.revision
        if work.progress is not None:
            self._progress[work.channel] = work.progress
        return True

    def _unchanged(self, changed: ChangedOrder) -> bool:
        stored = self._orders.get(changed.order.key)
        return stored is not None and stored.revision == changed.expect

    def _decide(self, decision: Decision, at: datetime) -> None:
        """Note what was decided; only what differs from the decision before takes its place."""
        before = self._decisions.get(decision.key)
        first = decided = at
        if before is not None:
            first, decided = before.first_seen_at or at, before.decided_at or at
        after = attrs.evolve(
            decision, seen=impersonal(decision.seen), first_seen_at=first, decided_at=decided, last_seen_at=at
        )
        if before is not None and after != attrs.evolve(before, last_seen_at=at):
            self._earlier_decisions.setdefault(decision.key, []).append(before)
            after = attrs.evolve(after, decided_at=at)
        self._decisions[decision.key] = after

    def _watch(self, changes: Collection[WatchChange]) -> None:
        """Put orders on the watch list, and take others off it."""
        for change in changes:
            if self._watches.get(change.key) != change.before:
                continue
            if change.after is None:
                self._watches.pop(change.key, None)
            else:
                self._watches[change.key] = change.after

    def _quarantine_of(self, work: PageWork) -> None:
        """Let out what is understood by now, and take in what is not; the same document is kept once."""
        understood = work.out_of_quarantine
        for payload_hash in work.released:
            self._quarantine.pop((work.channel, payload_hash), None)
        for name, document in list(self._quarantine.items()):
            if document.reference is not None and OrderKey(document.channel, document.reference) in understood:
                del self._quarantine[name]
        for document in work.quarantined:
            name = (document.channel, document.payload_hash)
            first = self._quarantine.get(name, document)
            kept = attrs.evolve(document, at=first.at, reference=document.reference or first.reference)
            payload = b"" if self._is_erased(kept) else first.payload
            self._quarantine[name] = attrs.evolve(kept, payload=payload)
