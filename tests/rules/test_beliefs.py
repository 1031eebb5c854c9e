"""What happens to the belief about one listing: marks, attempts, answers, read-backs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersync import beliefs
from ordersync.model.listings import Answer, Attempt, Listing, ListingId, ListingState, Push, StockOutcome
from ordersync.model.stock import StockRule
from ordersync.testing.builders import NOON, SHOP

WINDOW = timedelta(minutes=11)
MUG = ListingId("MUG")


def at(minutes: float) -> datetime:
    """Return a moment after noon."""
    return NOON + timedelta(minutes=minutes)


def listing(**changes: Any) -> Listing:  # noqa: ANN401 - fields of the record
    """Build a listing that is settled and believed to show 10."""
    settled: dict[str, Any] = {"believed": 10, "wanted": 3, "settled": 3}
    return Listing(channel=SHOP, id=MUG, components={"MUG": 1}, **(settled | changes))


moments = st.none() | st.integers(-60, 60).map(at)
listings = st.builds(
    listing,
    believed=st.none() | st.integers(-5, 50),
    wanted=st.integers(3, 6),
    settled=st.integers(0, 3),
    doubts=st.integers(0, 3),
    attempts=st.integers(0, 3),
    attempt_began=moments,
    attempt_doubts=st.integers(0, 3),
    unresolved_until=moments,
    accepted_at=moments,
    next_attempt_at=moments,
    failures=st.integers(0, 3),
    failure=st.sampled_from([None, "blocked"]),
    state=st.sampled_from(ListingState),
)


def begin(one: Listing, quantity: int, *, wanted: int | None = None, now: float = 0) -> tuple[Listing, Attempt]:
    """Begin an attempt that is certain to be sent."""
    push = Push(listing=MUG, wanted=one.wanted if wanted is None else wanted, quantity=quantity)
    after, attempt = beliefs.begun(one, push, window=WINDOW, at=at(now))
    assert attempt is not None
    return after, attempt


def answer(one: Listing, attempt: Attempt, outcome: StockOutcome, *, now: float = 1, **facts: Any) -> Listing:  # noqa: ANN401
    """Record what became of an attempt."""
    return beliefs.answered(one, Answer(attempt=attempt, outcome=outcome, **facts), window=WINDOW, at=at(now))


def test_listing_that_means_something_else_is_due() -> None:
    """A listing that is linked to other components or another rule is due; one linked as it was stays as it is."""
    one = attrs.evolve(listing(), linked_to={"MUG": 1})
    rule = StockRule(buffer=1)

    assert beliefs.linked(one, {"MUG": 1}, {"MUG": 1}, rule=None) is one
    assert beliefs.linked(one, {"SET": 1}, {"MUG": 1}, rule=None) == attrs.evolve(one, linked_to={"SET": 1})
    assert beliefs.linked(one, {"LID": 1}, {"LID": 1}, rule=None) == attrs.evolve(
        one, linked_to={"LID": 1}, components={"LID": 1}, wanted=4
    )
    assert beliefs.linked(one, {"MUG": 1}, {"MUG": 1}, rule=rule) == attrs.evolve(one, rule=rule, wanted=4)


def test_unlinked_listing_means_nothing_and_is_doubted() -> None:
    """An unlinked listing forgets what it means and what it is believed to show; its attempts stay."""
    one = listing(linked_to={"MUG": 1}, attempts=2)

    assert beliefs.unlinked(one) == beliefs.doubted(attrs.evolve(one, linked_to={}, components={}))
    assert (beliefs.unlinked(one).believed, beliefs.unlinked(one).attempts) == (None, 2)


@given(listings)
def test_whatever_doubts_a_belief_makes_it_due(one: Listing) -> None:
    """A mark and a doubt raise what is wanted above what is settled; only the doubt touches the belief."""
    marked, doubted = beliefs.marked(one), beliefs.doubted(one)

    assert marked == attrs.evolve(one, wanted=one.wanted + 1)
    assert doubted.wanted > doubted.settled
    assert (doubted.believed, doubted.doubts) == (None, one.doubts + 1)
    rested = attrs.evolve(doubted, next_attempt_at=None)
    assert beliefs.is_due(rested, window=WINDOW, at=at(0))


@pytest.mark.parametrize(
    ("changes", "now", "due"),
    [
        ({}, 0, False),
        ({"wanted": 4}, 0, True),
        ({"believed": None}, 0, True),
        ({"attempt_began": at(0)}, 11, False),
        ({"attempt_began": at(0)}, 11.01, True),
        ({"unresolved_until": at(5)}, 5, False),
        ({"unresolved_until": at(5)}, 5.01, True),
        ({"wanted": 4, "next_attempt_at": at(5)}, 4.99, False),
        ({"wanted": 4, "next_attempt_at": at(5)}, 5, True),
        ({"next_attempt_at": at(5)}, 6, False),
    ],
)
def test_when_a_listing_is_looked_at(*, changes: dict[str, Any], now: float, due: bool) -> None:
    """A listing is due when something may have changed, is not known, or a window has ended; not while it rests."""
    assert beliefs.is_due(listing(**changes), window=WINDOW, at=at(now)) is due


@given(listings, st.integers(0, 20), st.integers(0, 8), st.integers(-60, 60).map(at))
def test_attempt_is_recorded_or_nothing_is_sent(one: Listing, quantity: int, wanted: int, now: datetime) -> None:
    """A push is sent unless the channel is known to show the quantity and no late copy can land."""
    push = Push(listing=MUG, wanted=wanted, quantity=quantity)

    after, attempt = beliefs.begun(one, push, window=WINDOW, at=now)

    known = one.believed == quantity and one.unresolved_until is None and one.attempt_began is None
    assert (attempt is None) == known
    if attempt is None:
        assert after.settled == max(one.settled, wanted)
        assert (after.attempts, after.state, after.failure, after.failures) == (
            one.attempts,
            ListingState.ACTIVE,
            None,
            0,
        )
        return
    assert after.attempts == attempt.number == one.attempts + 1
    assert (after.attempt_began, after.attempt_doubts) == (now, one.doubts)
    assert (attempt.expected, attempt.failures) == (one.believed, one.failures)
    assert after.settled == one.settled
    if one.attempt_began is not None:
        assert after.unresolved_until is not None
        assert after.unresolved_until >= one.attempt_began + WINDOW


@given(listings, st.sampled_from(StockOutcome), st.integers(0, 5))
def test_answer_to_another_attempt_changes_nothing(one: Listing, outcome: StockOutcome, number: int) -> None:
    """An answer that comes when nothing is under way, or to an older attempt, is ignored."""
    attempt = Attempt(push=Push(listing=MUG, wanted=9, quantity=1), number=number, expected=None)

    after = answer(one, attempt, outcome)

    if one.attempt_began is None or one.attempts != number:
        assert after == one
    else:
        assert after.attempt_began is None


def test_accepted_push_settles_what_was_read_before_it() -> None:
    """An accept settles the wanted that the push was made for, and no later one."""
    began, attempt = begin(listing(wanted=5), 7, wanted=4)

    after = answer(began, attempt, StockOutcome.ACCEPTED)

    assert (after.settled, after.wanted, after.believed, after.accepted_at) == (4, 5, 7, at(1))
    assert beliefs.is_due(after, window=WINDOW, at=at(1))


def test_accept_sets_no_belief_over_a_doubt() -> None:
    """A doubt that was raised while a push was under way outlives its accept."""
    began, attempt = begin(listing(wanted=4), 7)

    after = answer(beliefs.doubted(began), attempt, StockOutcome.ACCEPTED)

    assert after.believed is None
    assert beliefs.is_due(after, window=WINDOW, at=at(1))


def test_unknown_outcome_opens_a_window() -> None:
    """After a push of unknown fate the listing is pushed again when no late copy can land any more."""
    began, attempt = begin(listing(wanted=4), 7)

    after = answer(began, attempt, StockOutcome.UNKNOWN)

    assert after.unresolved_until == at(11)
    assert (after.settled, after.believed) == (3, 10)
    assert beliefs.begun(after, Push(listing=MUG, wanted=4, quantity=10), window=WINDOW, at=at(2))[1] is not None


@pytest.mark.parametrize(("again", "closed"), [(11, False), (11.01, True)])
def test_window_is_closed_only_by_a_push_begun_behind_it(*, again: float, closed: bool) -> None:
    """An accept closes a window only if its push began strictly after the window's end."""
    unresolved = listing(wanted=4, unresolved_until=at(11))
    began, attempt = begin(unresolved, 7, now=again)

    after = answer(began, attempt, StockOutcome.ACCEPTED, now=12)

    assert (after.unresolved_until is None) is closed
    assert beliefs.is_due(after, window=WINDOW, at=at(13)) is not closed


