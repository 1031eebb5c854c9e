"""Disks that are full or broken: the run ends with one clear sentence, nothing is half done, and the next goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from disk.conftest import need_tracing
from disk.program import SCENARIOS
from disk.sweep import ERRORS, Uncut, points, spread, sweep
from disk.tracing import Point

GetUncut = Callable[[str], Awaitable[Uncut]]
EACH = 15


@pytest.mark.parametrize(
    ("call", "fault", "lasting"),
    [
        pytest.param("pwrite64", "ENOSPC", True, id="full"),
        pytest.param("fdatasync", "EIO", False, id="failed sync", marks=pytest.mark.slow),
    ],
)
async def test_refused_in_the_middle(call: str, fault: str, lasting: bool, uncut_runs: GetUncut) -> None:  # noqa: FBT001
    """A disk that stays full, or a single sync that fails, ends the run with an error that says what to do."""
    need_tracing(1)
    whole = await uncut_runs("small")

    tally = await asyncio.to_thread(sweep, whole, [Point(call, whole.calls[call] // 2, fault, lasting)])
    assert tally.bad == []
    assert tally.ends == {"StorageUnavailableError": 1}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
@pytest.mark.parametrize("fault", ERRORS)
@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_refused_anywhere(scenario: str, fault: str, lasting: bool, uncut_runs: GetUncut) -> None:  # noqa: FBT001
    """Whichever call fails, once or from then on, nothing is half done and the next start reaches the same end."""
    need_tracing(EACH)
    whole = await uncut_runs(scenario)
    chosen = spread(points(whole, [fault], lasting=[lasting]), EACH)

    tally = await asyncio.to_thread(sweep, whole, chosen)
    assert tally.bad == []
    assert tally.tried == EACH
    assert tally.ends["StorageUnavailableError"] > EACH // 2
