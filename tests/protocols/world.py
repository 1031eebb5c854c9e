"""A small world for the protocols: two marketplaces, a storage in memory, and a stop at any call of any actor."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, Unpack, cast

import attrs
import pytest

from ordersync import (
    ChannelId,
    ChannelSettings,
    ListingBook,
    OrderDesk,
    OrderKey,
    OrderStore,
    RunReport,
    StockLedger,
    Storage,
    SyncRunner,
    lifecycle,
)
from ordersync.channel import Channel
from ordersync.model.dispatch import NoteStatus
from ordersync.model.listings import Listing
from ordersync.model.orders import Order
from ordersync.ports import Journal
from ordersync.storage.memory import MemoryStorage
from ordersync.sync.retry import RetryPolicy
from ordersync.testing import BareMarketplace, ManualClock, MarketplaceWithLookup
from ordersync.testing.traits import MarketTraits

SHOP = ChannelId("Shop", "north")
MARKET = ChannelId("Market", "uk")
SKU = "MUG"
OPENING = 10
ONCE = RetryPolicy(attempts=1)

When = Literal["before", "after"]

kept_and_taken_out = pytest.mark.parametrize("taken_out", [False, True], ids=["kept", "taken-out"])
"""Runs a scenario with its rule, and with the mistake that the rule forbids."""


@contextmanager
def breaks(taken_out: object, fact: str) -> Iterator[None]:
    """Demand that a scenario holds; with its rule *taken_out*, that it breaks by this very *fact*."""
    if not taken_out:
        yield
        return
    with pytest.raises(AssertionError, match=re.escape(fact)):
        yield


class Pause:
    """A call at which an actor stands still."""

    def __init__(self) -> None:
        self._reached, self._released = asyncio.Event(), asyncio.Event()

    async def reached(self) -> None:
        """Wait until the actor stands here."""
        async with asyncio.timeout(5):
            await self._reached.wait()

    def go_on(self) -> None:
        """Let the actor go on."""
        self._released.set()

    async def stand(self) -> None:
        """Stand here until somebody says ``go_on``."""
        self._reached.set()
        await self._released.wait()


@attrs.define(kw_only=True)
class _Plan:
    call: str
    when: When
    left: int
    do: Callable[[], Awaitable[None]]


class Calls:
    """The calls of one actor, as ``port.verb`` or ``channel.method``, and what is to happen around them."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self._plans: list[_Plan] = []

    def at(self, call: str, do: Callable[[], Awaitable[None]], *, when: When = "before", nth: int = 1) -> None:
        """Do something around the *nth* such call from now on."""
        self._plans.append(_Plan(call=call, when=when, left=nth, do=do))

    def pause(self, call: str, *, when: When = "before", nth: int = 1) -> Pause:
        """Let the actor stand still around the *nth* such call from now on."""
        pause = Pause()
        self.at(call, pause.stand, when=when, nth=nth)
        return pause

    async def around(self, call: str, when: When) -> None:
        """Do what was planned around this call."""
        if when == "before":
            self.made.append(call)
        for plan in [plan for plan in self._plans if (plan.call, plan.when) == (call, when)]:
            plan.left -= 1
            if plan.left == 0:
                self._plans.remove(plan)
                await plan.do()


class Watched:
    """A port of which every verb is told to ``Calls`` before and after it takes effect."""

    def __init__(self, name: str, port: object, calls: Calls) -> None:
        self._name, self._port, self._calls = name, port, calls

    def __getattr__(self, verb: str) -> Callable[..., Awaitable[Any]]:
        """Return the port's own verb, told of."""
        name, calls = f"{self._name}.{verb}", self._calls
        own: Callable[..., Awaitable[Any]] = getattr(self._port, verb)

        async def told(*args: object, **kwargs: object) -> object:
            await calls.around(name, "before")
            answer: object = await own(*args, **kwargs)
            await calls.around(name, "after")
            return answer

        return told


def watched(storage: Storage, calls: Calls) -> Storage:
    """Return a storage whose every call is told to *calls*."""
    return storage.replace(
        orders=cast("OrderStore", Watched("orders", storage.orders, calls)),
        stock=cast("StockLedger", Watched("stock", storage.stock, calls)),
        listings=cast("ListingBook", Watched("listings", storage.listings, calls)),
        journal=cast("Journal", Watched("journal", storage.journal, calls)),
    )


