"""Stock in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice

from ...model.ids import OrderKey
from ...model.stock import Claim, Deduction, Movement, StockLevel
from ...ports import OwnStockLedger

Place = tuple[str, str]


class MemoryStockLedger(OwnStockLedger):
    """Movements and holds; levels are kept beside them."""

    def __init__(self) -> None:
        self._moved: set[str] = set()
        self._movements: list[Movement] = []
        self._held: dict[OrderKey, Claim] = {}
        self._on_hand: dict[Place, int] = {}
        self._reserved: dict[Place, int] = defaultdict(int)
        self._versions: dict[str, int] = defaultdict(int)
        self._acknowledged: dict[str, int] = defaultdict(int)

    async def reserve(
        self,
        claims: Sequence[Claim],
        *,
        at: datetime,  # noqa: ARG002 - only movements are kept with their time
    ) -> Mapping[OrderKey, int]:
        """Replace what each order holds, if its claim is newer."""
        for claim in claims:
            self._hold(claim)
        return {claim.order_key: self._held[claim.order_key].revision for claim in claims}

    async def deduct(self, deduction: Deduction, *, at: datetime) -> None:
        """Move goods off on-hand once per id; replace the hold if the claim is newer."""
        if deduction.id not in self._moved:
            self._moved.add(deduction.id)
            for place, quantity in sorted(deduction.taken.items()):
                self._move(deduction.id, place, -quantity, at)
        self._hold(deduction.claim)

    async def levels(self, skus: Sequence[str]) -> Sequence[StockLevel]:
        """Return the levels of these SKUs wherever they are known."""
        wanted = set(skus)
        places = sorted(place for place in {*self._on_hand, *self._reserved} if place[0] in wanted)
        return [
            StockLevel(
                sku=sku,
                location=location,
                on_hand=self._on_hand.get((sku, location), 0),
                reserved=self._reserved.get((sku, location), 0),
            )
            for sku, location in places
        ]

    async def changed(self, *, limit: int) -> Mapping[str, int]:
        """Return changes that were not acknowledged yet."""
        news = ((sku, version) for sku, version in self._versions.items() if version > self._acknowledged[sku])
        return dict(islice(news, limit))

    async def acknowledge(self, versions: Mapping[str, int]) -> None:
        """Forget changes up to these versions."""
        for sku, version in versions.items():
            self._acknowledged[sku] = max(self._acknowledged[sku], min(version, self._versions[sku]))

    async def set_on_hand(
        self, sku: str, *, location: str, quantity: int, movement_id: str, at: datetime | None = None
    ) -> None:
        """Record a stocktake once per movement id."""
        if movement_id not in self._moved:
            self._moved.add(movement_id)
            self._move(movement_id, (sku, location), quantity - self._on_hand.get((sku, location), 0), at)

    async def history(self, sku: str, *, location: str | None = None, limit: int = 100) -> Sequence[Movement]:
        """Return movements, newest first."""
        found = (m for m in reversed(self._movements) if m.sku == sku and location in (None, m.location))
        return list(islice(found, limit))

    async def held(self, key: OrderKey) -> Claim | None:
        """Return what an order holds."""
        return self._held.get(key)

    def _move(self, movement_id: str, place: Place, quantity: int, at: datetime | None) -> None:
        self._on_hand[place] = self._on_hand.get(place, 0) + quantity
        if quantity:
            self._versions[place[0]] += 1
        sku, location = place
        self._movements.append(
            Movement(
                id=movement_id,
                sku=sku,
                location=location,
                quantity=quantity,
                on_hand_after=self._on_hand[place],
                at=at,
            )
        )

    def _hold(self, claim: Claim) -> None:
        before = self._held.get(claim.order_key)
        if before is not None and claim.revision <= before.revision:
            return
        self._held[claim.order_key] = claim
        old = {} if before is None else before.wanted
        for place in {*old, *claim.wanted}:
            difference = claim.wanted.get(place, 0) - old.get(place, 0)
            if difference:
                self._reserved[place] += difference
                self._versions[place[0]] += 1
