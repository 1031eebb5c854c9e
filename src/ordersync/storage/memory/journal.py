"""The journal in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice

import attrs

from ...clock import Clock
from ...model.ids import ChannelId, OrderKey
from ...model.runs import ChannelLife, ChannelState, EntryKind, JournalEntry, Lease
from ...ports import Journal


class MemoryJournal(Journal):
    """Entries in a list, leases and channel life in dictionaries."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._leases: dict[ChannelId, tuple[Lease, datetime]] = {}
        self._tokens: dict[ChannelId, int] = {}
        self._life: dict[ChannelId, ChannelLife] = {}
        self._entries: list[JournalEntry] = []

    async def lease(self, channel: ChannelId, *, holder: str, duration: timedelta) -> Lease | None:
        """Take a channel that nobody holds."""
        now = self._clock.now()
        held = self._leases.get(channel)
        if held is not None and held[1] > now:
            return None
        token = self._tokens[channel] = self._tokens.get(channel, 0) + 1
        lease = Lease(channel=channel, token=token, holder=holder, at=now)
        self._leases[channel] = (lease, now + duration)
        return lease

    async def renew(self, lease: Lease, *, duration: timedelta) -> bool:
        """Hold a lease longer, unless it is lost."""
        held = self._leases.get(lease.channel)
        if held is None or held[0] != lease:
            return False
        self._leases[lease.channel] = (lease, self._clock.now() + duration)
        return True

    async def release(self, lease: Lease) -> None:
        """Give a lease back."""
        held = self._leases.get(lease.channel)
        if held is not None and held[0] == lease:
            del self._leases[lease.channel]

    async def life(self, channels: Collection[ChannelId]) -> Mapping[ChannelId, ChannelLife]:
        """Return where channels stand."""
        return {channel: self._life.get(channel, ChannelLife(channel=channel)) for channel in channels}

    async def enable(self, channel: ChannelId, *, by: str, at: datetime, why: str = "") -> None:
        """Let a channel be worked on."""
        self._switch(channel, ChannelState.ENABLED, by=by, cause=why, at=at)

    async def disable(self, channel: ChannelId, *, by: str, cause: str, at: datetime) -> None:
        """Let a channel rest."""
        self._switch(channel, ChannelState.DISABLED, by=by, cause=cause, at=at)

    async def set_health(
        self,
        channel: ChannelId,
        *,
        at: datetime,
        failures: int,
        paused_until: datetime | None = None,
        trouble: str = "",
    ) -> None:
        """Note a channel's health, and since when its trouble goes on."""
        life = self._life.get(channel, ChannelLife(channel=channel))
        began_at = life.trouble_since if life.trouble == trouble else at
        self._life[channel] = attrs.evolve(
            life,
            failures=failures,
            paused_until=paused_until,
            trouble=trouble,
            trouble_since=began_at if trouble else None,
        )

    async def write(self, entries: Sequence[JournalEntry]) -> None:
        """Append entries."""
        self._entries.extend(entries)

    async def channels(self) -> Sequence[ChannelId]:
        """Return the channels that were leased, switched, judged or written of."""
        written = {entry.channel for entry in self._entries if entry.channel is not None}
        ordered = {entry.order.channel for entry in self._entries if entry.order is not None}
        return sorted({*self._tokens, *self._life, *written, *ordered})

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
        """Return entries by time."""
        by_time = sorted(self._entries, key=lambda entry: entry.at)
        found = (
            entry
            for entry in (by_time if oldest_first else reversed(by_time))
            if channel in (None, entry.channel)
            and order in (None, entry.order)
            and run_id in (None, entry.run_id)
            and (kinds is None or entry.kind in kinds)
            and (since is None or entry.at >= since)
            and (until is None or entry.at <= until)
        )
        return list(islice(found, limit))

    def _switch(self, channel: ChannelId, state: ChannelState, *, by: str, cause: str, at: datetime) -> None:
        """Switch a channel; where it stands so already, only its health starts anew."""
        before = self._life.get(channel, ChannelLife(channel=channel))
        if (before.state, before.cause) == (state, cause):
            self._life[channel] = attrs.evolve(before, failures=0, paused_until=None, trouble="", trouble_since=None)
            return
        self._life[channel] = ChannelLife(channel=channel, state=state, cause=cause, by=by, since=at)
        entry = JournalEntry(
            at=at,
            kind=EntryKind.CHANNEL_SWITCHED,
            channel=channel,
            code=state.value,
            message=cause,
            facts={"by": by},
        )
        self._entries.append(entry)
