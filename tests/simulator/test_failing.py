"""What a failure tells: it is made small, told whole, and can be seen again."""

from __future__ import annotations

import json
import shlex

import pytest

from ordersync.testing.simulator.campaigns.failing import regression_line, replay_command, told
from ordersync.testing.simulator.campaigns.regressions import read_case
from ordersync.testing.simulator.campaigns.runs import UNREPEATABLE, Case, Run, play_once
from ordersync.testing.simulator.campaigns.smaller import minimised, smaller_cases
from simulator import toys


@pytest.fixture
def failed() -> Run:
    """Return a seed that fails."""
    return play_once(toys.flawed, toys.drawn(17))


def test_case_is_minimised(failed: Run) -> None:
    """What has no part in a failure is gone from its smallest case, and what has is as small as it can be."""
    smallest = minimised(toys.flawed, failed)

    assert smallest.run.law == "P4"
    assert smallest.run.case == {
        "chaos_s": 75.0,
        "markets": [{"lag": 3.0}],
        "net": {"late": 0.2},
        "pause_s": 60.0,
        "runners": 2,
        "seed": 17,
        "storage": "memory",
        "waits": 0.0,
    }
    assert 0 < smallest.tries <= 80


def test_tries_are_bounded(failed: Run) -> None:
    """Minimising ends after its tries, with the smallest case that it has found by then."""
    smallest = minimised(toys.flawed, failed, tries=3)

    assert smallest.tries == 3
    assert smallest.run.law == "P4"
    assert smallest.run.case["chaos_s"] == 75.0
    assert smallest.run.case["runners"] == 4


def test_interrupted_minimising(failed: Run) -> None:
    """Minimising ends when it is enough, with a case that fails."""
    assert minimised(toys.flawed, failed, enough=lambda: True).run.case == failed.case


def test_another_law_is_another_failure() -> None:
    """A smaller case that breaks another law is none of this failure."""

    def two(case: Case) -> toys.ToyOutcome:
        law = "S1" if case["runners"] > 1 else "S2"
        return toys.outcome(case, "x", toys.ToyViolation(law=law, text="two"))

    smallest = minimised(two, play_once(two, toys.drawn(1)))

    assert smallest.run.law == "S1"
    assert smallest.run.case["runners"] == 2


def test_repetition_is_not_minimised() -> None:
    """A failure that lies in the repetition stays as it is."""
    run = Run(case=toys.drawn(1), law=UNREPEATABLE)

    assert minimised(toys.sound, run).run is run


def test_every_smaller_case_is_smaller() -> None:
    """A smaller case differs in one option, which is never the seed, the storage or a pause."""
    case = {**toys.drawn(7), "kit": True}
    found = list(smaller_cases(case))

    assert all(sum(one[name] != case[name] for name in case) == 1 for one in found)
    assert all(one[name] == case[name] for one in found for name in ("seed", "storage", "pause_s"))
    assert {name for one in found for name in case if one[name] != case[name]} == {
        "chaos_s",
        "kit",
        "markets",
        "net",
        "runners",
        "waits",
    }


def test_nothing_is_left_to_make_smaller() -> None:
    """A case that is as small as can be has no smaller one."""
    assert list(smaller_cases({"seed": 1, "runners": 0, "net": {}, "markets": [], "kit": False, "rate": 0.0})) == []


def test_failure_is_told(failed: Run) -> None:
    """A failure tells seed, commit, options, law, last events, the smallest case and how to see it again."""
    smallest = minimised(toys.flawed, failed)
    text = told(failed, smallest, commit="abc123")

    assert text.startswith("seed 17 breaks P4: sold what was not there\ncommit: abc123\noptions: {")
    assert json.dumps(dict(failed.case)) in text
    assert "the last 2 events:\n       1.000 began 17\n" in text
    assert f"minimised in {smallest.tries} tries: P4: sold what was not there\n  chaos_s: 600.0 -> 75.0\n" in text
    assert "  net: only late\n" in text
    assert text.endswith(f"replay:\n  {replay_command(smallest.run.case)}")


def test_failure_that_is_as_small_as_can_be(failed: Run) -> None:
    """A failure that could not be made smaller is told once."""
    smallest = minimised(toys.flawed, failed).run
    text = told(smallest, minimised(toys.flawed, smallest))

    assert "minimised" not in text
    assert "commit" not in text
    assert text.count("the last 2 events") == 1


def test_command_shows_it_again(failed: Run) -> None:
    """The command names seed and options in a way that a shell hands on unharmed."""
    words = shlex.split(replay_command(failed.case))

    assert words[:5] == ["python", "-m", "ordersync.testing.simulator", "--seed", "17"]
    assert words[5] == "--options"
    assert play_once(toys.flawed, read_case(words[6], "here")) == failed


def test_kept_line(failed: Run) -> None:
    """The line for the file of kept cases says what was found, and is the case."""
    comment, case = regression_line(failed).splitlines()

    assert comment == "# P4: sold what was not there"
    assert read_case(case, "here") == failed.case
