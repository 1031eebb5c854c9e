"""An author's channel as one simulated program reaches it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar, cast

import attrs

from ....channel import (
    Channel,
    SupportsDiagnosis,
    SupportsListings,
    SupportsOrderLookup,
    SupportsPayloads,
)
from ....clock import Clock
from ....errors import ChannelError
from ....model.channel_orders import ChannelOrder, Diagnosis, OrderPage, UnreadableOrder
from ....model.dispatch import DispatchNote
from ....model.listings import ListingPage, StockResult, StockUpdate
from ....model.settings import ChannelSettings
from ..processes import Process
from ..trace import Trace
from .harnessed import HarnessedMarket
from .watch import DAY, Watch
from .weather import Weather

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Surroundings:
    """What all programs' ways to the channel share."""

    market: HarnessedMarket
    weather: Weather
    watch: Watch
    clock: Clock
    trace: Trace


class WatchedChannel(Channel):
    """Passes every call on to the real channel at once, in bad weather; ``watched`` offers what that one offers."""

    def __init__(self, real: Channel, around: Surroundings, process: Process, *, settings: ChannelSettings) -> None:
        """Be to programs what *real* is."""
        traits = vars(Channel)["__annotations__"]
        vars(self).update({name: getattr(real, name) for name in traits})
        super().__init__(real.id, settings=settings)
        self._real, self._around, self._process = real, around, process

    async def test_connection(self) -> None:
        """Pass it on."""
        await self._call("test_connection", self._real.test_connection)

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Pass it on, and look whether a whole scan has missed something."""
        watch, process, now = self._around.watch, self._process.name, self._around.clock.now()
        if updated_since is None and cursor is not None and self._around.weather.quiet_since is None:
            await self._around.market.meddle()
        scan = watch.begin_scan(process, updated_since, cursor, now)
        page = await self._call(
            "fetch_orders", lambda: self._real.fetch_orders(updated_since=updated_since, cursor=cursor)
        )
        if not isinstance(page, OrderPage):
            return page
        await watch.page(process, scan, page)
        await self._process.step("a page")
        return self._dated(page)

    async def push_stock(self, updates: Sequence[StockUpdate]) -> Sequence[StockResult]:
        """Pass it on, and hold what is said against what the listings show."""
        market = self._around.market
        market.writes["push_stock"] += 1
        before = self._doings()
        results = await self._call("push_stock", lambda: self._real.push_stock(updates), effect=True)
        if self._doings() == before and len({one.channel_sku for one in updates}) == len(updates):
            self._around.watch.pushed(updates, results, await market.levels())
        await self._process.step("levels pushed")
        return results

    async def send_dispatch(self, note: DispatchNote) -> None:
        """Pass it on, and hold what is said against the parcels that the marketplace knows."""
        self._around.market.writes["send_dispatch"] += 1
        try:
            await self._call("send_dispatch", lambda: self._real.send_dispatch(note), effect=True)
        except ChannelError as error:
            await self._around.watch.sent(note, error)
            raise
        await self._around.watch.sent(note, None)
        await self._process.step("note sent")

    def _doings(self) -> tuple[float, int]:
        """Return what is another as soon as anybody may have moved a level of a listing."""
        market = self._around.market
        return asyncio.get_running_loop().time(), len(market.placed) + market.writes.total()

    def _dated(self, page: OrderPage) -> OrderPage:
        """Return a page as of now, where its server could only tell the time of this machine."""
        now = self._around.clock.now()
        if page.server_time is None or abs(page.server_time - now) < DAY:
            return page
        return attrs.evolve(page, server_time=now)

    async def _call(self, method: str, call: Callable[[], Coroutine[Any, Any, T]], *, effect: bool = False) -> T:
        self._process.check()
        self._around.trace.event(f"call {method}", self._process.name)
        ended = self._around.watch.began(method)
        try:
            answer = await self._around.weather.through(call, effect=effect)
        except BaseException as error:
            ended(error)
            raise
        ended(None)
        self._process.check()
        return answer


class _LooksUp(WatchedChannel):
    async def fetch_order(self, reference: str) -> ChannelOrder | UnreadableOrder | None:
        """Pass it on."""
        real = cast("SupportsOrderLookup", self._real)
        return await self._call("fetch_order", lambda: real.fetch_order(reference))


class _ReadsBack(WatchedChannel):
    async def fetch_listings(self, *, cursor: str | None = None) -> ListingPage:
        """Pass it on."""
        real = cast("SupportsListings", self._real)
        return await self._call("fetch_listings", lambda: real.fetch_listings(cursor=cursor))


class _Diagnoses(WatchedChannel):
    async def diagnose(self, reference: str, *, order: ChannelOrder | None, live: bool) -> Sequence[Diagnosis]:
        """Pass it on."""
        real = cast("SupportsDiagnosis", self._real)
        return await self._call("diagnose", lambda: real.diagnose(reference, order=order, live=live))


class _ReadsAgain(WatchedChannel):
    def read_order(self, payload: bytes) -> ChannelOrder | UnreadableOrder:
        """Pass it on."""
        return cast("SupportsPayloads", self._real).read_order(payload)


OFFERS: Mapping[type, type[WatchedChannel]] = {
    SupportsOrderLookup: _LooksUp,
    SupportsListings: _ReadsBack,
    SupportsDiagnosis: _Diagnoses,
    SupportsPayloads: _ReadsAgain,
}
"""How each of the things is passed on that a channel may offer; its clock and its webhooks are not."""


def watched_class(real: Channel) -> type[WatchedChannel]:
    """Return the class for a channel: it offers what that one offers."""
    kinds = tuple(kind for offer, kind in OFFERS.items() if isinstance(real, offer))
    return type(f"Watched{type(real).__name__}", kinds or (WatchedChannel,), {})
