"""What a failure tells: the seed, the options, the law, the last events, the smallest case, and how to see it again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping

from .runs import Case, Run
from .smaller import Smaller

PROGRAM = "python -m ordersync.testing.simulator"


def replay_command(case: Case) -> str:
    """Return the line that plays exactly this case again."""
    return f"{PROGRAM} --seed {case['seed']} --options {shlex.quote(json.dumps(dict(case)))}"


def regression_line(run: Run) -> str:
    """Return the lines that keep a case in ``tests/simulator/regressions.txt`` for ever."""
    return f"# {run.law}: {_one_line(run.text)}\n{json.dumps(dict(run.case))}"


def told(run: Run, smaller: Smaller | None = None, *, commit: str = "") -> str:
    """Return everything that is known of a failed run, as text for a person."""
    lines = [
        f"seed {run.seed} breaks {run.law}: {run.text}",
        *([f"commit: {commit}"] if commit else []),
        f"options: {json.dumps(dict(run.case))}",
        *_events(run),
    ]
    if smaller is not None and smaller.run.case != run.case:
        lines += ["", *_minimised(run, smaller)]
    best = run if smaller is None else smaller.run
    return "\n".join([*lines, "", "replay:", f"  {replay_command(best.case)}"])


def _minimised(run: Run, smaller: Smaller) -> Iterator[str]:
    best = smaller.run
    yield f"minimised in {smaller.tries} tries: {best.law}: {best.text}"
    for name, value in run.case.items():
        if best.case[name] != value:
            yield f"  {name}: {_change(value, best.case[name])}"
    yield from _events(best)


def _change(before: object, after: object) -> str:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return f"only {', '.join(after)}" if after else "none"
    return f"{json.dumps(before)} -> {json.dumps(after)}"


def _events(run: Run) -> Iterator[str]:
    yield f"the last {len(run.last)} events:"
    yield from (f"  {event}" for event in run.last)


def _one_line(text: str) -> str:
    return " ".join(text.split())
