"""Listings: which channel SKU means which of ours, and what the channel is believed to show."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import attrs

from .channel_orders import ChannelOrderLine
from .fields import MAX_QUANTITY, as_tuple, count, each, frozen_mapping, is_a, is_count, maybe_text, optional, text
from .ids import LONGEST_ID, ChannelId
from .stock import MOST_HELD, StockRule


@attrs.frozen
class ListingId:
    """A listing of one channel: its channel SKU, at one of the channel's own locations or at none."""

    channel_sku: str = text()
    channel_location: str | None = maybe_text()

    @property
    def sort_key(self) -> tuple[str, str]:
        """Return what listings are ordered by."""
        return self.channel_sku, self.channel_location or ""

    def __str__(self) -> str:
        """Return the SKU, with the channel's location behind an @ where there is one; no two look alike."""
        sku = self.channel_sku.replace("%", "%25").replace("@", "%40")
        return sku if self.channel_location is None else f"{sku}@{self.channel_location}"


def checked_components(components: str | Mapping[str, int]) -> Mapping[str, int]:
    """Return what a listing is to be linked to as SKU → quantity; ``ValueError`` names what is wrong."""
    parts = {components: 1} if isinstance(components, str) else components
    if not parts:
        raise ValueError("components: is empty; name a SKU, or several with quantities")
    for sku, quantity in parts.items():
        if not isinstance(sku, str) or not sku.strip():
            raise ValueError(f"components: {sku!r} is no SKU")
        if type(quantity) is not int or not 1 <= quantity <= MAX_QUANTITY:
            raise ValueError(f"components: {sku!r} needs a whole number from 1 to {MAX_QUANTITY}, got {quantity!r}")
    return frozen_mapping(parts)


class ListingState(StrEnum):
    """ACTIVE listings are kept right; FAILED ones were refused and wait for their next attempt."""

    ACTIVE = "active"
    FAILED = "failed"


@attrs.frozen(kw_only=True)
class Listing:
    """One listing and all that is known about what it shows.

    ``components``: what one piece of it takes from stock (SKU → quantity; several make a kit). ``linked_to``: what it
    was linked to, where kits are not yet taken apart; its components if omitted. ``rule``: its own rule, or None for
    its channel's. ``wanted`` is ahead of ``settled`` while something may have changed. ``believed``: the quantity that
    the channel shows as far as we know, None when in doubt. ``doubts`` counts how often that was doubted.
    ``unresolved_until``: until then a late copy of a push may land. ``attempt_began`` is set while a push is
    unanswered. ``accepted_at``: when the last accepted push was answered.
    """

    channel: ChannelId
    id: ListingId
    components: Mapping[str, int] = attrs.field(converter=frozen_mapping)
    linked_to: Mapping[str, int] = attrs.field(converter=frozen_mapping)
    rule: StockRule | None = None
    state: ListingState = ListingState.ACTIVE
    wanted: int = 1
    settled: int = 0
    believed: int | None = None
    doubts: int = 0
    attempts: int = 0
    attempt_began: datetime | None = None
    attempt_doubts: int = 0
    unresolved_until: datetime | None = None
    accepted_at: datetime | None = None
    failures: int = 0
    failure: str | None = None
    next_attempt_at: datetime | None = None

    @linked_to.default
    def _what_it_takes(self) -> Mapping[str, int]:
        return self.components

    @property
    def channel_sku(self) -> str:
        """Return the SKU on the channel."""
        return self.id.channel_sku

    @property
    def channel_location(self) -> str | None:
        """Return the channel's own location, or None."""
        return self.id.channel_location


@attrs.frozen(kw_only=True)
class Links:
    """What channel SKUs mean, under one revision of the channel's links."""

    revision: int
    components: Mapping[ListingId, Mapping[str, int]]

    def of(self, line: ChannelOrderLine, channel_location: str | None) -> Mapping[str, int] | None:
        """Return what one piece of *line* takes from stock; None when that is unlinked or ambiguous."""
        return self.of_sku(line.channel_sku, channel_location)

    def of_sku(self, channel_sku: str, channel_location: str | None) -> Mapping[str, int] | None:
        """Return the components of a channel SKU: its own location's, else the ones without, else the only ones."""
        for place in (channel_location, None):
            found = self.components.get(ListingId(channel_sku, place))
            if found is not None:
                return found
        others = [parts for listing, parts in self.components.items() if listing.channel_sku == channel_sku]
        return others[0] if others and all(parts == others[0] for parts in others) else None


class StockOutcome(StrEnum):
    """What became of one level that was pushed."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN_SKU = "unknown-sku"
    RETRY = "retry"
    CONFLICT = "conflict"
    UNKNOWN = "unknown"


@attrs.frozen(kw_only=True)
class StockUpdate:
    """One level for a channel to show: absolute, never a difference.

    ``expected`` is what the channel is believed to show now, for channels that compare and set. The
    same ``attempt_id`` means the same attempt.
    """

    channel_sku: str = text()
    quantity: int = count(most=MOST_HELD)
    attempt_id: str = text(longest=LONGEST_ID)
    channel_location: str | None = maybe_text()
    expected: int | None = attrs.field(default=None, validator=optional(is_count(least=-MOST_HELD, most=MOST_HELD)))

    @property
    def listing_id(self) -> ListingId:
        """Return which listing of the channel this is for."""
        return ListingId(self.channel_sku, self.channel_location)


@attrs.frozen(kw_only=True)
class StockResult:
    """What the channel made of one level. An update without a result counts as unknown."""

    channel_sku: str = text()
    outcome: StockOutcome = attrs.field(validator=is_a(StockOutcome))
    channel_location: str | None = maybe_text()
    message: str = attrs.field(default="", validator=is_a(str))

    @property
    def listing_id(self) -> ListingId:
        """Return which listing of the channel this is about."""
        return ListingId(self.channel_sku, self.channel_location)


@attrs.frozen(kw_only=True)
class Push:
    """A level about to be sent: the ``wanted`` read before the levels, and the target worked out from them."""

    listing: ListingId
    wanted: int
    quantity: int


@attrs.frozen(kw_only=True)
class Attempt:
    """A push that was recorded before its call.

    ``number`` counts the listing's attempts, ``failures`` its refusals in a row; ``expected`` is what the channel
    was believed to show.
    """

    push: Push
    number: int
    expected: int | None
    failures: int = 0


@attrs.frozen(kw_only=True)
class Answer:
    """What became of an attempt."""

    attempt: Attempt
    outcome: StockOutcome
    message: str = ""
    next_attempt_at: datetime | None = None


@attrs.frozen(kw_only=True)
class ChannelListing:
    """A listing read back from the channel: what it shows now."""

    channel_sku: str = text()
    quantity: int = count(least=-MOST_HELD, most=MOST_HELD)
    channel_location: str | None = maybe_text()

    @property
    def listing_id(self) -> ListingId:
        """Return which listing of the channel this is."""
        return ListingId(self.channel_sku, self.channel_location)


@attrs.frozen(kw_only=True)
class ListingPage:
    """One page of listings read back. ``next_cursor`` is None on the last page."""

    listings: tuple[ChannelListing, ...] = attrs.field(converter=as_tuple, validator=each(is_a(ChannelListing)))
    next_cursor: str | None = maybe_text(longest=65_536)
