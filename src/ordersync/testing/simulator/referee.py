"""Whoever watches the simulated world, and stops it at the first law that breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ...model.ids import ChannelId
from ...sync.report import RunReport
from .checkers.commits import Commit, Started
from .checkers.reader import Reader
from .checkers.world import World
from .market import Applied
from .trace import Trace, Violation


class Referee:
    """Tells the checkers what happens; ``first`` is the first law that they find broken, and ``broken`` says so."""

    def __init__(self, world: World, reader: Reader, trace: Trace) -> None:
        self.first: Violation | None = None
        self.broken = asyncio.Event()
        self._world, self._reader, self._trace = world, reader, trace

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

    def started(self, call: Started) -> None:
        """Hear of a call to a channel, as it departs."""

    def applied(self, channel: ChannelId, effect: Applied) -> None:
        """Hear of something that took effect on a market."""

    def reported(self, who: str, report: RunReport) -> None:
        """Hear what a run says of itself."""

    def idle(self) -> None:
        """Hear that nothing is due any more."""

    def still_idle(self) -> None:
        """Hear that a run had nothing to do."""

    def ended(self) -> None:
        """Look at everything once more, at the end."""

    def _judge(self, look: Callable[[], object]) -> None:
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
