"""Checks each try of a dispatch note against its claim, and against what may still come of the tries before it."""

from __future__ import annotations

from datetime import datetime
from typing import cast

import attrs

from ....model.dispatch import DispatchNote, Note, NoteStatus
from ....model.ids import ChannelId, OrderKey
from ..trace import Violation
from .checker import Checker
from .commits import START_WINDOW, Commit, Started
from .notes import TOLD
from .reader import Reader
from .touched import note_of
from .world import World

LOOK_UP = "fetch_order"


@attrs.define
class _Try:
    """The last try of a note. ``left_at`` is None until a call departs; ``open``: nobody knows what came of it."""

    claimed_at: datetime
    left_at: datetime | None = None
    open: bool = False


class TriesChecker(Checker):
    """Knows when each note was claimed and when it left, by the true clock, whatever its row says of that."""

    def __init__(self, world: World) -> None:
        """Begin before any note is claimed."""
        super().__init__(world)
        self._tries: dict[OrderKey, dict[str, _Try]] = {}
        self._tried: set[str] = set()
        self._last_call: dict[tuple[str, ChannelId], str] = {}

    def committed(self, commit: Commit, reader: Reader) -> None:  # noqa: ARG002 - of every checker
        """Check a claim; note what is known of a note's last try by now."""
        if commit.verb != "write_note" or commit.refused is not None or not commit.answer:
            return
        note, before = note_of(commit), cast("Note", commit.argument(1, "expect"))
        key, name = note.note.order_key, note.note.id
        if note.status is NoteStatus.CLAIMED and note.tries > before.tries:
            self._claimed(key, name, commit)
            return
        undone = commit.fence is not None and (note.status is NoteStatus.QUEUED or note.tries < before.tries)
        if undone:
            self._tried.discard(name)
        last = self._tries.get(key, {}).get(name)
        if last is not None and (undone or note.status in TOLD or note.status is NoteStatus.REJECTED):
            last.open = False

    def started(self, call: Started, reader: Reader) -> None:  # noqa: ARG002 - of every checker
        """Check that a note leaves soon after it was claimed, and while no other note of its order is under way."""
        self._last_call[call.process, call.channel] = call.method
        if call.method != "send_dispatch":
            return
        sent = cast("DispatchNote", call.request)
        mine = self._tries.get(sent.order_key, {})
        one = mine.get(sent.id)
        if one is None:
            return
        if call.at - one.claimed_at >= START_WINDOW:
            law = "R10" if one.left_at is None else "R11"
            raise Violation(law, f"{sent.id} is sent at {call.at}, and its claim is of {one.claimed_at}")
        for name, other in mine.items():
            if name != sent.id and self._is_under_way(call.channel, other, call.at):
                raise Violation("R14", f"{sent.id} is sent at {call.at}, and {name} of {other.left_at} is under way")
        one.left_at, one.open = call.at, True
        self._tried.add(sent.id)

    def _claimed(self, key: OrderKey, name: str, commit: Commit) -> None:
        """Check that a note is tried again only after a look, and after everything of its last try could be seen."""
        mine, market = self._tries.setdefault(key, {}), self._world.markets[key.channel]
        last = mine.get(name)
        if last is not None and self._is_under_way(key.channel, last, commit.at):
            hidden = self._is_under_way(key.channel, last, commit.at + market.traits.lag)
            law, text = ("R10", "may still land") if hidden else ("R15", "may not be shown yet")
            raise Violation(law, f"{name} is claimed again at {commit.at}, and its try of {last.left_at} {text}")
        looked = self._last_call.get((commit.process, key.channel)) == LOOK_UP
        if name in self._tried and market.traits.can_look_up and not looked:
            raise Violation("R13", f"{name} was tried before, and is claimed without a look")
        mine[name] = _Try(commit.at)

    def _is_under_way(self, channel: ChannelId, one: _Try, at: datetime) -> bool:
        """Say whether a copy of a try may land after *at*, or have landed and not be shown."""
        traits = self._world.markets[channel].traits
        window = traits.call_timeout + traits.late_window + traits.lag
        return one.open and one.left_at is not None and at < one.left_at + window
