"""Sweeps that miss more orders than one run looks up, and how many looks that takes."""

from __future__ import annotations

from ordersync import OrderState
from ordersync.sync.watch import LOOKS, SUSPECT_LOOKS
from ordersync.testing import FakeMarketplace
from runner.looking import by_state
from runner.world import SHOP, World, remarks


async def many_open(world: World, number: int) -> FakeMarketplace:
    """Let many people buy a mug, and download that."""
    shop: FakeMarketplace = by_state(FakeMarketplace, world)
    for place in range(number):
        shop.place(f"{place:03}", lines={"MUG": 1})
    await world.run(shop)
    return shop


async def test_looks_go_on_while_most_find_orders_that_have_ended(memory_world: World) -> None:
    """Where a sweep left out more than half, the looks go on as long as at least half of them explain why."""
    shop = await many_open(memory_world, SUSPECT_LOOKS + 10)
    for place in range(SUSPECT_LOOKS + 10):
        if place % 2:
            shop.remove(f"{place:03}")
        else:
            shop.cancel(f"{place:03}")

    report = await memory_world.run_later(shop)

    assert report.channels[SHOP].looked_up == SUSPECT_LOOKS + 10
    assert remarks(report.channels[SHOP], "suspicious") == []
    assert len(await memory_world.desk.conflicts()) == (SUSPECT_LOOKS + 10) // 2


async def test_looks_end_where_less_than_half_find_why(memory_world: World) -> None:
    """Where eight of the first twenty looks explain why an order is missing, the others are spared."""
    shop = await many_open(memory_world, SUSPECT_LOOKS + 10)
    for place in range(SUSPECT_LOOKS + 10):
        if place < 8:
            shop.cancel(f"{place:03}")
        else:
            shop.remove(f"{place:03}")

    report = await memory_world.run_later(shop)

    assert report.channels[SHOP].looked_up == SUSPECT_LOOKS
    assert remarks(report.channels[SHOP], "suspicious") == [("SWEEP_SUSPICIOUS", "sweep")]


async def test_missing_orders_beyond_the_looks_of_one_run_wait_for_the_next(memory_world: World) -> None:
    """One run makes so many looks and no more; a sweep counts as judged once all that it missed were looked up."""
    shop = await many_open(memory_world, 2 * LOOKS + 2)
    for place in range(LOOKS + 1):
        shop.cancel(f"{place:03}")

    first = await memory_world.run_later(shop)
    progress = await memory_world.storage.orders.progress(SHOP)
    assert (first.channels[SHOP].looked_up, progress.judged_at == progress.swept_at) == (LOOKS, False)
    second = await memory_world.run_later(shop)

    progress = await memory_world.storage.orders.progress(SHOP)
    assert (second.channels[SHOP].looked_up, progress.judged_at == progress.swept_at) == (1, True)
    cancelled = await memory_world.storage.orders.listed(states=[OrderState.CANCELLED])
    assert len(cancelled) == LOOKS + 1


async def test_as_many_as_the_looks_of_one_run_are_judged_in_it(memory_world: World) -> None:
    """Where a sweep misses exactly as many orders as one run may look up, it is judged in that run."""
    shop = await many_open(memory_world, 2 * LOOKS)
    for place in range(LOOKS):
        shop.cancel(f"{place:03}")

    report = await memory_world.run_later(shop)

    progress = await memory_world.storage.orders.progress(SHOP)
    assert (report.channels[SHOP].looked_up, progress.judged_at == progress.swept_at) == (LOOKS, True)


async def test_half_of_the_orders_may_be_missing_without_a_suspicion(memory_world: World) -> None:
    """Where a sweep left out just half of the orders, all of these are looked up, and each that is gone is named."""
    half = SUSPECT_LOOKS + 5
    shop = await many_open(memory_world, 2 * half)
    for place in range(half):
        shop.remove(f"{place:03}")

    report = await memory_world.run_later(shop)

    assert report.channels[SHOP].looked_up == half
    assert remarks(report.channels[SHOP], "suspicious") == []
    assert len(await memory_world.desk.conflicts()) == half


async def test_looks_at_the_watch_list_count_among_those_of_a_run(memory_world: World) -> None:
    """What is looked up of the watch list leaves fewer looks for what a sweep missed."""
    shop: FakeMarketplace = by_state(FakeMarketplace, memory_world)
    for place in range(5):
        shop.place(f"unpaid {place}", lines={"MUG": 1}, paid=False)
    for place in range(2 * LOOKS):
        shop.place(f"{place:03}", lines={"MUG": 1})
    await memory_world.run(shop)
    for place in range(LOOKS):
        shop.cancel(f"{place:03}")

    report = await memory_world.run_later(shop)

    assert report.channels[SHOP].looked_up == LOOKS
