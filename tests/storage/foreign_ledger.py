"""A stock ledger that is not ours: a few dictionaries behind five verbs, as an ERP would offer."""

# ruff: noqa: ARG002 - an ERP has clocks of its own

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from ordersync.model.audits import LevelFinding
from ordersync.model.ids import OrderKey
from ordersync.model.stock import Adjustment, Claim, Deduction, StockLevel, Stocktake, Transfer
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


class OpenLedger(DictLedger):
    """The same ERP, which also takes documents of people and shows its books; it keeps no levels beside them."""

    async def set_on_hand(
        self, sku: str, *, location: str, quantity: int, movement_id: str, at: datetime | None = None
    ) -> None:
        """Write what was counted."""
        counted = Stocktake(sku=sku, location=location, quantity=quantity, movement_id=movement_id, at=at)
        self._document(movement_id, {(sku, location): counted.quantity - self.goods[sku, location]})

    async def adjust(
        self, sku: str, *, location: str, quantity: int, movement_id: str, at: datetime | None = None
    ) -> None:
        """Add a difference."""
        asked = Adjustment(sku=sku, location=location, quantity=quantity, movement_id=movement_id, at=at)
        self._document(movement_id, asked.moved)

    async def transfer(
        self, sku: str, *, source: str, destination: str, quantity: int, movement_id: str, at: datetime | None = None
    ) -> None:
        """Carry pieces from one shelf to another."""
        asked = Transfer(
            sku=sku, source=source, destination=destination, quantity=quantity, movement_id=movement_id, at=at
        )
        self._document(movement_id, asked.moved)

    async def holds(self, *, after: OrderKey | None = None, limit: int) -> Sequence[Claim]:
        """Return all bookings by key."""
        return [self.bookings[key] for key in sorted(self.bookings) if after is None or key > after][:limit]

    async def recount(self) -> Sequence[LevelFinding]:
        """Keep no levels that could differ."""
        return []

    async def shortages(self) -> Sequence[StockLevel]:
        """Return what is oversold."""
        skus = {sku for sku, _ in self.goods} | {sku for claim in self.bookings.values() for sku, _ in claim.wanted}
        return [level for level in await self.levels(list(skus)) if level.on_hand < 0 or level.available < 0]

    async def mend_levels(self, findings: Sequence[LevelFinding]) -> Sequence[LevelFinding]:
        """Keep no levels that could be mended."""
        return []

    def _document(self, name: str, quantities: Mapping[Place, int]) -> None:
        if name not in self.documents:
            self.documents.add(name)
            self.goods.update(quantities)
