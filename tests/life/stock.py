"""Stock as it must be: what moved, what channel SKUs mean, and what their listings should show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import attrs

from ordersync import ChannelId, StockRule

from .orders import LivingOrder, Parts, Place

Links = dict[str, Parts]
"""What each linked channel SKU of one channel was linked to."""


@attrs.define
class Shelves:
    """What was moved on purpose, by movement id; parcels are with their orders."""

    moved: dict[str, Mapping[Place, int]] = attrs.field(factory=dict)
    links: dict[ChannelId, Links] = attrs.field(factory=dict)
    kits: dict[str, Parts] = attrs.field(factory=dict)
    left: set[str] = attrs.field(factory=set)

    def move(self, movement_id: str, quantities: Mapping[Place, int]) -> None:
        """Move something, once per id."""
        self.moved.setdefault(movement_id, quantities)

    def parts(self, linked_to: Parts) -> Parts:
        """Take kits apart, at any depth."""
        total: Counter[str] = Counter()
        for sku, each in linked_to.items():
            if sku in self.kits:
                for part, number in self.parts(self.kits[sku]).items():
                    total[part] += each * number
            else:
                total[sku] += each
        return dict(total)

    def contains_itself(self, kit: str, parts: Parts) -> bool:
        """Say whether a kit made of these would contain itself."""
        reached, ahead = set[str](), list(parts)
        while ahead:
            sku = ahead.pop()
            if sku not in reached:
                reached.add(sku)
                ahead += self.kits.get(sku, {})
        return kit in reached

    def meanings(self, channel: ChannelId) -> Links:
        """Return what every linked channel SKU takes from stock now."""
        return {sku: self.parts(linked_to) for sku, linked_to in self.links[channel].items()}

    def movements(self, orders: Iterable[LivingOrder]) -> dict[str, Mapping[Place, int]]:
        """Return every movement there ever was, those of parcels included; *left* are the parcels that are through."""
        found = dict(self.moved)
        for order in orders:
            for parcel_id, parcel in order.parcels.items():
                movement = f"{order.key}/parcel/{parcel_id}"
                if movement in self.left:
                    found[movement] = {place: -pieces for place, pieces in parcel.taken.items()}
        return found

    def on_hand(self, orders: Iterable[LivingOrder]) -> Counter[Place]:
        """Add up the movements."""
        total: Counter[Place] = Counter()
        for quantities in self.movements(orders).values():
            total.update(quantities)
        return total


def reserved(orders: Iterable[LivingOrder]) -> Counter[Place]:
    """Add up what orders want."""
    total: Counter[Place] = Counter()
    for order in orders:
        total.update(order.wanted)
    return total


def should_show(parts: Parts, rule: StockRule, available: Counter[Place]) -> int:
    """Return what a listing of these parts must show."""
    fits = []
    for sku, each in parts.items():
        left = sum(
            pieces
            for (one, location), pieces in available.items()
            if one == sku and (rule.locations is None or location in rule.locations)
        )
        left -= rule.buffer
        fits.append((left if rule.cap is None else min(left, rule.cap)) // each)
    return max(0, min(fits))
