"""Removing personal data, in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import islice

import attrs

from ...model.dispatch import NoteStatus
from ...model.ids import OrderKey
from ...model.orders import Order, OrderState
from .tables import OrderTables

TO_BE_SENT = frozenset({NoteStatus.WAITING, NoteStatus.QUEUED, NoteStatus.CLAIMED})


class MemoryErasure(OrderTables):
    """The part of the order store that removes buyers, addresses and documents."""

    async def erase(self, keys: Collection[OrderKey], *, at: datetime) -> None:
        """Remove what is personal of these orders, now and from now on."""
        for key in frozenset(keys) - self._erased.keys():
            self._erased[key] = at
            self._raw.pop(key, None)
            if key in self._orders:
                order = self._allowed(self._orders[key])
                self._orders[key] = attrs.evolve(order, revision=order.revision + 1)
        for name, document in self._quarantine.items():
            if self._is_erased(document):
                self._quarantine[name] = attrs.evolve(document, payload=b"")

    async def erased(self, keys: Collection[OrderKey]) -> Mapping[OrderKey, datetime]:
        """Return which of these orders are erased, and since when."""
        return {key: self._erased[key] for key in keys if key in self._erased}

    async def erasable(self, *, before: datetime, limit: int) -> Sequence[OrderKey]:
        """Return orders with personal data that ended before *before*, by key."""
        orders = (order for channel in self._orders.channels for order in self._orders.of(channel))
        return list(islice((order.key for order in orders if self._is_erasable(order, before)), limit))

    def _is_erasable(self, order: Order, before: datetime) -> bool:
        if order.buyer is None and order.shipping_address is None and order.key not in self._raw:
            return False
        ended = self._ended(order)
        return ended is not None and ended < before

    def _ended(self, order: Order) -> datetime | None:
        """Return when an order ended; None while it has not."""
        if order.state is OrderState.PROCESSED:
            if any(note.status in TO_BE_SENT for note in self._notes.get(order.key, {}).values()):
                return None
            parcels = self._parcels.get(order.key, {}).values()
            return max((parcel.at for parcel in parcels), default=order.saved_at or order.updated_at)
        if order.state in (OrderState.CANCELLED, OrderState.DELETED):
            return order.updated_at if order.ended is None else order.ended.at
        return None

    async def empty_quarantine(self, *, before: datetime) -> int:
        """Drop old payloads, and return how many."""
        old = [name for name, document in self._quarantine.items() if document.payload and document.at < before]
        for name in old:
            self._quarantine[name] = attrs.evolve(self._quarantine[name], payload=b"")
        return len(old)
