"""Checks that a run does what needs no call of the channel, whatever becomes of the calls: L10."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from ....model.dispatch import NoteStatus
from ....model.ids import ChannelId, OrderKey
from ....model.runs import Lease
from ..trace import Violation
from .checker import Checker
from .commits import Commit
from .reader import Reader
from .touched import touched_orders
from .world import World

WORKED = frozenset({"done", "failed", "paused"})
"""How a channel's part in a run ends if its lease was held to the end."""


class BookkeepingChecker(Checker):
    """Follows what is due of a channel when a run takes it, and what the run's own pages make due.

    What somebody at a desk makes due meanwhile may have come too late for the run; so may the end of a parcel whose
    order cannot be settled before it.
    """

    def __init__(self, world: World) -> None:
        """Begin before any run."""
        super().__init__(world)
        self._due: dict[tuple[str, ChannelId], dict[OrderKey, int]] = {}

    def committed(self, commit: Commit, reader: Reader) -> None:
        """Note what becomes due for a run, and what is settled."""
        if commit.refused is not None:
            return
        if commit.verb == "lease" and isinstance(commit.answer, Lease):
            channel = commit.answer.channel
            keys = [order.key for order in reader.orders(channel)]
            self._due[commit.process, channel] = {}
            self._becomes_due((commit.process, channel), keys, reader)
        elif commit.verb == "save_page" and commit.answer:
            keys = list(touched_orders(commit) or ())
            if keys:
                self._becomes_due((commit.process, keys[0].channel), keys, reader)
        elif commit.verb == "reserved":
            for key in cast("Sequence[OrderKey]", touched_orders(commit)):
                for (_, channel), due in self._due.items():
                    if channel == key.channel:
                        due.pop(key, None)

    def run_ended(self, process: str, channels: Mapping[ChannelId, str], reader: Reader) -> None:
        """Check that the run has settled what it could."""
        for channel, status in channels.items():
            due = self._due.pop((process, channel), {})
            if status not in WORKED:
                continue
            for key, revision in due.items():
                order = reader.order(key)
                if order is None or order.stock_revision != revision or order.reserved_revision == revision:
                    continue
                text = f"and the run of {process} that is {status} left it so"
                raise Violation("L10", f"{key} is due in revision {revision}, {text}")

    def _becomes_due(self, place: tuple[str, ChannelId], keys: Sequence[OrderKey], reader: Reader) -> None:
        due = self._due.setdefault(place, {})
        for key in keys:
            order = reader.order(key)
            if order is not None and order.stock_revision != order.reserved_revision and not _waits(key, reader):
                due[key] = order.stock_revision


def _waits(key: OrderKey, reader: Reader) -> bool:
    """Say whether a parcel of the order waits to be deducted, which comes first."""
    return any(note.status is NoteStatus.WAITING for note in reader.notes(key))
