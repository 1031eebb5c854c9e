"""``ordersync doctor`` as a person runs it."""

from __future__ import annotations

import asyncio
import json
import stat
import zipfile
from pathlib import Path

import pytest

from cli.conftest import Run
from ordersync import ChannelId
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.testing import ManualClock

SHOP = ChannelId("Shop", "north")


async def disable(path: Path) -> None:
    """Switch the shop off as a person would."""
    async with SQLiteStorage(path) as storage:
        await storage.journal.disable(SHOP, by="Ann", cause="holidays", at=ManualClock().now())


async def quarantine_table(path: Path) -> None:
    """Lose a table."""
    async with SQLiteStorage(path) as storage:
        await storage.orders._database.write(lambda db: db.execute("ALTER TABLE quarantine RENAME TO elsewhere"))  # type: ignore[attr-defined]


def test_storage_alone_is_checked(ordersync: Run) -> None:
    """With the storage alone all that it tells is well, what needs the channels is unknown, and the exit code is 0."""
    said = ordersync("doctor", "--storage", "sqlite:///shop.db")

    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("health 2")
    assert "unknown  connection: Shop/north" in said.out
    assert max(map(len, said.out.splitlines())) <= 80


def test_exit_code_is_that_of_the_worst_finding(process: Run, folder: Path) -> None:
    """A warning makes it 1, and what fails makes it 2."""
    asyncio.run(disable(folder / "shop.db"))
    warned = process("doctor", "--storage", "shop.db")
    asyncio.run(quarantine_table(folder / "shop.db"))
    failed = process("doctor", "--storage", "shop.db")

    assert (warned.code, failed.code) == (1, 2)
    assert "by Ann: holidays" in " ".join(warned.out.split())
    assert "failing  quarantine" in failed.out
    assert warned.err == failed.err == ""


def test_live_asks_the_channels_of_the_program(ordersync: Run) -> None:
    """``--app`` brings the channels, and only ``--live`` calls them."""
    quiet = ordersync("doctor", "--app", "shop_program:refused")
    live = ordersync("doctor", "--app", "shop_program:refused", "--live")

    assert (quiet.code, live.code) == (0, 2)
    assert "was not tested" in quiet.out
    assert "it answered 401" in live.out


@pytest.mark.parametrize("factory", ["make", "make_object"])
def test_factory_may_return_a_pair_or_an_object(ordersync: Run, factory: str) -> None:
    """A tuple will do, and so will anything with both attributes, from a function that may be async."""
    said = ordersync("doctor", "--app", f"shop_program:{factory}", "--live", "--json")
    codes = {finding["code"] for finding in json.loads(said.out)["findings"]}

    assert "CONNECTED" in codes
    assert "NEEDS_CHANNEL" not in codes


def test_bundle_is_listed_before_it_is_written(ordersync: Run, folder: Path) -> None:
    """Its contents are told beside the report, which stays JSON; the file is private, and none is overwritten."""
    bundle = folder / "bundle.zip"
    said = ordersync("doctor", "--storage", "shop.db", "--json", "--bundle", str(bundle))
    before = bundle.read_bytes()
    again = ordersync("doctor", "--storage", "shop.db", "--bundle", str(bundle))

    assert said.code == 0
    assert json.loads(said.out)["schema"] == "ordersync.health/1"
    with zipfile.ZipFile(bundle) as packed:
        assert [line.split()[0] for line in said.err.splitlines()[1:]] == packed.namelist()[1:]
        assert packed.read("health.json").decode() + "\n" == said.out
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600
    assert again.code == 2
    assert again.err.endswith(f"ordersync: {bundle} is there already; name a new file for the bundle\n")
    assert bundle.read_bytes() == before


def test_missing_database_is_named_and_not_made(process: Run, folder: Path) -> None:
    """A mistyped path is told in one line, and no empty database is left behind."""
    said = process("doctor", "--storage", "sqlite:///shpo.db")

    assert (said.code, said.out) == (2, "")
    assert said.err == (
        f"ordersync: there is no database at {folder / 'shpo.db'}; name the file that your program uses\n"
    )
    assert not (folder / "shpo.db").exists()


