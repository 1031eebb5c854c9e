"""A shop, a storage and a host, told by a script that can be lived through as often as somebody likes."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, Protocol, cast
from zlib import crc32

import attrs

from ordersync import (
    Channel,
    ChannelId,
    ChannelOrder,
    ChannelSettings,
    OrderDesk,
    OrderKey,
    OrderPage,
    OrderState,
    RetryPolicy,
    Storage,
    SyncRunner,
    UnreadableOrder,
)
from ordersync.doctor import Doctor, Explanation
from ordersync.model.runs import ChannelLife
from ordersync.model.settings import HostCheck, StatusMapping
from ordersync.ports import OwnStockLedger
from ordersync.testing import BareMarketplace, ManualClock
from ordersync.testing.clock import START
from ordersync.testing.market import MarketplaceWithLookup
from ordersync.testing.market_orders import AWAITING_PAYMENT, CANCELLED, ON_HOLD, PART_SHIPPED, READY, SHIPPED

SHOP = ChannelId("Shop", "north")
ONCE = RetryPolicy(attempts=1)
FIRST_DAY = START - timedelta(days=10)
"""When a host begins that does not want older orders."""

BOX = "BOX"
NO_BOXES = "NO_BOXES"
TEST = "Test order"
GIFT = "Gift order"
"""A word that nobody has told us of."""

WORDS: Mapping[str, str] = {
    READY: "paid",
    ON_HOLD: "paid",
    PART_SHIPPED: "paid",
    AWAITING_PAYMENT: "unpaid",
    SHIPPED: "shipped",
    CANCELLED: "cancelled",
    TEST: "ignored",
}

Shown = ChannelOrder | UnreadableOrder


@attrs.frozen(kw_only=True)
class Setup:
    """What kind of channel the shop is: that never changes."""

    lookup: bool = True
    scan: Literal["updated", "state", "both"] = "updated"
    words: bool = False
    in_order: bool = False


@attrs.frozen(kw_only=True)
class Wishes:
    """What the host has decided: ``words`` None is no mapping, ``places`` None means that one place serves all."""

    unpaid: bool = False
    shipped: bool = False
    cancelled: bool = False
    late: bool = False
    boxes: bool = True
    places: frozenset[str] | None = None
    words: Mapping[str, str] | None = None


def _refuse_boxes(order: ChannelOrder) -> str | None:
    return "It holds a box." if any(line.channel_sku == BOX for line in order.lines) else None


def settings_of(wishes: Wishes) -> ChannelSettings:
    """Return the settings that say what the host has decided."""
    return ChannelSettings(
        download_unpaid=wishes.unpaid,
        import_shipped=wishes.shipped,
        import_cancelled=wishes.cancelled,
        initial_from=FIRST_DAY if wishes.late else None,
        location="main" if wishes.places is None else dict.fromkeys(wishes.places, "main"),
        checks=() if wishes.boxes else (HostCheck(code=NO_BOXES, refuses=_refuse_boxes),),
        status_mapping=None if wishes.words is None else _mapping(wishes.words),
    )


def _mapping(words: Mapping[str, str]) -> StatusMapping:
    def mapped_to(meaning: str) -> frozenset[str]:
        return frozenset(word for word, told in words.items() if told == meaning)

    return StatusMapping(
        version=str(crc32(repr(sorted(words.items())).encode())),
        paid=mapped_to("paid"),
        unpaid=mapped_to("unpaid"),
        shipped=mapped_to("shipped"),
        cancelled=mapped_to("cancelled"),
        ignored=mapped_to("ignored"),
    )


@attrs.define
class Memory:
    """What the shop remembers of its answers to runs.

    How it last showed each order, or left it out of its lists, and when it last showed a list to its end.
    """

    hidden: set[str] = attrs.field(factory=set)
    shown: dict[str, Shown] = attrs.field(factory=dict)
    withheld: dict[str, tuple[datetime, Shown]] = attrs.field(factory=dict)
    read_at: datetime | None = None
    listens: bool = True
    _passed: dict[str, tuple[datetime, Shown]] = attrs.field(factory=dict)

    def answered(self, forms: Sequence[Shown], at: datetime, *, last: bool) -> None:
        """Remember a page; what it left out counts once the last page has left, too."""
        for form in forms if self.listens else ():
            name = form.reference or ""
            if name in self.hidden:
                self._passed[name] = at, form
            else:
                self.shown[name] = form
        if last and self.listens:
            self.withheld |= self._passed
            self.read_at = at


class LawShop(BareMarketplace):
    """A shop that hides some orders from its lists."""

    memory: Memory

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Return one page, without what is hidden."""
        page = await super().fetch_orders(updated_since=updated_since, cursor=cursor)
        memory = self.memory
        memory.answered([*page.orders, *page.unreadable], self.now(), last=page.next_cursor is None)
        return attrs.evolve(
            page,
            orders=[one for one in page.orders if one.reference not in memory.hidden],
            unreadable=[one for one in page.unreadable if one.reference not in memory.hidden],
        )

    async def test_connection(self) -> None:
        """Answer; a test of the connection is no reading."""
        before, self.memory.listens = self.memory.listens, False
        try:
            await super().test_connection()
        finally:
            self.memory.listens = before

    def form(self, reference: str) -> Shown | None:
        """Return an order as it is now; None for one that was removed."""
        sight = self._book.seen_at(reference, self.now())
        return None if sight is None else sight.shown


