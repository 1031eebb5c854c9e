"""The command line, run as a person runs it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

LONGEST_S = 30
"""The demo takes less than one second; a busy machine may take longer."""


def ordersync(*arguments: str, temporary: Path) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "ordersync", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_S,
        env=os.environ | {"TMPDIR": str(temporary), "PYTHONIOENCODING": "utf-8"},
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Have a folder for what the demo leaves behind."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def told(folder: Path) -> str:
    """Run the demo once and return all that it says."""
    done = ordersync("demo", temporary=folder)
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout


@pytest.fixture(scope="module")
def steps(told: str) -> dict[str, str]:
    """Return what is said under each heading, by the heading's first two words; runs of blanks as one."""
    parts = re.split(r"^(.+)\n=+\n", told, flags=re.MULTILINE)[1:]
    texts = (re.sub(r"[ \n]+", " ", text) for text in parts[1::2])
    return {" ".join(re.findall(r"\w+", heading)[:2]): text for heading, text in zip(parts[::2], texts, strict=True)}


def test_demo_goes_through_seven_steps(steps: dict[str, str]) -> None:
    """The steps come one after the other, between a beginning and the report."""
    assert list(steps) == ["Before two", *(f"Step {number}" for number in range(1, 8)), "The report"]


def test_demo_begins_with_every_listing_right(steps: dict[str, str]) -> None:
    """Before any order both marketplaces show what lies on the shelf, a kit by its scarcest part."""
    assert "MUG main 10 0 10" in steps["Before two"]
    for shown in ("Webshop/blue-door MUG 10", "Bazaar/eu MUG-BLUE 10", "Bazaar/eu MUG+LID 6"):
        assert shown in steps["Before two"]


def test_demo_scans_before_it_writes(steps: dict[str, str]) -> None:
    """A dry run says what would become of the four orders."""
    assert "channel seen new skipped quarantined Webshop/blue-door 4 2 1 1" in steps["Step 1"]


def test_demo_says_why_an_order_is_not_there(steps: dict[str, str]) -> None:
    """One order is skipped, one is malformed, and one is saved with a SKU that is linked to nothing."""
    assert "skipped 1002 (SHIPPED_BEFORE_DOWNLOAD): It was shipped on the channel before" in steps["Step 2"]
    assert "quarantined 1003 (UNREADABLE): $.lines[0].quantity: expected a whole number" in steps["Step 2"]
    assert "1004 open 1 MUG, 1 POSTER POSTER" in steps["Step 2"]


def test_demo_reserves_without_moving_goods(steps: dict[str, str]) -> None:
    """Available falls and on-hand does not, and the other channel still shows the old level."""
    assert "MUG main 10 3 7" in steps["Step 3"]
    assert "Bazaar/eu MUG-BLUE 10" in steps["Step 3"]


def test_demo_publishes_to_the_other_channel(steps: dict[str, str]) -> None:
    """Each channel learns what the other has sold."""
    for shown in ("Bazaar/eu MUG-BLUE 7", "Bazaar/eu MUG+LID 5", "Webshop/blue-door PEN 17"):
        assert shown in steps["Step 4"]


def test_demo_deducts_when_goods_leave(steps: dict[str, str]) -> None:
    """Processing moves on-hand, and leaves a note for the channel."""
    assert "MUG main 8 1 7" in steps["Step 5"]
    assert "1001 processed 2 MUG, 1 LID" in steps["Step 5"]
    assert "1001 all JD0146 queued" in steps["Step 5"]


def test_demo_ends_with_the_order_shipped(steps: dict[str, str]) -> None:
    """The order's own channel has received one parcel and shows the order as shipped, and we know."""
    assert steps["Step 6"].count("JD0146") == 1
    assert "Webshop/blue-door 1001 2 MUG, 1 LID DHL JD0146" in steps["Step 6"]
    assert "1001 all JD0146 confirmed" in steps["Step 7"]
    assert "Webshop/blue-door 1001 Shipped" in steps["Step 7"]


def test_demo_leaves_a_report_whose_counts_add_up(steps: dict[str, str], folder: Path) -> None:
    """The report is printed and kept as JSON beside the database, where the demo says."""
    (database,) = folder.glob("ordersync-demo-*/shop.db")
    report = json.loads((database.parent / "report.json").read_text(encoding="utf-8"))

    assert str(database) in steps["The report"]
    assert str(database.parent / "report.json") in steps["The report"]
    assert "dispatch notes: 1 sent, 1 confirmed, 0 waiting" in steps["The report"]
    for channel in report["channels"]:
        sightings = ("new", "changed", "same", "skipped", "quarantined")
        assert channel["seen"] == sum(channel[name] for name in sightings)
    assert report["errors"] == []


def test_demo_fits_a_terminal(told: str, folder: Path) -> None:
    """No line but those with a path is longer than 80 columns."""
    assert [line for line in told.splitlines() if len(line) > 80 and str(folder) not in line] == []


def test_demo_tells_no_buyer(told: str) -> None:
    """Who bought, and where the goods go, is on no line."""
    for secret in ("Grete", "Findewirth", "Verborgene", "demo-webshop"):
        assert secret not in told


def test_demo_writes_into_a_new_folder_only(tmp_path: Path) -> None:
    """A folder that is named is made, and one that holds something is left alone."""
    mine = tmp_path / "here" / "demo"

    first = ordersync("demo", "--folder", str(mine), temporary=tmp_path)
    before = (mine / "shop.db").stat()
    second = ordersync("demo", "--folder", str(mine), temporary=tmp_path)

    assert (first.returncode, second.returncode) == (0, 1)
    assert second.stderr == f"ordersync: the folder {mine} is not empty; name a new one\n"
    assert (mine / "shop.db").stat() == before


@pytest.mark.parametrize("arguments", [[], ["dmeo"]])
def test_unknown_command_is_answered_with_those_there_are(arguments: list[str], tmp_path: Path) -> None:
    """Whoever names no command, or one that does not exist, is told which there are."""
    done = ordersync(*arguments, temporary=tmp_path)

    assert done.returncode == 2
    assert "demo" in done.stderr
    assert "Traceback" not in done.stderr
