"""The file of the storage on SQLite: who may read it, what is refused, and which schema it has."""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
import stat
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from ordersync.errors import SchemaVersionError, StorageError, StorageUnavailableError
from ordersync.storage.schema import Migration, migrations
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.storage.sqlite.migrating import migrate, schema_version
from ordersync.testing.builders import NOON, make_claim
from storage.watching import WatchedStorage

EXPECTED_PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "busy_timeout": 5000,
    "trusted_schema": 0,
    "cell_size_check": 1,
    "cache_size": -32000,
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a database may be."""
    return tmp_path / "shop.db"


@pytest.fixture
def open_umask() -> Iterator[None]:
    """Let new files be readable by everybody unless they say otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)


def create(path: Path) -> None:
    """Create a database with something in it."""

    async def reserve() -> None:
        async with SQLiteStorage(path) as storage:
            await storage.stock.reserve([make_claim("1001")], at=NOON)

    asyncio.run(reserve())


def look(storage: SQLiteStorage) -> object:
    """Open a storage, look into it and close it."""

    async def levels() -> object:
        async with storage:
            return await storage.stock.levels(["MUG"])

    return asyncio.run(levels())


def mode(path: Path) -> int:
    """Return who may do what with a file."""
    return stat.S_IMODE(path.stat().st_mode)


async def test_pragmas_are_in_force(path: Path) -> None:
    """The connection has every setting that durability and safety rest on."""
    async with SQLiteStorage(path) as storage:
        found = await storage._database.read(
            lambda db: {name: db.execute(f"PRAGMA {name}").fetchone()[0] for name in EXPECTED_PRAGMAS}
        )

    assert found == EXPECTED_PRAGMAS


@pytest.mark.usefixtures("open_umask")
async def test_files_are_private(path: Path) -> None:
    """Database, write-ahead log and shared memory are for their owner only, whatever the umask."""
    async with SQLiteStorage(path) as storage:
        await storage.stock.reserve([make_claim("1001")], at=NOON)
        modes = {found.name: mode(found) for found in path.parent.iterdir()}

    assert modes == {"shop.db": 0o600, "shop.db-wal": 0o600, "shop.db-shm": 0o600}


@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_file_that_others_may_read_is_refused(path: Path, suffix: str) -> None:
    """A database or log that other users may read is refused with the command that mends it."""
    create(path)
    loose = path.with_name(path.name + suffix)
    loose.touch()
    loose.chmod(0o644)

    with pytest.raises(StorageError, match=re.escape(f"mode 0644); run: chmod 600 '{loose}'")):
        look(SQLiteStorage(path))


def test_nothing_is_left_beside_a_closed_file(path: Path) -> None:
    """Creating and closing a database leaves one file."""
    create(path)

    assert [found.name for found in path.parent.iterdir()] == ["shop.db"]


@pytest.mark.parametrize("name", [":memory:", "", "file:shop.db", "file:shop.db?mode=memory", "a\0b"])
def test_what_is_no_plain_path_is_refused(name: str) -> None:
    """Names that SQLite would take for something else than a file are refused at once."""
    with pytest.raises(ValueError, match="SQLiteStorage: "):
        SQLiteStorage(name)


def test_bytes_are_no_path() -> None:
    """A path is text."""
    with pytest.raises(TypeError, match="must be text, not bytes"):
        SQLiteStorage(b"shop.db")  # type: ignore[arg-type]


def test_link_is_refused(path: Path) -> None:
    """A symbolic link to a database is refused."""
    create(path)
    link = path.with_name("link.db")
    link.symlink_to(path)

    with pytest.raises(StorageError, match="is no regular file"):
        look(SQLiteStorage(link))


def test_dangling_link_creates_nothing(path: Path) -> None:
    """A symbolic link to nothing is refused, and nothing is created where it points."""
    target = path.with_name("elsewhere.db")
    path.symlink_to(target)

    with pytest.raises(StorageError, match="is no regular file"):
        look(SQLiteStorage(path))
    assert not target.exists()


def test_folder_is_refused(path: Path) -> None:
    """A folder is no database."""
    path.mkdir()

    with pytest.raises(StorageError, match="is no regular file"):
        look(SQLiteStorage(path))


def test_missing_folder_is_named(path: Path) -> None:
    """When the folder is missing, the error names it, and nothing is created."""
    with pytest.raises(StorageError, match=r"the folder .*nowhere does not exist; create it first"):
        look(SQLiteStorage(path.parent / "nowhere" / "shop.db"))
    assert list(path.parent.iterdir()) == []


def not_a_database(path: Path) -> str:
    """Write something else; return what is to be said about it."""
    path.write_text("reference;buyer\n" * 1000)
    return "is no SQLite database"


def empty(path: Path) -> str:
    """Cut everything off."""
    path.write_bytes(b"")
    return "is empty or cut off"


