"""A channel from nothing to its contract: a shop's API, the channel to it, and the laws that it keeps.

In a project of yours the parts would be ``acme.py``, ``acme_stub.py`` and ``test_acme.py``. Here they stand in one
file, which tries its own channel when it is run: ``python write_a_channel.py`` (needs pytest).
"""

from __future__ import annotations

import base64
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import aiohttp
import attrs
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from ordersync import (
    Channel,
    ChannelId,
    ChannelOrder,
    ChannelOrderLine,
    ChannelSettings,
    DispatchNote,
    FulfillmentStatus,
    Money,
    OrderPage,
    PaymentStatus,
    Shipment,
    StockOutcome,
    StockResult,
    StockUpdate,
    UnreadableOrder,
)
from ordersync.errors import ChannelError, ChannelRejectedError
from ordersync.http import Answer, BasicAuth, Call, HTTPChannel
from ordersync.structuring import read_order, read_orders, strict_converter
from ordersync.testing.contracts import ChannelContract, ChannelHarness
from ordersync.testing.network import BadNetwork

CONVERTER = strict_converter()

MEANINGS = {
    "new": (PaymentStatus.UNPAID, FulfillmentStatus.UNSHIPPED),
    "paid": (PaymentStatus.PAID, FulfillmentStatus.UNSHIPPED),
    "part": (PaymentStatus.PAID, FulfillmentStatus.PARTIAL),
    "sent": (PaymentStatus.PAID, FulfillmentStatus.SHIPPED),
    "void": (PaymentStatus.UNPAID, FulfillmentStatus.CANCELLED),
}


@attrs.frozen
class Item:
    """One line of an order, as Acme writes it."""

    id: str
    article: str
    pieces: int
    sent: int
    price: Decimal


@attrs.frozen
class Package:
    """One parcel of an order, as Acme writes it."""

    items: Mapping[str, int]
    carrier: str | None
    number: str | None


@attrs.frozen
class Document:
    """An order, as Acme writes it: only the fields that are used."""

    number: str
    state: str
    placed: datetime
    changed: datetime
    currency: str
    items: Sequence[Item]
    packages: Sequence[Package]


@attrs.frozen
class Page:
    """A page of orders; each is read by itself, so that a malformed one stops only itself."""

    orders: Sequence[Any]
    next: str | None


@attrs.frozen
class Stocked:
    """What Acme answers to new levels."""

    unknown: Sequence[str]


class NotFoundError(ChannelRejectedError):
    """Acme does not have what was asked for."""


