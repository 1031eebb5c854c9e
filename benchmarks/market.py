"""The marketplace that the backfill is measured against: many paid orders, served in a process of its own."""

from __future__ import annotations

import asyncio
import sys

from ordersync import ChannelId
from ordersync.testing import FakeMarketplace
from ordersync.testing.server import serve

TOKEN = "benchmark"  # noqa: S105 - of a server that lives for one measurement
SKUS = 2000
PAGE = 100


def sku(number: int) -> str:
    """Return the name of one of the SKUs."""
    return f"SKU-{number % SKUS:04}"


def lines_of(order: int) -> dict[str, int]:
    """Return three lines; some SKUs are hotter than others."""
    return {sku(order % 97): 1, sku(order * 7 + 1000): 2, sku(order * 13 + 500): 1}


async def main(orders: int) -> None:
    """Serve until the standard input ends; print the URL first."""
    market = FakeMarketplace(ChannelId("Market", "bench"), page_size=PAGE, pages_in_update_order=True)
    for number in range(SKUS):
        market.list_sku(sku(number), 1_000_000)
    for number in range(orders):
        market.place(f"{number:07}", lines=lines_of(number))
    async with serve(market, token=TOKEN) as url:
        print(url, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
