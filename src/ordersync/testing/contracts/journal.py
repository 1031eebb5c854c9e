"""The contract of every journal: leases, channel life, entries."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import ClassVar

import attrs

from ...model.ids import ChannelId, Fence
from ...model.runs import ChannelLife, ChannelState, EntryKind, JournalEntry, Lease
from ...ports import Journal
from ..builders import NOON, SHOP
from .laws import Contract, Cut, law, reads_survive
from .steps import HOUR, MARKET, MINUTE


def make_entry(number: int, **changes: object) -> JournalEntry:
    """Build one entry of the shop's journal, written *number* minutes after noon."""
    entry = JournalEntry(at=NOON + number * MINUTE, kind=EntryKind.WINDOW_READ, channel=SHOP, message=f"entry {number}")
    return attrs.evolve(entry, **changes)  # type: ignore[arg-type]


async def taken(journal: Journal, channel: ChannelId = SHOP, *, holder: str, duration: timedelta = HOUR) -> Lease:
    """Take a lease that nobody holds."""
    lease = await journal.lease(channel, holder=holder, duration=duration)
    assert lease is not None, f"{holder} did not get a lease that nobody holds"
    return lease


class LeaseLaws(Contract[Journal]):
    """One runner holds a channel at a time, under a token that only rises."""

    short: ClassVar[timedelta] = timedelta(milliseconds=50)
    """How long the leases last that a law lets run out."""

    async def let_pass(self, duration: timedelta) -> None:
        """Let time pass by the storage's clock; a subclass whose storage has a manual clock advances that."""
        await asyncio.sleep(duration.total_seconds())

    @law
    async def test_lease_is_exclusive(self, journal: Journal) -> None:
        """While one holds a channel nobody else gets it; another channel is free."""
        lease = await taken(journal, holder="one")
        assert (lease.channel, lease.holder, lease.fence) == (SHOP, "one", Fence(SHOP, lease.token))

        assert await journal.lease(SHOP, holder="two", duration=HOUR) is None
        assert (await taken(journal, MARKET, holder="two")).channel == MARKET

    @law
    async def test_one_of_many_gets_the_lease(self, journal: Journal) -> None:
        """Of ten that ask at once one gets the lease."""
        asked = (journal.lease(SHOP, holder=f"runner {n}", duration=HOUR) for n in range(10))
        leases = await asyncio.gather(*asked)

        assert len([lease for lease in leases if lease is not None]) == 1

    @law
    async def test_token_rises_with_every_holder(self, journal: Journal) -> None:
        """A lease that was given back is free at once, and every new holder has a higher token."""
        tokens = []
        for holder in ("one", "two", "one"):
            lease = await taken(journal, holder=holder)
            tokens.append(lease.token)
            await journal.release(lease)

        assert tokens == sorted(set(tokens))

    @law
    async def test_expired_lease_may_be_taken(self, journal: Journal) -> None:
        """A lease that ran out is free, and its next holder has a higher token."""
        lost = await taken(journal, holder="one", duration=self.short)
        await self.let_pass(2 * self.short)
        lease = await taken(journal, holder="two")

        assert lease.token > lost.token
        assert await journal.lease(SHOP, holder="three", duration=HOUR) is None

    @law
    async def test_renewed_lease_lasts_longer(self, journal: Journal) -> None:
        """A lease that was renewed is held from then on for the duration asked for."""
        lease = await taken(journal, holder="one", duration=self.short)
        assert await journal.renew(lease, duration=HOUR) is True
        await self.let_pass(2 * self.short)
        assert await journal.lease(SHOP, holder="two", duration=HOUR) is None

        assert await journal.renew(lease, duration=self.short) is True
        await self.let_pass(2 * self.short)
        assert (await taken(journal, holder="two")).token > lease.token

    @law
    async def test_lost_lease_is_not_renewed(self, journal: Journal) -> None:
        """A lease that another holder took over is not renewed, and the other's stays as long as it was."""
        lost = await taken(journal, holder="one", duration=self.short)
        await self.let_pass(2 * self.short)
        await taken(journal, holder="two", duration=self.short)

        assert await journal.renew(lost, duration=HOUR) is False
        await self.let_pass(2 * self.short)
        await taken(journal, holder="three")

    @law
    async def test_expired_lease_is_renewed_while_nobody_took_it(self, journal: Journal) -> None:
        """A lease that ran out is renewed as long as no other holder has begun."""
        lease = await taken(journal, holder="one", duration=self.short)
        await self.let_pass(2 * self.short)

        assert await journal.renew(lease, duration=HOUR) is True
        assert await journal.lease(SHOP, holder="two", duration=HOUR) is None

    @law
    async def test_release_of_a_lost_lease_is_left_alone(self, journal: Journal) -> None:
        """Who gives back a lease that another has taken over takes nothing from the other."""
        lost = await taken(journal, holder="one", duration=self.short)
        await self.let_pass(2 * self.short)
        await taken(journal, holder="two")
        await journal.release(lost)
        await journal.release(lost)

        assert await journal.lease(SHOP, holder="three", duration=HOUR) is None

    @law
    async def test_same_holder_again_is_another_lease(self, journal: Journal) -> None:
        """A lease is known by its token: a former one of the same holder neither renews nor gives back the new one."""
        former = await taken(journal, holder="one")
        await journal.release(former)
        await taken(journal, holder="one")

        assert await journal.renew(former, duration=HOUR) is False
        await journal.release(former)
        assert await journal.lease(SHOP, holder="two", duration=HOUR) is None


