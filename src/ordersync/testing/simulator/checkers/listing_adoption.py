"""Which rule is in force for each channel, and whether whoever pushes goes by it."""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs

from ....model.ids import ChannelId
from ..trace import Violation
from .commits import Commit

RULE_HOLD = timedelta(hours=1)
"""A rule that flips back sooner than this means two configurations at work (rule 25)."""


@attrs.frozen
class _InForce:
    """A channel's rule, by its fingerprint, the one before it, and since when."""

    present: str
    former: str | None
    since: datetime


class Adoptions:
    """Follows which rule each channel has, and which each program has found to be in force."""

    def __init__(self) -> None:
        """Begin when no rule is in force anywhere."""
        self._rules: dict[ChannelId, _InForce] = {}
        self._of: dict[tuple[str, ChannelId], str] = {}

    def asked(self, commit: Commit) -> bool:
        """Take in that a program has asked for a rule; say whether another one is in force now."""
        channel, fingerprint = commit.argument(0, "channel"), commit.argument(1, "fingerprint")
        if not commit.answer:
            self._of.pop((commit.process, channel), None)
            return False
        self._of[commit.process, channel] = fingerprint
        before, at = self._rules.get(channel), commit.facts.get("at") or commit.at
        if before is not None and before.present == fingerprint:
            return False
        if before is not None and before.former == fingerprint and at - before.since < RULE_HOLD:
            raise Violation("R25", f"{channel}: its rule flips back after {at - before.since}; two configurations")
        self._rules[channel] = _InForce(fingerprint, None if before is None else before.present, at)
        return True

    def check(self, commit: Commit, channel: ChannelId) -> None:
        """See that a program that begins pushes has found its own rule to be in force."""
        rule = self._rules.get(channel)
        if rule is None or self._of.get((commit.process, channel)) != rule.present:
            raise Violation("R25", f"{channel}: {commit.process} pushes by a rule that is not in force")
