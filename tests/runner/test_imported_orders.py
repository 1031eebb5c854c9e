"""Orders that had ended on their channel before they were seen: skipped, or by setting stored, moving no stock."""

from __future__ import annotations

import pytest

from ordersync import ChannelSettings, OrderKey, OrderState, StatusMapping
from ordersync.errors import TransitionError
from ordersync.model.orders import ConflictCode
from ordersync.testing import FakeMarketplace
from runner.looking import conflict_of, levels
from runner.world import SHOP, World, remarks, sightings

KEY = OrderKey(SHOP, "1001")


async def opened(world: World, **settings: bool) -> FakeMarketplace:
    """Open a shop that imports what these settings say, and read it once, so that its changes are read from then on."""
    shop = world.open(SHOP, ChannelSettings(**settings))  # type: ignore[arg-type]
    await world.sell(shop, "MUG", 10)
    await world.run(shop, world.market)
    world.clock.advance(minutes=1)
    return shop


async def test_shipped_order_is_stored_as_processed(world: World) -> None:
    """An order shipped before it was seen is stored whole, moves no stock, tells no channel, and is found."""
    shop = await opened(world, import_shipped=True)
    shop.place("1001", lines={"MUG": 2})
    shop.ship_by_hand("1001", carrier="UPS", tracking="1Z")

    report = await world.run_later(shop, world.market)

    assert sightings(report.channels[SHOP]) == {"new": 1}
    order = await world.order("1001")
    assert order.state is OrderState.PROCESSED
    assert [(line.quantity, line.shipped, line.open) for line in order.lines] == [(2, 2, 0)]
    assert order.buyer is not None
    assert await levels(world) == (10, 0)
    assert shop.levels == world.market.levels == {"MUG": 10}
    assert [found.key for found in await world.storage.orders.find(" #1001")] == [KEY]
    assert [found.key for found in await world.storage.orders.find("id-1001", states=[OrderState.PROCESSED])] == [KEY]
    assert await world.notes("1001") == []
    again = await world.run_later(shop, world.market)
    assert sightings(again.channels[SHOP]) == {"same": 1}
    assert shop.notes_received == []


async def test_cancelled_order_is_stored_as_cancelled(world: World) -> None:
    """An order cancelled before it was seen is stored as cancelled by its channel, moves no stock, and is found."""
    shop = await opened(world, import_cancelled=True)
    shop.place("1001", lines={"MUG": 2})
    shop.cancel("1001")

    report = await world.run_later(shop, world.market)

    assert sightings(report.channels[SHOP]) == {"new": 1}
    order = await world.order("1001")
    assert order.state is OrderState.CANCELLED
    assert order.ended is not None
    assert order.ended.who == "the channel"
    assert await levels(world) == (10, 0)
    assert shop.levels == world.market.levels == {"MUG": 10}
    assert [found.key for found in await world.storage.orders.find("1001", states=[OrderState.CANCELLED])] == [KEY]


ENDS = {"shipped": "SHIPPED_BEFORE_DOWNLOAD", "cancelled": "CANCELLED_ON_CHANNEL"}


def end(shop: FakeMarketplace, how: str) -> None:
    """Ship or cancel an order."""
    if how == "shipped":
        shop.ship_by_hand("1001")
    else:
        shop.cancel("1001")


@pytest.mark.parametrize("how", ENDS)
async def test_each_setting_imports_its_own_kind_alone(memory_world: World, how: str) -> None:
    """Without its setting an order that had ended is skipped with its reason, whatever the other setting says."""
    shop = await opened(memory_world, import_shipped=how != "shipped", import_cancelled=how != "cancelled")
    shop.place("1001", lines={"MUG": 2})
    end(shop, how)

    report = await memory_world.run_later(shop, memory_world.market)

    assert sightings(report.channels[SHOP]) == {"skipped": 1}
    assert remarks(report.channels[SHOP], "skipped") == [(ENDS[how], "1001")]
    assert await memory_world.storage.orders.find("1001") == []
    assert shop.levels == memory_world.market.levels == {"MUG": 10}


@pytest.mark.parametrize("how", ENDS)
async def test_setting_that_comes_later_imports_what_is_shown_again(world: World, how: str) -> None:
    """An order that was skipped once is stored when the setting is on and the channel shows a change of it."""
    shop = await opened(world)
    shop.place("1001", lines={"MUG": 2})
    end(shop, how)
    await world.run_later(shop, world.market)
    importing = shop.with_settings(ChannelSettings(import_shipped=True, import_cancelled=True))
    shop.pay("1001")

    report = await world.run_later(importing, world.market)

    assert sightings(report.channels[SHOP]) == {"new": 1}
    assert (await world.order("1001")).state in (OrderState.PROCESSED, OrderState.CANCELLED)
    assert await levels(world) == (10, 0)
    assert shop.levels == world.market.levels == {"MUG": 10}


async def test_unpaid_order_that_was_shipped_is_imported(memory_world: World) -> None:
    """What has left has left: an imported order need not be paid, and is not waited for."""
    shop = await opened(memory_world, import_shipped=True)
    shop.place("1001", lines={"MUG": 2}, paid=False)
    shop.ship_by_hand("1001")

    await memory_world.run_later(shop)

    assert (await memory_world.order("1001")).state is OrderState.PROCESSED
    await memory_world.run_later(shop)
    assert shop.calls["fetch_order"] == 0


