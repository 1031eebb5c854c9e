"""Two marketplaces sell the same mug: an order from one, seen by the other, processed and shipped."""

from __future__ import annotations

import asyncio

from ordersync import ChannelId, OrderDesk, OrderKey, Parcel, SyncRunner
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.testing import FakeMarketplace


async def main() -> None:
    """Run, process, and run again."""
    shop = FakeMarketplace(ChannelId("Shop", "north"))
    market = FakeMarketplace(ChannelId("Market", "uk"))
    async with SQLiteStorage("two_shops.db") as storage, shop, market:
        await storage.stock.set_on_hand("MUG", location="main", quantity=10, movement_id="opening/MUG")
        for channel in (shop, market):
            channel.list_sku("MUG-BLUE", 10)
            await storage.listings.link(channel.id, "MUG-BLUE", "MUG")
        shop.place("1001", lines={"MUG-BLUE": 2})
        runner = SyncRunner([shop, market], storage)

        print(await runner.run_once())
        print("the market shows", market.levels)

        key = OrderKey(shop.id, "1001")
        await OrderDesk(storage).process(key, Parcel(carrier="DHL", tracking_number="JD01"))
        print(await runner.run_once())
        print("the shop knows of", shop.shipments)
        print("on the shelf:", await storage.stock.levels(["MUG"]))


if __name__ == "__main__":
    asyncio.run(main())
