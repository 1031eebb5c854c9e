"""The clock that stands still until a test moves it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest

from ordersync.testing import START, ManualClock


def test_stands_still() -> None:
    """Nothing but the test moves the clock."""
    clock = ManualClock()

    assert clock.now() == clock.now() == START
    assert clock.monotonic() == clock.monotonic() == 0.0


def test_advances_both_clocks() -> None:
    """Time that passes shows on the wall clock and on the monotonic one."""
    clock = ManualClock()

    clock.advance(30, minutes=1, hours=2, days=1)

    assert clock.now() == START + timedelta(days=1, hours=2, minutes=1, seconds=30)
    assert clock.monotonic() == 93_690.0


def test_refuses_to_run_backwards() -> None:
    """Time does not pass backwards, and a refused step moves nothing."""
    clock = ManualClock()

    with pytest.raises(ValueError, match="forward only"):
        clock.advance(-1)

    assert clock.now() == START


def test_jump_is_seen_by_the_wall_clock_alone() -> None:
    """An operator who sets the clock back leaves the monotonic seconds alone."""
    clock = ManualClock()
    clock.advance(10)

    clock.jump(timedelta(hours=-1))

    assert clock.now() == START + timedelta(seconds=10) - timedelta(hours=1)
    assert clock.monotonic() == 10.0


async def test_sleep_returns_at_once_and_gives_others_a_turn() -> None:
    """A long sleep takes no real time, and another task has run meanwhile."""
    clock = ManualClock()
    turns: list[datetime] = []
    other = asyncio.get_running_loop().create_task(_note_the_time(clock, turns))

    await clock.sleep(3600)

    assert turns == [START + timedelta(hours=1)]
    await other


async def _note_the_time(clock: ManualClock, turns: list[datetime]) -> None:
    turns.append(clock.now())


async def test_sleep_of_a_negative_time_moves_nothing() -> None:
    """A wait that is already over costs no time."""
    clock = ManualClock()

    await clock.sleep(-5)

    assert clock.now() == START


def test_shows_utc_wherever_it_started() -> None:
    """A start in another zone is the same moment in UTC, and a naive one is refused."""
    noon_in_berlin = datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=2)))

    assert ManualClock(noon_in_berlin).now() == datetime(2026, 7, 1, 10, tzinfo=UTC)
    assert ManualClock(noon_in_berlin).now().tzinfo is UTC
    with pytest.raises(ValueError, match="no time zone"):
        ManualClock(datetime(2026, 7, 1, 12))  # noqa: DTZ001 - that is the mistake
