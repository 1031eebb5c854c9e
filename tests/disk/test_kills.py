"""A real run is killed at its n-th write, sync or unlink: what was acknowledged is there, and the day ends alike."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from disk.checking import complaints, go_on
from disk.conftest import need_tracing
from disk.outside import Log
from disk.program import SCENARIOS, Day
from disk.sweep import Uncut, points, spread, sweep
from disk.tracing import Point

GetUncut = Callable[[str], Awaitable[Uncut]]
SHARES = 5
EACH = 24
"""So many points are tried by each of five shares of each scenario: 360 in all."""


@pytest.mark.slow
async def test_killed_at_a_write_and_at_a_sync(uncut_runs: GetUncut) -> None:
    """A run that is killed in the middle of its writes, or at a sync, has lost nothing that it acknowledged."""
    need_tracing(2)
    whole = await uncut_runs("small")
    chosen = [Point("pwrite64", whole.calls["pwrite64"] // 2), Point("fdatasync", whole.calls["fdatasync"] * 2 // 3)]

    tally = await asyncio.to_thread(sweep, whole, chosen)
    assert tally.bad == []
    assert tally.ends == {"killed": 2}
    assert tally.acknowledged > 50


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_killed_anywhere(scenario: str, share: int, uncut_runs: GetUncut) -> None:
    """Wherever a run is killed, nothing that it acknowledged is lost, and a further start ends as if nothing were."""
    need_tracing(EACH)
    whole = await uncut_runs(scenario)
    chosen = spread(points(whole, ["SIGKILL"]), SHARES * EACH)[share::SHARES]

    tally = await asyncio.to_thread(sweep, whole, chosen)
    assert tally.bad == []
    assert tally.ends == {"killed": EACH}


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_killed_while_the_file_is_created(uncut_runs: GetUncut) -> None:
    """Around the moment at which a new file gets its name, no kill leaves half of one, or a second name to it."""
    need_tracing(12)
    whole = await uncut_runs("small")
    chosen = [Point(call, 1 + number) for call in ("fsync", "link", "unlink") for number in range(whole.calls[call])]

    tally = await asyncio.to_thread(sweep, whole, chosen)
    assert tally.bad == []
    assert tally.ends == {"killed": len(chosen)}


def begun_day(folder: Path) -> None:
    """Do a day's work in this process."""
    day = Day(folder, SCENARIOS["small"])
    try:
        asyncio.run(day.work())
    finally:
        day.close()


def test_second_name_is_removed(tmp_path: Path) -> None:
    """The second name of a database, left by a process that was killed while it created it, goes at the next start."""
    begun_day(tmp_path)
    os.link(tmp_path / "shop.db", tmp_path / "shop.db.abc123.new")
    (tmp_path / "shop.db.other.new").touch(mode=0o600)

    assert go_on(tmp_path, "small", None) == []
    assert sorted(one.name for one in tmp_path.iterdir()) == ["acks", "outside", "shop.db", "shop.db.other.new"]


def test_what_is_lost_is_found(tmp_path: Path) -> None:
    """A fact that was acknowledged and is not there, or not as far, is named."""
    begun_day(tmp_path)
    assert complaints(tmp_path, settled=True) == []
    log = Log(tmp_path / "acks")
    for fact in (
        ("order", ["Shop", "north", "1001"], 99),
        ("order", ["Shop", "north", "1999"], 1),
        ("moved", ["MUG", "Shop/north/1001/parcel/p3"], -1),
        ("parcel", ["Shop", "north", "1001", "p3"], [["L1", 1]]),
        ("lease", ["Shop", "north"], 99),
        ("erased", ["Shop", "north", "1001"], 1),
    ):
        log.add(*fact)
    log.close()

    lost = complaints(tmp_path)
    assert sorted(one.partition(":")[0] for one in lost) == [
        "erased Shop/north/1001",
        "lease Shop/north",
        "moved MUG/Shop/north/1001/parcel/p3",
        "order Shop/north/1001",
        "order Shop/north/1999",
        "parcel Shop/north/1001/p3",
    ]
