"""What SQLite's errors mean to whoever catches them; no message quotes a value."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ...errors import StorageError, StorageUnavailableError

BUSY_SECONDS = 5
"""How long a writer waits for another process's transaction."""

TEMPORARY = {
    sqlite3.SQLITE_BUSY: f"is busy: another process has been writing for {BUSY_SECONDS} s; run again later",
    sqlite3.SQLITE_LOCKED: "is locked by another connection; run again later",
    sqlite3.SQLITE_PROTOCOL: "is busy: too many processes want to lock it at once; run again later",
    sqlite3.SQLITE_FULL: "cannot grow, because its disk is full; make room and run again",
    sqlite3.SQLITE_IOERR: "could not be read or written; look at its disk and run again",
    sqlite3.SQLITE_NOMEM: "got no memory; run again later",
    sqlite3.SQLITE_INTERRUPT: "was interrupted; run again",
}

LASTING = {
    sqlite3.SQLITE_NOTADB: "is no SQLite database; name another file, this one is left as it is",
    sqlite3.SQLITE_CORRUPT: "is damaged; restore it from a backup, it is left as it is",
    sqlite3.SQLITE_READONLY: "cannot be written; look at the rights of the file and of its folder",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; look at the rights of the file and of its folder",
}


def storage_error(path: Path, error: sqlite3.Error) -> StorageError:
    """Return what to raise for an error of SQLite's about the database at *path*."""
    code = getattr(error, "sqlite_errorcode", None)  # not set by errors that Python's own module finds
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    primary = 0 if code is None else code & 0xFF
    if primary in TEMPORARY:
        return StorageUnavailableError(f"{path} {TEMPORARY[primary]} ({name})")
    told = LASTING.get(primary, "refused a statement; this is a mistake in ordersync, please report it")
    return StorageError(f"{path} {told} ({name})")
