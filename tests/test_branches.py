"""Every branch of the pure rules is taken by a test of the rules themselves, not by luck behind a whole run."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "ordersync"
PURE = re.compile(r"\bpure\b", re.IGNORECASE)
KNOWN = """
admission beliefs columns conflicts handling history kits lifecycle parcels publication sync/channel_lines
sync/digests sync/edits sync/lookups sync/new_orders sync/scan sync/shipments sync/sightings sync/watch_list
"""


def pure_rules() -> Sequence[str]:
    """Return the modules of the core that say that they are pure, and the digests."""
    candidates = [*SOURCE.glob("*.py"), *(SOURCE / "sync").glob("*.py")]
    found = [path for path in candidates if PURE.search(ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "")]
    found.append(SOURCE / "sync" / "digests.py")
    return sorted(path.relative_to(SOURCE).with_suffix("").as_posix() for path in found)


def test_pure_rules_are_those_that_we_know() -> None:
    """No module leaves the pure rules unseen, none waits for anything, and each new one is named here."""
    assert pure_rules() == KNOWN.split()
    for rule in pure_rules():
        tree = ast.parse((SOURCE / f"{rule}.py").read_text("utf-8"))
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.Await | ast.AsyncFunctionDef)], rule


@pytest.mark.slow
def test_every_branch_of_the_pure_rules_is_tested(tmp_path: Path) -> None:
    """The tests of the rules run every line and take every branch of the pure rules; none is excluded."""
    coverage = [sys.executable, "-m", "coverage"]
    files = ",".join(str(SOURCE / f"{rule}.py") for rule in pure_rules())
    report = tmp_path / "report.json"
    env = os.environ | {"COVERAGE_FILE": str(tmp_path / "data"), "PYTHONPATH": str(ROOT / "src")}
    run = [*coverage, "run", "--branch", f"--include={files}", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    subprocess.run([*run, "tests/rules"], cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([*coverage, "json", "-q", "-o", str(report)], cwd=ROOT, env=env, check=True)

    measured = json.loads(report.read_text("utf-8"))["files"]

    assert len(measured) == len(pure_rules())
    assert {file: (facts["missing_lines"], facts["missing_branches"]) for file, facts in measured.items()} == {
        file: ([], []) for file in measured
    }
    assert not [file for file, facts in measured.items() if facts["excluded_lines"]]
