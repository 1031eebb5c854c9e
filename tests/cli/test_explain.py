"""``ordersync explain`` and ``ordersync replay`` as a person runs them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from cli.conftest import Run
from cli.test_doctor import SHOP as NORTH
from cli.test_doctor import disable
from ordersync import SyncRunner
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.testing import FakeMarketplace

STORAGE = ("--storage", "shop.db")
SHOP = ("--source", "Shop", "--subsource", "north")


APP = ("--app", "shop_program:make")


async def spoil(path: Path) -> None:
    """Have a run see an order that it cannot read."""
    shop = FakeMarketplace(NORTH)
    shop.place("A-3", lines={"MUG": 1})
    shop.spoil("A-3")
    async with SQLiteStorage(path) as storage, shop:
        await SyncRunner([shop], storage).run_once()


@pytest.mark.parametrize(
    ("reference", "arguments", "code"),
    [("1001", STORAGE, 0), ("1002", STORAGE, 1), ("1002", (*APP, "--live"), 1), ("9999", STORAGE, 2)],
)
def test_exit_code_says_whether_the_order_is_here(
    ordersync: Run, reference: str, arguments: tuple[str, ...], code: int
) -> None:
    """It is 0 for an order that is here, 1 for one that is not where every check was made, and else 2."""
    said = ordersync("explain", reference, *SHOP, *arguments)

    assert (said.code, said.err) == (code, "")
    assert reference in said.out
    assert max(map(len, said.out.splitlines())) <= 80


def test_order_that_nobody_ever_saw_is_answered(process: Run) -> None:
    """The exit code of an order that was never seen says so without any traceback."""
    said = process("explain", "9999", *SHOP, *STORAGE)

    assert said.code == 2
    assert "9999" in said.out
    assert said.err == ""


def test_cause_is_told(ordersync: Run) -> None:
    """The verdict has the same code as text, JSON and Markdown."""
    text = ordersync("explain", "1002", *SHOP, *STORAGE)
    data = json.loads(ordersync("explain", "1002", *SHOP, *STORAGE, "--json").out)
    markdown = ordersync("explain", "1002", *SHOP, *STORAGE, "--markdown")

    assert data["code"] == "NOT_PAID"
    assert "NOT_PAID" in text.out
    assert markdown.out.startswith("# ")
    assert "NOT\\_PAID" in markdown.out or "NOT_PAID" in markdown.out


def test_location_of_the_caller_is_looked_at(ordersync: Run) -> None:
    """Whoever looks at another location is told that the order is not there."""
    here = json.loads(ordersync("explain", "1001", *SHOP, *STORAGE, "--json", "--location", "main").out)
    elsewhere = json.loads(ordersync("explain", "1001", *SHOP, *STORAGE, "--json", "--location", "york").out)

    assert here["code"] != elsewhere["code"]
    assert here["stored"]
    assert elsewhere["stored"]


def test_live_asks_the_channel(ordersync: Run) -> None:
    """With the program's channels and ``--live`` the channel is asked for the order."""
    said = json.loads(ordersync("explain", "1002", *SHOP, "--app", "shop_program:make", "--live", "--json").out)

    assert said["live"]
    assert said["code"] == "NOT_PAID"


def test_source_must_be_named(ordersync: Run) -> None:
    """Without its source a reference says too little."""
    said = ordersync("explain", "1002", *STORAGE)

    assert said.code == 2
    assert "--source" in said.err


def test_replay_needs_the_channels(ordersync: Run) -> None:
    """With the storage alone a replay is refused in one line that says what is missing."""
    said = ordersync("replay", *SHOP, *STORAGE)

    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "ordersync: a replay needs the channels, which read the orders anew; name --app module:factory\n"
    )


def test_replay_reports_as_a_run_does(ordersync: Run) -> None:
    """With the program's channels its report is printed, as text or JSON, and all is well."""
    text = ordersync("replay", *SHOP, *APP)
    data = ordersync("replay", *SHOP, *APP, "--json")

    assert (text.code, data.code) == (0, 0)
    assert text.out.startswith("run ")
    assert json.loads(data.out)["errors"] == []


def test_replay_of_an_unknown_channel_is_refused(ordersync: Run) -> None:
    """A channel that the program does not have is named in one line."""
    said = ordersync("replay", "--source", "Shop", "--subsource", "sooth", "--app", "shop_program:make")

    assert said.code == 2
    assert "Shop/sooth" in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("factory", "kind"), [("value_bug", "ValueError"), ("key_bug", "KeyError"), ("connection_bug", "OSError")]
)
def test_bug_of_a_channel_is_told_without_its_text(ordersync: Run, factory: str, kind: str) -> None:
    """What a channel raises by mistake may quote a buyer: nothing of its text is shown, and nothing is known."""
    said = ordersync("explain", "1002", *SHOP, "--app", f"shop_program:{factory}", "--live")

    assert said.code == 2
    assert kind in said.out + said.err
    assert "s3cret" not in said.out + said.err
    assert "Traceback" not in said.err


def test_mistyped_channel_is_refused(ordersync: Run) -> None:
    """A channel of which the storage has never heard is a slip: those that there are are named."""
    said = ordersync("explain", "1001", "--source", "Shop", "--subsource", "nroth", *STORAGE)

    assert (said.code, said.out) == (2, "")
    assert "the storage does not know Shop/nroth; it knows Shop/north; " in said.err


def test_replay_of_a_disabled_channel_is_not_well(ordersync: Run, folder: Path) -> None:
    """A channel that is switched off is not read again: that is said, and the exit code is 1."""
    asyncio.run(disable(folder / "shop.db"))
    said = ordersync("replay", *SHOP, *APP)

    assert said.code == 1
    assert "Shop/north is disabled" in said.err


def test_replay_of_an_order_that_does_not_wait_is_not_well(ordersync: Run) -> None:
    """An order that is not in quarantine is named, and the exit code is 1."""
    said = ordersync("replay", "1001", *SHOP, *APP)

    assert said.code == 1
    assert said.err == "ordersync: nothing of 1001 waits in the quarantine of Shop/north\n"


@pytest.mark.parametrize("reference", ["A-3", "#a-3", " A-3 "])
def test_replay_forgives_what_explain_forgives(ordersync: Run, folder: Path, reference: str) -> None:
    """Case, blanks and a leading # in the number of an order that waits are forgiven."""
    asyncio.run(spoil(folder / "shop.db"))
    said = ordersync("replay", reference, *SHOP, "--app", "shop_program:spoilt", "--json")

    assert (said.code, said.err) == (0, "")
    assert json.loads(said.out)["channels"][0]["quarantined"] == 1
