"""The storage on SQLite between tasks, loops, threads and processes."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiosqlite
import attrs
import pytest

from ordersync.errors import StorageError, StorageUnavailableError
from ordersync.model.channel_orders import Buyer
from ordersync.model.pages import PageWork
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.testing.builders import NOON, SHOP, make_claim, make_key, make_order
from ordersync.testing.contracts.steps import FIRST, make_document
from storage.watching import CrampedStorage, HastyStorage

PATIENCE = 30
"""Seconds after which a process counts as hanging."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a database may be."""
    return tmp_path / "shop.db"


@contextmanager
def locked(path: Path) -> Iterator[sqlite3.Connection]:
    """Hold the write lock, as another process would."""
    other = sqlite3.connect(path, isolation_level=None, timeout=0)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield other
    finally:
        if other.in_transaction:
            other.execute("ROLLBACK")
        other.close()


async def reserved(storage: SQLiteStorage) -> int:
    """Return how much of the MUG is reserved."""
    return sum(level.reserved for level in await storage.stock.levels(["MUG"]))


def storage_threads() -> set[threading.Thread]:
    """Return the threads that databases run on."""
    return {thread for thread in threading.enumerate() if thread is not threading.main_thread()}


async def test_closed_storage_says_how_to_open_it(path: Path) -> None:
    """Before it is opened and after it is closed, a verb raises with what to do."""
    storage = SQLiteStorage(path)
    with pytest.raises(RuntimeError, match=r"^storage is not open; use 'async with'$"):
        await storage.orders.progress(SHOP)
    async with storage:
        assert storage.is_open
    assert not storage.is_open

    with pytest.raises(RuntimeError, match=r"^storage is not open; use 'async with'$"):
        await storage.stock.reserve([make_claim("1001")], at=NOON)


async def test_storage_is_opened_once(path: Path) -> None:
    """An open storage cannot be opened again, and stays usable."""
    async with SQLiteStorage(path) as storage:
        with pytest.raises(RuntimeError, match="storage is open already"):
            await storage.open()
        assert await reserved(storage) == 0


async def test_closed_storage_opens_again(path: Path) -> None:
    """What was written is there when the same storage is opened again; closing twice is allowed."""
    storage = SQLiteStorage(path)
    async with storage:
        await storage.stock.reserve([make_claim("1001", {"MUG": 3})], at=NOON)
    await storage.aclose()

    async with storage:
        assert await reserved(storage) == 3


def test_storage_belongs_to_one_loop(path: Path) -> None:
    """A storage opened on one event loop refuses work on another, which can still close it."""
    storage = SQLiteStorage(path)
    asyncio.run(storage.open())
    with pytest.raises(RuntimeError, match="was opened on another event loop"):
        asyncio.run(reserved(storage))
    asyncio.run(storage.aclose())

    assert not storage.is_open


async def test_transaction_is_one_hop_of_a_public_verb(path: Path) -> None:
    """A whole function still comes to the database's thread by a public verb of aiosqlite."""
    assert callable(aiosqlite.Connection.executescript)

    async with SQLiteStorage(path) as storage:
        threads = {await storage._database.write(lambda _: threading.current_thread()) for _ in range(3)}
    assert len(threads) == 1
    assert threads.isdisjoint({threading.main_thread()})


async def test_cancelled_verb_is_waited_for(path: Path) -> None:
    """A cancelled verb comes back once its transaction is over, however often it is cancelled, and is wholly done."""
    async with SQLiteStorage(path) as storage:
        with locked(path) as other:
            verb = asyncio.create_task(storage.stock.reserve([make_claim("1001")], at=NOON))
            for _ in range(3):
                await asyncio.sleep(0.05)
                verb.cancel()
            await asyncio.sleep(0.05)
            assert not verb.done()
            other.execute("ROLLBACK")
            with pytest.raises(asyncio.CancelledError):
                await verb

        assert await reserved(storage) == 1


async def test_timed_out_verb_leaves_no_lock(path: Path) -> None:
    """After verbs were cut by time-outs, another connection can write at once, and levels are what orders hold."""
    async with SQLiteStorage(path) as storage:
        for number in range(60):
            claim = make_claim(f"{number}", {"MUG": 1})
            try:
                async with asyncio.timeout(number * 0.00003):
                    await storage.stock.reserve([claim], at=NOON)
            except TimeoutError:
                pass
        with locked(path):
            pass
        held = [await storage.stock.held(make_key(f"{number}")) for number in range(60)]

        assert await reserved(storage) == sum(claim is not None for claim in held)


async def test_cancelled_opening_leaves_nothing_behind(path: Path) -> None:
    """However far an opening came when it is cancelled, no thread stays, and the storage opens afterwards."""
    before = storage_threads()
    storage = SQLiteStorage(path)
    for turns in range(30):
        opening = asyncio.create_task(storage.open())
        for _ in range(turns):
            await asyncio.sleep(0)
        opening.cancel()
        await asyncio.wait({opening})
        if not opening.cancelled():
            await storage.aclose()
        assert not storage.is_open

    for thread in storage_threads() - before:
        thread.join(timeout=5)
    assert storage_threads() <= before
    async with storage:
        assert await reserved(storage) == 0


def test_failed_opening_leaves_no_thread(path: Path) -> None:
    """A storage that cannot be opened leaves no thread, and can be opened once the cause is gone."""
    before = storage_threads()
    path.write_text("no database " * 1000)
    path.chmod(0o600)
    storage = SQLiteStorage(path)
    with pytest.raises(StorageError):
        asyncio.run(storage.open())
    assert storage_threads() <= before

    path.unlink()
    assert level_of_mug(storage) is None


