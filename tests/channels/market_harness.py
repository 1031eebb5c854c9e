"""The fake marketplace as the world behind a channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from canaries import SECRET
from ordersync.channel import Channel
from ordersync.model.channel_orders import Shipment
from ordersync.testing import FakeMarketplace
from ordersync.testing.contracts.channel import ChannelHarness
from ordersync.testing.network import BadNetwork

TOKEN = f"{SECRET}-sesame"


class MarketHarness(ChannelHarness):
    """A fake marketplace, seen in memory or through a channel that speaks HTTP to it."""

    def __init__(self, channel: Channel, market: FakeMarketplace, network: BadNetwork | None = None) -> None:
        super().__init__(channel)
        self.market, self.network = market, network
        for sku in self.skus:
            market.list_sku(sku, 20)

    async def place_order(self, lines: Mapping[str, int]) -> str:
        """Buy."""
        reference = str(1000 + len(self.market.orders))
        self.market.place(reference, lines=lines)
        return reference

    async def known_levels(self) -> Mapping[str, int]:
        """Look at the shelf."""
        return self.market.levels

    async def known_dispatches(self, reference: str) -> Sequence[Shipment]:
        """Look at the order's shipments."""
        return [
            Shipment(lines=one.lines, carrier=one.carrier, tracking_number=one.tracking_number)
            for one in self.market.shipments
            if one.reference == reference
        ]

    async def spoil_order(self, reference: str) -> None:
        """Show a document without its lines."""
        self.market.spoil(reference)
