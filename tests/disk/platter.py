"""A disk that loses power: what was synced is there, and of what came later anything may be.

Sectors of 512 bytes are written whole or not at all; beyond that a disk may keep back and reorder whatever it
likes, lengths of files and their names included.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import attrs

from disk.recording import Event, Line, Name, Sync, SyncNames, Truncate, Write

SECTOR = 512
SHARED = 32 * 1024
SHARES = (0.0, 0.1, 0.5, 0.9, 1.0)
"""How much of what was not synced is kept."""


@attrs.define
class Platter:
    """What is on the disk for certain, and what may be."""

    files: dict[int, bytes] = attrs.field(factory=dict)
    names: dict[str, int] = attrs.field(factory=dict)
    writes: dict[int, list[Write | Truncate]] = attrs.field(factory=dict)
    renames: list[Name] = attrs.field(factory=list)
    logs: dict[str, list[Line]] = attrs.field(factory=dict)

    def take(self, event: Event) -> None:
        """Let one thing happen."""
        if isinstance(event, Write | Truncate):
            self.writes.setdefault(event.file, []).append(event)
        elif isinstance(event, Sync):
            self.files[event.file] = applied(self.files.get(event.file, b""), self.writes.pop(event.file, ()))
        elif isinstance(event, Name):
            self.renames.append(event)
        elif isinstance(event, SyncNames):
            self.names = renamed(self.names, self.renames)
            self.renames.clear()
        else:
            self.logs.setdefault(event.log, []).append(event)

    def image(self, chance: random.Random) -> Mapping[str, bytes]:
        """Return what may be found in the folder when the power fails now, by name."""
        share = chance.choice(SHARES)
        kept = [one for one in self.renames if chance.random() < share]
        names = renamed(self.names, kept)
        found = {}
        for name, file in sorted(names.items()):
            if name.endswith("-shm"):
                continue
            late = _late(self.writes.get(file, ()), share, chance)
            found[name] = applied(self.files.get(file, b""), late)
        shared = chance.choice((None, bytes(SHARED), chance.randbytes(SHARED)))
        if shared is not None and "shop.db" in found:
            found["shop.db-shm"] = shared
        return found


def _late(writes: Sequence[Write | Truncate], share: float, chance: random.Random) -> list[Write | Truncate]:
    """Return the part of the writes that reached the disk, sector by sector, in the order in which it did."""
    kept = [part for one in writes for part in _sectors(one) if chance.random() < share]
    if chance.random() < 0.5:
        chance.shuffle(kept)
    return kept


def _sectors(event: Write | Truncate) -> Iterator[Write | Truncate]:
    if isinstance(event, Truncate):
        yield event
        return
    at, end = event.offset, event.offset + len(event.data)
    while at < end:
        until = min(end, (at // SECTOR + 1) * SECTOR)
        yield Write(event.file, at, event.data[at - event.offset : until - event.offset])
        at = until


def applied(content: bytes, events: Sequence[Write | Truncate]) -> bytes:
    """Return a file's content after some writes."""
    if not events:
        return content
    file = bytearray(content)
    for event in events:
        size = event.size if isinstance(event, Truncate) else event.offset + len(event.data)
        if len(file) < size:
            file.extend(bytes(size - len(file)))
        if isinstance(event, Truncate):
            del file[size:]
        else:
            file[event.offset : size] = event.data
    return bytes(file)


def renamed(names: Mapping[str, int], events: Sequence[Name]) -> dict[str, int]:
    """Return a folder's names after some of them changed."""
    after = dict(names)
    for event in events:
        if event.file is None:
            after.pop(event.name, None)
        else:
            after[event.name] = event.file
    return after


def lay_out(image: Mapping[str, bytes], folder: Path) -> None:
    """Write an image into an empty folder."""
    for name, content in image.items():
        path = folder / name
        path.touch(mode=0o600)
        path.write_bytes(content)
