"""Decisions that are dropped after long: never those of orders that are open, or whose documents still wait."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ordersync import Buyer, ChannelSettings, OrderKey
from ordersync.errors import OrderNotFoundError
from ordersync.model.runs import EntryKind
from ordersync.sync.download import FORGET_BATCH
from runner.world import SHOP, World

KEY = OrderKey(SHOP, "1001")
BUYER = Buyer(name="Grete Findewirth")
WEEKS = 4


async def runs_for_weeks(world: World) -> None:
    """Let the shop keep decisions for ten days, and sweep it every other day until these are long over."""
    world.shop.settings = ChannelSettings(keep_decisions=timedelta(days=10), watch_for=timedelta(days=1))
    for _ in range(WEEKS * 7 // 2):
        await world.run_later(world.shop, minutes=2 * 24 * 60)


async def test_order_in_quarantine_can_be_erased_after_long(world: World) -> None:
    """The buyer of an order that was only ever seen unreadable can be erased long after it left its channel."""
    world.shop.place("1001", lines={"MUG": 1}, buyer=BUYER)
    world.shop.spoil("1001")
    await world.run()
    world.shop.remove("1001")
    await runs_for_weeks(world)
    (kept,) = await world.storage.orders.quarantined(SHOP)
    assert b"Grete" in kept.payload
    assert await world.storage.orders.decision(KEY) is not None

    for _ in range(2):
        await world.desk.erase(KEY, who="Ada", why="asked by the buyer")
    (kept,) = await world.storage.orders.quarantined(SHOP)
    assert (kept.payload, kept.reference) == (b"", "1001")
    assert list(await world.storage.orders.erased([KEY])) == [KEY]
    assert len(await world.storage.journal.entries(order=KEY, kinds=[EntryKind.ERASED])) == 1


async def test_forgotten_order_is_still_erased(world: World) -> None:
    """An order that was erased may be erased again when it is forgotten; of one that never was, nothing is left."""
    for reference in ("1001", "1002"):
        world.shop.place(reference, lines={"MUG": 1}, buyer=BUYER, paid=False)
    await world.run()
    await world.desk.erase(KEY, who="Ada", why="asked by the buyer")
    for reference in ("1001", "1002"):
        world.shop.remove(reference)
    await runs_for_weeks(world)
    assert list(await world.storage.orders.decisions(SHOP)) == []

    await world.desk.erase(KEY, who="Ada", why="asked by the buyer")
    with pytest.raises(OrderNotFoundError, match="nothing of it is kept"):
        await world.desk.erase(OrderKey(SHOP, "1002"), who="Ada", why="asked by the buyer")


@pytest.mark.parametrize(("days", "kept"), [(1, True), (9, True), (11, False)])
async def test_decision_is_kept_as_long_as_the_settings_say(memory_world: World, *, days: int, kept: bool) -> None:
    """What was decided about an order that is over is dropped after so many days, not before."""
    world = memory_world
    world.shop.settings = ChannelSettings(keep_decisions=timedelta(days=10), watch_for=timedelta(hours=1))
    world.shop.place("1001", lines={"MUG": 1}, paid=False)
    await world.run(world.shop)
    world.shop.remove("1001")

    await world.run_later(world.shop, minutes=120)
    await world.run_later(world.shop, minutes=days * 24 * 60)

    assert (await world.storage.orders.decision(KEY) is not None) == kept


async def test_however_many_decisions_are_over_all_are_dropped_in_one_run(memory_world: World) -> None:
    """Decisions are dropped batch by batch until none is left that is old enough."""
    world = memory_world
    world.shop.settings = ChannelSettings(keep_decisions=timedelta(days=10), watch_for=timedelta(hours=1))
    for number in range(FORGET_BATCH + 1):
        world.shop.place(f"{number}", lines={"MUG": 1}, paid=False)
    await world.run(world.shop)
    for number in range(FORGET_BATCH + 1):
        world.shop.remove(f"{number}")

    await world.run_later(world.shop, minutes=120)
    await world.run_later(world.shop, minutes=11 * 24 * 60)

    assert list(await world.storage.orders.decisions(SHOP)) == []


async def test_age_to_purge_is_checked(memory_world: World) -> None:
    """What ended less than no time ago is a mistake, and named; what ended before all time is nothing."""
    with pytest.raises(ValueError, match=r"^older_than: -5 days"):
        await memory_world.desk.purge(older_than=timedelta(days=-5))
    assert await memory_world.desk.purge(older_than=timedelta.max) == 0


async def test_open_order_is_remembered_while_documents_name_nobody(world: World) -> None:
    """What was decided about an open order stays while every sweep shows a document that may be this order."""
    world.shop.place("1001", lines={"MUG": 1}, paid=False)
    await world.run()
    decided = await world.storage.orders.decision(KEY)
    world.shop.spoil("1001", anonymous=True)
    await runs_for_weeks(world)
    assert (await world.storage.orders.progress(SHOP)).blind

    assert decided is not None
    assert await world.storage.orders.decision(KEY) == decided
    world.shop.remove("1001")
    await world.run_later(world.shop, minutes=120)
    assert await world.storage.orders.decision(KEY) is None
