"""The line on which a run or a desk reaches ports and channels: it is watched, and it can be cut."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

from ordersync import OrderDesk, Storage, SyncRunner
from ordersync.sync.retry import RetryPolicy

from .witness import Witness
from .world import Watched, World

T = TypeVar("T")

ONCE = RetryPolicy(attempts=1)
TICK_S = 0.02
"""How long a moment takes."""


class Killed(BaseException):
    """The process is gone; nothing of it may go on."""


class Line:
    """Passes every call on and lets the witness hear it; at moment number *at*, *do* happens, or it is cut.

    On a line that is *alone*, nobody else has a turn. *dies*: the call to a channel, ``"before"`` or ``"after"`` whose
    effect it is cut.

    A line that is cut stays dead: whatever is called on it afterwards is ``Killed``.
    """

    def __init__(
        self,
        world: World,
        witness: Witness,
        *,
        at: int | None = None,
        do: Callable[[], Awaitable[None]] | None = None,
        alone: bool = False,
        dies: tuple[str, str] | None = None,
    ) -> None:
        self.world, self.witness, self._alone, self._dies = world, witness, alone, dies
        self.dead = False
        self.moments = 0
        self._at, self._do = at, do
        self._doors = [self._door(market) for market in world.marketplaces]
        ports: dict[str, Any] = {
            name: Port(getattr(world.storage, name), self) for name in ("orders", "stock", "listings", "journal")
        }
        self.storage: Storage = world.storage.replace(**ports)

    @property
    def runner(self) -> SyncRunner:
        """Return a runner on this line."""
        return SyncRunner(self._doors, self.storage, clock=self.world.clock, retry=ONCE)

    @property
    def desk(self) -> OrderDesk:
        """Return a desk on this line."""
        return OrderDesk(self.storage, clock=self.world.clock)

    async def pass_by(self) -> None:
        """Let a little time pass and others have a turn, then let happen here what is to happen."""
        self.world.clock.advance(seconds=TICK_S)
        if not self._alone:
            await asyncio.sleep(0)
        self.moments += 1
        if self.moments - 1 == self._at:
            if self._do is None:
                self.dead = True
            else:
                await self._do()
        if self.dead:
            raise Killed

    def _door(self, market: Watched) -> Watched:
        door = market.with_settings(market.settings)

        async def on_call(method: str, when: str) -> None:
            self.dead = self.dead or (method, when) == self._dies
            await self.pass_by()

        door.on_call, door.bystander = on_call, self.witness
        return door


class Port:
    """One port at the other end of a line.

    A verb that has begun is done or not done, whoever is cancelled meanwhile, and the witness hears of it.
    """

    def __init__(self, port: object, line: Line) -> None:
        self._port, self._line = port, line

    def __getattr__(self, verb: str) -> Callable[..., Awaitable[object]]:
        """Return a verb of the port."""
        method = cast("Callable[..., Awaitable[object]]", getattr(self._port, verb))

        async def call(*args: object, **facts: object) -> object:
            await self._line.pass_by()
            done = asyncio.ensure_future(method(*args, **facts))
            try:
                await asyncio.shield(done)
            finally:
                self._line.witness.heard(verb, await done, args, facts)
            await self._line.pass_by()
            return done.result()

        return call


async def live_through(line: Line, work: Awaitable[T]) -> T | None:
    """Do the work until it is done, or dead: then None."""
    try:
        return await work
    except (Killed, BaseExceptionGroup):
        if not line.dead:
            raise
        return None
