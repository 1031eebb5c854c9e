"""A world on each storage, opened for one test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from ordersync import Storage
from ordersync.storage.memory import MemoryStorage
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.testing import ManualClock
from runner.world import World
from storage.empty_file import empty_file

OpenStorage = Callable[[ManualClock], Storage]


@pytest.fixture
def clock() -> ManualClock:
    """Stand at the start."""
    return ManualClock()


@pytest.fixture(params=["memory", "sqlite"])
def open_storage(request: pytest.FixtureRequest, tmp_path: Path) -> OpenStorage:
    """Return what makes the storage under test; made twice, SQLite has the same file."""
    if request.param == "memory":
        return lambda clock: MemoryStorage(clock=clock)
    return lambda clock: SQLiteStorage(empty_file(tmp_path / "world.db"), clock=clock)


@pytest.fixture
async def world(clock: ManualClock, open_storage: OpenStorage) -> AsyncIterator[World]:
    """Put ten mugs on the shelf that both marketplaces sell, and nobody has bought one yet."""
    async with open_storage(clock) as storage:
        world = World(storage, clock)
        async with world.shop, world.market:
            await stock_mugs(world)
            yield world


@pytest.fixture
async def memory_world(clock: ManualClock) -> AsyncIterator[World]:
    """The same in memory alone, for what has nothing to do with the storage."""
    async with MemoryStorage(clock=clock) as storage:
        world = World(storage, clock)
        async with world.shop, world.market:
            await stock_mugs(world)
            yield world


async def stock_mugs(world: World) -> None:
    """Count ten mugs, and show them on both marketplaces."""
    await world.stock("MUG", 10)
    await world.sell(world.shop, "MUG", 10)
    await world.sell(world.market, "MUG", 10)
