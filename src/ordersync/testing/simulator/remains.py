"""All that a storage keeps, down to its bytes: what was erased must be nowhere in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...ports import Storage
from .sqlite import InlineSQLiteStorage

OURS = ("ordersync.storage.", "ordersync.model.")
"""Whose objects are looked into: clocks and the like keep nothing of anybody."""

Piece = tuple[str, bytes]
"""Where something is kept, and its bytes."""


def remains(storage: Storage) -> Iterator[Piece]:
    """Yield everything that *storage* keeps: each text in memory, or each file of a database as it stands on disk."""
    if isinstance(storage, InlineSQLiteStorage):
        yield from ((file.name, file.read_bytes()) for file in storage.files())
        return
    for port in ("orders", "stock", "listings", "journal"):
        yield from _within(port, getattr(storage, port))


def _within(where: str, root: object) -> Iterator[Piece]:
    """Look into an object and all that it holds, each once."""
    seen: set[int] = set()
    waiting: list[tuple[str, Any]] = [(where, root)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, str):
            yield name, value.encode()
        elif isinstance(value, bytes | bytearray):
            yield name, bytes(value)
        elif id(value) not in seen:
            seen.add(id(value))
            waiting += _parts(name, value)


def _parts(name: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield name, key
            yield name, one
    elif isinstance(value, list | tuple | set | frozenset):
        yield from ((name, one) for one in value)
    if type(value).__module__.startswith(OURS):
        slots = (slot for kind in type(value).__mro__ for slot in getattr(kind, "__slots__", ()))
        for attribute in (*getattr(value, "__dict__", ()), *slots):
            yield f"{name}.{attribute}", getattr(value, attribute, None)