class LifeLaws(Contract[Journal]):
    """Where channels stand."""

    @law
    async def test_unheard_of_channel_is_a_draft(self, journal: Journal) -> None:
        """A channel that nobody switched is a draft in good health."""
        await journal.enable(MARKET, by="host", at=NOON)

        assert (await journal.life([SHOP]))[SHOP] == ChannelLife(channel=SHOP)
        assert await journal.life([]) == {}

    @law
    async def test_switching_is_kept_with_its_reason(self, journal: Journal) -> None:
        """A channel that was switched tells to what, why, by whom and since when."""
        at = NOON.replace(microsecond=1)
        await journal.enable(SHOP, by="connection test", at=NOON, why="it passed ✓")
        await journal.enable(MARKET, by="host", at=at)
        life = await journal.life([SHOP, MARKET])
        assert life == {
            SHOP: ChannelLife(
                channel=SHOP, state=ChannelState.ENABLED, cause="it passed ✓", by="connection test", since=NOON
            ),
            MARKET: ChannelLife(channel=MARKET, state=ChannelState.ENABLED, by="host", since=at),
        }

        await journal.disable(SHOP, by="Grete", cause="holidays", at=at)
        assert (await journal.life([SHOP]))[SHOP] == ChannelLife(
            channel=SHOP, state=ChannelState.DISABLED, cause="holidays", by="Grete", since=at
        )

    @law
    async def test_switching_is_an_entry(self, journal: Journal) -> None:
        """Each switch is an entry of the channel, with its time."""
        await journal.enable(SHOP, by="host", at=NOON)
        await journal.disable(SHOP, by="host", cause="holidays", at=NOON + MINUTE)

        found = await journal.entries(channel=SHOP, kinds=[EntryKind.CHANNEL_SWITCHED])
        assert [entry.at for entry in found] == [NOON + MINUTE, NOON]
        assert list(await journal.entries(channel=MARKET)) == []

    @law
    async def test_health_is_kept_beside_the_state(self, journal: Journal) -> None:
        """Failed runs and the pause after them are kept, whatever the channel's state, and do not change it."""
        paused_until = NOON.replace(microsecond=7)
        await journal.set_health(SHOP, failures=1)
        await journal.enable(MARKET, by="host", at=NOON)
        await journal.set_health(MARKET, failures=3, paused_until=paused_until)

        life = await journal.life([SHOP, MARKET])
        assert life[SHOP] == ChannelLife(channel=SHOP, failures=1)
        assert life[MARKET].state is ChannelState.ENABLED
        assert (life[MARKET].failures, life[MARKET].paused_until) == (3, paused_until)
        await journal.set_health(MARKET, failures=0)
        life = await journal.life([MARKET])
        assert (life[MARKET].failures, life[MARKET].paused_until) == (0, None)

    @law
    async def test_enabled_channel_is_well(self, journal: Journal) -> None:
        """A channel that is enabled has failed no run yet."""
        await journal.disable(SHOP, by="host", cause="connection broken", at=NOON)
        await journal.set_health(SHOP, failures=9, paused_until=NOON + HOUR)
        await journal.enable(SHOP, by="host", at=NOON + MINUTE)

        life = (await journal.life([SHOP]))[SHOP]
        assert (life.failures, life.paused_until) == (0, None)

    @law
    async def test_channel_enabled_once_more_is_well(self, journal: Journal) -> None:
        """A channel that is enabled already is well again all the same, and nothing is switched."""
        await journal.enable(SHOP, by="host", at=NOON)
        await journal.set_health(SHOP, failures=9, paused_until=NOON + HOUR)
        await journal.enable(SHOP, by="host", at=NOON + MINUTE)

        life = (await journal.life([SHOP]))[SHOP]
        assert (life.failures, life.paused_until, life.since) == (0, None, NOON)


