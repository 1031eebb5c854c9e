"""Several runners on one storage, and a storage that fails under a run."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from ordersync import OrderState
from ordersync.errors import LeaseLostError, SchemaVersionError, StorageError, StorageUnavailableError
from ordersync.model.runs import EntryKind
from ordersync.sync.lease import START_WINDOW_S, HeldLease
from runner.watching import Before, watched
from runner.world import HOUR, MARKET, SHOP, World, adds_up, sightings


async def test_busy_channel_is_left_to_its_runner(world: World) -> None:
    """A channel that another runner holds is left alone and reported, and the other channels are worked on."""
    await world.storage.journal.lease(SHOP, holder="other", duration=HOUR)
    world.market.place("2001", lines={"MUG": 1})

    report = await world.run()

    assert (report.channels[SHOP].status, report.channels[MARKET].status) == ("busy", "done")
    assert world.shop.calls.total() == 0
    assert sightings(report.channels[MARKET]) == {"new": 1}
    world.clock.advance(hours=2)
    assert (await world.run()).channels[SHOP].status == "done"


async def test_two_runs_at_once_store_each_order_once(world: World) -> None:
    """Two runners that start together share the channels between them, and each order is stored once."""
    for number in range(5):
        world.shop.place(f"{number}", lines={"MUG": 1})

    reports = await asyncio.gather(world.runner().run_once(), world.runner().run_once())

    assert sorted(report.channels[SHOP].status for report in reports) == ["busy", "done"]
    assert sum(report.channels[SHOP].new for report in reports) == 5
    assert (await world.level()).reserved == 5


async def test_overtaken_run_says_so(world: World) -> None:
    """A run whose channel was taken over while it slept changes nothing more there, and reports it as lost."""
    for number in range(5):
        world.shop.place(f"{number}", lines={"MUG": 1})
    await world.storage.journal.enable(SHOP, by="Ada", at=world.clock.now())

    async def fall_asleep(method: str, when: str) -> None:
        if (method, when) == ("fetch_orders", "after") and world.shop.calls[method] == 2:
            world.shop.on_call = None
            world.clock.advance(minutes=10)
            await world.run(world.shop)

    world.shop.on_call = fall_asleep
    report = await world.run()

    assert (report.channels[SHOP].status, report.channels[MARKET].status) == ("lost", "done")
    assert [remark.code for remark in report.channels[SHOP].remarks] == ["lease-lost"]
    assert (await world.level()).reserved == 5
    assert (await world.storage.orders.progress(SHOP)).interrupted is False


async def test_lease_is_renewed_in_time_and_found_lost(world: World) -> None:
    """A hold is renewed once a third of it has passed, starts nothing near its end, and knows when it was lost."""
    held = await HeldLease.take(world.storage, world.shop, holder="one", clock=world.clock)
    assert held is not None
    world.clock.advance(seconds=59)
    await held.keep()
    assert held.may_start(world.clock.monotonic())
    world.clock.advance(seconds=122)
    assert not held.may_start(world.clock.monotonic())
    await held.keep()
    assert held.may_start(world.clock.monotonic())
    assert not held.may_start(world.clock.monotonic() - START_WINDOW_S)
    assert await HeldLease.take(world.storage, world.shop, holder="two", clock=world.clock) is None

    world.clock.advance(minutes=10)
    assert await HeldLease.take(world.storage, world.shop, holder="two", clock=world.clock) is not None
    with pytest.raises(LeaseLostError, match="Shop/north: another runner took it over"):
        await held.keep()
    await held.release()
    assert await HeldLease.take(world.storage, world.shop, holder="three", clock=world.clock) is None


async def test_lease_that_was_told_too_late_is_given_back(world: World) -> None:
    """A run that froze while it asked for a lease leaves the channel alone, and the next one need not wait for it."""
    world.shop.place("1001", lines={"MUG": 1})

    async def freeze(called: str) -> None:
        if called == "lease":
            world.clock.advance(minutes=4)

    frozen = World(watched(world.storage, Counter(), before=freeze), world.clock)
    frozen.shop, frozen.market = world.shop, world.market

    assert (await frozen.run(frozen.shop)).channels[SHOP].status == "busy"
    assert world.shop.calls.total() == 0
    assert (await world.run()).channels[SHOP].new == 1


def fail_before(verb: str, error: StorageError) -> Before:
    """Return what lets a storage fail before one of its verbs."""

    async def fail(called: str) -> None:
        if called == verb:
            raise error

    return fail


@pytest.mark.parametrize("verb", ["life", "lease", "save_page", "reserve", "sold", "mark"])
@pytest.mark.parametrize(
    "error", [StorageUnavailableError("full"), SchemaVersionError("newer")], ids=lambda error: error.code
)
async def test_storage_that_fails_ends_the_run(world: World, verb: str, error: StorageError) -> None:
    """A storage that fails anywhere ends the run with a report, and the next run does what is left."""
    world.shop.place("1001", lines={"MUG": 1})
    await world.stock("MUG", 5)
    broken = World(watched(world.storage, Counter(), before=fail_before(verb, error)), world.clock)
    broken.shop, broken.market = world.shop, world.market

    report = await broken.run()

    assert report.errors
    assert set(report.errors) == {error}
    assert report.channels[SHOP].status == "failed"
    assert "Shop/north: failed" in str(report)

    report = await world.run()
    assert report.errors == ()
    assert (await world.order("1001")).state is OrderState.OPEN
    assert (await world.level()).reserved == 1
    await world.run_later(minutes=60)
    assert world.market.levels == world.shop.levels == {"MUG": 4}


@pytest.mark.parametrize("verb", ["note_counts", "release"])
async def test_storage_that_fails_at_the_end(world: World, verb: str) -> None:
    """A storage that fails when the channels are given back is reported, and their leases run out by themselves."""
    world.shop.place("1001", lines={"MUG": 1})
    broken = World(
        watched(world.storage, Counter(), before=fail_before(verb, StorageUnavailableError("full"))), world.clock
    )
    broken.shop, broken.market = world.shop, world.market

    report = await broken.run()

    assert {error.code for error in report.errors} == {"storage-unavailable"}
    assert sightings(report.channels[SHOP]) == {"new": 1}
    assert (await world.run()).channels[SHOP].status == "busy"
    assert (await world.run_later()).channels[SHOP].status == "done"


async def test_cancelled_run_gives_its_channels_back(world: World) -> None:
    """A run that is cancelled comes out as cancelled, and another one may begin at once."""
    arrived = asyncio.Event()

    async def hang(method: str, when: str) -> None:
        arrived.set()
        await asyncio.Event().wait()

    world.shop.on_call = hang
    task = asyncio.create_task(world.run())
    await arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    world.shop.on_call = None

    report = await world.run()

    assert [one.status for one in report.channels.values()] == ["done", "done"]


async def test_slow_channel_holds_up_nobody(world: World) -> None:
    """While one channel hangs, another has downloaded, published and sent what is due."""
    world.market.place("2001", lines={"MUG": 1})
    await world.run(world.market)
    await world.process("2001", MARKET)
    world.clock.advance(minutes=5)
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def hang(method: str, when: str) -> None:
        arrived.set()
        await go_on.wait()

    world.shop.on_call = hang
    task = asyncio.create_task(world.run())
    await arrived.wait()
    for _ in range(1000):
        if await world.statuses("2001", MARKET) == ["confirmed"]:
            break
        await asyncio.sleep(0.001)

    assert await world.statuses("2001", MARKET) == ["confirmed"]
    assert not task.done()
    go_on.set()
    adds_up(await task)


async def test_run_is_journaled(world: World) -> None:
    """A run's beginning, windows and end are in the journal under its id."""
    report = await world.run()

    entries = await world.storage.journal.entries(run_id=report.run_id, limit=50)
    kinds = Counter(entry.kind for entry in entries)
    assert kinds == {
        EntryKind.RUN_STARTED: 1,
        EntryKind.CONNECTION_TEST: 2,
        EntryKind.WINDOW_READ: 2,
        EntryKind.DRIFT_CHECK: 2,
        EntryKind.RUN_FINISHED: 1,
    }
    assert entries[0].facts == {"errors": "0"}
