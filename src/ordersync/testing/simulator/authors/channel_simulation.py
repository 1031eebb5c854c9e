"""The simulated world for whoever writes a channel: their real channel and its fake server, one seed at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from ....clock import Clock
from ....storage.memory import MemoryStorage
from ...contracts.channel_harness import ChannelHarness, find
from ..clock import SimClock
from ..hearing import listening
from ..loop import DeadlockError, LivelockError
from ..people import Crowds, Staff
from ..rest import come_to_rest, stay_idle
from ..runners import LONGEST_RUN_S, RunnerProgram
from ..simulation import Outcome
from ..trace import Violation
from .channel_rest import check_at_rest
from .channel_stage import ChannelStage, drawn_options
from .customers import Customers
from .loopback_loop import STOPPING_S, LoopbackLoop

NEAR = timedelta(minutes=5)
"""A server whose stamps are further from the simulated time than this, and its own skew, goes by another clock."""


class ChannelSimulation:
    """Hours of bad luck for one channel, decided by a seed: one test per seed, each well under a second.

    An author subclasses it and provides ``harness``, which yields a ``ChannelHarness`` as for ``ChannelContract``::

        class TestMyShopSimulated(ChannelSimulation):
            seeds = range(20)

            @asynccontextmanager
            async def harness(self):
                async with my_stub(clock=self.clock) as stub, MyShop(MY_ID, base_url=stub.url) as channel:
                    yield MyHarness(channel, stub)

    The channel is the real one, and speaks to its server over real sockets of this machine; only time is simulated.
    Its server must live in the same event loop and take its time from ``self.clock``. Around it are the real runner in
    several programs that crash, freeze, are cancelled and start again; a storage that is busy, dies, and does not
    say what it did; a second market with the same goods; buyers, and people at the desk. Requests are lost, late,
    slow, refused and answered with nonsense: in the harness's ``network`` where there is one, else call by call.
    When it is over, all that is due is done, and then nothing must be done any more.

    * ``seeds``: which seeds to play; each is a test ``test_simulated_world[seed]``;
    * ``secrets``: texts that no error may hold. Buyers' data and what the channel itself keeps under such names as
      ``token`` or ``password`` are known without;
    * ``judges_scans``: False where the API has nothing but offsets and the channel cannot help that a page is missed
      when orders leave the list; then only the end is judged.
    """

    seeds: ClassVar[Collection[int]] = range(10)
    secrets: ClassVar[Collection[str]] = ()
    judges_scans: ClassVar[bool] = True
    clock: Clock

    def harness(self) -> AbstractAsyncContextManager[ChannelHarness]:
        """Return an async context manager over the open channel before a fresh server."""
        raise NotImplementedError(f"{type(self).__name__} needs a harness() that yields a ChannelHarness")

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make one test of each seed."""
        if "seed" in metafunc.fixturenames:
            metafunc.parametrize("seed", self.seeds)

    def test_simulated_world(self, seed: int, request: pytest.FixtureRequest) -> None:
        """No law breaks in the world that this seed decides."""
        outcome = self.play(seed)
        if outcome.violation is not None:
            pytest.fail(told(outcome, f"python -m pytest {request.node.nodeid!r}"), pytrace=False)

    def play(self, seed: int) -> Outcome:
        """Play one seed, and return what became of it; an error of the harness itself comes out."""
        loop = LoopbackLoop()
        self.clock = SimClock(loop)
        try:
            return loop.live(self._outcome(seed, loop))
        except (DeadlockError, LivelockError) as error:
            return _hung(seed, loop, error)

    async def _outcome(self, seed: int, loop: LoopbackLoop) -> Outcome:
        async with MemoryStorage(clock=self.clock) as storage, self.harness() as harness:
            stage = ChannelStage(
                drawn_options(seed), loop, storage, harness, secrets=self.secrets, judges_scans=self.judges_scans
            )
            with listening(stage.referee.logged):
                violation = await _violation(stage, _play(stage))
            return Outcome(
                seed=seed,
                violation=violation,
                digest=stage.trace.digest(),
                counts=dict(stage.trace.counts),
                last=stage.trace.last(),
                orders=len(stage.market.placed),
                virtual_s=loop.passed,
            )


