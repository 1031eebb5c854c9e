"""A scheduler for real coroutines: everybody stands before each call, and chance says who makes the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar, cast

import attrs

from ordersync import Channel, ChannelId
from ordersync.errors import ChannelError, ChannelUnavailableError, LeaseLostError
from ordersync.model.channel_orders import ChannelOrder, OrderPage, UnreadableOrder
from ordersync.model.dispatch import DispatchNote
from ordersync.model.listings import ListingPage, StockResult, StockUpdate
from ordersync.model.runs import Lease
from ordersync.testing import FakeMarketplace, ManualClock

T = TypeVar("T")

FENCED = frozenset({"orders", "listings"})
TICKS = (1, 3, 8, 19, 21, 60, 95, 130, 200, 400)
"""By how many seconds the clock may jump: within a claim's window, past it, past a lease, past every late copy."""

LONG = (130, 200, 400, 700)
"""By how many seconds it may jump while somebody sleeps: past a lease, past every late copy."""

DULL = frozenset(
    {
        "journal.write", "journal.life", "journal.entries", "journal.set_health", "journal.enable",
        "orders.progress", "orders.set_progress", "orders.note_counts", "orders.unlinked", "listings.links",
    }
)  # fmt: skip
"""Calls at which nobody stands: whatever happens around them happens as well before the next one."""

ACTS = 8
"""How much likelier an actor's next call is than that something else happens."""

FATES = {"arrives": 12, "is refused": 1, "is lost": 1, "is late": 2}
"""What may become of a request, and how likely each is; of requests that only read, few go wrong."""


class LawBrokenError(AssertionError):
    """A law does not hold; the schedule so far stands behind it."""


@attrs.define(kw_only=True)
class Flight:
    """A request under way: until when it may arrive by itself, and what it does there."""

    actor: str
    market: FakeMarketplace
    deadline: datetime
    effect: Callable[[], object]
    writes: bool
    arrived: bool = False
    given_up: bool = False


class SharedClock(ManualClock):
    """A clock that lets every request end in time: none is under way longer than its call may take."""

    def __init__(self) -> None:
        super().__init__()
        self.expire: Callable[[datetime], None] = lambda _: None

    def advance(self, seconds: float = 0, *, minutes: float = 0, hours: float = 0, days: float = 0) -> datetime:
        """Let time pass."""
        self.expire(self.now() + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds))
        return super().advance(seconds, minutes=minutes, hours=hours, days=days)


