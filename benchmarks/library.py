"""The same job by ordersync."""

from __future__ import annotations

import asyncio
import resource
import sys
import time

from market import SKUS, TOKEN, sku

from ordersync import ChannelId, Event, SyncRunner
from ordersync.model.events import PageSaved
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.testing.loopback import LoopbackChannel


class Pages:
    """Notes when each page was saved."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def __call__(self, event: Event) -> None:
        """Look at the clock when a page is saved."""
        if isinstance(event, PageSaved):
            self.times.append(time.perf_counter())

    def flatness(self) -> float:
        """Return how much longer a page took in the last quarter than in the second."""
        quarter = len(self.times) // 4
        early = self.times[2 * quarter] - self.times[quarter]
        late = self.times[4 * quarter - 1] - self.times[3 * quarter - 1]
        return late / early


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
    market = LoopbackChannel(ChannelId("Market", "bench"), url=target, token=TOKEN)
    async with SQLiteStorage(file) as storage, shop, market:
        if what == "prepare":
            await prepare(storage, shop, market)
            await SyncRunner([market], storage).run_once()
            return
        pages = Pages()
        report = await SyncRunner([shop, market], storage, observers=[pages]).run_once()
        report.raise_for_errors()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        flat = f"a page in the last quarter takes {pages.flatness():.2f} times as long as in the second"
        print(f"ordersync: {report.channels[shop.id].new} orders, peak memory {peak} MB, {flat}", flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5]))
