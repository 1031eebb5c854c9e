"""A server on loopback that answers as told and remembers what it was asked, and a channel that asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aiohttp import ClientMiddlewareType, ClientSession, web
from aiohttp.test_utils import TestServer

from ordersync.channel import Channel
from ordersync.http import HTTPChannel, Limits, Transport
from ordersync.model.channel_orders import OrderPage
from ordersync.model.dispatch import DispatchNote
from ordersync.model.ids import ChannelId
from ordersync.model.listings import StockResult, StockUpdate

ACME = ChannelId("Acme", "one")
QUICK = Limits(
    total=timedelta(seconds=0.5), connect=timedelta(seconds=0.5), read=timedelta(seconds=0.3),
    slot=timedelta(seconds=0.2), answer_bytes=100_000, page_items=3,
)  # fmt: skip

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Script:
    """What the server answers, one handler after the other, the last one for ever; and what it was asked."""

    handlers: list[Handler] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Remember the request and let the next handler answer."""
        body = await request.read()
        self.asked.append(Asked(request.method, request.raw_path, dict(request.headers), body))
        handler = self.handlers.pop(0) if len(self.handlers) > 1 else self.handlers[0]
        return await handler(request)


def saying(document: Any, *, status: int = 200, **headers: str) -> Handler:  # noqa: ANN401 - any JSON
    """Answer with JSON."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.json_response(document, status=status, headers=named)

    return answer


def sending(body: bytes, *, status: int = 200, kind: str = "application/json", **headers: str) -> Handler:
    """Answer with these bytes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return with_headers({"Content-Type": kind, **named}, body=body, status=status)


def with_headers(headers: Mapping[str, str], *, body: bytes = b"{}", status: int = 200) -> Handler:
    """Answer with these headers."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status, headers={"Content-Type": "application/json", **headers})

    return answer


class Acme(HTTPChannel):
    """A channel without verbs of its own."""

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Answer with no order once the server has answered."""
        params = {"since": str(updated_since), "cursor": str(cursor)}
        answer = await self.request("GET", "/orders", params=params)
        return OrderPage(orders=(), server_time=answer.server_time)

    async def push_stock(self, updates: Sequence[StockUpdate]) -> Sequence[StockResult]:
        """Send nothing of interest."""
        await self.request("PUT", "/stock", json=len(updates))
        return ()

    async def send_dispatch(self, note: DispatchNote) -> None:
        """Send nothing of interest."""
        await self.request("POST", "/shipments", json=note.id)


@asynccontextmanager
async def serving(*handlers: Handler) -> AsyncIterator[tuple[Script, str]]:
    """Serve on loopback; yield the script, and the address of the server."""
    script = Script(list(handlers))
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", script.answer)
    server = TestServer(app)
    await server.start_server(access_log=None, shutdown_timeout=0.1)
    try:
        yield script, str(server.make_url("/api"))
    finally:
        await server.close()


@asynccontextmanager
async def asking(
    *handlers: Handler,
    kind: type[Acme] = Acme,
    auth: ClientMiddlewareType | None = None,
    session: ClientSession | None = None,
    transport: Transport | None = None,
) -> AsyncIterator[tuple[Acme, Script]]:
    """Serve on loopback; yield an open channel to the server, and the script."""
    async with serving(*handlers) as (script, url):
        options = Transport(limits=QUICK) if transport is None else transport
        channel = kind(ACME, base_url=url, auth=auth, session=session, transport=options)
        assert isinstance(channel, Channel)
        async with channel:
            yield channel, script
