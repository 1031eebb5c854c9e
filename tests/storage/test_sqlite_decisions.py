"""Decisions in a file: those of older schemas, and what is left of those that were forgotten."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ordersync.model.pages import PageWork
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.storage.sqlite.migrating import MIGRATIONS, migrate
from ordersync.testing.builders import NOON, SHOP, make_channel_order
from ordersync.testing.contracts.decisions import decide, refused
from ordersync.testing.contracts.steps import FIRST, HOUR


async def test_decisions_of_an_older_schema_are_found(tmp_path: Path) -> None:
    """Decisions from before histories were kept read as decided when first seen, and are found by their references."""
    path = tmp_path / "shop.db"
    old = sqlite3.connect(path, isolation_level=None)
    migrate(old, MIGRATIONS[:3])
    old.execute("INSERT INTO channels (id, source, subsource) VALUES (1, ?, ?)", (SHOP.source, SHOP.subsource))
    for number, reference in enumerate((" #ÜN-1", "stored"), start=1):
        old.execute("INSERT INTO order_keys (id, channel_id, reference) VALUES (?, 1, ?)", (number, reference))
        row = (number, reference == "stored", "NOT_PAID", "It is not paid.", "skipped", b"d", "open", "", "", 1, 1, 5)
        old.execute(f"INSERT INTO decisions VALUES ({', '.join('?' * 12)}, ?)", (*row[:11], None, row[11]))  # noqa: S608
        old.execute("INSERT INTO last_seen (order_id, at) VALUES (?, 9)", (number,))
    old.close()
    path.chmod(0o600)

    async with SQLiteStorage(path) as storage:
        (found,) = await storage.orders.decided("ün-1")
        assert found.seen is None
        assert found.first_seen_at is not None
        assert found.decided_at == found.first_seen_at < (found.last_seen_at or found.first_seen_at)
        assert list(await storage.orders.decision_history(found.key)) == [found]
        after = refused(found.key, page=2)
        await storage.orders.save_page(PageWork(channel=SHOP, decisions=(after,)), fence=FIRST, at=NOON)
        assert [one.page for one in await storage.orders.decision_history(found.key)] == [1, 2]
        assert await storage.orders.forget(SHOP, before=NOON, limit=9, fence=FIRST) == 1


async def test_forgotten_decision_leaves_no_row(tmp_path: Path) -> None:
    """Of a decision that was forgotten, with all that was decided before, no table keeps a row."""
    async with SQLiteStorage(tmp_path / "shop.db") as storage:
        seen = make_channel_order(channel_order_id="7000", secondary_reference="PO 12")
        for page in (1, 2):
            await decide(storage.orders, refused(seen=seen, final=True, page=page))
        assert await storage.orders.forget(SHOP, before=NOON + HOUR, limit=9, fence=FIRST) == 2

    file = sqlite3.connect(tmp_path / "shop.db")
    tables = ("decisions", "last_seen", "decision_history", "sighted_names")
    left = [file.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]  # noqa: S608
    file.close()
    assert left == [0, 0, 0, 0]
