"""A SQLite file that holds nothing yet; one that is copied costs an eighth of one that is made anew."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from functools import cache
from pathlib import Path

from ordersync.storage.sqlite import SQLiteStorage


def empty_file(path: Path) -> Path:
    """Lay an empty database of the present schema at *path*, unless one lies there."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(_template())
    return path


@cache
def _template() -> bytes:
    """Return the bytes of an empty database, made once a process, in a thread that has no event loop of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        thread = threading.Thread(target=asyncio.run, args=(_make(path),))
        thread.start()
        thread.join()
        return path.read_bytes()


async def _make(path: Path) -> None:
    async with SQLiteStorage(path):
        pass
