"""VendureChannel keeps the laws of channels before a real Vendure server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import ClassVar

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from channels.vendure_harness import SHOP
from ordersync.channel import Channel
from ordersync.channels.vendure import VendureChannel
from ordersync.model.channel_orders import Shipment
from ordersync.testing.contracts.channel import ChannelContract, ChannelHarness
from ordersync.testing.network import BadNetwork
from vendure.install import missing_tools
from vendure.running import VendureServer
from vendure.seller import Seller, selling

pytestmark = [pytest.mark.vendure, pytest.mark.timeout(1200)]

ON_HAND = 50
KEPT = ("Content-Type", "Authorization", "Date", "vendure-auth-token")


@asynccontextmanager
async def bad_way(server: VendureServer, network: BadNetwork) -> AsyncIterator[str]:
    """Stand between channel and server; yield the address that leads over *network*."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def forward(request: web.Request) -> web.Response:
            body = await request.read()
            async with session.post(server.admin_api, data=body, headers=_kept(request.headers)) as answer:
                return web.Response(status=answer.status, body=await answer.read(), headers=_kept(answer.headers))

        app = web.Application(middlewares=[network.middleware])
        app.router.add_post("/admin-api", forward)
        proxy = TestServer(app)
        await proxy.start_server(access_log=None, shutdown_timeout=0.1)
        try:
            yield str(proxy.make_url("/admin-api"))
        finally:
            await proxy.close()


class LiveHarness(ChannelHarness):
    """The channel before a real server, in whose shop buyers buy."""

    def __init__(self, channel: Channel, seller: Seller, server: VendureServer, network: BadNetwork) -> None:
        super().__init__(channel)
        self.seller, self.server, self.network = seller, server, network

    async def place_order(self, lines: Mapping[str, int]) -> str:
        """Buy through the shop's API."""
        return await self.seller.place_order(lines)

    async def known_levels(self) -> Mapping[str, int]:
        """Return what the server would sell at its first location."""
        facts = await self.seller.stock_facts()
        return {sku: levels["main"][0] - levels["main"][1] for sku, levels in facts.items()}

    async def known_dispatches(self, reference: str) -> Sequence[Shipment]:
        """Return the fulfillments that have left."""
        order = await self.seller.order_facts(reference)
        return [
            Shipment(
                lines={order.lines[sku].id: quantity for sku, quantity in one.lines.items()},
                carrier=one.method,
                tracking_number=one.tracking_code,
            )
            for one in order.fulfillments
            if one.state == "Shipped"
        ]

    def borrowing(self, session: aiohttp.ClientSession) -> Channel:
        """Make a channel that uses the session."""
        return VendureChannel(
            SHOP,
            base_url=self.server.admin_api,
            user=self.server.user,
            password=self.server.password,
            session=session,
        )


class TestVendureChannelLive(ChannelContract):
    """Before one server for all laws, which finds each SKU well stocked."""

    server: ClassVar[VendureServer]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _running(cls) -> Iterator[None]:
        """Run the server."""
        reason = missing_tools()
        if reason is not None:
            pytest.skip(reason)
        with VendureServer() as cls.server:
            yield

    @asynccontextmanager
    async def open(self) -> AsyncIterator[ChannelHarness]:
        """Fill the shelves and connect."""
        network = BadNetwork()
        async with selling(self.server) as seller, bad_way(self.server, network) as url:
            for sku in ChannelHarness.skus:
                await seller.set_stock(sku, "main", ON_HAND + (await seller.stock_facts())[sku]["main"][1])
            channel = VendureChannel(SHOP, base_url=url, user=self.server.user, password=self.server.password)
            vars(channel)["page_size"] = 5
            async with channel:
                yield LiveHarness(channel, seller, self.server, network)


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name] for name in KEPT if name in headers}
