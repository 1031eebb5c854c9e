"""VendureChannel before a real server on PostgreSQL, which ships twice whoever asks twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta

import pytest

from channels.vendure_harness import SHOP
from ordersync.channels.vendure import VendureChannel
from ordersync.channels.vendure.documents import ShopOrder
from ordersync.errors import ChannelUnavailableError
from ordersync.http import Limits, Transport
from ordersync.model.channel_orders import ChannelOrder, FulfillmentStatus
from ordersync.model.dispatch import DispatchNote
from ordersync.testing.contracts.channel_harness import note_for
from vendure.install import missing_tools
from vendure.postgres import PostgresCluster, find_binaries
from vendure.running import VendureServer
from vendure.seller import FULFIL, Seller, selling

pytestmark = [pytest.mark.vendure, pytest.mark.timeout(1200)]

HASTY = Transport(limits=Limits(total=timedelta(seconds=0.7)))
LANDING_S = 2.0


class Freezing(VendureChannel):
    """A channel whose server can be frozen after it was read from and before it is written to."""

    freeze: Callable[[], None] | None = None

    async def _order(self, note: DispatchNote) -> ShopOrder:
        order = await super()._order(note)
        if self.freeze is not None:
            self.freeze()
        return order


@pytest.fixture(scope="module")
def server() -> Iterator[VendureServer]:
    """Run Vendure on PostgreSQL."""
    reason = missing_tools() or ("no PostgreSQL binaries on this machine" if find_binaries() is None else None)
    if reason is not None:
        pytest.skip(reason)
    with PostgresCluster() as cluster, VendureServer(database=cluster.create_database()) as server:
        yield server


@pytest.fixture
async def seller(server: VendureServer) -> AsyncIterator[Seller]:
    """Open the shop and work in it."""
    async with selling(server) as seller:
        yield seller


@pytest.fixture
async def channel(server: VendureServer) -> AsyncIterator[Freezing]:
    """Connect with little patience."""
    channel = Freezing(SHOP, base_url=server.admin_api, user=server.user, password=server.password, transport=HASTY)
    async with channel:
        await channel.test_connection()
        yield channel


async def order_of(channel: VendureChannel, code: str) -> ChannelOrder:
    """Read an order."""
    found = await channel.fetch_order(code)
    assert isinstance(found, ChannelOrder)
    return found


async def test_copies_of_one_request_end_as_one_parcel(
    server: VendureServer, seller: Seller, channel: Freezing
) -> None:
    """Tries that timed out all land later; looked for and sent again, the order has one parcel and stock is right."""
    before = (await seller.stock_facts())["MUG"]["main"]
    code = await seller.place_order({"MUG": 2, "LID": 1})
    note = note_for(channel, await order_of(channel, code))
    request = await seller.fulfillment_request(code, {"MUG": 2, "LID": 1}, note.tracking_number or "")
    copies = [asyncio.ensure_future(seller.admin.answer(FULFIL, input=request)) for _ in range(3)]
    await asyncio.gather(*copies)
    assert len((await seller.order_facts(code)).fulfillments) > 1

    await channel.send_dispatch(note)
    assert await seller.count_fulfillments(code) == 1
    found = await order_of(channel, code)
    assert found.fulfillment is FulfillmentStatus.SHIPPED
    assert [dict(one.lines) for one in found.shipments] == [dict(note.lines)]
    assert (await seller.stock_facts())["MUG"]["main"][0] == before[0] - 2


async def test_frozen_server_ends_with_one_parcel(server: VendureServer, seller: Seller, channel: Freezing) -> None:
    """A server that froze under a note makes the fulfillment when it thaws; the next try finds it and ships it."""
    code = await seller.place_order({"MUG": 1})
    note = note_for(channel, await order_of(channel, code))
    channel.freeze = server.pause
    try:
        with pytest.raises(ChannelUnavailableError) as caught:
            await channel.send_dispatch(note)
    finally:
        server.resume()
    assert caught.value.applied is None
    await asyncio.sleep(LANDING_S)
    assert [one.state for one in (await seller.order_facts(code)).fulfillments] == ["Pending"]

    channel.freeze = None
    await channel.send_dispatch(note)
    assert [one.state for one in (await seller.order_facts(code)).fulfillments] == ["Shipped"]
    assert (await order_of(channel, code)).fulfillment is FulfillmentStatus.SHIPPED
