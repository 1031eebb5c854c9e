"""The programs that run the synchronisation: started by their hosts, killed, frozen, cancelled, and started again."""

from __future__ import annotations

import asyncio

from ...sync.report import RunReport
from ...sync.runner import SyncRunner
from .options import ACCIDENTS
from .processes import Process
from .stage import Stage
from .stalls import draw_stall

LONGEST_RUN_S = 6 * 3600.0
"""A run that takes longer than this hangs."""

NEW_CONFIGURATION = 0.3
"""How often a program reads its configuration anew between two runs."""


class RunnerProgram:
    """One host's program: it runs every few minutes, and its host starts it again when it dies."""

    def __init__(self, name: str, stage: Stage) -> None:
        self._name, self._stage = name, stage
        self._chance = stage.chances.child(f"runner {name}")
        skew = stage.options.clock_skew_s
        self._clock = stage.machine_clock(self._chance.uniform(-skew, skew))
        self._runs, self._lasted_s = 0, 5.0

    async def live(self) -> None:
        """Run again and again until the chaos is over."""
        while not self._stage.over:
            process = self._stage.start_process(self._name)
            self._stage.rivals.join(process)
            runner: SyncRunner | None = None
            while not process.dead:
                await asyncio.sleep(self._stage.options.pause_s * self._chance.uniform(0.3, 1.7))
                if self._stage.over:
                    return
                if runner is None or self._chance.random() < NEW_CONFIGURATION:
                    runner = self._stage.runner(process, self._clock, self._chance, self._next_id)
                began_at = self._clock.monotonic()
                if await run_in(process, runner, self._stage, accident=self._accident()) is not None:
                    self._lasted_s = self._clock.monotonic() - began_at

    def _next_id(self) -> str:
        self._runs += 1
        return f"{self._name}-{self._runs}"

    def _accident(self) -> tuple[str, float] | None:
        """Return what happens to the next run, at a moment while it is under way if it lasts as long as the last.

        A stall finds its moment by itself.
        """
        for name in ACCIDENTS:
            if self._chance.random() < self._stage.options.accidents.get(name, 0.0):
                return name, 0.0 if name == "stall" else self._lasted_s * self._chance.random()
        return None


async def run_in(
    process: Process, runner: SyncRunner, stage: Stage, *, accident: tuple[str, float] | None = None
) -> RunReport | None:
    """Run once, with an accident after so many seconds; None when the run came to no end of its own."""
    stage.trace.event("run", process.name)
    stage.referee.began(process.name)
    task = asyncio.ensure_future(runner.run_once())
    cancelled: list[bool] = []
    timer = None
    if accident is not None:
        name, after_s = accident
        timer = asyncio.get_running_loop().call_later(after_s, _happen, name, process, task, stage, cancelled)
    done, _ = await asyncio.wait({task}, timeout=LONGEST_RUN_S)
    if timer is not None:
        timer.cancel()
    if not done:
        task.cancel()
        stage.referee.found("L2", f"a run of {process.name} came to no end within {LONGEST_RUN_S:g} s")
        return None
    return _ended(task, process, stage, cancelled=bool(cancelled))


def _happen(name: str, process: Process, task: asyncio.Task[RunReport], stage: Stage, cancelled: list[bool]) -> None:
    if task.done():
        return
    stage.trace.event(f"accident {name}", process.name)
    if name == "stall":
        process.stall = draw_stall(
            stage.chances.child(f"stall {stage.loop.passed}"), lease_s=stage.options.shortest_lease_s
        )
        return
    if name == "freeze":
        process.freeze()
        asyncio.get_running_loop().call_later(stage.freeze_s(), process.thaw)
        return
    if name == "kill":
        process.die()
    cancelled.append(True)
    task.cancel()


def _ended(task: asyncio.Task[RunReport], process: Process, stage: Stage, *, cancelled: bool) -> RunReport | None:
    error = None if task.cancelled() else task.exception()
    if process.dead or task.cancelled() or error is not None:
        stage.referee.cut(process.name)
    if process.dead:
        return None
    if task.cancelled():
        if not cancelled:
            stage.referee.found("L9", f"a run of {process.name} was cancelled, and nobody cancelled it")
        return None
    if error is not None:
        stage.referee.crashed(process.name, error)
        return None
    report = task.result()
    stage.referee.reported(process.name, report)
    return report
