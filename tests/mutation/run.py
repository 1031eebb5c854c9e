"""Break the code on purpose, one small mistake at a time, and count how many the tests notice.

python tests/mutation/run.py [--seconds S] [MODULE ...]

A MODULE is named as below src/ordersync: lifecycle, sync/watch. Without any, all of [tool.mutmut] in pyproject.toml
are run. Needs mutmut beside what the tests need (the dependency group "mutation"), and works on a copy in
build/mutation, which remembers what was found until the function or its tests change.
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
REFUSED_BY_TYPES, SURVIVED = 37, 0


def main(arguments: Sequence[str]) -> int:
    """Run mutmut, print a table, and return 1 when a mutant was noticed by nobody."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5, help="how long the tests of one mutant may take together")
    parser.add_argument("modules", nargs="*", metavar="MODULE")
    options = parser.parse_args(arguments)
    copy_checkout()
    patterns = [f"ordersync.{module.removesuffix('.py').replace('/', '.')}.*" for module in options.modules]
    env = os.environ | {"ORDERSYNC_MUTANT_SECONDS": str(options.seconds), "PYTHONPATH": str(COPY / "tests")}
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", "")])
    subprocess.run(["mutmut", "run", "--max-children", "1", *patterns], cwd=COPY, env=env, check=True)
    return report(env)


def copy_checkout() -> None:
    """Copy what is mutated and what tests it; mutmut keeps its own results beside the copy."""
    for name in COPIED:
        shutil.rmtree(COPY / name, ignore_errors=True)
        shutil.copytree(ROOT / name, COPY / name, ignore=LEFT_OUT)
    for path in [*ROOT.glob("*.md"), *ROOT.glob("*.py"), ROOT / "pyproject.toml"]:
        shutil.copy2(path, COPY / path.name)


def report(env: Mapping[str, str]) -> int:
    """Print the score of each file and the survivors; return 1 if there are any."""
    survivors: list[str] = []
    for path in sorted((COPY / "mutants" / "src").rglob("*.meta")):
        found: Mapping[str, int | None] = json.loads(path.read_text("utf-8"))["exit_code_by_key"]
        codes = Counter(code for code in found.values() if code is not None)
        if not codes:
            continue
        survivors += [name for name, code in found.items() if code == SURVIVED]
        by_types, left = codes[REFUSED_BY_TYPES], codes[SURVIVED]
        by_tests = codes.total() - by_types - left
        score = f"{100 * by_tests / max(1, by_tests + left):.1f} %"
        print(f"{path.stem:20} {by_tests:5} noticed by tests, {by_types:4} by mypy, {left:3} by nobody: {score}")
    for name in survivors:
        subprocess.run(["mutmut", "show", name], cwd=COPY, env=env, check=False)
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
