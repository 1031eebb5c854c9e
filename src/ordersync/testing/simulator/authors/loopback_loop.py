"""An event loop whose time is virtual although it has sockets: for a channel and its server on this machine."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from typing import Any

from ..loop import VirtualTime

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


class LoopbackLoop(VirtualTime, asyncio.SelectorEventLoop):
    """A loop with sockets and virtual time; hours pass in it within a second.

    Client and server must both run in it. What is given to a thread is done at once, in the loop itself.
    """

    def __init__(self) -> None:
        """Begin where every loop of virtual time begins."""
        super().__init__(_Waiting(selectors.DefaultSelector(), self))

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override] # noqa: ANN401, ARG002 - no executor is asked
        """Do it at once: a thread would be faster or slower by chance."""
        done: asyncio.Future[Any] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - whoever awaits it is told
            done.set_exception(error)
        return done

    def drop_tasks(self) -> None:
        """Cancel whatever is left; what does not stop is left, and what was just closed may end."""
        left = asyncio.all_tasks(self)
        for task in left:
            task.cancel()
        if left:
            self.run_until_complete(asyncio.wait(left, timeout=STOPPING_S))
        self.run_until_complete(self.shutdown_asyncgens())
        self.run_until_complete(_some_turns())