def test_unanswered_predecessor_opens_a_window() -> None:
    """A push that follows one without an answer waits until a copy of that must have landed."""
    crashed, _ = begin(listing(wanted=4), 7, now=0)

    began, attempt = begin(crashed, 7, now=2)
    after = answer(began, attempt, StockOutcome.ACCEPTED, now=3)

    assert began.unresolved_until == after.unresolved_until == at(11)


def test_conflict_forgets_the_belief() -> None:
    """A channel that shows something else than expected is believed nothing."""
    began, attempt = begin(listing(wanted=4), 7)

    after = answer(began, attempt, StockOutcome.CONFLICT)

    assert (after.believed, after.attempt_began, after.doubts) == (None, None, 1)


def test_call_that_never_took_place_is_tried_at_once() -> None:
    """A push that certainly did not reach the channel counts as no refusal of the listing."""
    began, attempt = begin(listing(wanted=4), 7)

    after = answer(began, attempt, StockOutcome.RETRY)

    assert (after.failures, after.next_attempt_at) == (0, None)
    assert beliefs.is_due(after, window=WINDOW, at=at(1))


def test_try_later_rests_without_failing() -> None:
    """A listing that the channel takes later rests, and is still well."""
    began, attempt = begin(listing(wanted=4), 7)

    after = answer(began, attempt, StockOutcome.RETRY, next_attempt_at=at(2))

    assert (after.state, after.failures, after.next_attempt_at) == (ListingState.ACTIVE, 1, at(2))
    assert beliefs.is_due(after, window=WINDOW, at=at(2))