async def test_order_shipped_in_part_is_imported_as_what_is_open(memory_world: World) -> None:
    """An order of which a part had left before it was seen is open with the rest, which alone is reserved."""
    shop = await opened(memory_world, import_shipped=True)
    shop.place("1001", lines={"MUG": 3})
    shop.ship_by_hand("1001", lines={"L1": 1})

    report = await memory_world.run_later(shop)

    assert remarks(report.channels[SHOP], "conflict") == []
    order = await memory_world.order("1001")
    assert (order.state, order.lines[0].open) == (OrderState.OPEN, 2)
    assert await levels(memory_world) == (10, 2)


async def test_shipped_by_the_word_alone_is_stored_without_open_pieces(world: World) -> None:
    """Where only a status word says that an order was shipped, none of its lines is open in what is imported."""
    words = StatusMapping(version="1", paid=frozenset({"Ready"}), shipped=frozenset({"Sent"}))
    settings = ChannelSettings(import_shipped=True, status_mapping=words)
    shop = world.open(SHOP, settings, requires_status_mapping=True)
    await world.sell(shop, "MUG", 10)
    shop.place("1001", lines={"MUG": 2})
    shop.set_status("1001", "Sent")

    await world.run(shop)

    order = await world.order("1001")
    assert order.state is OrderState.PROCESSED
    assert [(line.shipped, line.open) for line in order.lines] == [(2, 0)]
    assert await levels(world) == (10, 0)


@pytest.mark.parametrize("how", ENDS)
async def test_imported_order_is_not_processed(memory_world: World, how: str) -> None:
    """Of an order that was imported as ended nothing can be sent, and the refusal says what it is."""
    shop = await opened(memory_world, import_shipped=True, import_cancelled=True)
    shop.place("1001", lines={"MUG": 2})
    end(shop, how)
    await memory_world.run_later(shop)

    with pytest.raises(TransitionError, match=r"a (processed|cancelled) order cannot be processed"):
        await memory_world.process("1001")


async def test_imported_cancelled_order_comes_back(world: World) -> None:
    """An imported cancelled order that its channel revives is reserved, told to the others, and can be sent."""
    shop = await opened(world, import_cancelled=True)
    shop.place("1001", lines={"MUG": 2})
    shop.cancel("1001")
    await world.run_later(shop, world.market)
    shop.revive("1001")

    report = await world.run_later(shop, world.market)

    assert sightings(report.channels[SHOP]) == {"changed": 1}
    assert await levels(world) == (10, 2)
    assert shop.levels == world.market.levels == {"MUG": 8}
    assert (await world.process("1001")).state is OrderState.PROCESSED
    await world.run_later(shop)
    assert shop.orders["1001"].status == "Shipped"


async def test_imported_shipped_order_is_edited(world: World) -> None:
    """More that is bought of an imported shipped order is a conflict for a person; followed, it is reserved."""
    shop = await opened(world, import_shipped=True)
    shop.place("1001", lines={"MUG": 2})
    shop.ship_by_hand("1001")
    await world.run_later(shop, world.market)
    shop.edit("1001", {"MUG": 3})

    report = await world.run_later(shop, world.market)

    assert remarks(report.channels[SHOP], "conflict") == [("EDITED_AFTER_PROCESSING", "Shop/north/1001")]
    assert await conflict_of(world, "1001") is ConflictCode.EDITED_AFTER_PROCESSING
    assert await levels(world) == (10, 0)
    order = await world.desk.resolve(KEY, "follow", who="Ada")
    assert (order.state, order.lines[0].open) == (OrderState.OPEN, 1)
    assert await levels(world) == (10, 1)
    await world.process("1001")
    await world.run_later(shop, world.market)
    assert [dict(note.lines) for note in shop.notes_received] == [{"L1": 1}]
    assert await levels(world) == (9, 0)


async def test_imported_orders_are_stored_once(memory_world: World) -> None:
    """However often an imported order is shown, swept for or hinted at, it is one order, and no stock moves."""
    shop = await opened(memory_world, import_shipped=True)
    shop.place("1001", lines={"MUG": 2})
    shop.ship_by_hand("1001")
    for _ in range(3):
        await memory_world.run_later(shop, memory_world.market, minutes=60)
        await memory_world.runner(shop).hint(KEY)

    assert len(await memory_world.storage.orders.listed()) == 1
    assert await levels(memory_world) == (10, 0)
    assert await memory_world.storage.orders.history(KEY) == []


async def test_imported_order_with_unlinked_lines(memory_world: World) -> None:
    """An imported order whose lines are linked to nothing is stored and demands nothing, also when they are linked."""
    shop = await opened(memory_world, import_shipped=True)
    shop.place("1001", lines={"NEW": 2})
    shop.ship_by_hand("1001")
    await memory_world.run_later(shop)

    await memory_world.storage.listings.link(SHOP, "NEW", "MUG")
    await memory_world.run_later(shop)

    assert (await memory_world.order("1001")).state is OrderState.PROCESSED
    assert await levels(memory_world) == (10, 0)
