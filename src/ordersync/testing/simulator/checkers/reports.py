"""Checks what runs say of themselves, and that nobody says what is personal or secret: R1 and X1."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ..trace import Violation
from .checker import Checker
from .world import World

CANARY = "CANARY-"
"""How the name of every simulated buyer begins; it stands nowhere else."""

OUTCOMES = ("new", "changed", "same", "skipped", "quarantined")


class ReportsChecker(Checker):
    """Hears of every run's beginning and end, and reads whatever anybody says."""

    def __init__(self, world: World, *, secrets: Iterable[str] = ()) -> None:
        """Look for buyers' names and for *secrets* in all that is said."""
        super().__init__(world)
        self._forbidden = (CANARY, *secrets)
        self._under_way: dict[str, int] = {}
        self._run_ids: set[str] = set()

    def began(self, process: str) -> None:
        """Hear that a program began a run; several may be under way in one program."""
        self._under_way[process] = self._under_way.get(process, 0) + 1

    def cut(self, process: str) -> None:
        """Hear that a run was killed or cancelled, which owes no report."""
        self._over(process)

    def reported(self, process: str, report_json: str, report_text: str) -> None:
        """Check the report with which a run came to its end."""
        self.said(f"the report of {process}", report_text)
        self.said(f"the JSON report of {process}", report_json)
        report = json.loads(report_json)
        self._over(process)
        if report["run_id"] in self._run_ids:
            raise Violation("R1", f"run {report['run_id']} of {process} is reported twice")
        self._run_ids.add(report["run_id"])
        for channel in report["channels"]:
            _adds_up(channel)

    def said(self, where: str, text: str) -> None:
        """Check a text that leaves the library: a log line, an error, a report, a repr, a bundle."""
        for word in self._forbidden:
            if word in text:
                at = text.index(word)
                raise Violation("X1", f"{where} tells what it must not, after {text[max(0, at - 40) : at]!r}")

    def all_over(self) -> None:
        """Check, once every program has come to its end, that no run ended without a report."""
        for process, runs in sorted(self._under_way.items()):
            if runs:
                raise Violation("R1", f"{runs} runs of {process} came to no report")

    def _over(self, process: str) -> None:
        left = self._under_way.get(process, 0)
        if not left:
            raise Violation("R1", f"{process} ends a run that it never began")
        self._under_way[process] = left - 1


def _adds_up(channel: Mapping[str, Any]) -> None:
    name = f"{channel['source']}/{channel['subsource']}"
    parts = sum(channel[outcome] for outcome in OUTCOMES)
    if channel["seen"] != parts:
        told = " + ".join(f"{channel[outcome]} {outcome}" for outcome in OUTCOMES)
        raise Violation("R1", f"{name}: {channel['seen']} seen are not {told}")
    for count, value in channel.items():
        if isinstance(value, int) and value < 0:
            raise Violation("R1", f"{name}: {count} is {value}")
