"""Authorization: a token is got once, renewed once, and never seen."""

from __future__ import annotations

import asyncio
import base64
import logging
import traceback
import uuid

import pytest
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, web

from canaries import SECRET
from http_channel.serving import ACME, Acme, Handler, asking, saying, sending, serving
from ordersync.errors import ChannelAuthError, ChannelError
from ordersync.http import BasicAuth, BearerAuth


class Tokens:
    """A source that hands out t1, t2, t3."""

    def __init__(self) -> None:
        self.given = 0

    async def __call__(self) -> str:
        """Take a moment and hand out the next."""
        await asyncio.sleep(0.01)
        self.given += 1
        return f"t{self.given}"


def accepting(*tokens: str) -> Handler:
    """Answer requests that carry one of these tokens, and 401 to others."""

    async def answer(request: web.Request) -> web.StreamResponse:
        known = request.headers.get("Authorization") in {f"Bearer {token}" for token in tokens}
        return web.json_response({}, status=200 if known else 401)

    return answer


async def test_basic_auth_is_sent() -> None:
    """User name and password go with each request, also those that ASCII cannot write."""
    async with asking(saying({}), auth=BasicAuth("ann", "pässword")) as (channel, server):
        await channel.request("GET", "/orders")

    kind, _, code = server.asked[0].headers["Authorization"].partition(" ")
    assert (kind, base64.b64decode(code).decode()) == ("Basic", "ann:pässword")


async def test_any_middleware_is_auth() -> None:
    """An API with a way of its own is served by any callable that aiohttp takes for a middleware."""

    async def sign(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        request.headers["X-Signature"] = f"{request.method} signed"
        return await handler(request)

    async with asking(saying({}), auth=sign) as (channel, server):
        await channel.request("PUT", "/stock", json=1)
        await channel.request("PUT", "/login", json=1, authorized=False)

    assert server.asked[0].headers["X-Signature"] == "PUT signed"
    assert "X-Signature" not in server.asked[1].headers


async def test_token_is_got_once_for_many() -> None:
    """Many first requests at once ask for one token."""
    tokens = Tokens()
    async with asking(accepting("t1"), auth=BearerAuth(tokens)) as (channel, _):
        await asyncio.gather(*(channel.request("GET", "/orders") for _ in range(10)))

    assert tokens.given == 1


async def test_refused_token_is_renewed_once_for_many() -> None:
    """Many requests that find a token refused get one new one between them, and all succeed."""
    tokens = Tokens()
    async with asking(accepting("t1"), auth=BearerAuth(tokens, token="old")) as (channel, server):
        await asyncio.gather(*(channel.request("POST", "/orders", json=7) for _ in range(10)))

    assert tokens.given == 1
    assert {asked.body for asked in server.asked} == {b"7"}


async def test_token_refused_twice_needs_a_person() -> None:
    """A new token that is refused as well is not renewed again."""
    tokens = Tokens()
    async with asking(accepting("none"), auth=BearerAuth(tokens)) as (channel, server):
        with pytest.raises(ChannelAuthError, match="authorize again") as caught:
            await channel.request("POST", "/orders")

    assert caught.value.applied is False
    assert len(server.asked) == 2
    assert tokens.given == 2


async def test_new_token_is_stored_before_it_is_used() -> None:
    """The hook has returned before a request carries the new token, and has it when it fails."""
    seen: list[tuple[str, int]] = []

    async with asking(accepting("t1")) as (plain, server):

        async def store(token: str) -> None:
            seen.append((token, len(server.asked)))

        auth = BearerAuth(Tokens(), on_token_refreshed=store)
        async with Acme(ACME, base_url=str(plain._address.below("")), auth=auth) as channel:
            await channel.request("GET", "/orders")

    assert seen == [("t1", 0)]


async def test_token_that_was_not_stored_is_not_used() -> None:
    """When the hook fails, the token is not used, and the next request asks for another."""
    tokens = Tokens()

    async def store(token: str) -> None:
        if tokens.given == 1:
            raise ChannelError(f"the disk is too full for {len(token)} letters")

    async with asking(accepting("t2"), auth=BearerAuth(tokens, on_token_refreshed=store)) as (channel, server):
        with pytest.raises(ChannelError, match="disk"):
            await channel.request("GET", "/orders")
        await channel.request("GET", "/orders")

    assert [asked.headers["Authorization"] for asked in server.asked] == ["Bearer t2"]


async def test_cancelled_renewal_leaves_a_usable_token() -> None:
    """A request cancelled while it renews the token leaves no lock behind."""
    tokens = Tokens()
    async with asking(accepting("t1", "t2"), auth=BearerAuth(tokens)) as (channel, _):
        task = asyncio.ensure_future(channel.request("GET", "/orders"))
        await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await channel.request("GET", "/orders")


@pytest.mark.parametrize("status", [200, 401, 404, 500])
async def test_secrets_stay_in(status: int, caplog: pytest.LogCaptureFixture) -> None:
    """No credential is in a repr, an error, its traceback or a log line, whatever the answer."""
    caplog.set_level(logging.DEBUG)
    secret = f"{SECRET}{uuid.uuid4().hex}"
    code = base64.b64encode(f"ann:{secret}".encode()).decode()
    shown: list[str] = []

    async def token() -> str:
        return secret

    for auth in (BasicAuth("ann", secret), BearerAuth(token), BearerAuth(token, token=secret)):
        answer = sending(secret.encode(), status=status, X_Secret=secret)
        async with asking(answer, auth=auth) as (channel, _):
            shown += [repr(auth), repr(channel), str(channel)]
            with pytest.raises(ChannelError) as caught:
                await channel.request("POST", "/orders", json=secret, params={"key": secret})
            shown += [repr(caught.value), repr(vars(caught.value)), *traceback.format_exception(caught.value)]
            assert caught.value.__context__ is None

    assert not [text for text in (*shown, caplog.text) if secret in text or code in text]


async def test_two_channels_share_nothing() -> None:
    """Two accounts of one shop never send each other's credentials."""
    async with serving(saying({}, Set_Cookie="who=1")) as (server, url):
        one = Acme(ACME, base_url=url, auth=BasicAuth("one", "1"))
        two = Acme(ACME, base_url=url, auth=BasicAuth("two", "2"))
        async with one, two:
            await asyncio.gather(*(channel.request("GET", "/orders") for channel in (one, two) * 5))

    sent = [asked.headers["Authorization"] for asked in server.asked]
    assert {sent.count(header) for header in sent} == {5}
    assert not any("Cookie" in asked.headers for asked in server.asked)
