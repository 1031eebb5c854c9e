"""The database schemas: numbered, forward only, one file a step and a dialect."""

from __future__ import annotations

from importlib import resources

import attrs


@attrs.frozen
class Migration:
    """One step from a schema version to the next."""

    version: int
    name: str
    script: str


def migrations(dialect: str) -> tuple[Migration, ...]:
    """Return the steps of one dialect, such as ``"sqlite"``, in their order."""
    found: list[Migration] = []
    for file in resources.files(__name__).iterdir():
        if file.name.endswith(f".{dialect}.sql"):
            number, _, name = file.name.removesuffix(f".{dialect}.sql").partition("_")
            found.append(Migration(int(number), name, file.read_text(encoding="utf-8")))
    return tuple(sorted(found, key=lambda migration: migration.version))