class EntryLaws(Contract[Journal]):
    """What is written is found again, newest first."""

    @law
    async def test_entry_comes_back_equal(self, journal: Journal) -> None:
        """Every field of an entry comes back as it was written, of a channel or of none."""
        full = JournalEntry(
            at=NOON.replace(microsecond=1),
            kind=EntryKind.ERROR,
            run_id="run/1",
            channel=SHOP,
            code="channel-unavailable",
            message="Händler antwortet nicht ✓",
            facts={"page": "12", "Wort": "bezahlt"},
        )
        bare = JournalEntry(at=NOON, kind=EntryKind.RUN_STARTED)
        await journal.write([bare, full])
        await journal.write([])

        assert list(await journal.entries()) == [full, bare]

    @law
    async def test_entries_are_newest_first_and_limited(self, journal: Journal) -> None:
        """Entries come newest first, no more than asked for."""
        await journal.write([make_entry(1), make_entry(2)])
        await journal.write([make_entry(3)])

        assert [entry.message for entry in await journal.entries()] == ["entry 3", "entry 2", "entry 1"]
        assert [entry.message for entry in await journal.entries(limit=2)] == ["entry 3", "entry 2"]

    @law
    async def test_entries_are_filtered(self, journal: Journal) -> None:
        """Only entries of the channel, run, kinds and times asked for come, all conditions together."""
        await journal.write(
            [
                make_entry(1, run_id="a"),
                make_entry(2, run_id="a", kind=EntryKind.ERROR),
                make_entry(3, run_id="b", kind=EntryKind.ERROR, channel=MARKET),
                make_entry(4, run_id="b", kind=EntryKind.CONFLICT),
                make_entry(5, run_id="b", channel=None),
            ]
        )

        async def numbers(**asked: object) -> list[int]:
            found = await journal.entries(**asked)  # type: ignore[arg-type]
            return [int(entry.message.split()[1]) for entry in found]

        assert await numbers(channel=SHOP) == [4, 2, 1]
        assert await numbers(run_id="b") == [5, 4, 3]
        assert await numbers(kinds=[EntryKind.ERROR, EntryKind.CONFLICT]) == [4, 3, 2]
        assert await numbers(kinds=[]) == []
        assert await numbers(since=NOON + 2.5 * MINUTE) == [5, 4, 3]
        assert await numbers(until=NOON + 2.5 * MINUTE) == [2, 1]
        assert await numbers(since=NOON + 1.5 * MINUTE, until=NOON + 4.5 * MINUTE) == [4, 3, 2]
        assert await numbers(channel=SHOP, kinds=[EntryKind.ERROR], run_id="a") == [2]
        assert await numbers(channel=SHOP, limit=1) == [4]

    @law
    async def test_what_was_returned_stays(self, journal: Journal) -> None:
        """What a verb returned does not change with later writes."""
        await journal.write([make_entry(1)])
        entries, life = await journal.entries(), await journal.life([SHOP])

        await journal.write([make_entry(2)])
        await journal.enable(SHOP, by="host", at=NOON)
        assert list(entries) == [make_entry(1)]
        assert life == {SHOP: ChannelLife(channel=SHOP)}


