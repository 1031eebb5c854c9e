"""One listing, a real book and ledger in memory, and a checker that hears of every verb, true or not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, cast

import attrs

from ordersync import ChannelId, ChannelOrder, ChannelSettings, OrderKey, StockRule, StockUpdate
from ordersync.model.ids import Fence
from ordersync.model.listings import Answer, Attempt, Listing, ListingId, Push, StockOutcome
from ordersync.model.stock import Claim, Sale
from ordersync.storage.memory import MemoryListingBook, MemoryStorage
from ordersync.testing import ManualClock
from ordersync.testing.clock import START
from ordersync.testing.simulator.checkers.commits import Commit, Started
from ordersync.testing.simulator.checkers.listings import ListingsChecker
from ordersync.testing.simulator.checkers.world import World
from ordersync.testing.simulator.reading import StorageReader, at_once

SHOP = ChannelId("Shop", "north")
MUG = ListingId("MUG-S")
FENCE = Fence(SHOP, 1)
WINDOW = timedelta(minutes=10)
KEY = OrderKey(SHOP, "1001")


@attrs.frozen(kw_only=True)
class Level:
    """A level that the market applied."""

    at: datetime
    sku: str
    quantity: int
    attempt_id: str


@attrs.frozen
class Bought:
    """A line of an order, or the order around it."""

    sku: str
    removed: bool = False
    done: bool = False
    spoiled: bool = False
    word: str | None = None
    taken_at: datetime = START + timedelta(days=1)

    @property
    def lines(self) -> list[Bought]:
        """Return the only line."""
        return [self]


@attrs.define
class Market:
    """As much of a market as the checker reads."""

    decrements_on_sale: bool = True
    call_timeout: timedelta = timedelta(minutes=1)
    late_window: timedelta = timedelta(minutes=8)
    skew: timedelta = timedelta(0)
    levels: dict[str, int] = attrs.field(factory=dict)
    orders: dict[str, Bought] = attrs.field(factory=dict)
    shown: dict[str, list[ChannelOrder]] = attrs.field(factory=dict)

    @property
    def traits(self) -> Market:
        """Return what it is like."""
        return self


class ListingScene:
    """What happens to one listing; a *lie* is what the book remembers in place of the truth."""

    def __init__(self, storage: MemoryStorage) -> None:
        self.storage, self.now, self.market = storage, START, Market()
        self.reader = StorageReader(storage)
        self.settings = {SHOP: ChannelSettings()}
        world = World(markets=cast("Any", {SHOP: self.market}), settings=self.settings)
        self.checker = ListingsChecker(world, pending=lambda: at_once(storage.stock.changed(limit=100)))

    @property
    def mug(self) -> Listing:
        """Return the listing as it is remembered."""
        return next(one for one in self.reader.listings(SHOP) if one.id == MUG)

    def later(self, minutes: float) -> None:
        """Let time pass."""
        self.now += timedelta(minutes=minutes)

    async def do(self, port: str, verb: str, *args: Any, lie: Mapping[str, Any] | None = None, **facts: Any) -> Any:  # noqa: ANN401
        """Do it, remember a lie about the listing if there is one, and tell the checker."""
        answer = await getattr(getattr(self.storage, port), verb)(*args, **facts)
        if lie:
            self.forge(**lie)
        self.tell(port, verb, *args, answer=answer, **facts)
        return answer

    def tell(self, port: str, verb: str, *args: Any, answer: Any = None, **facts: Any) -> None:  # noqa: ANN401
        """Tell the checker of a verb, whether or not anybody did it."""
        commit = Commit(at=self.now, process="r", port=port, verb=verb, args=args, facts=facts, answer=answer)
        self.checker.committed(commit, self.reader)

    def forge(self, **changes: Any) -> None:  # noqa: ANN401
        """Let the book remember something else of the listing."""
        book = cast("MemoryListingBook", self.storage.listings)
        book._listings[SHOP][MUG] = attrs.evolve(book._listings[SHOP][MUG], **changes)

    async def stock(self, quantity: int, sku: str = "MUG") -> None:
        """Count the pieces on the shelf."""
        name = f"count/{sku}/{quantity}/{self.now}"
        await self.do("stock", "set_on_hand", sku, location="main", quantity=quantity, movement_id=name)

    async def adopt(self, fingerprint: str, *, answer: bool | None = None) -> None:
        """Ask for a rule of the channel; a lie is what the book answers in place of the truth."""
        facts: dict[str, Any] = {"hold": timedelta(hours=1), "fence": FENCE, "at": self.now}
        true = await self.storage.listings.adopt_rule(SHOP, fingerprint, **facts)
        self.tell("listings", "adopt_rule", SHOP, fingerprint, answer=true if answer is None else answer, **facts)

    async def announce(self) -> None:
        """Mark what has changed, then forget the change."""
        versions = await self.storage.stock.changed(limit=100)
        await self.do("listings", "mark", sorted(versions or ()))
        await self.do("stock", "acknowledge", versions)

    async def begin(self, quantity: int, *, wanted: int | None = None, **lie: Any) -> Attempt | None:  # noqa: ANN401
        """Record a push."""
        push = Push(listing=MUG, wanted=self.mug.wanted if wanted is None else wanted, quantity=quantity)
        attempts = await self.do("listings", "begin", SHOP, [push], window=WINDOW, fence=FENCE, at=self.now, lie=lie)
        return attempts[0] if attempts else None

    def land(self, attempt: Attempt, quantity: int | None = None) -> None:
        """Let the market apply a push, or one like it."""
        shown = attempt.push.quantity if quantity is None else quantity
        self.market.levels[MUG.channel_sku] = shown
        effect = Level(at=self.now, sku="MUG-S", quantity=shown, attempt_id=f"r/{MUG}/attempt/{attempt.number}")
        self.checker.applied(SHOP, effect, self.reader)

    async def finish(self, attempt: Attempt, outcome: StockOutcome = StockOutcome.ACCEPTED, **lie: Any) -> None:  # noqa: ANN401
        """Record what became of a push."""
        answers = [Answer(attempt=attempt, outcome=outcome)]
        await self.do("listings", "finish", SHOP, answers, window=WINDOW, fence=FENCE, at=self.now, lie=lie)

    async def push(self, quantity: int) -> Attempt:
        """Push a level, and have it accepted a minute later."""
        attempt = await self.begin(quantity)
        assert attempt is not None
        self.land(attempt)
        self.later(1)
        await self.finish(attempt)
        return attempt

    async def sell(self, *, revision: int = 1, by_channel: int = 0, ago: float = 0, **lie: Any) -> None:  # noqa: ANN401
        """Account for an order of one piece, taken so many minutes ago."""
        taken_at = self.now - timedelta(minutes=ago)
        sold = {("MUG-S", None): 1}
        sale = Sale(order_key=KEY, revision=revision, channel_revision=by_channel, taken_at=taken_at, sold=sold)
        await self.do("listings", "sold", [sale], fence=FENCE, lie=lie)

    async def reserve(self, quantity: int) -> None:
        """Let an order hold so many pieces."""
        claim = Claim(order_key=KEY, revision=1, wanted={("MUG", "main"): quantity})
        await self.do("stock", "reserve", [claim], at=self.now)

    def call(self, number: int = 9) -> None:
        """Let a program send a level."""
        update = StockUpdate(channel_sku="MUG-S", quantity=1, attempt_id=f"r/MUG-S/attempt/{number}")
        started = Started(process="r", channel=SHOP, method="push_stock", at=self.now, effect=True, request=[update])
        self.checker.started(started, self.reader)


@asynccontextmanager
async def listing_scene(rule: StockRule | None = None) -> AsyncIterator[ListingScene]:
    """Open a scene with ten mugs on the shelf and one listing of them."""
    async with MemoryStorage(clock=ManualClock()) as storage:
        scene = ListingScene(storage)
        if rule is not None:
            scene.settings[SHOP] = ChannelSettings(stock_rule=rule)
        await scene.stock(10)
        await scene.do("listings", "link", SHOP, "MUG-S", "MUG")
        await scene.announce()
        await scene.adopt("first")
        yield scene
