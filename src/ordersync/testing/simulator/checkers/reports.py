"""Checks what runs say of themselves, and that nobody says what is personal or secret: R1, R2 and X1."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ....model.ids import ChannelId
from ..trace import Violation
from .checker import Checker
from .world import World

CANARY = "CANARY-"
"""How the name of every simulated buyer begins; it stands nowhere else."""

FAILED, STORAGE = "failed", "storage-"
"""What a report calls a channel that failed, and how the codes of errors begin that are the storage's."""

OUTCOMES = ("new", "changed", "same", "skipped", "quarantined")


class ReportsChecker(Checker):
    """Hears of every run's beginning and end and of each call that goes wrong, and reads whatever anybody says.

    R2 compares no run with itself less the failures of one channel: of what that one does not show nothing is reserved,
    so that all others show more, sell more and take another time. But a channel of which no call went wrong fails in no
    run, whatever becomes of the others, unless the storage does; and while one channel stays broken in the end, all
    others come to rest, which the laws of the end check.
    """

    def __init__(self, world: World, *, secrets: Iterable[str] = (), unheard: Collection[ChannelId] = ()) -> None:
        """Look for buyers' names and for *secrets* in all that is said; of *unheard* channels' calls nobody tells."""
        super().__init__(world)
        self._forbidden = (CANARY, *secrets)
        self._unheard = frozenset(map(str, unheard))
        self._under_way: dict[str, int] = {}
        self._run_ids: set[str] = set()
        self._troubled: dict[str, set[str]] = {}

    def began(self, process: str) -> None:
        """Hear that a program began a run; several may be under way in one program."""
        if not self._under_way.get(process):
            self._troubled[process] = set()
        self._under_way[process] = self._under_way.get(process, 0) + 1

    def troubled(self, process: str, channel: ChannelId) -> None:
        """Hear that a call of a channel went wrong for a program."""
        self._troubled.setdefault(process, set()).add(str(channel))

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
        if not any(error["code"].startswith(STORAGE) for error in report.get("errors", ())):
            self._fail_by_themselves(process, report["channels"])

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

    def _fail_by_themselves(self, process: str, channels: Iterable[Mapping[str, Any]]) -> None:
        for channel in channels:
            name = f"{channel['source']}/{channel['subsource']}"
            failed = channel.get("status") == FAILED or channel.get("failed")
            if failed and name not in self._troubled[process] | self._unheard:
                raise Violation("R2", f"{name} failed in a run of {process}, and no call of it went wrong")

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
