"""The stub of Vendure as the world behind the channel."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import aiohttp

from channels.vendure_stub import USER, VendureStub
from ordersync.channel import Channel
from ordersync.channels.vendure import VendureChannel
from ordersync.model.channel_orders import Shipment
from ordersync.model.ids import ChannelId
from ordersync.testing.contracts.channel import ChannelHarness

SHOP = ChannelId("Vendure", "shop")


class StubHarness(ChannelHarness):
    """The channel before a stub."""

    def __init__(self, channel: Channel, stub: VendureStub, url: str) -> None:
        super().__init__(channel)
        self.stub, self.url = stub, url
        self.network = stub.network
        for sku in self.skus:
            stub.shop.list_sku(sku, 20)

    async def place_order(self, lines: Mapping[str, int]) -> str:
        """Buy."""
        return self.stub.shop.place(lines).code

    async def known_levels(self) -> Mapping[str, int]:
        """Return what Vendure would sell at its first location."""
        levels = {variant.sku: variant.levels["1"] for variant in self.stub.shop.variants}
        return {sku: on_hand - allocated for sku, (on_hand, allocated) in levels.items()}

    async def known_dispatches(self, reference: str) -> Sequence[Shipment]:
        """Return the fulfillments that have left."""
        parcels = self.stub.shop.orders[reference].parcels
        return [
            Shipment(lines=parcel.lines, carrier=parcel.method, tracking_number=parcel.tracking)
            for parcel in parcels
            if parcel.state == "Shipped"
        ]

    async def spoil_order(self, reference: str) -> None:
        """Answer with a quantity that is none."""
        self.stub.shop.orders[reference].spoiled = {"totalWithTax": "a lot"}

    def borrowing(self, session: aiohttp.ClientSession) -> Channel:
        """Make a channel that uses the session."""
        return VendureChannel(SHOP, base_url=self.url, user=USER, password=self.stub.password, session=session)


@asynccontextmanager
async def connected(
    stub: VendureStub,
    *,
    password: str | None = None,
    token: str | None = None,
    session: aiohttp.ClientSession | None = None,
) -> AsyncIterator[VendureChannel]:
    """Yield an open channel to the stub."""
    async with stub.serve() as url:
        channel = VendureChannel(
            SHOP,
            base_url=url,
            user=USER,
            password=password or stub.password,
            channel_token=token,
            session=session,
        )
        async with channel:
            yield channel