def _hung(seed: int, loop: LoopbackLoop, error: Exception) -> Outcome:
    """Return what became of a seed in which nothing went on."""
    violation = Violation("HANG", str(error))
    return Outcome(seed=seed, violation=violation, digest="", counts={}, last=(), orders=0, virtual_s=loop.passed)


def told(outcome: Outcome, command: str) -> str:
    """Return what is known of a seed that failed, as text for a person."""
    events = "\n".join(f"  {event}" for event in outcome.last)
    return f"seed {outcome.seed} breaks {outcome.violation}\nthe last events:\n{events}\nplay it alone:\n  {command}"


async def _violation(stage: ChannelStage, play: Coroutine[Any, Any, None]) -> Violation | None:
    """Play until the end or until a law breaks; return the first that does."""
    others = asyncio.all_tasks()
    playing = asyncio.ensure_future(play)
    broken = asyncio.ensure_future(stage.referee.broken.wait())
    try:
        await asyncio.wait({playing, broken}, return_when=asyncio.FIRST_COMPLETED)
        if stage.referee.first is None:
            playing.result()
    finally:
        await _stop(asyncio.all_tasks() - others)
    if stage.referee.first is None and stage.loop.casualties:
        return Violation("CASUALTY", f"a task died unseen: {stage.loop.casualties[0]!r}")
    return stage.referee.first


async def _stop(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Stop all that the play has begun, before its server goes: nobody may call that any more."""
    for task in tasks:
        task.cancel()
    if tasks:
        done, _ = await asyncio.wait(tasks, timeout=STOPPING_S)
        for task in done:
            _ = task.cancelled() or task.exception()


async def _goes_by_our_clock(stage: ChannelStage) -> None:
    """Raise ``RuntimeError`` for a server whose orders are not placed in simulated time."""
    channel, market = stage.real, stage.market
    reference = await market.place({market.harness.skus[0]: 1})
    await asyncio.sleep(channel.listing_lag.total_seconds() + 1)
    order = await find(channel, reference)
    off = abs(order.placed_at - market.placed[reference].at)
    if off > NEAR + channel.clock_skew + channel.stamp_granularity:
        raise RuntimeError(
            f"the server of {channel.id} says that an order of {stage.clock.now():%Y-%m-%d %H:%M}Z was placed at "
            f"{order.placed_at:%Y-%m-%d %H:%M}Z; let it take its time from self.clock"
        )


async def _play(stage: ChannelStage) -> None:
    await stage.furnish()
    await _goes_by_our_clock(stage)
    stage.weather.rouse()
    stage.faults.rouse()
    programs = [RunnerProgram(f"runner{number}", stage) for number in range(1, stage.options.runners + 1)]
    people = [*Crowds(stage).lives(), *Staff(stage).lives(), Customers(stage).live()]
    tasks = [asyncio.ensure_future(life) for life in [*(program.live() for program in programs), *people]]
    await asyncio.sleep(stage.options.chaos_s)
    stage.calm()
    _, late = await asyncio.wait(tasks, timeout=2 * LONGEST_RUN_S)
    if late:
        stage.referee.found("HANG", "a program does not come to the end of its run")
    for task in tasks:
        task.result()
    await come_to_rest(stage)
    writes = stage.market.writes.total()
    await stay_idle(stage)
    if stage.market.writes.total() != writes:
        stage.referee.found("IDLE", "nothing was due any more, and the channel was told of stock or parcels once more")
    stage.referee.ended()
    if stage.referee.first is None:
        try:
            await check_at_rest(stage)
        except Violation as violation:
            stage.referee.found(violation.law, violation.text)
