"""Checks how far a channel's orders are said to be known: C1 and L3."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from ....model.ids import ChannelId, OrderKey
from ....model.pages import PageWork
from ....model.runs import Progress
from ..trace import Violation
from .checker import Checker
from .commits import Commit
from .reader import Reader
from .touched import page_of
from .world import MarketView, World

PROGRESSES = frozenset({"save_page", "set_progress"})

A_MOMENT = timedelta(minutes=1)
"""So long after a run has begun it has decided what to read."""


class ScanningChecker(Checker):
    """Follows each channel's watermark, and what was handled when it moved.

    What must be handled when the watermark comes to W: every order whose newest stamp lies before W less the market's
    lag and the resolution of its stamps, since W is never later than the market's clock when the scan began, so that
    the order was in the list by then. It is asked from where the last watermark left off. The first watermark is set
    by a sweep, which a market may cut short without a word, so what lies before it is left to O2; so is all of a
    market that pages by offset, where rows shift while a scan reads.
    """

    def __init__(self, world: World) -> None:
        """Begin before anything is read."""
        super().__init__(world)
        self._began_at: datetime | None = None
        self._watermarks: dict[ChannelId, datetime] = {}
        self._handled: dict[OrderKey, datetime] = {}

    def committed(self, commit: Commit, reader: Reader) -> None:
        """Check the progress that a verb may have written, and note what its page handled."""
        if commit.port != "orders" or commit.refused is not None or commit.verb not in PROGRESSES:
            return
        channel, given = _given(commit)
        if commit.verb == "save_page" and commit.answer:
            self._note(page_of(commit))
        if given is None or (commit.verb == "save_page" and not commit.answer):
            return
        self._progressed(channel, reader.progress(channel), commit.verb, reader)

    def rests(self, at: datetime, reader: Reader) -> None:  # noqa: ARG002 - of every checker
        """Note when the last run has begun."""
        self._began_at = at

    def ended(self, reader: Reader) -> None:
        """Check that everything was read anew as often as the settings say, runs permitting (L3)."""
        for channel in self._world.markets:
            swept_at, every = reader.progress(channel).swept_at, self._world.settings[channel].sweep_every
            if self._began_at is None or not self._world.is_worked_on(channel, reader):
                continue
            if swept_at is None or self._began_at - swept_at > every + A_MOMENT:
                text = f"was swept last at {swept_at}, and the last run began at {self._began_at}"
                raise Violation("L3", f"{channel} {text}")

    def _note(self, work: PageWork) -> None:
        """Note that these orders were handled, in the newest form that anybody was shown by now."""
        market = self._world.markets[work.channel]
        keys = [*work.seen, *(decision.key for decision in work.decisions)]
        for key in keys:
            form = market.last_shown(key.reference)
            if form is not None:
                self._handled[key] = form.updated_at

    def _progressed(self, channel: ChannelId, progress: Progress, verb: str, reader: Reader) -> None:
        before, after = self._watermarks.get(channel), progress.watermark
        if after == before:
            return
        if before is not None and (after is None or after < before):
            raise Violation("C1", f"{channel}: its watermark fell from {before} to {after}, {verb}")
        if after is None:
            return
        market = self._world.markets[channel]
        if after > market.now():
            raise Violation("C1", f"{channel}: its watermark {after} is ahead of its market's clock {market.now()}")
        self._watermarks[channel] = after
        if before is not None and market.traits.paging != "offset" and market.traits.moves_stamps:
            for key, stamp in self._passed(channel, market, before, after):
                self._is_handled(key, stamp, after, reader)

    def _passed(
        self, channel: ChannelId, market: MarketView, before: datetime, after: datetime
    ) -> Iterator[tuple[OrderKey, datetime]]:
        """Yield the orders that the watermark has passed since it moved last, with their stamps."""
        slack = market.traits.lag + market.traits.granularity
        for reference, order in market.orders.items():
            if before - slack <= order.updated_at < after - slack and not order.removed and not order.anonymous:
                yield OrderKey(channel, reference), order.updated_at

    def _is_handled(self, key: OrderKey, stamp: datetime, watermark: datetime, reader: Reader) -> None:
        handled = self._handled.get(key)
        if handled is None or handled < stamp:
            text = "never handled" if handled is None else f"handled last in a form of {handled}"
            raise Violation("C1", f"{key} changed at {stamp} and was {text}, the watermark is at {watermark}")
        if reader.order(key) is None and reader.decision(key) is None and not _waits(key, reader):
            raise Violation("C1", f"{key} was handled, and neither stored nor decided about nor quarantined")


def _given(commit: Commit) -> tuple[ChannelId, Progress | None]:
    if commit.verb == "save_page":
        work = page_of(commit)
        return work.channel, work.progress
    return commit.argument(0, "channel"), commit.argument(1, "progress")


def _waits(key: OrderKey, reader: Reader) -> bool:
    return any(document.reference == key.reference for document in reader.quarantined(key.channel))
