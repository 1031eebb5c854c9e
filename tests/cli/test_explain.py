"""``ordersync explain`` and ``ordersync replay`` as a person runs them."""

from __future__ import annotations

import json

import pytest

from cli.conftest import Run

STORAGE = ("--storage", "shop.db")
SHOP = ("--source", "Shop", "--subsource", "north")


@pytest.mark.parametrize(("reference", "code"), [("1001", 0), ("1002", 1)])
def test_exit_code_says_whether_the_order_is_here(ordersync: Run, reference: str, code: int) -> None:
    """An order that is here makes it 0, and one that is not and of which the cause is known makes it 1."""
    said = ordersync("explain", reference, *SHOP, *STORAGE)

    assert (said.code, said.err) == (code, "")
    assert reference in said.out
    assert max(map(len, said.out.splitlines())) <= 80


def test_order_that_nobody_ever_saw_is_answered(process: Run) -> None:
    """The exit code of an order that was never seen says so without any traceback."""
    said = process("explain", "9999", *SHOP, *STORAGE)

    assert said.code in (1, 2)
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
    text = ordersync("replay", *SHOP, "--app", "shop_program:make")
    data = ordersync("replay", "1002", *SHOP, "--app", "shop_program:make", "--json")

    assert (text.code, data.code) == (0, 0)
    assert text.out.startswith("run ")
    assert json.loads(data.out)["errors"] == []


def test_replay_of_an_unknown_channel_is_refused(ordersync: Run) -> None:
    """A channel that the program does not have is named in one line."""
    said = ordersync("replay", "--source", "Shop", "--subsource", "sooth", "--app", "shop_program:make")

    assert said.code == 2
    assert "Shop/sooth" in said.err
    assert said.err.count("\n") == 1
