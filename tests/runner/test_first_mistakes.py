"""The first mistakes of whoever writes a channel or a storage, as far as they show when it is registered or run."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from ordersync import ChannelId, ChannelOrder, OrderPage, StockResult, StockUpdate, SyncRunner
from ordersync.errors import (
    ChannelAuthError,
    ChannelError,
    ChannelRejectedError,
    ChannelUnavailableError,
    ConfigurationError,
)
from ordersync.http import HTTPChannel, Limits
from ordersync.model.channel_orders import ChannelOrderLine, FulfillmentStatus, PaymentStatus
from ordersync.model.dispatch import DispatchNote
from ordersync.model.money import Money
from ordersync.model.runs import EntryKind, JournalEntry
from ordersync.storage.memory import MemoryStorage
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.structuring import read_orders
from ordersync.sync.first_runs import CODE
from ordersync.testing import FakeMarketplace, ManualClock
from runner.strange import BareList, Looping
from runner.watching import watched
from runner.world import SHOP, World, remarks


class OtherShop(FakeMarketplace):
    """A channel of another class."""


class Uninitialised(FakeMarketplace):
    """Forgets its base."""

    def __init__(self) -> None:  # the mistake
        self.key = "x"


def shop(**traits: Any) -> FakeMarketplace:  # noqa: ANN401 - traits
    """Open a marketplace."""
    return FakeMarketplace(SHOP, clock=ManualClock(), **traits)


def test_two_channels_with_one_id_are_told_apart() -> None:
    """Two channels under one id are named with their classes and the files where these are written."""
    with pytest.raises(ConfigurationError) as caught:
        SyncRunner([shop(), OtherShop(SHOP)], MemoryStorage())

    text = str(caught.value)
    assert text.startswith("two channels have the same id: Shop/north, FakeMarketplace (")
    assert "market.py) and OtherShop (" in text
    assert f"{__file__}); give each its own ChannelId(source, subsource)" in text


def test_channel_that_is_given_twice() -> None:
    """One channel twice is another mistake than two with one id."""
    one = shop()

    with pytest.raises(ConfigurationError, match="Shop/north is given twice; name each channel once"):
        SyncRunner([one, one], MemoryStorage())


@pytest.mark.parametrize(
    ("channels", "told"),
    [
        (
            [FakeMarketplace],
            r"^FakeMarketplace is a class; register a channel made of it: FakeMarketplace\(ChannelId\(",
        ),
        (["Shop/north"], r"^str is no Channel; derive it from ordersync\.Channel$"),
        ([SHOP], r"^ChannelId is no Channel"),
        (shop(), r"^SyncRunner takes a list of channels; write: SyncRunner\(\[FakeMarketplace\(\.\.\.\)\], \.\.\.\)$"),
        (
            [Uninitialised()],
            r"^Uninitialised\.__init__ must call super\(\)\.__init__\(channel_id, settings=settings\)$",
        ),
        ([shop(call_timeout=60)], r"^FakeMarketplace\.call_timeout: expected timedelta, got int$"),
        ([shop(scan="update")], r"^FakeMarketplace\.scan is 'update'; write 'updated' or 'state' or 'both'$"),
    ],
)
def test_what_is_no_channel(channels: Any, told: str) -> None:  # noqa: ANN401 - the mistake
    """What cannot be a channel is told when it is registered, with what to write instead."""
    with pytest.raises(TypeError, match=told):
        SyncRunner(channels, MemoryStorage())


@pytest.mark.parametrize(
    ("storage", "told"),
    [
        (SQLiteStorage, r"^SQLiteStorage is a class; give SyncRunner one made of it: SQLiteStorage\(\.\.\.\)$"),
        ("shop.db", r"^str is no Storage; give SyncRunner one, such as SQLiteStorage\(path\)"),
        (MemoryStorage().stock, r"^MemoryStockLedger is no Storage; .*: storage\.replace\(stock=\.\.\.\)$"),
    ],
)
def test_what_is_no_storage(storage: Any, told: str) -> None:  # noqa: ANN401 - the mistake
    """What cannot be a storage is told when the runner is made, with what to write instead."""
    with pytest.raises(TypeError, match=told):
        SyncRunner([shop()], storage)


async def test_storage_that_is_not_open() -> None:
    """A storage that nobody opened says so at its first verb, also where some of its ports were replaced."""
    closed = SQLiteStorage("nowhere.db")

    for storage in (closed, closed.replace(journal=MemoryStorage().journal)):
        with pytest.raises(RuntimeError, match="storage is not open; use 'async with'"):
            await storage.stock.levels(["MUG"])


async def test_bare_list(world: World) -> None:
    """A list where a page is asked for is told at the first download, with what to return."""
    report = await world.run(BareList(SHOP, clock=world.clock))

    (error,) = report.errors
    assert str(error) == "Shop/north: fetch_orders returned a list; return OrderPage(orders=[...], next_cursor=...)"


async def test_page_token_that_comes_twice(world: World) -> None:
    """A scan that would never end is stopped, and the token and the page are named."""
    report = await world.run(Looping(SHOP, clock=world.clock))

    (error,) = report.errors
    assert str(error).startswith("Shop/north: page token 'again' came twice (page 2); stopped to avoid a loop")


class Shown(FakeMarketplace):
    """Shows one document, as its author reads it."""

    document: Any = None

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:  # noqa: ARG002
        """Read the document."""
        orders, unreadable = read_orders([self.document], _order, reference=lambda document: document["id"])
        return OrderPage(orders=orders, unreadable=unreadable)


def _order(document: Any) -> ChannelOrder:  # noqa: ANN401 - a document
    return ChannelOrder(
        reference=document["id"],
        status="Ready",
        payment=PaymentStatus.PAID,
        fulfillment=FulfillmentStatus.UNSHIPPED,
        placed_at=datetime.fromisoformat(document["at"]),
        updated_at=datetime(2026, 1, 5, 9, tzinfo=UTC),
        currency="EUR",
        total=Money(document["total"], "EUR"),
        lines=[ChannelOrderLine(line_id="1", channel_sku="MUG", quantity=1)],
    )


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        ({"at": "2026-01-05T09:00:00"}, "ChannelOrder.placed_at: has no time zone; marketplaces differ"),
        ({"total": 12.1}, "Money.amount: is a float; give a Decimal made from text"),
    ],
)
async def test_naive_time_and_float_money(memory_world: World, mistake: dict[str, Any], told: str) -> None:
    """The first order with a naive time or a float for an amount is named with channel, field and what to give."""
    channel = Shown(SHOP, clock=memory_world.clock)
    channel.document = {"id": "1042", "at": "2026-01-05T09:00:00+00:00", "total": Decimal("12.1"), **mistake}

    report = await memory_world.run(channel)

    assert report.channels[SHOP].quarantined == 1
    (remark,) = [one for one in report.channels[SHOP].remarks if one.kind == "quarantined"]
    assert remark.subject == "1042"
    assert told in remark.sentence
    assert "Shop/north 1042" in str(report)


async def silent_runs(world: World, *channels: FakeMarketplace, runs: int) -> list[list[tuple[str, str]]]:
    """Run so often, and return the warnings of each run about the shop."""
    reports = [await world.run_later(*channels) for _ in range(runs)]
    return [remarks(report.channels[SHOP], "warning") for report in reports]


async def test_new_channel_that_shows_nothing(world: World) -> None:
    """In the third run of a channel that never showed an order, report and journal ask whether it is asked rightly."""
    assert await silent_runs(world, runs=5) == [[], [], [(CODE, "orders")], [], []]

    (entry,) = [one for one in await world.journal(SHOP, EntryKind.ERROR) if one.code == CODE]
    assert "returned no order in the channel's first 3 runs; if there should be some, check the path" in entry.message


async def test_channel_that_showed_an_order_is_no_mistake(world: World) -> None:
    """A channel that showed an order once, of whatever kind, is not warned of."""
    world.shop.place("1", lines={"MUG": 1}, paid=False)
    assert await silent_runs(world, runs=1) == [[]]

    empty = world.open(SHOP)
    assert await silent_runs(world, empty, runs=3) == [[], [], []]


async def test_channel_that_showed_a_broken_document_is_no_mistake(world: World) -> None:
    """A document that nobody can read is something too."""
    world.shop.place("1", lines={"MUG": 1})
    world.shop.spoil("1", payload=b"<html>", anonymous=True)
    await world.run()

    assert await silent_runs(world, world.open(SHOP), runs=3) == [[], [], []]


async def test_runs_that_failed_do_not_count(world: World) -> None:
    """A run in which the channel could not be read says nothing about its orders."""
    await world.run()
    world.shop.fail_next("fetch_orders", ChannelRejectedError("Shop/north: answered 400; correct what was sent"))

    assert await silent_runs(world, runs=3) == [[], [], [(CODE, "orders")]]
    assert await silent_runs(world, Endless(SHOP, clock=world.clock), runs=1) == [[]]


class Endless(FakeMarketplace):
    """Shows empty pages, and never the last."""

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:  # noqa: ARG002
        """Show nothing, and more of it."""
        return OrderPage(orders=(), next_cursor="more")


async def test_channel_with_a_long_past_is_not_new(world: World) -> None:
    """Where the journal knows of many readings, three of them are not taken for the first."""
    entry = JournalEntry(at=world.clock.now(), kind=EntryKind.WINDOW_READ, channel=SHOP, code="cut")
    await world.storage.journal.write([entry] * 20)

    assert await silent_runs(world, runs=3) == [[], [], []]


async def test_silence_costs_an_idle_run_one_read(memory_world: World) -> None:
    """A run that saw an order asks nothing, and one that saw none reads the journal once."""
    for _ in range(4):
        await memory_world.run_later(memory_world.shop)
    silent = await reads_of_a_run(memory_world)
    memory_world.shop.place("1", lines={"MUG": 1})
    spoken = await reads_of_a_run(memory_world)
    down = ChannelUnavailableError("Shop/north: connection refused; it is tried again in the next run", applied=False)
    memory_world.shop.fail_next("fetch_orders", down)

    assert silent["journal.entries"] - spoken["journal.entries"] == 1
    assert (await reads_of_a_run(memory_world))["journal.entries"] == 0
    assert silent["orders.decisions"] == spoken["orders.decisions"] == 0


async def reads_of_a_run(world: World) -> Counter[str]:
    """Count what a run asks of the ports."""
    calls = Counter[str]()
    world.clock.advance(minutes=10)
    await World.run(Counting(world, calls), world.shop)
    return calls


class Counting(World):
    """A world whose ports are watched."""

    def __init__(self, world: World, calls: Counter[str]) -> None:
        """Look at another world."""
        super().__init__(watched(world.storage, calls), world.clock)


class Acme(HTTPChannel):
    """A channel that asks for its orders."""

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:  # noqa: ARG002
        """Ask."""
        await self.request("GET", "/orders")
        return OrderPage(orders=())

    async def push_stock(self, updates: Sequence[StockUpdate]) -> Sequence[StockResult]:
        """Push nothing."""
        raise NotImplementedError

    async def send_dispatch(self, note: DispatchNote) -> None:
        """Send nothing."""
        raise NotImplementedError


class AcmeWithKey(Acme):
    """Calls its credentials by another name."""

    credentials = "api_key and secret"


ACME = ChannelId("Acme", "one")


@asynccontextmanager
async def answering(status: int, **headers: str) -> AsyncIterator[tuple[str, str]]:
    """Serve on loopback; yield the address of the API, and host and port."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.json_response(
            {}, status=status, headers={key.replace("_", "-"): one for key, one in headers.items()}
        )

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    server = TestServer(app)
    await server.start_server(access_log=None, shutdown_timeout=0.1)
    try:
        yield str(server.make_url("/api")), f"127.0.0.1:{server.port}"
    finally:
        await server.close()


