"""Files and folders that may not be written: a clear sentence, nothing changed, and with the right back it goes on."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from disk.program import SCENARIOS, Day
from disk.tracing import start

NOBODY = 65534
"""Root may write whatever it likes, so that the program becomes somebody else."""

pytestmark = pytest.mark.skipif(not hasattr(os, "setuid"), reason="5 cases NOT RUN: there are no users and modes")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder that other users can reach, unlike those of pytest."""
    with tempfile.TemporaryDirectory(prefix="ordersync-disk-") as name:
        path = Path(name)
        path.chmod(0o755)
        (path / "outer" / "inner").mkdir(parents=True)
        yield path


def give_away(folder: Path) -> tuple[str, ...]:
    """Let all files belong to nobody, if that can be done; return the option by which the program becomes nobody."""
    if os.geteuid() != 0:
        return ()
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    return ("--user", str(NOBODY))


def begun_day(folder: Path, file: Path) -> None:
    """Do a day's work in this process."""
    day = Day(folder, SCENARIOS["small"], file=file)
    try:
        asyncio.run(day.work())
    finally:
        day.close()


CASES = [
    pytest.param("outer/inner/shop.db", 0o400, "cannot be written; look at the rights", id="file"),
    pytest.param("outer/inner", 0o500, "cannot be written; look at the rights", id="folder", marks=pytest.mark.slow),
    pytest.param(
        "outer/inner", 0o600, "cannot be opened: Permission denied; look", id="hidden", marks=pytest.mark.slow
    ),
    pytest.param(
        "outer", 0o600, "cannot be opened: Permission denied; look", id="hidden above", marks=pytest.mark.slow
    ),
]


@pytest.mark.parametrize(("place", "mode", "sentence"), CASES)
def test_read_only_is_told(folder: Path, place: str, mode: int, sentence: str) -> None:
    """What may not be written ends the start with one sentence and stays as it is; afterwards the day goes on."""
    file, closed = folder / "outer" / "inner" / "shop.db", folder / place
    begun_day(folder, file)
    options = ("--file", str(file), *give_away(folder))
    before, usual = file.read_bytes(), closed.stat().st_mode
    closed.chmod(mode)

    refused = start(folder, "small", *options)
    assert (refused.code, refused.complained) == (3, "")
    ((name, told),) = json.loads(refused.told)
    assert name == "StorageError"
    assert told.startswith(f"{file} {sentence}")
    closed.chmod(usual)
    assert file.read_bytes() == before
    assert [one.name for one in file.parent.iterdir()] == ["shop.db"]

    again = start(folder, "small", *options)
    assert (again.code, again.told, again.complained) == (0, "", "")


def test_nothing_is_created_in_a_read_only_folder(folder: Path) -> None:
    """Where no file can be created the sentence says so, and none is."""
    file = folder / "outer" / "inner" / "shop.db"
    options = ("--file", str(file), *give_away(folder))
    file.parent.chmod(0o500)

    refused = start(folder, "small", *options)
    assert refused.code == 3
    assert json.loads(refused.told) == [["StorageError", f"{file} cannot be created: Permission denied"]]
    assert list(file.parent.iterdir()) == []
