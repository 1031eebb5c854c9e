"""The program in front of a person: it may hang, or die, between any two things that one verb writes."""

from __future__ import annotations

import asyncio
import itertools
import random

from .options import DESK_ACCIDENTS
from .ports import READS
from .processes import Pace, Process
from .stage import Stage

SOME_READS = frozenset[str]().union(*READS.values())
FIRST, LAST = {"hang": 1, "die": 2}, 3
"""Before which of the things that a program writes an accident happens: one that dies leaves something behind."""


class DeskProgram(Process):
    """A person's program; *accident* happens to it before the *nth* thing that it writes, if there are so many."""

    def __init__(self, name: str, stage: Stage, *, accident: str | None = None, nth: int = 0) -> None:
        """Begin alive."""
        pace = Pace(stage.options.waits, stage.options.latency_s)
        super().__init__(name, chance=stage.chances.child(f"pace {name}"), trace=stage.trace, pace=pace)
        self._stage, self._accident, self._left = stage, accident, nth

    async def step(self, where: str) -> None:
        """Let the step's time pass, and the accident happen before the step that it was drawn for."""
        if self._accident is not None and where not in SOME_READS:
            self._left -= 1
            if not self._left:
                self._happen(self._accident, where)
        await super().step(where)

    def _happen(self, accident: str, where: str) -> None:
        self._stage.trace.event(f"accident desk {accident}", self.name, where)
        if accident == "die":
            self.die()
            return
        self.freeze()
        asyncio.get_running_loop().call_later(self._stage.freeze_s(), self.thaw)


class DeskPrograms:
    """Starts a program for each thing that people do."""

    def __init__(self, stage: Stage, chance: random.Random) -> None:
        self._stage, self._chance = stage, chance
        self._numbers = itertools.count(1)

    def start(self) -> DeskProgram:
        """Start the next one; each goes its own pace."""
        name, accident = f"desk {next(self._numbers)}", self._draw()
        nth = 0 if accident is None else self._chance.randint(FIRST[accident], LAST)
        return DeskProgram(name, self._stage, accident=accident, nth=nth)

    def _draw(self) -> str | None:
        rates = self._stage.options.desk_accidents
        return next((name for name in DESK_ACCIDENTS if self._chance.random() < rates.get(name, 0.0)), None)
