"""The database's file: private, never recreated, and complete from the moment it is there."""

from __future__ import annotations

import glob
import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ...errors import StorageError

SIDECARS = ("", "-wal", "-shm")
"""A database and what SQLite keeps beside it, with the database's own mode."""

SMALLEST_DATABASE = 512
"""The smallest page that SQLite knows, in bytes."""


def checked_path(path: str | os.PathLike[str]) -> Path:
    """Return *path* if it names a file; ``ValueError`` for what only SQLite would take for something else."""
    name = os.fspath(path)
    if not isinstance(name, str):
        raise TypeError(f"SQLiteStorage: the path must be text, not {type(name).__name__}")
    if name in ("", ":memory:"):
        raise ValueError("SQLiteStorage: give a file; for a storage without one there is MemoryStorage")
    if name.startswith("file:"):
        raise ValueError("SQLiteStorage: give a plain path, not a file: URI")
    if "\x00" in name:
        raise ValueError("SQLiteStorage: the path holds a NUL character")
    return Path(name)


def provide(path: Path, fill: Callable[[Path], None]) -> None:
    """Make sure that the database is there and private; *fill* writes a new one.

    A new one is written under another name and then linked, so that nobody ever meets half of one,
    and an empty file is always a damaged one.
    """
    try:
        _provide(path, fill)
    except OSError as exc:
        raise StorageError(
            f"{path} cannot be opened: {exc.strerror}; look at the rights of the file and of its folder"
        ) from exc


def _provide(path: Path, fill: Callable[[Path], None]) -> None:
    if not path.parent.is_dir():
        raise StorageError(f"{path}: the folder {path.parent} does not exist; create it first")
    if not _is_there(path):
        try:
            _create(path, fill)
        except OSError as exc:
            raise StorageError(f"{path} cannot be created: {exc.strerror}") from exc
    for suffix in SIDECARS:
        _check(path.with_name(path.name + suffix))
    status = path.stat()
    if status.st_size < SMALLEST_DATABASE:  # SQLite would take it for a new one
        raise StorageError(f"{path} is empty or cut off; restore it from a backup, or remove it to begin anew")
    if status.st_nlink > 1:
        _drop_drafts(path)


def _is_there(path: Path) -> bool:
    """Say whether anything has this name; ``PermissionError`` where nobody can know."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True


def _drop_drafts(path: Path) -> None:
    """Remove the second name of a database whose creator was killed just before it would have done so."""
    for draft in path.parent.glob(f"{glob.escape(path.name)}.*.new"):
        with suppress(FileNotFoundError):
            if draft.samefile(path):
                draft.unlink()


def _create(path: Path, fill: Callable[[Path], None]) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".new")
    os.close(handle)
    draft = Path(name)
    try:
        draft.chmod(0o600)
        fill(draft)
        _sync(draft)
        path.hardlink_to(draft)
    except FileExistsError:  # another process was faster, and its file is as good as ours
        pass
    finally:
        draft.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _check(path: Path) -> None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(status.st_mode):
        raise StorageError(f"{path} is no regular file; name the database file itself, not a link to it")
    if os.name == "posix" and status.st_mode & 0o077:
        mode = stat.S_IMODE(status.st_mode)
        raise StorageError(
            f"{path} holds personal data and other users may open it (mode {mode:04o}); run: chmod 600 '{path}'"
        )
    if not os.access(path, os.R_OK | os.W_OK):  # SQLite would leave files beside it that stay read-only, too
        raise StorageError(f"{path} cannot be written; look at the rights of the file and of its folder")
