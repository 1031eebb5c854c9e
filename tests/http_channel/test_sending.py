"""How a request is sent: once, in time, over a session that stays whose it was, and nowhere else."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web

from http_channel.serving import ACME, QUICK, Acme, Handler, asking, saying, serving
from ordersync.errors import (
    ChannelError,
    ChannelRejectedError,
    ChannelResponseError,
    ChannelUnavailableError,
    ConfigurationError,
)
from ordersync.http import BearerAuth, Limits, Transport


async def slowly(request: web.Request) -> web.StreamResponse:
    """Answer in a minute."""
    await asyncio.sleep(60)
    return web.Response()


async def dripping(request: web.Request) -> web.StreamResponse:
    """Answer a byte at a time, for ever."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.05)


async def resetting(request: web.Request) -> web.StreamResponse:
    """Cut the connection."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def closed_port() -> int:
    """Return a port at which nobody listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port: int = server.getsockname()[1]
        return port


async def fails(channel: Acme, method: str = "POST") -> ChannelError:
    """Return the error that a request ends in."""
    with pytest.raises(ChannelError) as caught:
        await channel.request(method, "/orders")
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return caught.value


async def test_refused_connection_has_no_effect() -> None:
    """Where nobody listens nothing was changed, and the text names host and port."""
    port = closed_port()
    async with Acme(ACME, base_url=f"http://127.0.0.1:{port}") as channel:
        error = await fails(channel)

    assert isinstance(error, ChannelUnavailableError)
    assert error.applied is False
    assert f"127.0.0.1:{port} cannot be reached" in str(error)


async def test_unknown_host_has_no_effect() -> None:
    """A host that does not exist was not reached."""
    async with Acme(ACME, base_url="https://nowhere.invalid", transport=Transport(limits=QUICK)) as channel:
        error = await fails(channel)

    assert isinstance(error, ChannelUnavailableError)
    assert error.applied is False


async def test_connection_that_is_never_accepted_has_no_effect() -> None:
    """A server that accepts no connection ends in a time-out before anything was sent."""
    with closing(socket.socket()) as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        with closing(socket.create_connection(("127.0.0.1", port))), closing(socket.socket()) as second:
            second.settimeout(0)
            second.connect_ex(("127.0.0.1", port))
            transport = Transport(limits=Limits(connect=timedelta(seconds=0.2)))
            async with Acme(ACME, base_url=f"http://127.0.0.1:{port}", transport=transport) as channel:
                error = await fails(channel)

    assert isinstance(error, ChannelUnavailableError)
    assert error.applied is False


@pytest.mark.parametrize("handler", [slowly, dripping])
async def test_slow_answer_is_cut_off(handler: Handler) -> None:
    """An answer that does not come, or comes a byte at a time, is given up in time and of unknown effect."""
    async with asking(handler) as (channel, _):
        started = time.monotonic()
        error = await fails(channel)
        took = time.monotonic() - started

    assert isinstance(error, ChannelUnavailableError)
    assert error.applied is None
    assert took < 0.8


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_effect_is_sent_once(method: str) -> None:
    """A kept connection that breaks under a request makes its effect unknown, and it is not sent again."""
    async with asking(saying({}), resetting) as (channel, server):
        await channel.request("GET", "/orders")
        error = await fails(channel, method)

    assert error.applied is None
    assert [asked.method for asked in server.asked] == ["GET", method]


async def test_reset_is_an_outage() -> None:
    """A connection reset on a read is an outage without an effect."""
    async with asking(resetting) as (channel, _):
        error = await fails(channel, "GET")

    assert isinstance(error, ChannelUnavailableError)
    assert error.applied is False


