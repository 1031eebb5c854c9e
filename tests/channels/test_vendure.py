"""What VendureChannel does beyond the laws: sessions, levels beside allocations, fulfillments in two calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import attrs
import pytest
from yarl import URL

from channels.vendure_harness import SHOP
from channels.vendure_shop import Order, VendureShop
from channels.vendure_stub import USER, VendureStub
from ordersync.channels.vendure import VendureChannel
from ordersync.errors import (
    ChannelAuthError,
    ChannelError,
    ChannelRejectedError,
    ChannelResponseError,
    ChannelUnavailableError,
    ConfigurationError,
)
from ordersync.model.channel_orders import ChannelOrder
from ordersync.model.dispatch import DispatchNote
from ordersync.model.ids import OrderKey
from ordersync.model.listings import ListingId, StockOutcome, StockUpdate
from ordersync.model.settings import ChannelSettings, StatusMapping
from ordersync.testing import START
from ordersync.testing.network import When


@pytest.fixture
def stub() -> VendureStub:
    """Open a shop with two SKUs, behind its admin API."""
    shop = VendureShop()
    for sku in ("MUG", "LID"):
        shop.list_sku(sku, 20)
    return VendureStub(shop)


@asynccontextmanager
async def connected(
    stub: VendureStub,
    *,
    password: str | None = None,
    token: str | None = None,
    session: aiohttp.ClientSession | None = None,
) -> AsyncIterator[VendureChannel]:
    """Yield an open channel to the stub."""
    async with stub.serve() as url:
        channel = VendureChannel(
            SHOP,
            base_url=url,
            user=USER,
            password=password or stub.password,
            channel_token=token,
            session=session,
        )
        async with channel:
            yield channel


@pytest.fixture
async def channel(stub: VendureStub) -> AsyncIterator[VendureChannel]:
    """Connect to the stub."""
    async with connected(stub) as channel:
        yield channel


def level(sku: str, quantity: int, location: str | None = None) -> StockUpdate:
    """Build a level to show."""
    return StockUpdate(channel_sku=sku, quantity=quantity, channel_location=location, attempt_id="a1")


def note_for(order: Order, quantity: int, tracking: str | None = "T1") -> DispatchNote:
    """Build a note for so many pieces of an order's first line."""
    key = OrderKey(SHOP, order.code)
    return DispatchNote(
        id=key.dispatch_id("p1"),
        order_key=key,
        channel_order_id=order.id,
        lines={order.lines[0].id: quantity},
        carrier="DHL",
        service=None,
        tracking_number=tracking,
        tracking_url=None,
        dispatched_at=START,
    )


def parcels(order: Order) -> list[tuple[str, int, str]]:
    """Return state, pieces and tracking of an order's fulfillments."""
    return [(one.state, sum(one.lines.values()), one.tracking) for one in order.parcels]


async def test_many_calls_share_one_session(stub: VendureStub, channel: VendureChannel) -> None:
    """Many first calls at once log in once."""
    await asyncio.gather(*(channel.fetch_order("none") for _ in range(10)))

    assert stub.asked.count("login") == 1


async def test_lost_session_is_begun_anew(stub: VendureStub, channel: VendureChannel) -> None:
    """A session that the server forgot comes as FORBIDDEN; one new one serves all calls, effects included."""
    await channel.test_connection()
    stub.sessions.clear()
    await asyncio.gather(*(channel.push_stock([level("MUG", number)]) for number in range(5)))

    assert stub.asked.count("login") == 2


async def test_missing_permission_needs_a_person(stub: VendureStub, channel: VendureChannel) -> None:
    """What is still forbidden in a new session is not tried again, and had no effect."""
    await channel.test_connection()
    stub.permits = False
    with pytest.raises(ChannelAuthError, match="authorize again") as caught:
        await channel.push_stock([level("MUG", 1)])

    assert caught.value.applied is False
    assert stub.asked.count("login") == 2


async def test_wrong_password_is_told_without_it(stub: VendureStub) -> None:
    """A refused login names what to check and nothing that was sent."""
    async with connected(stub, password="CANARY") as channel:
        with pytest.raises(ChannelAuthError, match=r"INVALID_CREDENTIALS_ERROR.*check user") as caught:
            await channel.test_connection()
        assert "CANARY" not in f"{caught.value!r} {channel!r} {channel._bearer!r}"


async def test_server_without_bearer_tokens_is_told(stub: VendureStub) -> None:
    """A server that is set up for cookies alone gives no token; the text says what to change there."""
    stub.gives_tokens = False
    async with connected(stub) as channel:
        with pytest.raises(ChannelAuthError, match="tokenMethod"):
            await channel.test_connection()


