"""A plugin for pytest under mutmut: the tests that are likeliest to notice a mutant run first, and not for ever.

mutmut asks for every test that ever came by a function. Of these run first the ones that noticed another mutant
lately, then the fastest. After ``ORDERSYNC_MUTANT_SECONDS`` worth of tests a mutant counts as unnoticed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

SECONDS = float(os.environ.get("ORDERSYNC_MUTANT_SECONDS", "inf"))
TIMES = Path("mutmut-stats.json").absolute()
NOTICED = Path("noticed.txt").absolute()
LATELY = 20
REPEATED = 3


def mutant() -> str:
    """Return the name of the mutant under test, empty where there is none."""
    name = os.environ.get("MUTANT_UNDER_TEST", "")
    return name if "__mutmut_" in name else ""


def pytest_configure(config: pytest.Config) -> None:
    """Choose among the tests that are asked for; all of them stay where no mutant is under test."""
    if mutant() and TIMES.is_file():
        times: Mapping[str, float] = json.loads(TIMES.read_text("utf-8"))["duration_by_test"]
        config.args[:] = within(sooner(config.args, times, lately()), times)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember the test that noticed a mutant."""
    if mutant() and report.failed:
        with NOTICED.open("a", encoding="utf-8") as noticed:
            noticed.write(f"{report.nodeid}\n")


def lately() -> Sequence[str]:
    """Return the tests that noticed a mutant, the latest first."""
    noticed = NOTICED.read_text("utf-8").splitlines() if NOTICED.is_file() else []
    return list(dict.fromkeys(reversed(noticed)))[:LATELY]


def sooner(tests: Iterable[str], times: Mapping[str, float], first: Iterable[str]) -> Sequence[str]:
    """Put *first* first, then the fastest; once more with other parameters counts as three times as slow."""
    by_time = sorted(tests, key=lambda test: times.get(test, 0))
    ones: dict[str, str] = {}
    for test in by_time:
        ones.setdefault(test.partition("[")[0], test)
    new = set(ones.values())
    by_cost = sorted(by_time, key=lambda test: times.get(test, 0) * (1 if test in new else REPEATED))
    asked = set(by_time)
    return list(dict.fromkeys([*(test for test in first if test in asked), *by_cost]))


def within(tests: Sequence[str], times: Mapping[str, float], seconds: float = SECONDS) -> Iterator[str]:
    """Yield tests until they take so long together; the first in any case."""
    taken = 0.0
    for test in tests:
        yield test
        taken += times.get(test, 0)
        if taken > seconds:
            return
