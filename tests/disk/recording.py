"""What a run did to its disk, call by call, read from what strace recorded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs

CALL = re.compile(r"(?P<thread>\d+) +(?P<name>\w+)\((?P<rest>.*)")
RESUMED = re.compile(r"(?P<thread>\d+) +<\.\.\. \w+ resumed>(?P<rest>.*)")
UNFINISHED = "<unfinished ...>"
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
LEADING = re.compile(r"(\d+)<")
LAST = re.compile(r", (\d+) *\) += ")
RESULT = re.compile(r"= (-?\d+)[^=]*$")


@attrs.frozen
class Write:
    """Bytes went to a place in a file."""

    file: int
    offset: int
    data: bytes = attrs.field(repr=False)


@attrs.frozen
class Truncate:
    """A file got another length."""

    file: int
    size: int


@attrs.frozen
class Sync:
    """All that went to a file before is on the disk."""

    file: int


@attrs.frozen
class Name:
    """A file got a name in the folder; without a file, the name is gone."""

    name: str
    file: int | None


@attrs.frozen
class SyncNames:
    """All names of the folder are on the disk."""


@attrs.frozen
class Line:
    """A line of one of the program's logs, which are not on the disk that is tried."""

    log: str
    text: bytes

    @property
    def facts(self) -> list[Any]:
        """Return what it says."""
        return list(json.loads(self.text))


Event = Write | Truncate | Sync | Name | SyncNames | Line


def events_of(log: Path, folder: Path) -> list[Event]:
    """Return what was done in a folder, in order; a call counts when it has returned."""
    return list(_Reader(folder).read(_whole(log.read_text(encoding="ascii").splitlines())))


def _whole(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Return each call's name and the rest of its line, whether or not another thread's came between."""
    begun: dict[str, tuple[str, str]] = {}
    for line in lines:
        resumed = RESUMED.match(line)
        called = CALL.match(line)
        if resumed is not None:
            name, rest = begun.pop(resumed["thread"])
            yield name, rest + resumed["rest"]
        elif called is not None and called["rest"].endswith(UNFINISHED):
            begun[called["thread"]] = called["name"], called["rest"].removesuffix(UNFINISHED)
        elif called is not None:
            yield called["name"], called["rest"]


class _Reader:
    """Follows which file stands behind each handle and each name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._names: dict[str, int] = {}
        self._handles: dict[int, int | str] = {}
        self._files = 0

    def read(self, calls: Iterable[tuple[str, str]]) -> Iterator[Event]:
        """Translate calls into events."""
        for name, rest in calls:
            result = RESULT.search(rest)
            if result is None or int(result[1]) < 0:
                continue
            yield from getattr(self, f"_{name}", self._other)(rest, int(result[1]))

    def _openat(self, rest: str, handle: int) -> Iterator[Event]:
        path = self._path(_texts(rest)[0])
        self._handles.pop(handle, None)
        if path is None:
            return
        if path == "":
            self._handles[handle] = "folder"
        elif not path.startswith("shop.db"):
            self._handles[handle] = f"log {path}"
        else:
            if path not in self._names:
                self._files += 1
                self._names[path] = self._files
                yield Name(path, self._files)
            self._handles[handle] = self._names[path]

    def _close(self, rest: str, _: int) -> Iterator[Event]:
        self._handles.pop(_handle(rest), None)
        return iter(())

    def _pwrite64(self, rest: str, written: int) -> Iterator[Event]:
        file = self._handles.get(_handle(rest))
        if isinstance(file, int):
            yield Write(file, _last(rest), _bytes(_texts(rest)[0])[:written])

    def _write(self, rest: str, _: int) -> Iterator[Event]:
        log = self._handles.get(_handle(rest))
        if isinstance(log, str) and log.startswith("log "):
            yield Line(log.removeprefix("log "), _bytes(_texts(rest)[0]))
        elif isinstance(log, int):
            raise NotImplementedError("the database is written to by a call that is not understood")

    def _fdatasync(self, rest: str, _: int) -> Iterator[Event]:
        file = self._handles.get(_handle(rest))
        if file == "folder":
            yield SyncNames()
        elif isinstance(file, int):
            yield Sync(file)

    _fsync = _fdatasync

    def _ftruncate(self, rest: str, _: int) -> Iterator[Event]:
        file = self._handles.get(_handle(rest))
        if isinstance(file, int):
            yield Truncate(file, _last(rest))

    def _link(self, rest: str, _: int) -> Iterator[Event]:
        source, target = (self._path(text) for text in _texts(rest)[:2])
        if source is not None and target is not None:
            self._names[target] = self._names[source]
            yield Name(target, self._names[target])

    def _unlink(self, rest: str, _: int) -> Iterator[Event]:
        path = self._path(_texts(rest)[0])
        if path is not None and self._names.pop(path, None) is not None:
            yield Name(path, None)

    def _other(self, rest: str, _: int) -> Iterator[Event]:
        """Pass over what changes no disk, and refuse what might change this one."""
        if any(self._path(text) for text in _texts(rest)):
            raise NotImplementedError(f"a call that is not understood: {rest[:200]}")
        return iter(())

    def _mmap(self, _: str, __: int) -> Iterator[Event]:
        return iter(())

    def _path(self, text: str) -> str | None:
        """Return a path below the folder ("" is the folder itself), None for any other."""
        path = Path(_bytes(text).decode())
        if not path.is_absolute() or not path.is_relative_to(self._folder):
            return None
        return "" if path == self._folder else str(path.relative_to(self._folder))


def _texts(rest: str) -> list[str]:
    return TEXT.findall(rest)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def _last(rest: str) -> int:
    found = LAST.search(rest)
    if found is None:
        raise ValueError(f"no number at the end of {rest[-80:]}")
    return int(found[1])


def _handle(rest: str) -> int:
    found = LEADING.match(rest)
    if found is None:
        raise ValueError(f"no handle in {rest[:80]}")
    return int(found[1])