FORGETFUL = """
import asyncio, sys
from datetime import UTC, datetime
from ordersync.storage.sqlite import SQLiteStorage

async def main():
    storage = SQLiteStorage(sys.argv[1])
    await storage.open()
    await storage.stock.set_on_hand("MUG", location="main", quantity=7, movement_id="opening")
    raise LookupError("crashed before closing")

asyncio.run(main())
"""

STUCK = """
import asyncio, sys, time
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.storage.sqlite.connection import Connection

class Stuck(Connection):
    def execute(self, sql, parameters=()):
        if sql == "COMMIT":
            print("about to commit", flush=True)
            time.sleep(60)
        return super().execute(sql, parameters)

class StuckStorage(SQLiteStorage):
    connection_class = Stuck

async def main():
    async with StuckStorage(sys.argv[1]) as storage:
        await storage.stock.set_on_hand("MUG", location="main", quantity=7, movement_id="opening")

asyncio.run(main())
"""


def level_of_mug(storage: SQLiteStorage) -> int | None:
    """Open a storage and return how many MUGs are on hand; None where it was never heard of."""

    async def ask() -> int | None:
        async with storage:
            levels = await storage.stock.levels(["MUG"])
        return levels[0].on_hand if levels else None

    return asyncio.run(ask())


def test_forgotten_storage_does_not_hang_the_process(path: Path) -> None:
    """A process that crashes with the storage open ends by itself, and what it wrote is there."""
    ended = subprocess.run(
        [sys.executable, "-c", FORGETFUL, path], capture_output=True, text=True, timeout=PATIENCE, check=False
    )

    assert ended.returncode == 1
    assert "LookupError: crashed before closing" in ended.stderr
    assert level_of_mug(SQLiteStorage(path)) == 7


def test_killed_process_leaves_nothing_half_done(path: Path) -> None:
    """A process killed before its commit has done nothing, and the next one works on."""
    assert level_of_mug(SQLiteStorage(path)) is None
    with subprocess.Popen([sys.executable, "-c", STUCK, path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"about to commit\n"
        process.kill()

    assert level_of_mug(SQLiteStorage(path)) is None


async def test_busy_database_is_unavailable_for_now(path: Path) -> None:
    """While another process writes for too long a verb is refused as temporary, and works afterwards."""
    async with HastyStorage(path) as storage:
        with locked(path), pytest.raises(StorageUnavailableError, match=r"is busy: .* \(SQLITE_BUSY\)$"):
            await storage.stock.reserve([make_claim("1001")], at=NOON)
        await storage.stock.reserve([make_claim("1001")], at=NOON)

        assert await reserved(storage) == 1


async def test_readers_do_not_wait_for_a_writer(path: Path) -> None:
    """Reading goes on while another process writes, also under a fence that was seen before."""
    async with HastyStorage(path) as storage:
        await storage.orders.fence(FIRST)
        with locked(path):
            assert await reserved(storage) == 0
            assert await storage.orders.due(SHOP, limit=1, fence=FIRST) == []


async def test_full_disk_is_unavailable_for_now(path: Path) -> None:
    """When the file cannot grow a verb is refused as temporary and has done nothing."""
    async with SQLiteStorage(path):
        pass
    async with CrampedStorage(path) as storage:
        claims = [make_claim(f"{number}", {f"SKU-{number}": 1}) for number in range(1000)]
        with pytest.raises(StorageUnavailableError, match=r"disk is full; .* \(SQLITE_FULL\)$"):
            await storage.stock.reserve(claims, at=NOON)
        assert await storage.stock.held(make_key("1")) is None

    async with SQLiteStorage(path) as storage:
        assert len(await storage.stock.reserve(claims, at=NOON)) == 1000


async def test_failed_verb_is_undone(path: Path) -> None:
    """When the last row of a page cannot be written, nothing of the page is there, and the storage works on."""
    order = make_order("1001")
    broken = attrs.evolve(make_document("hash"), error=None)  # type: ignore[arg-type]
    async with SQLiteStorage(path) as storage:
        with pytest.raises(StorageError):
            await storage.orders.save_page(
                PageWork(channel=SHOP, new=(order,), quarantined=(broken,)), fence=FIRST, at=NOON
            )
        assert await storage.orders.load([order.key]) == {}
        assert await storage.orders.save_page(PageWork(channel=SHOP, new=(order,)), fence=FIRST, at=NOON)

        assert await storage.orders.get(order.key) == order


async def test_error_tells_no_value(path: Path) -> None:
    """An error of the database's names the file and SQLite's code, and nothing of what was to be written."""
    order = make_order("1001", buyer=Buyer(name="CANARY"), parked="CANARY", status=None)
    async with SQLiteStorage(path) as storage:
        with pytest.raises(StorageError, match=re.escape(str(path)) + ".*SQLITE_CONSTRAINT") as caught:
            await storage.orders.save_page(PageWork(channel=SHOP, new=(order,)), fence=FIRST, at=NOON)
        assert await storage.orders.load([order.key]) == {}

    told = [str(error) + repr(error) for error in (caught.value, caught.value.__cause__)]
    assert "CANARY" not in "".join(told)


async def test_debug_log_tells_no_value(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing of an order comes into a log, aiosqlite's own at its finest included."""
    order = make_order("1001", buyer=Buyer(name="CANARY"))
    with caplog.at_level(1):
        async with SQLiteStorage(path) as storage:
            await storage.orders.save_page(
                PageWork(channel=SHOP, new=(order,), raw={order.key: b"CANARY"}), fence=FIRST, at=NOON
            )
            assert await storage.orders.get(order.key) == order

    assert "executing" in caplog.text
    assert "CANARY" not in caplog.text
