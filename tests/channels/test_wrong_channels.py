"""The contract is tested by channels that are wrong on purpose: each breaks the law that forbids it."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import aiohttp
import attrs
import pytest

from channels.market_harness import TOKEN, MarketHarness
from ordersync.channel import Channel
from ordersync.errors import (
    ChannelError,
    ChannelRejectedError,
    ChannelResponseError,
    ChannelUnavailableError,
)
from ordersync.http import Answer, Call
from ordersync.model.channel_orders import ChannelOrder, OrderPage, UnreadableOrder
from ordersync.model.dispatch import DispatchNote
from ordersync.model.listings import StockOutcome, StockResult, StockUpdate
from ordersync.model.money import Money
from ordersync.testing import FakeMarketplace
from ordersync.testing.contracts.channel import ChannelContract, ChannelHarness
from ordersync.testing.loopback import LoopbackChannel
from ordersync.testing.network import BadNetwork
from ordersync.testing.server import serve


class Flawed(LoopbackChannel):
    """A channel that knows the marketplace behind it, so that it can be wrong about it."""

    market: FakeMarketplace


class AddsLevels(Flawed):
    """Adds what it should set."""

    async def push_stock(self, updates: Sequence[StockUpdate]) -> Sequence[StockResult]:
        """Add each level to the one that is shown."""
        levels = self.market.levels
        more = [attrs.evolve(one, quantity=one.quantity + levels.get(one.channel_sku, 0)) for one in updates]
        return await super().push_stock(more)


class SetsTheRest(Flawed):
    """Sets what it knows and refuses the batch all the same."""

    async def push_stock(self, updates: Sequence[StockUpdate]) -> Sequence[StockResult]:
        """Raise for the whole after a part."""
        results = await super().push_stock(updates)
        if any(one.outcome is StockOutcome.UNKNOWN_SKU for one in results):
            raise ChannelRejectedError(f"{self.id}: an item is unknown")
        return results


class ReadsOnePage(Flawed):
    """Takes the first page for all."""

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Forget the cursor."""
        page = await super().fetch_orders(updated_since=updated_since, cursor=cursor)
        return attrs.evolve(page, next_cursor=None)


class GoesInCircles(Flawed):
    """Never comes to an end."""

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Begin again after each page."""
        page = await super().fetch_orders(updated_since=updated_since, cursor=cursor and None)
        return attrs.evolve(page, next_cursor="next")


class IgnoresTime(Flawed):
    """Sweeps where it should look for changes."""

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Sweep."""
        return await super().fetch_orders(updated_since=updated_since and None, cursor=cursor)


class CountsInFloats(Flawed):
    """Makes amounts from binary fractions."""

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Spoil the totals."""
        page = await super().fetch_orders(updated_since=updated_since, cursor=cursor)
        total = Money(Decimal(len(page.orders) / 10), "EUR")
        return attrs.evolve(page, orders=[attrs.evolve(order, total=total) for order in page.orders])


class GivesUpOnOne(Flawed):
    """Lets one malformed order stop all."""

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Raise."""
        page = await super().fetch_orders(updated_since=updated_since, cursor=cursor)
        if page.unreadable:
            raise ChannelResponseError(f"{self.id}: an order cannot be read")
        return page


class HidesOutages(Flawed):
    """Takes an outage for an empty shop."""

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Swallow the error."""
        with suppress(ChannelError):
            return await super().fetch_orders(updated_since=updated_since, cursor=cursor)
        return OrderPage(orders=())


class TakesAnythingForAnOutage(Flawed):
    """Knows one error only."""

    def failure(self, call: Call, answer: Answer) -> ChannelError:
        """Promise that tomorrow is better."""
        return ChannelUnavailableError(f"{call}: answered {answer.status}; try later")


class QuotesAnswers(Flawed):
    """Tells in its errors what the answer said."""

    def failure(self, call: Call, answer: Answer) -> ChannelError:
        """Quote."""
        return type(super().failure(call, answer))(f"{call}: {answer.json}")


class ClaimsToKnow(Flawed):
    """Says of each failed push that it had no effect."""

    async def push_stock(self, updates: Sequence[StockUpdate]) -> Sequence[StockResult]:
        """Claim."""
        try:
            return await super().push_stock(updates)
        except ChannelError as error:
            error.applied = False
            raise


class FailsInItsOwnWay(Flawed):
    """Lets other libraries' errors through."""

    async def send_dispatch(self, note: DispatchNote) -> None:
        """Raise what a client of HTTP raises."""
        try:
            await super().send_dispatch(note)
        except ChannelError as error:
            raise aiohttp.ClientError(str(error)) from error


