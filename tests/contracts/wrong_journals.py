"""Journals with one mistake each, and the law that must find it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import attrs

from ordersync.clock import SystemClock
from ordersync.model.ids import ChannelId
from ordersync.model.runs import JournalEntry, Lease
from ordersync.storage.memory import MemoryJournal


class WrongJournal(MemoryJournal):
    """What the wrong journals share."""

    def __init__(self) -> None:
        super().__init__(clock=SystemClock())


class TokensStartAnew(WrongJournal):
    """Counts tokens anew once a lease was given back."""

    async def release(self, lease: Lease) -> None:
        """Forget the token."""
        await super().release(lease)
        self._tokens.pop(lease.channel, None)


class HandsOutTwice(WrongJournal):
    """Gives a channel to whoever asks."""

    async def lease(self, channel: ChannelId, *, holder: str, duration: timedelta) -> Lease | None:
        """Forget the holder."""
        self._leases.pop(channel, None)
        return await super().lease(channel, holder=holder, duration=duration)


class NeverExpires(WrongJournal):
    """Holds a lease until it is given back."""

    async def lease(self, channel: ChannelId, *, holder: str, duration: timedelta) -> Lease | None:
        """Make it long."""
        return await super().lease(channel, holder=holder, duration=max(duration, timedelta(days=1)))


class RenewsLost(WrongJournal):
    """Renews a lease that another has taken over."""

    async def renew(self, lease: Lease, *, duration: timedelta) -> bool:
        """Renew what there is."""
        held = self._leases.get(lease.channel)
        return await super().renew(lease if held is None else held[0], duration=duration)


class ReleasesLost(WrongJournal):
    """Gives back a lease that another has taken over."""

    async def release(self, lease: Lease) -> None:
        """Give back what there is."""
        self._leases.pop(lease.channel, None)


class KnowsHolders(WrongJournal):
    """Knows a lease by its holder, not by its token."""

    async def renew(self, lease: Lease, *, duration: timedelta) -> bool:
        """Compare the holder alone."""
        held = self._leases.get(lease.channel)
        if held is not None and held[0].holder == lease.holder:
            return await super().renew(held[0], duration=duration)
        return False


class OldestFirst(WrongJournal):
    """Tells the oldest entries first."""

    async def write(self, entries: Sequence[JournalEntry]) -> None:
        """Put the newest where the oldest belong."""
        self._entries[:0] = reversed(entries)


class StaysIll(WrongJournal):
    """Keeps the health of a channel that is enabled."""

    async def enable(self, channel: ChannelId, *, by: str, at: datetime, why: str = "") -> None:
        """Restore the health."""
        before = (await self.life([channel]))[channel]
        await super().enable(channel, by=by, at=at, why=why)
        self._life[channel] = attrs.evolve(self._life[channel], failures=before.failures)


class SwitchesInSilence(WrongJournal):
    """Writes no entry when a channel is switched."""

    async def disable(self, channel: ChannelId, *, by: str, cause: str, at: datetime) -> None:
        """Drop the entry."""
        await super().disable(channel, by=by, cause=cause, at=at)
        self._entries.pop()


class HalfWritten(WrongJournal):
    """Writes entry by entry, and may be cancelled in between."""

    async def write(self, entries: Sequence[JournalEntry]) -> None:
        """Pause after each."""
        for entry in entries:
            await super().write([entry])
            await asyncio.sleep(0)


WRONG_JOURNALS = {
    TokensStartAnew: "test_token_rises_with_every_holder",
    HandsOutTwice: "test_lease_is_exclusive",
    NeverExpires: "test_expired_lease_may_be_taken",
    RenewsLost: "test_lost_lease_is_not_renewed",
    ReleasesLost: "test_release_of_a_lost_lease_is_left_alone",
    KnowsHolders: "test_same_holder_again_is_another_lease",
    OldestFirst: "test_entries_are_newest_first_and_limited",
    StaysIll: "test_enabled_channel_is_well",
    SwitchesInSilence: "test_switching_is_an_entry",
    HalfWritten: "test_writing_verbs_are_done_or_not_done",
}
