"""The embedded default: everything in one SQLite file, which several processes may share."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from typing import ClassVar

from ...clock import Clock, SystemClock
from ...model.health import Fact
from ...ports import OwnStockLedger, Storage
from .connection import Connection, Database
from .files import checked_path
from .journal import SQLiteJournal
from .listings import SQLiteListingBook
from .migrating import MIGRATIONS, schema_version
from .orders import SQLiteOrderStore
from .stock import SQLiteStockLedger

__all__ = ["SQLiteJournal", "SQLiteListingBook", "SQLiteOrderStore", "SQLiteStockLedger", "SQLiteStorage"]


class SQLiteStorage(Storage):
    """Orders, stock, listings and journal in one file on a local disk.

    Opened with ``async with``. The file is created with mode 0600 and never recreated; its folder must exist.
    Several processes may use one file, each with a storage of its own: they wait for each other's transactions,
    5 seconds at most (``StorageUnavailableError``). *clock* is asked by leases alone, and should be the wall
    clock wherever processes share the file.
    """

    connection_class: ClassVar[type[Connection]] = Connection
    """What opens the database, for whoever wants to watch its statements."""

    database_class: ClassVar[type[Database]] = Database
    """What runs the transactions, for whoever wants them on another thread."""

    def __init__(self, path: str | os.PathLike[str], *, clock: Clock | None = None) -> None:
        """Name the file; ``ValueError`` for ``:memory:`` and ``file:`` URIs. Opens nothing."""
        self._database = self.database_class(checked_path(path), connection=self.connection_class)
        self._ledger = SQLiteStockLedger(self._database)
        super().__init__(
            orders=SQLiteOrderStore(self._database),
            stock=self._ledger,
            listings=SQLiteListingBook(self._database),
            journal=SQLiteJournal(self._database, clock=clock or SystemClock()),
        )

    @property
    def stock(self) -> OwnStockLedger:
        """Return the port that remembers stock."""
        return self._ledger

    @property
    def is_open(self) -> bool:
        """Say whether the file is open."""
        return self._database.is_open

    async def open(self) -> None:
        """Open the file, creating it if it is not there.

        ``StorageError`` when it is no database of ours, damaged, or not private; ``SchemaVersionError`` when a
        newer ordersync wrote it; ``StorageUnavailableError`` when others keep it busy.
        """
        await self._database.open()

    async def aclose(self) -> None:
        """Close the file once all work begun before is over; may be called twice."""
        await self._database.aclose()

    async def inspect(self) -> Sequence[Fact]:
        """Return schema, journal mode, size, what ``PRAGMA quick_check`` finds, and SQLite's version.

        The check reads the whole file: seconds, where it has gigabytes.
        """
        return await self._database.read(_facts)


def _facts(connection: Connection) -> Sequence[Fact]:
    version, newest = schema_version(connection), MIGRATIONS[-1].version
    mode, pages, page, defect = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "page_count", "page_size", "quick_check(1)")
    )
    return (
        Fact("schema", f"{version} of {newest}", well=version == newest),
        Fact("journal mode", mode, well=mode == "wal"),
        Fact("size", f"{pages * page} bytes"),
        Fact("quick check", defect, well=defect == "ok"),
        Fact("SQLite", sqlite3.sqlite_version),
    )
