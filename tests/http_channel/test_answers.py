"""What an answer becomes: a document, or the one error that tells the runner what to do."""

from __future__ import annotations

import gzip
import resource
import tracemalloc
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from aiohttp import web

from http_channel.serving import QUICK, Handler, asking, saying, sending, serving
from ordersync.channel import SupportsServerClock
from ordersync.errors import (
    ChannelAuthError,
    ChannelError,
    ChannelRejectedError,
    ChannelResponseError,
    ChannelUnavailableError,
)
from ordersync.http import Limits, Transport
from ordersync.testing import ManualClock

NO_AGE = ("Fri, 31 Dec 9999 23:59:59 -0500", "Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 01 Jan 0100 00:00:00 GMT")
"""Dates that a server cannot mean; the first one has no moment in UTC."""


async def failure(*handlers: Handler, method: str = "POST") -> ChannelError:
    """Return the error that a request to such a server ends in."""
    async with asking(*handlers) as (channel, _):
        with pytest.raises(ChannelError) as caught:
            await channel.request(method, "/orders", params={"token": "CANARY"})
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert "CANARY" not in str(caught.value)
    return caught.value


async def test_answer_keeps_every_digit() -> None:
    """Amounts arrive as Decimal with the digits that the server wrote, and its clock comes with them."""
    date = "Mon, 05 Jan 2026 09:00:00 GMT"
    async with asking(sending(b'{"total": 336.3200, "n": 9007199254740993}', Date=date)) as (channel, _):
        answer = await channel.request("GET", "/orders")

    assert str(answer.json["total"]) == "336.3200"
    assert isinstance(answer.json["total"], Decimal)
    assert answer.json["n"] == 9007199254740993
    assert answer.server_time == datetime(2026, 1, 5, 9, tzinfo=UTC)


async def test_headers_and_body_have_no_repr() -> None:
    """Neither a token in the headers nor a buyer in the body is shown by an answer's repr."""
    async with asking(saying({"name": "CANARY"}, X_Token="CANARY")) as (channel, _):
        answer = await channel.request("GET", "/orders")

    assert answer.headers["X-Token"] == "CANARY"
    assert "CANARY" not in repr(answer)


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Jan 2026 09:00:00 GMT", *NO_AGE])
async def test_nonsense_date_is_no_time(date: str) -> None:
    """A Date header that is no date gives no server time, and nothing breaks."""
    async with asking(saying({}, Date=date)) as (channel, _):
        assert (await channel.request("GET", "/orders")).server_time is None


async def test_clock_of_the_server_is_compared_with_ours() -> None:
    """Each answer with a date tells how far the server is ahead, failures included; what has no date tells nothing."""
    clock = ManualClock(datetime(2026, 1, 5, 9, tzinfo=UTC))
    ahead = sending(b"{}", Date="Mon, 05 Jan 2026 09:02:00 GMT")
    refused = sending(b"{}", status=401, Date="Mon, 05 Jan 2026 08:59:30 GMT")
    cached = sending(b"{}", Date="Mon, 05 Jan 2026 06:00:00 GMT", Age="10800")
    nonsense = sending(b"{}", Date="yesterday")
    async with asking(ahead, refused, cached, nonsense, transport=Transport(clock=clock)) as (channel, _):
        offsets = [channel.clock_offset]
        for _ in range(4):
            with suppress(ChannelAuthError):
                await channel.request("GET", "/orders")
            offsets.append(channel.clock_offset)

    behind = timedelta(seconds=-30)
    assert offsets == [None, timedelta(minutes=2), behind, behind, behind]
    assert isinstance(channel, SupportsServerClock)


