"""Round ticks for axes of whole numbers and of moments. Pure.

Moments are seconds since 1970, so that they can be reckoned with like numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE, HOUR, DAY = 60, 3600, 86_400
LEAST_SPAN = HOUR
"""A single moment is shown in the middle of this much time, in seconds."""

MARGIN = 0.03
"""This share of the time shown is left free on both sides."""

STEPS = (
    *(number * MINUTE for number in (5, 10, 15, 30)),
    *(number * HOUR for number in (1, 2, 3, 6, 12)),
    *(number * DAY for number in (1, 2, 3, 7, 14)),
)
MONTHS = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 2400, 6000, 12_000)
LONGEST_MONTH = 31 * DAY
MONDAY = 4 * DAY
"""The first Monday after the epoch, so that steps of whole weeks begin with one."""


def seconds_of(moment: datetime) -> float:
    """Return an aware moment as seconds."""
    return (moment - EPOCH).total_seconds()


def said(moment: float, form: str = "%Y-%m-%d %H:%M") -> str:
    """Return a moment as text, in UTC."""
    return (EPOCH + timedelta(seconds=moment)).strftime(form)


def value_room(least: int, most: int, *, ticks: int) -> tuple[int, int]:
    """Return round numbers around *least* and *most*, at most about *ticks* steps apart; never the same two."""
    if least == most:
        most = least + 1
    step = _step(most - least, ticks)
    return least // step * step, -(-most // step) * step


def value_ticks(least: int, most: int, *, ticks: int) -> Sequence[int]:
    """Return the round numbers between two round numbers."""
    step = _step(most - least, ticks)
    return range(-(-least // step) * step, most + 1, step)


def time_room(since: float, until: float) -> tuple[float, float]:
    """Return a little more time than from *since* to *until*."""
    rim = max((until - since) * MARGIN, (LEAST_SPAN - (until - since)) / 2)
    return since - rim, until + rim


def time_ticks(since: float, until: float, *, ticks: int) -> Sequence[tuple[float, str]]:
    """Return at most *ticks* round moments between two, each with what to write at it."""
    span = until - since
    step = next((step for step in STEPS if span / step <= ticks), None)
    if step is None:
        return _months(since, until, ticks=ticks)
    offset = MONDAY if step >= 7 * DAY else 0
    first = -(-(since - offset) // step) * step + offset
    form = "%Y-%m-%d" if step >= DAY else "%m-%d %H:%M"
    moments = [first + number * step for number in range(int((until - first) // step) + 1)]
    return [(moment, said(moment, form)) for moment in moments]


def _months(since: float, until: float, *, ticks: int) -> Sequence[tuple[float, str]]:
    step = next((step for step in MONTHS if (until - since) / (step * LONGEST_MONTH) <= ticks - 1), MONTHS[-1])
    start = EPOCH + timedelta(seconds=since)
    month = (start.year * 12 + start.month - 1) // step * step
    form = "%Y" if step >= 12 else "%Y-%m"  # noqa: PLR2004 - months of a year
    found: list[tuple[float, str]] = []
    while True:
        month += step
        moment = seconds_of(datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC))
        if moment > until:
            return found
        found.append((moment, said(moment, form)))


def _step(span: int, ticks: int) -> int:
    """Return the smallest of 1, 2, 5, 10, 20, 50 … of which at most *ticks* fit into *span*."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if span <= step * factor * ticks:
                return step * factor
        step *= 10
