"""L1, L8, L11: any number of runners at once, in one process or in several, are as good as one."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from ordersync import OrderDesk, OrderKey, Parcel, SyncRunner
from ordersync.model.dispatch import NoteStatus
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.testing import FakeMarketplace
from sweeps.facts import Facts
from sweeps.lines import Line
from sweeps.scenes import SCENES
from sweeps.serving import go, ready_runner, reports_of, served
from sweeps.sweeping import budget, running, undisturbed, verdict
from sweeps.twins import MemoryWorlds, Worlds
from sweeps.world import MARKET, ONCE, SHOP, World

scenes = pytest.mark.parametrize("scene", SCENES)


async def run_backwards(world: World) -> None:
    """Run once, the channels in the other order."""
    line = Line(world)
    await SyncRunner(line.channels[::-1], line.storage, clock=world.clock, retry=ONCE).run_once()


async def joined_at(worlds: Worlds, number: int, end: Facts) -> list[str]:
    """Let a second runner begin at one moment of the first, wait for both, and say what is wrong in the end."""
    async with worlds.one() as world:
        second: list[asyncio.Task[None]] = []

        async def join(line: Line) -> None:
            second.append(asyncio.create_task(run_backwards(world)))

        line = Line(world, at=number, do=join)
        await line.run()
        await second[0]
        return await verdict(line, [end])


@budget("step", 21)
@scenes
async def test_two_runners_at_once_are_as_good_as_one(scene: str, step: int) -> None:
    """A second runner that joins at any moment and takes the channels in another order changes nothing in the end."""
    worlds = await MemoryWorlds.after(SCENES[scene])
    whole = await undisturbed(worlds, running)
    wrong = [await joined_at(worlds, number, whole.end) for number in range(0, len(whole.moments), step)]

    assert [one for ones in wrong for one in ones] == []


ORDERS = 28


def two_shops() -> tuple[FakeMarketplace, FakeMarketplace]:
    """Return two marketplaces that sell the same mug, and have sold it to many."""
    shop, market = FakeMarketplace(SHOP, page_size=5), FakeMarketplace(MARKET, page_size=5)
    for one in (shop, market):
        one.list_sku("MUG", 1)
        for number in range(ORDERS):
            one.place(f"{number:03}", lines={"MUG": 2})
    return shop, market


async def open_shops(file: Path) -> None:
    """Put mugs on the shelf and link them."""
    async with SQLiteStorage(file) as storage:
        await storage.stock.set_on_hand("MUG", location="main", quantity=1000, movement_id="opening/MUG")
        for channel in (SHOP, MARKET):
            await storage.listings.link(channel, "MUG", "MUG")


async def process_some(file: Path) -> None:
    """Process every second order, half of them in two parcels."""
    async with SQLiteStorage(file) as storage:
        desk = OrderDesk(storage)
        for channel in (SHOP, MARKET):
            for number in range(0, ORDERS, 2):
                key = OrderKey(channel, f"{number:03}")
                for parcel_id in ("a", "b") if number % 4 else ("a",):
                    lines = {"L1": 1} if number % 4 else None
                    await desk.process(key, Parcel(id=parcel_id, lines=lines, tracking_number=f"T{number}{parcel_id}"))


@pytest.mark.timeout(60)
async def test_two_processes_at_once_are_as_good_as_one(tmp_path: Path) -> None:
    """Two processes on one file store each order once and tell each parcel once, and the levels are right."""
    file, markets = tmp_path / "shop.db", two_shops()
    await open_shops(file)
    async with served(*markets) as places:
        for step in range(2):
            if step:
                await process_some(file)
            processes = [await ready_runner(file, order, runs=4) for order in (places, places[::-1])]
            go(*processes)
            reports = [one for process in processes for run in await reports_of(process) for one in run.values()]
            assert sum(one["new"] for one in reports) == (0 if step else 2 * ORDERS)
            assert "busy" in {one["status"] for one in reports}
    parcels = [f"{number:03}/dispatch/{one}" for number in range(0, ORDERS, 2) for one in ("ab" if number % 4 else "a")]
    async with SQLiteStorage(file) as storage:
        for market in markets:
            notes = Counter(shipment.note_id for shipment in market.shipments)
            assert notes == Counter(f"{market.id}/{parcel}" for parcel in parcels)
            assert await storage.orders.note_counts(market.id) == {NoteStatus.CONFIRMED: len(parcels)}
        (level,) = await storage.stock.levels(["MUG"])
    assert (level.on_hand, level.reserved) == (1000 - 2 * ORDERS, 2 * ORDERS)
    assert [market.levels for market in markets] == [{"MUG": level.available}] * 2
