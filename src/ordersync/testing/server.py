"""A fake marketplace behind HTTP on this machine: a small JSON API as real ones have it, for demos and tests.

* ``GET /orders?updated_since=&cursor=`` → ``{"orders": [...], "next": cursor or null}``
* ``GET /orders/{reference}`` → one order, or 404
* ``GET /listings?cursor=`` → ``{"listings": [{"sku", "location", "quantity"}], "next": ...}``
* ``PUT /stock`` with ``{"levels": [{"sku", "location", "quantity", "expected", "attempt"}]}``
  → ``{"results": [{"sku", "location", "outcome", "message"}]}``
* ``POST /shipments`` with ``{"id", "order", "lines", "carrier", "service", "tracking_number",
  "tracking_url", "shipped_at"}`` → 201, or 422 with ``{"error"}``

Every request needs ``Authorization: Bearer <token>``; the ``Date`` of each answer is the marketplace's own time.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from aiohttp import hdrs, web

from ..errors import (
    ChannelAuthError,
    ChannelError,
    ChannelRejectedError,
    ChannelResponseError,
    ChannelUnavailableError,
)
from ..model.dispatch import DispatchNote
from ..model.ids import ChannelId, OrderKey
from ..model.listings import StockUpdate
from .market import BareMarketplace
from .network import HTML, BadNetwork, Handler

BODY_LIMIT = 8 * 1024 * 1024


@asynccontextmanager
async def serve(
    market: BareMarketplace, *, token: str, network: BadNetwork | None = None, port: int = 0
) -> AsyncIterator[str]:
    """Serve *market* on loopback until the block ends, and yield its URL; port 0 is any free one."""
    runner = web.AppRunner(application(market, token=token, network=network), access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def application(market: BareMarketplace, *, token: str, network: BadNetwork | None = None) -> web.Application:
    """Return the API over *market* as an aiohttp application."""
    api = _Api(market, token)
    app = web.Application(
        client_max_size=BODY_LIMIT,
        middlewares=[api.dated, (network or BadNetwork()).middleware, api.guarded, api.explained],
    )
    app.add_routes(
        [
            web.get("/orders", api.orders),
            web.get("/orders/{reference}", api.order),
            web.get("/listings", api.listings),
            web.put("/stock", api.stock),
            web.post("/shipments", api.shipments),
        ]
    )
    return app


class _Api:
    """The handlers; each translates one request into one call of the marketplace."""

    def __init__(self, market: BareMarketplace, token: str) -> None:
        self._market = market
        self._token = token

    @web.middleware
    async def dated(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Put the marketplace's own time on every answer."""
        response = await handler(request)
        response.headers[hdrs.DATE] = format_datetime(self._market.clock.now(), usegmt=True)
        return response

    @web.middleware
    async def guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let nobody in who does not have the token."""
        if request.headers.get(hdrs.AUTHORIZATION) != f"Bearer {self._token}":
            return _failure(401, "the token is wrong")
        return await handler(request)

    @web.middleware
    async def explained(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer for errors as web servers do."""
        try:
            return await handler(request)
        except ChannelError as exc:
            return _answer_for(exc)
        except (KeyError, TypeError, ValueError):
            return _failure(400, "the request is malformed")

    async def orders(self, request: web.Request) -> web.Response:
        """Answer with one page of orders."""
        since = request.query.get("updated_since")
        page = await self._market.read_page(
            None if since is None else datetime.fromisoformat(since).astimezone(UTC),
            request.query.get("cursor"),
        )
        documents = b",".join(sight.document for sight in page.sights)
        next_cursor = json.dumps(page.next_cursor).encode()
        return web.Response(
            body=b'{"orders":[%b],"next":%b}' % (documents, next_cursor), content_type="application/json"
        )

    async def order(self, request: web.Request) -> web.Response:
        """Answer with one order."""
        sight = await self._market.read_sight(request.match_info["reference"])
        if sight is None:
            return _failure(404, "no such order")
        return web.Response(body=sight.document, content_type="application/json")

    async def listings(self, request: web.Request) -> web.Response:
        """Answer with one page of listings."""
        page = await self._market.read_listings(request.query.get("cursor"))
        shown = [
            {"sku": one.channel_sku, "location": one.channel_location, "quantity": one.quantity}
            for one in page.listings
        ]
        return web.json_response({"listings": shown, "next": page.next_cursor})

    async def stock(self, request: web.Request) -> web.Response:
        """Take in levels and answer for each."""
        levels = (await request.json())["levels"]
        results = await self._market.push_stock([_update(level) for level in levels])
        told = [
            {
                "sku": one.channel_sku,
                "location": one.channel_location,
                "outcome": one.outcome.value,
                "message": one.message,
            }
            for one in results
        ]
        return web.json_response({"results": told})

    async def shipments(self, request: web.Request) -> web.Response:
        """Take in a dispatch note."""
        await self._market.send_dispatch(_note(await request.json(), self._market.id))
        return web.json_response({}, status=201)


def _update(level: dict[str, Any]) -> StockUpdate:
    return StockUpdate(
        channel_sku=level["sku"],
        channel_location=level["location"],
        quantity=level["quantity"],
        expected=level["expected"],
        attempt_id=level["attempt"],
    )


def _note(document: dict[str, Any], channel: ChannelId) -> DispatchNote:
    return DispatchNote(
        id=document["id"],
        order_key=OrderKey(channel, document["order"]),
        channel_order_id=None,
        lines=document["lines"],
        carrier=document["carrier"],
        service=document["service"],
        tracking_number=document["tracking_number"],
        tracking_url=document["tracking_url"],
        dispatched_at=datetime.fromisoformat(document["shipped_at"]).astimezone(UTC),
    )


def _failure(status: int, message: str, **headers: str) -> web.Response:
    return web.json_response({"error": message}, status=status, headers=headers)


def _answer_for(error: ChannelError) -> web.Response:
    message = str(error)
    if isinstance(error, ChannelAuthError):
        return _failure(401, message)
    if isinstance(error, ChannelRejectedError):
        return _failure(422, message)
    if isinstance(error, ChannelResponseError):
        return web.Response(body=HTML.encode(), content_type="text/html")
    wait = error.retry_after if isinstance(error, ChannelUnavailableError) else None
    headers = {} if wait is None else {"Retry-After": f"{wait:.0f}"}
    return _failure(429 if error.applied is False else 503, message, **headers)
