"""A stock ledger that is not ours: a few dictionaries behind five verbs, as an ERP would offer."""

# ruff: noqa: ARG002 - an ERP has clocks of its own

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from ordersync.model.ids import OrderKey
from ordersync.model.stock import Claim, Deduction, StockLevel
from ordersync.ports import StockLedger

Place = tuple[str, str]


class DictLedger(StockLedger):
    """Goods by place, one booking per order, the ids of all documents; no change feed."""

    def __init__(self) -> None:
        self.goods: Counter[Place] = Counter()
        self.bookings: dict[OrderKey, Claim] = {}
        self.documents: set[str] = set()

    def receive(self, sku: str, *, location: str, quantity: int) -> None:
        """Put goods on a shelf, as the ERP does by itself."""
        self.goods[sku, location] += quantity

    async def reserve(self, claims: Sequence[Claim], *, at: datetime) -> Mapping[OrderKey, int]:
        """Book what each order wants."""
        return {claim.order_key: self._book(claim) for claim in claims}

    async def deduct(self, deduction: Deduction, *, at: datetime) -> None:
        """Take goods off the shelf, and book what the order still wants."""
        if deduction.id not in self.documents:
            self.documents.add(deduction.id)
            self.goods.subtract(deduction.taken)
        self._book(deduction.claim)

    async def levels(self, skus: Sequence[str]) -> Sequence[StockLevel]:
        """Return the levels of these SKUs."""
        booked: Counter[Place] = Counter()
        for claim in self.bookings.values():
            booked.update(claim.wanted)
        return [
            StockLevel(sku=sku, location=location, on_hand=self.goods[sku, location], reserved=booked[sku, location])
            for sku, location in sorted({*self.goods, *booked})
            if sku in skus
        ]

    async def changed(self, *, limit: int) -> None:
        """Keep no list of changes."""

    async def acknowledge(self, versions: Mapping[str, int]) -> None:
        """Keep no list of changes."""

    def _book(self, claim: Claim) -> int:
        before = self.bookings.get(claim.order_key)
        if before is None or claim.revision > before.revision:
            self.bookings[claim.order_key] = claim
        return self.bookings[claim.order_key].revision