class LawShopWithLookup(LawShop, MarketplaceWithLookup):
    """One that can be asked for one order, too, and hides none then."""

    async def fetch_order(self, reference: str) -> Shown | None:
        """Return one order."""
        found = await super().fetch_order(reference)
        if found is not None and self.memory.listens:
            self.memory.shown[reference] = found
        return found


@attrs.define(kw_only=True)
class World:
    """The shop, what we keep, and what the host wants at this moment; ``link`` is how the connection is."""

    setup: Setup
    clock: ManualClock
    storage: Storage
    shop: LawShop
    wishes: Wishes
    link: Literal["up", "down", "refused"] = "up"
    asked_for: set[str] = attrs.field(factory=set)

    @property
    def channel(self) -> LawShop:
        """Return the shop as the host sees it that has decided so."""
        return self.shop.with_settings(settings_of(self.wishes))

    @property
    def desk(self) -> OrderDesk:
        """Return the desk of the people who pack."""
        return OrderDesk(self.storage, clock=self.clock)

    def runner(self, channel: Channel | None = None) -> SyncRunner:
        """Return a runner that tries each call once."""
        return SyncRunner([channel or self.channel], self.storage, clock=self.clock, retry=ONCE)

    def key(self, number: int) -> OrderKey | None:
        """Return one of the orders that were placed."""
        placed = list(self.shop.orders)
        return OrderKey(SHOP, placed[number % len(placed)]) if placed else None

    async def life(self) -> ChannelLife:
        """Return where the channel stands."""
        return (await self.storage.journal.life([SHOP]))[SHOP]

    async def state(self, reference: str) -> OrderState | None:
        """Return the state of an order as it is kept."""
        key = OrderKey(SHOP, reference)
        order = (await self.storage.orders.load([key])).get(key)
        return None if order is None else order.state

    async def is_stored(self, reference: str) -> bool:
        """Say whether an order is in the store, as no tombstone."""
        return await self.state(reference) not in (None, OrderState.DELETED)

    async def explain(self, reference: str, *, live: bool) -> Explanation:
        """Ask the doctor, and see that nobody's memory has changed by that."""
        before, calls = await self.remembered(), self.shop.calls.total()
        self.shop.memory.listens = False
        doctor = Doctor([self.channel], self.storage, clock=self.clock, retry=ONCE)
        told = await doctor.explain(reference, source=SHOP.source, subsource=SHOP.subsource, live=live)
        self.shop.memory.listens = True
        assert await self.remembered() == before, "to explain an order has changed what is kept"
        assert live or self.shop.calls.total() == calls, "to explain an order has called its channel"
        return told

    async def remembered(self) -> object:
        """Return all that is kept."""
        orders, journal = self.storage.orders, self.storage.journal
        decisions = await orders.decisions(SHOP)
        return (
            await orders.listed(),
            decisions,
            [await orders.decision_history(one.key) for one in decisions],
            [await orders.history(one.key) for one in await orders.listed()],
            await orders.quarantined(SHOP),
            await orders.progress(SHOP),
            await orders.watched(SHOP, at=self.clock.now() + timedelta(days=1000), limit=1000),
            await journal.entries(limit=10_000),
            await journal.life([SHOP]),
        )


class Step(Protocol):
    """Something that happens."""

    async def do(self, world: World) -> None:
        """Let it happen."""


@attrs.frozen(kw_only=True)
class Script:
    """A world and what happens in it, one step after another."""

    setup: Setup
    wishes: Wishes
    steps: tuple[Step, ...]

    def then(self, steps: Sequence[Step]) -> Script:
        """Return the same script with more at its end."""
        return attrs.evolve(self, steps=(*self.steps, *steps))


OpenStorage = Callable[[ManualClock], contextlib.AbstractAsyncContextManager[Storage]]


@contextlib.asynccontextmanager
async def lived(script: Script, open_storage: OpenStorage) -> AsyncIterator[World]:
    """Live through a script from its beginning."""
    clock, setup = ManualClock(), script.setup
    async with open_storage(clock) as storage:
        shop = (LawShopWithLookup if setup.lookup else LawShop)(
            SHOP,
            settings=settings_of(script.wishes),
            clock=clock,
            page_size=2,
            scan=setup.scan,  # type: ignore[arg-type] # "both" is a scan, too
            requires_status_mapping=setup.words,
            pages_in_update_order=setup.in_order,
        )
        shop.memory = Memory()
        for sku in ("MUG", BOX):
            await storage.listings.link(SHOP, sku, sku)
            ledger = cast("OwnStockLedger", storage.stock)
            await ledger.set_on_hand(sku, location="main", quantity=50, movement_id=f"count/{sku}")
        world = World(setup=setup, clock=clock, storage=storage, shop=shop, wishes=script.wishes)
        for step in script.steps:
            await step.do(world)
        yield world
