"""What the workflow tests share: ordersync beside a real shop, and what the shop's own facts say must happen."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import attrs

from ordersync import ChannelId, ChannelSettings, OrderDesk, SyncRunner
from ordersync.channels.vendure import VendureChannel
from ordersync.http import Transport
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.testing import FakeMarketplace
from vendure.busy_day import BusyDay
from vendure.running import VendureServer
from vendure.seller import OrderFacts, Seller

SHOP = ChannelId("Vendure", "real")
MARKET = ChannelId("Market", "fake")
HERE = "main"
SKUS = ("MUG", "LID", "TEE", "BAG")
AS_IT_IS = Transport()
SAVED_HERE = ChannelSettings(location=HERE)


class ShiftedClock:
    """The machine's clock, set forward by hand: hours of waiting pass, the network's seconds stay real."""

    def __init__(self) -> None:
        self.shift = timedelta(0)

    def now(self) -> datetime:
        """Return the wall clock, shifted."""
        return datetime.now(UTC) + self.shift

    def monotonic(self) -> float:
        """Return the monotonic seconds, shifted."""
        return time.monotonic() + self.shift.total_seconds()

    async def sleep(self, seconds: float) -> None:
        """Sleep for real."""
        await asyncio.sleep(seconds)


class Mutations:
    """Counts the writing requests that really leave for the shop, logins aside."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    @property
    def writes(self) -> list[bytes]:
        """Return the bodies of requests that change something in the shop."""
        return [body for body in self.bodies if b"mutation" in body and b"login(" not in body]

    def trace(self) -> aiohttp.TraceConfig:
        """Return what a session needs to report to this."""
        config = aiohttp.TraceConfig()

        async def sent(_session: object, _context: object, chunk: aiohttp.TraceRequestChunkSentParams) -> None:
            self.bodies.append(chunk.chunk)

        config.on_request_chunk_sent.append(sent)
        return config


@attrs.frozen(kw_only=True)
class Engine:
    """ordersync with the real shop and a fake market on one SQLite file."""

    storage: SQLiteStorage
    runner: SyncRunner
    desk: OrderDesk
    market: FakeMarketplace
    mutations: Mutations
    clock: ShiftedClock


def vendure_channel(
    server: VendureServer,
    *,
    admin_api: str | None = None,
    transport: Transport = AS_IT_IS,
    settings: ChannelSettings = SAVED_HERE,
    **options: object,
) -> VendureChannel:
    """Build the channel to a running server; *admin_api* may name a proxy before it."""
    return VendureChannel(
        SHOP,
        base_url=admin_api or server.admin_api,
        user=server.user,
        password=server.password,
        settings=settings,
        transport=transport,
        **options,  # type: ignore[arg-type]
    )


@asynccontextmanager
async def engine(
    server: VendureServer,
    file: Path,
    *,
    admin_api: str | None = None,
    transport: Transport = AS_IT_IS,
    **options: object,
) -> AsyncIterator[Engine]:
    """Open storage and channels, and link what both sell; *options* are the shop's channel's own."""
    clock, mutations = ShiftedClock(), Mutations()
    market = FakeMarketplace(MARKET, clock=clock)
    async with (
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trace_configs=[mutations.trace()]) as session,
        SQLiteStorage(str(file), clock=clock) as storage,
        vendure_channel(
            server,
            admin_api=admin_api,
            transport=transport,
            session=session,
            **options,  # type: ignore[arg-type]
        ) as shop,
        market,
    ):
        for sku in SKUS:
            market.list_sku(f"M-{sku}", 0)
            await storage.listings.link(SHOP, sku, sku)
            await storage.listings.link(MARKET, f"M-{sku}", sku)
        yield Engine(
            storage=storage,
            runner=SyncRunner([shop, market], storage, clock=clock),
            desk=OrderDesk(storage, clock=clock),
            market=market,
            mutations=mutations,
            clock=clock,
        )


async def count_shelf(engine: Engine, seller: Seller) -> dict[str, int]:
    """Write down what lies in the shop's own warehouse, pieces of half-made parcels included, as our on-hand."""
    facts = await seller.stock_facts()
    lying = {sku: facts[sku][HERE][0] for sku in SKUS}
    for codes in (await seller.codes_by_state()).values():
        for code in codes:
            for parcel in (await seller.order_facts(code)).fulfillments:
                if parcel.state == "Pending":
                    lying = {sku: lying[sku] + parcel.lines.get(sku, 0) for sku in SKUS}
    for sku, quantity in lying.items():
        await engine.storage.stock.set_on_hand(sku, location=HERE, quantity=quantity, movement_id=f"opening/{sku}")
    return lying


def to_download(day: BusyDay) -> set[str]:
    """Return the orders that a run must bring: paid or authorized, and not wholly shipped."""
    return {*day.paid, *day.shortened, *day.authorized, *day.half_made, *day.partly_shipped}


def open_pieces(orders: Iterable[OrderFacts]) -> Counter[str]:
    """Return what is still to be shipped of these orders, by SKU, from the shop's own facts."""
    pieces: Counter[str] = Counter()
    for order in orders:
        gone: Counter[str] = Counter()
        for parcel in order.fulfillments:
            if parcel.state in ("Shipped", "Delivered"):
                gone.update(parcel.lines)
        pieces.update({sku: line.quantity - gone[sku] for sku, line in order.lines.items()})
    return pieces


async def shown_by_shop(seller: Seller) -> dict[str, int]:
    """Return what the shop sells of each SKU at our location: what lies there less what is promised."""
    facts = await seller.stock_facts()
    return {sku: facts[sku][HERE][0] - facts[sku][HERE][1] for sku in SKUS}
