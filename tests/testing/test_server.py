"""A fake marketplace behind HTTP, seen through the channel that speaks to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import aiohttp
import pytest

from canaries import SECRET
from ordersync.errors import (
    ChannelAuthError,
    ChannelError,
    ChannelRejectedError,
    ChannelResponseError,
    ChannelUnavailableError,
)
from ordersync.http import Limits, Transport
from ordersync.model.dispatch import DispatchNote
from ordersync.model.ids import ChannelId, OrderKey
from ordersync.model.listings import StockOutcome, StockUpdate
from ordersync.testing import START, FakeMarketplace, ManualClock
from ordersync.testing.loopback import LoopbackChannel
from ordersync.testing.network import BadNetwork
from ordersync.testing.server import serve

TOKEN = f"{SECRET}-sesame"
HASTY = Transport(limits=Limits(total=timedelta(seconds=0.3)))


@pytest.fixture
def network() -> BadNetwork:
    """Let everything go well until told otherwise."""
    return BadNetwork()


@pytest.fixture
async def url(market: FakeMarketplace, network: BadNetwork) -> AsyncIterator[str]:
    """Serve the marketplace."""
    async with serve(market, token=TOKEN, network=network) as url:
        yield url


@pytest.fixture
async def channel(market: FakeMarketplace, url: str) -> AsyncIterator[LoopbackChannel]:
    """Speak to the served marketplace."""
    async with LoopbackChannel(market.id, url=url, token=TOKEN) as channel:
        yield channel


def note_for(reference: str, channel: ChannelId) -> DispatchNote:
    """Build a note about one piece of an order's first line."""
    return DispatchNote(
        id="n1",
        order_key=OrderKey(channel, reference),
        channel_order_id=None,
        lines={"L1": 1},
        carrier="DHL",
        service="Express",
        tracking_number="JD01",
        tracking_url="https://track.example/JD01",
        dispatched_at=START,
    )


def busy(market: FakeMarketplace) -> None:
    """Give the marketplace orders of every kind, one of them malformed."""
    for reference in ("plain", "unpaid", "part", "held", "cancelled", "Ä/1 #2?"):
        market.place(reference, lines={"MUG": 2, "LID": 1}, paid=reference != "unpaid", location="berlin")
    market.ship_by_hand("part", lines={"L1": 1}, carrier="DHL", tracking="JD1")
    market.hold("held")
    market.cancel("cancelled")


async def test_orders_come_through_as_the_marketplace_has_them(
    market: FakeMarketplace, channel: LoopbackChannel
) -> None:
    """Every page and every look-up says over HTTP exactly what it says in memory, raw document included."""
    busy(market)
    for since in (None, START):
        cursor = None
        while True:
            here = await market.fetch_orders(updated_since=since, cursor=cursor)
            there = await channel.fetch_orders(updated_since=since, cursor=cursor)
            assert [_without_raw(order) for order in there.orders] == [_without_raw(order) for order in here.orders]
            assert (there.next_cursor, there.server_time) == (here.next_cursor, here.server_time)
            cursor = here.next_cursor
            if cursor is None:
                break

    for reference in market.orders:
        assert _without_raw(await channel.fetch_order(reference)) == _without_raw(await market.fetch_order(reference))
    assert await channel.fetch_order("nobody's") is None


def _without_raw(order: object) -> dict[str, object]:
    return {name: getattr(order, name) for name in dir(order) if name[0] != "_" and name != "raw"}


async def test_malformed_order_stops_only_itself(market: FakeMarketplace, channel: LoopbackChannel) -> None:
    """A document that cannot be read comes beside the others, with its payload, its reference and its defect."""
    market.place("1", lines={"MUG": 1})
    market.place("2", lines={"MUG": 1})
    market.spoil("2")

    page = await channel.fetch_orders(updated_since=None)

    assert [order.reference for order in page.orders] == ["1"]
    assert [one.reference for one in page.unreadable] == ["2"]
    assert "lines" in page.unreadable[0].error
    assert "quantity" in page.unreadable[0].error
    assert b'"two"' in page.unreadable[0].payload


async def test_levels_are_answered_one_by_one(market: FakeMarketplace, channel: LoopbackChannel) -> None:
    """A batch is applied item by item, and reading back shows what came of it."""
    market.refuse_sku("LID", message="blocked")
    updates = [StockUpdate(channel_sku=sku, quantity=3, attempt_id="a1", expected=10) for sku in ("MUG", "LID", "NOPE")]

    results = await channel.push_stock(updates)
    listings = await channel.fetch_listings()

    assert [(one.channel_sku, one.outcome, one.message) for one in results] == [
        ("MUG", StockOutcome.ACCEPTED, ""),
        ("LID", StockOutcome.REJECTED, "blocked"),
        ("NOPE", StockOutcome.UNKNOWN_SKU, "no such SKU here"),
    ]
    assert {one.channel_sku: one.quantity for one in listings.listings} == {"LID": 5, "MUG": 3}


