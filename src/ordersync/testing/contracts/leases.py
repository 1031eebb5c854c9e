"""The contract of every journal: leases."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import ClassVar

from ...model.ids import ChannelId, Fence
from ...model.runs import Lease
from ...ports import Journal
from ..builders import SHOP
from .laws import Contract, law
from .steps import HOUR, MARKET


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
    async def test_lease_tells_the_time(self, journal: Journal) -> None:
        """A lease says what the storage's clock showed when it was taken, and time passes from one to the next."""
        first = await taken(journal, holder="one")
        await self.let_pass(self.short)
        second = await taken(journal, MARKET, holder="one")

        assert first.at is not None, "the lease does not say at which time of the storage it was taken"
        assert second.at is not None
        assert second.at - first.at >= self.short / 2

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
