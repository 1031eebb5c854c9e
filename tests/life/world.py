"""Two marketplaces, a storage that is watched, and what lies on the shelves in the beginning."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any, Protocol, cast

import attrs

from ordersync import ChannelId, ChannelOrder, OrderPage, StockRule, Storage, UnreadableOrder
from ordersync.model.dispatch import DispatchNote
from ordersync.model.orders import ConflictCode, Resolution
from ordersync.model.settings import ChannelSettings
from ordersync.ports import OwnStockLedger
from ordersync.testing import BareMarketplace, ManualClock
from ordersync.testing.market import MarketplaceWithLookup
from ordersync.testing.market_orders import MarketOrder

from .model import ChannelModel, Model
from .orders import Parts, Rules
from .stock import Shelves

SHOP = ChannelId("Shop", "north")
MARKET = ChannelId("Market", "uk")

OPENING = {("MUG", "main"): 12, ("LID", "main"): 20, ("MUG", "depot"): 6, ("LID", "depot"): 9}
SKUS = ("MUG", "LID", "POT", "BOX")
"""Our SKUs; a BOX may be a kit."""

LOCATIONS = ("main", "depot")

LINKS: Mapping[ChannelId, Mapping[str, Parts]] = {
    SHOP: {"MUG-S": {"MUG": 1}, "SET-S": {"MUG": 1, "LID": 2}, "LID-S": {"LID": 1}},
    MARKET: {"MUG-M": {"MUG": 1}, "SET-M": {"MUG": 1, "LID": 2}},
}
UNLINKED = {SHOP: "NEW-S", MARKET: "NEW-M"}
RULES = {SHOP: StockRule(buffer=1), MARKET: StockRule(locations=frozenset(LOCATIONS))}
OWN_RULES: Mapping[str, StockRule] = {"LID-S": StockRule(cap=4)}


class Bystander(Protocol):
    """Who sees what goes to and fro between a marketplace and a run."""

    def told(self, channel: ChannelId, orders: Collection[ChannelOrder], *, first: bool, last: bool) -> None:
        """See a page of a sweep begin or end, or any other answer."""

    def looked_up(self, channel: ChannelId, reference: str, *, found: bool) -> None:
        """See a look-up answered."""

    def took(self, note: DispatchNote, *, accepted: bool) -> None:
        """See a note arrive."""


class Watched(BareMarketplace):
    """A marketplace that sends some orders out of its own stock, with somebody beside it who sees everything."""

    bystander: Bystander | None = None

    def __init__(self, channel_id: ChannelId, **options: Any) -> None:  # noqa: ANN401 - as its base
        super().__init__(channel_id, **options)
        self.own: set[str] = set()
        self._selling_own = False
        self.ever_removed: set[str] = set()

    def remove(self, reference: str) -> None:
        """Let an order vanish, and remember that notes of it may have been given up meanwhile."""
        self.ever_removed.add(reference)
        super().remove(reference)

    def place_own(self, reference: str, *, lines: Mapping[str, int]) -> None:
        """Buy what the marketplace itself has in stock; it lowers no listing of ours."""
        self.own.add(reference)
        self._selling_own = True
        self.place(reference, lines=lines)
        self._selling_own = False

    def come_back(self, reference: str) -> None:
        """Show an order that had vanished."""
        order = self.orders[reference]
        order.removed = False
        self._book.changed(order, self.now())

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Return one page."""
        page = await super().fetch_orders(updated_since=updated_since, cursor=cursor)
        page = attrs.evolve(page, orders=[self.as_sold(order) for order in page.orders])
        if self.bystander is not None:
            sweep, last = updated_since is None, page.next_cursor is None
            self.bystander.told(self.id, page.orders, first=sweep and cursor is None, last=sweep and last)
        return page

    def receive(self, note: DispatchNote, at: datetime) -> None:
        """Take in a note."""
        known = len(self.shipments)
        try:
            super().receive(note, at)
        finally:
            if self.bystander is not None:
                self.bystander.took(note, accepted=len(self.shipments) > known)

    def as_sold(self, order: ChannelOrder) -> ChannelOrder:
        """Return an order as it is shown: some are sent by the marketplace itself."""
        return attrs.evolve(order, fulfilled_by_channel=order.reference in self.own)

    def _sell(self, lines: Mapping[str, int], location: str | None, now: datetime) -> None:
        if not self._selling_own:
            super()._sell(lines, location, now)

    def _move(self, order: MarketOrder, sku: str, by: int, now: datetime) -> None:
        if order.reference not in self.own:
            super()._move(order, sku, by, now)


