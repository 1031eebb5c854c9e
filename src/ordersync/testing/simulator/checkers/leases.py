"""Checks leases and fences: L11."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast

import attrs

from ....errors import LeaseLostError
from ....model.ids import ChannelId, Fence
from ....model.runs import Lease
from ..trace import Violation
from .checker import Checker
from .commits import Commit, Started
from .reader import Reader
from .world import World


@attrs.frozen
class _Held:
    """A lease that was given, to which process, and until when by the true clock."""

    lease: Lease
    process: str
    until: datetime


class LeasesChecker(Checker):
    """Knows who holds each channel, and what each port has seen of fences."""

    def __init__(self, world: World) -> None:
        """Begin before any lease is given."""
        super().__init__(world)
        self._holders: dict[ChannelId, _Held] = {}
        self._own: dict[tuple[str, ChannelId], _Held] = {}
        self._issued: dict[ChannelId, int] = {}
        self._highest: dict[tuple[str, ChannelId], int] = {}

    def committed(self, commit: Commit, reader: Reader) -> None:  # noqa: ARG002 - of every checker
        """Check a lease that was given, renewed or given back, or the fence of any other verb."""
        if commit.port == "journal" and commit.refused is None:
            self._leased(commit)
            return
        fence = commit.argument(0, "fence") if commit.verb == "fence" else commit.fence
        if isinstance(fence, Fence):
            self._fenced(commit, fence)

    def started(self, call: Started, reader: Reader) -> None:  # noqa: ARG002 - of every checker
        """Check that nobody changes a market without a lease of its own, and nobody begins anything past its end."""
        own = self._own.get((call.process, call.channel))
        if own is None:
            if call.effect:
                raise Violation("L11", f"{call.process} starts {call.method} on {call.channel}, and has no lease")
            return
        if call.effect and call.at > own.until:
            text = f"its lease {own.lease.token} ended at {own.until}"
            raise Violation("L11", f"{call.process} starts {call.method} on {call.channel} at {call.at}, {text}")
        if call.effect and call.at + self._world.markets[call.channel].traits.call_timeout > own.until:
            text = f"its lease {own.lease.token} ends at {own.until}, while that may be under way"
            raise Violation("R12", f"{call.process} starts {call.method} on {call.channel} at {call.at}, {text}")

    def _leased(self, commit: Commit) -> None:
        match commit.verb:
            case "lease":
                if commit.answer is not None:
                    self._given(commit, cast("Lease", commit.answer))
            case "renew":
                if commit.answer:
                    self._renewed(commit, cast("Lease", commit.argument(0, "lease")))
            case "release":
                lease = cast("Lease", commit.argument(0, "lease"))
                if self._is_held(lease):
                    del self._holders[lease.channel]
                self._own.pop((commit.process, lease.channel), None)

    def _given(self, commit: Commit, lease: Lease) -> None:
        channel, held = lease.channel, self._holders.get(lease.channel)
        if held is not None and commit.at < held.until:
            text = f"{held.process} holds it until {held.until}"
            raise Violation("L11", f"{channel} is given to {commit.process} at {commit.at}, {text}")
        last = self._issued.get(channel, 0)
        if lease.token <= last:
            raise Violation("L11", f"{channel} is given under token {lease.token} after {last}")
        self._issued[channel] = lease.token
        self._hold(commit, lease)

    def _renewed(self, commit: Commit, lease: Lease) -> None:
        if not self._is_held(lease):
            raise Violation("L11", f"{lease.channel}: {commit.process} renewed lease {lease.token}, which is lost")
        self._hold(commit, lease)

    def _hold(self, commit: Commit, lease: Lease) -> None:
        held = _Held(lease, commit.process, commit.at + cast("timedelta", commit.facts["duration"]))
        self._holders[lease.channel] = self._own[commit.process, lease.channel] = held

    def _is_held(self, lease: Lease) -> bool:
        held = self._holders.get(lease.channel)
        return held is not None and held.lease == lease

    def _fenced(self, commit: Commit, fence: Fence) -> None:
        """Check a verb that was given a fence; only what a port is known to have seen counts against it."""
        place = commit.port, fence.channel
        issued, highest = self._issued.get(fence.channel, 0), self._highest.get(place, 0)
        name = f"{commit.verb} of {commit.process} with token {fence.token} of {fence.channel}"
        if fence.token > issued:
            raise Violation("L11", f"{name}, the last that was given is {issued}")
        if isinstance(commit.refused, LeaseLostError):
            if fence.token == issued:
                raise Violation("L11", f"{name} was refused, and nobody holds a later one")
            return
        if commit.refused is not None:
            return
        if fence.token < highest:
            raise Violation("L11", f"{name} took effect, {commit.port} had seen {highest}")
        self._highest[place] = fence.token
        channel = _channel_of(commit)
        if channel is not None and channel != fence.channel:
            raise Violation("L11", f"{name} writes to {channel}")


def _channel_of(commit: Commit) -> ChannelId | None:
    """Return the channel that a verb of one channel writes to."""
    if commit.verb == "save_page":
        return cast("ChannelId", commit.argument(0, "work").channel)
    first = commit.args[0] if commit.args else None
    return first if isinstance(first, ChannelId) else None
