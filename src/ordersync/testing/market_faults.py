"""How a fake marketplace misbehaves: lost calls, lost answers, late copies, delays."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Literal, TypeVar

import attrs

from ..clock import Clock
from ..errors import ChannelError, ChannelUnavailableError
from ..model.ids import ChannelId
from .market_facts import Habits
from .market_sales import Market

When = Literal["before", "after"]
T = TypeVar("T")

ANY = "*"
METHODS = frozenset({"fetch_orders", "fetch_order", "fetch_listings", "push_stock", "send_dispatch", ANY})
"""What can be told to go wrong; ``*`` is whichever method is called next."""


@attrs.define(kw_only=True)
class _Fault:
    method: str
    when: When
    times: int | None
    error: BaseException | None = None
    seconds: float = 0.0
    copy_after: timedelta | None = None

    @property
    def used_up(self) -> bool:
        return self.times is not None and self.times <= 0


class UnreliableMarket(Market):
    """A marketplace at the other end of a network that can be told how to misbehave.

    ``calls`` counts the calls by method. ``on_call``, if set, is awaited with the method's name around each
    call: ``"before"`` its effect, when the request has left, and ``"after"`` it, when the answer is on its
    way. It may raise, cancel, wait or do things to the marketplace.
    """

    def __init__(self, channel: ChannelId, *, clock: Clock, habits: Habits) -> None:
        """Let everything go well until told otherwise."""
        super().__init__(channel, clock=clock, habits=habits)
        self.calls: Counter[str] = Counter()
        self.on_call: Callable[[str, When], Awaitable[None]] | None = None
        self._faults: list[_Fault] = []

    def fail_next(self, method: str, error: BaseException, *, when: When = "before", times: int | None = 1) -> None:
        """Let the next *times* calls of *method* raise *error*; None: all of them until ``recover``.

        ``"before"``: the request is lost and has no effect. ``"after"``: it has, and the answer is lost.
        """
        self._plan(_Fault(method=method, when=when, times=times, error=error))

    def delay(self, method: str, seconds: float, *, when: When = "before", times: int | None = 1) -> None:
        """Let *seconds* pass on the marketplace's clock before or after the effect of the next calls."""
        self._plan(_Fault(method=method, when=when, times=times, seconds=seconds))

    def late_copy(
        self, method: str, *, after: timedelta, answered: bool = False, error: ChannelError | None = None
    ) -> None:
        """Let a copy of the next call of *method* take effect when the clock has passed *after*.

        The call itself has no effect and raises *error* (a time-out if omitted); ``answered=True``: it goes
        well, and the copy repeats it later.
        """
        lost = error or ChannelUnavailableError(f"{self._channel}: no answer in time; look before trying again")
        self._plan(_Fault(method=method, when="before", times=1, copy_after=after, error=None if answered else lost))

    def recover(self) -> None:
        """Forget all that was planned to go wrong; copies under way still land."""
        self._faults.clear()

    def _plan(self, fault: _Fault) -> None:
        if fault.method not in METHODS:
            raise ValueError(f"{fault.method!r} is no method of a channel; name one of {', '.join(sorted(METHODS))}")
        self._faults.append(fault)

    async def _perform(self, method: str, effect: Callable[[datetime], T]) -> T:
        self.calls[method] += 1
        await self._go_wrong(method, "before", effect)
        refusal: ChannelError | None = None
        try:
            answer = effect(self.now())
        except ChannelError as exc:
            refusal = exc
        await self._go_wrong(method, "after", effect)
        if refusal is not None:
            raise refusal
        return answer

    async def _go_wrong(self, method: str, when: When, effect: Callable[[datetime], object]) -> None:
        if self.on_call is not None:
            await self.on_call(method, when)
        for fault in self._take(method, when):
            if fault.seconds:
                await self.clock.sleep(fault.seconds)
            if fault.copy_after is not None:
                self.land_later(self.now() + fault.copy_after, _unheard(effect))
            if fault.error is not None:
                raise fault.error

    def _take(self, method: str, when: When) -> list[_Fault]:
        """Return the faults of this call: all delays, and the first that is more than one."""
        taken: list[_Fault] = []
        for fault in self._faults:
            if fault.when != when or fault.method not in (method, ANY):
                continue
            taken.append(fault)
            if fault.times is not None:
                fault.times -= 1
            if not fault.seconds:
                break
        self._faults[:] = [fault for fault in self._faults if not fault.used_up]
        return taken


def _unheard(effect: Callable[[datetime], object]) -> Callable[[datetime], None]:
    """Return the effect of a request whose answer nobody reads."""

    def land(at: datetime) -> None:
        with contextlib.suppress(ChannelError):
            effect(at)

    return land
