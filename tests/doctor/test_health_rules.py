"""How health is judged: the limits between weather, warning and fault, and the form of the answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from ordersync import ChannelId, ChannelSettings
from ordersync.doctor.health import Health, HealthArea, HealthFinding, HealthLevel
from ordersync.doctor.health_channels import Rate, judged_life, last_read, trouble
from ordersync.doctor.health_live import judged_clock
from ordersync.model.runs import ChannelLife, ChannelState, EntryKind, JournalEntry
from ordersync.testing import FakeMarketplace
from ordersync.testing.builders import NOON, SHOP

SECOND = timedelta(seconds=1)


def windows(outcomes: str) -> Sequence[JournalEntry]:
    """Return readings, newest first: ``x`` was cut, ``.`` was not."""
    codes = {"x": "cut", ".": "complete"}
    return [JournalEntry(at=NOON, kind=EntryKind.WINDOW_READ, code=codes[one]) for one in outcomes]


def finding(level: HealthLevel, **fields: Any) -> HealthFinding:  # noqa: ANN401 - fields of the finding
    """Return a finding of a level."""
    filled = {"area": HealthArea.READING, "subject": "Shop/one", "code": "CODE", "sentence": "it is so"} | fields
    return HealthFinding(level=level, **filled)


@pytest.mark.parametrize(
    ("outcomes", "level"),
    [
        ("", "ok"),
        ("." * 100, "ok"),
        ("x" + "." * 99, "ok"),
        ("." * 50 + "x" + "." * 49, "ok"),
        ("x....", "ok"),
        ("xx" + "." * 98, "warning"),
        ("x" + "." * 98 + "x", "warning"),
        ("x" * 19 + "." * 81, "warning"),
        ("x" * 20 + "." * 80, "failing"),
        ("." + "x" * 99, "warning"),
        ("x" * 100, "failing"),
    ],
)
def test_one_cut_reading_in_a_hundred_is_weather_and_twenty_in_a_row_are_a_fault(outcomes: str, level: str) -> None:
    """A single cut among the last hundred readings is well, twenty until now fail, and all between is a warning."""
    assert Rate.of(windows(outcomes), []).level == level


def test_rate_names_errors_by_class() -> None:
    """The rate says how many readings were cut, how many until now, and which errors there were."""
    errors = [JournalEntry(at=NOON, kind=EntryKind.ERROR, code=code) for code in ("b", "a", "b")]

    assert str(Rate.of(windows("xx.x"), errors)) == (
        "3 of the last 4 readings were cut, 2 of them in a row until now; errors: a 1, b 2"
    )


@pytest.mark.parametrize(
    ("life", "level"),
    [
        ({"failures": 1, "trouble": "channel-auth"}, "failing"),
        ({"failures": 1, "trouble": "channel-unavailable"}, "ok"),
        ({"failures": 2, "trouble": "channel-unavailable"}, "warning"),
        ({"failures": 19, "trouble": "channel-response"}, "warning"),
        ({"failures": 20, "trouble": "channel-unavailable"}, "failing"),
        ({"failures": 1, "trouble": "channel-unavailable", "paused_until": NOON + SECOND}, "warning"),
        ({"failures": 1, "trouble": "channel-unavailable", "paused_until": NOON}, "ok"),
    ],
)
def test_trouble_is_judged_by_who_can_end_it(life: dict[str, Any], level: str) -> None:
    """Refused credentials fail at once, since only a person can help; other trouble fails when it stays."""
    (found,) = trouble(ChannelLife(channel=SHOP, trouble_since=NOON, **life), at=NOON)

    assert found.level == level
    assert "since 2024-05-06 12:00Z" in found.sentence
    assert (found.next_step == "") == (level == "ok")


def test_channel_without_trouble_has_none() -> None:
    """Nothing is said of trouble where there is none."""
    assert trouble(ChannelLife(channel=SHOP), at=NOON) == []


@pytest.mark.parametrize(
    ("state", "by", "level"),
    [
        ("enabled", "Ann", "ok"),
        ("disabled", "Ann", "warning"),
        ("disabled", "ordersync", "failing"),
        ("draft", "", "warning"),
    ],
)
def test_channel_that_is_not_worked_on_is_named(state: str, by: str, level: str) -> None:
    """A channel that a person switched off is a warning, and one that ordersync had to switch off fails."""
    life = ChannelLife(channel=SHOP, state=ChannelState(state), by=by, cause="no stock", since=NOON)
    found = judged_life(life)

    assert found.level == level
    if state == "disabled":
        assert found.sentence == f"disabled since 2024-05-06 12:00Z by {by}: no stock"


@pytest.mark.parametrize(
    ("settings", "longest"),
    [(ChannelSettings(sweep_every=timedelta(hours=2)), timedelta(hours=6)), (None, timedelta(days=1))],
)
def test_channel_must_be_read_now_and_then(settings: ChannelSettings | None, longest: timedelta) -> None:
    """An enabled channel is late after three sweeps that did not come, or a day where its settings are unknown."""
    life = ChannelLife(channel=SHOP, state=ChannelState.ENABLED, since=NOON - timedelta(days=30))
    off = ChannelLife(channel=SHOP, state=ChannelState.DISABLED)

    assert last_read(life, NOON, settings=settings, at=NOON + longest).level == "ok"
    assert last_read(life, NOON, settings=settings, at=NOON + longest + SECOND).level == "warning"
    assert last_read(life, None, settings=settings, at=NOON).level == "warning"
    assert last_read(off, NOON, settings=settings, at=NOON + 2 * longest).level == "ok"


@pytest.mark.parametrize(
    ("skew", "offset", "level"),
    [
        (30, 30, "ok"),
        (30, 31, "warning"),
        (30, -31, "warning"),
        (600, 60, "ok"),
        (600, 61, "warning"),
        (0, 2, "ok"),
        (0, 3, "warning"),
    ],
)
def test_clock_may_be_off_by_what_the_channel_allows(skew: int, offset: int, level: str) -> None:
    """More than the channel's ``clock_skew`` is too much, and so is more than a minute; whole seconds are no skew."""
    shop = FakeMarketplace(SHOP, clock_skew=skew * SECOND)
    found = judged_clock(shop, offset * SECOND)

    assert found.level == level
    assert f"{abs(offset)}.0 s {'ahead of' if offset > 0 else 'behind'} this machine's" in found.sentence
    assert str(SHOP) in found.sentence


