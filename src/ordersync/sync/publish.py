"""Publish: make each listing show what it should; level-triggered, and honest about what is not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from ..errors import ChannelError, ChannelRejectedError
from ..model.events import LevelPushed
from ..model.listings import Answer, Attempt, Listing, ListingId, Push, StockOutcome, StockResult, StockUpdate
from ..model.runs import EntryKind
from ..publication import channel_fingerprint, effective_rule, target
from .channel_run import ChannelRun
from .retry import TooLateError

ANNOUNCE_BATCH = 1000
RULE_HOLD = timedelta(hours=1)
"""A channel's rule that flips back sooner than this means two configurations at work."""

RESTS = {
    StockOutcome.REJECTED: (timedelta(hours=1), timedelta(hours=24)),
    StockOutcome.UNKNOWN_SKU: (timedelta(hours=1), timedelta(hours=24)),
    StockOutcome.RETRY: (timedelta(minutes=1), timedelta(hours=1)),
}
"""How long a listing rests after its first refusal, doubled with each further one, and at most."""


async def publish(run: ChannelRun) -> bool:
    """Push what is due; True when the channel holds sales that we have not seen, so that a download is due first."""
    await announce(run)
    if not await _rule_is_ours(run):
        return False
    conflict, after = False, None
    while batch := await run.storage.listings.due(
        run.id,
        window=run.window,
        at=run.now(),
        limit=run.channel.stock_batch_size,
        after=after,
        fence=run.fence,
    ):
        after = batch[-1].id
        answers = await _push(run, await targets(run, batch))
        conflict = conflict or any(answer.outcome is StockOutcome.CONFLICT for answer in answers)
    return conflict


async def announce(run: ChannelRun) -> None:
    """Mark every listing of every SKU whose level changed, on all channels, then forget the change.

    A ledger that keeps no list of changes has all listings of this channel compared.
    """
    ledger, listings = run.storage.stock, run.storage.listings
    while (versions := await ledger.changed(limit=ANNOUNCE_BATCH)) is not None:
        if not versions:
            return
        await listings.mark(sorted(versions))
        await ledger.acknowledge(versions)
    await listings.mark_channel(run.id)


async def _rule_is_ours(run: ChannelRun) -> bool:
    fingerprint = channel_fingerprint(run.channel.settings)
    adopted = await run.storage.listings.adopt_rule(run.id, fingerprint, hold=RULE_HOLD, fence=run.fence, at=run.now())
    if not adopted:
        text = "two runners have different stock rules for this channel; its listings stay as they are"
        run.remark("conflict", "CONFIGURATION_CONFLICT", "stock rule", text)
        await run.write(EntryKind.CONFLICT, code="CONFIGURATION_CONFLICT", message=text)
    return adopted


async def targets(run: ChannelRun, batch: Sequence[Listing]) -> Sequence[Push]:
    """Work out what listings should show; their ``wanted`` was read before the levels are."""
    skus = sorted({sku for listing in batch for sku in listing.components})
    levels = await run.storage.stock.levels(skus)
    by_sku = {sku: [level for level in levels if level.sku == sku] for sku in skus}
    return [
        Push(
            listing=listing.id,
            wanted=listing.wanted,
            quantity=target(
                listing.components,
                effective_rule(listing, run.channel.settings),
                [level for sku in listing.components for level in by_sku[sku]],
            ).quantity,
        )
        for listing in batch
    ]


async def _push(run: ChannelRun, pushes: Sequence[Push]) -> Sequence[Answer]:
    """Record attempts, send them, record the answers; a batch refused as a whole is halved to find the poison."""
    await run.lease.keep()
    claimed_at = run.clock.monotonic()
    attempts = await run.storage.listings.begin(run.id, pushes, window=run.window, fence=run.fence, at=run.now())
    if not attempts:
        return []
    error: ChannelError | None = None
    try:
        results = await run.caller.effect(
            lambda: run.channel.push_stock([_update(run, attempt) for attempt in attempts]),
            may_start=lambda: run.lease.may_start(claimed_at),
        )
        answers = _answers(run, attempts, results)
    except TooLateError:
        answers = [Answer(attempt=attempt, outcome=StockOutcome.RETRY) for attempt in attempts]
    except ChannelError as failure:
        error = failure
        answers = _failed(run, attempts, failure)
    await run.storage.listings.finish(run.id, answers, window=run.window, fence=run.fence, at=run.lease.latest())
    if _refused(error) and len(attempts) > 1:
        sent = [attempt.push for attempt in attempts]
        half = len(sent) // 2
        return [*await _push(run, sent[:half]), *await _push(run, sent[half:])]
    _report(run, answers)
    if error is not None and not _refused(error):
        await run.failed_or_raise(error)
    return answers


def _refused(error: ChannelError | None) -> bool:
    """Say whether a batch was certainly refused, and that by what is in it."""
    return isinstance(error, ChannelRejectedError) and error.applied is False


def _update(run: ChannelRun, attempt: Attempt) -> StockUpdate:
    listing = attempt.push.listing
    return StockUpdate(
        channel_sku=listing.channel_sku,
        channel_location=listing.channel_location,
        quantity=attempt.push.quantity,
        attempt_id=f"{run.id}/{listing}/attempt/{attempt.number}",
        expected=attempt.expected if run.channel.compare_and_set else None,
    )


def _answers(run: ChannelRun, attempts: Sequence[Attempt], results: Sequence[StockResult]) -> list[Answer]:
    """Match results to attempts; one that the channel does not mention is unknown, not accepted."""
    by_listing: Mapping[ListingId, StockResult] = {result.listing_id: result for result in results}
    answers = []
    for attempt in attempts:
        result = by_listing.get(attempt.push.listing)
        outcome = StockOutcome.UNKNOWN if result is None else result.outcome
        message = "the channel did not mention it" if result is None else result.message
        rest = _rest_until(attempt, outcome, run.now())
        answers.append(Answer(attempt=attempt, outcome=outcome, message=message, next_attempt_at=rest))
    return answers


def _failed(run: ChannelRun, attempts: Sequence[Attempt], error: ChannelError) -> list[Answer]:
    """Return what a failed call means for its attempts: refused, certainly not applied, or unknown."""
    if _refused(error) and len(attempts) == 1:
        rest = _rest_until(attempts[0], StockOutcome.REJECTED, run.now())
        return [Answer(attempt=attempts[0], outcome=StockOutcome.REJECTED, message=str(error), next_attempt_at=rest)]
    outcome = StockOutcome.RETRY if error.applied is False else StockOutcome.UNKNOWN
    return [Answer(attempt=attempt, outcome=outcome, message=str(error)) for attempt in attempts]


def _rest_until(attempt: Attempt, outcome: StockOutcome, now: datetime) -> datetime | None:
    if outcome not in RESTS:
        return None
    first, longest = RESTS[outcome]
    return now + min(first * (1 << min(attempt.failures, 10)), longest)


def _report(run: ChannelRun, answers: Sequence[Answer]) -> None:
    for answer in answers:
        push, outcome = answer.attempt.push, answer.outcome
        run.tell(LevelPushed, listing=push.listing, quantity=push.quantity, outcome=outcome)
        if outcome is StockOutcome.ACCEPTED:
            run.counts["pushed"] += 1
        elif outcome in (StockOutcome.REJECTED, StockOutcome.UNKNOWN_SKU):
            run.counts["refused"] += 1
            run.remark("refused", outcome.value, str(push.listing), answer.message or outcome.value)