class World:
    """A shop and a market that sell the same SKU from one stock; neither can be read back.

    ``storage`` is not watched: what a test does with it itself stops nobody.
    """

    def __init__(
        self,
        *,
        settings: ChannelSettings | None = None,
        kind: type[BareMarketplace] = MarketplaceWithLookup,
        clock: ManualClock | None = None,
        **traits: Unpack[MarketTraits],
    ) -> None:
        """Open both marketplaces with these *settings* and *traits*."""
        self.clock = clock or ManualClock()
        self.storage: Storage = MemoryStorage(clock=self.clock)
        self.shop = kind(SHOP, settings=settings or ChannelSettings(), clock=self.clock, **traits)
        self.market = kind(MARKET, settings=settings or ChannelSettings(), clock=self.clock, **traits)
        self._tasks: list[asyncio.Task[Any]] = []

    async def open(self, *skus: str, quantity: int = OPENING) -> None:
        """Stock each SKU, list it on both marketplaces, and let a first run settle that; five minutes pass."""
        for sku in skus or (SKU,):
            await self.stocktake(quantity, sku=sku, movement_id=f"opening/{sku}")
            for channel in (self.shop, self.market):
                channel.list_sku(sku, quantity)
                await self.storage.listings.link(channel.id, sku, sku)
        await self.run()
        self.clock.advance(minutes=5)

    async def stocktake(self, quantity: int, *, sku: str = SKU, movement_id: str | None = None) -> None:
        """Set on-hand."""
        ledger = cast("MemoryStorage", self.storage).stock
        movement = movement_id or f"count/{sku}/{self.clock.monotonic()}/{quantity}"
        await ledger.set_on_hand(sku, location="main", quantity=quantity, movement_id=movement)

    def listen(self, channel: BareMarketplace, calls: Calls) -> None:
        """Tell *calls* of every call to this marketplace, such as ``Shop.push_stock``."""

        async def told(method: str, when: When) -> None:
            await calls.around(f"{channel.id.source}.{method}", when)

        channel.on_call = told

    def runner(
        self,
        calls: Calls | None = None,
        *,
        channels: tuple[Channel, ...] | None = None,
        retry: RetryPolicy = ONCE,
        clock: ManualClock | None = None,
    ) -> SyncRunner:
        """Return a runner of its own, over both marketplaces unless told otherwise."""
        return SyncRunner(
            channels or (self.shop, self.market),
            self.storage if calls is None else watched(self.storage, calls),
            clock=clock or self.clock,
            retry=retry,
        )

    async def run(self, *channels: Channel) -> RunReport:
        """Run once."""
        return await self.runner(channels=channels or None).run_once()

    def desk(self, calls: Calls | None = None) -> OrderDesk:
        """Return a desk of its own."""
        return OrderDesk(self.storage if calls is None else watched(self.storage, calls), clock=self.clock)

    def start(self, work: Awaitable[Any]) -> asyncio.Task[Any]:
        """Let an actor work beside the test; what still stands somewhere at the end is a process that died."""

        async def working() -> object:
            return await work

        task = asyncio.create_task(working())
        self._tasks.append(task)
        return task

    async def close(self) -> None:
        """Bury the dead."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def drain(self, *, times: int = 6) -> None:
        """Let every window end and run until nothing is due."""
        for _ in range(times):
            self.clock.advance(minutes=20)
            await self.run()

    async def available(self, sku: str = SKU) -> int:
        """Return what may still be sold, at all locations."""
        return sum(level.available for level in await self.storage.stock.levels([sku]))

    async def on_hand(self, location: str = "main", sku: str = SKU) -> int:
        """Return what lies at one location."""
        levels = await self.storage.stock.levels([sku])
        return sum(level.on_hand for level in levels if level.location == location)

    async def reserved(self, location: str = "main", sku: str = SKU) -> int:
        """Return what is reserved at one location."""
        levels = await self.storage.stock.levels([sku])
        return sum(level.reserved for level in levels if level.location == location)

    async def order(self, key: OrderKey) -> Order:
        """Return an order as stored."""
        return await self.storage.orders.get(key)

    async def change(self, one: OrderKey, **changes: object) -> Order:
        """Change an order as a desk does that dies before it settles what the order holds."""
        before = await self.order(one)
        after = lifecycle.advance(before, **changes)  # type: ignore[arg-type]
        assert await self.storage.orders.replace(after, expect=before.revision)
        return after

    async def notes(self, key: OrderKey) -> Mapping[str, NoteStatus]:
        """Return where an order's notes stand, by parcel."""
        return {note.parcel_id: note.status for note in await self.storage.orders.notes(key)}

    async def listing(self, channel: ChannelId, sku: str = SKU) -> Listing:
        """Return one listing of a channel."""
        return next(one for one in await self.storage.listings.of_channel(channel) if one.channel_sku == sku)


def key(reference: str = "1001", channel: ChannelId = SHOP) -> OrderKey:
    """Return the key of an order of the shop."""
    return OrderKey(channel, reference)
