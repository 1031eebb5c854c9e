"""Several storages on one file, in one process and in several."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from ordersync.errors import LeaseLostError
from ordersync.model.ids import Fence
from ordersync.model.pages import PageWork
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.testing import ManualClock
from ordersync.testing.builders import NOON, SHOP, make_claim, make_order

MINUTE = timedelta(minutes=1)
PROCESSES = 4
PATIENCE = 60

Pair = tuple[SQLiteStorage, SQLiteStorage]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a database may be."""
    return tmp_path / "shop.db"


@pytest.fixture
def clock() -> ManualClock:
    """Return the clock that all storages go by."""
    return ManualClock()


@pytest.fixture
async def pair(path: Path, clock: ManualClock) -> AsyncIterator[Pair]:
    """Open two storages on one file."""
    async with SQLiteStorage(path, clock=clock) as one, SQLiteStorage(path, clock=clock) as other:
        yield one, other


async def test_one_of_two_storages_takes_a_lease(pair: Pair, clock: ManualClock) -> None:
    """A channel is held by one runner on all storages of a file, and tokens rise across them."""
    one, other = pair
    mine = await one.journal.lease(SHOP, holder="one", duration=MINUTE)
    assert mine is not None
    assert await other.journal.lease(SHOP, holder="other", duration=MINUTE) is None

    clock.advance(minutes=2)
    assert await one.journal.renew(mine, duration=MINUTE)
    clock.advance(minutes=2)
    theirs = await other.journal.lease(SHOP, holder="other", duration=MINUTE)
    assert theirs is not None
    assert theirs.token == mine.token + 1
    assert not await one.journal.renew(mine, duration=MINUTE)


async def test_fence_seen_by_one_counts_for_the_other(pair: Pair) -> None:
    """A runner that was overtaken through another storage changes nothing any more, and reads nothing."""
    one, other = pair
    await other.orders.fence(Fence(SHOP, 2))
    with pytest.raises(LeaseLostError):
        await one.orders.save_page(PageWork(channel=SHOP, new=(make_order("1001"),)), fence=Fence(SHOP, 1), at=NOON)
    with pytest.raises(LeaseLostError):
        await one.orders.progress(SHOP, fence=Fence(SHOP, 1))

    assert await other.orders.load([make_order("1001").key]) == {}


async def test_order_store_and_listing_book_have_fences_of_their_own(pair: Pair) -> None:
    """A token that one port has seen is nothing to the other."""
    one, other = pair
    await one.orders.fence(Fence(SHOP, 9))

    await other.listings.fence(Fence(SHOP, 1))
    with pytest.raises(LeaseLostError):
        await other.orders.fence(Fence(SHOP, 8))


async def test_two_savers_store_an_order_once(pair: Pair) -> None:
    """Of two storages that save the same order at once, one writes it and the other is told."""
    pages = [PageWork(channel=SHOP, new=(make_order("1001", {sku: 1}),)) for sku in ("MUG", "LID")]
    saves = [
        storage.orders.save_page(page, fence=Fence(SHOP, 1), at=NOON) for storage, page in zip(pair, pages, strict=True)
    ]
    answers = await asyncio.gather(*saves)

    assert sorted(answers) == [False, True]
    stored = pages[answers.index(True)].new[0]
    assert [await storage.orders.get(stored.key) for storage in pair] == [stored, stored]


async def test_what_one_writes_the_other_reads(pair: Pair) -> None:
    """A committed level is seen by the other storage at once."""
    one, other = pair
    await one.stock.reserve([make_claim("1001", {"MUG": 2})], at=NOON)

    (level,) = await other.stock.levels(["MUG"])
    assert level.reserved == 2


WORKER = """
import asyncio, sys
from datetime import timedelta
from ordersync.model.ids import Fence
from ordersync.model.pages import PageWork
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.testing.builders import NOON, SHOP, make_claim, make_order

async def main(path, worker):
    async with SQLiteStorage(path) as storage:
        lease = await storage.journal.lease(SHOP, holder=worker, duration=timedelta(hours=1))
        saved = 0
        for number in range(25):
            page = PageWork(channel=SHOP, new=(make_order(str(number)),))
            saved += await storage.orders.save_page(page, fence=Fence(SHOP, 1), at=NOON)
            await storage.stock.reserve([make_claim(f"{worker}-{number}")], at=NOON)
        print(int(lease is not None), saved)

asyncio.run(main(*sys.argv[1:]))
"""


def test_processes_share_a_file(path: Path) -> None:
    """Processes that begin at once on a new file store each order once, lose no reservation, and one has the lease."""
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, path, f"worker-{n}"], stdout=subprocess.PIPE, text=True)
        for n in range(PROCESSES)
    ]
    told = [worker.communicate(timeout=PATIENCE)[0].split() for worker in workers]

    async def reserved() -> int:
        async with SQLiteStorage(path) as storage:
            (level,) = await storage.stock.levels(["MUG"])
            return level.reserved

    assert [worker.returncode for worker in workers] == [0] * PROCESSES
    assert sum(int(leases) for leases, _ in told) == 1
    assert sum(int(saved) for _, saved in told) == 25
    assert asyncio.run(reserved()) == 25 * PROCESSES
    assert [found.name for found in path.parent.iterdir()] == ["shop.db"]
