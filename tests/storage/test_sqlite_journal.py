"""What the journal on SQLite reads of a long log, and what it makes of one that an older ordersync wrote."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ordersync.model.ids import OrderKey
from ordersync.model.runs import ChannelLife, ChannelState, EntryKind, JournalEntry
from ordersync.storage import codec
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.storage.sqlite.connection import Connection
from ordersync.storage.sqlite.migrating import MIGRATIONS, migrate
from ordersync.testing.builders import NOON, SHOP
from ordersync.testing.contracts.steps import MARKET
from storage.watching import WatchedStorage

SECOND = timedelta(seconds=1)
MIDDLE = NOON + 500 * SECOND
ORDER = OrderKey(SHOP, "1001")
READS = [EntryKind.WINDOW_READ]

QUESTIONS: list[tuple[dict[str, Any], str]] = [
    (
        {"channel": SHOP, "kinds": READS, "since": MIDDLE, "oldest_first": True},
        "journal_by_kind (channel_id=? AND kind=? AND",
    ),
    ({"channel": SHOP, "kinds": READS, "until": MIDDLE}, "journal_by_kind (channel_id=? AND kind=? AND at<?)"),
    (
        {"channel": SHOP, "since": MIDDLE, "until": MIDDLE + SECOND},
        "journal_by_channel (channel_id=? AND at>? AND at<?)",
    ),
    ({"channel": SHOP}, "journal_by_channel (channel_id=?)"),
    ({"order": ORDER}, "journal_by_order (order_id=?)"),
    ({"order": ORDER, "channel": SHOP, "kinds": READS, "oldest_first": True}, "journal_by_order (order_id=?)"),
    ({"order": ORDER, "since": MIDDLE}, "journal_by_order (order_id=? AND at>?)"),
    ({"until": MIDDLE}, "journal_by_time (at<?)"),
    ({}, "journal_by_time"),
]
"""What is asked of the journal, and the index by which the answer is found, sorted."""


async def write_log(storage: SQLiteStorage, *, seconds: int) -> None:
    """Write a log of two channels that read a window each second, and of an order now and then."""
    kinds = [EntryKind.WINDOW_READ, EntryKind.WINDOW_READ, EntryKind.ERROR]
    await storage.journal.write(
        [
            JournalEntry(
                at=NOON + second * SECOND,
                kind=kinds[second % 3],
                channel=channel,
                order=ORDER if second % 100 == 0 else None,
                run_id=f"run {second // 10}",
            )
            for second in range(seconds)
            for channel in (SHOP, MARKET)
        ]
    )


async def plan(storage: WatchedStorage, asked: dict[str, Any]) -> list[str]:
    """Return the steps by which SQLite finds entries."""
    storage.taken()
    await storage.journal.entries(**asked)
    (sql,) = [sql for sql in storage.taken() if "FROM journal" in sql]

    def explain(db: Connection) -> list[str]:
        return [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", (None,) * sql.count("?"))]

    return await storage._database.read(explain)


async def work(storage: SQLiteStorage, asked: dict[str, Any]) -> int:
    """Return how many instructions SQLite runs until five entries are found."""
    count = 0

    def one_more() -> int:
        nonlocal count
        count += 1
        return 0

    await storage._database.read(lambda db: db.set_progress_handler(one_more, 1))
    assert len(await storage.journal.entries(limit=5, **asked)) >= 2
    await storage._database.read(lambda db: db.set_progress_handler(None, 1))
    return count


@pytest.mark.parametrize(("asked", "index"), QUESTIONS)
async def test_entries_are_found_sorted_by_an_index(tmp_path: Path, asked: dict[str, Any], index: str) -> None:
    """Entries of a channel, of an order and of a time are found by an index that has them sorted already."""
    async with WatchedStorage(tmp_path / "shop.db") as storage:
        await write_log(storage, seconds=3)
        steps = await plan(storage, asked)

    assert any(index in step for step in steps if "journal" in step)
    assert [step for step in steps if step.startswith("SCAN journal") and asked] == []
    assert [step for step in steps if "TEMP B-TREE" in step] == []


@pytest.mark.parametrize("channel", [None, SHOP])
async def test_entries_of_a_run_are_found_among_its_own(tmp_path: Path, channel: Any) -> None:  # noqa: ANN401
    """A run's entries are found by the run, also those of one channel, which has far more of other runs."""
    async with WatchedStorage(tmp_path / "shop.db") as storage:
        await write_log(storage, seconds=3)
        steps = await plan(storage, {"run_id": "run 0", "channel": channel})

    assert "SEARCH journal USING INDEX journal_by_run (run_id=?)" in steps


@pytest.mark.parametrize("asked", [asked for asked, _ in QUESTIONS if "order" not in asked])
async def test_long_log_costs_no_more_than_a_short_one(tmp_path: Path, asked: dict[str, Any]) -> None:
    """Five entries cost the same work in a log ten times as long, wherever in it they are."""
    costs = []
    for seconds in (1_000, 10_000):
        async with SQLiteStorage(tmp_path / f"{seconds}.db") as storage:
            await write_log(storage, seconds=seconds)
            costs.append(await work(storage, asked))

    assert costs[0] == costs[1] < 1_000


async def test_older_journal_is_read_on(tmp_path: Path) -> None:
    """The journal of an older ordersync keeps its entries, about no order, and its channels, in no named trouble."""
    connection = sqlite3.connect(tmp_path / "shop.db", isolation_level=None)
    migrate(connection, [step for step in MIGRATIONS if step.version <= 3])
    at = codec.micros(NOON)
    connection.execute("INSERT INTO channels (id, source, subsource) VALUES (1, ?, ?)", (SHOP.source, SHOP.subsource))
    connection.execute("INSERT INTO channel_life VALUES (1, 'enabled', 'mended', 'Ada', ?, 4, NULL)", (at,))
    connection.execute("INSERT INTO journal VALUES (1, ?, 'error', 'run', 1, 'channel-auth', 'refused', '{}')", (at,))
    connection.close()
    (tmp_path / "shop.db").chmod(0o600)

    async with SQLiteStorage(tmp_path / "shop.db") as storage:
        life = (await storage.journal.life([SHOP]))[SHOP]
        entries = await storage.journal.entries(channel=SHOP)

    enabled = ChannelState.ENABLED
    assert life == ChannelLife(channel=SHOP, state=enabled, cause="mended", by="Ada", since=NOON, failures=4)
    refused = JournalEntry(
        at=NOON, kind=EntryKind.ERROR, run_id="run", channel=SHOP, code="channel-auth", message="refused"
    )
    assert entries == [refused]
