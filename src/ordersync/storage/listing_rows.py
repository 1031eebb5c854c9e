"""Listings, as rows of columns that any SQL storage can keep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..model.ids import ChannelId
from ..model.listings import Listing, ListingId, ListingState
from . import codec

Row = Sequence[Any]

ID_COLUMNS = ("channel_sku", "place")

MEANING_COLUMNS = ("components", "linked_to", "rule")

BELIEF_COLUMNS = (
    "state",
    "wanted",
    "settled",
    "believed",
    "doubts",
    "attempts",
    "attempt_began",
    "attempt_doubts",
    "unresolved_until",
    "accepted_at",
    "failures",
    "failure",
    "next_attempt_at",
)

LISTING_COLUMNS = (*ID_COLUMNS, *MEANING_COLUMNS, *BELIEF_COLUMNS)


def place(channel_location: str | None) -> str:
    """Return a location as text that keeps none apart from every name, and sorts it first."""
    return "" if channel_location is None else f"@{channel_location}"


def listing_id(channel_sku: str, place_: str) -> ListingId:
    """Build the id of what the first two columns hold."""
    return ListingId(channel_sku, place_[1:] if place_ else None)


def id_row(one: ListingId) -> Row:
    """Return what ``ID_COLUMNS`` hold of a listing."""
    return (one.channel_sku, place(one.channel_location))


def meaning_row(listing: Listing) -> Row:
    """Return what ``MEANING_COLUMNS`` hold of a listing.

    One that was unlinked has the components ``{}``. One whose link names no kit has nothing beside its components.
    """
    linked_to = None if listing.linked_to == listing.components else listing.linked_to
    return (codec.components(listing.components), codec.components(linked_to), codec.rule(listing.rule))


def named_kits(listing: Listing) -> set[str]:
    """Return the kits that a listing is linked to; whatever else it is linked to are components."""
    return set(listing.linked_to) - set(listing.components)


def belief_row(listing: Listing) -> Row:
    """Return what ``BELIEF_COLUMNS`` hold of a listing."""
    return (
        listing.state.value,
        listing.wanted,
        listing.settled,
        listing.believed,
        listing.doubts,
        listing.attempts,
        codec.maybe_micros(listing.attempt_began),
        listing.attempt_doubts,
        codec.maybe_micros(listing.unresolved_until),
        codec.maybe_micros(listing.accepted_at),
        listing.failures,
        listing.failure,
        codec.maybe_micros(listing.next_attempt_at),
    )


def listing_of(channel: ChannelId, row: Row) -> Listing:
    """Build a listing of what ``LISTING_COLUMNS`` hold."""
    channel_sku, place_, components, linked_to, rule, *beliefs = row
    parts = codec.components_of(components) or {}
    fields = dict(zip(BELIEF_COLUMNS, beliefs, strict=True))
    fields.update(
        state=ListingState(fields["state"]),
        attempt_began=codec.maybe_moment_of(fields["attempt_began"]),
        unresolved_until=codec.maybe_moment_of(fields["unresolved_until"]),
        accepted_at=codec.maybe_moment_of(fields["accepted_at"]),
        next_attempt_at=codec.maybe_moment_of(fields["next_attempt_at"]),
    )
    return Listing(
        channel=channel,
        id=ListingId(channel_sku, place_[1:] if place_ else None),
        components=parts,
        linked_to=parts if linked_to is None else codec.components_of(linked_to) or {},
        rule=codec.rule_of(rule),
        **fields,
    )
