"""What happens to one listing: links, marks, sales, attempts, answers. Pure.

Every storage applies these rules inside its own transactions, so that they are decided once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import attrs

from .model.listings import Answer, Attempt, Listing, ListingId, ListingState, Push, StockOutcome
from .model.stock import Sale, StockRule


def marked(listing: Listing) -> Listing:
    """Note that something may have changed what the listing should or does show."""
    return attrs.evolve(listing, wanted=listing.wanted + 1)


def doubted(listing: Listing) -> Listing:
    """Forget what the channel shows; the doubt is counted, so that an overlapping accept sets no belief."""
    return attrs.evolve(marked(listing), believed=None, doubts=listing.doubts + 1)


def linked(
    listing: Listing, linked_to: Mapping[str, int], components: Mapping[str, int], *, rule: StockRule | None
) -> Listing:
    """Link a listing that is known; the same listing where nothing is other than before."""
    meant = attrs.evolve(listing, linked_to=linked_to, components=components, rule=rule)
    if meant == listing:
        return listing
    return meant if (meant.components, meant.rule) == (listing.components, listing.rule) else marked(meant)


def unlinked(listing: Listing) -> Listing:
    """Forget what a listing means; what is known of its pushes stays for when it is linked again."""
    return doubted(attrs.evolve(listing, linked_to={}, components={}))


def is_due(listing: Listing, *, window: timedelta, at: datetime) -> bool:
    """Say whether a listing must be looked at."""
    if listing.next_attempt_at is not None and at < listing.next_attempt_at:
        return False
    unanswered = listing.attempt_began is not None and listing.attempt_began + window < at
    window_ended = listing.unresolved_until is not None and listing.unresolved_until < at
    return listing.wanted > listing.settled or listing.believed is None or unanswered or window_ended


def begun(listing: Listing, push: Push, *, window: timedelta, at: datetime) -> tuple[Listing, Attempt | None]:
    """Begin an attempt, unless the channel is believed to show the quantity and no late copy can land."""
    unresolved = listing.unresolved_until
    if listing.attempt_began is not None:
        unresolved = _later(unresolved, listing.attempt_began + window)
    if listing.believed == push.quantity and unresolved is None:
        return _well(attrs.evolve(listing, settled=max(listing.settled, push.wanted))), None
    number = listing.attempts + 1
    attempted = attrs.evolve(
        listing,
        attempts=number,
        attempt_began=at,
        attempt_doubts=listing.doubts,
        unresolved_until=unresolved,
    )
    return attempted, Attempt(push=push, number=number, expected=listing.believed, failures=listing.failures)


def answered(listing: Listing, answer: Answer, *, window: timedelta, at: datetime) -> Listing:
    """Take in what became of an attempt; one that is no longer the listing's changes nothing."""
    began = listing.attempt_began
    if began is None or listing.attempts != answer.attempt.number:
        return listing
    free = attrs.evolve(listing, attempt_began=None)
    match answer.outcome:
        case StockOutcome.ACCEPTED:
            return _accepted(free, answer.attempt.push, began=began, at=at)
        case StockOutcome.UNKNOWN:
            return attrs.evolve(free, unresolved_until=_later(free.unresolved_until, began + window))
        case StockOutcome.CONFLICT:
            return doubted(free)
        case StockOutcome.RETRY:
            refused = answer.next_attempt_at is not None
            return attrs.evolve(free, failures=free.failures + refused, next_attempt_at=answer.next_attempt_at)
    return attrs.evolve(
        free,
        state=ListingState.FAILED,
        failures=free.failures + 1,
        failure=answer.message or answer.outcome.value,
        next_attempt_at=answer.next_attempt_at,
    )


def _accepted(listing: Listing, push: Push, *, began: datetime, at: datetime) -> Listing:
    open_window = listing.unresolved_until
    return _well(
        attrs.evolve(
            listing,
            settled=max(listing.settled, push.wanted),
            accepted_at=at,
            unresolved_until=None if open_window is not None and began > open_window else open_window,
            believed=push.quantity if listing.doubts == listing.attempt_doubts else None,
        )
    )


def _well(listing: Listing) -> Listing:
    return attrs.evolve(listing, state=ListingState.ACTIVE, failures=0, failure=None, next_attempt_at=None)


def shown(listing: Listing, quantity: int, *, wanted: int, at: datetime) -> Listing:
    """Take over what a read-back showed, unless something happened to the listing since it began."""
    if listing.wanted != wanted or listing.attempt_began is not None or listing.unresolved_until is not None:
        return listing
    seen = attrs.evolve(listing, accepted_at=at)
    return seen if seen.believed == quantity else attrs.evolve(marked(seen), believed=quantity)


def sold(listing: Listing, quantity: int, *, taken_at: datetime) -> Listing:
    """Lower the belief by what the channel took off, or doubt it if a push may have overwritten the sale."""
    overwritten = listing.accepted_at is not None and taken_at <= listing.accepted_at
    if overwritten or listing.attempt_began is not None or listing.unresolved_until is not None:
        return doubted(listing)
    if listing.believed is None:
        return marked(listing)
    return attrs.evolve(marked(listing), believed=listing.believed - quantity)


def account(sale: Sale, accounted: int | None, listings: Mapping[ListingId, Listing]) -> Mapping[ListingId, Listing]:
    """Return the listings that a sale changes; *accounted* is the order's revision accounted for before, if any.

    *listings* are the channel's linked listings of the sale's SKUs.
    """
    changed: dict[ListingId, Listing] = {}
    doubt = sale.channel_revision > (accounted or 0)
    if accounted is not None and (sale.revision <= accounted or not doubt):
        return changed
    for (channel_sku, place), quantity in sorted(sale.sold.items(), key=_by_listing):
        found = _matching(listings, channel_sku, place)
        for listing_id in found:
            elsewhere = place is not None and listing_id.channel_location not in (place, None)
            guessed = elsewhere or len(found) > 1
            listing = changed.get(listing_id, listings[listing_id])
            changed[listing_id] = (
                doubted(listing) if doubt or guessed else sold(listing, quantity, taken_at=sale.taken_at)
            )
    return changed


def _by_listing(item: tuple[tuple[str, str | None], int]) -> tuple[str, str]:
    return item[0][0], item[0][1] or ""


def _matching(listings: Collection[ListingId], channel_sku: str, place: str | None) -> list[ListingId]:
    """Return the listing at the order's own location, else the one without, else all of the SKU."""
    for listing_id in (ListingId(channel_sku, place), ListingId(channel_sku)):
        if listing_id in listings:
            return [listing_id]
    return sorted((one for one in listings if one.channel_sku == channel_sku), key=str)


def _later(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else max(one, other)