@pytest.mark.parametrize(
    ("levels", "worst", "code"),
    [
        ([], "unknown", 0),
        (["unknown"], "unknown", 0),
        (["unknown", "ok"], "ok", 0),
        (["ok", "warning", "unknown"], "warning", 1),
        (["warning", "failing", "ok"], "failing", 2),
    ],
)
def test_worst_finding_decides(levels: list[str], worst: str, code: int) -> None:
    """The exit code follows the worst finding, and what is unknown makes nothing worse."""
    health = Health(findings=tuple(finding(HealthLevel(level)) for level in levels), checked_at=NOON)

    assert (health.level, health.exit_code) == (worst, code)
    assert f"12:00:00Z  {worst}  (" in str(health)


def test_text_fits_a_terminal_and_cannot_steer_it() -> None:
    """No line is longer than 80 columns, and no letter of an order or a channel is a command to the terminal."""
    subject = str(ChannelId("S" * 80, "x" * 160))
    said = finding(HealthLevel.FAILING, subject=subject, sentence="\x1b[2J gone\n" + "far " * 50, next_step="do " * 60)
    text = str(Health(findings=(said,), checked_at=NOON))

    assert max(map(len, text.splitlines())) <= 80
    assert all(letter.isprintable() or letter == "\n" for letter in text)
    assert "next: do do" in text


def test_json_has_what_the_text_has() -> None:
    """The JSON names its schema, level and exit code, and each finding with all its fields."""
    told = json.loads(Health(findings=(finding(HealthLevel.WARNING, next_step="go"),), checked_at=NOON).to_json())

    assert told == {
        "schema": "ordersync.health/1",
        "checked_at": "2024-05-06T12:00:00+00:00",
        "level": "warning",
        "exit_code": 1,
        "findings": [
            {
                "area": "reading",
                "subject": "Shop/one",
                "level": "warning",
                "code": "CODE",
                "sentence": "it is so",
                "next_step": "go",
            }
        ],
    }
