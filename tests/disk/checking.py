"""What is to hold of a database after whatever happened to it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from disk.acks import Acknowledged
from disk.outside import lines_of
from disk.program import SCENARIOS, Day, ending
from ordersync.audit import audit
from ordersync.errors import StorageError
from ordersync.storage.sqlite import SQLiteStorage


def complaints(folder: Path, acknowledged: Acknowledged | None = None, *, settled: bool = False) -> list[str]:
    """Say what is wrong with the database in a folder; *settled*: also that something is still due."""
    known = acknowledged or Acknowledged(lines_of(folder / "acks"))
    file = folder / "shop.db"
    if not file.exists():
        return [f"there is no file, and {len(known.most)} facts were acknowledged"] if known.most else []
    try:
        return asyncio.run(_complaints(file, known, settled=settled))
    except StorageError as error:
        return [f"{type(error).__name__}: {error}"]


async def _complaints(file: Path, known: Acknowledged, *, settled: bool) -> list[str]:
    async with SQLiteStorage(file) as storage:
        found = await storage._database.read(lambda db: db.execute("PRAGMA integrity_check").fetchall())
        if found != [("ok",)]:
            return [f"integrity_check: {found[:3]}"]
        lost = await known.lost(storage)
        seen = await audit(storage)
    wrong = [f"audit: {one}" for one in seen.findings]
    return lost + wrong + ([f"{seen.due} orders are still due"] if settled and seen.due else [])


def go_on(folder: Path, scenario: str, expected: Mapping[str, Any] | None) -> list[str]:
    """Start the program again, uncut and in this process; say what is wrong with the end that it reaches."""
    day = Day(folder, SCENARIOS[scenario])
    try:
        asyncio.run(day.work())
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told with the point
        return [f"the next start: {error!r}"]
    finally:
        day.close()
    wrong = complaints(folder, settled=True)
    return wrong if expected is None else wrong + differences(expected, asyncio.run(ending(folder)))


def differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Say where an end is not the expected one."""
    return [
        f"{name}: {found[name]!r} instead of {expected[name]!r}" for name in expected if found[name] != expected[name]
    ]
