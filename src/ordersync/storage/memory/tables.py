"""What the order store keeps in memory, and how its parts write orders over."""

from __future__ import annotations

from datetime import datetime

import attrs

from ...model.dispatch import Note, ParcelRecord
from ...model.ids import ChannelId, OrderKey
from ...model.orders import Decision, Order, OrderChange
from ...model.pages import Quarantined, Watch
from ...model.runs import Progress
from ...model.stock import Sale
from .fences import Fences
from .orders_by_key import OrdersByKey


class OrderTables:
    """Everything that is remembered of orders, in dictionaries."""

    def __init__(self) -> None:
        self._fences = Fences()
        self._orders: OrdersByKey[Order] = OrdersByKey()
        self._changes: dict[OrderKey, list[OrderChange]] = {}
        self._parcels: dict[OrderKey, dict[str, ParcelRecord]] = {}
        self._notes: dict[OrderKey, dict[str, Note]] = {}
        self._decisions: OrdersByKey[Decision] = OrdersByKey()
        self._earlier_decisions: dict[OrderKey, list[Decision]] = {}
        self._raw: dict[OrderKey, bytes] = {}
        self._quarantine: dict[tuple[ChannelId, str], Quarantined] = {}
        self._progress: dict[ChannelId, Progress] = {}
        self._doubts: dict[OrderKey, Sale] = {}
        self._doubt_revisions: dict[OrderKey, int] = {}
        self._watches: dict[OrderKey, Watch] = {}
        self._erased: dict[OrderKey, datetime] = {}

    def _require_no_fall(self, order: Order) -> None:
        """Raise ``ValueError`` if writing *order* over the stored one would lower its stock revision."""
        if order.stock_revision < self._orders[order.key].stock_revision:
            raise ValueError(f"{order.key}: its stock revision would fall; change what is stored, not an older copy")

    def _write_over(self, order: Order, change: OrderChange | None) -> None:
        """Write a stored order over, with a line for its history."""
        self._require_no_fall(order)
        self._orders[order.key] = self._allowed(order)
        if change is not None:
            self._changes.setdefault(order.key, []).append(change)

    def _allowed(self, order: Order) -> Order:
        """Return what may be kept of an order: all of it, or if it was erased, what is not personal."""
        return attrs.evolve(order, buyer=None, shipping_address=None) if order.key in self._erased else order

    def _is_erased(self, document: Quarantined) -> bool:
        """Say whether a document is one of an erased order."""
        return document.reference is not None and OrderKey(document.channel, document.reference) in self._erased
