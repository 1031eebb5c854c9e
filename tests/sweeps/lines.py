"""The line on which a runner or a desk reaches its ports and channels; at any moment on it, something can happen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NoReturn, cast

import attrs

from ordersync import Doctor, OrderDesk, OrderKey, RunReport, Storage, SyncRunner
from ordersync.model.ids import Fence
from ordersync.storage.memory import MemoryStorage
from ordersync.testing import FakeMarketplace

from .laws import stock_adds_up
from .world import ONCE, World

READS = frozenset(
    {
        *("progress", "known", "load", "unlinked", "due", "doubts", "waiting", "notes_due", "notes", "note_counts"),
        *("get", "find", "parcel", "decision", "decisions", "quarantined", "links", "of_channel", "kits"),
        *("watched", "missing", "missing_counts", "listed"),
        *("decisions_by_key", "decided", "decision_history", "erased", "erasable", "channels"),
        *("levels", "changed", "history", "held", "life", "entries", "fetch_orders", "fetch_order", "fetch_listings"),
    }
)
"""What leaves the world as it was."""


TOUCHES_STOCK = frozenset(
    {
        *("save_page", "replace", "reserved", "record_parcel", "queue", "write_note"),
        *("reserve", "deduct", "set_on_hand", "send_dispatch"),
    }
)
"""What the laws about stock look at."""


TICK_S = 0.5
"""How long a moment takes: a run takes long enough to have to keep its leases."""


class Killed(BaseException):
    """The process is gone; nothing of it may go on."""


@attrs.frozen
class Moment:
    """One moment on a line: directly before or directly after one call."""

    place: str
    verb: str
    when: str
    fence: Fence | None = None

    @property
    def is_call(self) -> bool:
        """Say whether it belongs to a channel and not to a port."""
        return "/" in self.place

    @property
    def is_write(self) -> bool:
        """Say whether its call may leave the world other than it was."""
        return self.verb not in READS

    def __str__(self) -> str:
        """Return it as a reader of a failed sweep wants it."""
        return f"{self.when} {self.place}.{self.verb}"


class Line:
    """Passes every call of one runner or desk on, and lets *do* happen at moment number *at*.

    A line that is cut stays dead: whatever is called on it afterwards, also in a finally block, is ``Killed``. After
    each call that touches stock, the laws that hold at every moment are checked; in memory only, for only there
    has nobody else a turn while we look.
    """

    def __init__(
        self,
        world: World,
        *,
        at: int | None = None,
        do: Callable[[Line], Awaitable[None]] | None = None,
        checked: bool = True,
    ) -> None:
        self.world = world
        self.moments: list[Moment] = []
        self.reports: list[RunReport] = []
        self.dead = False
        self._at, self._do = at, do
        self._checked = checked and isinstance(world.storage, MemoryStorage)

    @property
    def happened(self) -> bool:
        """Say whether the line has come to its moment."""
        return self._at is not None and len(self.moments) > self._at

    @property
    def where(self) -> str:
        """Return the moment at which something happened, for a reader."""
        return f"{self._at}, {self.moments[self._at]}" if self._at is not None and self.happened else "nowhere"

    @property
    def storage(self) -> Storage:
        """Return the world's storage, at the other end of this line."""
        far = self.world.storage
        ports: dict[str, Any] = {
            name: Port(getattr(far, name), name, self) for name in ("orders", "stock", "listings", "journal")
        }
        return far.replace(**ports)

    @property
    def channels(self) -> Sequence[FakeMarketplace]:
        """Return the world's marketplaces, at the other end of this line."""
        return [self._door(market) for market in self.world.marketplaces]

    @property
    def desk(self) -> OrderDesk:
        """Return a desk on this line."""
        return OrderDesk(self.storage, clock=self.world.clock)

    def die(self) -> NoReturn:
        """Let the process die, now and for good."""
        self.dead = True
        raise Killed

    async def run(self) -> None:
        """Run once on this line, and keep the report."""
        runner = SyncRunner(self.channels, self.storage, clock=self.world.clock, retry=ONCE)
        self.reports.append(await runner.run_once())

    async def hint(self, key: OrderKey) -> None:
        """Look at one order now on this line, and keep the report."""
        runner = SyncRunner(self.channels, self.storage, clock=self.world.clock, retry=ONCE)
        self.reports.append(await runner.hint(key))

    async def replay(self) -> None:
        """Judge again, on this line, what waits in each channel's quarantine, and keep the reports."""
        for channel in self.channels:
            doctor = Doctor([channel], self.storage, clock=self.world.clock, retry=ONCE)
            self.reports.append(await doctor.replay(channel.id))

    async def pass_by(self, moment: Moment) -> None:
        """Let a little time pass and others have a turn, then let happen here what is to happen."""
        self.world.clock.advance(seconds=TICK_S)
        await asyncio.sleep(0)
        if self.dead:
            raise Killed
        if moment.when == "after" and self._checked and moment.verb in TOUCHES_STOCK:
            await stock_adds_up(self.world)
        self.moments.append(moment)
        if self._do is not None and self._at in (None, len(self.moments) - 1):
            await self._do(self)

    def _door(self, market: FakeMarketplace) -> FakeMarketplace:
        door = market.with_settings(market.settings)

        async def on_call(method: str, when: str) -> None:
            await self.pass_by(Moment(str(market.id), method, when))

        door.on_call = on_call
        return door


class Port:
    """One port at the other end of a line."""

    def __init__(self, port: object, name: str, line: Line) -> None:
        self._port, self._name, self._line = port, name, line

    def __getattr__(self, verb: str) -> Callable[..., Awaitable[object]]:
        """Return a verb of the port."""
        method = cast("Callable[..., Awaitable[object]]", getattr(self._port, verb))

        async def call(*args: object, **facts: object) -> object:
            fence = next((one for one in (*args, facts.get("fence")) if isinstance(one, Fence)), None)
            await self._line.pass_by(Moment(self._name, verb, "before", fence))
            answer = await method(*args, **facts)
            await self._line.pass_by(Moment(self._name, verb, "after", fence))
            return answer

        return call
