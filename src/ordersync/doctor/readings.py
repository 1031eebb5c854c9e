"""The last check: which readings of the channel should have shown the order, and whether they did. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from ..admission import Candidate, refusals
from ..channel import Channel
from ..model.channel_orders import ChannelOrder
from ..model.orders import Decision
from ..sync.digests import order_digest
from .evidence import Evidence
from .explanation import UNEXPLAINED, CheckResult
from .results import failed, passed
from .windows import Window, should_have_shown, will_be_shown

NAME = "journal"


def journal(facts: Evidence) -> Iterator[CheckResult]:
    """Check whether the channel was read at the order's time, and since it became what it is."""
    answer, told = facts.answer, _told(facts)
    if facts.order is not None:
        yield passed(NAME, "It was read and stored.", told)
    elif answer is not None and answer.order is not None and facts.channel is not None:
        yield _of_shown(facts, answer.order, facts.channel)
    elif answer is not None and answer.looked_up and answer.found is None:
        yield passed(NAME, "No reading could have shown what its channel does not show.", told)
    elif answer is not None and answer.looked_up:
        yield passed(NAME, "The next run that is shown it puts it into quarantine.", told)
    elif facts.decision is not None:
        yield _of_seen(facts, facts.decision)
    else:
        yield _of_never_seen(facts)


def _told(facts: Evidence) -> dict[str, str]:
    """Return the readings that matter: around the order's time, and the last."""
    told = {f"reading {number}": str(window) for number, window in enumerate(facts.around, start=1)}
    if facts.latest:
        told["last reading"] = str(facts.latest[0])
    for number, one in enumerate(facts.errors, start=1):
        told[f"error {number}"] = f"{one.code} at {one.at:%Y-%m-%d %H:%M:%SZ}: {one.message}"
    return told


def _of_shown(facts: Evidence, order: ChannelOrder, channel: Channel) -> CheckResult:
    """Judge the readings by the order as its channel shows it at this moment."""
    told, before = _told(facts), facts.decision
    refused = not _is_accepted(order, channel)
    if before is not None and (before.digest == order_digest(order) or (refused and _comes(facts, order, channel))):
        return _of_seen(facts, before)
    if not _comes(facts, order, channel):
        return failed(NAME, "NOT_SHOWN", "It ended before a run could see it, and no scan shows it any more.", told)
    missed = [window for window in (*facts.around, *facts.latest) if should_have_shown(window, order, channel)]
    if missed and _is_news(order, before) and facts.diagnoses:
        return passed(NAME, "Its channel's own check says why no reading showed it.", told)
    if missed and _is_news(order, before):
        return failed(NAME, UNEXPLAINED, f"This reading should have shown it, and did not: {missed[0]}.", told)
    return _not_read_yet(facts, "No run has read the channel to the end since the order became what it is.")


def _is_news(order: ChannelOrder, before: Decision | None) -> bool:
    """Say whether the order's stamp tells of a change since it was seen; where stamps tell nothing, it never does."""
    seen_at = None if before is None else before.last_seen_at if before.seen is None else before.seen.updated_at
    return seen_at is None or order.updated_at > seen_at


def _comes(facts: Evidence, order: ChannelOrder, channel: Channel) -> bool:
    """Say whether a run will see the order as it is now: by a look, by a scan, or by reading again what was refused.

    Read again is, under other settings, what they accept as it was seen.
    """
    if facts.watch is not None or will_be_shown(order, channel, facts.progress):
        return True
    before = None if facts.decision is None else facts.decision.seen
    return before is not None and _reasons(before, channel) <= _reasons(order, channel)


def _of_seen(facts: Evidence, decision: Decision) -> CheckResult:
    """Judge an order that was seen, and not stored then."""
    if decision.admitted:
        return failed(NAME, UNEXPLAINED, f"Run {decision.run_id[:8]} accepted it, and it is not stored.", _told(facts))
    if decision.seen is not None and facts.channel is not None and _is_accepted(decision.seen, facts.channel):
        return _not_read_yet(facts, f"It was refused ({decision.code}); under the settings of today it is accepted.")
    return passed(NAME, f"It was seen, and a run decided about it: {decision.code}.", _told(facts))


def _is_accepted(order: ChannelOrder, channel: Channel) -> bool:
    return not _reasons(order, channel)


def _reasons(order: ChannelOrder, channel: Channel) -> set[str]:
    return {one.code for one in refusals(Candidate(order=order, settings=channel.settings))}


def _of_never_seen(facts: Evidence) -> CheckResult:
    """Judge the readings by the order's time, as far as anybody knows it."""
    told, placed_at = _told(facts), facts.placed_at
    if facts.nameless:
        told["documents without a number"] = f"{facts.nameless} in quarantine; it may be one of them"
    complete = [window for window in (*facts.first, *facts.around, *facts.latest) if window.complete]
    if not complete:
        return _not_read_yet(facts, "No run has ever read the channel to the end.")
    if placed_at is None:
        return _never_seen(facts, f"{_read(complete)} and never showed it.", told)
    if all(window.until <= placed_at for window in complete):
        return _not_read_yet(facts, f"No run has read the channel since {placed_at:%Y-%m-%d %H:%MZ}, its time.")
    first = min(complete, key=lambda window: window.until)
    if placed_at < first.until:
        text = (
            f"The channel was first read at {first.until:%Y-%m-%d %H:%MZ}, after its time, for what was unshipped then."
        )
        return failed(NAME, "CHANNEL_ADDED_LATER", text, told)
    return _never_seen(facts, f"{_read(complete)}, also since its time, and never showed it.", told)


def _never_seen(facts: Evidence, sentence: str, told: Mapping[str, str]) -> CheckResult:
    """Say that nobody has seen it; where the channel was asked already, another look there is left."""
    found = failed(NAME, "NEVER_SEEN", sentence, told)
    if facts.answer is None:
        return found
    return attrs.evolve(
        found, next_step="look for the number on the channel's own pages, which could not be asked for it"
    )


def _read(complete: list[Window]) -> str:
    last = max(complete, key=lambda window: window.until)
    return f"The channel was read to the end at {last.until:%Y-%m-%d %H:%MZ}"


def _not_read_yet(facts: Evidence, sentence: str) -> CheckResult:
    """Say that the next run will show it, and between which readings its time lies."""
    told = _told(facts)
    complete = [window for window in facts.around if window.complete]
    before = [window for window in complete if facts.placed_at is not None and window.at <= facts.placed_at]
    after = [window for window in complete if window not in before]
    if facts.placed_at is not None and before:
        until = f"{after[0].at:%Y-%m-%d %H:%MZ}" if after else "now"
        told["gap"] = f"no run between {before[-1].at:%Y-%m-%d %H:%MZ} and {until}"
    return failed(NAME, "NOT_READ_YET", sentence, told)
