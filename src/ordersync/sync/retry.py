"""The one place where calls to a channel are tried again; the only module that knows tenacity."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import attrs
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from ..clock import Clock, chance
from ..errors import ChannelResponseError, ChannelUnavailableError, LeaseLostError
from ..model.fields import FieldError
from .lease import START_WINDOW_S

T = TypeVar("T")

PATIENCE_S = 4.0
"""How long a connection test may try: whoever gave a wrong host learns of it within seconds."""


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """How often and how long a call to a channel is tried: times in seconds.

    Reads are tried again whenever the channel is unavailable, effects only where the error says that
    nothing was applied. What the channel asks us to wait is honoured if it fits into ``total_s``. Other waits are
    spread by ``chance``, a number from 0 to 1.
    """

    attempts: int = attrs.field(default=4, validator=attrs.validators.ge(1))
    total_s: float = attrs.field(default=60.0, validator=attrs.validators.ge(0))
    first_wait_s: float = attrs.field(default=0.5, validator=attrs.validators.ge(0))
    longest_wait_s: float = attrs.field(default=20.0, validator=attrs.validators.ge(0))
    chance: Callable[[], float] = attrs.field(default=chance, repr=False)


class TooLateError(Exception):
    """The moment until which an effect may start has passed; nothing was sent."""


class Caller:
    """Calls a channel: bounded in time, tried again by policy, never begun too late."""

    def __init__(
        self,
        *,
        policy: RetryPolicy,
        clock: Clock,
        timeout_s: float,
        name: str,
        lasts: Callable[[], bool] = lambda: True,
    ) -> None:
        self._policy, self._clock, self._timeout_s, self._name = policy, clock, timeout_s, name
        self._lasts = lasts
        self.waited_s = 0.0

    async def read(self, call: Callable[[], Awaitable[T]]) -> T:
        """Ask the channel something; ``LeaseLostError`` when a try could outlive the lease."""
        return await self._ask(call, within_s=self._policy.total_s)

    async def probe(self, call: Callable[[], Awaitable[T]]) -> T:
        """Ask as ``read`` does while a person waits for the answer: no try begins after some seconds."""
        return await self._ask(call, within_s=PATIENCE_S)

    async def _ask(self, call: Callable[[], Awaitable[T]], *, within_s: float) -> T:
        try:
            return await self._retrying(call, again=_is_unavailable, may_start=self._lasts, within_s=within_s)
        except TooLateError as exc:
            text = f"{self._name}: the lease ran out before the channel could be asked; the next run goes on from here"
            raise LeaseLostError(text) from exc

    async def effect(self, call: Callable[[], Awaitable[T]], *, may_start: Callable[[], bool]) -> T:
        """Make the channel do something; ``TooLateError`` when *may_start* denies a try.

        A wait that would outlast the claim is not begun: the error that asks for it comes out at once.
        """
        within_s = min(self._policy.total_s, START_WINDOW_S)
        return await self._retrying(call, again=_is_unapplied, may_start=may_start, within_s=within_s)

    async def _retrying(
        self,
        call: Callable[[], Awaitable[T]],
        *,
        again: Callable[[BaseException], bool],
        may_start: Callable[[], bool],
        within_s: float,
    ) -> T:
        began = self._clock.monotonic()

        def over(state: RetryCallState) -> bool:
            spent = self._clock.monotonic() - began
            return state.attempt_number >= self._policy.attempts or spent + state.upcoming_sleep > within_s

        retrying = AsyncRetrying(
            retry=retry_if_exception(again),
            stop=over,
            wait=self._wait,
            sleep=self._sleep,
            reraise=True,
        )
        result: T = await retrying(self._once, call, may_start)
        return result

    async def _once(self, call: Callable[[], Awaitable[T]], may_start: Callable[[], bool]) -> T:
        limit = asyncio.timeout(self._timeout_s)
        try:
            async with limit:
                if not may_start():  # no await between this check and the call
                    raise TooLateError
                return await call()
        except TimeoutError as error:
            if not limit.expired():
                raise
            text = f"{self._name}: no answer within {self._timeout_s:g} s; it is tried again in the next run"
            raise ChannelUnavailableError(text) from error
        except FieldError as error:  # its whole text quotes the value, which may be personal
            text = f"{self._name}: its answer fits no record ({error.expected}); mend how it is read"
            raise ChannelResponseError(text) from None

    def _wait(self, state: RetryCallState) -> float:
        """Return what the channel asks for, else a wait by chance whose bound doubles with each try."""
        error = state.outcome.exception() if state.outcome is not None else None
        if isinstance(error, ChannelUnavailableError) and error.retry_after is not None:
            return max(error.retry_after, 0.0)
        bound = self._policy.first_wait_s * 2.0 ** (state.attempt_number - 1)
        return min(bound, self._policy.longest_wait_s) * self._policy.chance()

    async def _sleep(self, seconds: float) -> None:
        self.waited_s += seconds
        await self._clock.sleep(seconds)


def _is_unavailable(error: BaseException) -> bool:
    return isinstance(error, ChannelUnavailableError)


def _is_unapplied(error: BaseException) -> bool:
    return isinstance(error, ChannelUnavailableError) and error.applied is False
