"""Where orders are saved to, and what each of a channel's own locations shows of it."""

from __future__ import annotations

from typing import cast

from ordersync import ChannelSettings, OrderKey, OrderState, StockRule
from ordersync.ports import OwnStockLedger
from ordersync.testing import FakeMarketplace
from runner.looking import levels
from runner.world import SHOP, World, remarks, sightings

KEY = OrderKey(SHOP, "1001")
PLACES = {"berlin": "main", "paris": "depot"}


async def two_places(world: World, settings: ChannelSettings | None = None) -> FakeMarketplace:
    """Keep six more mugs in a depot, and open a shop that sells from two places of its own."""
    await world.stock("MUG", 6, location="depot")
    shop = world.open(SHOP, settings or ChannelSettings(location=PLACES))
    for place, shown in (("berlin", 10), ("paris", 6)):
        await world.sell(shop, "MUG", shown, channel_location=place)
    await world.run(shop, world.market)
    world.clock.advance(minutes=1)
    return shop


async def transfer(world: World, quantity: int, *, source: str, destination: str) -> None:
    """Carry mugs from one place to another."""
    ledger = cast("OwnStockLedger", world.storage.stock)
    movement = f"van/{world.clock.now().isoformat()}"
    await ledger.transfer("MUG", source=source, destination=destination, quantity=quantity, movement_id=movement)


async def test_location_by_setting(world: World) -> None:
    """All orders of a channel are saved to the one location that its settings name, and reserve there."""
    await world.stock("MUG", 6, location="depot")
    shop = world.open(SHOP, ChannelSettings(location="depot"))
    await world.sell(shop, "MUG", 16)
    shop.place("1001", lines={"MUG": 2}, location="anywhere")
    shop.place("1002", lines={"MUG": 1})

    await world.run(shop, world.market)

    assert [(await world.order(one)).location for one in ("1001", "1002")] == ["depot", "depot"]
    assert await levels(world, "depot") == (6, 3)
    assert await levels(world) == (10, 0)


async def test_location_by_the_channels_own(world: World) -> None:
    """Each order is saved to what its channel location is mapped to; processed, the goods leave there."""
    shop = await two_places(world)
    shop.place("1001", lines={"MUG": 1}, location="berlin")
    shop.place("1002", lines={"MUG": 2}, location="paris")

    await world.run_later(shop, world.market)

    assert [(await world.order(one)).location for one in ("1001", "1002")] == ["main", "depot"]
    assert (await levels(world), await levels(world, "depot")) == ((10, 1), (6, 2))
    await world.process("1002")
    assert (await levels(world), await levels(world, "depot")) == ((10, 1), (4, 0))


async def test_channel_location_that_is_not_mapped(world: World) -> None:
    """An order from a place that the map does not know is quarantined and named; mapped, it is downloaded."""
    shop = await two_places(world)
    shop.place("1001", lines={"MUG": 1}, location="rome")
    shop.place("1002", lines={"MUG": 1}, location="paris")

    report = await world.run_later(shop)

    assert remarks(report.channels[SHOP], "quarantined") == [("NO_LOCATION", "1001")]
    assert sightings(report.channels[SHOP]) == {"new": 1, "quarantined": 1}
    mapped = shop.with_settings(ChannelSettings(location=PLACES | {"rome": "main"}))
    await world.run_later(mapped)
    assert (await world.order("1001")).location == "main"


async def test_each_channel_location_shows_its_own(world: World) -> None:
    """A sale at one place lowers what that place shows; a channel without places shows the sum."""
    shop = await two_places(world)
    assert shop.levels == {"MUG@berlin": 10, "MUG@paris": 6}
    assert world.market.levels == {"MUG": 16}
    shop.place("1001", lines={"MUG": 2}, location="paris")

    await world.run_later(shop, world.market)

    assert shop.levels == {"MUG@berlin": 10, "MUG@paris": 4}
    assert world.market.levels == {"MUG": 14}
    assert shop.levels_applied == []  # the shop has taken it off itself


async def test_sale_elsewhere_lowers_the_place_that_serves_it(world: World) -> None:
    """What another channel sells from the main location is shown by the shop's place for it alone."""
    shop = await two_places(world)
    world.market.place("2001", lines={"MUG": 3})

    await world.run_later(shop, world.market)

    assert shop.levels == {"MUG@berlin": 7, "MUG@paris": 6}
    assert [(str(one.listing), one.quantity) for one in shop.levels_applied] == [("MUG@berlin", 7)]