async def test_expectation_reaches_a_shop_that_compares(clock: ManualClock) -> None:
    """A shop that compares and sets is told over HTTP what it is believed to show, and for which listing."""
    market = FakeMarketplace(clock=clock, compare_and_set=True)
    market.list_sku("MUG", 10, location="berlin")
    updates = [
        StockUpdate(
            channel_sku="MUG", channel_location="berlin", quantity=3, attempt_id=f"a{expected}", expected=expected
        )
        for expected in (9, 10)
    ]
    async with (
        serve(market, token=TOKEN) as url,
        LoopbackChannel(market.id, url=url, token=TOKEN, compare_and_set=True) as channel,
    ):
        results = await channel.push_stock(updates)

    assert [(str(one.listing_id), one.outcome) for one in results] == [
        ("MUG@berlin", StockOutcome.CONFLICT),
        ("MUG@berlin", StockOutcome.ACCEPTED),
    ]


async def test_listings_are_read_page_by_page(market: FakeMarketplace, channel: LoopbackChannel) -> None:
    """The cursor of one page of listings leads to the next."""
    market.list_sku("PEN", 1, location="berlin")

    first = await channel.fetch_listings()
    second = await channel.fetch_listings(cursor=first.next_cursor)

    assert [str(one.listing_id) for one in second.listings] == ["PEN@berlin"]
    assert second.next_cursor is None


async def test_note_arrives_as_it_was_sent(market: FakeMarketplace, channel: LoopbackChannel) -> None:
    """All that a note says reaches the marketplace, and a refusal comes back as one."""
    market.place("1", lines={"MUG": 1})
    note = note_for("1", channel.id)

    await channel.send_dispatch(note)

    assert market.notes_received == [note]
    with pytest.raises(ChannelRejectedError) as caught:
        await channel.send_dispatch(note)
    assert caught.value.applied is False


async def test_wrong_token_opens_nothing(market: FakeMarketplace, url: str) -> None:
    """Whoever does not know the token is told so and reaches no marketplace."""
    async with LoopbackChannel(market.id, url=url, token="guess") as stranger:
        with pytest.raises(ChannelAuthError, match="the token is refused") as caught:
            await stranger.push_stock([StockUpdate(channel_sku="MUG", quantity=1, attempt_id="a")])

    assert "guess" not in str(caught.value)
    assert market.levels["MUG"] == 10
    assert not market.calls


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (lambda bad: bad.answer("/shipments", 500), ChannelUnavailableError("", applied=None)),
        (
            lambda bad: bad.answer("/shipments", 429, headers={"Retry-After": "7"}),
            ChannelUnavailableError("", applied=False, retry_after=7.0),
        ),
        (lambda bad: bad.answer_html("/shipments"), ChannelResponseError("", applied=None)),
        (lambda bad: bad.drop("/shipments", when="before"), ChannelUnavailableError("", applied=None)),
        (lambda bad: bad.hang("/shipments", 60, when="before"), ChannelUnavailableError("", applied=None)),
    ],
)
async def test_request_that_never_arrives_has_no_effect(
    market: FakeMarketplace,
    network: BadNetwork,
    url: str,
    plan: Callable[[BadNetwork], None],
    expected: ChannelError,
) -> None:
    """An answer from somebody on the way is an error of its kind, and the marketplace knows nothing of it."""
    market.place("1", lines={"MUG": 1})
    plan(network)

    async with LoopbackChannel(market.id, url=url, token=TOKEN, transport=HASTY) as channel:
        with pytest.raises(type(expected)) as caught:
            await channel.send_dispatch(note_for("1", channel.id))

    assert caught.value.applied is expected.applied
    assert getattr(caught.value, "retry_after", None) == getattr(expected, "retry_after", None)
    assert market.shipments == []


@pytest.mark.parametrize(
    "plan",
    [
        lambda bad: bad.answer("/shipments", 502, when="after"),
        lambda bad: bad.answer_html("/shipments", when="after"),
        lambda bad: bad.drop("/shipments"),
        lambda bad: bad.hang("/shipments", 60),
    ],
)
async def test_answer_that_never_comes_hides_an_effect(
    market: FakeMarketplace, network: BadNetwork, url: str, plan: Callable[[BadNetwork], None]
) -> None:
    """When the answer is lost the parcel is known to the marketplace, and the caller knows nothing."""
    market.place("1", lines={"MUG": 1})
    plan(network)

    async with LoopbackChannel(market.id, url=url, token=TOKEN, transport=HASTY) as channel:
        with pytest.raises(ChannelError) as caught:
            await channel.send_dispatch(note_for("1", channel.id))
        order = await channel.fetch_order("1")

    assert caught.value.applied is None
    assert len(market.shipments) == 1
    assert [one.tracking_number for one in getattr(order, "shipments", ())] == ["JD01"]