class Trials:
    """What is done to a journal in one trial after another, each on a channel of its own."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.leases: dict[str, Lease] = {}

    async def nothing(self, name: str) -> None:
        """Leave the channel of the trial as fresh as it is."""

    async def leased(self, name: str) -> None:
        """Take the lease."""
        self.leases[name] = await taken(self.journal, ChannelId("Trial", name), holder="one")

    async def look(self, name: str) -> object:
        """Show all of a trial's channel, without its name."""
        channel = ChannelId("Trial", name)
        life = (await self.journal.life([channel]))[channel]
        entries = await self.journal.entries(channel=channel)
        return attrs.evolve(life, channel=SHOP), [(entry.kind, entry.message) for entry in entries]

    async def look_at_lease(self, name: str) -> object:
        """Say whether the channel is free, and give it back."""
        lease = await self.journal.lease(ChannelId("Trial", name), holder="two", duration=HOUR)
        if lease is not None:
            await self.journal.release(lease)
        return lease is None

    async def lease(self, name: str) -> object:
        """Take a lease."""
        return await self.journal.lease(ChannelId("Trial", name), holder="one", duration=HOUR)

    async def release(self, name: str) -> None:
        """Give the lease back."""
        await self.journal.release(self.leases[name])

    async def enable(self, name: str) -> None:
        """Enable the channel."""
        await self.journal.enable(ChannelId("Trial", name), by="host", at=NOON)

    async def disable(self, name: str) -> None:
        """Disable the channel."""
        await self.journal.disable(ChannelId("Trial", name), by="host", cause="holidays", at=NOON)

    async def set_health(self, name: str) -> None:
        """Note failed runs."""
        await self.journal.set_health(ChannelId("Trial", name), failures=2, paused_until=NOON)

    async def write(self, name: str) -> None:
        """Write two entries."""
        await self.journal.write([make_entry(number, channel=ChannelId("Trial", name)) for number in (1, 2)])


class JournalCancellationLaws(Contract[Journal]):
    """A verb whose caller is cancelled is wholly done or not done, and the journal works on."""

    @law
    async def test_writing_verbs_are_done_or_not_done(self, journal: Journal) -> None:
        """L9: every verb that writes may be cancelled anywhere."""
        trials = Trials(journal)
        for verb in (trials.enable, trials.disable, trials.set_health, trials.write):
            await Cut(prepare=trials.nothing, verb=verb, look=trials.look).check(verb.__name__)

    @law
    async def test_lease_verbs_are_done_or_not_done(self, journal: Journal) -> None:
        """L9: a cancelled lease is taken or free, and so is one whose release was cancelled."""
        trials = Trials(journal)
        await Cut(prepare=trials.nothing, verb=trials.lease, look=trials.look_at_lease).check("lease")
        await Cut(prepare=trials.leased, verb=trials.release, look=trials.look_at_lease).check("release")

    @law
    async def test_reads_may_be_cancelled(self, journal: Journal) -> None:
        """A cancelled reader leaves a journal that answers the next one."""
        await journal.write([make_entry(1)])

        await reads_survive({"life": lambda: journal.life([SHOP]), "entries": journal.entries})


class JournalContract(LeaseLaws, LifeLaws, EntryLaws, JournalCancellationLaws):
    """The laws of ``Journal``; a subclass provides ``open``, which yields a fresh, empty journal.

    Leases are judged by the storage's own clock. Where that can be told to advance, ``let_pass`` does it; else the
    laws wait for real.
    """
