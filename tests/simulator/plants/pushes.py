"""Rules 21 to 23 taken out: attempts, their windows, and what an answer settles."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import attrs

from ordersync import ChannelId, Listing, StockLevel, StockOutcome, StockResult, StockRule, beliefs
from ordersync.errors import ChannelError
from ordersync.model.listings import Answer, Attempt, ListingId, ListingState, Push
from ordersync.publication import Target, target
from ordersync.sync import publish
from ordersync.sync.channel_run import ChannelRun
from ordersync.sync.lease import HeldLease
from ordersync.sync.retry import Caller

from .registry import Patch, plant

T = TypeVar("T")

PUSHES = "tests/protocols/test_pushes.py"


def _in_no_hurry() -> Sequence[Patch]:
    push = publish._push

    async def pushed(run: ChannelRun, pushes: Sequence[Push]) -> Sequence[Answer]:
        lease = run.lease
        may_start = lease.may_start
        lease.may_start = lambda _claimed_at: lease.lasts()  # type: ignore[method-assign, assignment]
        try:
            return await push(run, pushes)
        finally:
            lease.may_start = may_start  # type: ignore[method-assign]

    return [(publish, "_push", pushed)]


@plant(
    "rule 21: a push is sent however long ago it began",
    law="L7",
    source="PROTOCOLS 21",
    directed="tests/simulator/test_directed_pushes.py::test_push_is_not_sent_long_after_it_began",
)
def push_of_an_old_attempt() -> Sequence[Patch]:
    """Look at the lease before a push, and not at when its attempt began."""
    return _in_no_hurry()


@plant(
    "rule 21: a push is sent however long ago it began, lease forgotten too",
    law="L7",
    source="PROTOCOLS 21",
    directed=f"{PUSHES}::test_rule_21_slow_runner_does_not_push",
)
def push_of_an_old_attempt_and_lease() -> Sequence[Patch]:
    """Look at nothing before a push."""
    return [*_in_no_hurry(), (HeldLease, "lasts", lambda _lease: True)]


@plant(
    "level read before a pause, pushed after it",
    law="L7",
    source="reliability 3.5 and 4.3",
    directed="tests/simulator/test_directed_pushes.py::test_level_is_not_read_long_before_it_is_pushed",
)
def pauses_before_the_push() -> Sequence[Patch]:
    """Work a level out, do something else for twelve minutes, then push it."""

    async def effect(caller: Caller, call: Callable[[], Awaitable[T]], *, may_start: Callable[[], bool]) -> T:
        pushes = "_push" in call.__qualname__
        if pushes and may_start():
            await caller._clock.sleep(720)
            return await real(caller, call, may_start=lambda: True)
        return await real(caller, call, may_start=may_start)

    real = Caller.effect
    return [(Caller, "effect", effect)]


@plant(
    "rule 21: a window is counted from the beginning of a push",
    law="L7",
    source="PROTOCOLS 21",
    directed=f"{PUSHES}::test_rule_21_window_counts_from_the_last_moment_of_sending",
)
def short_window() -> Sequence[Patch]:
    """Leave out how late after its record a push may still be sent."""
    shorter = property(lambda run: run.channel.call_timeout + run.channel.late_window)
    return [(ChannelRun, "window", shorter)]


@plant(
    "rule 21: a successor forgets the push that was not answered",
    law="L7",
    source="PROTOCOLS 21",
    directed="tests/simulator/test_directed_pushes.py::test_push_of_a_dead_runner_leaves_a_window",
)
def forgets_its_predecessor() -> Sequence[Patch]:
    """Begin a push as if the one before had been answered."""
    real = beliefs.begun

    def begun(listing: Listing, push: Push, *, window: timedelta, at: datetime) -> tuple[Listing, Attempt | None]:
        return real(attrs.evolve(listing, attempt_began=None), push, window=window, at=at)

    return [(beliefs, "begun", begun)]


@plant(
    "rule 21: any accepted push closes a window",
    law="L7",
    source="PROTOCOLS 21",
    directed=f"{PUSHES}::test_rule_21_unknown_outcome_is_pushed_again_after_its_window",
)
def any_push_closes_a_window() -> Sequence[Patch]:
    """Close the window by a push that began inside it."""
    real = beliefs._accepted

    def accepted(listing: Listing, push: Push, *, began: datetime, at: datetime) -> Listing:
        return attrs.evolve(real(listing, push, began=began, at=at), unresolved_until=None)

    return [(beliefs, "_accepted", accepted)]


@plant(
    "no verification after an unknown push",
    law="L7",
    source="reliability 3.5 and 4.3",
    directed=f"{PUSHES}::test_rule_21_unknown_outcome_is_pushed_again_after_its_window",
)
def unknown_opens_no_window() -> Sequence[Patch]:
    """Take an unknown outcome for a push that was not applied."""
    real = beliefs.answered

    def answered(listing: Listing, answer: Answer, *, window: timedelta, at: datetime) -> Listing:
        after = real(listing, answer, window=window, at=at)
        unknown = answer.outcome is StockOutcome.UNKNOWN
        return attrs.evolve(after, unresolved_until=listing.unresolved_until) if unknown else after

    return [(beliefs, "answered", answered)]


@plant(
    "an unknown push counts as accepted",
    law="L7",
    source="DESIGN 6",
    directed="tests/simulator/test_directed_pushes.py::test_push_of_unknown_fate_is_not_believed",
)
def unknown_is_accepted() -> Sequence[Patch]:
    """Believe what a push of unknown fate would have shown."""
    real = beliefs.answered

    def answered(listing: Listing, answer: Answer, *, window: timedelta, at: datetime) -> Listing:
        if answer.outcome is StockOutcome.UNKNOWN:
            answer = attrs.evolve(answer, outcome=StockOutcome.ACCEPTED)
        return real(listing, answer, window=window, at=at)

    return [(beliefs, "answered", answered)]


@plant(
    "rule 21: a refusal that may have taken effect is certain",
    law="L7",
    source="PROTOCOLS 21",
    directed=f"{PUSHES}::test_rule_21_refusal_that_may_have_taken_effect_is_unknown",
)
def every_refusal_is_certain() -> Sequence[Patch]:
    """Take every failed call for one that was not applied."""

    def failed(_run: ChannelRun, attempts: Sequence[Attempt], error: ChannelError) -> list[Answer]:
        return [Answer(attempt=one, outcome=StockOutcome.RETRY, message=str(error)) for one in attempts]

    return [(publish, "_failed", failed)]


@plant(
    "rule 22: an accept sets the belief over a doubt",
    law="L6",
    source="PROTOCOLS 22",
    directed=f"{PUSHES}::test_rule_22_accept_sets_no_belief_over_a_doubt",
)
def believes_over_a_doubt() -> Sequence[Patch]:
    """Believe what was accepted, whatever happened to the listing meanwhile."""
    real = beliefs._accepted

    def accepted(listing: Listing, push: Push, *, began: datetime, at: datetime) -> Listing:
        return attrs.evolve(real(listing, push, began=began, at=at), believed=push.quantity)

    return [(beliefs, "_accepted", accepted)]


@plant(
    "rule 23: what the channel shows already is sent",
    law="L6",
    source="PROTOCOLS 23",
    directed=f"{PUSHES}::test_rule_23_what_the_channel_shows_is_not_sent",
)
def sends_what_is_shown() -> Sequence[Patch]:
    """Push every listing that is due."""
    real = beliefs.begun

    def begun(listing: Listing, push: Push, *, window: timedelta, at: datetime) -> tuple[Listing, Attempt | None]:
        return real(attrs.evolve(listing, believed=None), push, window=window, at=at)

    return [(beliefs, "begun", begun)]


@plant(
    "rule 23: target and belief are compared before the attempt is recorded",
    law="L6",
    source="PROTOCOLS 23",
    directed=f"{PUSHES}::test_rule_23_target_and_belief_are_compared_where_the_attempt_is_recorded",
)
def compares_too_early() -> Sequence[Patch]:
    """Compare the target with the belief as it was when the listing was found due."""
    seen: dict[tuple[ChannelId, ListingId], int | None] = {}
    is_due, real = beliefs.is_due, beliefs.begun

    def due(listing: Listing, *, window: timedelta, at: datetime) -> bool:
        seen[listing.channel, listing.id] = listing.believed
        return is_due(listing, window=window, at=at)

    def begun(listing: Listing, push: Push, *, window: timedelta, at: datetime) -> tuple[Listing, Attempt | None]:
        believed = seen.get((listing.channel, listing.id), listing.believed)
        return real(attrs.evolve(listing, believed=believed), push, window=window, at=at)

    return [(beliefs, "is_due", due), (beliefs, "begun", begun)]


@plant(
    "ack writes the current version",
    law="L7",
    source="reliability 3.5 and 4.3",
    directed="tests/simulator/test_directed_pushes.py::test_level_that_changes_during_its_push_is_pushed_again",
)
def settles_what_is_wanted_now() -> Sequence[Patch]:
    """Settle whatever is wanted when the answer comes."""
    real = beliefs._accepted

    def accepted(listing: Listing, push: Push, *, began: datetime, at: datetime) -> Listing:
        return attrs.evolve(real(listing, push, began=began, at=at), settled=listing.wanted)

    return [(beliefs, "_accepted", accepted)]


@plant(
    "an absent item counts as accepted",
    law="L6",
    source="reliability 1.1 F09",
    directed="tests/simulator/test_directed_pushes.py::test_item_that_the_channel_does_not_mention_is_unknown",
)
def absent_is_accepted() -> Sequence[Patch]:
    """Take an item that the channel does not mention for accepted."""
    real = publish._answers

    def answers(run: ChannelRun, attempts: Sequence[Attempt], results: Sequence[StockResult]) -> list[Answer]:
        told = {result.listing_id for result in results}
        return [
            answer if answer.attempt.push.listing in told else attrs.evolve(answer, outcome=StockOutcome.ACCEPTED)
            for answer in real(run, attempts, results)
        ]

    return [(publish, "_answers", answers)]


@plant(
    "a batch is not halved to find the poison",
    law="L10",
    source="DESIGN 6",
    directed="tests/simulator/test_directed_pushes.py::test_poisoned_listing_stops_only_itself",
)
def poison_stops_its_batch() -> Sequence[Patch]:
    """Leave a batch alone that was refused as a whole."""
    return [(publish, "_refused", lambda _error: False)]


@plant(
    "a refused listing is never tried again",
    law="L6",
    source="DESIGN L6",
    directed="tests/simulator/test_directed_pushes.py::test_refused_listing_is_tried_again",
)
def refused_for_ever() -> Sequence[Patch]:
    """Leave a listing alone for ever that was refused once."""
    real = beliefs.is_due

    def is_due(listing: Listing, *, window: timedelta, at: datetime) -> bool:
        return listing.state is not ListingState.FAILED and real(listing, window=window, at=at)

    return [(beliefs, "is_due", is_due)]


@plant(
    "the stock rule is forgotten",
    law="L6",
    source="DESIGN 6",
    directed="tests/simulator/test_directed_pushes.py::test_listing_shows_what_its_rule_says",
)
def forgets_the_rule() -> Sequence[Patch]:
    """Push what is available, whatever buffer, share or cap the rule names."""

    def bare(components: Mapping[str, int], rule: StockRule, levels: Iterable[StockLevel]) -> Target:
        return target(components, StockRule(locations=rule.locations), levels)

    return [(publish, "target", bare)]
