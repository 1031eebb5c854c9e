"""The contract of every journal: leases, channel life, entries, and verbs that are cut off."""

from __future__ import annotations

import attrs

from ...model.ids import ChannelId, OrderKey
from ...model.runs import Lease
from ...ports import Journal
from ..builders import NOON, SHOP
from .entries import EntryLaws, make_entry
from .laws import Contract, Cut, law, reads_survive
from .leases import LeaseLaws, taken
from .lives import LifeLaws
from .steps import HOUR


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
        await self.journal.set_health(ChannelId("Trial", name), at=NOON, failures=2, paused_until=NOON, trouble="auth")

    async def write(self, name: str) -> None:
        """Write two entries, one of them about an order."""
        channel = ChannelId("Trial", name)
        await self.journal.write(
            [make_entry(1, channel=channel), make_entry(2, channel=channel, order=OrderKey(channel, "1001"))]
        )


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

        await reads_survive(
            {"life": lambda: journal.life([SHOP]), "entries": journal.entries, "channels": journal.channels}
        )


class JournalContract(LeaseLaws, LifeLaws, EntryLaws, JournalCancellationLaws):
    """The laws of ``Journal``; a subclass provides ``open``, which yields a fresh, empty journal.

    Leases are judged by the storage's own clock. Where that can be told to advance, ``let_pass`` does it; else the
    laws wait for real.
    """
