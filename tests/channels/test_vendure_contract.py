"""VendureChannel keeps the laws of channels, before a stub of Vendure's admin API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from channels.vendure_harness import SHOP, StubHarness
from channels.vendure_shop import VendureShop
from channels.vendure_stub import USER, VendureStub
from ordersync.channels.vendure import VendureChannel
from ordersync.testing.contracts.channel import ChannelContract, ChannelHarness


class TestVendureChannel(ChannelContract):
    """Before a stub."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[ChannelHarness]:
        """Serve an empty shop, and read it in pages of two."""
        stub = VendureStub(VendureShop())
        async with stub.serve() as url:
            channel = VendureChannel(SHOP, base_url=url, user=USER, password=stub.password)
            vars(channel)["page_size"] = 2
            async with channel:
                yield StubHarness(channel, stub, url)
