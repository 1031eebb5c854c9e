"""Whoever watches the simulated world, and stops it at the first law that breaks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from ...errors import StorageError
from ...model.ids import ChannelId
from ...sync.report import RunReport
from .checkers.checker import Checker
from .checkers.commits import Commit, Sold, Started
from .checkers.reader import Reader
from .checkers.reports import ReportsChecker
from .market import Applied
from .trace import Trace, Violation


class Referee:
    """Tells the checkers what happens; ``first`` is the first law that they find broken, and ``broken`` says so."""

    def __init__(self, checkers: Sequence[Checker], reports: ReportsChecker, reader: Reader, trace: Trace) -> None:
        self.first: Violation | None = None
        self.broken = asyncio.Event()
        self._checkers, self._reports, self._reader, self._trace = checkers, reports, reader, trace

    def found(self, law: str, text: str) -> None:
        """Take note of a broken law; only the first counts, what comes after it may follow from it."""
        if self.first is None:
            self.first = Violation(law, text)
            self._trace.event("VIOLATION", law, text)
            self.broken.set()

    def crashed(self, who: str, error: BaseException) -> None:
        """Take note of an exception that should never have come out."""
        self.found("L9", f"{who}: {_told(error)}")

    def committed(self, commit: Commit) -> None:
        """Hear of a verb that may have written."""
        for checker in self._checkers:
            self.judge(partial(checker.committed, commit, self._reader))

    def started(self, call: Started) -> None:
        """Hear of a call to a channel, as it departs."""
        for checker in self._checkers:
            self.judge(partial(checker.started, call, self._reader))

    def applied(self, channel: ChannelId, effect: Applied) -> None:
        """Hear of something that took effect on a market."""
        for checker in self._checkers:
            self.judge(partial(checker.applied, channel, effect, self._reader))

    def sold(self, sale: Sold) -> None:
        """Hear of pieces that somebody buys."""
        for checker in self._checkers:
            self.judge(partial(checker.sold, sale, self._reader))

    def began(self, who: str) -> None:
        """Hear that a run begins."""
        self.judge(partial(self._reports.began, who))

    def troubled(self, who: str, channel: ChannelId) -> None:
        """Hear that a call of a channel went wrong for somebody."""
        self._reports.troubled(who, channel)

    def rests(self, at: datetime) -> None:
        """Hear that a run begins that nothing disturbs."""
        for checker in self._checkers:
            self.judge(partial(checker.rests, at, self._reader))

    def rested(self, report: RunReport) -> None:
        """Hear that it has ended."""
        done = [channel for channel, share in report.channels.items() if share.status == "done"]
        for checker in self._checkers:
            self.judge(partial(checker.rested, done, self._reader))

    def cut(self, who: str) -> None:
        """Hear that a run was cut: no report of it will come."""
        self.judge(partial(self._reports.cut, who))

    def reported(self, who: str, report: RunReport) -> None:
        """Hear what a run says of itself."""
        self.judge(partial(self._reports.reported, who, json.dumps(report.to_dict()), str(report)))
        if any(isinstance(error, StorageError) for error in report.errors):
            return
        channels = {channel: share.status for channel, share in report.channels.items()}
        for checker in self._checkers:
            self.judge(partial(checker.run_ended, who, channels, self._reader))

    def heard(self, text: str) -> None:
        """Hear what a person is told."""
        self.judge(partial(self._reports.said, "explain", text))

    def logged(self, text: str) -> None:
        """Hear what the library logs."""
        self.judge(partial(self._reports.said, "a log record", text))

    def idle(self) -> None:
        """Hear that nothing is due any more."""
        for checker in self._checkers:
            checker.idle()

    def ended(self) -> None:
        """Look at everything once more, at the end."""
        self.judge(self._reports.all_over)
        for checker in self._checkers:
            self.judge(partial(checker.ended, self._reader))

    def judge(self, look: Callable[[], object]) -> None:
        """Let somebody look, unless a law is broken already; what they find is found."""
        if self.first is None:
            try:
                look()
            except Violation as violation:
                self.found(violation.law, violation.text)


def _told(error: BaseException) -> str:
    """Return an error and all that it was made of, innermost first."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(_told(one) for one in error.exceptions)
    trace, last = error.__traceback__, ""
    while trace is not None:
        code = trace.tb_frame.f_code
        last = f" ({code.co_filename.rpartition('ordersync/')[2]}:{trace.tb_lineno} {code.co_name})"
        trace = trace.tb_next
    return f"{error!r}{last}"
