"""The schema's version, and the steps to the newest one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...errors import SchemaVersionError, StorageError
from ...model.orders import search_name
from ..schema import Migration, migrations

MIGRATIONS = migrations("sqlite")


def schema_version(connection: sqlite3.Connection) -> int:
    """Return which schema the database has; 0 for none of ours."""
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'ordersync_schema'")
    if found.fetchone() is None:
        return 0
    (version,) = connection.execute("SELECT coalesce(max(version), 0) FROM ordersync_schema").fetchone()
    return int(version)


def require_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a database that is not ours, or that a newer ordersync wrote."""
    version, newest = schema_version(connection), MIGRATIONS[-1].version
    if version == 0:
        raise StorageError(f"{path} is a database of something else; name another file, this one is left as it is")
    if version > newest:
        raise SchemaVersionError(
            f"{path} has schema {version}, and this ordersync knows schemas up to {newest}; upgrade ordersync"
        )


def migrate(connection: sqlite3.Connection, steps: Sequence[Migration] = MIGRATIONS) -> None:
    """Bring the database to the newest schema, each step in a transaction of its own.

    Several processes may do this at once: each step is taken by one of them.
    """
    connection.create_function("search_name", 1, search_name, deterministic=True)
    for step in steps:
        if schema_version(connection) < step.version:
            _take(connection, step)


def _take(connection: sqlite3.Connection, step: Migration) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if schema_version(connection) < step.version:
            connection.execute("CREATE TABLE IF NOT EXISTS ordersync_schema (version INTEGER PRIMARY KEY) STRICT")
            for statement in _statements(step.script):
                connection.execute(statement)
            connection.execute("INSERT INTO ordersync_schema (version) VALUES (?)", (step.version,))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _statements(script: str) -> Iterator[str]:
    """Cut a script into statements; Python's own way of running one would commit first."""
    statement = ""
    for part in script.split(";"):
        statement += part + ";"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
