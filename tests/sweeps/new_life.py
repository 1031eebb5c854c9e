"""Scenes of everything that may become of an order: held, moved, deleted, revived, sent by others, vanished."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import attrs

from ordersync import OrderKey, Parcel, PaymentStatus
from ordersync.model.orders import Resolution

from .lines import Line
from .rest import come_to_rest
from .scenes import cut_off, first_day
from .world import OPENING, SHOP, World, of_market, of_shop

ADA = "Ada"
WHY = "asks the buyer"


async def lives_begin(world: World) -> None:
    """All is downloaded and at rest, with each order as far as it comes without its channel doing something more."""
    _decide_by_settings(world)
    await _sell_kits(world)
    await first_day(world)
    shop, market = world.shop, world.market
    for number, lines in enumerate(
        (
            *({"MUG-S": 2}, {"MUG-S": 1}, {"SET-S": 1}, {"MUG-S": 2}, {"MUG-S": 1, "POSTER-S": 1}, {"SET-S": 1}),
            *({"MUG-S": 1}, {"MUG-S": 2, "CAP-S": 1}, {"MUG-S": 2}, {"MUG-S": 3}, {"MUG-S": 1}, {"CAP-S": 1}),
            *({"KIT-S": 1}, {"MUG-S": 1}, {"MUG-S": 1}),
        ),
        start=1101,
    ):
        shop.place(str(number), lines=lines)
    for number in range(2101, 2108):
        market.place(str(number), lines={"SET-M": 3} if number in (2102, 2106) else {"MUG-M": 1})
    market.place("2120", lines={"SET-M": 1}, paid=False)
    fulfilled(world, suffix="01")
    fulfilled(world, suffix="03")
    await come_to_rest(world)
    await _desk_begins(world)
    shop.cancel("1111")
    market.cancel("2105", restock=False)
    market.cancel("2006")
    await come_to_rest(world)
    market.revive("2006")
    await come_to_rest(world)


def _decide_by_settings(world: World) -> None:
    """Let both channels import what has ended, and each resolve conflicts in its own way."""
    shop, market = world.shop, world.market
    shop.settings = attrs.evolve(
        shop.settings,
        import_shipped=True,
        import_cancelled=True,
        shipped_elsewhere=Resolution.FOLLOW,
        link_by_sku=True,
    )
    market.settings = attrs.evolve(
        market.settings,
        shipped_elsewhere=Resolution.PROCESS,
        vanished=Resolution.CANCEL,
        sweep_every=timedelta(hours=6),
        fulfillment_location="depot",
        fulfillment_reserves=True,
    )


async def _sell_kits(world: World) -> None:
    """List a kit on the shop that is linked by its own SKU, and fill the shelves for a long day."""
    for sku, location in OPENING:
        movement_id = f"more/{sku}/{location}"
        await world.stock.set_on_hand(sku, location=location, quantity=60, movement_id=movement_id)
    world.shop.list_sku("KIT-S", 7)
    await world.storage.listings.define_kit("SET", {"MUG": 1, "LID": 1})
    await world.link(SHOP, "KIT-S", "SET")


def fulfilled(world: World, *, suffix: str) -> None:
    """Sell out of the channels' own stock, which shows in no listing."""
    for market, reference, sku in ((world.shop, f"19{suffix}", "MUG-S"), (world.market, f"29{suffix}", "MUG-M")):
        shown = market.levels[sku]
        market.place(reference, lines={sku: 1})
        market.list_sku(sku, shown)


async def _desk_begins(world: World) -> None:
    desk = world.desk
    for key in (of_shop("1112"), of_market("2106"), of_market("2006")):
        await desk.process(key, Parcel(carrier="DHL", tracking_number=f"T{key.reference}"))
    part = Parcel(id="p1", lines={"L1": 1}, carrier="DHL", tracking_number="T2102p1")
    await desk.process(of_market("2102"), part)
    await desk.process(of_market("2003"))
    for reference in ("1101", "1102"):
        await desk.hold(of_shop(reference), who=ADA, why=WHY)
    await desk.park(of_shop("1103"), who=ADA, why=WHY)
    for reference in ("1106", "1107", "1115"):
        await desk.delete(of_shop(reference), who=ADA, why=WHY)


async def strange_day(world: World) -> None:
    """Everything has happened since, on channels and at desks that died behind their first write; a sweep is due."""
    await lives_begin(world)
    world.clock.advance(minutes=64)
    await _desks_die(world)
    _shop_lives(world)
    _market_lives(world)
    for key in (of_market("2130"), of_market("2999")):
        await world.storage.orders.hint(key, at=world.clock.now())
    await world.storage.listings.define_kit("SET", {"MUG": 1, "LID": 2})
    await world.link(SHOP, "POSTER-S", "POSTER")
    world.clock.advance(minutes=3)


async def _desks_die(world: World) -> None:
    async def cut(work: Callable[[Line], Awaitable[object]]) -> None:
        await cut_off(world, work, before="due")

    await cut(lambda line: line.desk.resume(of_shop("1102"), who=ADA))
    await cut(lambda line: line.desk.move(of_shop("1104"), "depot", who=ADA))
    await cut(lambda line: line.desk.restore(of_shop("1107"), who=ADA))
    await cut(lambda line: line.desk.delete(of_market("2104"), who=ADA, why=WHY))
    await cut(lambda line: line.desk.hold(of_market("2001"), who=ADA, why=WHY))


def _shop_lives(world: World) -> None:
    shop = world.shop
    shop.pay("1002", silently=True)
    shop.cancel("1106")
    shop.cancel_line("1108", "L1", 1)
    shop.ship_by_hand("1109")
    shop.ship_by_hand("1110", lines={"L1": 1})
    shop.revive("1111")
    shop.edit("1112", {"CAP-S": 3})
    shop.remove("1114")
    shop.remove("1903")
    shop.ship_by_hand("1115")
    shop.ship_by_hand("1901")
    shop.place("1120", lines={"MUG-S": 1})
    shop.ship_by_hand("1120")
    shop.place("1121", lines={"SET-S": 1})
    shop.cancel("1121", restock=False)
    shop.list_sku("LID", 7)
    shop.place("1130", lines={"LID": 1})


def _market_lives(world: World) -> None:
    market = world.market
    market.pay("2002", silently=True)
    market.mend("2004")
    market.ship_by_hand("2101")
    market.ship_by_hand("2102", lines={"L1": 1})
    market.cancel("2104", restock=False)
    market.revive("2105")
    market.edit("2106", {"SET-M": 4})
    market.pay("2107", payment=PaymentStatus.PARTIALLY_REFUNDED)
    market.ship_by_hand("2901")
    market.place("2130", lines={"MUG-M": 1})
    market.remove("2120")


async def lives_at_rest(world: World) -> None:
    """The strange day is over: what people must decide lies open."""
    await strange_day(world)
    await come_to_rest(world)


def key_of(reference: str) -> OrderKey:
    """Return the key of an order by its number alone."""
    return of_shop(reference) if reference.startswith("1") else of_market(reference)


HINTED = ("2120", "2101", "2106", "2130")
"""What has vanished, what others have sent, what was edited, and what nobody has seen yet."""


async def hinting(line: Line) -> None:
    """Look at each of some orders now."""
    for reference in HINTED:
        await line.hint(of_market(reference))
