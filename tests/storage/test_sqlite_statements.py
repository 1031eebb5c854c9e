"""What the storage on SQLite asks of the database: as many statements for a large page as for a small one."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ordersync import lifecycle
from ordersync.model.audits import LevelFinding
from ordersync.model.pages import PageWork
from ordersync.storage.sqlite.connection import Connection
from ordersync.testing.builders import NOON, SHOP, make_order
from ordersync.testing.contracts.steps import FIRST
from storage.spoiling import spoil_level
from storage.walking import walk
from storage.watching import WatchedStorage

GROWING = (
    "order_keys|orders|order_lines|order_names|order_people|order_documents|order_changes|decisions|last_seen|watches"
    "|decision_history|sighted_names|erased"
    "|quarantine|quarantine_payloads|doubts|parcels|notes"
    "|holds|movements|movement_lines|levels|sku_versions|listings|listing_components|listing_kits|sales|journal"
)

SPOKEN = re.compile("BEGIN|COMMIT|PRAGMA|VACUUM")
"""Statements that have no plan."""


async def test_statements_do_not_grow_with_the_page(tmp_path: Path) -> None:
    """Every verb sends as many statements for 500 rows as for 10, and no more than a few."""
    small, large = [await walk(tmp_path / f"{size}.db", size) for size in (10, 500)]

    assert {name: len(sent) for name, sent in large.items()} == {name: len(sent) for name, sent in small.items()}
    assert max(len(sent) for sent in large.values()) <= 32


async def test_verb_is_one_transaction(tmp_path: Path) -> None:
    """Every verb begins one transaction and commits it; those that only read begin none that writes."""
    for name, sent in (await walk(tmp_path / "shop.db", 3)).items():
        assert sent[0] in ("BEGIN", "BEGIN IMMEDIATE"), name
        assert [sql for sql in sent if sql.startswith("BEGIN") or sql == "COMMIT"] == [sent[0], "COMMIT"], name
        writes = [sql for sql in sent if re.match(r"\s*(INSERT|UPDATE|DELETE)", sql)]
        assert bool(writes) is (sent[0] == "BEGIN IMMEDIATE"), name


async def plan(storage: WatchedStorage, sql: str) -> list[str]:
    """Return the steps by which SQLite runs a statement."""

    def explain(db: Connection) -> list[str]:
        return [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", (None,) * sql.count("?"))]

    return await storage._database.read(explain)


@pytest.mark.parametrize(
    ("verb", "index"),
    [
        ("watched", "watches_due (channel_id=? AND look_at<?)"),
        ("missing", "orders_live (channel_id=? AND reference>?)"),
        ("missing_counts", "orders_live (channel_id=?)"),
        ("listed deleted", "orders_deleted (channel_id=? AND reference>?)"),
        ("listed live", "orders_live (channel_id=? AND reference>?)"),
        ("listed conflicts", "orders_in_conflict (channel_id=? AND reference>?)"),
        ("listed live conflicts", "orders_in_conflict (channel_id=? AND reference>?)"),
        ("save understood", "quarantine_by_reference (channel_id=? AND reference=?)"),
        ("decided", "sighted_names USING PRIMARY KEY (name=?)"),
        ("decided stored", "order_names USING PRIMARY KEY (name=?)"),
        (
            "decisions_by_key",
            "order_keys USING COVERING INDEX sqlite_autoindex_order_keys_1 (channel_id=? AND reference>?)",
        ),
        ("forget", "decision_history_by_age (channel_id=? AND last_seen_at<?)"),
        ("erasable", "orders_to_erase (channel_id=?)"),
        ("empty_quarantine", "quarantine_by_age (at<?)"),
    ],
)
async def test_verb_finds_its_rows_by_the_index_meant_for_it(tmp_path: Path, verb: str, index: str) -> None:
    """What few orders are is found among these few, not among all that there ever were, and comes sorted."""
    sent = (await walk(tmp_path / "shop.db", 3))[verb]
    async with WatchedStorage(tmp_path / "shop.db") as storage:
        plans = [await plan(storage, sql) for sql in sent if not SPOKEN.match(sql)]

    (steps,) = [steps for steps in plans if any(index in step for step in steps)]
    sorting = [step for step in steps if step.startswith("USE TEMP B-TREE FOR ORDER BY")]
    assert sorting == []


async def test_no_verb_reads_a_table_from_end_to_end(tmp_path: Path) -> None:
    """SQLite finds every row that a verb of a run or of the desk needs by an index."""
    sent = await walk(tmp_path / "shop.db", 3)
    statements = {sql for of_verb in sent.values() for sql in of_verb if not SPOKEN.match(sql)}
    async with WatchedStorage(tmp_path / "shop.db") as storage:
        steps = {step for sql in statements for step in await plan(storage, sql)}

    assert len(statements) > 60
    scans = {step for step in steps if re.match(rf"SCAN ({GROWING})\b", step)}
    assert scans == {"SCAN sku_versions USING INDEX sku_versions_changed"}  # which holds what changed, and no more


@pytest.mark.parametrize(
    "verb", ["reserve", "acknowledge", "adjust", "mend", "reserved", "sold", "mark nothing", "same health", "erase"]
)
async def test_repeated_verb_writes_nothing(tmp_path: Path, verb: str) -> None:
    """A verb that is repeated after it took effect leaves the file untouched."""
    order = make_order("1001")
    due = lifecycle.due_of(order)
    wrong = LevelFinding(sku="MUG", location="main", on_hand=4, moved=0, reserved=0, held=0)
    async with WatchedStorage(tmp_path / "shop.db") as storage:
        await storage.listings.link(SHOP, "MUG", "MUG")
        await storage.orders.save_page(PageWork(channel=SHOP, new=(order,)), fence=FIRST, at=NOON)
        await spoil_level(storage.stock, "MUG", location="main", on_hand=4, reserved=0)
        verbs: dict[str, Callable[[], Awaitable[object]]] = {
            "reserve": lambda: storage.stock.reserve([due.claim], at=NOON),
            "acknowledge": lambda: storage.stock.acknowledge({"MUG": 1}),
            "adjust": lambda: storage.stock.adjust("MUG", location="main", quantity=1, movement_id="found"),
            "mend": lambda: storage.stock.mend_levels([wrong]),
            "reserved": lambda: storage.orders.reserved({order.key: 1}),
            "sold": lambda: storage.listings.sold([due.sale]),
            "mark nothing": lambda: storage.listings.mark(["LID"]),
            "erase": lambda: storage.orders.erase([order.key], at=NOON),
            "same health": lambda: storage.journal.set_health(SHOP, at=NOON, failures=0),
        }
        repeated = verbs[verb]
        await repeated()
        wal = (tmp_path / "shop.db-wal").read_bytes()
        await repeated()

        assert (tmp_path / "shop.db-wal").read_bytes() == wal
