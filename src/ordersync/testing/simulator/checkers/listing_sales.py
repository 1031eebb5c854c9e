"""What sales do to beliefs, worked out once more: once per order, and never where a push may have overwritten it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import attrs

from ....model.ids import OrderKey
from ....model.listings import Listing, ListingId
from ....model.stock import Sale
from ..trace import Violation
from .listing_orders import OrderedPieces
from .world import World


@attrs.define
class Expected:
    """What one listing must be believed to show after some sales, and the law that says so."""

    believed: int | None
    law: str = "R17"
    doubted: bool = False


class Accounts:
    """Which sales were accounted for, by order and revision."""

    def __init__(self, world: World, pieces: OrderedPieces) -> None:
        """Begin with none."""
        self._world, self._pieces = world, pieces
        self._accounted: dict[OrderKey, int] = {}

    def revision(self, key: OrderKey) -> int:
        """Return the highest revision of an order that was accounted for; 0 for none."""
        return self._accounted.get(key, 0)

    def take(self, sales: Sequence[Sale], listings: Mapping[ListingId, Listing]) -> Mapping[ListingId, Expected]:
        """Account for sales of one channel with these linked *listings*; return what becomes of those they touch."""
        touched: dict[ListingId, Expected] = {}
        for sale in sales:
            before = self._accounted.get(sale.order_key)
            self._accounted[sale.order_key] = max(before or 0, sale.revision)
            moved = sale.channel_revision > (before or 0)
            if before is not None and (sale.revision <= before or not moved):
                continue
            if before is None:
                self._pieces.check_first(sale)
            for (sku, place), quantity in sale.sold.items():
                self._take_line(sale, (sku, place, quantity), listings, touched, moved=moved)
        return touched

    def _take_line(
        self,
        sale: Sale,
        line: tuple[str, str | None, int],
        listings: Mapping[ListingId, Listing],
        touched: dict[ListingId, Expected],
        *,
        moved: bool,
    ) -> None:
        sku, place, quantity = line
        exact = [one for one in (ListingId(sku, place), ListingId(sku, None)) if one in listings][:1]
        hit = exact or [one for one in listings if one.channel_sku == sku]
        for one in hit:
            listing = listings[one]
            expected = touched.setdefault(one, Expected(listing.believed))
            if moved or not exact:
                expected.believed, expected.doubted = None, True
            elif _may_be_overwritten(self._taken_at(sale), listing):
                expected.believed, expected.doubted, expected.law = None, True, "R16"
            elif expected.believed is not None:
                expected.believed -= quantity

    def _taken_at(self, sale: Sale) -> datetime:
        """Return when the level fell at the latest that is claimed of it: as told, or in truth if that was before."""
        market = self._world.markets[sale.order_key.channel]
        order = market.orders.get(sale.order_key.reference)
        return sale.taken_at if order is None else min(sale.taken_at, order.taken_at - market.traits.skew)


def _may_be_overwritten(taken_at: datetime, listing: Listing) -> bool:
    """Say whether a push may have landed on top of the sale."""
    if listing.attempt_began is not None or listing.unresolved_until is not None:
        return True
    return listing.accepted_at is not None and taken_at <= listing.accepted_at


def check_sold(name: str, before: Listing, after: Listing, expected: Expected | None) -> None:
    """See that a listing is believed to show what the sales leave, and is due for it."""
    if expected is None:
        if after.believed != before.believed:
            raise Violation("R17", f"{name}: {before.believed} was believed, then {after.believed}; nothing new sold")
        return
    if after.believed != expected.believed:
        told = f"{before.believed} was believed, then {after.believed} after sales that leave {expected.believed}"
        raise Violation(expected.law, f"{name}: {told}")
    if after.wanted <= before.wanted:
        raise Violation("R18", f"{name}: it was sold from, and wanted did not rise")
