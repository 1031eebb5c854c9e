"""What is remembered of one listing from commit to commit: its record, its attempts, and when what was raised."""

from __future__ import annotations

from datetime import datetime

import attrs

from ....model.ids import ChannelId
from ....model.listings import Listing, ListingId, ListingState, Push
from ....model.stock import StockRule
from ..trace import Violation
from .listing_rule import Parts, parts_of

TELLING = frozenset({"sold", "finish", "observed", "unlink"})
"""The verbs that may say anything new of what a channel shows."""

SETTLING = frozenset({"begin", "finish"})
"""The verbs that may settle a listing."""

COUNTERS = ("wanted", "settled", "attempts", "doubts")


@attrs.frozen(kw_only=True)
class Begun:
    """An attempt as it was recorded: what it serves, the number of the commit that recorded it, and its true time."""

    push: Push
    tick: int
    at: datetime


@attrs.define(kw_only=True, eq=False)
class KnownListing:
    """One listing, followed.

    ``raised_at``: at which commit each ``wanted`` was reached, and ``meant``: what the listing takes from stock, and
    its own rule, under it. ``begun``: every attempt by number; ``landed`` those that the market applied,
    ``disowned`` those recorded as certainly not applied. ``doubted_at``: the last commit that put its belief in doubt.
    """

    channel: ChannelId
    listing: Listing
    linked: bool = True
    raised_at: dict[int, int] = attrs.field(factory=dict)
    meant: dict[int, tuple[Parts, StockRule | None]] = attrs.field(factory=dict)
    begun: dict[int, Begun] = attrs.field(factory=dict)
    landed: set[int] = attrs.field(factory=set)
    disowned: set[int] = attrs.field(factory=set)
    doubted_at: int = -1
    last_landed: int = 0
    most_served: int = 0

    @property
    def id(self) -> ListingId:
        """Return its id."""
        return self.listing.id

    @property
    def name(self) -> str:
        """Return how messages call it."""
        return f"{self.channel} {self.listing.id}"

    @property
    def last_raised(self) -> int:
        """Return the commit that raised ``wanted`` last."""
        return self.raised_at[self.listing.wanted]

    @property
    def has_window(self) -> bool:
        """Say whether a push of it is unanswered, or a late copy of one may land."""
        return self.listing.attempt_began is not None or self.listing.unresolved_until is not None

    @property
    def is_due(self) -> bool:
        """Say whether somebody will look at it again, so that nothing it shows is taken for right in silence."""
        one = self.listing
        return self.has_window or one.wanted > one.settled or one.believed is None

    def take(self, after: Listing, *, tick: int) -> None:
        """Take over the record as it is after commit number *tick*."""
        self.listing, self.linked = after, True
        if after.wanted not in self.raised_at:
            self.raised_at[after.wanted] = tick
        self.meant[after.wanted] = parts_of(after.components), after.rule


def check_change(known: KnownListing, after: Listing, verb: str, *, accepted: bool) -> None:
    """See that one verb has changed a listing only as it may; *accepted*: it took an accept of it in."""
    before, name = known.listing, known.name
    _check_counters(known, after, verb)
    if not known.linked:
        if after.believed is not None:
            raise Violation("R18", f"{name}: linked again, it is believed to show {after.believed}")
        return
    if after.settled != before.settled and verb not in SETTLING:
        raise Violation("P3", f"{name}: {verb} settled {after.settled}")
    raised = after.wanted > before.wanted
    if after.believed != before.believed and not raised and not accepted:
        raise Violation("R18", f"{name}: believed {_told(before)}, then {_told(after)} by {verb}; wanted did not rise")
    if (after.components, after.rule) != (before.components, before.rule) and not raised:
        raise Violation("R18", f"{name}: it takes something else from stock by {verb}, and wanted did not rise")
    if after.believed not in (None, before.believed) and verb not in TELLING:
        raise Violation("P3", f"{name}: {verb} made it believed to show {after.believed}")
    _check_window(known, after, verb, accepted=accepted)


def _check_counters(known: KnownListing, after: Listing, verb: str) -> None:
    for counter in COUNTERS:
        had, has = getattr(known.listing, counter), getattr(after, counter)
        if has < had:
            raise Violation("P3", f"{known.name}: {counter} fell from {had} to {has} by {verb}")
    if after.settled > after.wanted:
        raise Violation("P3", f"{known.name}: settled {after.settled} of wanted {after.wanted} by {verb}")


def _check_window(known: KnownListing, after: Listing, verb: str, *, accepted: bool) -> None:
    """See that a window closes only by an accept of what was begun strictly behind its end."""
    before, until = known.listing, known.listing.unresolved_until
    if until is not None and (after.unresolved_until is None or after.unresolved_until < until):
        began = before.attempt_began
        if not accepted or after.unresolved_until is not None or began is None or began <= until:
            text = f"its window until {until} was closed by {verb}, of an attempt begun at {began}"
            raise Violation("R21", f"{known.name}: {text}")
    if before.attempt_began is not None and after.attempt_began is None and verb != "finish":
        raise Violation("R21", f"{known.name}: {verb} forgot an unanswered attempt")


def is_excused(listing: Listing, last_run: datetime | None) -> bool:
    """Say whether a listing is in a named failed state that will be tried again, and need not have been by now."""
    again_at = listing.next_attempt_at
    failed = listing.state is ListingState.FAILED and bool(listing.failure) and again_at is not None
    return failed and (last_run is None or again_at is None or again_at > last_run)


def _told(listing: Listing) -> str:
    return "nothing" if listing.believed is None else str(listing.believed)
