"""The network between programs and marketplaces: calls get lost, slow, doubled, refused, cut and forged."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import attrs

from ...errors import ChannelAuthError, ChannelError, ChannelRejectedError, ChannelUnavailableError
from ...model.ids import ChannelId
from .trace import Trace

T = TypeVar("T")
Effect = Callable[[], T]

ANY_CALL = ("lost_before", "lost_after", "reset", "slow", "unavailable", "too_many", "outage", "auth")
WRITES = ("late_apply", "twice")
FAULTS = (*ANY_CALL, *WRITES, "refused", "half_batch", "truncated", "empty", "same_token", "stale")
"""Every fault by name, always in this order."""

RETRY_AFTER = (None, None, 1.0, 5.0, 30.0, 120.0, 100_000.0)
"""What a channel that is asked too often says of waiting, in seconds: nothing, something, something absurd."""


@attrs.frozen(kw_only=True)
class Departure:
    """A request that is leaving its program now. ``effect``: it changes the marketplace.

    ``content`` is what is sent: a ``DispatchNote``, or the updates of a push; None for reads.
    """

    process: str
    channel: ChannelId
    method: str
    effect: bool = False
    content: Any = None


@attrs.frozen(kw_only=True)
class Request(Generic[T]):
    """A call to a channel: what it does at the marketplace, and what it does when one of its own faults occurs.

    ``forged`` makes the effect of each fault that is no matter of the network, such as half a batch being refused.
    A copy lands at most ``window_s`` after ``timeout_s``, counted from sending. ``slowness`` is what part of
    ``timeout_s`` an answer may take where nothing goes wrong.
    """

    departure: Departure
    timeout_s: float
    window_s: float
    effect: Effect[T]
    slowness: float = 0.0
    forged: Mapping[str, Callable[[random.Random], Effect[T]]] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Fate:
    """What becomes of a request, in seconds from sending.

    ``lands_s``: when it takes effect, None if it is lost; ``again_s``: when a copy does. ``told_s``: when its sender
    hears of it, None for never; ``error``: what it hears in place of the answer.
    """

    lands_s: float | None = None
    again_s: float | None = None
    told_s: float | None = None
    error: ChannelError | None = None


@attrs.define
class _Flight(Generic[T]):
    """A request under way: what it brought about at the marketplace, and whoever waits for that."""

    request: Request[T]
    answer: asyncio.Future[None]
    landing: asyncio.TimerHandle | None = None
    result: T | None = None
    error: Exception | None = None


class FaultNet:
    """Carries requests; ``rates`` says how often each fault of ``FAULTS`` occurs, from 0 to 1, together at most 1.

    A rate may be for one method alone, and then goes for that one instead: ``lost_before send_dispatch``.

    ``on_departure``, if set, is told of each request that leaves, and ``on_trouble`` of each that goes wrong. What a
    request does is no part of the task that sent it: when that is cancelled or its program dies, the request lands all
    the same, or is lost, as it happens.
    """

    def __init__(
        self, rates: Mapping[str, float], *, chance: random.Random, loop: asyncio.AbstractEventLoop, trace: Trace
    ) -> None:
        """Connect everybody with everybody; ``ValueError`` for a fault that there is not."""
        unknown = sorted({name.partition(" ")[0] for name in rates} - set(FAULTS))
        if unknown:
            raise ValueError(f"there is no fault named {', '.join(unknown)}")
        self.on_departure: Callable[[Departure], None] | None = None
        self.on_trouble: Callable[[Departure], None] | None = None
        self._rates, self._chance, self._loop, self._trace = dict(rates), chance, loop, trace
        self._down_until: dict[ChannelId, float] = {}
        self._locked_until: dict[ChannelId, float] = {}

    def quiet(self) -> None:
        """Let nothing go wrong from now on; what is under way still lands."""
        self._rates.clear()
        self._down_until.clear()
        self._locked_until.clear()

    def refuse(self, channel: ChannelId) -> None:
        """Refuse our credentials for *channel* from now on."""
        self._locked_until[channel] = float("inf")

    async def call(self, request: Request[T]) -> T:
        """Send a request at once and wait for what its sender is told; ``ChannelError`` where that is bad news."""
        departure = request.departure
        self._trace.event(f"call {departure.method}", str(departure.channel), departure.process)
        if self.on_departure is not None:
            self.on_departure(departure)
        fault = self._fault(request)
        if fault in request.forged:
            request = attrs.evolve(request, effect=request.forged[fault](self._chance))
        flight = _Flight(request, self._loop.create_future())
        self._send(flight, self._fate(fault, request))
        try:
            await flight.answer
        except BaseException:
            self._abandoned(flight)
            raise
        if flight.error is not None:
            raise flight.error
        return flight.result  # type: ignore[return-value]

    def _fault(self, request: Request[Any]) -> str:
        """Choose what goes wrong with a request; empty for nothing."""
        channel, now = request.departure.channel, self._loop.time()
        if now < self._locked_until.get(channel, 0.0):
            return self._told("auth", request)
        if now < self._down_until.get(channel, 0.0):
            return self._told("outage", request)
        if not self._rates:
            return ""
        at = self._chance.random()
        for fault in self._possible(request):
            at -= self._rates.get(f"{fault} {request.departure.method}", self._rates.get(fault, 0.0))
            if at < 0:
                self._begin_period(fault, channel, now)
                return self._told(fault, request)
        return ""

    def _possible(self, request: Request[Any]) -> Sequence[str]:
        writes = WRITES if request.departure.effect else ()
        refused = ("refused",) if request.departure.method == "push_stock" else ()
        return [*ANY_CALL, *writes, *refused, *request.forged]

    def troubled(self, departure: Departure) -> None:
        """Note that a request went wrong, by a fault or for its sender."""
        if self.on_trouble is not None:
            self.on_trouble(departure)

    def _told(self, fault: str, request: Request[Any]) -> str:
        self.troubled(request.departure)
        self._trace.event(f"fault {fault}", str(request.departure.channel), request.departure.method)
        return fault

    def _begin_period(self, fault: str, channel: ChannelId, now: float) -> None:
        if fault == "outage":
            self._down_until[channel] = now + self._chance.uniform(60.0, 600.0)
        elif fault == "auth":
            self._locked_until[channel] = now + self._chance.uniform(60.0, 600.0)

    def _fate(self, fault: str, request: Request[Any]) -> Fate:
        """Work out what a fault does to a request."""
        make = FATES.get(fault)
        return self._ordinary(request) if make is None else make(self, request)

    def _ordinary(self, request: Request[Any]) -> Fate:
        longest = max(0.5, request.slowness * request.timeout_s / 2)
        lands = self._chance.uniform(0.02, longest)
        return Fate(lands_s=lands, told_s=lands + self._chance.uniform(0.02, longest))

    def _lost_before(self, request: Request[Any]) -> Fate:
        return attrs.evolve(self._broken_off(request), lands_s=None)

    def _broken_off(self, request: Request[Any]) -> Fate:
        """Let the request land, and let its sender hear that the connection broke, or nothing at all."""
        error = self._unavailable(request, "the connection broke, and nobody knows what took effect")
        told = None if self._chance.random() < 0.4 else 0.5 + self._chance.random() * request.timeout_s
        return Fate(lands_s=self._chance.uniform(0.02, 0.5), told_s=told, error=error)

    def _reset(self, request: Request[Any]) -> Fate:
        lands = self._chance.uniform(0.02, 0.5) if self._chance.random() < 0.5 else None
        error = self._unavailable(request, "the connection was reset")
        return Fate(lands_s=lands, told_s=self._chance.uniform(0.02, 0.6), error=error)

    def _slow(self, request: Request[Any]) -> Fate:
        lands = min(self._chance.uniform(0.1, 1.5) * request.timeout_s, self._latest(request))
        return Fate(lands_s=lands, told_s=lands + self._chance.uniform(0.01, 0.5) * request.timeout_s)

    def _late(self, request: Request[Any]) -> Fate:
        self._trace.sometimes("a request lands after its time-out")
        lost = self._broken_off(request)
        return attrs.evolve(lost, lands_s=self._chance.uniform(request.timeout_s, self._latest(request)))

    def _twice(self, request: Request[Any]) -> Fate:
        """Let a request land, and a copy later, as when something in between sends it again; its sender hears neither.

        A copy of what was answered well would land unnoticed by anybody: nobody could tell it from a sale.
        """
        fate = self._broken_off(request)
        return attrs.evolve(fate, again_s=self._chance.uniform(1.0, self._latest(request)))

    def _answered_5xx(self, request: Request[Any]) -> Fate:
        lands = self._chance.uniform(0.02, 0.2) if self._chance.random() < 0.5 else None
        error = self._unavailable(request, f"it answered {self._chance.choice((500, 502, 503, 504))}")
        return Fate(lands_s=lands, told_s=self._chance.uniform(0.2, 3.0), error=error)

    def _down(self, request: Request[Any]) -> Fate:
        error = self._unavailable(request, "it cannot be reached")
        told = None if self._chance.random() < 0.2 else self._chance.uniform(0.02, 3.0)
        return Fate(told_s=told, error=error)

    def _too_many(self, request: Request[Any]) -> Fate:
        text, wait = f"{request.departure.channel}: too many calls; wait", self._chance.choice(RETRY_AFTER)
        error = ChannelUnavailableError(text, applied=False, retry_after=wait)
        return Fate(told_s=self._chance.uniform(0.02, 0.5), error=error)

    def _locked(self, request: Request[Any]) -> Fate:
        error = ChannelAuthError(f"{request.departure.channel}: the credentials are refused; authorize again")
        return Fate(told_s=self._chance.uniform(0.02, 0.5), error=error)

    def _refused(self, request: Request[Any]) -> Fate:
        text = f"{request.departure.channel}: the batch is refused as a whole; send its items one by one"
        return Fate(told_s=self._chance.uniform(0.02, 0.5), error=ChannelRejectedError(text, applied=False))

    def _unavailable(self, request: Request[Any], what: str) -> ChannelUnavailableError:
        return ChannelUnavailableError(f"{request.departure.channel}: {what}; try again later")

    def _latest(self, request: Request[Any]) -> float:
        """Return when the last copy lands: strictly within what the channel declares."""
        return request.timeout_s + 0.999 * request.window_s

    def _send(self, flight: _Flight[Any], fate: Fate) -> None:
        later, timeout = self._loop.call_later, flight.request.timeout_s
        if fate.lands_s is not None:
            flight.landing = later(fate.lands_s, self._land, flight)
        if fate.again_s is not None:
            later(fate.again_s, self._land_again, flight.request)
        error, told = fate.error, fate.told_s
        if told is None:
            # Whoever waits gives up by itself at its time-out; this is for one that does not.
            error, told = error or self._unavailable(flight.request, "no answer"), 1.5 * timeout
        later(told, self._tell, flight, error)

    def _land(self, flight: _Flight[Any]) -> None:
        flight.landing = None
        try:
            flight.result = flight.request.effect()
        except Exception as error:  # noqa: BLE001 - whoever waits is to hear of it, a mistake of the simulator included
            flight.error = error

    def _land_again(self, request: Request[Any]) -> None:
        self._trace.event(f"copy of {request.departure.method}", str(request.departure.channel))
        copy = _Flight(request, self._loop.create_future())
        self._land(copy)
        if copy.error is not None and not isinstance(copy.error, ChannelError):
            raise copy.error  # nobody waits for it: the loop keeps it as a casualty

    def _tell(self, flight: _Flight[Any], error: ChannelError | None) -> None:
        if not flight.answer.done():
            flight.error = error or flight.error
            flight.answer.set_result(None)

    def _abandoned(self, flight: _Flight[Any]) -> None:
        """Decide about a request whose sender waits no longer: one that has not landed may be lost with it."""
        flight.answer.cancel()
        if flight.landing is None:
            return
        lost = self._chance.random() < 0.4
        self._trace.event("abandoned", flight.request.departure.method, "lost" if lost else "lands")
        if lost:
            flight.landing.cancel()


Maker = Callable[[FaultNet, Request[Any]], Fate]

FATES: Mapping[str, Maker] = {
    "lost_before": FaultNet._lost_before,  # noqa: SLF001 - its own table
    "lost_after": FaultNet._broken_off,  # noqa: SLF001
    "late_apply": FaultNet._late,  # noqa: SLF001
    "reset": FaultNet._reset,  # noqa: SLF001
    "slow": FaultNet._slow,  # noqa: SLF001
    "twice": FaultNet._twice,  # noqa: SLF001
    "unavailable": FaultNet._answered_5xx,  # noqa: SLF001
    "outage": FaultNet._down,  # noqa: SLF001
    "too_many": FaultNet._too_many,  # noqa: SLF001
    "auth": FaultNet._locked,  # noqa: SLF001
    "refused": FaultNet._refused,  # noqa: SLF001
}
"""What each fault of the network does to a request; all others change what it does at the marketplace."""
