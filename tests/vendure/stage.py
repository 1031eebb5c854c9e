"""ordersync in step with a shop: buy, change, run once, and compare the books of both sides."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs

from ordersync import ChannelReport, ChannelSettings, Order, OrderKey, Parcel
from vendure.engine import HERE, SHOP, SKUS, Engine, engine, shown_by_shop
from vendure.running import VendureServer
from vendure.seller import OrderFacts, Seller, selling


@attrs.frozen(kw_only=True)
class Stage:
    """Somebody who works in the shop, and ordersync beside it."""

    seller: Seller
    sync: Engine

    async def run(self) -> ChannelReport:
        """Do one run, without errors; return what it did with the shop. Afterwards both channels show the same."""
        report = await self.sync.runner.run_once()
        report.raise_for_errors()
        assert await shown_by_shop(self.seller) == self.shown_by_market()
        return report.channels[SHOP]

    async def buy(self, lines: Mapping[str, int]) -> str:
        """Let a buyer buy, and let one run bring the order here; return its code."""
        code = await self.seller.place_order(lines)
        report = await self.run()
        assert report.new == 1
        return code

    async def order(self, code: str) -> Order:
        """Return the order as it is kept here."""
        return await self.sync.storage.orders.get(OrderKey(SHOP, code))

    async def ship(self, code: str, parcel: Parcel) -> OrderFacts:
        """Process a parcel here, let one run tell the shop, and return the order as the shop has it."""
        await self.sync.desk.process(OrderKey(SHOP, code), parcel)
        await self.run()
        return await self.seller.order_facts(code)

    async def shows(self, sku: str) -> int:
        """Return what both channels show."""
        shown = (await shown_by_shop(self.seller))[sku]
        assert self.shown_by_market()[sku] == shown
        return shown

    def shown_by_market(self) -> dict[str, int]:
        """Return what the market shows, by our SKU."""
        return {sku: self.sync.market.levels[f"M-{sku}"] for sku in SKUS}

    async def theirs(self, sku: str) -> tuple[int, int]:
        """Return what lies in the shop's own warehouse, and how much of that is allocated."""
        return (await self.seller.stock_facts())[sku][HERE]

    async def ours(self, sku: str) -> tuple[int, int]:
        """Return what lies here, and how much of that is reserved."""
        (level,) = [one for one in await self.sync.storage.stock.levels([sku]) if one.location == HERE]
        return level.on_hand, level.reserved


@asynccontextmanager
async def staged(server: VendureServer, file: Path, **options: Any) -> AsyncIterator[Stage]:  # noqa: ANN401 - settings
    """Open a new store beside the shop, count what lies there, and bring both in step; *options* are settings."""
    settings = ChannelSettings(location=HERE, **options)
    async with selling(server) as seller, engine(server, file, settings=settings) as sync:
        stage = Stage(seller=seller, sync=sync)
        for sku in SKUS:
            on_hand, _ = await stage.theirs(sku)
            await sync.storage.stock.set_on_hand(sku, location=HERE, quantity=on_hand, movement_id=f"count/{sku}")
        await stage.run()
        yield stage


def remarks(report: ChannelReport, kind: str) -> list[tuple[str, str]]:
    """Return code and subject of the remarks of one kind."""
    return [(one.code, one.subject) for one in report.remarks if one.kind == kind]