@pytest.mark.parametrize(
    ("status", "kind", "applied"),
    [
        (401, ChannelAuthError, False),
        (403, ChannelAuthError, False),
        (400, ChannelRejectedError, False),
        (404, ChannelRejectedError, False),
        (409, ChannelRejectedError, False),
        (410, ChannelRejectedError, False),
        (422, ChannelRejectedError, False),
        (408, ChannelUnavailableError, None),
        (429, ChannelUnavailableError, False),
        (500, ChannelUnavailableError, None),
        (502, ChannelUnavailableError, None),
        (503, ChannelUnavailableError, None),
        (599, ChannelUnavailableError, None),
    ],
)
async def test_status_decides_the_error(
    status: int,
    kind: type[ChannelError],
    applied: bool | None,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Each status becomes the error that says what to do next, and whether the effect took place."""
    error = await failure(saying({"buyer": "CANARY"}, status=status))

    assert type(error) is kind
    assert error.applied is applied
    assert str(error).startswith(f"Acme/one: POST /orders: answered {status}")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, ChannelAuthError),
        (404, ChannelRejectedError),
        (429, ChannelUnavailableError),
        (502, ChannelUnavailableError),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>sorry</html>", b"x" * 200_000])
async def test_status_decides_whatever_the_body_says(status: int, kind: type[ChannelError], body: bytes) -> None:
    """An error status with a body that is no JSON is what its status says."""
    assert type(await failure(sending(body, status=status, kind="text/html"))) is kind


async def test_failed_read_has_changed_nothing() -> None:
    """A read of unknown fate is known to have had no effect, so it may be tried again freely."""
    assert (await failure(saying({}, status=500), method="GET")).applied is False


@pytest.mark.parametrize(
    ("said", "understood"),
    [
        ("30", 30.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("3600", 900.0),
        ("Mon, 05 Jan 2026 09:00:20 GMT", 20.0),
        ("Mon, 05 Jan 2026 08:59:00 GMT", None),
        ("-5", None),
        ("99999999999", None),
        ("soon", None),
        ("", None),
        ("٣", None),
    ],
)
async def test_retry_after_is_understood_or_ignored(said: str, understood: float | None) -> None:
    """Seconds and dates count, more than a quarter of an hour is cut to that, and nonsense is ignored."""
    date = "Mon, 05 Jan 2026 09:00:00 GMT"
    error = await failure(saying({}, status=429, Retry_After=said.encode().decode("latin-1"), Date=date))

    assert isinstance(error, ChannelUnavailableError)
    assert error.retry_after == understood


NONSENSE = {
    "html": sending(b"<html>Sign in</html>", kind="text/html"),
    "JSON that calls itself a page": sending(b"{}", kind="text/html"),
    "empty": sending(b""),
    "half a document": sending(b'{"orders": ['),
    "two documents": sending(b"{}{}"),
    "not a number": sending(b'{"n": NaN}'),
    "a name twice": sending(b'{"id": 1, "id": 2}'),
    "UTF-16": sending('{"id": 1}'.encode("utf-16")),
    "deep": sending(b"[" * 100_000 + b"]" * 100_000, kind="application/json"),
    "long number": sending(b"1" * 5000),
    "too long": sending(b'"' + b"x" * QUICK.answer_bytes + b'"'),
    "no gzip": sending(b"{}", Content_Encoding="gzip"),
}


@pytest.mark.parametrize("handler", NONSENSE.values(), ids=NONSENSE.keys())
async def test_nonsense_is_a_response_error(handler: Handler) -> None:
    """An answer with status 200 that is no JSON document of sane size is an error, never an empty page."""
    error = await failure(handler, method="GET")

    if handler is NONSENSE["no gzip"]:
        assert isinstance(error, ChannelUnavailableError)
    else:
        assert isinstance(error, ChannelResponseError)
        assert "check base_url" in str(error)


async def test_nonsense_after_an_effect_is_unknown() -> None:
    """An answer that cannot be read says nothing about the effect."""
    assert (await failure(NONSENSE["html"])).applied is None


async def test_effect_may_be_answered_with_nothing() -> None:
    """A request with an effect that is answered with an empty 200 or with 204 has succeeded."""
    async with asking(sending(b""), sending(b"", status=204)) as (channel, _):
        assert (await channel.request("PUT", "/stock", json=1)).json is None
        assert (await channel.request("PUT", "/stock", json=1)).json is None


async def test_byte_order_mark_is_passed_over() -> None:
    """JSON with a byte order mark is read."""
    async with asking(sending(b'\xef\xbb\xbf{"id": 1}', kind="application/problem+json")) as (channel, _):
        assert (await channel.request("GET", "/orders")).json == {"id": 1}


async def test_bomb_does_not_reach_memory() -> None:
    """A small answer that would grow to 200 MB is cut off long before."""
    bomb = gzip.compress(b'"' + b"0" * 200_000_000 + b'"', compresslevel=9)
    limits = Transport(limits=Limits(answer_bytes=1_000_000))
    async with asking(sending(bomb, Content_Encoding="gzip"), transport=limits) as (channel, _):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        tracemalloc.start()
        with pytest.raises(ChannelResponseError, match="larger than 1000000 bytes"):
            await channel.request("GET", "/orders")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert peak < 16_000_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64_000  # kilobytes


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect_is_not_followed(status: int) -> None:
    """A redirect is an error that names where it led, and nothing at all arrives there."""
    async with serving(saying({})) as (elsewhere, url):
        error = await failure(saying({}, status=status, Location=f"{url}/orders?token=CANARY"))

    assert isinstance(error, ChannelResponseError)
    assert f"redirect to {url.split('/')[2]}" in str(error)
    assert elsewhere.asked == []


async def test_page_of_too_many_items_is_refused() -> None:
    """A page with more items than any page should have is refused, and so is one that holds no list."""
    async with asking(saying([1, 2, 3]), saying([1, 2, 3, 4]), saying({"items": 1})) as (channel, _):
        assert channel.page_items((await channel.request("GET", "/orders")).json) == [1, 2, 3]
        for _ in range(2):
            answer = await channel.request("GET", "/orders")
            with pytest.raises(ChannelResponseError):
                channel.page_items(answer.json)


@pytest.mark.parametrize("cut", range(0, 120, 7))
async def test_cut_answer_is_an_outage(cut: int) -> None:
    """An answer that ends early, wherever it is cut, is an outage of unknown effect, never a shorter page."""
    whole = b'{"orders": [' + b", ".join(b'"x"' for _ in range(30)) + b"]}"

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.content_length = len(whole)
        await response.prepare(request)
        await response.write(whole[:cut])
        assert request.transport is not None
        request.transport.abort()
        return response

    error = await failure(answer)
    assert isinstance(error, ChannelUnavailableError)
    assert error.applied is None
