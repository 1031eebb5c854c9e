"""The simulated world is tested by channels with one mistake each: it finds the mistake within its seeds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import ClassVar

import aiohttp
import attrs
import pytest

from channels.market_harness import TOKEN, MarketHarness
from ordersync.errors import ChannelError, ChannelRejectedError, ChannelUnavailableError
from ordersync.http import Answer, Call, Transport
from ordersync.model.channel_orders import ChannelOrder, FulfillmentStatus, OrderPage, UnreadableOrder
from ordersync.model.dispatch import DispatchNote
from ordersync.model.listings import StockOutcome, StockResult, StockUpdate
from ordersync.testing import FakeMarketplace
from ordersync.testing.contracts.channel import ChannelHarness
from ordersync.testing.loopback import LoopbackChannel
from ordersync.testing.network import BadNetwork
from ordersync.testing.server import serve
from ordersync.testing.simulator.authors import ChannelSimulation, told

SEEDS = range(20)


class SendsAgain(LoopbackChannel):
    """Tries a note again by itself when no answer came."""

    async def send_dispatch(self, note: DispatchNote) -> None:
        """Be helpful."""
        try:
            await super().send_dispatch(note)
        except ChannelUnavailableError:
            await super().send_dispatch(note)


class TakesSilenceForSuccess(LoopbackChannel):
    """Takes an outage for a parcel that was told."""

    async def send_dispatch(self, note: DispatchNote) -> None:
        """Swallow the error."""
        with suppress(ChannelUnavailableError):
            await super().send_dispatch(note)


class TakesSilenceForShown(LoopbackChannel):
    """Takes an outage for levels that are shown, and cannot read them back."""

    fetch_listings = None  # type: ignore[assignment]

    async def push_stock(self, updates: Sequence[StockUpdate]) -> Sequence[StockResult]:
        """Swallow the error."""
        try:
            return await super().push_stock(updates)
        except ChannelUnavailableError:
            return [StockResult(channel_sku=one.channel_sku, outcome=StockOutcome.ACCEPTED) for one in updates]


class PagesByOffset(LoopbackChannel):
    """Takes pages as they come from an API that counts from the beginning, and misses what moved up meanwhile."""

    pages_in_update_order = False


class ClaimsToKnow(LoopbackChannel):
    """Says of each note without an answer that it had no effect."""

    async def send_dispatch(self, note: DispatchNote) -> None:
        """Claim."""
        try:
            await super().send_dispatch(note)
        except ChannelUnavailableError as error:
            error.applied = False
            raise


class HidesOutages(LoopbackChannel):
    """Takes an outage for the end of the list."""

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Return an empty page."""
        with suppress(ChannelError):
            return await super().fetch_orders(updated_since=updated_since, cursor=cursor)
        return OrderPage(orders=())


class FailsInItsOwnWay(LoopbackChannel):
    """Lets other libraries' errors through."""

    async def send_dispatch(self, note: DispatchNote) -> None:
        """Raise what a client of HTTP raises."""
        try:
            await super().send_dispatch(note)
        except ChannelError as error:
            raise aiohttp.ClientError(str(error)) from error


class QuotesAnswers(LoopbackChannel):
    """Tells in its errors who bought."""

    last: ClassVar[list[ChannelOrder]] = []

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Remember a buyer."""
        page = await super().fetch_orders(updated_since=updated_since, cursor=cursor)
        self.last[:] = page.orders or self.last
        return page

    def failure(self, call: Call, answer: Answer) -> ChannelError:  # noqa: ARG002 - it says nothing of it
        """Quote."""
        name = self.last[0].shipping_address if self.last else None
        return ChannelUnavailableError(f"{call}: no answer about {name and name.name}")


class ShowsItsToken(LoopbackChannel):
    """Writes its key into its errors, as whoever prints headers does."""

    def failure(self, call: Call, answer: Answer) -> ChannelError:
        """Print the headers."""
        error = super().failure(call, answer)
        error.args = (f"{error} (authorization: Bearer {TOKEN})",)
        return error


class LocksItselfOut(LoopbackChannel):
    """Keeps its lock when it is cancelled."""

    lock: asyncio.Lock | None = None

    async def push_stock(self, updates: Sequence[StockUpdate]) -> Sequence[StockResult]:
        """Release the lock only where all goes well or badly in time."""
        self.lock = self.lock or asyncio.Lock()
        await self.lock.acquire()
        try:
            results = await super().push_stock(updates)
        except ChannelError:
            self.lock.release()
            raise
        self.lock.release()
        return results


class CannotBeStopped(LoopbackChannel):
    """Goes on when it is cancelled."""

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Shield the request from whoever gives up, and wait all the same."""
        asking = asyncio.ensure_future(super().fetch_orders(updated_since=updated_since, cursor=cursor))
        with suppress(asyncio.CancelledError):
            await asyncio.shield(asking)
        return await asking


class AddsLevels(LoopbackChannel):
    """Repeats a push without an answer with one piece less, as whoever counts by himself does."""

    async def push_stock(self, updates: Sequence[StockUpdate]) -> Sequence[StockResult]:
        """Send something else than was asked."""
        return await super().push_stock([attrs.evolve(one, quantity=max(0, one.quantity - 1)) for one in updates])


class ShipsWholeOrders(LoopbackChannel):
    """Ships one piece more of each line where there was a part."""

    async def send_dispatch(self, note: DispatchNote) -> None:
        """Send other lines than the note's."""
        await super().send_dispatch(attrs.evolve(note, lines={line: count + 1 for line, count in note.lines.items()}))


