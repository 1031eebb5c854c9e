"""What goes wrong between a channel and its server: requests are lost, late, refused, or answered with nonsense."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeVar

from ....channel import Channel
from ....errors import ChannelError, ChannelResponseError, ChannelUnavailableError
from ...network import BadNetwork
from ..trace import Trace

T = TypeVar("T")

EVERYWHERE = "/"
MOST: Mapping[str, float] = {
    "lost before": 0.06,
    "lost after": 0.08,
    "late": 0.06,
    "slow": 0.06,
    "server error": 0.04,
    "server error after": 0.04,
    "too many": 0.05,
    "web page": 0.03,
    "outage": 0.006,
}
"""What may happen to a request, and how often at most. *after*: it has taken effect. *late*: it takes effect when its
sender has given up; *slow*: at once, and the answer may come too late. *outage*: everything fails for minutes."""

OUTAGE_S = (60.0, 600.0)
RETRY_AFTER_S = (None, 1, 7, 120)

EFFECTS_SUFFER = 2.5
"""So much more often do requests fail while something is sent: there are few of these, and they matter most."""

TAKES_TIME = 0.5
LONGEST_S, LONGEST_EFFECT_S = 2.0, 15.0
"""How often a request that goes well takes time, and how long at most; while something is sent, runs are cut most."""


class Weather:
    """Lets each request meet a fault by chance, once it is ``over`` a network; else each call does, ``through`` it."""

    def __init__(self, rates: Mapping[str, float], channel: Channel, *, chance: random.Random, trace: Trace) -> None:
        """Let each fault of *rates* happen so often."""
        self.quiet_since: float | None = None
        self._drawn: Mapping[str, float] = dict(rates)
        self._rates: Mapping[str, float] = {}
        self._chance, self._trace = chance, trace
        self._id = channel.id
        self._timeout_s, self._window_s = channel.call_timeout.total_seconds(), channel.late_window.total_seconds()
        self._down_until, self._is_over_network, self._effects = 0.0, False, 0
        self._late: set[asyncio.Task[None]] = set()

    def rouse(self) -> None:
        """Let things go wrong from now on."""
        self._rates = self._drawn

    def quiet(self) -> None:
        """Let everything go well from now on; what is under way still lands."""
        self._rates, self._down_until = {}, 0.0
        self.quiet_since = asyncio.get_running_loop().time()

    def over(self, network: BadNetwork) -> None:
        """Let requests meet their faults in *network*, each on its own, also the second one of a call."""
        self._is_over_network = True
        take = network._take  # noqa: SLF001 - of our own package: nothing else tells when a request arrives

        def drawn(path: str) -> Any:  # noqa: ANN401 - what the network keeps of a fault
            self._plan(network, self._draw())
            return take(path)

        vars(network)["_take"] = drawn

    async def through(self, call: Callable[[], Coroutine[Any, Any, T]], *, effect: bool) -> T:
        """Await a call to the channel, which begins at once; without a network it meets a fault as a whole."""
        self._effects += effect
        try:
            return await (call() if self._is_over_network else self._faulty(call))
        finally:
            self._effects -= effect

    async def _faulty(self, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        fault = self._draw()
        if fault is None:
            return await call()
        if fault in ("lost before", "server error", "outage"):
            raise ChannelUnavailableError(f"{self._id}: the request is lost; it is tried again")
        if fault == "too many":
            wait = self._chance.choice(RETRY_AFTER_S)
            raise ChannelUnavailableError(f"{self._id}: too many requests", applied=False, retry_after=wait)
        if fault == "late":
            self._land_later(call)
            await asyncio.sleep(2 * self._timeout_s)
        answer = await call()
        if fault == "web page":
            raise ChannelResponseError(f"{self._id}: the answer makes no sense; look at it")
        if fault == "slow":
            await asyncio.sleep(self._slow_s())
            return answer
        raise ChannelUnavailableError(f"{self._id}: the answer is lost; it is tried again")

    def _draw(self) -> str | None:
        now = asyncio.get_running_loop().time()
        if now < self._down_until:
            return "outage"
        more = EFFECTS_SUFFER if self._effects else 1.0
        for fault, rate in self._rates.items():
            if self._chance.random() < rate * more:
                self._trace.event(f"fault {fault}")
                if fault == "outage":
                    self._down_until = now + self._chance.uniform(*OUTAGE_S)
                return fault
        return None

    def _plan(self, network: BadNetwork, fault: str | None) -> None:
        match fault:
            case "lost before" | "lost after":
                network.drop(EVERYWHERE, when="before" if fault == "lost before" else "after")
            case "late":
                network.hang(EVERYWHERE, self._late_s(), when="before")
            case "slow":
                network.hang(EVERYWHERE, self._slow_s(), when="after")
            case "server error" | "outage":
                network.answer(EVERYWHERE, 503)
            case "server error after":
                network.answer(EVERYWHERE, 502, when="after")
            case "too many":
                wait = self._chance.choice(RETRY_AFTER_S)
                network.answer(EVERYWHERE, 429, headers={} if wait is None else {"Retry-After": str(wait)})
            case "web page":
                network.answer_html(EVERYWHERE)
            case None if self._rates and self._chance.random() < TAKES_TIME:
                takes_s = self._chance.random() * (LONGEST_EFFECT_S if self._effects else LONGEST_S)
                network.hang(EVERYWHERE, takes_s, when=self._chance.choice(("before", "after")))

    def _late_s(self) -> float:
        """Return when a late request lands, counted from its sending: before its channel rules that out."""
        return self._chance.uniform(1.0, self._window_s * 0.9)

    def _slow_s(self) -> float:
        return self._chance.uniform(1.0, self._timeout_s * 1.2)

    def _land_later(self, call: Callable[[], Awaitable[object]]) -> None:
        async def land() -> None:
            await asyncio.sleep(self._late_s())
            with contextlib.suppress(ChannelError):
                await call()

        task = asyncio.ensure_future(land())
        self._late.add(task)
        task.add_done_callback(self._late.discard)
