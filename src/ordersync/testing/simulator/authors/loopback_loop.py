"""An event loop whose time is virtual although it has sockets: for a channel and its server on this machine."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ..loop import BEGINNING, MOST_TURNS, RESOLUTION, DeadlockError, LivelockError

T = TypeVar("T")
Ready = list[tuple[selectors.SelectorKey, int]]

GRACE_S = 0.001
"""How long bytes may be under way from one socket of this machine to another, in real time."""

LOOKS = 3
LAST_TURNS = 10
STOPPING_S = 60.0
"""A task that takes longer to stop than this is left."""


class _Waiting:
    """Stands where other loops wait for sockets: where none is ready, it moves the clock to the next timer.

    Real time is given to sockets only after something happened on one since the clock moved last: what is sent
    on this machine is there at once, but for a busy moment of its kernel.
    """

    def __init__(self, real: selectors.BaseSelector, loop: LoopbackLoop) -> None:
        self._real, self._loop, self._busy = real, loop, False

    def select(self, timeout: float | None) -> Ready:
        ready = self._real.select(0)
        if ready or timeout == 0:
            self._busy = self._busy or bool(ready)
            return ready
        ready = self._look_again()
        if not ready:
            self._busy = False
            self._loop.pass_to_next_timer()
        return ready

    def register(self, file: Any, events: int, data: Any = None) -> selectors.SelectorKey:  # noqa: ANN401 - of sockets
        self._busy = True
        return self._real.register(file, events, data)

    def modify(self, file: Any, events: int, data: Any = None) -> selectors.SelectorKey:  # noqa: ANN401 - of sockets
        self._busy = True
        return self._real.modify(file, events, data)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a selector has
        return getattr(self._real, name)

    def _look_again(self) -> Ready:
        for _ in range(LOOKS if self._busy else 1):
            ready = self._real.select(0)
            if ready:
                return ready
        return self._real.select(GRACE_S) if self._busy else []


async def _some_turns() -> None:
    """Let connections end that were just closed."""
    for _ in range(LAST_TURNS):
        await asyncio.sleep(0)


class LoopbackLoop(asyncio.SelectorEventLoop):
    """A loop with sockets and virtual time; hours pass in it within a second.

    Client and server must both run in it. What is given to a thread is done at once, in the loop itself. A callback
    or a task that dies of what nobody awaits is kept in ``casualties``.
    """

    _scheduled: list[asyncio.TimerHandle]

    def __init__(self) -> None:
        """Begin where ``SimLoop`` begins."""
        self._time, self._turns = BEGINNING, 0
        super().__init__(_Waiting(selectors.DefaultSelector(), self))  # type: ignore[arg-type]
        self._clock_resolution = RESOLUTION
        self.casualties: list[BaseException] = []
        self.set_exception_handler(self._keep)

    def time(self) -> float:
        """Return virtual seconds."""
        return self._time

    @property
    def passed(self) -> float:
        """Return how many virtual seconds have passed since the beginning."""
        return self._time - BEGINNING

    def pass_to_next_timer(self) -> None:
        """Move to the exact moment of the next timer."""
        if not self._scheduled:
            raise DeadlockError("everything waits, and no timer is set")
        self._turns += 1
        if self._turns > MOST_TURNS:
            raise LivelockError(f"no end after {self._turns} turns of the loop")
        self._time = max(self._time, self._scheduled[0].when())

    def live(self, work: Coroutine[Any, Any, T]) -> T:
        """Run *work* to its end, and everything else only for as long."""
        asyncio.set_event_loop(self)
        try:
            return self.run_until_complete(work)
        finally:
            self._drop_tasks()
            asyncio.set_event_loop(None)
            self.close()

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override] # noqa: ANN401, ARG002 - no executor is asked
        """Do it at once: a thread would be faster or slower by chance."""
        done: asyncio.Future[Any] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - whoever awaits it is told
            done.set_exception(error)
        return done

    def _drop_tasks(self) -> None:
        left = asyncio.all_tasks(self)
        for task in left:
            task.cancel()
        if left:
            self.run_until_complete(asyncio.wait(left, timeout=STOPPING_S))
        self.run_until_complete(self.shutdown_asyncgens())
        self.run_until_complete(_some_turns())

    def _keep(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.casualties.append(context.get("exception") or RuntimeError(context["message"]))