class PushesAgain(LoopbackChannel):
    """Never knows what became of a level, and has it pushed again for ever."""

    async def push_stock(self, updates: Sequence[StockUpdate]) -> Sequence[StockResult]:
        """Say that it is to be tried again."""
        results = await super().push_stock(updates)
        return [attrs.evolve(one, outcome=StockOutcome.RETRY) for one in results]


class LooksAtNothing(LoopbackChannel):
    """Shows every order as it was bought, so that nobody sees what has left."""

    async def fetch_order(self, reference: str) -> ChannelOrder | UnreadableOrder | None:
        """Forget shipments."""
        found = await super().fetch_order(reference)
        if not isinstance(found, ChannelOrder):
            return found
        lines = [attrs.evolve(line, shipped=0) for line in found.lines]
        return attrs.evolve(found, fulfillment=FulfillmentStatus.UNSHIPPED, shipments=(), lines=lines)


class ForgetsLines(LoopbackChannel):
    """Reads the first line of an order only."""

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Cut every order."""
        page = await super().fetch_orders(updated_since=updated_since, cursor=cursor)
        return attrs.evolve(page, orders=[attrs.evolve(one, lines=one.lines[:1]) for one in page.orders])


class RefusesRatherThanWaits(LoopbackChannel):
    """Takes an outage for a refusal."""

    async def send_dispatch(self, note: DispatchNote) -> None:
        """Give up for good."""
        try:
            await super().send_dispatch(note)
        except ChannelUnavailableError as error:
            raise ChannelRejectedError(f"{self.id}: refused") from error


def simulating(kind: type[LoopbackChannel]) -> ChannelSimulation:
    """Return the simulation of a channel of this kind."""
    keyset = kind is not PagesByOffset

    class Trial(ChannelSimulation):
        @asynccontextmanager
        async def harness(self) -> AsyncIterator[ChannelHarness]:
            market = FakeMarketplace(clock=self.clock, refuses_overshipping=False, pages_in_update_order=keyset)
            network, transport = BadNetwork(), Transport(clock=self.clock)
            async with serve(market, token=TOKEN, network=network) as url:
                channel = kind(market.id, url=url, token=TOKEN, transport=transport, pages_in_update_order=keyset)
                async with channel:
                    yield MarketHarness(channel, market, network)

    return Trial()


WRONG: list[tuple[type[LoopbackChannel], set[str]]] = [
    (SendsAgain, {"DISPATCH", "APPLIED"}),
    (TakesSilenceForSuccess, {"LOST"}),
    (TakesSilenceForShown, {"LOST"}),
    (PagesByOffset, {"SWEEP"}),
    (ClaimsToKnow, {"DISPATCH", "APPLIED"}),
    (HidesOutages, {"SCAN", "SWEEP"}),
    (FailsInItsOwnWay, {"ERROR"}),
    (QuotesAnswers, {"SECRET"}),
    (ShowsItsToken, {"SECRET"}),
    (LocksItselfOut, {"HANG"}),
    (CannotBeStopped, {"CANCEL", "HANG"}),
    (AddsLevels, {"LOST"}),
    (ShipsWholeOrders, {"DISPATCH"}),
    (PushesAgain, {"IDLE"}),
    (LooksAtNothing, {"DISPATCH"}),
    (ForgetsLines, {"STORED"}),
    (RefusesRatherThanWaits, {"DISPATCH", "APPLIED"}),
]
"""Each mistake, and by which names it may be found first."""

QUICK = (HidesOutages, ShowsItsToken, AddsLevels)
"""Those that one of the first seeds finds."""


def first_found(kind: type[LoopbackChannel], seeds: Sequence[int]) -> str:
    """Return the first law that is broken within some seeds; empty when all hold."""
    for seed in seeds:
        violation = simulating(kind).play(seed).violation
        if violation is not None:
            return violation.law
    return ""


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "laws"), WRONG, ids=lambda value: getattr(value, "__name__", ""))
def test_mistake_is_found(kind: type[LoopbackChannel], laws: set[str]) -> None:
    """A channel with a mistake fails within the seeds that an author plays."""
    assert first_found(kind, SEEDS) in laws


@pytest.mark.parametrize("kind", QUICK, ids=lambda value: value.__name__)
def test_mistake_is_found_soon(kind: type[LoopbackChannel]) -> None:
    """Some mistakes are found by the first few seeds."""
    assert first_found(kind, SEEDS[:8]) in dict(WRONG)[kind]


class Silent(ChannelSimulation):
    """A simulation that nobody gave a harness."""


def test_harness_is_needed() -> None:
    """Whoever forgets the harness is told its name."""
    with pytest.raises(NotImplementedError, match=r"Silent needs a harness\(\)"):
        Silent().play(0)


def test_foreign_clock_is_told() -> None:
    """A server that goes by another clock than the simulation's is told before anything else."""

    class Trial(ChannelSimulation):
        @asynccontextmanager
        async def harness(self) -> AsyncIterator[ChannelHarness]:
            async with FakeMarketplace() as market:
                yield MarketHarness(market, market)

    with pytest.raises(RuntimeError, match=r"let it take its time from self\.clock"):
        Trial().play(0)


def test_failure_tells_how_to_see_it_again() -> None:
    """A failed seed tells its law, the last events, and the line that plays it alone."""
    outcome = next(one for one in map(simulating(AddsLevels).play, SEEDS) if one.violation is not None)
    text = told(outcome, "python -m pytest 'test_shop.py::TestShop::test_simulated_world[0]'")

    assert text.startswith(f"seed {outcome.seed} breaks LOST: push_stock: ")
    assert "call push_stock" in text
    assert text.endswith("play it alone:\n  python -m pytest 'test_shop.py::TestShop::test_simulated_world[0]'")
