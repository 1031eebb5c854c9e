"""Journals with one mistake each, and the law that must find it."""

# ruff: noqa: ANN401 - arguments that are passed on
from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from ordersync.clock import SystemClock
from ordersync.model.ids import ChannelId, OrderKey
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
    """Takes the oldest where the newest are asked for, and the other way round."""

    async def entries(self, *, oldest_first: bool = False, **asked: Any) -> Sequence[JournalEntry]:
        """Turn the direction."""
        return await super().entries(oldest_first=not oldest_first, **asked)


class AsWritten(WrongJournal):
    """Tells entries in the order of their writing, whatever their time."""

    async def entries(self, *, oldest_first: bool = False, **asked: Any) -> Sequence[JournalEntry]:
        """Sort by the place in the list."""
        found = await super().entries(oldest_first=oldest_first, **asked)
        return sorted(found, key=self._entries.index, reverse=not oldest_first)


class TurnsEqualTimes(WrongJournal):
    """Tells entries of one time as they were written, though the newest come first."""

    async def entries(self, *, oldest_first: bool = False, **asked: Any) -> Sequence[JournalEntry]:
        """Sort by time once more, which leaves equal ones as they are."""
        found = await super().entries(oldest_first=True, **asked)
        return found if oldest_first else sorted(found, key=lambda entry: entry.at, reverse=True)


class LimitsBeforeTime(WrongJournal):
    """Takes the last that were written, and sorts only those by time."""

    async def entries(self, *, limit: int = 100, **asked: Any) -> Sequence[JournalEntry]:
        """Look at no others."""
        everything = self._entries
        self._entries = everything[-limit:] if limit < len(everything) else everything
        try:
            return await super().entries(limit=limit, **asked)
        finally:
            self._entries = everything


class LeavesOutTheEnds(WrongJournal):
    """Takes the times between which entries are asked for as excluded."""

    async def entries(
        self, *, since: datetime | None = None, until: datetime | None = None, **asked: Any
    ) -> Sequence[JournalEntry]:
        """Shorten the time at its end."""
        return await super().entries(since=since, until=until and until - timedelta(microseconds=1), **asked)


class ForgetsOrders(WrongJournal):
    """Writes entries without their orders."""

    async def write(self, entries: Sequence[JournalEntry]) -> None:
        """Drop the order."""
        await super().write([attrs.evolve(entry, order=None) for entry in entries])


class KnowsReferences(WrongJournal):
    """Takes an order for another one of the same number."""

    async def entries(self, *, order: OrderKey | None = None, **asked: Any) -> Sequence[JournalEntry]:
        """Compare the number alone."""
        found = await super().entries(**asked)
        if order is None:
            return found
        return [entry for entry in found if entry.order is not None and entry.order.reference == order.reference]


class HearsNothingOfLeases(WrongJournal):
    """Knows of no channel that was only leased."""

    async def channels(self) -> Sequence[ChannelId]:
        """Leave them out."""
        return [channel for channel in await super().channels() if channel not in self._tokens]


class TellsChannelsAsHeardOf(WrongJournal):
    """Tells channels in another order than theirs."""

    async def channels(self) -> Sequence[ChannelId]:
        """Turn them."""
        return list(reversed(await super().channels()))


class StaysIll(WrongJournal):
    """Keeps the health of a channel that is enabled."""

    async def enable(self, channel: ChannelId, *, by: str, at: datetime, why: str = "") -> None:
        """Restore the health."""
        before = (await self.life([channel]))[channel]
        await super().enable(channel, by=by, at=at, why=why)
        self._life[channel] = attrs.evolve(self._life[channel], failures=before.failures)


class KeepsTrouble(WrongJournal):
    """Keeps the trouble of a channel that is disabled."""

    async def disable(self, channel: ChannelId, *, by: str, cause: str, at: datetime) -> None:
        """Restore the trouble."""
        before = (await self.life([channel]))[channel]
        await super().disable(channel, by=by, cause=cause, at=at)
        self._life[channel] = attrs.evolve(
            self._life[channel], trouble=before.trouble, trouble_since=before.trouble_since
        )


class KeepsTroubleOfEnabled(WrongJournal):
    """Keeps the trouble of a channel that is enabled once more."""

    async def enable(self, channel: ChannelId, *, by: str, at: datetime, why: str = "") -> None:
        """Restore the trouble where nothing is switched."""
        before = (await self.life([channel]))[channel]
        await super().enable(channel, by=by, at=at, why=why)
        after = self._life[channel]
        if after.since == before.since:
            self._life[channel] = attrs.evolve(after, trouble=before.trouble, trouble_since=before.trouble_since)


class TroubleBeginsAnew(WrongJournal):
    """Counts a trouble from the last run that ended with it."""

    async def set_health(self, channel: ChannelId, *, at: datetime, failures: int, **health: Any) -> None:
        """Take the newest time."""
        await super().set_health(channel, at=at, failures=failures, **health)
        life = self._life[channel]
        self._life[channel] = attrs.evolve(life, trouble_since=at if life.trouble else None)


class TroubleOutlastsAnother(WrongJournal):
    """Counts a trouble from the first of any kind."""

    async def set_health(self, channel: ChannelId, *, at: datetime, failures: int, **health: Any) -> None:
        """Keep the oldest time there is."""
        before = (await self.life([channel]))[channel]
        await super().set_health(channel, at=at, failures=failures, **health)
        life = self._life[channel]
        if life.trouble and before.trouble_since is not None:
            self._life[channel] = attrs.evolve(life, trouble_since=before.trouble_since)


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
    AsWritten: "test_time_goes_before_the_order_of_writing",
    TurnsEqualTimes: "test_of_one_time_the_last_written_is_newest",
    LimitsBeforeTime: "test_entries_may_come_oldest_first",
    LeavesOutTheEnds: "test_both_ends_of_a_time_belong_to_it",
    ForgetsOrders: "test_entry_comes_back_equal",
    KnowsReferences: "test_entries_of_an_order",
    HearsNothingOfLeases: "test_channels_are_told_in_their_order",
    TellsChannelsAsHeardOf: "test_channels_are_told_in_their_order",
    StaysIll: "test_enabled_channel_is_well",
    KeepsTrouble: "test_disabled_channel_has_no_trouble",
    KeepsTroubleOfEnabled: "test_channel_enabled_once_more_is_well",
    TroubleBeginsAnew: "test_trouble_is_kept_since_it_began",
    TroubleOutlastsAnother: "test_trouble_is_kept_since_it_began",
    SwitchesInSilence: "test_switching_is_an_entry",
    HalfWritten: "test_writing_verbs_are_done_or_not_done",
}
