"""Clearing a database's files of what was removed from its tables."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ...errors import StorageUnavailableError

CLEAN, WIPED = 0, 1
"""What ``user_version`` says, which nothing else uses: whether what was removed may still stand in the files."""


def mark_wiped(connection: sqlite3.Connection) -> None:
    """Note, within the transaction that removed something, that the files are still to be cleared of it."""
    connection.execute(f"PRAGMA user_version = {WIPED}")


def clear_files(connection: sqlite3.Connection, path: Path) -> None:
    """Clear the files if anything was removed since they were cleared last; not within a transaction.

    ``PRAGMA secure_delete`` overwrites what is deleted, but not the copies that stay in the gaps of pages when
    rows move to other pages: ``VACUUM`` writes every page anew. The log then holds older pages, and is cut off.
    """
    (state,) = connection.execute("PRAGMA user_version").fetchone()
    if state == CLEAN:
        return
    _cut_log(connection, path)  # first, for VACUUM writes in vain while others read what was there before
    connection.execute("VACUUM")
    _cut_log(connection, path)
    connection.execute(f"PRAGMA user_version = {CLEAN}")


def _cut_log(connection: sqlite3.Connection, path: Path) -> None:
    (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise StorageUnavailableError(
            f"{path}: what was to be removed is removed, but a copy stays in the file and its write-ahead log while "
            f"another process reads or writes; run the same again"
        )