def truncated(path: Path) -> str:
    """Cut the second half off."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return "is damaged"


def header_only(path: Path) -> str:
    """Cut off all but the first hundred bytes."""
    path.write_bytes(path.read_bytes()[:100])
    return "is empty or cut off"


def overwritten(path: Path) -> str:
    """Overwrite all but the header."""
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + b"\xa5" * (len(whole) - 100))
    return "is damaged"


@pytest.mark.parametrize("damage", [not_a_database, empty, truncated, header_only, overwritten])
def test_damaged_file_is_left_as_it_is(path: Path, damage: object) -> None:
    """What is no whole database is refused in one sentence, and not a byte of it changes."""
    create(path)
    assert callable(damage)
    sentence = damage(path)
    before = path.read_bytes()

    with pytest.raises(StorageError, match=sentence) as caught:
        look(SQLiteStorage(path))
    assert not isinstance(caught.value, StorageUnavailableError)
    assert path.read_bytes() == before


def test_damage_found_later_is_a_storage_error(path: Path) -> None:
    """Damage that opening does not meet is named by the verb that does."""
    create(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xa5" * (len(whole) - 4096))

    with pytest.raises(StorageError, match="is damaged"):
        look(SQLiteStorage(path))


def test_database_of_something_else_is_left_as_it_is(path: Path) -> None:
    """Another program's database is refused and not changed."""
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
    other.close()
    path.chmod(0o600)
    before = path.read_bytes()

    with pytest.raises(StorageError, match="is a database of something else"):
        look(SQLiteStorage(path))
    assert path.read_bytes() == before


def test_newer_schema_is_refused(path: Path) -> None:
    """A database that a newer ordersync wrote is refused with both versions and what to do."""
    create(path)
    newest = len(migrations("sqlite"))
    with sqlite3.connect(path) as other:
        other.execute("INSERT INTO ordersync_schema (version) VALUES (?)", (newest + 1,))
    other.close()

    sentence = rf"has schema {newest + 1}, and this ordersync knows schemas up to {newest}; upgrade ordersync"
    with pytest.raises(SchemaVersionError, match=sentence):
        look(SQLiteStorage(path))


def test_old_sqlite_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python with a SQLite that is too old gets one sentence, and no file is created."""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))

    with pytest.raises(StorageError, match=r"needs SQLite 3\.38, and this Python has"):
        look(SQLiteStorage(path))
    assert list(path.parent.iterdir()) == []


def test_steps_are_numbered_and_packaged() -> None:
    """The schema's steps are files of the package, numbered from 1 without a gap."""
    steps = migrations("sqlite")

    assert [step.version for step in steps] == list(range(1, len(steps) + 1))
    assert resources.files("ordersync.storage.schema").joinpath("0001_initial.sqlite.sql").is_file()


def test_every_table_is_strict(path: Path) -> None:
    """No table takes text for a number."""
    connection = sqlite3.connect(path)
    migrate(connection)
    tables = connection.execute("SELECT name, strict FROM pragma_table_list WHERE name NOT LIKE 'sqlite_%'").fetchall()
    connection.close()

    assert len(tables) > 20
    assert [name for name, strict in tables if not strict] == []


def test_failed_step_leaves_the_version_before(path: Path) -> None:
    """A step that fails is undone whole, and the steps before it stay."""
    steps = (
        Migration(1, "first", "CREATE TABLE a (id INTEGER PRIMARY KEY) STRICT;"),
        Migration(2, "second", "CREATE TABLE b (id INTEGER PRIMARY KEY) STRICT;\nINSERT INTO missing VALUES (1);"),
    )
    connection = sqlite3.connect(path, isolation_level=None)
    with pytest.raises(sqlite3.OperationalError, match="no such table: missing"):
        migrate(connection, steps)
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    version = schema_version(connection)
    connection.close()

    assert version == 1
    assert tables == {"ordersync_schema", "a"}


def test_step_is_taken_once(path: Path) -> None:
    """Of two connections that bring a database up to date, one takes the step and the other finds it taken."""
    steps = (Migration(1, "first", "CREATE TABLE a (id INTEGER PRIMARY KEY) STRICT;\n-- a; comment\n"),)
    connections = [sqlite3.connect(path, isolation_level=None) for _ in range(2)]
    for connection in connections:
        migrate(connection, steps)
    versions = [schema_version(connection) for connection in connections]
    for connection in connections:
        connection.close()

    assert versions == [1, 1]


def test_opening_again_changes_nothing(path: Path) -> None:
    """A database that is up to date is only read when it is opened."""
    create(path)
    before = path.read_bytes()
    storage = WatchedStorage(path)
    look(storage)

    assert not [sql for sql in storage.taken() if sql.startswith(("BEGIN IMMEDIATE", "CREATE"))]
    assert path.read_bytes() == before
