"""Many simulations over several processes, and what they add up to."""

from __future__ import annotations

import multiprocessing
import signal
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice, takewhile
from multiprocessing.synchronize import Event
from typing import ClassVar

import attrs

from ....clock import Clock
from .runs import Case, Play, Run, Turn, take_turn

CHUNK = 20
"""So many cases travel to a process at once."""

LOOK_S = 0.5
"""A campaign over several processes looks so often whether it is enough."""

REPEATED = 100
"""One case in so many is played twice, the first included."""

ELSEWHERE = 3
"""So many of them also in a fresh process with another hash seed."""

MOST_FAILURES = 20
"""A campaign ends once so many cases have failed: more would tell nothing new."""


@attrs.define(kw_only=True)
class Tally:
    """What a campaign has found so far. ``stopped``: it was ended before its last case."""

    seeds: int = 0
    repeats: int = 0
    orders: int = 0
    virtual_s: float = 0.0
    elapsed_s: float = 0.0
    stopped: bool = False
    counts: Counter[str] = attrs.field(factory=Counter)
    failures: list[Run] = attrs.field(factory=list)

    def add(self, run: Run) -> None:
        """Count one run in."""
        self.seeds += 1
        self.repeats += run.repeats
        self.orders += run.orders
        self.virtual_s += run.virtual_s
        self.counts.update(run.counts)
        if run.law:
            self.failures.append(run)

    def __add__(self, other: Tally) -> Tally:
        """Return what two campaigns, one after the other, add up to."""
        return Tally(
            seeds=self.seeds + other.seeds,
            repeats=self.repeats + other.repeats,
            orders=self.orders + other.orders,
            virtual_s=self.virtual_s + other.virtual_s,
            elapsed_s=self.elapsed_s + other.elapsed_s,
            stopped=self.stopped or other.stopped,
            counts=self.counts + other.counts,
            failures=[*self.failures, *other.failures],
        )

    @property
    def seeds_per_s(self) -> float:
        """The speed; 0 before anything was measured."""
        return self.seeds / self.elapsed_s if self.elapsed_s else 0.0

    def first_of_each_law(self) -> Sequence[Run]:
        """Return the first failure of every law that broke."""
        firsts: dict[str, Run] = {}
        for run in self.failures:
            firsts.setdefault(run.law, run)
        return list(firsts.values())


def never() -> bool:
    """Say that it is not enough."""
    return False


def _nobody(_tally: Tally) -> None:
    pass


@attrs.frozen(kw_only=True)
class Campaign:
    """How cases are played.

    *processes*: with 1, in this process. *enough* is asked again and again, and ends the campaign; cases
    under way are still counted. *progress* is told after every chunk. *clock* is real: it measures the speed.
    """

    play: Play
    clock: Clock
    processes: int = 1
    chunk: int = CHUNK
    elsewhere: int = ELSEWHERE
    most_failures: int = MOST_FAILURES
    enough: Callable[[], bool] = never
    progress: Callable[[Tally], None] = _nobody

    def run(self, cases: Iterable[Case]) -> Tally:
        """Play *cases*, of which there may be any number, and return what they add up to."""
        tally = Tally()
        started = self.clock.monotonic()
        for runs in self._here(cases, tally) if self.processes == 1 else self._spread(cases, tally):
            for run in runs:
                tally.add(run)
            tally.elapsed_s = self.clock.monotonic() - started
            self.progress(tally)
        tally.failures.sort(key=lambda run: run.place)
        return tally

    def _here(self, cases: Iterable[Case], tally: Tally) -> Iterator[Sequence[Run]]:
        for turn in turns(cases, self.elsewhere):
            if self._is_over(tally):
                return
            yield [take_turn(self.play, turn)]

    def _spread(self, cases: Iterable[Case], tally: Tally) -> Iterator[Sequence[Run]]:
        """Keep every process busy with one chunk, and one more waiting for whoever is done first."""
        context = multiprocessing.get_context("spawn")
        stop = context.Event()
        rest = chunks(turns(cases, self.elsewhere), self.chunk)
        under_way: set[Future[Sequence[Run]]] = set()
        with ProcessPoolExecutor(
            self.processes, mp_context=context, initializer=Worker.begin, initargs=(stop,)
        ) as pool:
            while True:
                wanted = 0 if stop.is_set() else self.processes + 1 - len(under_way)
                under_way.update(pool.submit(Worker.work, self.play, chunk) for chunk in islice(rest, wanted))
                if not under_way:
                    return
                if self._is_over(tally):
                    stop.set()
                done, under_way = wait(under_way, timeout=LOOK_S, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)

    def _is_over(self, tally: Tally) -> bool:
        tally.stopped = tally.stopped or self.enough() or len(tally.failures) >= self.most_failures
        return tally.stopped


class Worker:
    """One process of a campaign, which plays chunk after chunk until it is told to stop."""

    stop: ClassVar[Event]

    @classmethod
    def begin(cls, stop: Event) -> None:
        """Begin; Ctrl-C, which a terminal sends to every process, is left to the one that started the others."""
        cls.stop = stop
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    @classmethod
    def work(cls, play: Play, chunk: Sequence[Turn]) -> Sequence[Run]:
        """Play a chunk, or what there is time for."""
        return [take_turn(play, turn) for turn in takewhile(lambda _: not cls.stop.is_set(), chunk)]


def turns(cases: Iterable[Case], elsewhere: int = ELSEWHERE) -> Iterator[Turn]:
    """Say which cases are repeated, and which of these, the first so many, also under another hash seed."""
    for place, case in enumerate(cases):
        number, rest = divmod(place, REPEATED)
        hash_seed = number + 1 if rest == 0 and number < elsewhere else None
        yield Turn(place=place, case=case, repeat=rest == 0, hash_seed=hash_seed)


def chunks(all_turns: Iterable[Turn], size: int) -> Iterator[Sequence[Turn]]:
    """Cut turns into chunks."""
    rest = iter(all_turns)
    while chunk := list(islice(rest, size)):
        yield chunk
