"""Orders in memory: what pages bring, and what stock and people do with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import attrs

from ... import lifecycle
from ...errors import OrderNotFoundError
from ...model.ids import ChannelId, Fence, OrderKey
from ...model.orders import LIVE, Decision, Order, OrderState, search_name
from ...model.pages import ChangedOrder, Known, PageWork, Quarantined
from ...model.runs import Progress
from ...model.stock import Due, Sale
from ...ports import OrderStore
from .parcels import MemoryParcels


class MemoryOrderStore(MemoryParcels, OrderStore):
    """Orders, decisions, quarantine and progress in dictionaries."""

    def __init__(self) -> None:
        super().__init__()
        self._decisions: dict[OrderKey, Decision] = {}
        self._raw: dict[OrderKey, bytes] = {}
        self._quarantine: dict[tuple[ChannelId, str], Quarantined] = {}
        self._progress: dict[ChannelId, Progress] = {}
        self._doubts: dict[OrderKey, Sale] = {}
        self._doubt_revisions: dict[OrderKey, int] = {}

    async def fence(self, fence: Fence) -> None:
        """Let no lower token take effect from now on."""
        self._fences.check(fence)

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
        return {key.reference: self._known(key) for key in keys if key in self._decisions}

    def _known(self, key: OrderKey) -> Known:
        decision, order = self._decisions[key], self._orders.get(key)
        return Known(
            digest=decision.digest,
            code=decision.code,
            mapping_version=decision.mapping_version,
            admitted=decision.admitted,
            final=decision.final,
            state=None if order is None else order.state,
            revision=None if order is None else order.revision,
            doubt_revision=self._doubt_revisions.get(key, 0),
        )

    async def load(self, keys: Collection[OrderKey], *, fence: Fence | None = None) -> Mapping[OrderKey, Order]:
        """Return stored orders."""
        self._fences.check(fence)
        return {key: self._orders[key] for key in keys if key in self._orders}

    async def save_page(self, work: PageWork, *, fence: Fence, at: datetime) -> bool:
        """Write a page wholly, or not at all."""
        self._fences.check(fence)
        if any(order.key in self._orders for order in work.new) or not all(map(self._unchanged, work.changed)):
            return False
        for changed in work.changed:
            self._write_over(changed.order)
        self._orders |= {order.key: order for order in work.new}
        self._raw |= work.raw
        for decision in work.decisions:
            self._decide(decision, at)
        for key in work.seen:
            self._decisions[key] = attrs.evolve(self._decisions[key], last_seen_at=at)
        self._quarantine_of(work)
        for sale in work.doubts:
            self._doubts[sale.order_key] = sale
            self._doubt_revisions[sale.order_key] = sale.revision
        if work.progress is not None:
            self._progress[work.channel] = work.progress
        return True

    def _quarantine_of(self, work: PageWork) -> None:
        """Let out what is understood by now, and take in what is not; the same document is kept once."""
        understood = {order.key for order in work.new} | {changed.order.key for changed in work.changed}
        for name, document in list(self._quarantine.items()):
            if document.reference is not None and OrderKey(document.channel, document.reference) in understood:
                del self._quarantine[name]
        for document in work.quarantined:
            self._quarantine.setdefault((document.channel, document.payload_hash), document)

    def _unchanged(self, changed: ChangedOrder) -> bool:
        stored = self._orders.get(changed.order.key)
        return stored is not None and stored.revision == changed.expect

    def _decide(self, decision: Decision, at: datetime) -> None:
        before = self._decisions.get(decision.key)
        first = at if before is None else before.first_seen_at
        self._decisions[decision.key] = attrs.evolve(decision, first_seen_at=first, last_seen_at=at)

    async def unlinked(
        self, channel: ChannelId, *, before: int, limit: int, fence: Fence | None = None
    ) -> Sequence[Order]:
        """Return live orders whose unlinked lines were resolved under older links."""
        self._fences.check(fence)
        found = [
            order
            for order in self._of(channel)
            if order.state in LIVE and order.unlinked and order.links_revision < before
        ]
        return found[:limit]

    async def replace(self, order: Order, *, expect: int, fence: Fence | None = None) -> bool:
        """Write an order over the one it was made from."""
        self._fences.check(fence)
        stored = self._orders.get(order.key)
        if stored is None or stored.revision != expect:
            return False
        self._write_over(order)
        return True

    async def due(
        self,
        channel: ChannelId,
        *,
        limit: int,
        key: OrderKey | None = None,
        after: OrderKey | None = None,
        fence: Fence | None = None,
    ) -> Sequence[Due]:
        """Return orders that the ledger is not known to agree with."""
        self._fences.check(fence)
        found = [
            lifecycle.due_of(order)
            for order in self._of(channel)
            if order.stock_revision != order.reserved_revision
            and not self._has_waiting(order.key)
            and key in (None, order.key)
            and (after is None or order.key > after)
        ]
        return found[:limit]

    async def reserved(
        self,
        revisions: Mapping[OrderKey, int],
        *,
        held: Mapping[OrderKey, int] | None = None,
        fence: Fence | None = None,
    ) -> None:
        """Note what the ledger holds."""
        self._fences.check(fence)
        for key, revision in revisions.items():
            if key in self._orders:
                asked = self._orders[key]
                self._orders[key] = lifecycle.reserved(asked, revision, held=(held or {}).get(key, revision))

    async def doubts(self, channel: ChannelId, *, limit: int, fence: Fence | None = None) -> Sequence[Sale]:
        """Return sales of never stored orders that the listing book does not know of."""
        self._fences.check(fence)
        return [sale for key, sale in self._doubts.items() if key.channel == channel][:limit]

    async def doubted(self, sales: Collection[Sale], *, fence: Fence | None = None) -> None:
        """Note that the listing book knows of these."""
        self._fences.check(fence)
        for sale in sales:
            if self._doubts.get(sale.order_key) == sale:
                del self._doubts[sale.order_key]

    async def get(self, key: OrderKey) -> Order:
        """Return one order."""
        if key not in self._orders:
            raise OrderNotFoundError(f"{key}: no such order is stored; ask the doctor why")
        return self._orders[key]

    async def find(
        self, reference: str, *, states: Collection[OrderState] | None = None, channel: ChannelId | None = None
    ) -> Sequence[Order]:
        """Return orders by any of their references."""
        wanted = search_name(reference)
        return [
            order
            for order in sorted(self._orders.values(), key=lambda order: order.key)
            if wanted in order.search_names
            and (states is None or order.state in states)
            and channel in (None, order.key.channel)
        ]

    async def decision(self, key: OrderKey) -> Decision | None:
        """Return what was decided about an order."""
        return self._decisions.get(key)

    async def decisions(
        self, channel: ChannelId, *, admitted: bool | None = None, limit: int = 1000
    ) -> Sequence[Decision]:
        """Return decisions, newest sighting first."""
        mine = [d for d in self._decisions.values() if d.key.channel == channel and admitted in (None, d.admitted)]
        mine.sort(key=lambda decision: decision.key)
        mine.sort(key=lambda decision: str(decision.last_seen_at), reverse=True)
        return mine[:limit]

    async def quarantined(self, channel: ChannelId, *, limit: int = 1000) -> Sequence[Quarantined]:
        """Return documents in quarantine, oldest first."""
        return [document for (owner, _), document in self._quarantine.items() if owner == channel][:limit]

    async def rewant_all(self) -> None:
        """Make every order due."""
        for key, order in self._orders.items():
            self._orders[key] = lifecycle.rewant(order)

    def _of(self, channel: ChannelId) -> list[Order]:
        return sorted((o for o in self._orders.values() if o.key.channel == channel), key=lambda order: order.key)