@pytest.mark.parametrize("outcome", [StockOutcome.REJECTED, StockOutcome.UNKNOWN_SKU])
@pytest.mark.parametrize(("message", "kept"), [("blocked", "blocked"), ("", None)])
def test_refused_listing_is_failed_and_heals(outcome: StockOutcome, message: str, kept: str | None) -> None:
    """A refusal is kept with its message and counted, and the next accept forgets it."""
    began, attempt = begin(listing(wanted=4, failures=2), 7)

    after = answer(began, attempt, outcome, message=message, next_attempt_at=at(60))

    assert (after.state, after.failures, after.failure) == (ListingState.FAILED, 3, kept or outcome.value)
    assert after.next_attempt_at == at(60)
    again, next_attempt = begin(after, 7, now=60)
    assert next_attempt.failures == 3
    healed = answer(again, next_attempt, StockOutcome.ACCEPTED, now=61)
    assert (healed.state, healed.failures, healed.failure) == (ListingState.ACTIVE, 0, None)
    assert healed.next_attempt_at is None


@given(listings, st.integers(0, 50), st.integers(3, 6))
def test_read_back_counts_like_an_accepted_push(one: Listing, quantity: int, wanted: int) -> None:
    """A read-back sets the belief, unless something happened to the listing since it began."""
    after = beliefs.shown(one, quantity, wanted=wanted, at=at(0))

    if one.wanted != wanted or one.attempt_began is not None or one.unresolved_until is not None:
        assert after == one
    else:
        assert (after.believed, after.accepted_at) == (quantity, at(0))
        assert after.wanted == one.wanted + (quantity != one.believed)
