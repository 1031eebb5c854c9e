"""Orders of a real shop that a scan does not show any more, and what asking for them tells."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ordersync import ChannelReport, ChannelSettings, OrderKey, OrderState, Parcel
from ordersync.model.orders import Resolution
from vendure.branch import open_branch
from vendure.engine import HERE, SHOP, Engine, engine, shown_by_shop
from vendure.modifying import modify
from vendure.running import VendureServer
from vendure.seller import selling
from vendure.stage import remarks, staged

pytestmark = pytest.mark.vendure

# Behind the watermark, both grains of its stamps, and a little.
LONG_AGO_S = 3.0
NO_OVERLAP = timedelta(0)


async def sold_long_ago(server: VendureServer) -> str:
    """Sell two pieces, so long ago that no scan by time shows the order again."""
    async with selling(server) as seller:
        code = await seller.place_order({"MUG": 2})
    await asyncio.sleep(LONG_AGO_S)
    return code


async def test_order_that_has_left_the_sweep_is_looked_up(changing_shop: VendureServer, tmp_path: Path) -> None:
    """Shipping moves no stamp: the next run misses the order in its sweep, asks for it, and names what it finds."""
    code = await sold_long_ago(changing_shop)
    async with staged(changing_shop, tmp_path / "shop.db", overlap=NO_OVERLAP) as stage:
        await stage.seller.ship_by_hand(code, {"MUG": 2}, "HAND")

        report = await stage.run()

        assert report.looked_up == 1
        assert remarks(report, "conflict") == [("SHIPPED_ELSEWHERE", str(OrderKey(SHOP, code)))]
        assert remarks(report, "suspicious") == []
        await stage.sync.desk.resolve(OrderKey(SHOP, code), Resolution.PROCESS, who="Ann")
        assert (await stage.run()).looked_up == 0
        assert (await stage.order(code)).state is OrderState.PROCESSED
        assert await stage.ours("MUG") == await stage.theirs("MUG")


async def test_order_cancelled_long_after_we_shipped_it_is_seen(changing_shop: VendureServer, tmp_path: Path) -> None:
    """No sweep shows a shipped order, but its cancellation moves its stamp, and the shop's level is set right."""
    code = await sold_long_ago(changing_shop)
    async with staged(changing_shop, tmp_path / "shop.db", overlap=NO_OVERLAP) as stage:
        await stage.ship(code, Parcel(tracking_number="GONE"))
        before = await stage.shows("MUG")
        await stage.seller.cancel_order(code)
        assert (await shown_by_shop(stage.seller))["MUG"] == before + 2

        report = await stage.run()

        assert remarks(report, "conflict") == [("CANCELLED_AFTER_PROCESSING", str(OrderKey(SHOP, code)))]
        assert await stage.shows("MUG") == before


async def test_hint_sees_what_no_scan_does(changing_shop: VendureServer, tmp_path: Path) -> None:
    """What is modified away after shipping moves no stamp and is in no sweep; asked for, the order tells."""
    code = await sold_long_ago(changing_shop)
    async with staged(changing_shop, tmp_path / "shop.db", overlap=NO_OVERLAP) as stage:
        await stage.ship(code, Parcel(tracking_number="GONE"))
        before, key = await stage.shows("MUG"), OrderKey(SHOP, code)
        await modify(stage.seller, code, {"MUG": 1}, then="Shipped")
        assert (await shown_by_shop(stage.seller))["MUG"] == before + 1
        assert remarks((await stage.sync.runner.run_once()).channels[SHOP], "conflict") == []

        report = (await stage.sync.runner.hint(key)).channels[SHOP]

        assert (report.looked_up, report.pages) == (1, 0)
        assert remarks(report, "conflict") == [("EDITED_AFTER_PROCESSING", str(key))]
        await stage.run()
        assert await stage.shows("MUG") == before


async def test_hint_brings_a_new_order_without_a_scan(changing_shop: VendureServer, tmp_path: Path) -> None:
    """A webhook's order is reserved at once; the other channel is told by the next run."""
    async with staged(changing_shop, tmp_path / "shop.db") as stage:
        before = await stage.shows("MUG")
        code = await stage.seller.place_order({"MUG": 2})

        report = (await stage.sync.runner.hint(OrderKey(SHOP, code))).channels[SHOP]

        assert (report.new, report.looked_up, report.pages) == (1, 1, 0)
        assert await stage.ours("MUG") == await stage.theirs("MUG")
        assert stage.shown_by_market()["MUG"] == before
        await stage.run()
        assert await stage.shows("MUG") == before - 2


async def test_order_that_the_shop_does_not_know_any_more(changing_shop: VendureServer, tmp_path: Path) -> None:
    """What a branch leaves out has vanished and goes on reserving until it is shown again, unless all is left out."""
    file, began = tmp_path / "shop.db", datetime.now(UTC)
    async with staged(changing_shop, file, initial_from=began) as stage:
        for token in ("north", "empty"):
            await open_branch(stage.seller, token)
        gone = OrderKey(SHOP, await stage.seller.place_order({"MUG": 1}))
        for _ in range(3):
            await stage.seller.place_order({"MUG": 1}, branch="north")
        assert (await stage.run()).new == 4
        before = await stage.ours("MUG")

    async with seen_from(changing_shop, file, began, "empty") as (sync, report):
        assert remarks(report, "suspicious") == [("SWEEP_SUSPICIOUS", "sweep")]
        assert (report.looked_up, await sync.desk.conflicts()) == (4, [])

    async with seen_from(changing_shop, file, began, "north") as (sync, report):
        assert remarks(report, "conflict") == [("VANISHED", str(gone))]
        assert report.looked_up == 1
        assert [order.key for order in await sync.desk.conflicts()] == [gone]

    async with seen_from(changing_shop, file, began, None) as (sync, report):
        assert (report.changed, await sync.desk.conflicts()) == (1, [])
        assert (await sync.storage.orders.get(gone)).state is OrderState.OPEN
        levels = await sync.storage.stock.levels(["MUG"])
        assert [(one.on_hand, one.reserved) for one in levels if one.location == HERE] == [before]


@asynccontextmanager
async def seen_from(
    server: VendureServer, file: Path, began: datetime, token: str | None
) -> AsyncIterator[tuple[Engine, ChannelReport]]:
    """Do one run with the token of a branch."""
    settings = ChannelSettings(location=HERE, initial_from=began)
    async with engine(server, file, settings=settings, channel_token=token) as sync:
        report = await sync.runner.run_once(only=[SHOP])
        report.raise_for_errors()
        yield sync, report.channels[SHOP]