async def test_answer_that_is_not_http_is_nonsense() -> None:
    """A server that speaks something else than HTTP is not an outage: the address is wrong."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail.example ESMTP ready\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with Acme(ACME, base_url=f"http://127.0.0.1:{port}") as channel:
            assert isinstance(await fails(channel), ChannelResponseError)


async def test_cancelled_request_leaves_a_usable_channel() -> None:
    """A request may be cancelled at any of its awaits, and the next one goes through."""
    async with asking(slowly, saying({"ok": True})) as (channel, server):
        for turns in (1, 3, 10, 30, 100):
            server.handlers.insert(0, slowly)
            task = asyncio.ensure_future(channel.request("POST", "/orders"))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        server.handlers[:] = [saying({"ok": True})]
        assert (await channel.request("POST", "/orders")).json == {"ok": True}


async def test_given_session_stays_open() -> None:
    """A session that was given is used, survives the channel, and is used again when that is reopened."""
    async with aiohttp.ClientSession(headers={"X-Whose": "host"}, raise_for_status=True) as session:
        async with asking(saying({}), session=session) as (channel, server):
            await channel.request("GET", "/orders")
            await channel.aclose()
            await channel.aclose()
            assert not session.closed
            await channel.open()
            await channel.request("GET", "/orders")
        assert not session.closed

    assert [asked.headers["X-Whose"] for asked in server.asked] == ["host", "host"]


async def test_own_session_is_closed() -> None:
    """A channel that made its session closes it, may be opened again, and says so when it is not open."""
    async with serving(saying({})) as (_, url):
        channel = Acme(ACME, base_url=url)
        for _ in range(2):
            async with channel:
                await channel.request("GET", "/orders")
            with pytest.raises(RuntimeError, match="not open"):
                await channel.request("GET", "/orders")


def test_channel_outlives_its_event_loop() -> None:
    """A channel may be opened in one event loop and later in another, its authorization with it."""
    given: list[str] = []

    async def token() -> str:
        await asyncio.sleep(0.01)
        given.append("t")
        return f"t{len(given)}"

    def accepting(number: int) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            known = request.headers["Authorization"] == f"Bearer t{number}"
            return web.json_response({}, status=200 if known else 401)

        return answer

    @asynccontextmanager
    async def opened(channel: Acme, url: str) -> AsyncIterator[None]:
        channel._address = type(channel._address)(url)
        async with channel:
            yield

    async def once(channel: Acme, number: int) -> None:
        async with serving(accepting(number)) as (_, url), opened(channel, url):
            await asyncio.gather(*(channel.request("GET", "/orders") for _ in range(5)))

    channel = Acme(ACME, base_url="http://localhost", auth=BearerAuth(token))
    for number in (1, 2):
        asyncio.run(once(channel, number))
    assert len(given) == 2


async def test_own_session_is_deaf_to_its_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a proxy in the environment nor a cookie of an earlier answer changes a request."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    async with asking(saying({}, Set_Cookie="session=1; Path=/")) as (channel, server):
        await channel.request("GET", "/orders")
        await channel.request("GET", "/orders")

    assert "Cookie" not in server.asked[1].headers


async def test_segments_of_a_path_are_quoted() -> None:
    """A reference with awkward characters stays one segment of the path."""
    async with asking(saying({})) as (channel, server):
        await channel.request("GET", ("orders", "A/B?c#d%e ü"), params={"q": "1&2"})

    assert server.asked[0].target == "/api/orders/A%2FB%3Fc%23d%25e%20%C3%BC?q=1%262"


@pytest.mark.parametrize("segment", ["", ".", ".."])
async def test_segment_of_dots_is_refused(segment: str) -> None:
    """A reference that would lead to another place of the API is refused before anything is sent."""
    async with asking(saying({})) as (channel, server):
        with pytest.raises(ChannelRejectedError) as caught:
            await channel.request("GET", ("orders", segment))

    assert caught.value.applied is False
    assert server.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example",
        "ftp://shop.example",
        "https://user:CANARY@shop.example",
        "https://shop.example/?token=CANARY",
        "shop.example",
        "",
        "https://",
    ],
)
def test_unsafe_base_url_is_refused(url: str) -> None:
    """A base URL that would show credentials, or is none, is refused by a text that does not show them."""
    with pytest.raises(ConfigurationError, match="base_url") as caught:
        Acme(ACME, base_url=url)

    assert "CANARY" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("url", ["http://localhost:3000", "http://127.0.0.2/api", "http://[::1]:80"])
def test_plain_http_to_this_machine_is_permitted(url: str) -> None:
    """Plain HTTP may be used on this machine, and elsewhere only by an explicit flag."""
    Acme(ACME, base_url=url)
    Acme(ACME, base_url="http://shop.example", transport=Transport(allow_http=True))


async def test_next_page_stays_on_the_api() -> None:
    """A link to the next page is followed only within the same API."""
    async with asking(saying({})) as (channel, server):
        base = str(channel._address.below(""))
        path = channel.next_page(f"{base}/orders?page=2&c=a%2Bb")
        await channel.request("GET", path)
        assert channel.next_page("/api/orders?page=3") == "/orders?page=3"
        for link in (
            "https://evil.example/api/orders",
            base.replace("http:", "https:") + "/orders",
            base.replace("/api", "/apiary"),
            f"{base}/../admin",
            "/admin",
            "//evil.example/api",
            "http://[::1",
            "javascript:alert(1)",
        ):
            with pytest.raises(ChannelResponseError) as caught:
                channel.next_page(link)
            assert "evil" not in str(caught.value)

    assert server.asked[0].target == "/api/orders?page=2&c=a%2Bb"
