"""Break the code on purpose, one small mistake at a time, and count how many the tests notice.

python tests/mutation/run.py [--seconds S] [--again] [MODULE ...]

A MODULE is named as below src/ordersync: lifecycle, sync/watch. Without any, all of [tool.mutmut] in pyproject.toml
are run. Needs mutmut beside what the tests need (the dependency groups "mutation" and "lint"), and works on a copy in
build/mutation, which remembers what was found until a function changes. After new tests, --again runs those alone
that nobody noticed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COPY = ROOT / "build" / "mutation"
COPIED = ("src", "tests", "docs", "examples")
LEFT_OUT = shutil.ignore_patterns("__pycache__")
BY_TYPES = 37
UNNOTICED = frozenset({0, 5, 33})
"""What mutmut notes where every test passed, where none was chosen, and where none comes by."""

Codes = Mapping[str, int | None]


def main(arguments: Sequence[str]) -> int:
    """Run mutmut, print a table, and return 1 when a mutant was noticed by nobody."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5, help="how long the tests of one mutant may take together")
    parser.add_argument("--again", action="store_true", help="run those again that nobody noticed")
    parser.add_argument("modules", nargs="*", metavar="MODULE")
    options = parser.parse_args(arguments)
    copy_checkout()
    env = os.environ | {"ORDERSYNC_MUTANT_SECONDS": str(options.seconds), "PYTHONPATH": str(COPY / "tests")}
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", "")])
    wanted = [f"ordersync.{module.removesuffix('.py').replace('/', '.')}.*" for module in options.modules]
    if options.again:
        wanted = [name for codes in found().values() for name in unnoticed(codes)]
    if wanted or not options.again:
        subprocess.run(["mutmut", "run", "--max-children", "1", *wanted], cwd=COPY, env=env, check=True)
    return report(env)


def copy_checkout() -> None:
    """Copy what is mutated and what tests it; mutmut keeps its own results beside the copy."""
    for name in COPIED:
        shutil.rmtree(COPY / name, ignore_errors=True)
        shutil.copytree(ROOT / name, COPY / name, ignore=LEFT_OUT)
    for path in [*ROOT.glob("*.md"), *ROOT.glob("*.py"), ROOT / "pyproject.toml"]:
        shutil.copy2(path, COPY / path.name)


def found() -> Mapping[str, Codes]:
    """Return what mutmut noted of each mutant, by file."""
    notes = sorted((COPY / "mutants" / "src" / "ordersync").rglob("*.meta"))
    return {
        path.relative_to(COPY / "mutants" / "src" / "ordersync").with_suffix("").as_posix(): json.loads(
            path.read_text("utf-8")
        )["exit_code_by_key"]
        for path in notes
    }


def unnoticed(codes: Codes) -> Sequence[str]:
    """Return the mutants that nobody noticed."""
    return [name for name, code in codes.items() if code in UNNOTICED]


def report(env: Mapping[str, str]) -> int:
    """Print the score of each file and the survivors; return 1 if there are any."""
    survivors: list[str] = []
    for file, codes in found().items():
        left = unnoticed(codes)
        times = Counter(code for code in codes.values() if code is not None)
        by_tests = times.total() - times[BY_TYPES] - len(left)
        if not by_tests + len(left):
            continue
        survivors += left
        score = f"{100 * by_tests / (by_tests + len(left)):.1f} %"
        print(f"{file:20} {by_tests:5} by tests, {times[BY_TYPES]:4} by mypy, {len(left):3} by nobody: {score}")
    for name in survivors:
        subprocess.run(["mutmut", "show", name], cwd=COPY, env=env, check=False)
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
