"""The checks that a support desk walks through, in their order. Pure: evidence goes in, what it shows comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ..admission import DELETED_HERE, Candidate, clauses
from ..channel import Channel
from ..errors import ChannelAuthError
from ..lifecycle import OrderEvent
from ..model.channel_orders import ChannelOrder, UnreadableOrder
from ..model.orders import Order, OrderState
from ..model.runs import ChannelLife, ChannelState, JournalEntry
from ..sync.run import missing_mapping
from .evidence import Evidence
from .explanation import CheckOutcome, CheckResult
from .readings import journal
from .results import failed, passed, unknown

Check = Callable[[Evidence], Iterator[CheckResult]]


def location(facts: Evidence) -> Iterator[CheckResult]:
    """Check whether the order lies in another location than the one that is looked at."""
    order = facts.order
    if order is None or facts.deleted:
        yield passed("location", "It is stored in no location.")
    elif facts.view.location in (None, order.location):
        yield passed("location", f"It is stored in location {order.location!r}.")
    else:
        told = f"It is stored in location {order.location!r}, not in {facts.view.location!r}"
        yield failed("location", "OTHER_LOCATION", f"{told}: {_placed_by(facts, order)}.")


def _placed_by(facts: Evidence, order: Order) -> str:
    """Return what put an order where it is: a person, or the channel's setting."""
    for change in reversed(facts.history):
        if change.event == OrderEvent.MOVED:
            return f"{change.who} moved it there at {change.at:%Y-%m-%d %H:%MZ}"
    if order.fulfilled_by_channel:
        return "its channel fulfils it, and settings.fulfillment_location names that place"
    settings = None if facts.channel is None else facts.channel.settings
    if settings is not None and settings.location_of(order.channel_location) != order.location:
        return "settings.location of its channel said so when it was saved, and says otherwise by now"
    if settings is not None and isinstance(settings.location, Mapping):
        return f"settings.location maps the channel's location {order.channel_location!r} to it"
    return "settings.location of its channel says so"


def view(facts: Evidence) -> Iterator[CheckResult]:
    """Check which filters of the caller's view hide the order."""
    order = facts.order
    if order is None or facts.deleted or not facts.view.filters:
        yield passed("view", "No filter was given that could hide it.")
        return
    hidden, broken = [], []
    for name, shows in facts.view.filters.items():
        try:
            if not shows(order):
                hidden.append(name)
        except Exception as error:  # noqa: BLE001 - the caller's own code, which must not hide the other checks
            broken.append(f"{name} ({type(error).__name__})")
    if hidden:
        raised = {"raised an error": ", ".join(broken)} if broken else {}
        yield failed("view", "HIDDEN_BY_VIEW", f"It is stored, and hidden by the filter {', '.join(hidden)}.", raised)
    elif broken:
        yield unknown("view", f"The filter {', '.join(broken)} raised an error.", "mend the filter")
    else:
        yield passed("view", "No filter of the view hides it.")


def ended(facts: Evidence) -> Iterator[CheckResult]:
    """Check whether the order is over: processed, or cancelled."""
    order = facts.order
    if order is not None and order.state in (OrderState.PROCESSED, OrderState.CANCELLED):
        code = order.state.value.upper()
        by = "" if order.ended is None else f" {order.ended}"
        yield failed("processed", code, f"It was {order.state}{by}.", standing(facts))
    elif order is None or facts.deleted:
        yield passed("processed", "It is not among the processed and cancelled orders.")
    else:
        yield passed("processed", f"It is {order.state} and not processed.", standing(facts))


def standing(facts: Evidence) -> Mapping[str, str]:
    """Return what a person should know of a stored order: what it waits for, and what is wrong with it."""
    order = facts.order
    if order is None:
        return {}
    told = {
        "waits": order.parked,
        "set aside": None if order.set_aside is None else str(order.set_aside),
        "on hold": None if order.held is None else str(order.held),
        "conflict": None if order.conflict is None else f"{order.conflict.code}: {order.conflict.sentence}",
        "unlinked": ", ".join(line.channel_sku for line in order.unlinked) or None,
        "erased": None if facts.erased_at is None else f"{facts.erased_at:%Y-%m-%d %H:%MZ}",
    }
    return {name: value for name, value in told.items() if value is not None}


