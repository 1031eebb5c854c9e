"""What the doctor answers: the checks in their order, each with its evidence, and one verdict."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import attrs

from ..columns import plain, wrapped
from ..model.fields import frozen_mapping
from ..model.ids import OrderKey
from ..model.orders import Order

JSON_SCHEMA = "ordersync.explanation/1"
"""Raised when a field of the JSON changes its meaning; fields may be added."""

TITLE = 30

HERE = "HERE"
UNEXPLAINED = "UNEXPLAINED"


@attrs.frozen(kw_only=True)
class View:
    """From where somebody looks for an order: the location that they look at, and the filters of their screen.

    Each filter is a predicate by its name, and shows the orders for which it returns True.
    """

    location: str | None = None
    filters: Mapping[str, Callable[[Order], bool]] = attrs.field(factory=dict, converter=frozen_mapping)


class CheckOutcome(StrEnum):
    """PASS: this is not why the order is missing. FAIL: it is, or would be. UNKNOWN: it was not or cannot be seen."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    UNKNOWN = "unknown"


@attrs.frozen(kw_only=True)
class CheckResult:
    """What one check found. ``code`` is stable and empty unless it failed; ``evidence`` holds no personal data."""

    name: str
    outcome: CheckOutcome
    sentence: str
    code: str = ""
    next_step: str = ""
    also: tuple[str, ...] = ()
    evidence: Mapping[str, str] = attrs.field(factory=dict, converter=frozen_mapping)

    @property
    def codes(self) -> tuple[str, ...]:
        """Return every reason that this check found, its own first."""
        return (self.code, *self.also) if self.code else ()


@attrs.frozen(kw_only=True)
class Explanation:
    """Why an order is not where somebody looks for it.

    ``stored`` says whether it is in the store: open, processed or cancelled. ``code``, ``sentence`` and ``next_step``
    are the verdict: what the first check found that failed. ``causes`` are all reasons that keep the
    order out of the store; once they are removed, the next run stores it. They are exact if the explanation is
    ``complete``, so that no check is unknown, and, where the channel was not asked (``live``), as far as it still shows
    what it showed last. ``bundle`` is what a support desk asks for, of an order that is unexplained.
    """

    key: OrderKey
    at: datetime
    live: bool
    stored: bool
    code: str
    sentence: str
    next_step: str
    checks: tuple[CheckResult, ...]
    causes: tuple[str, ...] = ()
    bundle: Mapping[str, Any] | None = None

    @property
    def complete(self) -> bool:
        """Say whether every check could be made."""
        return all(check.outcome is not CheckOutcome.UNKNOWN for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as what ``to_json`` writes."""
        return {
            "schema": JSON_SCHEMA,
            "source": self.key.channel.source,
            "subsource": self.key.channel.subsource,
            "reference": self.key.reference,
            "at": self.at.isoformat(),
            "live": self.live,
            "stored": self.stored,
            "code": self.code,
            "sentence": self.sentence,
            "next_step": self.next_step,
            "causes": list(self.causes),
            "checks": [_check(check) for check in self.checks],
            "bundle": self.bundle,
        }

    def to_json(self) -> str:
        """Return the explanation as JSON (schema ``ordersync.explanation/1``, see the reference)."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2)

    def to_markdown(self) -> str:
        """Return the explanation as Markdown, for a ticket or a mail."""
        lines = [f"# Order {_quoted(self.key.reference)} of {_quoted(str(self.key.channel))}: {self.code}", ""]
        lines += [_quoted(self.sentence), "", *([f"**Next:** {_quoted(self.next_step)}", ""] if self.next_step else [])]
        lines += ["| check | outcome | code | what was found |", "|---|---|---|---|"]
        for check in self.checks:
            codes = ", ".join(check.codes)
            lines.append(f"| {check.name} | {check.outcome} | {codes} | {_quoted(check.sentence)} |")
        facts = [f"- {check.name}: {name} {value}" for check in self.checks for name, value in check.evidence.items()]
        lines += ["", "Evidence:", "", *map(_quoted, facts)] if facts else []
        if self.bundle is not None:
            lines += ["", "```json", json.dumps(self.bundle, ensure_ascii=False, indent=2), "```"]
        return "\n".join([*lines, ""])

    def __str__(self) -> str:
        """Return the explanation as text of at most 80 columns."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        where = "is in the store" if self.stored else "is not in the store"
        yield from wrapped(f"order {self.key.reference} of {self.key.channel} {where}: {self.code}", margin=2)
        for number, check in enumerate(self.checks, start=1):
            mark = {CheckOutcome.PASS: "ok", CheckOutcome.FAIL: "NO"}.get(check.outcome, "unknown")
            title = f"{number:>2} {check.name} ".ljust(TITLE, ".")
            yield f"{title} {mark}"
            if check.outcome is not CheckOutcome.PASS:
                yield from wrapped(" ".join([*check.codes, check.sentence]), first="     ", margin=7)
                for name, value in check.evidence.items():
                    yield from wrapped(f"{name}: {value}", first="       ", margin=9)
        yield from wrapped(f"So: {self.sentence}", margin=2)
        if self.bundle is not None:
            yield from wrapped("What a support desk asks for is in to_json() and to_markdown().", margin=2)
        if self.next_step:
            yield from wrapped(f"Next: {self.next_step}", margin=2)


def _check(check: CheckResult) -> dict[str, Any]:
    return {
        "name": check.name,
        "outcome": check.outcome.value,
        "code": check.code,
        "also": list(check.also),
        "sentence": check.sentence,
        "next_step": check.next_step,
        "evidence": dict(check.evidence),
    }


def _quoted(text: str) -> str:
    """Return text that means the same in Markdown, tables included."""
    quoted = plain(text)
    for mark in "\\`*_[]<>|#":
        quoted = quoted.replace(mark, f"\\{mark}")
    return quoted