async def test_cookies_of_a_borrowed_session_stay_out(stub: VendureStub) -> None:
    """Vendure lets a cookie outrank the token: one that the host's session holds is not sent."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session, connected(stub, session=session) as channel:
        jar.update_cookies({"session": "stale"}, URL(str(channel._address.below(""))))
        await channel.test_connection()


async def test_channel_token_is_checked(stub: VendureStub) -> None:
    """A channel token that the server does not know is noticed: Vendure itself ignores it in silence."""
    async with connected(stub, token="default") as channel:
        await channel.test_connection()
    async with connected(stub, token="other") as channel:
        with pytest.raises(ChannelAuthError, match="channel_token"):
            await channel.test_connection()


@pytest.mark.parametrize(
    "settings",
    [
        ChannelSettings(download_unpaid=True),
        ChannelSettings(location={"1": "main"}),
        ChannelSettings(status_mapping=StatusMapping(version="1", paid=["PaymentSettled"])),
    ],
)
def test_settings_that_vendure_cannot_follow_are_refused(settings: ChannelSettings) -> None:
    """Unpaid carts, a map of locations and a mapping of fixed states are refused when the channel is made."""
    with pytest.raises(ConfigurationError, match="Vendure/shop: settings"):
        VendureChannel(SHOP, base_url="https://shop.example", user="a", password="b", settings=settings)


async def test_sweep_leaves_out_carts_and_what_is_done(stub: VendureStub, channel: VendureChannel) -> None:
    """A sweep shows what is on its way, and states that the shop has added, which nobody would find otherwise."""
    states = ["PaymentSettled", "Shipped", "Delivered", "Cancelled", "ReadyToPack", "Modifying", "Draft"]
    for state in states:
        stub.shop.place({"MUG": 1}).state = state
    stub.shop.place({"MUG": 1}, pay=False)

    page = await channel.fetch_orders(updated_since=None)
    assert [order.status for order in page.orders] == ["PaymentSettled", "ReadyToPack", "Modifying"]
    assert page.server_time is not None


async def test_scan_by_time_adds_what_is_done(stub: VendureStub, channel: VendureChannel) -> None:
    """With a time, orders stamped since are shown in any state, beside all that is on its way."""
    old, older, young = (stub.shop.place({"MUG": 1}) for _ in range(3))
    old.state = young.state = "Shipped"

    page = await channel.fetch_orders(updated_since=young.created_at)
    assert [order.reference for order in page.orders] == [older.code, young.code]


async def test_cart_is_found_by_its_code(stub: VendureStub, channel: VendureChannel) -> None:
    """An order that was never paid for is shown to whoever asks for it, and says so."""
    cart = stub.shop.place({"MUG": 1}, pay=False)

    found = await channel.fetch_order(cart.code)
    assert isinstance(found, ChannelOrder)
    assert (found.status, found.payment) == ("ArrangingPayment", "unpaid")


async def test_level_lies_beside_what_is_allocated(stub: VendureStub, channel: VendureChannel) -> None:
    """To offer seven while two are promised, nine must lie there: fewer could not even be fulfilled."""
    stub.shop.place({"MUG": 2})
    await channel.push_stock([level("MUG", 7), level("LID", 0)])

    assert stub.shop.variant("MUG").levels == {"1": [9, 2]}
    assert stub.shop.variant("LID").levels == {"1": [0, 0]}


async def test_level_that_is_shown_is_not_written(stub: VendureStub, channel: VendureChannel) -> None:
    """What is offered already is accepted without a write, and nothing but the rest is written."""
    (result,) = await channel.push_stock([level("MUG", 20)])
    assert result.outcome is StockOutcome.ACCEPTED
    assert "updateProductVariants" not in stub.asked

    await channel.push_stock([level("MUG", 20), level("LID", 3)])
    assert stub.asked.count("updateProductVariants") == 1


async def test_levels_of_several_locations_go_together(stub: VendureStub, channel: VendureChannel) -> None:
    """One variant at two locations is one row: named twice, Vendure would keep only the last."""
    results = await channel.push_stock([level("MUG", 5), level("MUG", 6, "2")])

    assert {result.outcome for result in results} == {StockOutcome.ACCEPTED}
    assert stub.shop.variant("MUG").levels == {"1": [5, 0], "2": [6, 0]}
    shown = (await channel.fetch_listings()).listings
    assert {one.listing_id: one.quantity for one in shown} == {
        ListingId("MUG"): 5,
        ListingId("MUG", "2"): 6,
        ListingId("LID"): 20,
    }


async def test_unknown_location_refuses_the_batch(stub: VendureStub, channel: VendureChannel) -> None:
    """What the database itself refuses has changed nothing, so that the rest can be sent without it."""
    with pytest.raises(ChannelRejectedError) as caught:
        await channel.push_stock([level("LID", 3), level("MUG", 5, "99")])

    assert caught.value.applied is False
    assert stub.shop.variant("LID").levels == {"1": [20, 0]}


async def test_sku_of_two_variants_is_refused(stub: VendureStub, channel: VendureChannel) -> None:
    """Vendure permits one SKU twice; which one is meant cannot be known."""
    stub.shop.list_sku("MUG", 1)
    results = await channel.push_stock([level("MUG", 5), level("LID", 3), level("mug", 1)])

    assert {one.channel_sku: one.outcome for one in results} == {
        "MUG": StockOutcome.REJECTED,
        "LID": StockOutcome.ACCEPTED,
        "mug": StockOutcome.UNKNOWN_SKU,
    }


@pytest.mark.parametrize(("tracks", "globally"), [("FALSE", True), ("INHERIT", False)])
async def test_variant_that_is_not_counted_is_refused(
    stub: VendureStub,
    channel: VendureChannel,
    tracks: str,
    globally: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """A variant whose inventory is not tracked sells any number: no level would be kept there."""
    stub.shop.tracks_inventory = globally
    stub.shop.variant("MUG").tracks = tracks
    stub.shop.variant("LID").tracks = "TRUE"
    results = await channel.push_stock([level("MUG", 5), level("LID", 3)])

    assert {one.channel_sku: one.outcome for one in results} == {
        "MUG": StockOutcome.REJECTED,
        "LID": StockOutcome.ACCEPTED,
    }


async def test_sale_between_read_and_write_is_noticed(stub: VendureStub, channel: VendureChannel) -> None:
    """A sale between reading what is allocated and writing is not overwritten, and the level is tried again."""

    def sell(name: str) -> None:
        if name == "updateProductVariants":
            stub.on_ask = None
            stub.shop.place({"MUG": 2})

    stub.on_ask = sell
    (result,) = await channel.push_stock([level("MUG", 7)])
    assert result.outcome is StockOutcome.RETRY
    assert stub.shop.variant("MUG").levels == {"1": [7, 2]}

    (result,) = await channel.push_stock([level("MUG", 7)])
    assert result.outcome is StockOutcome.ACCEPTED
    assert stub.shop.variant("MUG").levels == {"1": [9, 2]}


async def test_note_becomes_a_shipped_fulfillment(stub: VendureStub, channel: VendureChannel) -> None:
    """Carrier and tracking number go along, and what may be sold stays as it is."""
    order = stub.shop.place({"MUG": 3})
    await channel.send_dispatch(note_for(order, 2))

    assert (order.state, parcels(order)) == ("PartiallyShipped", [("Shipped", 2, "T1")])
    assert order.parcels[0].method == "DHL"
    assert stub.shop.variant("MUG").levels == {"1": [18, 1]}


async def test_note_without_tracking_or_carrier_is_sent(stub: VendureStub, channel: VendureChannel) -> None:
    """Vendure demands a method, and takes an empty one."""
    order = stub.shop.place({"MUG": 1})
    await channel.send_dispatch(attrs.evolve(note_for(order, 1, tracking=None), carrier=None))

    assert parcels(order) == [("Shipped", 1, "")]


async def test_half_made_fulfillment_is_finished(stub: VendureStub, channel: VendureChannel) -> None:
    """What was cut between the two calls is found by its lines and tracking, and not made again."""
    order = stub.shop.place({"MUG": 3})
    stub.shop.fulfill(order, {order.lines[0].id: 2}, tracking="T1")
    stub.shop.fulfill(order, {order.lines[0].id: 1}, tracking="other")
    await channel.send_dispatch(note_for(order, 2))

    assert parcels(order) == [("Shipped", 2, "T1"), ("Pending", 1, "other")]
    assert "addFulfillmentToOrder" not in stub.asked


async def test_copies_of_a_half_made_fulfillment_are_taken_back(stub: VendureStub, channel: VendureChannel) -> None:
    """Late copies of one request leave several pending ones: one is shipped, the others give their pieces back."""
    order = stub.shop.place({"MUG": 2})
    for _ in range(3):
        stub.shop.fulfill(order, {order.lines[0].id: 2}, tracking="T1")
    await channel.send_dispatch(note_for(order, 2))

    assert parcels(order) == [("Shipped", 2, "T1"), ("Cancelled", 2, "T1"), ("Cancelled", 2, "T1")]
    assert stub.shop.variant("MUG").levels == {"1": [18, 0]}
    moves = [name for name in stub.asked if name.startswith("transition")]
    assert moves[-1].endswith("Shipped"), "cut before, the others would stay pending for ever"


async def test_second_parcel_with_the_same_content_is_sent(stub: VendureStub, channel: VendureChannel) -> None:
    """Two parcels with the same lines under one tracking number are two."""
    order = stub.shop.place({"MUG": 2})
    for _ in range(2):
        await channel.send_dispatch(note_for(order, 1))

    assert parcels(order) == [("Shipped", 1, "T1"), ("Shipped", 1, "T1")]


@pytest.mark.parametrize("lost", [1, 2, 3])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_note_cut_anywhere_ends_as_one_parcel(
    stub: VendureStub, channel: VendureChannel, lost: int, when: When
) -> None:
    """Whichever request is lost, or its answer, looking and sending again ends with one parcel."""
    order = stub.shop.place({"MUG": 2})
    note = note_for(order, 2)
    await channel.test_connection()
    if lost > 1:
        stub.network.hang("/", 0.001, times=lost - 1)
    stub.network.drop("/", when=when)
    with pytest.raises(ChannelUnavailableError) as caught:
        await channel.send_dispatch(note)
    assert caught.value.applied is (False if lost == 1 else None)

    found = await channel.fetch_order(order.code)
    assert isinstance(found, ChannelOrder)
    if not found.shipments:
        await channel.send_dispatch(note)
    assert parcels(order) == [("Shipped", 2, "T1")]


async def test_faster_copy_has_shipped_it(stub: VendureStub, channel: VendureChannel) -> None:
    """A fulfillment that a copy of the request has just shipped is shipped."""
    order = stub.shop.place({"MUG": 1})

    def ship(name: str) -> None:
        if name.startswith("transition"):
            stub.on_ask = None
            stub.shop.move(order, order.parcels[0], "Shipped")

    stub.on_ask = ship
    await channel.send_dispatch(note_for(order, 1))

    assert parcels(order) == [("Shipped", 1, "T1")]


async def refused(channel: VendureChannel, note: DispatchNote) -> str:
    """Return why a note is refused; it must not have had an effect."""
    with pytest.raises(ChannelRejectedError) as caught:
        await channel.send_dispatch(note)
    assert caught.value.applied is False
    return str(caught.value)


async def test_note_that_must_not_be_sent_is_refused_here(stub: VendureStub, channel: VendureChannel) -> None:
    """Vendure would ship cancelled orders and carts; the channel does not."""
    cancelled, cart, other = (stub.shop.place({"MUG": 1}, pay=False) for _ in range(3))
    stub.shop.fulfill(cancelled, {cancelled.lines[0].id: 1}, tracking="T1")
    cancelled.state = "Cancelled"

    assert "cancelled" in await refused(channel, note_for(cancelled, 1))
    assert "not paid" in await refused(channel, note_for(cart, 1))
    stub.shop.pay(other)
    strange = attrs.evolve(note_for(other, 1), lines={cart.lines[0].id: 1})
    assert "does not have" in await refused(channel, strange)
    assert parcels(cancelled) == [("Pending", 1, "T1")]
    assert "addFulfillmentToOrder" not in stub.asked


async def test_note_that_vendure_refuses_is_refused(stub: VendureStub, channel: VendureChannel) -> None:
    """Pieces that somebody else has shipped, or that do not lie there, are a refusal that says which."""
    shipped, empty = stub.shop.place({"MUG": 1}), stub.shop.place({"LID": 1})
    stub.shop.fulfill(shipped, {shipped.lines[0].id: 1}, tracking="by hand").state = "Shipped"
    stub.shop.variant("LID").levels["1"][0] = 0

    assert "ITEMS_ALREADY_FULFILLED_ERROR" in await refused(channel, note_for(shipped, 1))
    assert "INSUFFICIENT_STOCK_ON_HAND_ERROR" in await refused(channel, note_for(empty, 1))


async def test_answer_of_another_shape_is_not_understood(stub: VendureStub, channel: VendureChannel) -> None:
    """When Vendure changes its API the text says where, and for a read that nothing was changed."""
    stub.shop.precision = None  # type: ignore[assignment]
    with pytest.raises(ChannelResponseError, match="moneyStrategyPrecision: expected a whole number") as caught:
        await channel.fetch_orders(updated_since=None)

    assert caught.value.applied is False
    assert isinstance(caught.value, ChannelError)