def deleted(facts: Evidence) -> Iterator[CheckResult]:
    """Check whether a person deleted the order."""
    order = facts.order
    if order is not None and facts.deleted:
        yield failed("deleted", DELETED_HERE, f"It was deleted here {order.ended}.")
    else:
        yield passed("deleted", "Nobody deleted it here.")


def channel(facts: Evidence) -> Iterator[CheckResult]:
    """Check whether the order's channel is worked on."""
    life = facts.life
    if facts.channel is None and facts.registered:
        yield failed("channel", "CHANNEL_UNKNOWN", f"No channel {facts.key.channel} is registered.")
        return
    switched = {f"switch {number}": _switch(one) for number, one in enumerate(reversed(facts.switches), start=1)}
    cause = None if facts.channel is None else missing_mapping(facts.channel)
    lacking = () if cause is None else ("STATUS_MAPPING_MISSING",)
    if life.state is ChannelState.DISABLED:
        since = "" if life.since is None else f" since {life.since:%Y-%m-%d %H:%MZ}"
        told = f"The channel is disabled{since} by {life.by}: {life.cause or 'no cause was given'}.{_gap(facts)}"
        yield failed("channel", "CHANNEL_DISABLED", told, switched, also=lacking)
    elif cause is not None:
        yield failed("channel", "STATUS_MAPPING_MISSING", f"The next run will disable the channel: {cause}.")
    elif life.state is ChannelState.DRAFT:
        told = "The channel is a draft: no run has tested its connection with success yet."
        yield failed("channel", "CHANNEL_DRAFT", told)
    else:
        yield passed("channel", "The channel is enabled.", switched)


def _switch(entry: JournalEntry) -> str:
    cause = f" ({entry.message})" if entry.message else ""
    return f"{entry.code} at {entry.at:%Y-%m-%d %H:%M:%SZ} by {entry.facts.get('by', '?')}{cause}"


def _gap(facts: Evidence) -> str:
    if facts.placed_at is None or facts.life.since is None:
        return ""
    when = "after" if facts.placed_at >= facts.life.since else "before"
    return f" The order was placed {when} that."


def connection(facts: Evidence) -> Iterator[CheckResult]:
    """Check whether the channel can be reached with our credentials: as the last runs found it, or now if asked."""
    life, answer = facts.life, facts.answer
    resting = life.paused_until is not None and life.paused_until > facts.now
    rest = {} if not resting else {"resting until": f"{life.paused_until:%Y-%m-%d %H:%M:%SZ}"}
    also = ("CHANNEL_RESTING",) if resting else ()
    if answer is not None and answer.connection is not None:
        rest["error"] = answer.connection.code
        yield failed("connection", _trouble(answer.connection.code), f"{answer.connection}.", rest, also=also)
    elif answer is not None and resting:
        yield failed("connection", "CHANNEL_RESTING", f"It answers now, and rests after {life.failures} runs.", rest)
    elif answer is not None:
        yield passed("connection", "It answered just now.")
    elif life.failures:
        yield failed("connection", _trouble(life.trouble), _failures(life), rest, also=also)
    else:
        yield passed("connection", "No run has failed since the last that went well.")


def _failures(life: ChannelLife) -> str:
    since = "" if life.trouble_since is None else f" since {life.trouble_since:%Y-%m-%d %H:%MZ}"
    if life.trouble == ChannelAuthError.code:
        return f"Our credentials are refused{since}."
    runs = "run" if life.failures == 1 else f"{life.failures} runs"
    return f"The last {runs} failed{since} ({life.trouble or 'for a cause that is not kept'})."


def _trouble(code: str) -> str:
    return "AUTH_FAILED" if code == ChannelAuthError.code else "NOT_CONNECTED"


