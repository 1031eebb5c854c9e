"""A port of one's own: a journal in plain dictionaries, and the laws that it keeps.

Run it and it tries itself: ``python host_journal.py`` (needs pytest).
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import attrs
import pytest

from ordersync import ChannelId, Clock, Journal, OrderKey
from ordersync.model.runs import ChannelLife, ChannelState, EntryKind, JournalEntry, Lease
from ordersync.testing import ManualClock
from ordersync.testing.contracts import JournalContract


class HostJournal(Journal):
    """What happened, who holds which channel, and where channels stand; for one process, until it ends.

    No verb awaits anything between its first read and its last write, so each is wholly done or not done.
    """

    def __init__(self, *, clock: Clock) -> None:
        """Ask *clock* for the leases alone."""
        self._clock = clock
        self._leases: dict[ChannelId, tuple[Lease, datetime]] = {}
        self._tokens: dict[ChannelId, int] = {}
        self._lives: dict[ChannelId, ChannelLife] = {}
        self._entries: list[JournalEntry] = []

    async def lease(self, channel: ChannelId, *, holder: str, duration: timedelta) -> Lease | None:
        """Give a free channel away, each time under a higher token."""
        _, until = self._leases.get(channel, (None, None))
        now = self._clock.now()
        if until is not None and until > now:
            return None
        token = self._tokens[channel] = self._tokens.get(channel, 0) + 1
        lease = Lease(channel=channel, token=token, holder=holder, at=now)
        self._leases[channel] = (lease, now + duration)
        return lease

    async def renew(self, lease: Lease, *, duration: timedelta) -> bool:
        """Prolong a lease that is still its channel's."""
        if not self._is_held(lease):
            return False
        self._leases[lease.channel] = (lease, self._clock.now() + duration)
        return True

    async def release(self, lease: Lease) -> None:
        """Take a lease back, and leave another holder's alone."""
        if self._is_held(lease):
            del self._leases[lease.channel]

    async def life(self, channels: Collection[ChannelId]) -> Mapping[ChannelId, ChannelLife]:
        """Say where channels stand."""
        return {channel: self._life(channel) for channel in channels}

    async def enable(self, channel: ChannelId, *, by: str, at: datetime, why: str = "") -> None:
        """Let a channel be worked on."""
        self._switch(ChannelLife(channel=channel, state=ChannelState.ENABLED, by=by, cause=why, since=at))

    async def disable(self, channel: ChannelId, *, by: str, cause: str, at: datetime) -> None:
        """Let a channel rest."""
        self._switch(ChannelLife(channel=channel, state=ChannelState.DISABLED, by=by, cause=cause, since=at))

    async def set_health(
        self,
        channel: ChannelId,
        *,
        at: datetime,
        failures: int,
        paused_until: datetime | None = None,
        trouble: str = "",
    ) -> None:
        """Note failed runs, and when this trouble began."""
        before = self._life(channel)
        since = (before.trouble_since if trouble == before.trouble else at) if trouble else None
        self._lives[channel] = attrs.evolve(
            before, failures=failures, paused_until=paused_until, trouble=trouble, trouble_since=since
        )

    async def write(self, entries: Sequence[JournalEntry]) -> None:
        """Append."""
        self._entries += entries

    async def channels(self) -> Sequence[ChannelId]:
        """Return whatever channel was ever named here."""
        of_entries = {entry.channel for entry in self._entries if entry.channel is not None}
        of_orders = {entry.order.channel for entry in self._entries if entry.order is not None}
        return sorted(of_entries | of_orders | self._tokens.keys() | self._lives.keys())

    async def entries(  # noqa: PLR0913 - each narrows what is asked for
        self,
        *,
        channel: ChannelId | None = None,
        order: OrderKey | None = None,
        run_id: str | None = None,
        kinds: Collection[EntryKind] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
        oldest_first: bool = False,
    ) -> Sequence[JournalEntry]:
        """Return what fits, by time."""
        found = [
            entry
            for entry in self._entries
            if channel in (None, entry.channel)
            and order in (None, entry.order)
            and run_id in (None, entry.run_id)
            and (kinds is None or entry.kind in kinds)
            and (since is None or entry.at >= since)
            and (until is None or entry.at <= until)
        ]
        found.sort(key=lambda entry: entry.at)
        return (found if oldest_first else found[::-1])[:limit]

    def _is_held(self, lease: Lease) -> bool:
        held, _ = self._leases.get(lease.channel, (None, None))
        return held == lease

    def _life(self, channel: ChannelId) -> ChannelLife:
        return self._lives.get(channel, ChannelLife(channel=channel))

    def _switch(self, life: ChannelLife) -> None:
        """Switch a channel, which is an entry of its own; one that stands so already only gets well."""
        before = self._life(life.channel)
        if (before.state, before.cause) == (life.state, life.cause):
            self._lives[life.channel] = attrs.evolve(
                before, failures=0, paused_until=None, trouble="", trouble_since=None
            )
            return
        self._lives[life.channel] = life
        switched = JournalEntry(
            at=life.since or self._clock.now(),
            kind=EntryKind.CHANNEL_SWITCHED,
            channel=life.channel,
            code=life.state.value,
            message=life.cause,
            facts={"by": life.by},
        )
        self._entries.append(switched)


class TestHostJournal(JournalContract):
    """The journal keeps the laws of journals."""

    def setup_method(self) -> None:
        """Start a clock that obeys."""
        self.clock = ManualClock()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Journal]:
        """Open an empty journal."""
        yield HostJournal(clock=self.clock)

    async def let_pass(self, duration: timedelta) -> None:
        """Advance the clock instead of waiting."""
        self.clock.advance(duration.total_seconds())


if __name__ == "__main__":
    sys.exit(pytest.main(["-q", __file__]))