class WatchedWithLookup(Watched, MarketplaceWithLookup):
    """One that can be asked for one order, too."""

    async def fetch_order(self, reference: str) -> ChannelOrder | UnreadableOrder | None:
        """Return one order."""
        found = await super().fetch_order(reference)
        order = self.as_sold(found) if isinstance(found, ChannelOrder) else None
        if self.bystander is not None:
            self.bystander.looked_up(self.id, reference, found=order is not None)
            self.bystander.told(self.id, [] if order is None else [order], first=False, last=False)
        return order


@attrs.frozen(kw_only=True)
class Habits:
    """What the host has decided, and may decide otherwise in another world."""

    shipped_elsewhere: Resolution | None = None
    vanished: Resolution | None = None
    ended_too: bool = False
    keeps_channel_stock: bool = False

    @property
    def by_settings(self) -> Mapping[ConflictCode, Resolution]:
        """Return how conflicts of the shop are decided without asking."""
        told = {ConflictCode.SHIPPED_ELSEWHERE: self.shipped_elsewhere, ConflictCode.VANISHED: self.vanished}
        return {code: resolution for code, resolution in told.items() if resolution is not None}


@attrs.frozen
class World:
    """What the channels know, what we know, and what time it is."""

    clock: ManualClock
    shop: Watched
    market: WatchedWithLookup
    storage: Storage

    @property
    def marketplaces(self) -> Sequence[Watched]:
        """Return both marketplaces."""
        return self.shop, self.market

    def at(self, channel: ChannelId) -> Watched:
        """Return one marketplace."""
        return self.shop if channel == SHOP else self.market


def _settings(channel: ChannelId, habits: Habits) -> ChannelSettings:
    is_shop = channel == SHOP
    return ChannelSettings(
        stock_rule=RULES[channel],
        location="main" if is_shop else "depot",
        download_unpaid=is_shop,
        import_shipped=habits.ended_too and not is_shop,
        import_cancelled=habits.ended_too and not is_shop,
        fulfillment_reserves=habits.keeps_channel_stock,
        shipped_elsewhere=habits.shipped_elsewhere if is_shop else None,
        vanished=habits.vanished if is_shop else None,
        drift_check_every=timedelta(days=1000),
    )


def new_model(habits: Habits) -> Model:
    """Return the model of a world in which nothing has happened."""
    shop = Rules(location="main", unpaid_too=True, keeps_channel_stock=habits.keeps_channel_stock)
    market = Rules(location="depot", ended_too=habits.ended_too, keeps_channel_stock=habits.keeps_channel_stock)
    return Model(
        channels={
            SHOP: ChannelModel(shop, can_look=False, by_settings=habits.by_settings),
            MARKET: ChannelModel(market, can_look=True, by_settings={}),
        },
        shelves=Shelves(links={channel: dict(links) for channel, links in LINKS.items()}),
    )


async def open_world(
    stack: AsyncExitStack, open_storage: Callable[[ManualClock], Storage], habits: Habits, model: Model
) -> World:
    """Open a world in which goods lie on the shelves and nobody has bought anything yet."""
    clock = ManualClock()
    storage = await stack.enter_async_context(open_storage(clock))
    shop = Watched(SHOP, settings=_settings(SHOP, habits), clock=clock, page_size=3)
    market = WatchedWithLookup(MARKET, settings=_settings(MARKET, habits), clock=clock, page_size=2)
    for marketplace in (shop, market):
        await stack.enter_async_context(marketplace)
        for sku in (*LINKS[marketplace.id], UNLINKED[marketplace.id]):
            marketplace.list_sku(sku, 7)
        for sku, parts in LINKS[marketplace.id].items():
            await storage.listings.link(marketplace.id, sku, dict(parts), rule=OWN_RULES.get(sku))
    ledger = cast("OwnStockLedger", storage.stock)
    for (sku, location), quantity in OPENING.items():
        movement = f"opening/{sku}/{location}"
        await ledger.set_on_hand(sku, location=location, quantity=quantity, movement_id=movement)
        model.shelves.move(movement, {(sku, location): quantity})
    return World(clock, shop, market, storage)