async def test_dropped_connection_gives_no_answer_at_all(url: str, network: BadNetwork) -> None:
    """A connection that is cut is no error status: the client hears nothing."""
    network.drop("/shipments")

    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await session.post(f"{url}/shipments")  # a GET would be sent again


async def test_slow_request_takes_effect_though_nobody_waits(
    market: FakeMarketplace, network: BadNetwork, url: str
) -> None:
    """A request that hangs on its way lands after its caller has given up."""
    market.place("1", lines={"MUG": 1})
    network.hang("/shipments", 0.5, when="before")
    landed = asyncio.Event()

    async def tell(_method: str, when: str) -> None:
        if when == "after":
            landed.set()

    market.on_call = tell

    async with LoopbackChannel(market.id, url=url, token=TOKEN, transport=HASTY) as channel:
        with pytest.raises(ChannelUnavailableError):
            await channel.send_dispatch(note_for("1", channel.id))
        given_up = list(market.shipments)
        await asyncio.wait_for(landed.wait(), 10)

    assert given_up == []
    assert len(market.shipments) == 1


@pytest.mark.parametrize(
    "error",
    [
        ChannelAuthError("revoked"),
        ChannelRejectedError("refused"),
        ChannelResponseError("nonsense"),
        ChannelUnavailableError("down"),
        ChannelUnavailableError("busy", applied=False, retry_after=3.0),
    ],
)
async def test_errors_of_the_marketplace_keep_their_kind(
    market: FakeMarketplace, channel: LoopbackChannel, error: ChannelError
) -> None:
    """What the marketplace is told to fail with arrives as the same kind of error."""
    market.fail_next("push_stock", error)

    with pytest.raises(type(error)) as caught:
        await channel.push_stock([StockUpdate(channel_sku="MUG", quantity=1, attempt_id="a")])

    assert caught.value.applied is error.applied
    assert getattr(caught.value, "retry_after", None) == getattr(error, "retry_after", None)


async def test_faults_happen_as_often_as_planned(channel: LoopbackChannel, network: BadNetwork) -> None:
    """Faults of one path come one after the other, and then all goes well."""
    network.answer("/orders", 500, times=2)
    network.drop("/listings")

    for _ in range(2):
        with pytest.raises(ChannelUnavailableError):
            await channel.fetch_orders(updated_since=None)
    assert (await channel.fetch_orders(updated_since=None)).orders == ()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/stock", "{}", 400),
        ("PUT", "/stock", "not JSON", 400),
        ("PUT", "/stock", '{"levels": [{"sku": 7}]}', 400),
        ("POST", "/shipments", '{"id": "n1"}', 400),
        ("GET", "/orders?updated_since=yesterday", None, 400),
        ("GET", "/orders?cursor=made-up", None, 422),
        ("GET", "/nowhere", None, 404),
    ],
)
async def test_malformed_requests_are_refused(
    market: FakeMarketplace, url: str, method: str, path: str, body: str | None, status: int
) -> None:
    """A request that makes no sense gets an error status and changes nothing."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, f"{url}{path}", data=body) as response,
    ):
        found = response.status

    assert found == status
    assert market.levels == {"LID": 5, "MUG": 10}


async def test_answers_carry_the_marketplaces_own_time(
    market: FakeMarketplace, clock: ManualClock, channel: LoopbackChannel
) -> None:
    """The Date of an answer is the marketplace's clock, not this machine's."""
    clock.advance(days=3)

    page = await channel.fetch_orders(updated_since=None)

    assert page.server_time == START + timedelta(days=3)


def test_channel_takes_the_traits_of_channels_alone(market: FakeMarketplace) -> None:
    """A trait of the marketplace behind it is no trait of the channel to it."""
    channel = LoopbackChannel(market.id, url="http://127.0.0.1:1", token=TOKEN, pages_in_update_order=True)

    assert channel.pages_in_update_order
    with pytest.raises(TypeError, match="LoopbackChannel has no trait oversells"):
        LoopbackChannel(market.id, url="http://127.0.0.1:1", token=TOKEN, oversells=False)  # type: ignore[call-arg]


async def test_ten_thousand_orders_are_served_in_seconds(clock: ManualClock) -> None:
    """A long backfill costs the server little: pages are cut from documents that are written once."""
    market = FakeMarketplace(clock=clock, page_size=200, pages_in_update_order=True)
    for _ in range(10_000):
        market.place(lines={"MUG": 1, "LID": 2})
    seen = 0
    cursor: str | None = None

    async with (
        serve(market, token=TOKEN) as url,
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session,
        asyncio.timeout(10),
    ):
        while True:
            async with session.get(f"{url}/orders", params={} if cursor is None else {"cursor": cursor}) as response:
                page = await response.json()
            seen += len(page["orders"])
            cursor = page["next"]
            if cursor is None:
                break

    assert seen == 10_000
