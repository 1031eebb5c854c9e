"""What the listings of a marketplace show, and every level that was ever applied."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import attrs

from ....model.listings import StockOutcome, StockResult, StockUpdate
from .veil import Veil


@attrs.frozen(kw_only=True)
class AppliedLevel:
    """One level that took effect, whether or not anybody heard of it; ``by`` is who sent it."""

    at: datetime
    sku: str
    quantity: int
    attempt_id: str
    by: str = ""


class Shelf:
    """The level that each listing shows, by SKU; ``levels`` is the truth, ``seen`` what a reader is told.

    ``blocked`` listings take no level until they are free again; they sell what they show.
    """

    def __init__(self) -> None:
        self.levels: dict[str, int] = {}
        self.applied: list[AppliedLevel] = []
        self.blocked: set[str] = set()
        self._seen: dict[str, Veil[int]] = {}

    def show(self, sku: str, quantity: int, *, seen_from: datetime) -> None:
        """Show *quantity* from now on."""
        self.levels[sku] = quantity
        if sku not in self._seen:
            self._seen[sku] = Veil()
        self._seen[sku].put(quantity, seen_from=seen_from)

    def seen(self, now: datetime) -> Sequence[tuple[str, int]]:
        """Return what each listing shows to a reader, by SKU."""
        seen = ((sku, self._seen[sku].seen(now)) for sku in sorted(self.levels))
        return [(sku, quantity) for sku, quantity in seen if quantity is not None]

    def outcome(self, update: StockUpdate, *, compare: bool) -> StockOutcome:
        """Say what becomes of a level that is to be applied now."""
        if update.channel_location is not None or update.channel_sku not in self.levels:
            return StockOutcome.UNKNOWN_SKU
        if update.channel_sku in self.blocked:
            return StockOutcome.REJECTED
        if compare and update.expected not in (None, self.levels[update.channel_sku]):
            return StockOutcome.CONFLICT
        return StockOutcome.ACCEPTED


def result_of(update: StockUpdate, outcome: StockOutcome) -> StockResult:
    """Return what the sender of a level is told."""
    told: dict[str, Any] = {"channel_sku": update.channel_sku, "channel_location": update.channel_location}
    return StockResult(**told, outcome=outcome, message=MESSAGES.get(outcome, ""))


MESSAGES = {
    StockOutcome.UNKNOWN_SKU: "no such SKU here",
    StockOutcome.CONFLICT: "another level is shown than was expected",
    StockOutcome.REJECTED: "this listing is blocked for now",
    StockOutcome.RETRY: "busy; send it again",
}
