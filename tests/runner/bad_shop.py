"""A shop on loopback whose documents and answers can be put wrong, and the channel that reads it over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from aiohttp import web

from canaries import SECRET
from ordersync import Order, OrderKey, RunReport
from ordersync.model.pages import Quarantined
from ordersync.testing import FakeMarketplace
from ordersync.testing.loopback import LoopbackChannel
from ordersync.testing.market_orders import document_of
from ordersync.testing.network import BadNetwork, Handler
from ordersync.testing.server import serve
from runner.world import SHOP, World

TOKEN = f"{SECRET}-sesame"

Document = dict[str, Any]
Answer = Callable[[web.Request, bytes], web.StreamResponse]


class Doctored(BadNetwork):
    """A way to the shop on which its answers are replaced."""

    def __init__(self) -> None:
        """Leave them as they are."""
        super().__init__()
        self.instead: dict[str, Answer] = {}
        self.asked: list[str] = []

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Put something else in the place of an answer, if so told."""
        self.asked.append(request.path)
        response = await handler(request)
        instead = self.instead.get(request.path)
        if instead is None:
            return response
        body = response.body if isinstance(response, web.Response) else None
        return instead(request, body if isinstance(body, bytes) else b"")


class BadShop:
    """The world's first shop behind HTTP. ``shop`` is its own book, ``channel`` what reads it."""

    def __init__(self, world: World, shop: FakeMarketplace, network: Doctored, channel: LoopbackChannel) -> None:
        """Begin as a good one."""
        self.world, self.shop, self.network, self.channel = world, shop, network, channel

    @property
    def asked(self) -> Sequence[str]:
        """Return the path of every request so far."""
        return self.network.asked

    def place(self, *references: str, lines: dict[str, int] | None = None) -> None:
        """Buy a mug for each reference."""
        for reference in references:
            self.shop.place(reference, lines=lines or {"MUG": 1})

    def document(self, reference: str) -> Document:
        """Return the right document of an order."""
        return document_of(self.shop.orders[reference], words_only=False)

    def show(self, reference: str, document: object) -> bytes:
        """Show *document* in an order's place until ``mend``, and return its bytes; bytes are shown as they are."""
        payload = document if isinstance(document, bytes) else compact(document)
        self.shop.spoil(reference, payload=payload)
        return payload

    def mend_silently(self, reference: str) -> None:
        """Show the order's own document again, and give the order no new update time."""
        self.shop.orders[reference].spoiled = None
        self.shop.pay(reference, silently=True)

    def mend(self, reference: str) -> None:
        """Show the order's own document again."""
        self.shop.mend(reference)

    def answer(self, instead: Answer, path: str = "/orders") -> None:
        """Answer like this in the place of what is at a path, pages of orders unless told otherwise."""
        self.network.instead[path] = instead

    def answer_well(self) -> None:
        """Answer as the shop would."""
        self.network.instead.clear()

    async def run(self) -> RunReport:
        """Run once over this shop and the other marketplace."""
        return await self.world.run(self.channel, self.world.market)

    async def run_later(self, *, minutes: float = 10) -> RunReport:
        """Let time pass, then run once."""
        self.world.clock.advance(minutes=minutes)
        return await self.run()

    async def stored(self) -> dict[str, Order]:
        """Return every stored order of the shop by its reference."""
        orders = self.world.storage.orders
        keys = [OrderKey(SHOP, one.key.reference) for one in await orders.decisions(SHOP, limit=100_000)]
        return {key.reference: order for key, order in (await orders.load(keys)).items()}

    async def quarantined(self, *, limit: int = 1000) -> Sequence[Quarantined]:
        """Return what is in quarantine."""
        return await self.world.storage.orders.quarantined(SHOP, limit=limit)

    async def watermark(self) -> datetime | None:
        """Return how far the shop's changes are known."""
        return (await self.world.storage.orders.progress(SHOP)).watermark


def compact(document: object) -> bytes:
    """Return a document as most APIs write it: without spaces, in UTF-8."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")


@asynccontextmanager
async def bad_shop(world: World, **traits: Any) -> AsyncIterator[BadShop]:  # noqa: ANN401 - traits
    """Serve a shop with large pages; *traits* are those that the channel believes it to have."""
    shop, network = world.open(SHOP, page_size=20_000), Doctored()
    shop.list_sku("MUG", 10)
    async with (
        serve(shop, token=TOKEN, network=network) as url,
        LoopbackChannel(SHOP, url=url, token=TOKEN, **traits) as channel,
    ):
        yield BadShop(world, shop, network, channel)
