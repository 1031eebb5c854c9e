"""The power fails: whatever a disk may have kept back, torn or reordered, all that was acknowledged is there."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from disk.conftest import need_tracing
from disk.platter import SHARES, Platter
from disk.powercut import cut, recorded
from disk.program import SCENARIOS
from disk.recording import Name, Sync, SyncNames, Write

NORMAL, OFF = "1", "0"


async def test_power_cuts_lose_nothing(tmp_path: Path) -> None:
    """In images of a run with the library's own settings every acknowledged fact is there, and the books are right."""
    need_tracing(40, of="images")
    recording = await recorded("erasing", tmp_path)

    cuts = await asyncio.to_thread(cut, recording, 40, seed=5, go_on_each=20)
    assert cuts.bad == []
    assert cuts.results == {"good": 40}
    assert (cuts.went_on, cuts.facts > 1000) == (2, True)


@pytest.mark.slow
async def test_normal_loses_commits(tmp_path: Path) -> None:
    """With synchronous=NORMAL the same cuts lose commits that were acknowledged, and damage nothing."""
    need_tracing(30, of="images")
    recording = await recorded("small", tmp_path, "--synchronous", NORMAL)

    cuts = await asyncio.to_thread(cut, recording, 30, seed=5)
    assert cuts.results["lost commits"] > 5
    assert cuts.results["damaged"] == 0


@pytest.mark.slow
async def test_off_damages_the_file(tmp_path: Path) -> None:
    """With synchronous=OFF the same cuts leave files that cannot be read any more, beside lost commits."""
    need_tracing(60, of="images")
    recording = await recorded("busy", tmp_path, "--synchronous", OFF)

    cuts = await asyncio.to_thread(cut, recording, 60, seed=5)
    assert cuts.results["lost commits"] > 5
    assert cuts.results["damaged"] > 5


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_many_power_cuts_lose_nothing(scenario: str, tmp_path: Path) -> None:
    """In hundreds of images of each scenario every acknowledged fact is there, and days that go on end alike."""
    need_tracing(400, of="images")
    recording = await recorded(scenario, tmp_path)

    cuts = await asyncio.to_thread(cut, recording, 400, seed=6, go_on_each=20)
    assert cuts.bad == []
    assert (cuts.results, cuts.went_on) == ({"good": 400}, 20)


def images(platter: Platter) -> set[tuple[tuple[str, bytes], ...]]:
    """Return all that is found in many power cuts, the shared memory aside."""
    found = (platter.image(random.Random(seed)) for seed in range(300))  # noqa: S311 - it is to be repeatable
    return {tuple((name, one) for name, one in image.items() if not name.endswith("-shm")) for image in found}


def test_platter_keeps_what_was_synced() -> None:
    """What was synced is in every image, a name only once its folder was; of a later write any sectors are."""
    first, second = b"1" * 512, b"2" * 512
    platter = Platter()
    for event in (Name("a", 1), Write(1, 0, first * 2), Sync(1)):
        platter.take(event)
    assert images(platter) == {(), (("a", first * 2),)}

    platter.take(SyncNames())
    assert images(platter) == {(("a", first * 2),)}

    platter.take(Write(1, 0, second * 2))
    assert {dict(image)["a"] for image in images(platter)} == {
        one + other for one in (first, second) for other in (first, second)
    }
    platter.take(Sync(1))
    assert images(platter) == {(("a", second * 2),)}
    assert {0.0, 1.0} < set(SHARES)
