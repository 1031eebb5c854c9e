"""The fake marketplace behind HTTP and the Vendure channel, each in a simulated world of bad luck."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import ClassVar, cast

import pytest

from channels.market_harness import TOKEN, MarketHarness
from channels.vendure_harness import SHOP, StubHarness
from channels.vendure_shop import Order, VendureShop
from channels.vendure_stub import USER, VendureStub
from ordersync.channels.vendure import VendureChannel
from ordersync.clock import Clock
from ordersync.http import Transport
from ordersync.testing import FakeMarketplace
from ordersync.testing.contracts.channel import ChannelHarness
from ordersync.testing.loopback import LoopbackChannel
from ordersync.testing.market import BareMarketplace
from ordersync.testing.network import BadNetwork
from ordersync.testing.server import serve
from ordersync.testing.simulator.authors import ChannelSimulation


class TestFakeMarketplaceSimulated(ChannelSimulation):
    """Behind HTTP."""

    seeds: ClassVar[range] = range(2)

    @asynccontextmanager
    async def harness(self) -> AsyncIterator[ChannelHarness]:
        """Serve a marketplace that ships whatever it is told, and pages so that nothing slips past."""
        market = FakeMarketplace(clock=self.clock, refuses_overshipping=False, pages_in_update_order=True)
        network, transport = BadNetwork(), Transport(clock=self.clock)
        async with (
            serve(market, token=TOKEN, network=network) as url,
            LoopbackChannel(
                market.id, url=url, token=TOKEN, transport=transport, pages_in_update_order=True
            ) as channel,
        ):
            yield MarketHarness(channel, market, network)


class TestBareMarketplaceSimulated(ChannelSimulation):
    """In memory, with nothing that a channel need not offer: calls fail as a whole, and offsets lose orders."""

    seeds: ClassVar[range] = range(2)
    judges_scans = False

    @asynccontextmanager
    async def harness(self) -> AsyncIterator[ChannelHarness]:
        """Open a marketplace that can neither be asked for an order nor for its listings."""
        market = BareMarketplace(clock=self.clock)
        async with market:
            yield MarketHarness(market, cast("FakeMarketplace", market))


class TimedShop(VendureShop):
    """A shop whose orders are placed in the time of a clock."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def place(self, lines: Mapping[str, int], *, pay: bool = True) -> Order:
        """Let a buyer check out now."""
        order = super().place(lines, pay=False)
        order.created_at = self.clock.now()
        if pay:
            self.pay(order)
        return order


class TestVendureSimulated(ChannelSimulation):
    """Before a stub of its admin API."""

    seeds: ClassVar[range] = range(2)

    @asynccontextmanager
    async def harness(self) -> AsyncIterator[ChannelHarness]:
        """Serve a shop, and read it in pages of two."""
        stub = VendureStub(TimedShop(self.clock))
        async with stub.serve() as url:
            transport = Transport(clock=self.clock)
            channel = VendureChannel(SHOP, base_url=url, user=USER, password=stub.password, transport=transport)
            vars(channel)["page_size"] = 2
            async with channel:
                yield StubHarness(channel, stub, url)


def test_seed_decides_everything() -> None:
    """The same seed does the same again, real sockets or not, and hours pass in it."""
    first, second = TestVendureSimulated().play(7), TestVendureSimulated().play(7)

    assert first.digest == second.digest
    assert first.virtual_s > 5 * 3600
    assert first.orders > 3


@pytest.mark.slow
class TestFakeMarketplaceLong(TestFakeMarketplaceSimulated):
    """A hundred seeds more."""

    seeds: ClassVar[range] = range(1000, 1100)


@pytest.mark.slow
class TestVendureLong(TestVendureSimulated):
    """A hundred seeds more."""

    seeds: ClassVar[range] = range(1000, 1100)


@pytest.mark.slow
class TestBareMarketplaceLong(TestBareMarketplaceSimulated):
    """A hundred seeds more."""

    seeds: ClassVar[range] = range(1000, 1100)
