"""Runs directed tests under a plant, in a process of its own: ``python -m simulator.directed NAME...`` prints JSON."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from simulator.plants import PLANTS, planted

ROOT = Path(__file__).parents[2]

MISTAKEN = ("taken-out",)
"""Ids of tests that plant a mistake of their own, and so are no judges of another."""


class Failures:
    """Remembers which tests failed, and how many ran."""

    def __init__(self) -> None:
        self.failed: dict[str, str] = {}
        self.ran = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Look at one report."""
        self.ran += report.when == "call"
        if report.failed:
            self.failed[report.nodeid] = report.longreprtext.splitlines()[-1]


def failures_under(name: str, targets: Sequence[str]) -> Failures:
    """Run tests while a plant is in force."""
    heard = Failures()
    options = ["-q", "-x", "-p", "no:cacheprovider", "-k", " and ".join(f"not {one}" for one in MISTAKEN)]
    with redirect_stdout(io.StringIO()), planted(name):
        pytest.main([*options, *targets], plugins=[heard])
    return heard


def find_each(names: Collection[str]) -> Mapping[str, Sequence[str]]:
    """Return, for each of these plants, which of its directed tests failed under it."""
    found = {}
    for name in names:
        target = PLANTS[name].directed
        found[name] = list(failures_under(name, [target]).failed) if target else []
    return found


def find_apart(names: Collection[str]) -> Mapping[str, Sequence[str]]:
    """Do so in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "simulator.directed", *names],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])},
        capture_output=True,
        text=True,
        check=True,
    )
    answer: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return answer


if __name__ == "__main__":
    sys.stdout.write(json.dumps(find_each(sys.argv[1:] or list(PLANTS))) + "\n")
