"""What checks answer, and what to do about each code."""

from __future__ import annotations

from collections.abc import Mapping

from ..admission import (
    CANCELLED_ON_CHANNEL,
    DELETED_HERE,
    NO_LOCATION,
    NOT_PAID,
    SHIPPED_BEFORE_DOWNLOAD,
    STATUS_UNKNOWN,
    UNREADABLE,
)
from .explanation import UNEXPLAINED, CheckOutcome, CheckResult

NEXT_STEPS: Mapping[str, str] = {
    "OTHER_LOCATION": "look at that location, or move the order with OrderDesk.move",
    "HIDDEN_BY_VIEW": "take the filter off, or search in an unfiltered view",
    "PROCESSED": "search among the processed orders: storage.orders.find(reference)",
    "CANCELLED": "search among the cancelled orders: storage.orders.find(reference)",
    DELETED_HERE: "bring it back with OrderDesk.restore(key, who=...)",
    "CHANNEL_UNKNOWN": "check source and subsource, or register the channel",
    "CHANNEL_DISABLED": "mend the cause, then storage.journal.enable(channel, by=..., why=..., at=...)",
    "CHANNEL_DRAFT": "run once; if the connection test fails, its error says what to mend",
    "STATUS_MAPPING_MISSING": "map a status word to paid in settings.status_mapping",
    "AUTH_FAILED": "authorize the channel again; the next run tries its connection and goes on by itself",
    "NOT_CONNECTED": "mend the connection; the next run goes on from where it was cut",
    "CHANNEL_RESTING": "wait until then, or enable the channel again, which ends its rest",
    "NOT_ON_CHANNEL": "compare the number on the channel, and the account it was sold under",
    STATUS_UNKNOWN: "map the word in settings.status_mapping, or teach the channel and call Doctor.replay(channel)",
    "STATUS_IGNORED": "map the word to something else in settings.status_mapping under a new version",
    CANCELLED_ON_CHANNEL: "none, or keep such orders with settings.import_cancelled",
    SHIPPED_BEFORE_DOWNLOAD: "none, or import such orders with settings.import_shipped",
    NOT_PAID: "wait for the payment, or download unpaid orders with settings.download_unpaid",
    "BEFORE_INITIAL_FROM": "set settings.initial_from earlier",
    NO_LOCATION: "add the channel's location to settings.location",
    UNREADABLE: "have the order corrected on the channel, or how it is read; then Doctor.replay(channel)",
    "NOT_READ_YET": "run once",
    "NOT_SHOWN": "ask for this one order: runner.hint(key)",
    "CHANNEL_ADDED_LATER": "explain it with live=True; an order that had ended by then is not downloaded",
    "NEVER_SEEN": "explain it with live=True, which asks the channel for this one order",
    UNEXPLAINED: "send the bundle to support",
}
"""What to do about each code of a verdict."""

OWN_CHECK = "change what this check of the host's own, in settings.checks, asks for"


NOTHING: Mapping[str, str] = {}


def passed(name: str, sentence: str, evidence: Mapping[str, str] = NOTHING) -> CheckResult:
    """Return a check that does not explain anything."""
    return CheckResult(name=name, outcome=CheckOutcome.PASS, sentence=sentence, evidence=evidence)


def unknown(name: str, sentence: str, next_step: str = "") -> CheckResult:
    """Return a check that could not be made."""
    return CheckResult(name=name, outcome=CheckOutcome.UNKNOWN, sentence=sentence, next_step=next_step)


def failed(
    name: str, code: str, sentence: str, evidence: Mapping[str, str] = NOTHING, *, also: tuple[str, ...] = ()
) -> CheckResult:
    """Return a check that explains why the order is missing, *also* with the codes of its other reasons."""
    return CheckResult(
        name=name,
        outcome=CheckOutcome.FAIL,
        code=code,
        sentence=sentence,
        next_step=NEXT_STEPS.get(code, OWN_CHECK),
        also=also,
        evidence=evidence,
    )
