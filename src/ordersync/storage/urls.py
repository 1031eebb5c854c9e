"""Storages by URL, for command lines and configuration files."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import ConfigurationError
from ..ports import Storage
from .sqlite import SQLiteStorage

SUFFIXES = (".db", ".sqlite")
UNDERSTOOD = "write sqlite:///folder/shop.db, sqlite:folder/shop.db, or a path that ends in .db or .sqlite"


def storage_from(url: str, *, must_exist: bool = False) -> Storage:
    """Return the storage that *url* names, not yet opened.

    ``sqlite:///shop.db`` and ``sqlite:shop.db`` lie in the current folder, ``sqlite:////var/lib/shop.db`` and
    ``sqlite:/var/lib/shop.db`` do not; a bare path must end in ``.db`` or ``.sqlite``. ``ConfigurationError``
    for anything else, and with *must_exist* where no file is there. It never repeats a URL that may hold a password.
    """
    path = _path(url)
    try:
        storage = SQLiteStorage(path)
    except ValueError as exc:
        raise ConfigurationError(f"the storage URL names no file; {UNDERSTOOD}") from exc
    if must_exist and not Path(path).exists():
        raise ConfigurationError(
            f"there is no database at {Path(path).absolute()}; name the file that your program uses"
        )
    return storage


def _path(url: str) -> str:
    scheme = _scheme(url)
    if scheme == "sqlite":
        return _below_sqlite(url.partition(":")[2])
    if scheme in ("postgresql", "postgres"):
        raise ConfigurationError(
            "PostgreSQL is not built in yet, it is to come with ordersync[postgres]; use a storage of SQLite until then"
        )
    if scheme:
        raise ConfigurationError(f"a storage URL that begins with {scheme}: is not understood; {UNDERSTOOD}")
    if not url.endswith(SUFFIXES):
        raise ConfigurationError(f"the storage URL has no scheme that is known; {UNDERSTOOD}")
    return url


def _scheme(url: str) -> str:
    """Return what stands before the colon; a single letter is a drive of Windows."""
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):", url)
    return "" if found is None else found[1].lower()


def _below_sqlite(rest: str) -> str:
    """Return the path of a URL: what follows three slashes, or stands there without them."""
    if rest.startswith("//") and not rest.startswith("///"):
        raise ConfigurationError(f"a storage URL of SQLite names no host; {UNDERSTOOD}")
    return rest.removeprefix("///")
