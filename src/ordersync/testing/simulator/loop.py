"""An event loop whose time is virtual: waiting costs nothing, and nothing but the simulation decides what is next."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, Never, TypeVar

T = TypeVar("T")
Work = Coroutine[Any, Any, Any] | Generator[Any, None, Any]

BEGINNING = 1_000_000.0
"""When the loop's time begins. Seconds since 1970 would leave floats too coarse to meet a timer exactly."""

RESOLUTION = 1e-6
MOST_TURNS = 2_000_000
"""More turns of the loop than this are taken for a livelock."""


class DeadlockError(RuntimeError):
    """Something is waited for, and nothing is under way that could bring it."""


class LivelockError(RuntimeError):
    """The simulation turns and turns and comes to no end."""


class VirtualTime(asyncio.BaseEventLoop):
    """A loop whose time stands still while code runs, and moves to the next timer when nothing else is left.

    A callback or a task that dies of what nobody awaits is kept in ``casualties``.
    """

    _scheduled: list[asyncio.TimerHandle]

    def __init__(self, *facts: Any) -> None:  # noqa: ANN401 - of the loop that it stands before
        """Begin at ``BEGINNING``."""
        self._time, self._turns = BEGINNING, 0
        super().__init__(*facts)
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
            self.drop_tasks()
            asyncio.set_event_loop(None)
            self.close()

    def drop_tasks(self) -> None:
        """Cancel whatever is left, and let it end."""
        left = sorted(asyncio.all_tasks(self), key=hash)
        for task in left:
            task.cancel()
        if left:
            self.run_until_complete(asyncio.gather(*left, return_exceptions=True))

    def _keep(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.casualties.append(context.get("exception") or RuntimeError(context["message"]))


class _Waiting:
    """Stands where other loops wait for sockets: it moves the clock to the next timer."""

    def __init__(self, loop: VirtualTime) -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> tuple[()]:
        if timeout is None or timeout > 0:
            self._loop.pass_to_next_timer()
        return ()


class SimTask(asyncio.Task[Any]):
    """A task with a number of its own loop.

    Task groups keep their tasks in sets, whose order would otherwise hang on where in memory they lie.
    """

    number: int

    def __hash__(self) -> int:
        """Return the number."""
        return self.number


class SimLoop(VirtualTime):
    """A loop without sockets, threads and processes."""

    def __init__(self) -> None:
        """Begin with no task."""
        super().__init__()
        self._tasks = 0
        self._selector = _Waiting(self)
        self.set_task_factory(self._new_task)

    def run_in_executor(self, *_: object) -> Never:
        """Refuse: a thread would be faster or slower by chance."""
        raise RuntimeError("the simulated world has no threads")

    def _new_task(self, loop: asyncio.AbstractEventLoop, work: Work, **facts: Any) -> SimTask:  # noqa: ANN401
        task = SimTask.__new__(SimTask)
        self._tasks += 1
        task.number = self._tasks
        task.__init__(work, loop=loop, **facts)  # type: ignore[misc]
        return task

    def _process_events(self, event_list: object) -> None:
        """Do nothing: there are no sockets."""

    def _write_to_self(self) -> None:
        """Do nothing: nobody waits in another thread."""
