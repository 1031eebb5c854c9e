"""The verdict: what the first failing check says, and all that keeps an order out of the store. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..admission import DELETED_HERE
from .checks import CHECKS, standing
from .evidence import Evidence
from .explanation import HERE, CheckOutcome, CheckResult, Explanation

OUTSIDE = ("location", "view", "processed", "deleted")
"""Checks that keep nothing out of the store."""


def explanation(facts: Evidence) -> Explanation:
    """Return the answer: the first check that failed is the verdict, and the others are listed."""
    checks = [result for check in CHECKS for result in check(facts)]
    failed = (check for check in checks if check.outcome is CheckOutcome.FAIL)
    first = next((check for check in failed if _may_hide(facts, check)), None)
    if first is None:
        code, sentence, next_step = HERE, _where(facts, checks), ""
    else:
        code, sentence, next_step = first.code, first.sentence, first.next_step
    return Explanation(
        key=facts.key,
        at=facts.now,
        live=facts.answer is not None,
        stored=facts.stored,
        code=code,
        sentence=sentence,
        next_step=next_step,
        checks=tuple(checks),
        causes=_causes(facts, checks),
    )


def _may_hide(facts: Evidence, check: CheckResult) -> bool:
    """Say whether a failed check may be why nobody finds the order: what is stored needs no channel."""
    return check.name in OUTSIDE or not facts.stored


def _causes(facts: Evidence, checks: Sequence[CheckResult]) -> tuple[str, ...]:
    """Return what keeps an order out of the store; restoring a deleted one is enough."""
    if facts.stored:
        return ()
    if facts.deleted:
        return (DELETED_HERE,)
    codes = [code for check in checks if check.name not in OUTSIDE for code in check.codes]
    return tuple(dict.fromkeys(codes))


def _where(facts: Evidence, checks: Sequence[CheckResult]) -> str:
    order = facts.order
    if order is None:
        return "Nothing keeps it out of the store."
    unknown = any(check.name == "view" and check.outcome is CheckOutcome.UNKNOWN for check in checks)
    asked = "nothing hides it" if not unknown else "nothing hides it, as far as its filters could be asked"
    told = [f"It is {order.state} at location {order.location!r}, and {asked}."]
    return " ".join([*told, *(f"{name.capitalize()}: {value}." for name, value in standing(facts).items())])
