"""What has happened before a sweep begins; each scene leaves as much due at once as it can."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ordersync import Parcel
from ordersync.errors import ChannelUnavailableError

from .lines import Killed, Line
from .rest import come_to_rest
from .world import SHOP, World, of_market, of_shop

Scene = Callable[[World], Awaitable[None]]


async def first_day(world: World) -> None:
    """Buyers have come before anybody ever looked: paid, unpaid, unlinked, malformed, of unknown status."""
    shop, market = world.shop, world.market
    world.clock.advance(minutes=5)
    shop.place("1001", lines={"MUG-S": 2, "SET-S": 1})
    shop.place("1002", lines={"MUG-S": 1}, paid=False)
    shop.place("1004", lines={"MUG-S": 1, "POSTER-S": 1})
    shop.place("1005", lines={"SET-S": 2})
    shop.place("1006", lines={"MUG-S": 1, "CAP-S": 2})
    market.place("2001", lines={"MUG-M": 3})
    market.place("2002", lines={"SET-M": 1}, paid=False)
    market.place("2003", lines={"MUG-M": 1})
    market.place("2004", lines={"SET-M": 1})
    market.place("2005", lines={"MUG-M": 2})
    market.place("2006", lines={"MUG-M": 1})
    market.place("2007", lines={"BAD-M": 1})
    world.clock.advance(minutes=1)
    market.spoil("2004")
    market.set_status("2005", "Strange")
    world.clock.advance(minutes=3)


async def busy_day(world: World) -> None:
    """All is downloaded, and since then everything has happened that can: on channels, at the desk, in the links."""
    await first_day(world)
    await come_to_rest(world)
    shop, market = world.shop, world.market
    world.clock.advance(minutes=2)
    shop.place("1003", lines={"SET-S": 1})
    shop.place("1007", lines={"CAP-S": 1})
    world.clock.advance(minutes=1)
    shop.cancel("1003", restock=False)
    shop.cancel("1007")
    world.clock.advance(minutes=8)
    await _desk_is_busy(world)
    shop.pay("1002")
    shop.edit("1001", {"MUG-S": 3, "SET-S": 0, "CAP-S": 2})
    shop.place("1008", lines={"SET-S": 1, "CAP-S": 1})
    market.pay("2002")
    market.cancel("2003")
    market.mend("2004")
    market.set_status("2005", None)
    market.cancel("2006")
    market.place("2008", lines={"SET-M": 2})
    await world.link(SHOP, "POSTER-S", "POSTER")
    world.clock.advance(minutes=3)


async def _desk_is_busy(world: World) -> None:
    """One order whole, one in two parcels, one that its channel cancels, one cut off after each first write."""
    await world.desk.process(of_shop("1005"), Parcel(carrier="DHL", tracking_number="T1005"))
    for parcel_id, pieces in (("p1", 1), ("p2", 2)):
        parcel = Parcel(id=parcel_id, lines={"L1": pieces}, carrier="DHL", tracking_number=f"T2001{parcel_id}")
        await world.desk.process(of_market("2001"), parcel)
    await world.desk.process(of_market("2006"), Parcel(carrier="DHL", tracking_number="T2006"))
    half = Parcel(id="half", lines={"L1": 1}, tracking_number="T1006")
    await cut_off(world, lambda line: line.desk.process(of_shop("1006"), half), before="deduct")
    await cut_off(world, lambda line: line.desk.cancel(of_market("2007")), before="due")


async def cut_off(world: World, work: Callable[[Line], Awaitable[object]], *, before: str) -> None:
    """Let a process die right before it calls a verb."""

    async def die(line: Line) -> None:
        if line.moments[-1].verb == before:
            line.die()

    line = Line(world, at=None, do=die)
    try:
        await work(line)
    except Killed:
        return
    raise AssertionError(f"{before} was never called")


async def day_after(world: World) -> None:
    """A run has lost answers to parcels and levels, with and without effect; their windows have passed since.

    And somebody has bought of a listing whose cap hides it: its level changes for nobody, and yet it must be told.
    """
    await busy_day(world)
    lost = ChannelUnavailableError("no answer")
    world.shop.fail_next("send_dispatch", lost, when="after")
    world.market.fail_next("send_dispatch", lost, when="before")
    await world.run()
    world.clock.advance(minutes=4)
    world.shop.place("1010", lines={"MUG-S": 1})
    world.market.place("2010", lines={"SET-M": 1})
    world.shop.fail_next("push_stock", lost, when="after")
    world.market.fail_next("push_stock", lost, when="before")
    await world.run()
    world.clock.advance(minutes=4)
    world.market.place("2011", lines={"MUG-M": 1})
    world.shop.place("1011", lines={"CAP-S": 1})
    world.clock.advance(minutes=8)


async def at_the_desk(world: World) -> None:
    """Orders lie open; one note lacks its tracking, one was refused and could go now, one parcel was cut off."""
    await first_day(world)
    await come_to_rest(world)
    await world.desk.process(of_market("2006"), Parcel(carrier="DHL", tracking_number="T2006"))
    world.market.cancel("2006")
    await come_to_rest(world)
    world.market.revive("2006")
    await come_to_rest(world)
    await world.desk.process(of_market("2003"))
    half = Parcel(id="half", lines={"L1": 1}, tracking_number="T1006")
    await cut_off(world, lambda line: line.desk.process(of_shop("1006"), half), before="deduct")


async def life_goes_on(world: World) -> None:
    """Buyers and staff are not waiting for us: more is sold, edited and cancelled."""
    world.clock.advance(minutes=6)
    world.shop.place("1020", lines={"MUG-S": 1, "CAP-S": 1})
    world.shop.edit("1001", {"MUG-S": 1})
    world.market.place("2020", lines={"SET-M": 1})
    world.market.cancel("2002")
    world.clock.advance(minutes=1)


SCENES: dict[str, Scene] = {scene.__name__: scene for scene in (first_day, busy_day, day_after)}
"""What is due when a run begins."""
