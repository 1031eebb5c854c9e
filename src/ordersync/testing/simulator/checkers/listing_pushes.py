"""Whether pushes are recorded, answered and accounted for honestly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import attrs

from ....model.listings import Answer, Attempt, ChannelListing, Listing, ListingId, Push, StockOutcome
from ..trace import Violation
from .commits import START_WINDOW
from .listing_facts import Begun, KnownListing
from .listing_rule import Rights

UNDONE = frozenset(
    {StockOutcome.RETRY, StockOutcome.REJECTED, StockOutcome.UNKNOWN_SKU, StockOutcome.CONFLICT},
)
"""The outcomes that say of a level that it was certainly not applied."""

Known = Mapping[ListingId, KnownListing]
After = Mapping[ListingId, Listing]


@attrs.frozen(kw_only=True)
class Verb:
    """One verb about the pushes of one channel: the listings before and after it, and when it was committed.

    ``at`` is what the verb says of that, ``now`` the truth. ``window``: how long a late copy of a push may land.
    """

    known: Known
    after: After
    window: timedelta
    at: datetime
    now: datetime
    tick: int


def check_sent_soon(known: KnownListing, number: int, at: datetime) -> None:
    """See that a push leaves soon after it was recorded, or not at all."""
    begun = known.begun.get(number)
    if begun is not None and at - begun.at >= START_WINDOW:
        raise Violation("R21", f"{known.name}: attempt {number} is sent {at - begun.at} after it was recorded")


def check_begun(verb: Verb, pushes: Sequence[Push], attempts: Sequence[Attempt], rights: Rights) -> None:
    """See that each push serves what it read, is right, and is sent exactly where the channel may show otherwise."""
    sent = {attempt.push.listing: attempt for attempt in attempts}
    for push in pushes:
        known, after = verb.known.get(push.listing), verb.after.get(push.listing)
        if known is None or after is None or not known.linked:
            continue
        _check_target(known, push, rights)
        attempt = sent.get(push.listing)
        if attempt is None:
            _check_settled(known, push, after)
        else:
            _check_sent(verb, known, attempt, after)
            known.begun[attempt.number] = Begun(push=push, tick=verb.tick, at=verb.now)


def _check_target(known: KnownListing, push: Push, rights: Rights) -> None:
    since = known.raised_at.get(push.wanted)
    if since is None or push.wanted > known.listing.wanted:
        raise Violation("P3", f"{known.name}: a push serves wanted {push.wanted}, which nobody could read")
    meant = known.meant[push.wanted]
    if not rights.was(push.quantity, known.channel, push.listing.channel_location, meant, since=since):
        text = f"{push.quantity} was never right since wanted became {push.wanted}"
        raise Violation("P1", f"{known.name}: {text}, for {dict(meant[0])}")


def _check_settled(known: KnownListing, push: Push, after: Listing) -> None:
    before = known.listing
    if before.believed != push.quantity or known.has_window:
        text = f"{push.quantity} is not sent though {before.believed} is believed"
        raise Violation("P3", f"{known.name}: {text}, {'with' if known.has_window else 'without'} an open window")
    if after.settled > max(before.settled, push.wanted):
        raise Violation("P3", f"{known.name}: settled {after.settled} for a push that serves {push.wanted}")


def _check_sent(verb: Verb, known: KnownListing, attempt: Attempt, after: Listing) -> None:
    before, push = known.listing, attempt.push
    if before.believed == push.quantity and not known.has_window:
        raise Violation("P6", f"{known.name}: {push.quantity} is sent again, and nothing is in doubt")
    if attempt.number in known.begun or attempt.number != after.attempts:
        raise Violation("P3", f"{known.name}: attempt {attempt.number} is none of its own, {after.attempts} were made")
    if after.settled != before.settled:
        raise Violation("P3", f"{known.name}: settled {after.settled} before the push was answered")
    if before.attempt_began is not None:
        _check_window(known, after, before.attempt_began + verb.window)


def _check_window(known: KnownListing, after: Listing, until: datetime) -> None:
    if after.unresolved_until is None or after.unresolved_until < until:
        raise Violation("R21", f"{known.name}: a late copy may land until {until}, the window {after.unresolved_until}")


def check_finished(verb: Verb, answers: Sequence[Answer]) -> Collection[ListingId]:
    """See what answers have changed; return the listings of which an accept was taken in."""
    accepted: list[ListingId] = []
    for answer in answers:
        listing, number = answer.attempt.push.listing, answer.attempt.number
        known, after = _answered(verb, answer), verb.after.get(listing)
        if after is None or not known.linked:
            continue
        if known.listing.attempt_began is None or known.listing.attempts != number:
            if after != known.listing:
                raise Violation("P3", f"{known.name}: a late answer to attempt {number} has changed it")
        elif answer.outcome is StockOutcome.ACCEPTED:
            _check_accepted(verb, known, number, after)
            accepted.append(listing)
        else:
            _check_not_accepted(verb, known, answer.outcome, after)
    return accepted


def _answered(verb: Verb, answer: Answer) -> KnownListing:
    """Return the listing of an answer; what was not applied may not be found applied."""
    listing, number = answer.attempt.push.listing, answer.attempt.number
    known = verb.known.get(listing)
    if known is None or number not in known.begun:
        raise Violation("P3", f"{listing}: attempt {number} was answered and never recorded")
    if answer.outcome in UNDONE:
        known.disowned.add(number)
        if number in known.landed:
            raise Violation("P4", f"{known.name}: attempt {number} is {answer.outcome}, and it was applied")
    return known


def _check_accepted(verb: Verb, known: KnownListing, number: int, after: Listing) -> None:
    before, begun = known.listing, known.begun[number]
    if number not in known.landed:
        raise Violation("P3", f"{known.name}: attempt {number} is accepted, and the market never applied it")
    if after.settled > max(before.settled, begun.push.wanted):
        raise Violation("P3", f"{known.name}: settled {after.settled} by a push that serves {begun.push.wanted}")
    if after.believed is not None and known.doubted_at > begun.tick:
        raise Violation("R22", f"{known.name}: believed to show {after.believed} by an accept older than a doubt")
    if after.believed not in (None, begun.push.quantity):
        raise Violation("P3", f"{known.name}: {begun.push.quantity} was accepted, and {after.believed} is believed")
    if after.accepted_at != verb.at:
        raise Violation("R16", f"{known.name}: accepted at {verb.at}, and {after.accepted_at} is remembered")


def _check_not_accepted(verb: Verb, known: KnownListing, outcome: StockOutcome, after: Listing) -> None:
    before = known.listing
    if after.settled != before.settled:
        raise Violation("P3", f"{known.name}: settled {after.settled} by a push that ended {outcome}")
    if outcome is StockOutcome.UNKNOWN and before.attempt_began is not None:
        _check_window(known, after, before.attempt_began + verb.window)
    if outcome is StockOutcome.CONFLICT:
        known.doubted_at = verb.tick
        if after.believed is not None:
            raise Violation("R22", f"{known.name}: it shows what was not expected, and {after.believed} is believed")


def check_observed(verb: Verb, shown: Sequence[ChannelListing], wanted: Mapping[ListingId, int]) -> None:
    """See that a read-back counts like an accepted push, and only where nothing has happened since it began."""
    seen = Counter(one.listing_id for one in shown)
    for one in shown:
        known, after = verb.known.get(one.listing_id), verb.after.get(one.listing_id)
        if known is None or after is None or not known.linked or seen[one.listing_id] > 1:
            continue
        asked = wanted.get(one.listing_id)
        if asked != known.listing.wanted or known.has_window:
            if after != known.listing:
                raise Violation("R16", f"{known.name}: a read-back counts though something happened since it began")
        elif (after.believed, after.accepted_at) != (one.quantity, verb.at):
            raise Violation("R16", f"{known.name}: {one.quantity} was read back, and {after.believed} is believed")
