"""The fake marketplace keeps the laws of channels, in memory and behind HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from channels.market_harness import TOKEN, MarketHarness
from ordersync.testing import FakeMarketplace
from ordersync.testing.contracts.channel import ChannelContract, ChannelHarness
from ordersync.testing.loopback import LoopbackChannel
from ordersync.testing.network import BadNetwork
from ordersync.testing.server import serve


class TestFakeMarketplace(ChannelContract):
    """In memory."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[ChannelHarness]:
        """Open an empty marketplace."""
        async with FakeMarketplace() as market:
            yield MarketHarness(market, market)


class TestLoopbackChannel(ChannelContract):
    """Behind HTTP."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[ChannelHarness]:
        """Serve an empty marketplace."""
        market, network = FakeMarketplace(), BadNetwork()
        async with (
            serve(market, token=TOKEN, network=network) as url,
            LoopbackChannel(market.id, url=url, token=TOKEN) as channel,
        ):
            yield MarketHarness(channel, market, network)
