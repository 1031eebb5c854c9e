"""run_once_sync: for hosts without an event loop."""

from __future__ import annotations

import asyncio

import pytest

from ordersync import Channel, OrderKey, OrderState, RunReport, Storage, SyncRunner
from ordersync.errors import ConfigurationError, StorageUnavailableError
from ordersync.storage.memory import MemoryStorage
from ordersync.testing import FakeMarketplace, ManualClock
from runner.conftest import OpenStorage
from runner.world import SHOP, World, stored_by


async def fill(storage: Storage, clock: ManualClock) -> None:
    """Put mugs on the shelf."""
    async with storage:
        await World(storage, clock).stock("MUG", 10)
        await storage.listings.link(SHOP, "MUG", "MUG")


async def read(storage: Storage, reference: str) -> OrderState:
    """Return the state of an order."""
    async with storage:
        return (await storage.orders.get(OrderKey(SHOP, reference))).state


def shop(clock: ManualClock) -> FakeMarketplace:
    """Open a shop that sells mugs."""
    market = FakeMarketplace(SHOP, clock=clock)
    market.list_sku("MUG", 10)
    return market


def test_two_runs_in_one_process(clock: ManualClock, open_storage: OpenStorage) -> None:
    """A host without a loop runs as often as it likes; each run opens and closes what it needs."""
    storage, market = open_storage(clock), shop(clock)
    asyncio.run(fill(storage, clock))
    runner = SyncRunner([market], storage, clock=clock)
    market.place("1001", lines={"MUG": 2})

    first = runner.run_once_sync()
    again = runner.run_once_sync(only=[SHOP])

    assert (first.channels[SHOP].new, again.channels[SHOP].same) == (1, 1)
    assert not storage.is_open
    assert not market.is_open
    assert asyncio.run(read(storage, "1001")) is OrderState.OPEN


def test_dry_run_without_a_loop(clock: ManualClock, open_storage: OpenStorage) -> None:
    """A dry run works without a loop too, and saves nothing."""
    storage, market = open_storage(clock), shop(clock)
    market.place("1001", lines={"MUG": 2})

    report = SyncRunner([market], storage, clock=clock).run_once_sync(dry_run=True)

    assert (report.dry_run, report.channels[SHOP].new) == (True, 1)
    assert asyncio.run(stored_by(storage, SHOP)) == []


async def test_running_loop_is_named(memory_world: World) -> None:
    """Inside a running loop the error says what to write instead."""
    with pytest.raises(RuntimeError, match=r"inside a running event loop; write: await runner\.run_once\(\)"):
        memory_world.runner().run_once_sync()


async def entered(one: Storage | Channel) -> None:
    """Open something and leave it open."""
    await one.__aenter__()


@pytest.mark.parametrize("what", ["storage", "channel", "storage below another"])
def test_what_is_open_already_is_refused(clock: ManualClock, what: str) -> None:
    """Storage and channels that are open belong to another loop, so the error says to pass none that is."""
    storage, market = MemoryStorage(clock=clock), shop(clock)
    asyncio.run(entered(market if what == "channel" else storage))
    given: Storage = storage.replace(stock=storage.stock) if what == "storage below another" else storage

    with pytest.raises(RuntimeError, match="opens and closes storage and channels itself; pass none that is open"):
        SyncRunner([market], given, clock=clock).run_once_sync()


def test_channel_that_cannot_be_opened_closes_the_rest(clock: ManualClock) -> None:
    """When a channel fails to open, what was opened before it is closed again and the error comes out."""

    class Locked(FakeMarketplace):
        async def open(self) -> None:
            raise ConfigurationError("Shop/north: no token; give one")

    storage = MemoryStorage(clock=clock)
    runner = SyncRunner([FakeMarketplace(clock=clock), Locked(SHOP, clock=clock)], storage, clock=clock)

    with pytest.raises(ConfigurationError, match="no token"):
        runner.run_once_sync()

    assert not storage.is_open


def test_broken_storage_is_in_the_report(clock: ManualClock) -> None:
    """A storage that fails ends the run, and the report says so instead of an exception."""

    class Full(MemoryStorage):
        @property
        def journal(self) -> object:  # type: ignore[override]
            raise StorageUnavailableError("the disk is full; make room and run again")

    report: RunReport = SyncRunner([shop(clock)], Full(clock=clock), clock=clock).run_once_sync()

    assert report.channels[SHOP].status == "failed"
    assert [error.code for error in report.errors] == ["storage-unavailable"]
    with pytest.raises(ExceptionGroup):
        report.raise_for_errors()