async def test_transfer_moves_what_each_place_shows(world: World) -> None:
    """Goods that are carried to another location are shown there, and no more where they were."""
    shop = await two_places(world)
    told = len(world.market.levels_applied)

    await transfer(world, 4, source="main", destination="depot")
    await world.run_later(shop, world.market)

    assert (await levels(world), await levels(world, "depot")) == ((6, 0), (10, 0))
    assert shop.levels == {"MUG@berlin": 6, "MUG@paris": 10}
    assert world.market.levels == {"MUG": 16}
    assert len(world.market.levels_applied) == told


async def test_transfer_of_what_is_reserved(memory_world: World) -> None:
    """Carrying away what an order reserves leaves a shortage where it was, and shows nothing there."""
    shop = await two_places(memory_world)
    shop.place("1001", lines={"MUG": 8}, location="berlin")
    await memory_world.run_later(shop, memory_world.market)

    await transfer(memory_world, 5, source="main", destination="depot")
    await memory_world.run_later(shop, memory_world.market)

    assert (await levels(memory_world), await levels(memory_world, "depot")) == ((5, 8), (11, 0))
    assert shop.levels == {"MUG@berlin": 0, "MUG@paris": 11}
    assert memory_world.market.levels == {"MUG": 8}


async def test_order_moved_to_another_location(world: World) -> None:
    """A person has an order served from elsewhere: its reservation, what places show, and its goods move along."""
    shop = await two_places(world)
    shop.place("1001", lines={"MUG": 2}, location="berlin")
    await world.run_later(shop, world.market)

    await world.desk.move(KEY, "depot", who="Ada", why="main is closed")
    await world.run_later(shop, world.market)

    assert (await levels(world), await levels(world, "depot")) == ((10, 0), (6, 2))
    assert shop.levels == {"MUG@berlin": 10, "MUG@paris": 4}
    assert world.market.levels == {"MUG": 14}
    assert (await world.process("1001")).state is OrderState.PROCESSED
    assert (await levels(world), await levels(world, "depot")) == ((10, 0), (4, 0))


async def test_order_that_was_moved_stays_where_it_is(memory_world: World) -> None:
    """What a person has moved is not moved back when its channel shows a change of it."""
    shop = await two_places(memory_world)
    shop.place("1001", lines={"MUG": 2}, location="berlin")
    await memory_world.run_later(shop)
    await memory_world.desk.move(KEY, "depot", who="Ada")
    shop.edit("1001", {"MUG": 3})

    await memory_world.run_later(shop, memory_world.market)

    assert (await memory_world.order("1001")).location == "depot"
    assert (await levels(memory_world), await levels(memory_world, "depot")) == ((10, 0), (6, 3))
    assert shop.levels == {"MUG@berlin": 10, "MUG@paris": 3}


async def test_map_that_changes_moves_no_order(memory_world: World) -> None:
    """Another map counts for later orders and for what places show; an open order stays where it was saved."""
    shop = await two_places(memory_world)
    shop.place("1001", lines={"MUG": 2}, location="berlin")
    await memory_world.run_later(shop)
    memory_world.clock.advance(hours=2)
    turned = shop.with_settings(ChannelSettings(location={"berlin": "depot", "paris": "main"}))
    shop.place("1002", lines={"MUG": 1}, location="berlin")

    await memory_world.run_later(turned, memory_world.market)

    assert [(await memory_world.order(one)).location for one in ("1001", "1002")] == ["main", "depot"]
    assert shop.levels == {"MUG@berlin": 5, "MUG@paris": 8}


async def test_rule_of_a_listing_names_its_locations(memory_world: World) -> None:
    """A listing whose own rule names locations counts those, whatever place it is listed at."""
    shop = await two_places(memory_world)
    both = StockRule(locations=frozenset({"main", "depot"}))
    await memory_world.storage.listings.link(SHOP, "MUG", "MUG", channel_location="paris", rule=both)

    await memory_world.run_later(shop)

    assert shop.levels == {"MUG@berlin": 10, "MUG@paris": 16}


async def test_listing_without_a_place_beside_one_with(memory_world: World) -> None:
    """A sale at a place without a listing of its own is taken off the listing that has no place."""
    await memory_world.stock("MUG", 6, location="depot")
    shop = memory_world.open(SHOP, ChannelSettings(location=PLACES))
    await memory_world.sell(shop, "MUG", 16)
    await memory_world.sell(shop, "MUG", 6, channel_location="paris")
    await memory_world.run(shop)
    shop.place("1001", lines={"MUG": 2}, location="berlin")

    await memory_world.run_later(shop)

    assert await levels(memory_world) == (10, 2)
    assert shop.levels == {"MUG": 14, "MUG@paris": 6}
