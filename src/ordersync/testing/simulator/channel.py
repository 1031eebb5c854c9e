"""The channel of a simulated marketplace, as one program reaches it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import attrs

from ...channel import Channel
from ...errors import ChannelResponseError
from ...model.channel_orders import ChannelOrder, OrderPage, UnreadableOrder
from ...model.dispatch import DispatchNote
from ...model.ids import ChannelId
from ...model.listings import ListingPage, StockOutcome, StockResult, StockUpdate
from ...model.settings import ChannelSettings
from .market import MEANINGS, Answer, MarketTraits, Shown, TrueMarket
from .market.shelf import result_of
from .net import Departure, Effect, FaultNet, Request
from .processes import Process

T = TypeVar("T")
Forged = Mapping[str, Callable[[random.Random], Effect[T]]]

APPLIED = "applied"
UNHEARD = "unheard"
DROPPED = "dropped"
ITEM_FATES: Mapping[str, float] = {
    APPLIED: 5.0,
    UNHEARD: 1.5,
    DROPPED: 1.0,
    StockOutcome.RETRY: 1.0,
    StockOutcome.REJECTED: 1.0,
    StockOutcome.UNKNOWN: 0.5,
}
"""What becomes of one level of a batch that fails by halves: all but the first two are not applied."""


class TrueChannel(Channel):
    """A program's way to a marketplace, over a net that fails; ``true_channel`` chooses the class that fits.

    Each call departs at once, with no await before it; only its answer takes time.
    """

    statuses = frozenset(MEANINGS)

    def __init__(
        self,
        channel_id: ChannelId,
        market: TrueMarket,
        net: FaultNet,
        process: Process,
        *,
        settings: ChannelSettings = ChannelSettings(),  # noqa: B008 - it is frozen
    ) -> None:
        """Reach *market* from *process* over *net*."""
        vars(self).update(declared(market.traits))
        super().__init__(channel_id, settings=settings)
        self._market, self._net, self._process = market, net, process

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Return one page of orders."""
        answer = await self._page(updated_since, cursor)
        self._market.told(answer.forms)
        documents = answer.documents
        return OrderPage(
            orders=[document for document in documents if isinstance(document, ChannelOrder)],
            unreadable=[document for document in documents if isinstance(document, UnreadableOrder)],
            next_cursor=answer.next_cursor,
            server_time=answer.server_time,
        )

    async def test_connection(self) -> None:
        """Ask for a page of orders, as the base class does; nobody reads it, so nobody counts as told."""
        await self._page(None, None)

    async def push_stock(self, updates: Sequence[StockUpdate]) -> Sequence[StockResult]:
        """Let listings show these levels."""
        levels = tuple(updates)
        return await self._call(
            "push_stock",
            lambda: self._market.set_levels(levels, by=self._process.name),
            forged={"half_batch": lambda chance: self._half(levels, chance)},
            content=levels,
        )

    async def send_dispatch(self, note: DispatchNote) -> None:
        """Mark a parcel as sent."""
        await self._call("send_dispatch", lambda: self._market.ship(note, by=self._process.name), content=note)

    async def _page(self, since: datetime | None, cursor: str | None) -> Answer:
        return await self._call(
            "fetch_orders",
            lambda: self._market.read_orders(since, cursor),
            forged=self._forged_pages(since, cursor),
        )

    async def _look_up(self, reference: str) -> ChannelOrder | UnreadableOrder | None:
        form: Shown | None = await self._call(
            "fetch_order",
            lambda: self._market.read_order(reference),
            forged={"truncated": lambda _: self._nonsense},
        )
        if form is None:
            return None
        self._market.told([form])
        return form.document

    async def _read_back(self, cursor: str | None) -> ListingPage:
        listings, next_cursor = await self._call("fetch_listings", lambda: self._market.list_levels(cursor))
        return ListingPage(listings=listings, next_cursor=next_cursor)

    async def _call(
        self, method: str, effect: Effect[T], *, forged: Forged[T] | None = None, content: object = None
    ) -> T:
        self._process.check()
        request = Request(
            departure=Departure(
                process=self._process.name,
                channel=self.id,
                method=method,
                effect=content is not None,
                content=content,
            ),
            timeout_s=self.call_timeout.total_seconds(),
            window_s=self.late_window.total_seconds(),
            slowness=self._market.traits.slowness,
            effect=effect,
            forged=forged or {},
        )
        try:
            answer = await self._net.call(request)
            await self._process.step(f"answer of {method}")
        except BaseException:
            self._net.troubled(request.departure)
            raise
        return answer

    def _forged_pages(self, since: datetime | None, cursor: str | None) -> Forged[Answer]:
        """Return the pages that are not what they should be.

        A page is cut short and its cursor goes on behind what is on it; or it makes no sense; or it shows an order as
        it was before; or a scan's first page wrongly says that there is nothing, or a later one points back at itself.
        """
        market = self._market

        def truncated(chance: random.Random) -> Effect[Answer]:
            if chance.random() < 0.4:
                return self._nonsense
            limit = chance.randint(1, market.traits.page_size)
            return lambda: market.read_orders(since, cursor, limit=limit)

        def empty(_: random.Random) -> Effect[Answer]:
            return lambda: Answer((), None, market.read_orders(since, cursor).server_time)

        def same_token(_: random.Random) -> Effect[Answer]:
            return lambda: _pointing_back(market.read_orders(since, cursor), cursor)

        def stale(_: random.Random) -> Effect[Answer]:
            return lambda: market.read_stale(since, cursor)

        of_its_place = {"empty": empty} if cursor is None else {"same_token": same_token}
        return {"truncated": truncated, "stale": stale, **of_its_place}

    def _nonsense(self) -> Any:  # noqa: ANN401 - in place of any answer
        raise ChannelResponseError(f"{self.id}: the answer ends in the middle; it is read again in the next run")

    def _half(self, updates: Sequence[StockUpdate], chance: random.Random) -> Effect[Sequence[StockResult]]:
        """Return a push of which some levels are refused, forgotten, or applied without a word."""
        fates = chance.choices(list(ITEM_FATES), list(ITEM_FATES.values()), k=len(updates))

        def effect() -> Sequence[StockResult]:
            taken = [update for update, fate in zip(updates, fates, strict=True) if fate in (APPLIED, UNHEARD)]
            results = iter(self._market.set_levels(taken, by=self._process.name))
            told = []
            for update, fate in zip(updates, fates, strict=True):
                result = next(results) if fate in (APPLIED, UNHEARD) else None
                if fate == APPLIED and result is not None:
                    told.append(result)
                elif isinstance(fate, StockOutcome):
                    told.append(result_of(update, fate))
            return told

        return effect


