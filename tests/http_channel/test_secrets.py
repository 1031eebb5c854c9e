"""A channel's secrets, through whole runs that go wrong: nothing that speaks of them tells one."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from datetime import datetime

import pytest
from aiohttp import web

from canaries import SECRET, Words
from canaries_hearing import Hearing
from http_channel.serving import ACME, QUICK, Acme, Handler, saying, sending, serving, with_headers
from ordersync import SyncRunner
from ordersync.doctor import Doctor
from ordersync.doctor.health_bundle import collect
from ordersync.http import BasicAuth, BearerAuth, Transport
from ordersync.model.channel_orders import ChannelOrder, OrderPage
from ordersync.model.events import Event, Observer
from ordersync.observers import LogObserver
from ordersync.storage.memory import MemoryStorage
from ordersync.sync.retry import RetryPolicy

KEY, TOKEN, FRESH, USER, PASSWORD = (f"{SECRET}-{name}-4711" for name in ("key", "token", "fresh", "user", "pass"))
CODE = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
SECRETS = Words({"secret": (KEY, TOKEN, FRESH, USER, PASSWORD, CODE, SECRET)})


class Keyed(Acme):
    """A channel that has to put a key into its addresses, its headers and its documents, too."""

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Read a page of what cannot be understood."""
        window = {"since": str(updated_since), "cursor": str(cursor)}
        answer = await self.request("GET", "/orders", params={"api_key": KEY, **window})
        self.understood(answer.json, ChannelOrder)
        return OrderPage(orders=())

    async def fetch_order(self, reference: str) -> ChannelOrder | None:
        """Ask for one order."""
        answer = await self.request("POST", ("orders", reference), json={"key": KEY}, params={"sig": KEY})
        return self.understood(answer.json, ChannelOrder)


async def never(_request: web.Request) -> web.StreamResponse:
    """Answer when nobody waits any more."""
    await asyncio.sleep(QUICK.read.total_seconds() + 0.2)
    return web.json_response({})


async def hang_up(request: web.Request) -> web.StreamResponse:
    """Promise an answer, send a part of it with what was asked, and hang up."""
    assert request.transport is not None
    request.transport.write(f"HTTP/1.1 200 OK\r\nContent-Length: 999\r\nX-Key: {KEY}\r\n\r\n{KEY}".encode())
    request.transport.close()
    return web.Response()


async def no_http(request: web.Request) -> web.StreamResponse:
    """Answer with something that is no HTTP, and holds what was asked."""
    assert request.transport is not None
    request.transport.write(f"{KEY} {request.headers['Authorization']}\r\n\r\n".encode())
    request.transport.close()
    return web.Response()


ECHO = {"error": f"{KEY} is not known", TOKEN: [KEY], "reference": KEY}
ANSWERS: dict[str, Handler] = {
    **{
        str(status): saying(ECHO, status=status, X_Key=KEY, Set_Cookie=f"key={KEY}", WWW_Authenticate=f"Bearer {TOKEN}")
        for status in (400, 401, 403, 404, 409, 422, 429, 500, 503)
    },
    "redirect": saying(ECHO, status=302, Location=f"https://other.example/{KEY}?token={TOKEN}"),
    "other shape": saying(ECHO),
    "list": saying([KEY]),
    "no JSON": sending(f"<{KEY}>".encode()),
    "HTML": sending(f"<html>{KEY}</html>".encode(), kind="text/html"),
    "strange type": with_headers({"Content-Type": f"text/{KEY}"}, body=KEY.encode()),
    "strange encoding": with_headers({"Content-Encoding": "gzip"}, body=KEY.encode()),
    "too much": sending(b'"' + KEY.encode() * 10_000 + b'"'),
    "never": never,
    "hang up": hang_up,
    "no HTTP": no_http,
}


async def fresh() -> str:
    """Return a new token."""
    return FRESH


@pytest.mark.parametrize("answer", ANSWERS)
async def test_no_secret_is_told(answer: str) -> None:
    """Whatever the server answers, reports, events, errors, journal and doctor tell no secret of the channel's."""
    hearing, events = Hearing(), list[Event]()
    async with serving(ANSWERS[answer]) as (script, url):
        for auth in (BearerAuth(fresh, token=TOKEN), BasicAuth(USER, PASSWORD)):
            channel = Keyed(ACME, base_url=url, auth=auth, transport=Transport(limits=QUICK))
            channel.headers["X-Api-Key"] = KEY
            async with MemoryStorage() as storage, channel:
                observers: list[Observer] = [LogObserver(), events.append]
                runner = SyncRunner([channel], storage, observers=observers, retry=RetryPolicy(attempts=1))
                report = await runner.run_once()
                doctor = Doctor([channel], storage, retry=RetryPolicy(attempts=1))
                health = await doctor.check(live=True)
                told: Sequence[object] = (
                    report, *report.errors, *events, auth, channel, channel.headers.keys(), health,
                    await collect(health, storage, [channel]), await storage.journal.entries(limit=99),
                    await storage.journal.life([ACME]), await doctor.explain("1001", source=ACME.source, live=True),
                )  # fmt: skip
                for value in told:
                    hearing.hear(type(value).__name__, value)
                assert report.errors

    assert KEY in script.asked[0].target
    assert script.asked[0].headers["X-Api-Key"] == KEY
    assert [who for who, text in hearing.said.items() if SECRETS.found(text)] == []