@pytest.mark.parametrize(
    ("app", "told"),
    [
        ("shop_program", "write --app module:factory"),
        (":make", "write --app module:factory"),
        ("nowhere:make", "there is no module nowhere in"),
        ("nowhere.at.all:make", "there is no module nowhere in"),
        ("shop_program.inner:make", "there is no module shop_program.inner in"),
        ("shop_program:mkae", "the module shop_program has no mkae"),
        ("shop_program:number", "number is a int; name a function"),
        ("shop_program:three", "returned a tuple of 3; return (channels, storage)"),
        ("shop_program:nothing", "returned a NoneType; return (channels, storage)"),
        ("shop_program:one_channel", "channels is a Shop; make it a list"),
        ("shop_program:a_class", "FakeMarketplace is a class"),
        ("shop_program:no_storage", "the storage is a str, no Storage"),
        ("shop_program:boom", "boom() raised KeyError; see it with --debug"),
        ("shop_program:leaves", "leaves() called sys.exit; return (channels, storage)"),
        ("leaving_program:make", "importing the module called sys.exit"),
        ("broken_program:make", "importing the module raised ZeroDivisionError; see it with --debug"),
        ("needing_program:make", "importing the module raised ModuleNotFoundError; see it with --debug"),
    ],
)
def test_what_is_wrong_with_the_program_is_said(ordersync: Run, folder: Path, app: str, told: str) -> None:
    """Each mistake in naming or writing the factory is told in one line that says what it is."""
    (folder / "broken_program.py").write_text("1 / 0\n", encoding="utf-8")
    (folder / "leaving_program.py").write_text("raise SystemExit(7)\n", encoding="utf-8")
    (folder / "needing_program.py").write_text("import nowhere_at_all\n", encoding="utf-8")
    said = ordersync("doctor", "--app", app)

    assert (said.code, said.out) == (2, "")
    assert told in said.err
    assert said.err.startswith("ordersync: --app ")
    assert said.err.count("\n") == 1
    assert "s3cret" not in said.err


def test_debug_shows_where_an_error_comes_from(ordersync: Run) -> None:
    """``--debug`` adds the traceback, down to the line of the program."""
    said = ordersync("doctor", "--app", "shop_program:boom", "--debug")

    assert said.code == 2
    assert "Traceback" in said.err
    assert "in boom" in said.err


@pytest.mark.parametrize(
    ("factory", "kind", "place"),
    [
        ("unopened", "ValueError", "shop_program:"),
        ("leaving", "SystemExit", "shop_program:"),
    ],
)
def test_bug_in_a_channel_is_told_by_its_place(ordersync: Run, factory: str, kind: str, place: str) -> None:
    """Of an error that is not ours one line tells the type and the place; its text comes with ``--debug`` alone."""
    said = ordersync("doctor", "--app", f"shop_program:{factory}")
    debugged = ordersync("doctor", "--app", f"shop_program:{factory}", "--debug")

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"ordersync: {place}")
    assert f" raised {kind}, " in said.err
    assert said.err.count("\n") == 1
    assert "s3cret" not in said.err
    assert "s3cret" in debugged.err


def test_url_is_not_repeated(ordersync: Run) -> None:
    """A storage that is not understood is refused without showing its password."""
    said = ordersync("doctor", "--storage", "postgresql://ann:s3cret@db/shop")

    assert said.code == 2
    assert "PostgreSQL" in said.err
    assert "s3cret" not in said.err


@pytest.mark.parametrize("arguments", [[], ["--storage", "shop.db", "--app", "shop_program:make"]])
def test_one_source_must_be_named(ordersync: Run, arguments: list[str]) -> None:
    """Whoever names no source of orders, or two, is told that it is one of both."""
    said = ordersync("doctor", *arguments)

    assert said.code == 2
    assert "--app" in said.err
    assert "--storage" in said.err