async def first_error(channel: Acme) -> ChannelError:
    """Return what the first call of a new channel ends in."""
    async with channel:
        with pytest.raises(ChannelError) as caught:
            await channel.test_connection()
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("kind", "status", "advice"),
    [
        (Acme, 401, "the credentials are refused: check auth, or authorize again"),
        (AcmeWithKey, 401, "the credentials are refused: check api_key and secret, or authorize again"),
        (Acme, 403, "check what auth permits, or authorize again with more rights"),
        (Acme, 404, "check base_url if no call succeeds, else correct what was sent"),
    ],
)
async def test_wrong_key_or_path(kind: type[Acme], status: int, advice: str) -> None:
    """A refused call names host and port, status, the request's id, and the setting to look at."""
    async with answering(status, X_Request_Id="r-42/a") as (url, host):
        error = await first_error(kind(ACME, base_url=url))

    start = f"Acme/one: GET /orders: answered {status} by {host} (request id r-42/a); {advice}"
    assert str(error).startswith(start)


@pytest.mark.parametrize("told", ["", "my name is Ada", "x" * 81, "<b>", "é"])
async def test_request_id_that_looks_like_none(told: str) -> None:
    """What stands where a request's id should, and is none, is not told."""
    async with answering(401, Request_Id=told) as (url, host):
        error = await first_error(Acme(ACME, base_url=url))

    assert f"answered 401 by {host}; " in str(error)


