"""The smallest case that still breaks the same law, as far as a bounded number of tries finds it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from .runs import UNREPEATABLE, Case, Play, Run, play_once

TRIES = 80
"""So many smaller cases are tried."""

KEPT = frozenset({"seed", "storage", "pause_s", "market_pause_s", "desk_pause_s"})
"""What is no measure of size: shorter pauses make more of a simulation."""


@attrs.frozen(kw_only=True)
class Smaller:
    """What minimising came to: the last run that failed, and how many were tried."""

    run: Run
    tries: int


def minimised(play: Play, failed: Run, *, tries: int = TRIES, enough: Callable[[], bool] = lambda: False) -> Smaller:
    """Halve, and leave out, whatever can be, while the same law breaks; at most *tries* times, or until *enough*.

    A failure that lies in the repetition is returned as it is.
    """
    best, tried = failed, {_text(failed.case)}
    if failed.law == UNREPEATABLE:
        return Smaller(run=failed, tries=0)
    candidates = smaller_cases(best.case)
    while len(tried) <= tries and not enough():
        case = next(candidates, None)
        if case is None:
            break
        if _text(case) in tried:
            continue
        tried.add(_text(case))
        run = play_once(play, case)
        if run.law == failed.law:
            best, candidates = run, smaller_cases(run.case)
    return Smaller(run=attrs.evolve(best, place=failed.place), tries=len(tried) - 1)


def smaller_cases(case: Case) -> Iterator[Case]:
    """Return a case with one option less each, the boldest cuts of each option first.

    Counts and durations are halved; rates and switches turned off; of what is several, all, a half or one is left out,
    or made a plain one of its kind. Numbers come first, since they make the later tries fast.
    """
    for name in sorted(case, key=lambda name: isinstance(case[name], (list, Mapping))):
        if name not in KEPT:
            for less in _less(case[name]):
                yield {**case, name: less}


def _less(value: object) -> Iterator[Any]:
    match value:
        case bool():
            yield from [False] if value else []
        case int() | float() if value > 0:
            yield from _less_of_number(value)
        case list() if value:
            yield from _less_of_several(value)
        case Mapping() if value:
            yield {}
            yield from ({key: kept for key, kept in value.items() if key != left} for left in value)
        case _:
            return


def _less_of_number(value: float) -> Iterator[float]:
    """Return a number's half, or nothing of it where it is a rate or a single piece."""
    if isinstance(value, int):
        yield value // 2
        if value > 2:
            yield value - 1
    else:
        yield round(value / 2, 3) if value > 1 else 0.0


def _less_of_several(value: list[Any]) -> Iterator[list[Any]]:
    half = len(value) // 2
    yield from [value[:half], value[half:]] if half else [[]]
    yield from ([*value[:place], *value[place + 1 :]] for place in range(len(value)))
    for place, one in enumerate(value):
        if isinstance(one, Mapping):
            yield from ([*value[:place], less, *value[place + 1 :]] for less in _less_of_facts(one))


def _less_of_facts(facts: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Leave out all facts or a half of them; those that are left out take their defaults."""
    names = list(facts)
    half = len(names) // 2
    for kept in ([], names[:half], names[half:]):
        if len(kept) < len(names):
            yield {name: facts[name] for name in kept}


def _text(case: Case) -> str:
    return json.dumps(case, sort_keys=True)