class ShipsHalf(Flawed):
    """Sends less than the note says."""

    async def send_dispatch(self, note: DispatchNote) -> None:
        """Send one piece of each line."""
        await super().send_dispatch(attrs.evolve(note, lines=dict.fromkeys(note.lines, 1)))


class ShipsTwice(Flawed):
    """Tries an effect again by itself, on a marketplace that ships whatever it is told."""

    async def send_dispatch(self, note: DispatchNote) -> None:
        """Send the note two times."""
        await super().send_dispatch(note)
        await super().send_dispatch(note)


class RefusesStrangers(Flawed):
    """Raises where it should say None."""

    async def fetch_order(self, reference: str) -> ChannelOrder | UnreadableOrder | None:
        """Raise."""
        found = await super().fetch_order(reference)
        if found is None:
            raise ChannelRejectedError(f"{self.id}: no such order")
        return found


class Dozes(Flawed):
    """Blocks the event loop."""

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Sleep as if nobody else were there."""
        time.sleep(0.001)  # noqa: ASYNC251 - the flaw
        return await super().fetch_orders(updated_since=updated_since, cursor=cursor)


class AsksInTheOldWay(Flawed):
    """Asks without asyncio, as the usual HTTP clients do, and makes an outage of what it is told."""

    async def test_connection(self) -> None:
        """Ask as in a script."""
        url = self._address.below("")
        with closing(socket.socket()) as connection:
            try:
                connection.connect((url.host, url.port))
            except Exception as error:
                raise ChannelUnavailableError(f"{self.id}: it cannot be reached") from error


class ReadsItsKeyEachTime(Flawed):
    """Waits for a disk."""

    async def test_connection(self) -> None:
        """Let another module read a file."""
        Path(__file__).read_text(encoding="utf-8")  # noqa: ASYNC240 - the flaw


class LocksItselfOut(Flawed):
    """Keeps its lock when it is cancelled."""

    lock: asyncio.Lock | None = None

    async def push_stock(self, updates: Sequence[StockUpdate]) -> Sequence[StockResult]:
        """Release the lock only where all goes well."""
        self.lock = self.lock or asyncio.Lock()
        async with asyncio.timeout(1):
            await self.lock.acquire()
        try:
            results = await super().push_stock(updates)
        except ChannelError:
            self.lock.release()
            raise
        self.lock.release()
        return results


class StaysClosed(Flawed):
    """Cannot be opened a second time."""

    opened = False

    async def open(self) -> None:
        """Open once."""
        if not self.opened:
            self.opened = True
            await super().open()


class ClosesWhatItBorrowed(Flawed):
    """Closes a session that is not its own."""

    async def aclose(self) -> None:
        """Close everything."""
        if self._given_session is not None:
            await self._given_session.close()
        await super().aclose()


BROKEN = (
    AssertionError,
    pytest.fail.Exception,
    ChannelError,
    aiohttp.ClientError,
    TimeoutError,
    RuntimeError,
)
"""How a law fails: by what it says, or by what the channel raises."""

WRONG: list[tuple[type[Flawed], str]] = [
    (AddsLevels, "test_level_is_not_added"),
    (AddsLevels, "test_listing_shows_what_was_pushed"),
    (SetsTheRest, "test_unknown_sku_stops_only_itself"),
    (ReadsOnePage, "test_sweep_ends_and_misses_nothing"),
    (GoesInCircles, "test_sweep_ends_and_misses_nothing"),
    (IgnoresTime, "test_nothing_has_changed_in_the_future"),
    (IgnoresTime, "test_changes_are_found_by_time"),
    (CountsInFloats, "test_times_are_in_utc_and_money_is_exact"),
    (GivesUpOnOne, "test_malformed_order_stops_only_itself"),
    (HidesOutages, "test_broken_server"),
    (HidesOutages, "test_page_for_people"),
    (HidesOutages, "test_nonsense"),
    (HidesOutages, "test_connection_can_be_tested"),
    (TakesAnythingForAnOutage, "test_refused_credentials"),
    (TakesAnythingForAnOutage, "test_refused_request"),
    (TakesAnythingForAnOutage, "test_too_many_requests"),
    (QuotesAnswers, "test_error_tells_nothing_of_the_answer"),
    (ClaimsToKnow, "test_lost_answer_hides_an_effect"),
    (FailsInItsOwnWay, "test_cut_connection"),
    (FailsInItsOwnWay, "test_redirect"),
    (FailsInItsOwnWay, "test_refused_note_says_that_it_had_no_effect"),
    (ShipsHalf, "test_parcel_arrives_to_the_piece"),
    (ShipsHalf, "test_shipment_can_be_looked_up"),
    (ShipsTwice, "test_note_of_a_whole_order_is_one_parcel"),
    (ShipsTwice, "test_part_of_an_order_is_shipped"),
    (RefusesStrangers, "test_unknown_reference_is_none"),
    (Dozes, "test_nothing_blocks_the_event_loop"),
    (AsksInTheOldWay, "test_nothing_blocks_the_event_loop"),
    (LocksItselfOut, "test_cancelled_wait_leaves_a_usable_channel"),
    (LocksItselfOut, "test_cancelled_call_leaves_a_usable_channel"),
    (StaysClosed, "test_closed_channel_can_be_opened_again"),
    (ClosesWhatItBorrowed, "test_borrowed_session_stays_open"),
]


class LendingHarness(MarketHarness):
    """A harness that can lend a session."""

    def borrowing(self, session: aiohttp.ClientSession) -> Channel:
        """Make another channel of the same kind that uses the session."""
        known = self.channel
        assert isinstance(known, LoopbackChannel)
        borrower = type(known)(known.id, url=str(known._address.below("")), token=TOKEN)
        borrower._given_session = borrower._session = session
        return borrower


def trying(kind: type[LoopbackChannel]) -> ChannelContract:
    """Return the contract over a channel of this kind."""

    class Trial(ChannelContract):
        @asynccontextmanager
        async def open(self) -> AsyncIterator[ChannelHarness]:
            market, network = FakeMarketplace(refuses_overshipping=kind is not ShipsTwice), BadNetwork()
            async with serve(market, token=TOKEN, network=network) as url:
                channel = kind(market.id, url=url, token=TOKEN)
                vars(channel)["market"] = market
                async with channel:
                    yield LendingHarness(channel, market, network)

    return Trial()


@pytest.mark.parametrize(("kind", "name"), WRONG, ids=lambda value: getattr(value, "__name__", value))
def test_wrong_channel_breaks_its_law(kind: type[Flawed], name: str) -> None:
    """The law that forbids the flaw fails on a channel that has it, and holds on one that has not."""
    law, counterpart = getattr(trying(kind), name), getattr(trying(LoopbackChannel), name)

    with pytest.raises(BROKEN):
        law()
    counterpart()


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (Dozes, r"Dozes\.fetch_orders: time\.sleep blocks the event loop \(.*py:\d+: time\.sleep\(0\.001\)"),
        (
            AsksInTheOldWay,
            r"test_connection: socket\.socket\.connect blocks .*py:\d+: connection\.connect\(.*\.request",
        ),
        (
            ReadsItsKeyEachTime,
            r"test_connection: .*Text.*read blocks .*wrong_channels\.py:\d+: Path\(__file__\)\.read_text",
        ),
    ],
)
def test_blocking_call_is_told_with_its_line(kind: type[Flawed], told: str) -> None:
    """The law says which call blocks and where the channel makes it, also when that made another error of it."""
    with pytest.raises(pytest.fail.Exception, match=told):
        trying(kind).test_nothing_blocks_the_event_loop()
