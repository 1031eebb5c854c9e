"""Connections that watch or disturb what SQLite is asked, for the tests of the storage on it."""

# ruff: noqa: ANN401 - the types of sqlite3's parameters are not public
from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from sqlite3 import Cursor
from typing import Any, ClassVar

from ordersync.storage.sqlite import SQLiteStorage
from ordersync.storage.sqlite.connection import Connection


class Watched(Connection):
    """Notes every statement; ``executemany`` counts as the one that it is."""

    statements: ClassVar[list[str]] = []

    def execute(self, sql: str, parameters: Any = (), /) -> Cursor:
        """Note and run a statement."""
        self.statements.append(sql)
        return super().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> Cursor:
        """Note and run a statement for many rows."""
        self.statements.append(sql)
        return super().executemany(sql, parameters)


class WatchedStorage(SQLiteStorage):
    """A storage whose statements are noted."""

    connection_class = Watched

    def __init__(self, path: Path) -> None:
        """Begin with an empty list."""
        super().__init__(path)
        self.statements = Watched.statements = []

    def taken(self) -> list[str]:
        """Return the statements since the last call."""
        taken = self.statements[:]
        self.statements.clear()
        return taken


class Hasty(Connection):
    """Waits a moment only for a transaction of others."""

    def execute(self, sql: str, parameters: Any = (), /) -> Cursor:
        """Shorten the wait before it begins."""
        if sql.startswith("BEGIN"):
            super().execute("PRAGMA busy_timeout = 20")
        return super().execute(sql, parameters)


class HastyStorage(SQLiteStorage):
    """A storage that soon finds others busy."""

    connection_class = Hasty


class Cramped(Connection):
    """Has no room to grow beyond what it has."""

    def execute(self, sql: str, parameters: Any = (), /) -> Cursor:
        """Forbid new pages before a transaction begins."""
        if sql.startswith("BEGIN"):
            super().execute("PRAGMA max_page_count = 1")
        return super().execute(sql, parameters)


class CrampedStorage(SQLiteStorage):
    """A storage whose disk is full."""

    connection_class = Cramped
