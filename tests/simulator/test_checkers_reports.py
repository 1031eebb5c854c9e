"""The laws of what is said: each is kept in silence, and breaks with its own name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ordersync.testing.simulator.checkers.reports import ReportsChecker
from simulator.reading import Market, breaks, world_of

SUMS = {"seen": 6, "new": 1, "changed": 1, "same": 1, "skipped": 1, "quarantined": 2}


def report(*, run_id: str = "1", **counts: Any) -> str:  # noqa: ANN401 - numbers by name
    """Return a report in JSON, of one channel."""
    channel = {"source": "Shop", "subsource": "one", **SUMS, **counts}
    return json.dumps({"run_id": run_id, "channels": [channel]})


@pytest.fixture
def checker() -> ReportsChecker:
    """Return a checker that knows a secret, of a program that has begun a run."""
    checker = ReportsChecker(world_of(Market()), secrets=["hunter2"])
    checker.began("runner")
    return checker


def test_report_that_adds_up_breaks_nothing(checker: ReportsChecker) -> None:
    """A run ends with one report whose sightings add up, and a run that was cut owes none."""
    checker.reported("runner", report(), "all is well")
    checker.began("runner")
    checker.cut("runner")
    checker.all_over()


@pytest.mark.parametrize("counts", [{"seen": 7}, {"same": 0}, {"pushed": -1}])
def test_report_that_does_not_add_up_breaks_r1(checker: ReportsChecker, counts: dict[str, Any]) -> None:
    """Every sighting has one outcome, and nothing is counted below zero."""
    with breaks("R1"):
        checker.reported("runner", report(**counts), "")


def test_run_without_a_report_breaks_r1(checker: ReportsChecker) -> None:
    """Every run that comes to its end is reported."""
    with breaks("R1"):
        checker.all_over()


def test_report_of_no_run_breaks_r1(checker: ReportsChecker) -> None:
    """A run is reported once, and no run is reported that never began."""
    checker.reported("runner", report(), "")
    with breaks("R1"):
        checker.reported("runner", report(run_id="2"), "")
    checker.began("runner")
    with breaks("R1"):
        checker.reported("runner", report(), "")


@pytest.mark.parametrize("told", ["order of CANARY-M1-1001", "key hunter2"])
def test_buyer_or_secret_breaks_x1(checker: ReportsChecker, told: str) -> None:
    """Neither a buyer nor a secret is told in a report, an error or a log line."""
    with breaks("X1"):
        checker.said("an error", told)
    with breaks("X1"):
        checker.reported("runner", report(), told)
    with breaks("X1"):
        checker.reported("runner", json.dumps({"told": told}), "")
