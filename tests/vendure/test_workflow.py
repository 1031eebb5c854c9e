"""The main job on real input: a real Vendure shop and a second channel, kept in step by ordersync."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from ordersync import OrderKey, OrderState, Parcel
from vendure.busy_day import BusyShop, sell_for_a_day
from vendure.engine import (
    HERE,
    MARKET,
    SHOP,
    SKUS,
    Engine,
    count_shelf,
    engine,
    open_pieces,
    shown_by_shop,
    to_download,
)
from vendure.running import VendureServer
from vendure.seller import Seller, selling

pytestmark = pytest.mark.vendure


@pytest.fixture
def server() -> Iterator[VendureServer]:
    """Run a shop of this test's own."""
    with VendureServer() as running:
        yield running


@pytest.fixture
async def seller(server: VendureServer) -> AsyncIterator[Seller]:
    """Give somebody who works in it."""
    async with selling(server) as person:
        yield person


@pytest.fixture
async def shop(server: VendureServer, seller: Seller) -> BusyShop:
    """Sell for a day: at least thirty paid orders among unpaid, shipped and cancelled ones."""
    return BusyShop(server=server, day=await sell_for_a_day(seller), database="memory")


@pytest.fixture
async def sync(shop: BusyShop, tmp_path: Path) -> AsyncIterator[Engine]:
    """Put ordersync beside the shop, with nothing downloaded yet."""
    async with engine(shop.server, tmp_path / "shop.db") as beside:
        yield beside


async def test_one_run_brings_exactly_the_right_orders(shop: BusyShop, sync: Engine) -> None:
    """Paid and authorized orders that are not wholly shipped are stored, and nothing else is."""
    report = await sync.runner.run_once()

    report.raise_for_errors()
    expected = to_download(shop.day)
    stored = {code for code in expected if await sync.storage.orders.find(code, channel=SHOP)}
    assert len(shop.day.paid) >= 30
    assert stored == expected
    assert report.channels[SHOP].new == len(expected)
    for code in {*shop.day.unpaid, *shop.day.shipped, *shop.day.cancelled}:
        assert not await sync.storage.orders.find(code, channel=SHOP)


async def test_stock_is_reserved_and_both_channels_show_what_is_left(
    shop: BusyShop, sync: Engine, seller: Seller
) -> None:
    """The set of writes follows from the shop's and the market's own facts, and it is what happens."""
    lying = await count_shelf(sync, seller)
    promised = open_pieces([await seller.order_facts(code) for code in to_download(shop.day)])
    left = {sku: lying[sku] - promised[sku] for sku in SKUS}
    before = await shown_by_shop(seller)
    due_at_market = {f"M-{sku}": left[sku] for sku in SKUS if left[sku] != 0}
    due_at_shop = {sku for sku in SKUS if before[sku] != left[sku]}
    assert due_at_market

    shop_report = (await sync.runner.run_once(only=[SHOP])).channels[SHOP]
    (await sync.runner.run_once(only=[MARKET])).raise_for_errors()

    levels = {level.sku: level for level in await sync.storage.stock.levels(list(SKUS))}
    assert {sku: levels[sku].reserved for sku in SKUS} == {sku: promised[sku] for sku in SKUS}
    assert {sku: levels[sku].on_hand for sku in SKUS} == lying
    written = [(one.listing.channel_sku, one.quantity) for one in sync.market.levels_applied]
    assert sorted(written) == sorted(due_at_market.items())
    assert await shown_by_shop(seller) == left
    assert shop_report.pushed == len(due_at_shop)


async def test_whole_and_partial_parcels_arrive_and_a_second_run_writes_nothing(
    shop: BusyShop, sync: Engine, seller: Seller
) -> None:
    """Orders in one and in two parcels become Shipped and PartiallyShipped with their tracking; then all is quiet."""
    await count_shelf(sync, seller)
    await sync.runner.run_once()
    whole, split = shop.day.paid[0], shop.day.paid[1]
    await sync.desk.process(OrderKey(SHOP, whole), Parcel(carrier="DHL", tracking_number="JD-WHOLE"))
    lines = {line.channel_sku: line.line_id for line in (await sync.storage.orders.get(OrderKey(SHOP, split))).lines}
    first = Parcel(id="p1", lines={lines["MUG"]: 2}, carrier="DHL", tracking_number="JD-ONE")
    await sync.desk.process(OrderKey(SHOP, split), first)

    (await sync.runner.run_once()).raise_for_errors()

    facts = await seller.order_facts(whole)
    assert (facts.state, facts.fulfillments[0].tracking_code) == ("Shipped", "JD-WHOLE")
    assert (await seller.order_facts(split)).state == "PartiallyShipped"

    await sync.desk.process(OrderKey(SHOP, split), Parcel(id="p2", carrier="DHL", tracking_number="JD-TWO"))
    report = await sync.runner.run_once()
    report.raise_for_errors()
    facts = await seller.order_facts(split)
    assert facts.state == "Shipped"
    assert [(one.tracking_code, dict(one.lines)) for one in facts.fulfillments] == [
        ("JD-ONE", {"MUG": 2}),
        ("JD-TWO", {"LID": 2}),
    ]
    assert (await sync.storage.orders.get(OrderKey(SHOP, split))).state is OrderState.PROCESSED

    await sync.runner.run_once()
    written, told = len(sync.mutations.writes), len(sync.market.levels_applied)
    idle = await sync.runner.run_once()
    idle.raise_for_errors()
    assert (len(sync.mutations.writes), len(sync.market.levels_applied)) == (written, told)
    assert (idle.channels[SHOP].pushed, idle.channels[MARKET].pushed, idle.channels[SHOP].dispatched) == (0, 0, 0)


async def test_levels_stay_right_while_the_shop_ships(shop: BusyShop, sync: Engine, seller: Seller) -> None:
    """Dispatching moves goods out of the shop's books and ours alike, so nothing has to be corrected."""
    await count_shelf(sync, seller)
    await sync.runner.run_once()
    before = await shown_by_shop(seller)
    for number, code in enumerate(shop.day.paid[:5]):
        await sync.desk.process(OrderKey(SHOP, code), Parcel(carrier="DHL", tracking_number=f"JD-{number}"))

    report = await sync.runner.run_once()

    report.raise_for_errors()
    assert (report.channels[SHOP].dispatched, report.channels[SHOP].confirmed) == (5, 5)
    assert await shown_by_shop(seller) == before
    left = {
        level.sku: level.available for level in await sync.storage.stock.levels(list(SKUS)) if level.location == HERE
    }
    assert left == before
