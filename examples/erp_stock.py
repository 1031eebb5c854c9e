"""An ERP that keeps the stock: five verbs over what it has already, and the laws that they keep.

Run it and it tries itself: ``python erp_stock.py`` (needs pytest).
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import pytest

from ordersync import Claim, Deduction, OrderKey, StockLedger, StockLevel
from ordersync.testing.contracts import StockLedgerContract

Place = tuple[str, str]
"""A SKU at a location."""


class Erp:
    """What the ERP has: goods by place, one booking per order, and the numbers of all documents."""

    def __init__(self) -> None:
        """Begin with empty shelves."""
        self.goods: Counter[Place] = Counter()
        self.bookings: dict[OrderKey, Claim] = {}
        self.documents: set[str] = set()


class ErpLedger(StockLedger):
    """The ERP's stock as ordersync needs it. Each verb is one transaction there; here nothing awaits in between."""

    def __init__(self, erp: Erp) -> None:
        """Work on the stock of *erp*."""
        self._erp = erp

    async def reserve(self, claims: Sequence[Claim], *, at: datetime) -> Mapping[OrderKey, int]:  # noqa: ARG002
        """Book what each order wants instead of what it had; say which revision is booked."""
        return {claim.order_key: self._book(claim) for claim in claims}

    async def deduct(self, deduction: Deduction, *, at: datetime) -> None:  # noqa: ARG002
        """Write the goods out, once per document; then book what the order still wants."""
        if deduction.id not in self._erp.documents:
            self._erp.documents.add(deduction.id)
            self._erp.goods.subtract(deduction.taken)
        self._book(deduction.claim)

    async def levels(self, skus: Sequence[str]) -> Sequence[StockLevel]:
        """Say what lies where, and how much of it is booked."""
        booked: Counter[Place] = Counter()
        for claim in self._erp.bookings.values():
            booked.update(claim.wanted)
        return [
            StockLevel(sku=sku, location=place, on_hand=self._erp.goods[sku, place], reserved=booked[sku, place])
            for sku, place in sorted({*self._erp.goods, *booked})
            if sku in skus
        ]

    async def changed(self, *, limit: int) -> None:
        """Keep no list of changes: None has every linked level compared in each run."""

    async def acknowledge(self, versions: Mapping[str, int]) -> None:
        """Keep no list of changes."""

    def _book(self, claim: Claim) -> int:
        before = self._erp.bookings.get(claim.order_key)
        if before is None or claim.revision > before.revision:
            self._erp.bookings[claim.order_key] = claim
        return self._erp.bookings[claim.order_key].revision


class TestErpLedger(StockLedgerContract):
    """The five verbs keep the laws of stock ledgers."""

    def setup_method(self) -> None:
        """Start an empty ERP."""
        self.erp = Erp()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[StockLedger]:
        """Open the ledger of the empty ERP."""
        yield ErpLedger(self.erp)

    async def put_on_hand(self, ledger: StockLedger, sku: str, *, quantity: int, location: str = "main") -> None:  # noqa: ARG002
        """Let the ERP receive goods."""
        self.erp.goods[sku, location] += quantity


if __name__ == "__main__":
    sys.exit(pytest.main(["-q", __file__]))
