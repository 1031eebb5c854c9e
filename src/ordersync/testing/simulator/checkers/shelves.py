"""A ledger in its simplest form: movements by id, and what each order holds. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import cast

from ....model.ids import OrderKey
from ....model.stock import Claim, Deduction, Movement, StockLevel
from ..trace import Violation
from .commits import Commit

Place = tuple[str, str]
"""SKU and location."""


class Shelves:
    """What lies where, and for whom, by the verbs that were committed."""

    def __init__(self) -> None:
        """Begin empty."""
        self.moved: set[str] = set()
        self.held: dict[OrderKey, Claim] = {}
        self.skus: set[str] = set()
        self._on_hand: Counter[Place] = Counter()
        self._reserved: Counter[Place] = Counter()
        self._movements: dict[str, Counter[tuple[str, str]]] = {}
        self._locations: dict[str, set[str]] = {}

    def take(self, commit: Commit) -> tuple[Collection[str], Sequence[OrderKey]]:
        """Do what a verb of the ledger does; return the SKUs and the orders that it named."""
        match commit.verb:
            case "reserve":
                claims = cast("Sequence[Claim]", commit.argument(0, "claims"))
                return self._hold(claims), [claim.order_key for claim in claims]
            case "deduct":
                deduction = cast("Deduction", commit.argument(0, "deduction"))
                taken = {place: -pieces for place, pieces in deduction.taken.items()}
                skus = self._move(deduction.id, taken) | self._hold([deduction.claim])
                return skus, [deduction.claim.order_key]
            case "set_on_hand" | "adjust" | "transfer":
                return self._moved_by_people(commit), ()
        return set(), ()

    def places(self, skus: Collection[str]) -> Iterable[Place]:
        """Return where any of *skus* ever lay or was reserved."""
        return ((sku, location) for sku in skus for location in self._locations.get(sku, ()))

    def agrees(self, level: StockLevel) -> None:
        """Check a level of the real ledger."""
        place = level.sku, level.location
        name = f"{level.sku} at {level.location}"
        if level.reserved < 0:
            raise Violation("S4", f"{level.reserved} of {name} are reserved")
        if level.reserved != self._reserved[place]:
            raise Violation("S1", f"{level.reserved} of {name} are reserved, orders hold {self._reserved[place]}")
        if level.on_hand != self._on_hand[place]:
            text = f"{level.on_hand} of {name} are on hand, movements come to {self._on_hand[place]}"
            raise Violation("S2", text)

    def is_told(self, sku: str, history: Iterable[Movement]) -> None:
        """Check that the real ledger tells of every movement of a SKU, and of each once."""
        told: dict[str, Counter[Place]] = {}
        seen: set[tuple[str, str]] = set()
        for movement in history:
            if (movement.id, movement.location) in seen:
                raise Violation("S3", f"{movement.id} moved {sku} at {movement.location} twice")
            seen.add((movement.id, movement.location))
            told.setdefault(movement.id, Counter())[sku, movement.location] += movement.quantity
        for name in sorted({*told, *self._movements}):
            ours = {place: pieces for place, pieces in self._movements.get(name, {}).items() if place[0] == sku}
            theirs = {place: pieces for place, pieces in told.get(name, {}).items() if pieces}
            if ours != theirs:
                raise Violation("S2", f"{name} moved {_sum(ours)} of {sku}, the ledger tells of {_sum(theirs)}")

    def _moved_by_people(self, commit: Commit) -> set[str]:
        sku, name = cast("str", commit.argument(0, "sku")), cast("str", commit.facts["movement_id"])
        quantity = cast("int", commit.facts["quantity"])
        if commit.verb == "transfer":
            source, destination = commit.facts["source"], commit.facts["destination"]
            return self._move(name, {(sku, source): -quantity, (sku, destination): quantity})
        place = sku, cast("str", commit.facts["location"])
        counted = commit.verb == "set_on_hand"
        return self._move(name, {place: quantity - self._on_hand[place] if counted else quantity})

    def _move(self, name: str, quantities: Mapping[Place, int]) -> set[str]:
        """Move goods once per id; the SKUs are looked at in any case."""
        for place in quantities:
            self._know(place)
        if name not in self.moved:
            self.moved.add(name)
            self._on_hand.update(quantities)
            self._movements[name] = Counter({place: pieces for place, pieces in quantities.items() if pieces})
        return {sku for sku, _ in quantities}

    def _hold(self, claims: Iterable[Claim]) -> set[str]:
        skus: set[str] = set()
        for claim in claims:
            before = self.held.get(claim.order_key)
            old = {} if before is None else before.wanted
            skus.update(sku for sku, _ in (*old, *claim.wanted))
            if before is None or claim.revision > before.revision:
                for place in claim.wanted:
                    self._know(place)
                self._reserved.subtract(old)
                self._reserved.update(claim.wanted)
                self.held[claim.order_key] = claim
        return skus

    def _know(self, place: Place) -> None:
        self.skus.add(place[0])
        self._locations.setdefault(place[0], set()).add(place[1])


def _sum(quantities: Mapping[Place, int]) -> int:
    return sum(quantities.values())
