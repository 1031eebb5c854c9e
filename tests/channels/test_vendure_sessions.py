"""How VendureChannel logs in, what it refuses to be set to, and what a scan shows."""

from __future__ import annotations

import asyncio

import aiohttp
import attrs
import pytest
from yarl import URL

from channels.vendure_harness import SHOP, connected
from channels.vendure_shop import order_document
from channels.vendure_stub import VendureStub
from ordersync.channel import SupportsPayloads
from ordersync.channels.vendure import VendureChannel
from ordersync.errors import ChannelAuthError, ChannelError, ChannelResponseError, ConfigurationError
from ordersync.model.channel_orders import ChannelOrder, UnreadableOrder
from ordersync.model.listings import StockUpdate
from ordersync.model.runs import Progress
from ordersync.model.settings import ChannelSettings, StatusMapping
from ordersync.structuring import dump_json
from ordersync.sync.scan import ScanKind, plan
from ordersync.testing.builders import NOON


def level(sku: str, quantity: int, location: str | None = None) -> StockUpdate:
    """Build a level to show."""
    return StockUpdate(channel_sku=sku, quantity=quantity, channel_location=location, attempt_id="a1")


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


async def test_scan_by_time_shows_what_is_done(stub: VendureStub, channel: VendureChannel) -> None:
    """With a time, orders placed or stamped since are shown in any state, and what was cancelled is stamped."""
    old, gone, young = (stub.shop.place({"MUG": 1}) for _ in range(3))
    old.state = gone.state = young.state = "Shipped"
    stub.shop.cancel_line(gone, 0, 1)

    page = await channel.fetch_orders(updated_since=young.created_at)
    assert [(order.reference, order.status) for order in page.orders] == [
        (gone.code, "Cancelled"),
        (young.code, "Shipped"),
    ]


async def test_scan_by_time_leaves_out_carts_that_were_given_up(stub: VendureStub, channel: VendureChannel) -> None:
    """A cart that is cancelled is no active order any more, and was never placed."""
    cart, young = stub.shop.place({"MUG": 1}, pay=False), stub.shop.place({"MUG": 1})
    cart.state, cart.active = "Cancelled", False

    page = await channel.fetch_orders(updated_since=cart.created_at)
    assert [order.reference for order in page.orders] == [young.code]


async def test_every_run_scans_by_time_and_by_state(channel: VendureChannel) -> None:
    """What is cancelled after it has shipped is in no sweep, and what is paid or shipped moves no stamp."""
    known = Progress(watermark=NOON, swept_at=NOON)

    assert plan(channel, known, now=NOON) == [ScanKind.UPDATES, ScanKind.SWEEP]
    assert plan(channel, Progress(), now=NOON) == [ScanKind.SWEEP]


async def test_cart_is_found_by_its_code(stub: VendureStub, channel: VendureChannel) -> None:
    """An order that was never paid for is shown to whoever asks for it, and says so."""
    cart = stub.shop.place({"MUG": 1}, pay=False)

    found = await channel.fetch_order(cart.code)
    assert isinstance(found, ChannelOrder)
    assert (found.status, found.payment) == ("ArrangingPayment", "unpaid")


async def test_answer_of_another_shape_is_not_understood(stub: VendureStub, channel: VendureChannel) -> None:
    """When Vendure changes its API the text says where, and for a read that nothing was changed."""
    stub.shop.precision = None  # type: ignore[assignment]
    with pytest.raises(ChannelResponseError, match="moneyStrategyPrecision: expected a whole number") as caught:
        await channel.fetch_orders(updated_since=None)

    assert caught.value.applied is False
    assert isinstance(caught.value, ChannelError)


async def test_kept_document_is_read_once_the_amounts_are_known(stub: VendureStub, channel: VendureChannel) -> None:
    """How many decimal places an amount has only the server knows: its first answer makes kept documents readable."""
    placed = stub.shop.place({"MUG": 1})
    payload = dump_json(order_document(placed))

    too_early = channel.read_order(payload)
    await channel.test_connection()
    read = channel.read_order(payload)

    assert isinstance(too_early, UnreadableOrder)
    assert too_early.error.endswith("are not known yet; test the connection first")
    assert read == attrs.evolve(await shown(channel, placed.code), raw=payload)
    assert isinstance(channel, SupportsPayloads)


async def test_kept_document_may_still_be_unreadable(stub: VendureStub, channel: VendureChannel) -> None:
    """What is still wrong with a kept document is told, and whose it is."""
    placed = stub.shop.place({"MUG": 1})
    await channel.fetch_orders(updated_since=None)
    payload = dump_json({**order_document(placed), "totalWithTax": "a lot"})

    assert channel.read_order(payload) == UnreadableOrder(
        payload=payload, error="$.totalWithTax: expected a whole number", reference=placed.code
    )


async def shown(channel: VendureChannel, reference: str) -> ChannelOrder:
    """Return an order as it is shown."""
    found = await channel.fetch_order(reference)
    assert isinstance(found, ChannelOrder)
    return found