async def test_wrong_host() -> None:
    """A host that nobody knows or where nobody listens is named with its port, and the setting too."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    unknown = await first_error(Acme(ACME, base_url="https://shop.invalid/api"))
    closed = await first_error(Acme(ACME, base_url=f"http://127.0.0.1:{port}"))

    assert Limits().connect < timedelta(seconds=5)
    assert "GET /orders: shop.invalid:443 cannot be reached, " in str(unknown)
    assert f"GET /orders: 127.0.0.1:{port} cannot be reached, it accepts no connection; check base_url;" in str(closed)


@pytest.mark.slow
async def test_host_that_is_silent_is_told_within_five_seconds() -> None:
    """A host that accepts no connection is given up in less than the five seconds that a person waits."""
    with closing(socket.socket()) as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        with closing(socket.create_connection(("127.0.0.1", port))), closing(socket.socket()) as second:
            second.settimeout(0)
            second.connect_ex(("127.0.0.1", port))
            began = time.monotonic()
            error = await first_error(Acme(ACME, base_url=f"http://127.0.0.1:{port}"))

    assert time.monotonic() - began < 5
    assert f"127.0.0.1:{port} cannot be reached, it accepts no connection; check base_url" in str(error)


async def test_wrong_key_in_a_first_run(memory_world: World) -> None:
    """A new channel with a wrong key fails in its connection test, once, and the report says what to look at."""
    async with answering(401) as (url, host), Acme(ACME, base_url=url) as channel:
        report = await memory_world.run(channel)

    (error,) = report.errors
    assert isinstance(error, ChannelAuthError)
    assert f"answered 401 by {host}; the credentials are refused: check auth" in str(error)
    assert remarks(report.channels[ACME], "failed") == [("channel-auth", "connection test")]
