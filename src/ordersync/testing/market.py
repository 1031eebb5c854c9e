"""A marketplace for tests that is no mock: it holds facts, obeys the channel laws, and can misbehave."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Self, Unpack

import attrs

from ..channel import Channel
from ..clock import Clock, SystemClock
from ..model.channel_orders import ChannelOrder, OrderPage, UnreadableOrder
from ..model.dispatch import DispatchNote
from ..model.ids import ChannelId
from ..model.listings import ListingPage, StockResult, StockUpdate
from ..model.settings import ChannelSettings
from ..structuring import read_payload
from .market_book import Pager
from .market_documents import read_document, reference_of
from .market_facts import Habits
from .market_faults import UnreliableMarket
from .market_orders import MEANINGS, Sight
from .traits import MarketTraits, give_traits

MARKET = ChannelId("Fake", "market")


@attrs.frozen
class SightPage:
    """One page of orders as the marketplace shows them."""

    sights: Sequence[Sight]
    next_cursor: str | None
    server_time: datetime


class BareMarketplace(UnreliableMarket, Channel):
    """A marketplace that offers no more than a channel must: see ``FakeMarketplace``."""

    statuses = frozenset(MEANINGS)
    clock_skew = timedelta(0)
    oversells: ClassVar[bool] = True
    refuses_overshipping: ClassVar[bool] = True
    knows_note_ids: ClassVar[bool] = False

    def __init__(
        self,
        channel_id: ChannelId = MARKET,
        *,
        settings: ChannelSettings = ChannelSettings(),  # noqa: B008 - it is frozen
        clock: Clock | None = None,
        page_size: int = 2,
        **traits: Unpack[MarketTraits],
    ) -> None:
        """Open an empty marketplace; *clock* is this machine's if omitted."""
        give_traits(self, traits)
        Channel.__init__(self, channel_id, settings=settings)
        habits = {field.name: getattr(self, field.name) for field in attrs.fields(Habits)}
        UnreliableMarket.__init__(self, channel_id, clock=clock or SystemClock(), habits=Habits(**habits))
        self._pager = Pager(channel_id, page_size, self.pages_in_update_order)
        self._page_size = page_size

    def with_settings(self, settings: ChannelSettings) -> Self:
        """Return the same marketplace as another host sees it that has other settings."""
        twin = copy.copy(self)
        twin.settings = self.settings_in_force(settings)
        return twin

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Return one page of orders."""
        page = await self.read_page(updated_since, cursor)
        shown = [sight.shown for sight in page.sights]
        return OrderPage(
            orders=[order for order in shown if isinstance(order, ChannelOrder)],
            unreadable=[order for order in shown if isinstance(order, UnreadableOrder)],
            next_cursor=page.next_cursor,
            server_time=page.server_time,
        )

    async def push_stock(self, updates: Sequence[StockUpdate]) -> Sequence[StockResult]:
        """Show these levels where nothing speaks against it."""
        return await self._perform("push_stock", lambda at: self._shelf.apply(updates, at))

    async def send_dispatch(self, note: DispatchNote) -> None:
        """Mark the note's lines as shipped."""
        await self._perform("send_dispatch", lambda at: self.receive(note, at))

    async def read_page(self, since: datetime | None, cursor: str | None) -> SightPage:
        """Return one page of orders with their documents; it counts as ``fetch_orders``."""

        def read(now: datetime) -> SightPage:
            sights = self._book.scan(since, now, in_update_order=self.pages_in_update_order)
            page, next_cursor = self._pager.page(sights, since=since, cursor=cursor)
            return SightPage(page, next_cursor, now)

        return await self._perform("fetch_orders", read)

    async def read_sight(self, reference: str) -> Sight | None:
        """Return one order with its document; it counts as ``fetch_order``."""
        return await self._perform("fetch_order", lambda now: self._book.seen_at(reference, now))

    async def read_listings(self, cursor: str | None) -> ListingPage:
        """Return one page of what the listings show; it counts as ``fetch_listings``."""

        def read(now: datetime) -> ListingPage:
            seen = self._shelf.seen_at(now)
            start = int(cursor or 0)
            end = start + self._page_size
            return ListingPage(listings=seen[start:end], next_cursor=str(end) if end < len(seen) else None)

        return await self._perform("fetch_listings", read)


class MarketplaceWithLookup(BareMarketplace):
    """A marketplace that can be asked for one order, and whose listings cannot be read back."""

    async def fetch_order(self, reference: str) -> ChannelOrder | UnreadableOrder | None:
        """Return the order as it is shown now."""
        sight = await self.read_sight(reference)
        return None if sight is None else sight.shown


class MarketplaceWithReadBack(BareMarketplace):
    """A marketplace whose listings can be read back, and that cannot be asked for one order."""

    async def fetch_listings(self, *, cursor: str | None = None) -> ListingPage:
        """Return one page of what the listings show now."""
        return await self.read_listings(cursor)


class FakeMarketplace(MarketplaceWithLookup, MarketplaceWithReadBack):
    """A marketplace in memory, with buyers, staff and a network that can misbehave.

    It is written from the laws of ``Channel`` and shares no logic with the engine. It holds facts:
    ``orders``, ``levels``, ``levels_applied``, ``shipments`` and ``notes_received``. People act on it by
    ``place``, ``pay``, ``cancel``, ``edit``, ``ship_by_hand`` and others; ``fail_next``, ``delay``,
    ``late_copy`` and ``on_call`` let calls go wrong.

    A keyword named like a class attribute of ``Channel`` changes it for this marketplace alone. With
    ``requires_status_mapping=True`` its orders carry words only, and what it says of the payment itself if a
    ``transact`` told it; with ``scan="state"`` no change
    moves ``updated_at``. Its own traits:

    * ``page_size``: orders and listings a page; small, so that paging is always exercised;
    * ``oversells``: it sells more than it shows; else ``place`` raises ``ValueError``;
    * ``refuses_overshipping``: it refuses a note for more pieces than are open; else it ships six of four, as
      real shops do;
    * ``knows_note_ids``: a note that took effect has none when it is repeated; most marketplaces do not know
      our ids, and ship the rest of the order for a repeated part.

    It alone can read again a document that was kept: ``read_order``. ``BareMarketplace``, ``MarketplaceWithLookup``
    and ``MarketplaceWithReadBack`` offer less.
    """

    def read_order(self, payload: bytes) -> ChannelOrder | UnreadableOrder:
        """Read a document that was kept; asks nobody, and is no call."""
        return read_payload(payload, read_document, reference=reference_of)
