"""The order store in memory: what people ask of it, and all its verbs together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import islice

from ...errors import OrderNotFoundError
from ...model.ids import ChannelId, Fence, OrderKey
from ...model.orders import Order, OrderChange, OrderState, search_name
from ...model.pages import Quarantined
from ...ports import OrderStore
from .decisions import MemoryDecisions
from .dues import MemoryDues
from .erasure import MemoryErasure
from .pages import MemoryPages
from .watches import MemoryWatches


class MemoryOrderStore(MemoryPages, MemoryDues, MemoryWatches, MemoryDecisions, MemoryErasure, OrderStore):
    """Orders, and everything that an order makes due, in dictionaries."""

    async def fence(self, fence: Fence) -> None:
        """Let no lower token take effect from now on."""
        self._fences.check(fence)

    async def load(self, keys: Collection[OrderKey], *, fence: Fence | None = None) -> Mapping[OrderKey, Order]:
        """Return stored orders."""
        self._fences.check(fence)
        return {key: self._orders[key] for key in keys if key in self._orders}

    async def get(self, key: OrderKey) -> Order:
        """Return one order."""
        if key not in self._orders:
            raise OrderNotFoundError(f"{key}: is not stored; orders.decision(key) says why, if it was ever seen")
        return self._orders[key]

    async def find(
        self, reference: str, *, states: Collection[OrderState] | None = None, channel: ChannelId | None = None
    ) -> Sequence[Order]:
        """Return orders by any of their references."""
        wanted = search_name(reference)
        found = [
            order
            for order in self._orders.values()
            if wanted in order.search_names
            and (states is None or order.state in states)
            and channel in (None, order.key.channel)
        ]
        return sorted(found, key=lambda order: order.key)

    async def listed(
        self,
        *,
        states: Collection[OrderState] | None = None,
        channel: ChannelId | None = None,
        conflicts: bool = False,
        limit: int = 1000,
        after: OrderKey | None = None,
    ) -> Sequence[Order]:
        """Return stored orders by key."""
        found = (
            order
            for one in (self._orders.channels if channel is None else [channel])
            for order in self._orders.of(one, after=after)
            if (states is None or order.state in states) and (order.conflict is not None or not conflicts)
        )
        return list(islice(found, limit))

    async def history(self, key: OrderKey) -> Sequence[OrderChange]:
        """Return what happened to an order, oldest first."""
        return list(self._changes.get(key, []))

    async def quarantined(self, channel: ChannelId, *, limit: int = 1000) -> Sequence[Quarantined]:
        """Return documents in quarantine, oldest first."""
        return list(islice((one for (owner, _), one in self._quarantine.items() if owner == channel), limit))
