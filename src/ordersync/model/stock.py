"""Stock: levels, movements, and what orders claim of it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Any

import attrs

from .fields import (
    complain,
    count,
    each,
    frozen_mapping,
    is_a,
    is_amount,
    is_count,
    is_quantities,
    is_text,
    maybe_moment,
    optional,
    text,
)
from .ids import LONGEST_ID, OrderKey
from .orders import SoldByListing, StockByPlace

ALL = 100
"""Percent."""

MOST_HELD = 2**62
"""An order's lines and the sizes of its kits are limited one by one; what they add up to may be more."""

MOST_STOCKED = 10**9
"""More pieces than this in one movement that a person asks for are taken for a mistake."""


@attrs.frozen(kw_only=True)
class StockLevel:
    """How much of one SKU lies at one location, in whole units. Available may be negative."""

    sku: str
    location: str
    on_hand: int
    reserved: int

    @property
    def available(self) -> int:
        """Return what may still be sold: on hand less reserved."""
        return self.on_hand - self.reserved


@attrs.frozen(kw_only=True)
class Claim:
    """All that one order wants of stock under one revision; it replaces what the order held before."""

    order_key: OrderKey = attrs.field(validator=is_a(OrderKey))
    revision: int = count(least=1, most=2**62)
    wanted: StockByPlace = attrs.field(converter=frozen_mapping, validator=is_quantities(most=MOST_HELD))


@attrs.frozen(kw_only=True)
class Deduction:
    """Goods that left: a movement with an id, and what the order still holds afterwards.

    ``taken`` is by (SKU, location). The movement happens once per ``id``, whatever the claim's revision.
    """

    id: str = text(longest=LONGEST_ID)
    taken: StockByPlace = attrs.field(converter=frozen_mapping, validator=is_quantities(most=MOST_HELD))
    claim: Claim = attrs.field(validator=is_a(Claim))


@attrs.frozen(kw_only=True)
class Stocktake:
    """What was counted of one SKU at one location, in whole units."""

    sku: str = text()
    location: str = text()
    quantity: int = count(most=MOST_STOCKED)
    movement_id: str = text(longest=1024)
    at: datetime | None = maybe_moment()


@attrs.frozen(kw_only=True)
class Adjustment:
    """By how many pieces one SKU at one location became more, or fewer where *quantity* is negative."""

    sku: str = text()
    location: str = text()
    quantity: int = count(least=-MOST_STOCKED, most=MOST_STOCKED)
    movement_id: str = text(longest=1024)
    at: datetime | None = maybe_moment()

    @quantity.validator
    def _some_difference(self, attribute: attrs.Attribute[Any], value: int) -> None:
        if value == 0:
            raise complain(self, attribute, "expected a difference, got 0; a stocktake may find none")

    @property
    def moved(self) -> StockByPlace:
        """Return what on-hand changes by, place by place."""
        return {(self.sku, self.location): self.quantity}


@attrs.frozen(kw_only=True)
class Transfer:
    """Pieces of one SKU that go from one location to another."""

    sku: str = text()
    source: str = text()
    destination: str = text()
    quantity: int = count(least=1, most=MOST_STOCKED)
    movement_id: str = text(longest=1024)
    at: datetime | None = maybe_moment()

    @destination.validator
    def _another_place(self, attribute: attrs.Attribute[Any], value: str) -> None:
        if value == self.source:
            raise complain(self, attribute, "is the source itself; name another location")

    @property
    def moved(self) -> StockByPlace:
        """Return what on-hand changes by, place by place."""
        return {(self.sku, self.source): -self.quantity, (self.sku, self.destination): self.quantity}


@attrs.frozen(kw_only=True)
class Movement:
    """One change of on-hand; ``id`` was chosen by whoever caused it."""

    id: str
    sku: str
    location: str
    quantity: int
    on_hand_after: int
    at: datetime | None = None


@attrs.frozen(kw_only=True)
class Sale:
    """What one order took off its own channel's listings, for the belief about them.

    ``revision`` orders several reports of one order. ``channel_revision`` is the revision of the
    channel's last change to it (0: none since it was saved). ``taken_at`` is the earliest moment at
    which the channel may have lowered its own level.
    """

    order_key: OrderKey
    revision: int
    channel_revision: int
    taken_at: datetime
    sold: SoldByListing = attrs.field(converter=frozen_mapping)


@attrs.frozen(kw_only=True)
class Due:
    """An order whose stock revision the ledger is not known to hold, with all that settles it."""

    claim: Claim
    sale: Sale


def _places(locations: Collection[str] | None) -> frozenset[str] | None:
    if isinstance(locations, str):
        return frozenset({locations})
    return frozenset(locations) if isinstance(locations, Collection) else locations


@attrs.frozen(kw_only=True)
class StockRule:
    """How levels become the quantity that a channel shows; applied from left to right.

    ``locations``: those that count, None for all. ``buffer``: units kept back. ``percentage``: the share
    of the rest that is offered. ``end_when``: at or below this many, show 0. ``cap``: show at most this many.
    """

    locations: frozenset[str] | None = attrs.field(default=None, converter=_places)
    buffer: int = count(default=0)
    percentage: Decimal = attrs.field(default=Decimal(ALL), validator=is_amount)
    end_when: int = count(default=0)
    cap: int | None = attrs.field(default=None, validator=optional(is_count(most=2**31)))

    @locations.validator
    def _some_location(self, attribute: attrs.Attribute[Any], value: frozenset[str] | None) -> None:
        if value is not None and not value:
            raise complain(self, attribute, "is empty; name locations, or None for all of them")
        optional(each(is_text()))(self, attribute, value)

    @percentage.validator
    def _a_share(self, attribute: attrs.Attribute[Any], value: Decimal) -> None:
        if not 0 <= value <= ALL:
            raise complain(self, attribute, f"expected 0 to {ALL}", f", got {value}")

    def fingerprint(self) -> str:
        """Return a text that is equal for equal rules only."""
        places = "*" if self.locations is None else repr(sorted(self.locations))
        return f"{places}|{self.buffer}|{self.percentage.normalize()}|{self.end_when}|{self.cap}"
