"""One SQLite file, its one connection, and the thread on which all of its work runs."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast

import aiosqlite

from ...errors import StorageError
from .failures import BUSY_SECONDS, storage_error
from .files import provide
from .migrating import migrate, require_schema
from .wiping import clear_files

T = TypeVar("T")

OLDEST_SQLITE = (3, 38)
"""The first with JSON in every build; strict tables came just before."""

PRAGMAS = (
    ("journal_mode", "wal"),
    ("synchronous", 2),  # FULL: what was committed is there after a power cut
    ("foreign_keys", 1),
    ("busy_timeout", BUSY_SECONDS * 1000),
    ("trusted_schema", 0),
    ("cell_size_check", 1),
    ("cache_size", -32_000),
    ("secure_delete", 1),  # what was erased is overwritten, and not only given up
)


class Connection(sqlite3.Connection):
    """A connection that runs a whole function where others run a script: in one hop to its thread.

    aiosqlite offers no verb for that. ``writing`` says whether the transaction under way may write.
    """

    writing = False

    def executescript(self, script: str | Callable[[Connection], None], /) -> sqlite3.Cursor:
        """Run a script, or a function that is given this connection."""
        if isinstance(script, str):
            return super().executescript(script)
        script(self)
        return self.cursor()


class MustWriteError(Exception):
    """A transaction that was begun to read has to write; it is begun anew."""


Work = Callable[[Connection], T]


class Database:
    """Runs functions on the database, each as one transaction that a cancelled caller cannot tear."""

    def __init__(self, path: Path, *, connection: type[Connection] = Connection) -> None:
        self._path = path
        self._connection = connection
        self._open: aiosqlite.Connection | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def is_open(self) -> bool:
        """Say whether the file is open."""
        return self._open is not None

    async def open(self) -> None:
        """Open the file, make sure of its schema, and check that SQLite works as we need it to."""
        if self._loop is not None:
            raise RuntimeError("storage is open already; close it first")
        self._loop = asyncio.get_running_loop()
        try:
            await unbroken(self._connect())
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """Close the file when all work begun before is over."""
        opened, self._open, self._loop = self._open, None, None
        if opened is not None:
            try:
                await unbroken(opened.close())
            except sqlite3.Error as exc:
                raise storage_error(self._path, exc) from exc

    async def read(self, work: Work[T]) -> T:
        """Return what *work* finds in one snapshot of the database.

        Only where it turns out to write, as the first sight of a new fence does, it runs again as ``write`` does.
        """

        def attempt(connection: Connection) -> T:
            try:
                return _transact(connection, work, writing=False)
            except MustWriteError:
                return _transact(connection, work, writing=True)

        return await self._hop(attempt)

    async def write(self, work: Work[T]) -> T:
        """Run *work* in one transaction, wholly or not at all, and return its result."""
        return await self._hop(lambda connection: _transact(connection, work, writing=True))

    async def wipe(self, work: Work[T]) -> T:
        """Run *work* as ``write`` does; what it removed is in none of the database's files when this returns.

        *work* calls ``mark_wiped`` if it removed anything. ``StorageUnavailableError`` while another process keeps
        an older copy in use: what was removed is gone for every reader by then, and the next call clears the files.
        """

        def attempt(connection: Connection) -> T:
            result = _transact(connection, work, writing=True)
            clear_files(connection, self._path)
            return result

        return await self._hop(attempt)

    async def _hop(self, work: Work[T]) -> T:
        opened = self._usable()
        results: list[T] = []

        def run(connection: Connection) -> None:
            try:
                results.append(work(connection))
            except sqlite3.Error as exc:
                raise storage_error(self._path, exc) from exc

        async def hop() -> None:
            await opened.executescript(cast("str", run))

        await unbroken(hop())
        return results[0]

    def _usable(self) -> aiosqlite.Connection:
        if self._open is None:
            raise RuntimeError("storage is not open; use 'async with'")
        if self._loop is not asyncio.get_running_loop():
            raise RuntimeError("storage was opened on another event loop; open one on each loop")
        return self._open

    async def _connect(self) -> None:
        opened = aiosqlite.Connection(self._establish, iter_chunk_size=64)
        thread = _thread_of(opened)
        if thread is not None:
            thread.daemon = True  # else a storage that was never closed hangs the process at its end
        try:
            self._open = await opened
        except Exception:
            await _end_of(thread)
            raise

    def _establish(self) -> Connection:
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            oldest, found = ".".join(map(str, OLDEST_SQLITE)), sqlite3.sqlite_version
            raise StorageError(f"{self._path} needs SQLite {oldest}, and this Python has {found}; use a newer one")
        try:
            provide(self._path, fill=self._fill)
            connection = self._sqlite(self._path)
            try:
                require_schema(connection, self._path)
                _set_pragmas(connection, self._path)
                migrate(connection)
            except BaseException:
                connection.close()
                raise
        except sqlite3.Error as exc:
            raise storage_error(self._path, exc) from exc
        return connection

    def _fill(self, path: Path) -> None:
        connection = self._sqlite(path)
        try:
            connection.execute("PRAGMA synchronous = OFF")  # nobody sees the file before it is whole and synced
            migrate(connection)
            connection.execute("PRAGMA journal_mode = wal")
        finally:
            connection.close()

    def _sqlite(self, path: Path) -> Connection:
        return sqlite3.connect(path, factory=self._connection, timeout=BUSY_SECONDS, isolation_level=None)


async def unbroken(work: Coroutine[Any, Any, T]) -> T:
    """Run *work* to its end even if the caller is cancelled, then honour the cancellation."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # seen; the cancellation outranks it
        raise


def _transact(connection: Connection, work: Work[T], *, writing: bool) -> T:
    connection.execute("BEGIN IMMEDIATE" if writing else "BEGIN")
    connection.writing = writing
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has rolled back by itself
            connection.execute("ROLLBACK")
        raise
    return result


def _set_pragmas(connection: Connection, path: Path) -> None:
    for name, value in PRAGMAS:
        connection.execute(f"PRAGMA {name} = {value}")
        (found,) = connection.execute(f"PRAGMA {name}").fetchone()
        if found != value:
            raise StorageError(f"{path}: SQLite refuses {name} = {value} and has {found}; put the file on a local disk")


def _thread_of(opened: aiosqlite.Connection) -> threading.Thread | None:
    """Return aiosqlite's thread, which it does not show; before 0.22 the connection itself is the thread."""
    thread = getattr(opened, "_thread", opened)
    return thread if isinstance(thread, threading.Thread) else None


async def _end_of(thread: threading.Thread | None) -> None:
    """Wait for the thread of a failed opening: aiosqlite does not, and it still speaks to the loop."""
    while thread is not None and thread.is_alive():  # noqa: ASYNC110 - a thread sets no event of a loop
        await asyncio.sleep(0)
