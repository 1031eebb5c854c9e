"""How many simulations it takes until a planted bug breaks a law: the measure of a simulator."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Literal, cast

import attrs

from ordersync.testing.simulator.campaigns.runs import Case, Run, play_once
from ordersync.testing.simulator.drawing import draw
from ordersync.testing.simulator.simulation import Outcome, simulate
from simulator.plants import planted

Storage = Literal["memory", "sqlite"]

LONGEST_S = 60
"""A simulation that takes so long of real time never ends: that is a find, too."""


class NeverEndsError(Exception):
    """A simulation went round and round."""


@attrs.frozen(kw_only=True)
class Hunt:
    """What is to be looked for: at most *seeds* simulations from *first* on, until *finds* of them have found it."""

    plant: str
    storage: str
    first: int
    seeds: int
    finds: int


@attrs.frozen(kw_only=True)
class Catch:
    """What a hunt came to. ``spoilt``: seeds that break a law without the plant, and so tell nothing."""

    plant: str
    storage: str
    seeds: int = 0
    found: int = 0
    spoilt: int = 0
    first: int | None = None
    laws: Mapping[str, int] = attrs.field(factory=dict)
    told: str = ""

    def after(self, run: Run, *, spoilt: bool) -> Catch:
        """Return the catch with one more seed behind it."""
        if spoilt or not run.law:
            return attrs.evolve(self, seeds=self.seeds + 1, spoilt=self.spoilt + spoilt)
        news = self.found == 0
        return attrs.evolve(
            self,
            seeds=self.seeds + 1,
            found=self.found + 1,
            first=run.seed if news else self.first,
            told=run.text[:160] if news else self.told,
            laws={**self.laws, run.law: self.laws.get(run.law, 0) + 1},
        )


def case_of(seed: int, storage: str) -> Case:
    """Return the options of a seed."""
    return draw(seed, storage=cast("Storage", storage)).to_dict()


def played(case: Case, plant: str | None) -> Run:
    """Play a case, with a planted bug or without one."""

    def play(asked: Case) -> Outcome:
        options = draw(int(asked["seed"]), storage=asked["storage"])
        if plant is None:
            return simulate(options)
        return simulate(options, around=lambda: planted(plant))

    with _patience():
        return play_once(play, case)


@lru_cache(maxsize=4096)
def is_sound(seed: int, storage: str) -> bool:
    """Say whether a seed breaks no law where nothing is planted."""
    return not played(case_of(seed, storage), None).law


def hunt(asked: Hunt, *, enough: Callable[[], bool] = lambda: False) -> Catch:
    """Look for one plant."""
    catch = Catch(plant=asked.plant, storage=asked.storage)
    for seed in range(asked.first, asked.first + asked.seeds):
        if catch.found >= asked.finds or enough():
            break
        run = played(case_of(seed, asked.storage), asked.plant)
        catch = catch.after(run, spoilt=bool(run.law) and not is_sound(seed, asked.storage))
    return catch


def finds_again(catch: Catch) -> bool:
    """Say whether the first seed of a catch still finds its bug, and finds nothing where none is planted."""
    if catch.first is None:
        return False
    run = played(case_of(catch.first, catch.storage), catch.plant)
    return bool(run.law) and is_sound(catch.first, catch.storage)


def together(one: Catch, other: Catch) -> Catch:
    """Return what two hunts for the same plant, over different seeds, add up to."""
    laws = {law: one.laws.get(law, 0) + other.laws.get(law, 0) for law in {**one.laws, **other.laws}}
    firsts: Sequence[Catch] = sorted((c for c in (one, other) if c.first is not None), key=lambda c: c.first or 0)
    return attrs.evolve(
        one,
        seeds=one.seeds + other.seeds,
        found=one.found + other.found,
        spoilt=one.spoilt + other.spoilt,
        first=firsts[0].first if firsts else None,
        told=firsts[0].told if firsts else "",
        laws=laws,
    )


@contextmanager
def _patience() -> Iterator[None]:
    """Raise ``NeverEndsError`` in what takes too long."""

    def give_up(_signal: int, _frame: object) -> None:
        raise NeverEndsError(f"no end after {LONGEST_S} s of real time")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(LONGEST_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
