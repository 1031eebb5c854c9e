"""One simulation from beginning to end: chaos, then quiet, then nothing to do."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import attrs

from ...ports import Storage
from ...storage.memory import MemoryStorage
from .clock import SimClock
from .hearing import listening
from .loop import DeadlockError, LivelockError, SimLoop
from .options import Options
from .people import Crowds, Staff
from .rest import come_to_rest, stay_idle
from .runners import LONGEST_RUN_S, RunnerProgram
from .sqlite import InlineSQLiteStorage
from .stage import Stage
from .trace import Violation
from .verdicts import ask_doctor

RAM = Path("/dev/shm")  # noqa: S108 - each simulation makes a folder of its own there
SHELF = RAM if RAM.is_dir() else None
"""Where a database is kept while it is simulated: nobody cuts its power."""


@attrs.frozen(kw_only=True)
class Outcome:
    """What became of one simulation; two of the same options have equal digests.

    ``last``: the events before the violation, or before the end. ``virtual_s``: how long it lasted, in its own time.
    """

    seed: int
    violation: Violation | None
    digest: str
    counts: Mapping[str, int]
    last: Sequence[str]
    orders: int
    virtual_s: float


def simulate(options: Options, *, around: Callable[[], AbstractContextManager[object]] = nullcontext) -> Outcome:
    """Play one simulation; *around* it, for instance, the library has a bug."""
    loop = SimLoop()
    with around():
        return loop.live(_outcome(options, loop))


async def _outcome(options: Options, loop: SimLoop) -> Outcome:
    async with _storage(options, loop) as storage:
        stage = Stage(options, loop, storage)
        with listening(stage.referee.logged):
            violation = await _violation(stage, _play(stage))
        trace = stage.trace
        return Outcome(
            seed=options.seed,
            violation=violation,
            digest=trace.digest(),
            counts=dict(trace.counts),
            last=trace.last(),
            orders=sum(len(market.orders) for market in stage.markets.values()),
            virtual_s=loop.passed,
        )


async def _violation(stage: Stage, play: Coroutine[Any, Any, None]) -> Violation | None:
    """Play until the end or until a law breaks; return the first that does."""
    playing = asyncio.ensure_future(play)
    broken = asyncio.ensure_future(stage.referee.broken.wait())
    await asyncio.wait({playing, broken}, return_when=asyncio.FIRST_COMPLETED)
    broken.cancel()
    first = stage.referee.first
    if first is None and playing.done():
        playing.result()
    playing.cancel()
    casualties = stage.loop.casualties
    if first is None and casualties:
        return Violation("L9", f"a task died unseen: {casualties[0]!r}")
    return first


async def _play(stage: Stage) -> None:
    await stage.furnish()
    stage.faults.rouse()
    programs = [RunnerProgram(f"runner{number}", stage) for number in range(1, stage.options.runners + 1)]
    lives = [program.live() for program in programs] + Crowds(stage).lives() + Staff(stage).lives()
    tasks = [asyncio.ensure_future(life) for life in lives]
    await asyncio.sleep(stage.options.chaos_s)
    stage.calm()
    _, late = await asyncio.wait(tasks, timeout=2 * LONGEST_RUN_S)
    if late:
        stage.referee.found("L2", "a program does not come to the end of its run")
    for task in tasks:
        task.result()
    await come_to_rest(stage)
    await stay_idle(stage)
    stage.referee.ended()
    await ask_doctor(stage)


@asynccontextmanager
async def _storage(options: Options, loop: SimLoop) -> AsyncIterator[Storage]:
    clock = SimClock(loop)
    if options.storage == "memory":
        async with MemoryStorage(clock=clock) as storage:
            yield storage
        return
    with tempfile.TemporaryDirectory(dir=SHELF) as folder:
        async with InlineSQLiteStorage(Path(folder) / "shop.db", clock=clock) as storage:
            yield storage


__all__ = ["DeadlockError", "LivelockError", "Outcome", "simulate"]