def status(facts: Evidence) -> Iterator[CheckResult]:
    """Check, clause by clause, whether admission accepts what the channel shows: now if asked, else when last seen."""
    answer, decision = facts.answer, facts.decision
    if answer is not None and answer.failure is not None:
        yield unknown("look-up", f"The channel was asked for it, and failed: {answer.failure}.", "ask again")
    if facts.stored:
        yield passed("status", "It is stored.", _shown_now(facts) | _sighting(facts))
    elif answer is not None and answer.looked_up and answer.found is None:
        yield failed("status", "NOT_ON_CHANNEL", "The channel was asked, and knows no such order.", _sighting(facts))
    elif answer is not None and answer.found is not None and facts.channel is not None:
        yield _judged(facts, facts.channel, answer.found, "now")
    elif decision is None:
        told = "The channel never showed it." if answer is None else "The channel could not be asked for it."
        yield unknown("status", told, "explain it with live=True" if answer is None else "")
    elif decision.seen is not None and facts.channel is not None:
        yield _judged(facts, facts.channel, decision.seen, "when it was last seen")
    elif decision.admitted:
        yield passed("status", "It was accepted when it was last seen.", _sighting(facts))
    else:
        yield failed("status", decision.code, decision.sentence, _sighting(facts))


ASKED_BEFORE = frozenset({"CHANNEL_DISABLED", DELETED_HERE})
"""Clauses of an admission that are checks of their own here."""


def _shown_now(facts: Evidence) -> dict[str, str]:
    """Return what the channel says of a stored order, if it was asked."""
    if facts.answer is None or not facts.answer.looked_up:
        return {}
    order = facts.answer.order
    if order is not None:
        return {"shown now": order.status}
    return {"shown now": "nothing: it does not know it" if facts.answer.found is None else "what cannot be read"}


def _judged(facts: Evidence, channel: Channel, seen: ChannelOrder | UnreadableOrder, when: str) -> CheckResult:
    """Return what admission says of an order, every clause of it."""
    found = dict(clauses(Candidate(order=seen, settings=channel.settings)))
    refusing = {code: sentence for code, sentence in found.items() if sentence is not None}
    evidence = _sighting(facts)
    evidence["clauses passed"] = ", ".join(code for code in found if code not in ASKED_BEFORE | refusing.keys())
    if isinstance(seen, ChannelOrder):
        evidence = {"status": f"{seen.status} ({when})"} | evidence
    if not refusing:
        return passed("status", f"What its channel showed {when} is accepted.", evidence)
    (code, sentence), *others = refusing.items()
    evidence |= {f"also {other}": told for other, told in others}
    return failed("status", code, sentence, evidence, also=tuple(other for other, _ in others))


def _sighting(facts: Evidence) -> dict[str, str]:
    """Return when an order was seen, and what was decided about it then."""
    one = facts.decision
    if one is None:
        return {}
    told = {
        "first seen": one.first_seen_at and f"{one.first_seen_at:%Y-%m-%d %H:%MZ}",
        "last seen": one.last_seen_at and f"{one.last_seen_at:%Y-%m-%d %H:%MZ}",
        "decided": f"{one.code} on {one.status!r} in run {one.run_id[:8]}, page {one.page}",
        "mapping version": one.mapping_version,
        "next look": facts.watch and f"{facts.watch.look_at:%Y-%m-%d %H:%MZ}",
    }
    return {name: value for name, value in told.items() if value}


def own(facts: Evidence) -> Iterator[CheckResult]:
    """Check what the channel's author knows of."""
    for one in () if facts.stored else facts.diagnoses:
        yield CheckResult(
            name="channel's own",
            outcome=CheckOutcome.FAIL,
            code=one.code,
            sentence=one.sentence,
            next_step=one.next_step,
        )


CHECKS: tuple[Check, ...] = (location, view, ended, deleted, channel, connection, status, own, journal)
"""All checks in their order; the first that fails is the verdict."""