class Acme(HTTPChannel):
    """One shop on Acme."""

    statuses = frozenset(MEANINGS)
    stock_batch_size = 50
    credentials = "api_key"

    def __init__(
        self,
        channel_id: ChannelId,
        *,
        base_url: str,
        api_key: str,
        settings: ChannelSettings = ChannelSettings(),  # noqa: B008 - it is frozen
        session: aiohttp.ClientSession | None = None,
    ) -> None:
        """Name the shop; opens nothing."""
        auth = BasicAuth("api", api_key)
        super().__init__(channel_id, base_url=base_url, settings=settings, auth=auth, session=session)

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Return one page: of all that is not sent, or of all that changed since."""
        params = {"open": "yes"} if updated_since is None else {"changed_since": updated_since.isoformat()}
        if cursor is not None:
            params["after"] = cursor
        answer = await self.request("GET", ("orders",), params=params)
        page = self.understood(answer.json, Page)
        orders, unreadable = read_orders(self.page_items([*page.orders]), read, reference=number_of)
        return OrderPage(
            orders=orders,
            unreadable=unreadable,
            next_cursor=page.next,
            server_time=answer.server_time,
        )

    async def push_stock(self, updates: Sequence[StockUpdate]) -> Sequence[StockResult]:
        """Set levels; Acme names the articles that it does not have, and takes the others."""
        levels = {update.channel_sku: update.quantity for update in updates}
        answer = await self.request("PUT", ("stock",), json={"levels": levels})
        unknown = self.understood(answer.json, Stocked, effect=True).unknown
        return [
            StockResult(
                channel_sku=sku,
                outcome=StockOutcome.UNKNOWN_SKU if sku in unknown else StockOutcome.ACCEPTED,
            )
            for sku in levels
        ]

    async def send_dispatch(self, note: DispatchNote) -> None:
        """Put a parcel under its own id, so that the same note twice is one parcel."""
        package = {"items": dict(note.lines), "carrier": note.carrier, "number": note.tracking_number}
        await self.request("PUT", ("orders", note.order_key.reference, "packages", note.id), json=package)

    async def fetch_order(self, reference: str) -> ChannelOrder | UnreadableOrder | None:
        """Return one order as it stands now."""
        try:
            answer = await self.request("GET", ("orders", reference))
        except NotFoundError:
            return None
        return read_order(answer.json, read, reference=number_of)

    def failure(self, call: Call, answer: Answer) -> ChannelError:
        """Tell what is not there from what is refused."""
        if answer.status == web.HTTPNotFound.status_code:
            return NotFoundError(
                f"{call}: answered 404; check the number of the order, and base_url if no call succeeds"
            )
        return super().failure(call, answer)


def number_of(document: Any) -> object:  # noqa: ANN401 - any JSON
    """Find the order number in a document that cannot be read otherwise."""
    return document["number"]


def read(document: object) -> ChannelOrder:
    """Translate an order."""
    order = CONVERTER.structure(document, Document)
    payment, fulfillment = MEANINGS.get(order.state, (PaymentStatus.UNKNOWN, FulfillmentStatus.UNKNOWN))
    return ChannelOrder(
        reference=order.number,
        status=order.state,
        payment=payment,
        fulfillment=fulfillment,
        placed_at=order.placed,
        updated_at=order.changed,
        currency=order.currency,
        lines=[
            ChannelOrderLine(
                line_id=item.id,
                channel_sku=item.article,
                quantity=item.pieces,
                shipped=item.sent,
                unit_price=Money(item.price, order.currency),
            )
            for item in order.items
        ],
        shipments=[
            Shipment(lines=package.items, carrier=package.carrier, tracking_number=package.number)
            for package in order.packages
        ],
    )


class AcmeStub:
    """A shop as Acme runs them, in memory and on this machine: what its API does, and no more."""

    def __init__(self, *, api_key: str, page_size: int = 2) -> None:
        """Open a shop without orders; small pages, so that paging is tried."""
        self.orders: dict[str, dict[str, Any]] = {}
        self.levels: dict[str, int] = {}
        self._login = "Basic " + base64.b64encode(f"api:{api_key}".encode()).decode()
        self._page_size = page_size

    def application(self, network: BadNetwork) -> web.Application:
        """Return the API behind a network that can misbehave."""
        app = web.Application(middlewares=[network.middleware, self.guard])
        app.add_routes(
            [
                web.get("/orders", self.list_orders),
                web.get("/orders/{number}", self.show_order),
                web.put("/stock", self.set_levels),
                web.put("/orders/{number}/packages/{id}", self.add_package),
            ]
        )
        return app

    def buy(self, items: Mapping[str, int]) -> str:
        """Let somebody buy and pay these articles."""
        number, now = str(1001 + len(self.orders)), datetime.now(UTC).isoformat()
        lines = [
            {"id": str(place), "article": article, "pieces": pieces, "sent": 0, "price": "12.50"}
            for place, (article, pieces) in enumerate(items.items(), start=1)
        ]
        self.orders[number] = {
            "number": number,
            "state": "paid",
            "placed": now,
            "changed": now,
            "currency": "EUR",
            "items": lines,
            "packages": [],
        }
        for article, pieces in items.items():
            self.levels[article] -= pieces
        return number

    @web.middleware
    async def guard(self, request: web.Request, handler: Any) -> web.StreamResponse:  # noqa: ANN401 - aiohttp's own
        """Let nobody in who does not have the key."""
        if request.headers.get("Authorization") != self._login:
            return web.json_response({}, status=401)
        answer: web.StreamResponse = await handler(request)
        return answer

    async def list_orders(self, request: web.Request) -> web.Response:
        """Answer with the orders behind *after*."""
        found = [order for order in self.orders.values() if self._wanted(order, request.query)]
        start = int(request.query.get("after", 0))
        page = found[start : start + self._page_size]
        more = start + self._page_size < len(found)
        return web.json_response({"orders": page, "next": str(start + self._page_size) if more else None})

    async def show_order(self, request: web.Request) -> web.Response:
        """Answer with one order."""
        order = self.orders.get(request.match_info["number"])
        return web.json_response(order or {}, status=404 if order is None else 200)

    async def set_levels(self, request: web.Request) -> web.Response:
        """Take what is known, name what is not."""
        asked = (await request.json())["levels"]
        self.levels |= {article: pieces for article, pieces in asked.items() if article in self.levels}
        return web.json_response({"unknown": [article for article in asked if article not in self.levels]})

    async def add_package(self, request: web.Request) -> web.Response:
        """Ship a parcel once under its id, and never more than is left."""
        order, package = self.orders.get(request.match_info["number"]), await request.json()
        if order is None:
            return web.json_response({}, status=404)
        package["id"] = request.match_info["id"]
        if all(one["id"] != package["id"] for one in order["packages"]):
            lines = {line["id"]: line for line in order["items"]}
            left = {name: line["pieces"] - line["sent"] for name, line in lines.items()}
            if any(pieces > left.get(name, 0) for name, pieces in package["items"].items()):
                return web.json_response({}, status=409)
            for name, pieces in package["items"].items():
                lines[name]["sent"] += pieces
            order["packages"].append(package)
            order["changed"] = datetime.now(UTC).isoformat()
            order["state"] = "sent" if all(line["pieces"] == line["sent"] for line in lines.values()) else "part"
        return web.json_response({})

    @staticmethod
    def _wanted(order: Mapping[str, Any], query: Mapping[str, str]) -> bool:
        if "changed_since" in query:
            return datetime.fromisoformat(order["changed"]) >= datetime.fromisoformat(query["changed_since"])
        return order["state"] in ("new", "paid", "part")


ACME = ChannelId("Acme", "my-shop")
KEY = "opens nothing but the stub"


class AcmeHarness(ChannelHarness):
    """What the laws do in the stub, and what they ask of it."""

    def __init__(self, channel: Channel, stub: AcmeStub, network: BadNetwork, url: str) -> None:
        """Put twenty pieces of each article on sale."""
        super().__init__(channel)
        self.stub, self.network, self.url = stub, network, url
        stub.levels |= dict.fromkeys(self.skus, 20)

    async def place_order(self, lines: Mapping[str, int]) -> str:
        """Buy."""
        return self.stub.buy(lines)

    async def known_levels(self) -> Mapping[str, int]:
        """Look into the shop, not through the channel."""
        return self.stub.levels

    async def known_dispatches(self, reference: str) -> Sequence[Shipment]:
        """Look at the parcels."""
        packages = self.stub.orders[reference]["packages"]
        return [Shipment(lines=one["items"], carrier=one["carrier"], tracking_number=one["number"]) for one in packages]

    async def spoil_order(self, reference: str) -> None:
        """Write a number as text."""
        self.stub.orders[reference]["items"][0]["pieces"] = "two"

    def borrowing(self, session: aiohttp.ClientSession) -> Channel:
        """Return a channel that uses a session of the host's."""
        return Acme(ACME, base_url=self.url, api_key=KEY, session=session)


class TestAcme(ChannelContract):
    """The channel keeps the laws of channels."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[ChannelHarness]:
        """Serve an empty shop, and open the channel to it."""
        stub, network = AcmeStub(api_key=KEY), BadNetwork()
        server = TestServer(stub.application(network))
        await server.start_server()
        try:
            url = str(server.make_url("/"))
            async with Acme(ACME, base_url=url, api_key=KEY) as channel:
                yield AcmeHarness(channel, stub, network, url)
        finally:
            await server.close()


if __name__ == "__main__":
    sys.exit(pytest.main(["-q", __file__]))
