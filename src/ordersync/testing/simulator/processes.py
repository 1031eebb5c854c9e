"""One process of the simulated world: it may be slow, freeze for a while, or die at any step."""

from __future__ import annotations

import asyncio
import random

import attrs

from .trace import Trace


class ProcessDied(BaseException):
    """The process is dead, and whatever it was about to do is not done."""


@attrs.frozen
class Pace:
    """How a process comes along: each step waits with a chance of ``waits``, for up to ``longest_s`` seconds."""

    waits: float = 0.0
    longest_s: float = 0.0


@attrs.define(kw_only=True)
class Stall:
    """A freeze that waits for its moment: the step named ``where``, after ``skips`` of them, for ``lasts_s`` seconds.

    ``rival`` is what another process does, if anything, that lets this one go on at once.
    """

    where: str
    skips: int
    lasts_s: float
    rival: str = ""


class Process:
    """A runner's or a person's program. Everything it does to the outside passes ``step``."""

    def __init__(self, name: str, *, chance: random.Random, trace: Trace, pace: Pace = Pace()) -> None:
        """Begin alive."""
        self.name, self.dead = name, False
        self.pace = pace
        self.stall: Stall | None = None
        self._chance, self._trace = chance, trace
        self._thawed: asyncio.Event | None = None
        self._rival = ""

    async def step(self, where: str) -> None:
        """Let the step's time pass; ``ProcessDied`` when the process is dead by then."""
        self.check()
        if self.pace.waits and self._chance.random() < self.pace.waits:
            await asyncio.sleep(self._chance.random() * self.pace.longest_s)
        self._stalls(where)
        while self._thawed is not None:
            self._trace.event("frozen", self.name, where)
            await self._thawed.wait()
        self.check()

    def check(self) -> None:
        """Raise ``ProcessDied`` if the process is dead."""
        if self.dead:
            raise ProcessDied(self.name)

    def die(self) -> None:
        """Do nothing any more: what is under way is cut where it stands."""
        self._trace.event("crash", self.name)
        self.dead = True
        self.thaw()

    def freeze(self) -> None:
        """Stop at the next step, as a machine does that is suspended."""
        self._thawed = self._thawed or asyncio.Event()

    def thaw(self) -> None:
        """Go on as if nothing had happened."""
        if self._thawed is not None:
            self._rival = ""
            self._thawed.set()
            self._thawed = None

    def meets(self, rival: str) -> None:
        """Go on if this is what the process stalled for: *rival* is what another one has done just now."""
        if self._rival == rival:
            self._trace.sometimes("a stalled program goes on when another has taken its place")
            self.thaw()

    def _stalls(self, where: str) -> None:
        stall = self.stall
        if stall is None or stall.where != where:
            return
        stall.skips -= 1
        if stall.skips < 0:
            self._trace.event("stalled", self.name, where)
            self.stall, self._rival = None, stall.rival
            self.freeze()
            asyncio.get_running_loop().call_later(stall.lasts_s, self.thaw)
