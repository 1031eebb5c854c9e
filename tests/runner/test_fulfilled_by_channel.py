"""Orders that the channel sends itself, out of its own warehouse: kept apart, and never dispatched by us."""

from __future__ import annotations

from typing import Any

import pytest

from ordersync import ChannelSettings, OrderKey, OrderState, StockRule
from ordersync.errors import TransitionError
from ordersync.model.orders import ConflictCode
from runner.looking import Fulfilling, conflict_of, levels
from runner.world import SHOP, World, remarks, sightings

KEY = OrderKey(SHOP, "1001")
APART = "fulfilled by the channel"


async def sold(world: World, **settings: Any) -> Fulfilling:  # noqa: ANN401 - of the channel
    """Sell three mugs that the channel sends out of its own stock, and one that we send."""
    shop = Fulfilling(SHOP, clock=world.clock, settings=ChannelSettings(**settings))
    shop.own = {"1001"}
    await world.sell(shop, "MUG", 10)
    await world.storage.listings.link(SHOP, "MUG-BY-SHOP", "MUG")
    shop.place("1001", lines={"MUG-BY-SHOP": 3})
    shop.place("1002", lines={"MUG": 1})
    await world.run(shop, world.market)
    return shop


async def sold_from_stock_kept_here(world: World, **settings: Any) -> Fulfilling:  # noqa: ANN401 - of the channel
    """The same where the channel's warehouse is a location here, with five mugs in it."""
    await world.stock("MUG", 5, location="warehouse")
    rule = {"fulfillment_location": "warehouse", "fulfillment_reserves": True}
    return await sold(world, **rule, **settings)


async def test_order_fulfilled_by_the_channel_is_kept_apart(world: World) -> None:
    """It is saved in a location of its own and reserves nothing anywhere; orders that we send do as ever."""
    await sold(world)

    order = await world.order("1001")
    assert (order.state, order.location, order.fulfilled_by_channel) == (OrderState.OPEN, APART, True)
    assert dict(order.wanted) == {}
    assert await levels(world) == (10, 1)
    assert {one.location for one in await world.storage.stock.levels(["MUG"])} == {"main"}
    assert (await world.order("1002")).location == "main"
    assert world.market.levels == {"MUG": 9}


@pytest.mark.parametrize("reserves", [False, True])
async def test_order_fulfilled_by_the_channel_is_never_dispatched(memory_world: World, *, reserves: bool) -> None:
    """A person who tries to send it is told whose it is; no note comes about, whoever ships."""
    shop = await (sold_from_stock_kept_here(memory_world) if reserves else sold(memory_world))

    with pytest.raises(TransitionError, match="fulfilled by the channel and never dispatched by us"):
        await memory_world.process("1001")

    shop.ship_by_hand("1001")
    await memory_world.process("1002")
    for _ in range(3):
        await memory_world.run_later(shop)
    assert [note.order_key.reference for note in shop.notes_received] == ["1002"]
    assert (await memory_world.order("1001")).state is OrderState.PROCESSED


async def test_shipped_out_of_its_own_stock(world: World) -> None:
    """When the channel has sent it, the order is done, without a conflict and without a piece of our stock."""
    shop = await sold(world)
    shop.ship_by_hand("1001")

    report = await world.run_later(shop, world.market)

    assert sightings(report.channels[SHOP]) == {"changed": 1, "same": 1}
    assert remarks(report.channels[SHOP], "conflict") == []
    order = await world.order("1001")
    assert (order.state, order.conflict, order.lines[0].shipped) == (OrderState.PROCESSED, None, 3)
    assert await world.notes("1001") == []
    assert await levels(world) == (10, 1)
    assert world.market.levels == {"MUG": 9}


async def test_reserved_by_setting_and_deducted_when_shipped(world: World) -> None:
    """Where its warehouse is kept here the order reserves there, and what the channel has sent leaves there."""
    shop = await sold_from_stock_kept_here(world)
    order = await world.order("1001")
    assert (order.state, order.location) == (OrderState.OPEN, "warehouse")
    assert await levels(world, "warehouse") == (5, 3)
    assert await levels(world) == (10, 1)
    shop.ship_by_hand("1001")

    await world.run_later(shop)

    order = await world.order("1001")
    assert (order.state, order.conflict) == (OrderState.PROCESSED, None)
    assert await levels(world, "warehouse") == (2, 0)
    assert await levels(world) == (10, 1)
    assert await world.desk.conflicts() == []


@pytest.mark.parametrize("setting", ["keep", "cancel", "follow", None])
async def test_setting_for_other_hands_does_not_count(memory_world: World, setting: str | None) -> None:
    """Its own channel is no other hand: what it sends is deducted whatever the setting for strangers says."""
    shop = await sold_from_stock_kept_here(memory_world, shipped_elsewhere=setting)
    shop.ship_by_hand("1001", lines={"L1": 1})

    await memory_world.run_later(shop)

    order = await memory_world.order("1001")
    assert (order.state, order.conflict, order.lines[0].open) == (OrderState.OPEN, None, 2)
    assert await levels(memory_world, "warehouse") == (4, 2)


async def test_shipped_in_part_out_of_its_own_stock(memory_world: World) -> None:
    """A part that the channel sent is open no more; the order is done with the last piece."""
    shop = await sold(memory_world)
    shop.ship_by_hand("1001", lines={"L1": 1})
    await memory_world.run_later(shop)
    order = await memory_world.order("1001")
    assert (order.state, order.conflict, order.lines[0].open) == (OrderState.OPEN, None, 2)

    shop.ship_by_hand("1001")
    await memory_world.run_later(shop)

    assert (await memory_world.order("1001")).state is OrderState.PROCESSED
    assert await levels(memory_world) == (10, 1)


async def test_cancelled_before_the_channel_sent_it(world: World) -> None:
    """A cancelled order gives back what it reserved in the channel's warehouse."""
    shop = await sold_from_stock_kept_here(world)
    shop.cancel("1001")

    await world.run_later(shop)

    assert (await world.order("1001")).state is OrderState.CANCELLED
    assert await levels(world, "warehouse") == (5, 0)


async def test_missing_from_a_sweep(memory_world: World) -> None:
    """An order that the channel was to send and does not show any more is named like any other."""
    shop = await sold(memory_world)
    shop.remove("1001")

    report = await memory_world.run_later(shop, minutes=60)

    assert remarks(report.channels[SHOP], "conflict") == [("VANISHED", "Shop/north/1001")]
    assert await conflict_of(memory_world, "1001") is ConflictCode.VANISHED


async def test_goods_in_the_channels_warehouse_are_not_shown_elsewhere(memory_world: World) -> None:
    """Where listings count the main location, what lies in the channel's warehouse is sold nowhere else."""
    rule = StockRule(locations=frozenset({"main"}))
    await memory_world.storage.listings.link(memory_world.market.id, "MUG", "MUG", rule=rule)

    await sold_from_stock_kept_here(memory_world)

    assert memory_world.market.levels == {"MUG": 9}


async def test_no_map_of_locations_is_asked(memory_world: World) -> None:
    """An order that the channel sends needs no place in the map of its locations; one that we send does."""
    shop = await sold(memory_world, location={"berlin": "main"})

    assert (await memory_world.order("1001")).location == APART
    assert await memory_world.storage.orders.find("1002") == []
    quarantined = await memory_world.storage.orders.quarantined(SHOP)
    assert [(one.reference, one.code) for one in quarantined] == [("1002", "NO_LOCATION")]
    assert shop.notes_received == []
