"""A shop's program in a folder of its own, with orders in its database, and the command line beside it."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ordersync import ChannelId, SyncRunner
from ordersync.__main__ import main
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.testing import FakeMarketplace

PROGRAM = """
from types import SimpleNamespace
from ordersync import ChannelId
from ordersync.errors import ChannelAuthError, ConfigurationError
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.testing import FakeMarketplace

number = 7


class Shop(FakeMarketplace):
    async def test_connection(self):
        assert self.is_open, "nobody has opened it"
        await super().test_connection()


def make():
    shop = Shop(ChannelId("Shop", "north"))
    shop.place("1001", lines={"MUG": 1})
    shop.place("1002", lines={"MUG": 1}, paid=False)
    return [shop], SQLiteStorage("shop.db")


async def make_object():
    channels, storage = make()
    return SimpleNamespace(channels=channels, storage=storage)


def refused():
    channels, storage = make()
    channels[0].fail_next("*", ChannelAuthError("Shop/north: it answered 401"), times=None)
    return channels, storage


def three():
    return 1, 2, 3


def nothing():
    return None


def one_channel():
    channels, storage = make()
    return channels[0], storage


def a_class():
    return [FakeMarketplace], make()[1]


def no_storage():
    return make()[0], "shop.db"


def boom():
    raise KeyError("s3cret")


def leaves():
    raise SystemExit(7)


class Unopened(FakeMarketplace):
    async def open(self):
        raise ValueError("token=s3cret")


class Leaving(FakeMarketplace):
    async def open(self):
        raise SystemExit("s3cret")


def unopened():
    return [Unopened(ChannelId("Shop", "north"))], make()[1]


def leaving():
    return [Leaving(ChannelId("Shop", "north"))], make()[1]


def failing_with(error):
    channels, storage = make()
    channels[0].fail_next("fetch_order", error, times=None)
    return channels, storage


def value_bug():
    return failing_with(ValueError("could not parse 's3cret'"))


def key_bug():
    return failing_with(KeyError("s3cret"))


def connection_bug():
    return failing_with(OSError("s3cret"))


def spoilt():
    channels, storage = make()
    channels[0].place("A-3", lines={"MUG": 1})
    channels[0].spoil("A-3")
    return channels, storage
"""

Run = Callable[..., "Said"]


class Said:
    """What a command said, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Have the database of one run: one order is stored, and one is unpaid."""
    path = tmp_path_factory.mktemp("cli") / "shop.db"
    asyncio.run(first_run(path))
    return path


@pytest.fixture
def folder(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder with a program ``shop_program.py`` and the database of one run of it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "shop_program", raising=False)
    (tmp_path / "shop_program.py").write_text(PROGRAM, encoding="utf-8")
    shutil.copy(database, tmp_path)
    return tmp_path


async def first_run(path: Path) -> None:
    """Run once as the program would."""
    shop = FakeMarketplace(ChannelId("Shop", "north"))
    shop.list_sku("MUG", 5)
    shop.place("1001", lines={"MUG": 1})
    shop.place("1002", lines={"MUG": 1}, paid=False)
    async with SQLiteStorage(path) as storage, shop:
        await storage.listings.link(shop.id, "MUG", "MUG")
        await storage.stock.set_on_hand("MUG", location="main", quantity=5, movement_id="opening")
        await SyncRunner([shop], storage).run_once()


@pytest.fixture
def ordersync(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return what runs a command in that folder, in this process."""

    def run(*arguments: str) -> Said:
        capsys.readouterr()
        try:
            code = main(arguments)
        except SystemExit as left:
            code = int(left.code or 0)
        return Said(code, *capsys.readouterr())

    return run


@pytest.fixture
def process(folder: Path) -> Run:
    """Return what runs a command in that folder, in a process of its own."""

    def run(*arguments: str) -> Said:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "ordersync", *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        )
        return Said(done.returncode, done.stdout, done.stderr)

    return run
