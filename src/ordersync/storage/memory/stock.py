"""Stock in memory."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice

from ...model.audits import LevelFinding
from ...model.ids import OrderKey
from ...model.stock import Adjustment, Claim, Deduction, Movement, StockLevel, Stocktake, Transfer
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
        self._move(deduction.id, {place: -quantity for place, quantity in deduction.taken.items()}, at)
        self._hold(deduction.claim)

    async def levels(self, skus: Sequence[str]) -> Sequence[StockLevel]:
        """Return the levels of these SKUs wherever they are known."""
        wanted = set(skus)
        return [level for level in self._levels() if level.sku in wanted]

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
        counted = Stocktake(sku=sku, location=location, quantity=quantity, movement_id=movement_id, at=at)
        difference = counted.quantity - self._on_hand.get((sku, location), 0)
        self._move(counted.movement_id, {(sku, location): difference}, counted.at)

    async def adjust(
        self, sku: str, *, location: str, quantity: int, movement_id: str, at: datetime | None = None
    ) -> None:
        """Change on-hand once per movement id."""
        asked = Adjustment(sku=sku, location=location, quantity=quantity, movement_id=movement_id, at=at)
        self._move(asked.movement_id, asked.moved, asked.at)

    async def transfer(
        self, sku: str, *, source: str, destination: str, quantity: int, movement_id: str, at: datetime | None = None
    ) -> None:
        """Move pieces to another location once per movement id."""
        asked = Transfer(
            sku=sku, source=source, destination=destination, quantity=quantity, movement_id=movement_id, at=at
        )
        self._move(asked.movement_id, asked.moved, asked.at)

    async def history(self, sku: str, *, location: str | None = None, limit: int = 100) -> Sequence[Movement]:
        """Return movements, newest first."""
        found = (m for m in reversed(self._movements) if m.sku == sku and location in (None, m.location))
        return list(islice(found, limit))

    async def held(self, key: OrderKey) -> Claim | None:
        """Return what an order holds."""
        return self._held.get(key)

    async def holds(self, *, after: OrderKey | None = None, limit: int) -> Sequence[Claim]:
        """Return what orders hold, in order of their keys."""
        keys = sorted(key for key in self._held if after is None or key > after)
        return [self._held[key] for key in keys[:limit]]

    async def recount(self) -> Sequence[LevelFinding]:
        """Return the levels that are not the sums of their movements and holds."""
        return self._recount()

    async def shortages(self) -> Sequence[StockLevel]:
        """Return the levels of which on-hand or available is below zero."""
        return [level for level in self._levels() if level.on_hand < 0 or level.available < 0]

    async def mend_levels(self, findings: Sequence[LevelFinding]) -> Sequence[LevelFinding]:
        """Set levels right that a recount still finds as they were found."""
        seen = set(findings)
        mended = [level for level in self._recount() if level in seen]
        for level in mended:
            self._on_hand[level.sku, level.location] = level.moved
            self._reserved[level.sku, level.location] = level.held
            self._versions[level.sku] += 1
        return mended

    def _recount(self) -> Sequence[LevelFinding]:
        moved: Counter[Place] = Counter()
        for movement in self._movements:
            moved[movement.sku, movement.location] += movement.quantity
        held: Counter[Place] = Counter()
        for claim in self._held.values():
            held.update(claim.wanted)
        counted = (
            LevelFinding(
                sku=sku,
                location=location,
                on_hand=self._on_hand.get((sku, location), 0),
                moved=moved[sku, location],
                reserved=self._reserved.get((sku, location), 0),
                held=held[sku, location],
            )
            for sku, location in sorted({*self._on_hand, *self._reserved, *moved, *held})
        )
        return [level for level in counted if (level.on_hand, level.reserved) != (level.moved, level.held)]

    def _levels(self) -> Sequence[StockLevel]:
        return [
            StockLevel(
                sku=sku,
                location=location,
                on_hand=self._on_hand.get((sku, location), 0),
                reserved=self._reserved.get((sku, location), 0),
            )
            for sku, location in sorted({*self._on_hand, *self._reserved})
        ]

    def _move(self, movement_id: str, quantities: Mapping[Place, int], at: datetime | None) -> None:
        if movement_id in self._moved:
            return
        self._moved.add(movement_id)
        for (sku, location), quantity in sorted(quantities.items()):
            on_hand = self._on_hand.get((sku, location), 0) + quantity
            self._on_hand[sku, location] = on_hand
            if quantity:
                self._versions[sku] += 1
            self._movements.append(
                Movement(id=movement_id, sku=sku, location=location, quantity=quantity, on_hand_after=on_hand, at=at)
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