class Schedule:
    """Who stands where, what is under way, and what chance made of it.

    While ``wild``, calls wait for their turn and requests may be refused, lost, or late.
    """

    def __init__(self, chance: Random, clock: SharedClock) -> None:
        self.chance, self.clock = chance, clock
        self.wild = True
        self.trace: list[str] = []
        self.dead: set[str] = set()
        self.tokens: dict[tuple[str, ChannelId], int] = {}
        self.highest: dict[tuple[str, ChannelId], int] = {}
        self._asleep: dict[str, int] = {}
        self._steps = 0
        self._waiting: dict[str, list[tuple[str, asyncio.Future[None]]]] = {}
        self._flights: list[Flight] = []
        self._last: str | None = None
        self._steady = self.chance.choice([0.0, 0.5, 0.8, 0.93])
        clock.expire = self._expire

    async def turn(self, actor: str, label: str) -> None:
        """Stand before a call until it is its turn; the dead stand for ever."""
        if actor in self.dead:
            raise asyncio.CancelledError
        if not self.wild or label in DULL:
            return
        place = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(actor, []).append((label, place))
        await place

    async def quiet(self) -> None:
        """Wait until everybody stands somewhere."""
        ready = cast("Any", asyncio.get_running_loop())._ready
        await asyncio.sleep(0)
        while ready:  # noqa: ASYNC110 - the loop's own queue sets no event
            await asyncio.sleep(0)

    def step(self, moves: Sequence[tuple[str, Callable[[], None]]]) -> bool:
        """Let one actor make its next call, or one of the *moves* happen; False when nobody is left."""
        self._steps += 1
        standing = sorted(actor for actor, places in self._waiting.items() if places and actor not in self.dead)
        if not standing:
            return False
        actors = [actor for actor in standing if self._asleep.get(actor, 0) <= self._steps] or standing
        names = actors + [name for name, _ in moves]
        if self._last not in names or self.chance.random() > self._steady:
            weights = [ACTS] * len(actors) + [1] * len(moves)
            self._last = self.chance.choices(names, weights)[0]
        if self._last in actors:
            self.let(self._last, self.chance.randrange(len(self._waiting[self._last])))
        else:
            move = dict(moves)[self._last]
            self._last = None
            move()
        return True

    def let(self, actor: str, number: int = 0) -> str:
        """Let an actor make one of the calls before which it stands, and say which."""
        label, place = self._waiting[actor].pop(number)
        self.trace.append(f"{actor}: {label}")
        place.set_result(None)
        return label

    def stands(self, actor: str) -> bool:
        """Say whether an actor stands before a call."""
        return bool(self._waiting.get(actor))

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.trace.append(f"clock: +{seconds} s")
        self.clock.advance(seconds)

    def sleep(self, actor: str) -> None:
        """Let an actor stand still for long, and mostly time pass meanwhile."""
        self._asleep[actor] = self._steps + self.chance.randrange(20, 150)
        self.trace.append(f"{actor} sleeps")
        if self.chance.random() < 0.7:
            self.wait(self.chance.choice(LONG))

    def kill(self, actor: str) -> None:
        """Let an actor make no call any more; what it has under way arrives, late, or never."""
        self.trace.append(f"{actor} dies")
        self.dead.add(actor)
        for flight in self._flights:
            if flight.actor == actor:
                self._let_go(flight)

    def release(self) -> None:
        """Let the living go on without turns, and the dead fall."""
        self.wild = False
        for places in self._waiting.values():
            for _, place in places:
                if not place.done():
                    place.cancel()
        self._waiting.clear()

    def tick(self) -> None:
        """Let time pass."""
        self.wait(self.chance.choice(TICKS))

    async def call(
        self, actor: str, market: FakeMarketplace, label: str, effect: Callable[[], T], *, writes: bool
    ) -> T:
        """Make a request: it arrives, is refused, is lost, or comes late; its answer may be lost as well."""
        name = f"{market.id.source}.{label}"
        if not self.wild:
            return effect()
        self._may_begin(actor, market, name, writes=writes)
        deadline = self.clock.now() + market.call_timeout
        flight = Flight(actor=actor, market=market, deadline=deadline, effect=effect, writes=writes)
        self._flights.append(flight)
        try:
            await self.turn(actor, name)
            self._arrive(flight, name)
            flight.arrived = True
            try:
                answer, refusal = effect(), None
            except ChannelError as error:
                answer, refusal = None, error
            await self.turn(actor, f"answer of {name}")
            if flight.given_up or (writes and self.chance.random() < 0.15):
                self.trace.append(f"   answer of {name} is lost")
                raise ChannelUnavailableError(f"{name}: no answer")
        finally:
            self._flights.remove(flight)
        if refusal is not None:
            raise refusal
        return cast("T", answer)

    def _arrive(self, flight: Flight, name: str) -> None:
        if flight.given_up:
            raise ChannelUnavailableError(f"{name}: no answer in time")
        fate = self.chance.choices(list(FATES), list(FATES.values()))[0]
        if fate == "arrives" or (not flight.writes and self.chance.random() < 0.8):
            return
        self.trace.append(f"   {name} {fate}")
        if fate == "is refused":
            raise ChannelUnavailableError(f"{name}: busy", applied=False)
        if fate == "is late" and flight.writes:
            self._land_later(flight, self.clock.now())
        raise ChannelUnavailableError(f"{name}: no answer")

    def _let_go(self, flight: Flight) -> None:
        """Decide what becomes of a request that nobody waits for any more."""
        if not flight.arrived and not flight.given_up and flight.writes and self.chance.random() < 0.5:
            self._land_later(flight, min(flight.deadline, self.clock.now()))
        flight.given_up = True

    def _land_later(self, flight: Flight, after: datetime) -> None:
        latest = (flight.deadline - after + flight.market.late_window).total_seconds()
        due = max(self.clock.now(), after + timedelta(seconds=self.chance.uniform(0, latest)))
        flight.market.land_later(due, lambda _: _unheard(flight.effect))
        self.trace.append(f"   a copy will land at {due:%H:%M:%S}")

    def _expire(self, until: datetime) -> None:
        for flight in self._flights:
            if flight.deadline < until:
                self._let_go(flight)

    def _may_begin(self, actor: str, market: FakeMarketplace, name: str, *, writes: bool) -> None:
        mine, highest = self.tokens.get((actor, market.id), 0), self.highest.get(("journal", market.id), 0)
        if writes and mine < highest:
            raise LawBrokenError(f"L11: {actor} begins {name} under lease {mine}, and {highest} was given out")


