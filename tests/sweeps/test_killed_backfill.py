"""A first download is killed in its middle: it goes on where it came to, or begins anew, and stores nothing twice."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from signal import SIGKILL

import pytest

from ordersync import ChannelId
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.testing import ManualClock
from sweeps.serving import LoggedMarketplace, Served, go, ready_runner, run_in_process, served

SHOP = ChannelId("Shop", "north")
PAGE = 50
SKUS = 7
OVERLAP = 52
"""Orders placed within the five minutes that a scan reaches back, and a second."""

sizes = pytest.mark.parametrize(
    "orders", [pytest.param(1000), pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(300)])]
)


def shop_with(orders: int, *, oldest_first: bool) -> LoggedMarketplace:
    """Return a shop in which somebody has bought something every six seconds until now."""
    clock = ManualClock(datetime.now(UTC) - timedelta(seconds=6 * orders))
    shop = LoggedMarketplace(SHOP, clock=clock, page_size=PAGE, pages_in_update_order=oldest_first)
    for number in range(SKUS):
        shop.list_sku(f"SKU-{number}", 100_000)
    for number in range(orders):
        shop.place(f"{number:06}", lines={f"SKU-{number % SKUS}": 1 + number % 3})
        clock.advance(seconds=6)
    return shop


async def open_shop(file: Path) -> None:
    """Put goods on the shelf and link them."""
    async with SQLiteStorage(file) as storage:
        for number in range(SKUS):
            sku = f"SKU-{number}"
            await storage.stock.set_on_hand(sku, location="main", quantity=100_000, movement_id=f"opening/{sku}")
            await storage.listings.link(SHOP, sku, sku)


async def kill_in_the_middle(file: Path, shop: LoggedMarketplace, at: Served) -> list[str]:
    """Kill a first download while half of its pages are stored; return the orders that it was shown."""
    pages = len(shop.orders) // PAGE
    reached = asyncio.Event()

    async def on_call(method: str, when: str) -> None:
        if method == "fetch_orders" and when == "before" and shop.calls[method] > pages // 2:
            reached.set()

    shop.on_call = on_call
    process = await ready_runner(file, [at])
    go(process)
    await asyncio.wait_for(reached.wait(), 60)
    process.send_signal(SIGKILL)
    assert await process.wait() == -SIGKILL
    shop.on_call = None
    await asyncio.sleep(0.05)
    seen = [reference for page in shop.pages for reference in page]
    shop.pages.clear()
    return seen


async def everything_is_there_once(file: Path, shop: LoggedMarketplace) -> None:
    """Every order is stored, holds its goods once, and the shop shows what is left of them."""
    async with SQLiteStorage(file) as storage:
        decisions = await storage.orders.decisions(SHOP, limit=100_000)
        assert sorted(decision.key.reference for decision in decisions) == sorted(shop.orders)
        assert all(decision.admitted for decision in decisions)
        levels = await storage.stock.levels([f"SKU-{number}" for number in range(SKUS)])
        progress = await storage.orders.progress(SHOP)
    wanted = [
        sum(line.quantity for order in shop.orders.values() for line in order.lines if line.sku == f"SKU-{number}")
        for number in range(SKUS)
    ]
    assert [(level.on_hand, level.reserved) for level in levels] == [(100_000, quantity) for quantity in wanted]
    assert shop.levels == {level.sku: level.available for level in levels}
    assert not progress.interrupted


@sizes
async def test_backfill_in_update_order_goes_on_where_it_was_killed(orders: int, tmp_path: Path) -> None:
    """A channel that pages in update order is read on from the last page stored; early pages are not read again."""
    file, shop = tmp_path / "shop.db", shop_with(orders, oldest_first=True)
    await open_shop(file)
    async with served(shop) as (at,):
        before = await kill_in_the_middle(file, shop, at)
        report = await run_in_process(file, [at], minutes_later=6)
    again = {reference for page in shop.pages for reference in page} & set(before)

    assert again == set(sorted(before)[-len(again) :])
    assert 0 < len(again) <= OVERLAP + 2 * PAGE
    assert report["Shop"]["status"] == "done"
    assert report["Shop"]["seen"] == sum(map(len, shop.pages))
    await everything_is_there_once(file, shop)


@sizes
async def test_backfill_in_another_order_begins_anew_when_it_was_killed(orders: int, tmp_path: Path) -> None:
    """A channel that pages otherwise is read anew, for orders may have slipped past; known ones count as same."""
    file, shop = tmp_path / "shop.db", shop_with(orders, oldest_first=False)
    await open_shop(file)
    async with served(shop) as (at,):
        before = await kill_in_the_middle(file, shop, at)
        report = await run_in_process(file, [at], minutes_later=6)
    again = [reference for page in shop.pages for reference in page]

    assert sorted(again) == sorted(shop.orders)
    assert report["Shop"]["new"] + report["Shop"]["same"] == orders
    assert len(before) - 2 * PAGE <= report["Shop"]["same"] <= len(before)
    await everything_is_there_once(file, shop)
