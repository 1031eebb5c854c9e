"""The storage of one SQLite file with its work done inline: a thread would be faster or slower by chance."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar, cast

from ...storage.sqlite import SQLiteStorage
from ...storage.sqlite.connection import Connection, Database, Work
from ...storage.sqlite.failures import storage_error

T = TypeVar("T")

FASTER = ("synchronous = OFF", "locking_mode = EXCLUSIVE")
"""Nobody else opens the file, and nobody cuts its power: that is tried with real processes."""


class InlineDatabase(Database):
    """The same transactions through the same statements, on the loop's own thread."""

    _inline: Connection | None = None

    @property
    def path(self) -> Path:
        """Return which file it is."""
        return self._path

    @property
    def is_open(self) -> bool:
        """Say whether the file is open."""
        return self._inline is not None

    async def open(self) -> None:
        """Open the file."""
        self._inline = self._establish()
        for pragma in FASTER:
            self._inline.execute(f"PRAGMA {pragma}")

    async def aclose(self) -> None:
        """Close it."""
        if self._inline is not None:
            self._inline.close()
            self._inline = None

    async def _hop(self, work: Work[T]) -> T:
        if self._inline is None:
            raise RuntimeError("storage is not open; use 'async with'")
        try:
            return work(self._inline)
        except sqlite3.Error as exc:
            raise storage_error(self._path, exc) from exc


class InlineSQLiteStorage(SQLiteStorage):
    """``SQLiteStorage`` for a loop whose time is virtual."""

    database_class = InlineDatabase

    def files(self) -> Sequence[Path]:
        """Return all files of the database: the tables, and the log of what was written last."""
        path = cast("InlineDatabase", self._database).path
        return sorted(path.parent.glob(f"{path.name}*"))
