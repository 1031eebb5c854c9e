"""What a fake marketplace shows of each SKU, and which SKUs it makes trouble with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import attrs

from ..errors import ChannelRejectedError
from ..model.ids import ChannelId
from ..model.listings import ChannelListing, ListingId, StockOutcome, StockResult, StockUpdate
from .timeline import Timeline


@attrs.frozen(kw_only=True)
class AppliedLevel:
    """One level that took effect, whether or not anybody heard of it."""

    at: datetime
    listing: ListingId
    quantity: int
    attempt_id: str


@attrs.frozen(kw_only=True)
class Trouble:
    """What is wrong with one SKU: each level is answered with *outcome* and *message*, and not applied."""

    outcome: StockOutcome
    message: str


@attrs.define(kw_only=True)
class Shelf:
    """The listings of one marketplace and the level that each shows."""

    channel: ChannelId
    compare_and_set: bool
    batch_size: int
    timeline: Callable[[], Timeline[int]]
    applied: list[AppliedLevel] = attrs.field(factory=list)
    troubles: dict[str, Trouble] = attrs.field(factory=dict)
    poisoned: set[str] = attrs.field(factory=set)
    muted: set[str] = attrs.field(factory=set)
    _levels: dict[ListingId, Timeline[int]] = attrs.field(factory=dict)
    _attempts: dict[ListingId, str] = attrs.field(factory=dict)

    def set(self, listing: ListingId, quantity: int, at: datetime) -> None:
        """Show *quantity* from now on; lists the SKU if it is new."""
        self._levels.setdefault(listing, self.timeline()).record(at, quantity)

    def drop(self, listing: ListingId) -> None:
        """Take the listing down; ``KeyError`` if there is none."""
        del self._levels[listing]
        self._attempts.pop(listing, None)

    def levels(self) -> dict[ListingId, int]:
        """Return what each listing shows now."""
        return {listing: timeline.latest for listing, timeline in self._levels.items()}

    def find(self, sku: str, location: str | None) -> ListingId | None:
        """Return the listing that sells *sku* at *location*: that location's own, else the one without."""
        candidates = (ListingId(sku, location), ListingId(sku))
        return next((listing for listing in candidates if listing in self._levels), None)

    def change(self, listing: ListingId, by: int, at: datetime) -> None:
        """Lower or raise what a listing shows."""
        timeline = self._levels[listing]
        timeline.record(at, timeline.latest + by)

    def seen_at(self, now: datetime) -> list[ChannelListing]:
        """Return the listings as a reader sees them."""
        seen = ((listing, timeline.seen_at(now)) for listing, timeline in sorted(self._levels.items(), key=_order))
        return [
            ChannelListing(
                channel_sku=listing.channel_sku, quantity=quantity, channel_location=listing.channel_location
            )
            for listing, quantity in seen
            if quantity is not None
        ]

    def apply(self, updates: Sequence[StockUpdate], at: datetime) -> list[StockResult]:
        """Show these levels; ``ChannelRejectedError`` if the batch is refused as a whole."""
        if len(updates) > self.batch_size:
            raise ChannelRejectedError(
                f"{self.channel}: {len(updates)} levels in one call, at most {self.batch_size} are taken; "
                "send smaller batches"
            )
        if any(update.channel_sku in self.poisoned for update in updates):
            raise ChannelRejectedError(
                f"{self.channel}: the batch is refused for one of its items; send the others without it"
            )
        results = [self._apply_one(update, at) for update in updates]
        return [result for result in results if result.channel_sku not in self.muted]

    def _apply_one(self, update: StockUpdate, at: datetime) -> StockResult:
        repeated = self.compare_and_set and self._attempts.get(update.listing_id) == update.attempt_id
        trouble = None if repeated else self._trouble_with(update)
        if not repeated and trouble is None:
            self._show(update, at)
        return StockResult(
            channel_sku=update.channel_sku,
            channel_location=update.channel_location,
            outcome=StockOutcome.ACCEPTED if trouble is None else trouble.outcome,
            message="" if trouble is None else trouble.message,
        )

    def _trouble_with(self, update: StockUpdate) -> Trouble | None:
        if update.listing_id not in self._levels:
            return NO_SUCH_SKU
        shown = self._levels[update.listing_id].latest
        if self.compare_and_set and update.expected not in (None, shown):
            return ANOTHER_LEVEL
        return self.troubles.get(update.channel_sku)

    def _show(self, update: StockUpdate, at: datetime) -> None:
        listing = update.listing_id
        self.applied.append(
            AppliedLevel(at=at, listing=listing, quantity=update.quantity, attempt_id=update.attempt_id)
        )
        self._attempts[listing] = update.attempt_id
        self._levels[listing].record(at, update.quantity)


NO_SUCH_SKU = Trouble(outcome=StockOutcome.UNKNOWN_SKU, message="no such SKU here")
ANOTHER_LEVEL = Trouble(outcome=StockOutcome.CONFLICT, message="another level is shown than was expected")


def _order(item: tuple[ListingId, Timeline[int]]) -> tuple[str, str]:
    listing = item[0]
    return listing.channel_sku, listing.channel_location or ""
