"""What a health check finds: facts about a storage, findings with a level, and the next step for each."""

from __future__ import annotations

import json
from datetime import datetime
from enum import StrEnum
from typing import Any

import attrs

from ..columns import wrapped

JSON_SCHEMA = "ordersync.health/1"
"""Raised when a field of the JSON health changes its meaning; fields may be added."""

MARGIN = 9


@attrs.frozen
class Fact:
    """One thing that a storage says of itself; *well* is False where a person has to act."""

    name: str
    value: str
    well: bool = True


class HealthLevel(StrEnum):
    """How a thing stands. UNKNOWN: it was not looked at, and the next step says how to have it looked at."""

    OK = "ok"
    WARNING = "warning"
    FAILING = "failing"
    UNKNOWN = "unknown"


class HealthArea(StrEnum):
    """What a finding is about."""

    VERSIONS = "versions"
    STORAGE = "storage"
    SCHEMA = "schema"
    LEDGER = "ledger"
    CHANNEL = "channel"
    READING = "reading"
    QUARANTINE = "quarantine"
    NOTES = "notes"
    LISTINGS = "listings"
    CONFLICTS = "conflicts"
    CONNECTION = "connection"
    CLOCK = "clock"


EXIT_CODES = {HealthLevel.UNKNOWN: 0, HealthLevel.OK: 0, HealthLevel.WARNING: 1, HealthLevel.FAILING: 2}
"""What a program answers the shell with, the best level first: what was not looked at is no reason to call anybody."""

ORDER = list(EXIT_CODES)


@attrs.frozen(kw_only=True)
class HealthFinding:
    """How one thing stands: its area, what it is about, a stable code, a sentence, and what to do about it."""

    area: HealthArea
    subject: str
    level: HealthLevel
    code: str
    sentence: str
    next_step: str = ""

    def __str__(self) -> str:
        """Return it in lines of at most 80 columns; nothing in it can steer a terminal."""
        return "\n".join(
            [
                *wrapped(f"{self.level:<8} {self.area}: {self.subject}: {self.sentence}", margin=MARGIN),
                *(wrapped(f"next: {self.next_step}", first=" " * MARGIN) if self.next_step else ()),
            ]
        )


@attrs.frozen(kw_only=True)
class Health:
    """How storage, books and channels stand, and what to do.

    ``str()`` is plain text of at most 80 columns; ``to_json()`` has the same under the same names. Neither holds a
    secret, a buyer or a document.
    """

    findings: tuple[HealthFinding, ...]
    checked_at: datetime

    @property
    def level(self) -> HealthLevel:
        """Return the worst level; what is unknown makes nothing worse."""
        return max((finding.level for finding in self.findings), key=ORDER.index, default=HealthLevel.UNKNOWN)

    @property
    def exit_code(self) -> int:
        """Return 0 when all is well as far as it is known, 1 with a warning, 2 when something fails."""
        return EXIT_CODES[self.level]

    def to_json(self) -> str:
        """Return the findings as JSON (schema ``ordersync.health/1``)."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2)

    def to_dict(self) -> dict[str, Any]:
        """Return the findings as what ``to_json`` writes."""
        return {
            "schema": JSON_SCHEMA,
            "checked_at": self.checked_at.isoformat(),
            "level": str(self.level),
            "exit_code": self.exit_code,
            "findings": [{name: str(value) for name, value in attrs.asdict(one).items()} for one in self.findings],
        }

    def __str__(self) -> str:
        """Return the findings as text, in the order of the checks."""
        levels = [finding.level for finding in self.findings]
        counts = ", ".join(f"{levels.count(level)} {level}" for level in HealthLevel if level in levels)
        head = f"health {self.checked_at:%Y-%m-%d %H:%M:%SZ}  {self.level}  ({counts or 'nothing was checked'})"
        return "\n".join([head, *map(str, self.findings)])
