"""The same job by ordersync."""

from __future__ import annotations

import asyncio
import resource
import sys

from market import SKUS, TOKEN, sku

from ordersync import ChannelId, ChannelSettings, SyncRunner
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.testing.loopback import LoopbackChannel


async def prepare(storage: SQLiteStorage, shop: LoopbackChannel, market: LoopbackChannel) -> None:
    """Put stock on the shelf and link it on both channels."""
    for number in range(SKUS):
        name = sku(number)
        await storage.stock.set_on_hand(name, location="main", quantity=1_000_000, movement_id=f"opening/{name}")
        for channel in (shop, market):
            await storage.listings.link(channel.id, name, name)


async def main(url: str, target: str, file: str, what: str) -> None:
    """Prepare the storage, or run once on one that is prepared."""
    shop = LoopbackChannel(ChannelId("Shop", "bench"), url=url, token=TOKEN, pages_in_update_order=True)
    settings = ChannelSettings()
    market = LoopbackChannel(ChannelId("Market", "bench"), url=target, token=TOKEN, settings=settings)
    async with SQLiteStorage(file) as storage, shop, market:
        if what == "prepare":
            await prepare(storage, shop, market)
            await SyncRunner([market], storage).run_once()
        else:
            report = await SyncRunner([shop, market], storage).run_once()
            report.raise_for_errors()
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(f"{report.channels[shop.id].new} orders, peak {peak} MB", file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5]))