def _unheard(effect: Callable[[], object]) -> None:
    try:
        effect()
    except ChannelError:
        return


class Turns:
    """A port whose verbs wait for their turn; what an overtaken runner writes must be refused."""

    def __init__(self, name: str, port: object, actor: str, schedule: Schedule) -> None:
        self._name, self._port, self._actor, self._schedule = name, port, actor, schedule

    def __getattr__(self, verb: str) -> Callable[..., Awaitable[Any]]:
        """Return the port's own verb behind a turn."""
        own: Callable[..., Awaitable[Any]] = getattr(self._port, verb)

        async def taken(*args: Any, **kwargs: Any) -> object:  # noqa: ANN401 - whatever the verb takes
            await self._schedule.turn(self._actor, f"{self._name}.{verb}")
            fence = args[0] if verb == "fence" else kwargs.get("fence")
            overtaken = fence is not None and self._overtaken(fence.channel, fence.token)
            answer = await own(*args, **kwargs)
            if overtaken:
                raise LawBrokenError(f"L11: {self._name}.{verb} of the overtaken {self._actor} took effect")
            if isinstance(answer, Lease):
                self._schedule.tokens[self._actor, answer.channel] = answer.token
                self._schedule.highest["journal", answer.channel] = answer.token
            return answer

        return taken

    def _overtaken(self, channel: ChannelId, token: int) -> bool:
        highest = max(token, self._schedule.highest.get((self._name, channel), 0))
        self._schedule.highest[self._name, channel] = highest
        return token < highest


class Wire(Channel):
    """One actor's way to a marketplace: each request is a turn, and another when it arrives."""

    def __init__(self, market: FakeMarketplace, actor: str, schedule: Schedule) -> None:
        vars(self).update({trait: getattr(market, trait) for trait in vars(Channel)["__annotations__"]})
        super().__init__(market.id, settings=market.settings)
        self._market, self._actor, self._schedule = market, actor, schedule

    async def test_connection(self) -> None:
        """Find the channel reachable."""

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Read a page."""
        return await self._read(
            "fetch_orders", lambda: self._market.fetch_orders(updated_since=updated_since, cursor=cursor)
        )

    async def fetch_order(self, reference: str) -> ChannelOrder | UnreadableOrder | None:
        """Look one order up."""
        return await self._read("fetch_order", lambda: self._market.fetch_order(reference))

    async def push_stock(self, updates: Sequence[StockUpdate]) -> Sequence[StockResult]:
        """Push levels."""
        levels = ", ".join(f"{update.channel_sku}:={update.quantity}" for update in updates)
        return await self._write(f"push_stock {levels}", lambda: self._market.push_stock(updates))

    async def send_dispatch(self, note: DispatchNote) -> None:
        """Send a note."""
        return await self._write(f"send_dispatch {note.id}", lambda: self._market.send_dispatch(note))

    async def _read(self, label: str, request: Callable[[], Awaitable[T]]) -> T:
        return await self._schedule.call(self._actor, self._market, label, lambda: at_once(request()), writes=False)

    async def _write(self, label: str, request: Callable[[], Awaitable[T]]) -> T:
        return await self._schedule.call(self._actor, self._market, label, lambda: at_once(request()), writes=True)


class ReadableWire(Wire):
    """A way to a marketplace whose listings can be read back."""

    async def fetch_listings(self, *, cursor: str | None = None) -> ListingPage:
        """Read a page of listings."""
        return await self._read("fetch_listings", lambda: self._market.fetch_listings(cursor=cursor))


def at_once(request: Awaitable[T]) -> T:
    """Return the answer of a marketplace that nothing is planned for: it never waits."""
    steps: Iterator[object] = iter(request.__await__())
    try:
        next(steps)
    except StopIteration as stop:
        return cast("T", stop.value)
    raise AssertionError("the marketplace waits for something")


__all__ = ["LawBrokenError", "LeaseLostError", "ReadableWire", "Schedule", "SharedClock", "Turns", "Wire"]