def _pointing_back(page: Answer, cursor: str | None) -> Answer:
    """Return a page that says, if more pages follow, that it is the next one itself."""
    return page if page.next_cursor is None else attrs.evolve(page, next_cursor=cursor)


class ChannelWithLookup(TrueChannel):
    """One that can be asked for an order."""

    async def fetch_order(self, reference: str) -> ChannelOrder | UnreadableOrder | None:
        """Return the order as a reader sees it now; None if there is none."""
        return await self._look_up(reference)


class ChannelWithReadBack(TrueChannel):
    """One whose listings can be read back."""

    async def fetch_listings(self, *, cursor: str | None = None) -> ListingPage:
        """Return one page of what the listings show."""
        return await self._read_back(cursor)


class ChannelWithBoth(ChannelWithLookup, ChannelWithReadBack):
    """One that can be asked for an order, and whose listings can be read back."""


def true_channel(
    channel_id: ChannelId,
    market: TrueMarket,
    net: FaultNet,
    process: Process,
    *,
    settings: ChannelSettings = ChannelSettings(),  # noqa: B008 - it is frozen
) -> TrueChannel:
    """Return the channel of *market* for one program, offering what the market can be asked."""
    kinds: Mapping[tuple[bool, bool], type[TrueChannel]] = {
        (False, False): TrueChannel,
        (True, False): ChannelWithLookup,
        (False, True): ChannelWithReadBack,
        (True, True): ChannelWithBoth,
    }
    kind = kinds[market.traits.can_look_up, market.traits.can_read_listings]
    return kind(channel_id, market, net, process, settings=settings)


def declared(traits: MarketTraits) -> Mapping[str, Any]:
    """Return what the channel of such a marketplace says of itself, by class attribute of ``Channel``."""
    return {
        "statuses": frozenset() if traits.words_only else frozenset(MEANINGS),
        "requires_status_mapping": traits.words_only,
        "stock_batch_size": traits.stock_batch_size,
        "decrements_on_sale": traits.decrements_on_sale,
        "requires_tracking": traits.requires_tracking,
        "whole_order_dispatch": traits.whole_order_dispatch,
        "scan": "updated" if traits.moves_stamps else "state",
        "pages_in_update_order": traits.in_update_order,
        "listing_lag": traits.lag,
        "stamp_granularity": traits.granularity,
        "clock_skew": abs(traits.skew) + traits.placing,
        "compare_and_set": traits.compare_and_set,
        "call_timeout": traits.call_timeout,
        "late_window": traits.late_window,
    }
