"""Who stands beside an author's channel while it is called: whatever it answers is held against what is true."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from ....channel import Channel
from ....errors import ChannelError
from ....model.channel_orders import ChannelOrder, OrderPage
from ....model.dispatch import DispatchNote
from ....model.listings import StockOutcome, StockResult, StockUpdate
from .harnessed import HarnessedMarket
from .weather import Weather

SECRET = re.compile("password|secret|token|key", re.IGNORECASE)
SHORTEST = 5
"""Shorter words of a buyer stand in innocent texts too."""

MARGIN_S = 1.0
DAY = timedelta(days=1)

Found = Callable[[str, str], None]
"""Takes note of a broken law: its name, and what was seen."""


@attrs.define
class Scan:
    """One reading of all pages: from which time on, when it began, and which orders it has shown."""

    since: datetime | None
    began: datetime
    seen: set[str] = attrs.field(factory=set)


class Watch:
    """Judges every answer and error of the channel; all programs of a simulation share one.

    What it finds broken it calls by what it is: ``ERROR``, ``SECRET``, ``HANG``, ``CANCEL``, ``SWEEP``, ``SCAN``,
    ``APPLIED``, ``LOST``.
    """

    def __init__(
        self, market: HarnessedMarket, weather: Weather, *, found: Found, secrets: Collection[str], judges_scans: bool
    ) -> None:
        self._market, self._weather, self._found = market, weather, found
        self._channel: Channel = market.channel
        self._secrets = set(secrets)
        self._judges_scans = judges_scans
        self._scans: dict[tuple[str, datetime | None, str], Scan] = {}
        self._tried: set[str] = set()

    def began(self, method: str) -> Callable[[BaseException | None], None]:
        """Note that a call begins; return what is to be told how it ended."""
        began_s, task = asyncio.get_running_loop().time(), asyncio.current_task()
        cancels = task.cancelling() if task is not None else 0

        def ended(error: BaseException | None) -> None:
            is_cancelled = task is not None and task.cancelling() > cancels
            self._ended(f"{type(self._channel).__name__}.{method}", began_s, error, is_cancelled=is_cancelled)

        return ended

    def _ended(self, name: str, began_s: float, error: BaseException | None, *, is_cancelled: bool) -> None:
        limit_s = self._channel.call_timeout.total_seconds()
        took_s = asyncio.get_running_loop().time() - began_s
        calm = self._weather.quiet_since is not None and self._weather.quiet_since <= began_s
        if took_s > limit_s + MARGIN_S:
            self._found("HANG", f"{name} went on for {took_s:.0f} s, though it was cancelled after {limit_s:.0f} s")
        elif calm and isinstance(error, asyncio.CancelledError) and took_s >= limit_s - MARGIN_S:
            self._found("HANG", f"{name} gave no answer within {limit_s:.0f} s on a day when nothing goes wrong")
        elif is_cancelled and (error is None or isinstance(error, Exception)):
            self._found("CANCEL", f"{name} was cancelled, and ended as if it had not been")
        if isinstance(error, ChannelError):
            self._says_nothing_secret(name, error)
        elif isinstance(error, Exception):
            self._found("ERROR", f"{name} raised {type(error).__name__}, which is no ChannelError")

    def begin_scan(self, process: str, since: datetime | None, cursor: str | None, now: datetime) -> Scan | None:
        """Return the scan that a page belongs to; None where its beginning was not seen."""
        return Scan(since, now) if cursor is None else self._scans.get((process, since, cursor))

    async def page(self, process: str, scan: Scan | None, page: OrderPage) -> None:
        """Take a page in; at the end of a scan, judge whether it has missed an order."""
        for order in page.orders:
            self._market.documents[order.reference] = order
            self._secrets.update(_words_of(order))
        if scan is None:
            return
        scan.seen.update(order.reference for order in page.orders)
        scan.seen.update(one.reference for one in page.unreadable if one.reference is not None)
        if page.next_cursor is not None:
            self._scans[process, scan.since, page.next_cursor] = scan
        elif self._judges_scans:
            await self._misses_nothing(scan)

    async def sent(self, note: DispatchNote, error: ChannelError | None) -> None:
        """Judge what the channel says of a note: that it is told, or certainly is not."""
        is_first, reference = note.id not in self._tried, note.order_key.reference
        self._tried.add(note.id)
        if error is not None and (error.applied is not False or not is_first):
            return
        there = any(_is_of(one.tracking_number, note) for one in await self._market.parcels(reference))
        if self._channel.whole_order_dispatch:
            there = bool(await self._market.parcels(reference))
        if error is None and not there:
            self._found("LOST", f"send_dispatch of {note.order_key} returned, and the marketplace knows no such parcel")
        if error is not None and there and note.tracking_number and reference not in self._market.by_hand:
            self._found("APPLIED", f"send_dispatch of {note.order_key} says applied=False, and the parcel is there")

    def pushed(self, updates: Sequence[StockUpdate], results: Sequence[StockResult], shown: Mapping[str, int]) -> None:
        """Judge a push during which nobody else did anything."""
        wanted = {one.channel_sku: one.quantity for one in updates}
        for result in results:
            sku = result.channel_sku
            if result.outcome is StockOutcome.ACCEPTED and sku in wanted and shown.get(sku) != wanted[sku]:
                text = f"push_stock: {sku} was accepted at {wanted[sku]}, and the marketplace shows {shown.get(sku)}"
                self._found("LOST", text)

    async def _misses_nothing(self, scan: Scan) -> None:
        if scan.since is not None and self._channel.scan == "state":
            return
        channel, market = self._channel, self._market
        for reference, bought in list(market.placed.items()):
            if reference in scan.seen or reference in market.spoiled or bought.at > scan.began - channel.listing_lag:
                continue
            if scan.since is None:
                if not await market.is_shipped(reference):
                    text = f"a sweep showed no order {reference}, which was placed before it began and is not shipped"
                    self._found("SWEEP", text)
            elif bought.at >= scan.since + channel.clock_skew + channel.stamp_granularity:
                text = (
                    f"all that changed since {scan.since:%H:%M:%S} holds no order {reference}, which was placed later"
                )
                self._found("SCAN", text)

    def _says_nothing_secret(self, name: str, error: ChannelError) -> None:
        secrets = [*self._secrets, *_secrets_of(self._channel)]
        for text in _told(error):
            if any(secret in text for secret in secrets):
                self._found("SECRET", f"{name}: its {type(error).__name__} holds a secret or something of a buyer")
                return


def _is_of(tracking_number: str | None, note: DispatchNote) -> bool:
    return not note.tracking_number or tracking_number == note.tracking_number


def _told(error: BaseException) -> Iterator[str]:
    """Return all that an error says, with whatever it came of."""
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or one in seen:
            continue
        seen.append(one)
        waiting += [one.__cause__, one.__context__]
        yield f"{one} {one!r} {one.args}"


def _secrets_of(channel: Channel) -> Iterator[str]:
    """Return what the channel, or an object that it keeps, has under the name of a secret."""
    owners = [channel, *(value for value in vars(channel).values() if hasattr(value, "__dict__"))]
    for owner in owners:
        for name, value in vars(owner).items():
            if isinstance(value, str) and SECRET.search(name) and len(value) >= SHORTEST:
                yield value


def _words_of(order: ChannelOrder) -> Iterator[str]:
    """Return what an order tells of its buyer."""
    words: list[Any] = []
    if order.buyer is not None:
        words += [order.buyer.name, order.buyer.email, order.buyer.phone]
    if order.shipping_address is not None:
        words += [order.shipping_address.name, *order.shipping_address.lines, order.shipping_address.phone]
    for word in words:
        if word and len(word) >= SHORTEST:
            yield word
