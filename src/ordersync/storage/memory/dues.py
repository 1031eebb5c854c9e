"""What orders make due, in memory: reservations, doubts about listings, lines still to be linked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import islice

from ... import lifecycle
from ...model.ids import ChannelId, Fence, OrderKey
from ...model.orders import LIVE, Order, OrderChange
from ...model.stock import Due, Sale
from .parcels import MemoryParcels


class MemoryDues(MemoryParcels):
    """The part of the order store that runs ask for work, and tell that it is done."""

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
        asked = self._orders.of(channel, after=after) if key is None else filter(None, [self._orders.get(key)])
        found = (
            order
            for order in asked
            if order.stock_revision != order.reserved_revision and not self._has_waiting(order.key)
        )
        return [lifecycle.due_of(order) for order in islice(found, limit)]

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

    async def rewant(self, keys: Collection[OrderKey]) -> None:
        """Make these orders due."""
        for key in frozenset(keys):
            if key in self._orders:
                self._orders[key] = lifecycle.rewant(self._orders[key])

    async def rewant_all(self) -> None:
        """Make every order due."""
        await self.rewant(list(self._orders))

    async def doubts(self, channel: ChannelId, *, limit: int, fence: Fence | None = None) -> Sequence[Sale]:
        """Return sales of never stored orders that the listing book does not know of."""
        self._fences.check(fence)
        return [sale for key, sale in self._doubts.items() if key.channel == channel][:limit]

    async def doubted(self, sales: Collection[Sale], *, fence: Fence | None = None) -> None:
        """Note that the listing book knows of these."""
        self._fences.check(fence)
        for sale in sales:
            untold = self._doubts.get(sale.order_key)
            if untold is not None and untold.revision == sale.revision:
                del self._doubts[sale.order_key]

    async def unlinked(
        self, channel: ChannelId, *, before: int, limit: int, fence: Fence | None = None
    ) -> Sequence[Order]:
        """Return live orders whose unlinked lines were resolved under older links."""
        self._fences.check(fence)
        found = (
            order
            for order in self._orders.of(channel)
            if order.links_revision < before and order.state in LIVE and order.unlinked
        )
        return list(islice(found, limit))

    async def replace(
        self, order: Order, *, expect: int, change: OrderChange | None = None, fence: Fence | None = None
    ) -> bool:
        """Write an order over the one it was made from."""
        self._fences.check(fence)
        stored = self._orders.get(order.key)
        if stored is None or stored.revision != expect:
            return False
        self._write_over(order, change)
        return True
