"""The demo: two marketplaces, one database and the seven steps, told on a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import attrs

from .desk import OrderDesk
from .model.dispatch import Note, Parcel
from .model.ids import ChannelId, OrderKey
from .storage.sqlite import SQLiteStorage
from .sync.report import RunReport
from .sync.runner import SyncRunner
from .testing.loopback import LoopbackChannel
from .testing.market import FakeMarketplace
from .testing.market_orders import MarketShipment
from .testing.server import serve

WIDTH = 80

WEBSHOP = ChannelId("Webshop", "blue-door")
BAZAAR = ChannelId("Bazaar", "eu")

STOCK = {"MUG": 10, "LID": 6, "PEN": 20}
LINKS = {
    WEBSHOP: {"MUG": {"MUG": 1}, "LID": {"LID": 1}, "PEN": {"PEN": 1}},
    BAZAAR: {"MUG-BLUE": {"MUG": 1}, "PEN": {"PEN": 1}, "MUG+LID": {"MUG": 1, "LID": 1}},
}
TOKENS = {WEBSHOP: "demo-webshop", BAZAAR: "demo-bazaar"}
FINE = timedelta(microseconds=1)

Write = Callable[[str], None]


@attrs.frozen(kw_only=True)
class World:
    """All that the demo plays with."""

    storage: SQLiteStorage
    markets: dict[ChannelId, FakeMarketplace]
    runner: SyncRunner
    desk: OrderDesk
    folder: Path
    write: Write


async def play(folder: Path, write: Write) -> None:
    """Play all steps with the database in *folder*, and tell what happens through *write*."""
    markets = {channel: FakeMarketplace(channel, stamp_granularity=FINE) for channel in (WEBSHOP, BAZAAR)}
    async with AsyncExitStack() as stack:
        urls = {one: await stack.enter_async_context(serve(markets[one], token=TOKENS[one])) for one in markets}
        storage = await stack.enter_async_context(SQLiteStorage(folder / "shop.db"))
        channels = [
            await stack.enter_async_context(
                LoopbackChannel(one, url=urls[one], token=TOKENS[one], stamp_granularity=FINE)
            )
            for one in markets
        ]
        world = World(
            storage=storage,
            markets=markets,
            runner=SyncRunner(channels, storage),
            desk=OrderDesk(storage),
            folder=folder,
            write=write,
        )
        await _open(world, urls)
        for step in (_scan, _save, _reserve, _publish, _process):
            await step(world)
        report = await _dispatch(world)
        await _confirm(world)
        _end(world, report)


async def _open(world: World, urls: dict[ChannelId, str]) -> None:
    _heading(world, "Before: two marketplaces, and what lies on the shelf")
    for sku, quantity in STOCK.items():
        await world.storage.stock.set_on_hand(sku, location="main", quantity=quantity, movement_id=f"opening/{sku}")
    for channel, listings in LINKS.items():
        for channel_sku, components in listings.items():
            world.markets[channel].list_sku(channel_sku)
            await world.storage.listings.link(channel, channel_sku, components)
    served = " and ".join(f"{channel} at {url}" for channel, url in urls.items())
    _tell(world, f"Served on this machine: {served}.")
    _tell(world, "Every listing shows 0. One run makes each show what it should:")
    await world.runner.run_once()
    await _show_stock(world)
    _show_listings(world)


async def _scan(world: World) -> None:
    webshop = world.markets[WEBSHOP]
    webshop.place("1001", lines={"MUG": 2, "LID": 1})
    webshop.place("1002", lines={"GIFT-CARD": 1})
    webshop.ship_by_hand("1002")
    webshop.place("1003", lines={"GIFT-CARD": 1})
    webshop.spoil("1003")
    webshop.place("1004", lines={"MUG": 1, "POSTER": 1})
    _heading(world, "Step 1, scan: all orders that a channel does not consider shipped")
    _tell(world, "Four orders came in at the Webshop; the shop itself sent 1002 by e-mail. A dry run looks:")
    report = await world.runner.run_once(dry_run=True)
    _table(
        world,
        ["channel", "seen", "new", "skipped", "quarantined"],
        [[one.channel, one.seen, one.new, one.skipped, one.quarantined] for one in report.channels.values()],
    )
    _tell(world, "It takes no lease, and writes and sends nothing.")


async def _save(world: World) -> None:
    report = await world.runner.run_once(only=[WEBSHOP])
    _heading(world, "Step 2, save: each order is stored, or a decision says why not")
    await _show_orders(world, ["1001", "1004"])
    for remark in report.channels[WEBSHOP].remarks:
        if remark.kind in ("skipped", "quarantined"):
            _tell(world, f"{remark.kind} {remark.subject} ({remark.code}): {remark.sentence}")
    _tell(world, "1004 has a line whose SKU is linked to nothing here: it is saved all the same, and flagged.")


async def _reserve(world: World) -> None:
    _heading(world, "Step 3, reserve: available falls, what lies on the shelf does not move")
    _tell(world, "The same run did it, which is why both orders are open: they hold what they need.")
    await _show_stock(world)
    _tell(world, "The Webshop took off by itself what it sold. The Bazaar knows nothing yet:")
    _show_listings(world)


async def _publish(world: World) -> None:
    world.markets[BAZAAR].place("B-77", lines={"PEN": 3})
    _heading(world, "Step 4, publish: every other channel is told what is left")
    _tell(world, "Meanwhile somebody buys three pens at the Bazaar. A run over both channels:")
    await world.runner.run_once()
    await _show_stock(world)
    _show_listings(world)


async def _process(world: World) -> None:
    key = OrderKey(WEBSHOP, "1001")
    await world.desk.process(key, Parcel(carrier="DHL", tracking_number="JD0146"))
    _heading(world, "Step 5, process: a person packs 1001, and on-hand is deducted")
    await _show_stock(world)
    await _show_orders(world, ["1001"])
    await _show_notes(world, key)


async def _dispatch(world: World) -> RunReport:
    report = await world.runner.run_once()
    _heading(world, "Step 6, dispatch: the note goes to the order's own channel")
    rows = [
        [channel, one.reference, _shipped(market, one), one.carrier, one.tracking_number]
        for channel, market in world.markets.items()
        for one in market.shipments
        if one.note_id is not None
    ]
    _table(world, ["received by", "order", "lines", "carrier", "tracking"], rows)
    return report


async def _confirm(world: World) -> None:
    _heading(world, "Step 7, confirm: the channel shows it as shipped, and we have looked")
    await _show_notes(world, OrderKey(WEBSHOP, "1001"))
    _table(
        world,
        ["channel", "order", "status on the channel"],
        [
            [channel, order.reference, order.status]
            for channel, market in world.markets.items()
            for order in market.orders.values()
        ],
    )


def _end(world: World, report: RunReport) -> None:
    _heading(world, "The report of the last run")
    world.write(str(report))
    path = world.folder / "report.json"
    path.write_text(report.to_json(), encoding="utf-8")
    world.write("")
    world.write("The database and the report as JSON are yours to look at:")
    for name in ("shop.db", "report.json"):
        world.write(f"  {world.folder / name}")


async def _show_stock(world: World) -> None:
    levels = await world.storage.stock.levels([*STOCK])
    _table(
        world,
        ["SKU", "at", "on hand", "reserved", "available"],
        [[level.sku, level.location, level.on_hand, level.reserved, level.available] for level in levels],
    )


def _show_listings(world: World) -> None:
    _table(
        world,
        ["channel", "listing", "shows"],
        [
            [channel, listing, quantity]
            for channel, market in world.markets.items()
            for listing, quantity in market.levels.items()
        ],
    )


async def _show_orders(world: World, references: Sequence[str]) -> None:
    orders = [await world.storage.orders.get(OrderKey(WEBSHOP, reference)) for reference in references]
    _table(
        world,
        ["order", "state", "lines", "unlinked"],
        [
            [
                order.key.reference,
                order.state,
                _counted({line.channel_sku: line.quantity for line in order.lines}),
                ", ".join(line.channel_sku for line in order.unlinked) or "-",
            ]
            for order in orders
        ],
    )


async def _show_notes(world: World, key: OrderKey) -> None:
    notes: Sequence[Note] = await world.storage.orders.notes(key)
    _table(
        world,
        ["dispatch note of", "parcel", "tracking", "status"],
        [[key.reference, one.parcel_id, one.note.tracking_number, one.status] for one in notes],
    )


def _shipped(market: FakeMarketplace, shipment: MarketShipment) -> str:
    order = market.orders[shipment.reference]
    return _counted({order.line(line_id).sku: quantity for line_id, quantity in shipment.lines.items()})


def _counted(lines: dict[str, int]) -> str:
    return ", ".join(f"{quantity} {name}" for name, quantity in lines.items())


def _heading(world: World, text: str) -> None:
    world.write(text)
    world.write("=" * len(text))


def _tell(world: World, text: str) -> None:
    world.write(textwrap.fill(text, WIDTH))
    world.write("")


def _table(world: World, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows under their heads; numbers to the right, all else to the left."""
    body = list(rows)
    cells = [[*head], *([str(value) for value in row] for row in body)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    numbers = [bool(body) and isinstance(body[0][column], int) for column in range(len(head))]
    for row in cells:
        padded = [
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, widths, numbers, strict=True)
        ]
        world.write(f"  {'   '.join(padded)}".rstrip())
    world.write("")
