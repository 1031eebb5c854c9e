"""Axes have round ticks, whatever is shown on them."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from ordersync.doctor.scales import seconds_of, time_room, time_ticks, value_room, value_ticks


@given(st.integers(-(10**12), 10**12), st.integers(0, 10**12), st.integers(2, 20))
def test_values_have_round_ticks(least: int, span: int, ticks: int) -> None:
    """Ticks are multiples of 1, 2 or 5 and a power of ten, few, and begin and end at or around what is shown."""
    low, high = value_room(least, least + span, ticks=ticks)
    found = value_ticks(low, high, ticks=ticks)

    assert low <= least
    assert least + span <= high
    assert low < high
    assert 1 <= len(found) <= ticks + 3
    step = found[1] - found[0] if len(found) > 1 else 1
    assert str(step).rstrip("0") in ("1", "2", "5")
    assert all(one % step == 0 and low <= one <= high for one in found)


@given(st.datetimes(datetime(1900, 1, 2), datetime(2900, 1, 1), timezones=st.just(UTC)), st.integers(0, 3 * 10**9))  # noqa: DTZ001
def test_times_have_round_ticks(since: datetime, seconds: int) -> None:
    """Ticks of time are few, rise, lie on what is shown, and each is a round moment that its label tells in full."""
    first, last = time_room(seconds_of(since), seconds_of(since) + min(seconds, 3 * 10**9))
    found = time_ticks(first, last, ticks=8)

    moments = [moment for moment, _ in found]
    assert moments == sorted(set(moments))
    assert len(found) <= 9
    assert all(first <= moment <= last and moment % 300 == 0 for moment in moments)
    assert len({label for _, label in found}) == len(found)
