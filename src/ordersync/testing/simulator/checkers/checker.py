"""What every checker is told of, in the order in which it happens."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from ....model.ids import ChannelId
from .commits import Commit, Sold, Started
from .reader import Reader
from .world import AppliedLevelView, AppliedNoteView, World

Effect = AppliedLevelView | AppliedNoteView


class Checker:
    """Hears of everything, and raises ``Violation`` where a law is broken; a subclass overrides what concerns it."""

    def __init__(self, world: World) -> None:
        """Begin with an empty storage, before anything is put into it."""
        self._world = world

    def committed(self, commit: Commit, reader: Reader) -> None:
        """Hear of a verb that may have written, before anything else happens."""

    def started(self, call: Started, reader: Reader) -> None:
        """Hear of a channel's call before it departs."""

    def applied(self, channel: ChannelId, effect: Effect, reader: Reader) -> None:
        """Hear of an effect that a market has just applied."""

    def sold(self, sale: Sold, reader: Reader) -> None:
        """Hear of pieces that somebody buys at a market, before it shows less."""

    def rests(self, at: datetime, reader: Reader) -> None:
        """Hear that a run begins, at this true time, while faults are off and people do nothing any more."""

    def rested(self, done: Collection[ChannelId], reader: Reader) -> None:
        """Hear that such a run has ended, and which channels it worked on to the end."""

    def run_ended(self, process: str, channels: Mapping[ChannelId, str], reader: Reader) -> None:
        """Hear how a run of *process*, which the storage did not let down, ended for each channel."""

    def idle(self) -> None:
        """Hear that from now on nothing happens any more, and that nothing is due."""

    def ended(self, reader: Reader) -> None:
        """Hear that all is quiet and nothing is due."""
