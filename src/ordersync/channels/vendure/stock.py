"""What to write so that Vendure shows a quantity. Pure.

Vendure keeps what lies there (on hand) apart from what is promised to orders (allocated), and sells the
difference. A quantity to show is therefore written as on hand = quantity + allocated, which also leaves enough on
hand for what was sold to be fulfilled: the server refuses to fulfill more than lies there. A threshold that the
shop has set for a variant (``outOfStockThreshold``) is its own rule on top, and left alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from ...model.listings import ChannelListing, StockOutcome, StockResult, StockUpdate
from .documents import ShopLevel, Variant, VariantsAnswer, WrittenVariant


@attrs.frozen(kw_only=True)
class Write:
    """One level to write. ``done``: it lies there already."""

    update: StockUpdate
    variant: Variant
    location: str

    @property
    def on_hand(self) -> int:
        """Return what must lie there so that the quantity is left beside the allocations."""
        return self.update.quantity + self.variant.level(self.location).stock_allocated

    @property
    def done(self) -> bool:
        """Say whether it is shown already."""
        return self.variant.level(self.location).available == self.update.quantity

    def result(self, outcome: StockOutcome, message: str = "") -> StockResult:
        """Return what became of it."""
        return _result(self.update, outcome, message)


def plan(
    updates: Sequence[StockUpdate], answer: VariantsAnswer, *, location: str
) -> tuple[Sequence[Write], Sequence[StockResult]]:
    """Return what can be written, and the results of what cannot; *location* is that of listings without one."""
    writes: list[Write] = []
    refused: list[StockResult] = []
    for update in updates:
        variants = [one for one in answer.product_variants.items if one.sku == update.channel_sku]
        refusal = _refusal(update, variants, answer)
        if refusal is not None:
            refused.append(refusal)
        else:
            place = update.channel_location or location
            writes.append(Write(update=update, variant=variants[0], location=place))
    return writes, refused


def rows(writes: Sequence[Write]) -> Sequence[Mapping[str, Any]]:
    """Return the input of one mutation: a variant named twice in it would keep only its last levels."""
    levels: dict[str, dict[str, int]] = {}
    for write in writes:
        levels.setdefault(write.variant.id, {})[write.location] = write.on_hand
    return [
        {
            "id": variant,
            "stockLevels": [
                {"stockLocationId": location, "stockOnHand": on_hand} for location, on_hand in by_location.items()
            ],
        }
        for variant, by_location in levels.items()
    ]


def results(writes: Sequence[Write], written: Sequence[WrittenVariant]) -> Sequence[StockResult]:
    """Say what became of each level, by what the server says is there now; one it leaves out is not known."""
    there: dict[tuple[str, str], ShopLevel] = {
        (variant.id, level.stock_location_id): level for variant in written for level in variant.stock_levels
    }
    found = [(write, there.get((write.variant.id, write.location))) for write in writes]
    return [_outcome(write, level) for write, level in found if level is not None]


def listings(answer: VariantsAnswer, *, location: str) -> Sequence[ChannelListing]:
    """Return what variants show: at *location* as listings without a location, elsewhere by location."""
    return [
        ChannelListing(channel_sku=variant.sku, quantity=level.available, channel_location=place)
        for variant in answer.product_variants.items
        if variant.sku.strip()
        for place, level in _levels(variant, location)
    ]


def _levels(variant: Variant, location: str) -> Sequence[tuple[str | None, ShopLevel]]:
    elsewhere = [level for level in variant.stock_levels if level.stock_location_id != location]
    return [(None, variant.level(location)), *((level.stock_location_id, level) for level in elsewhere)]


def _outcome(write: Write, level: ShopLevel) -> StockResult:
    if level.available == write.update.quantity:
        return write.result(StockOutcome.ACCEPTED)
    return write.result(StockOutcome.RETRY, "orders came in between; it shows another quantity")


def _refusal(update: StockUpdate, variants: Sequence[Variant], answer: VariantsAnswer) -> StockResult | None:
    if not variants:
        return _result(update, StockOutcome.UNKNOWN_SKU, "Vendure has no variant with this SKU")
    if len(variants) > 1:
        text = "several variants have this SKU; give each its own"
        return _result(update, StockOutcome.REJECTED, text)
    if not answer.tracks(variants[0]):
        text = "Vendure does not track this variant's inventory and sells any number; switch tracking on"
        return _result(update, StockOutcome.REJECTED, text)
    return None


def _result(update: StockUpdate, outcome: StockOutcome, message: str) -> StockResult:
    return StockResult(
        channel_sku=update.channel_sku,
        channel_location=update.channel_location,
        outcome=outcome,
        message=message,
    )
