"""Orders that vanish while somebody writes them: named as they are then, or left to whoever was faster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable

from ordersync import Event, OrderKey, OrderState, RunReport
from ordersync.model.events import OrderChanged
from ordersync.model.orders import ConflictCode
from ordersync.sync.watch import TRIES
from ordersync.testing import FakeMarketplace
from runner.looking import by_state, conflict_of, four_open
from runner.watching import watched
from runner.world import SHOP, World, remarks

KEY = OrderKey(SHOP, "1001")
GONE = [("VANISHED", "Shop/north/1001")]


async def gone(world: World) -> FakeMarketplace:
    """Let an open order vanish from a shop that is swept in each run."""
    shop: FakeMarketplace = by_state(FakeMarketplace, world)
    await four_open(world, shop)
    shop.remove("1001")
    return shop


async def run_while(
    world: World, shop: FakeMarketplace, act: Callable[[int], Awaitable[object]], *told: Callable[[Event], None]
) -> RunReport:
    """Run while somebody acts each time before an order is replaced; they are told how often that was."""
    seen: Counter[str] = Counter()

    async def before(verb: str) -> None:
        seen[verb] += 1
        if verb == "replace":
            await act(seen[verb])

    world.clock.advance(minutes=10)
    between = World(watched(world.storage, Counter(), before=before), world.clock)
    return await between.run(shop, observers=told)


async def test_order_that_is_held_meanwhile_has_vanished_all_the_same(memory_world: World) -> None:
    """What a person does to an order that vanishes stays, and the order is named once, after the second reading."""
    world, told = memory_world, list[Event]()
    shop = await gone(world)

    async def hold(number: int) -> None:
        if number == 1:
            await world.desk.hold(KEY, who="Ada", why="ask first")

    report = await run_while(world, shop, hold, told.append)

    order = await world.order("1001")
    assert (await conflict_of(world, "1001"), order.held is None) == (ConflictCode.VANISHED, False)
    assert remarks(report.channels[SHOP], "conflict") == GONE
    assert [one.event for one in told if isinstance(one, OrderChanged)] == ["vanished"]


async def test_order_that_is_deleted_meanwhile_is_not_missed(memory_world: World) -> None:
    """An order that nobody expects any more when it would be named is left as it is."""
    world = memory_world
    shop = await gone(world)

    async def delete(number: int) -> None:
        if number == 1:
            await world.desk.delete(KEY, who="Ada", why="a test order")

    report = await run_while(world, shop, delete)

    assert ((await world.order("1001")).state, await conflict_of(world, "1001")) == (OrderState.DELETED, None)
    assert remarks(report.channels[SHOP], "conflict") == []


async def test_order_that_changes_faster_than_it_is_read_is_left_alone(memory_world: World) -> None:
    """Whoever cannot write an order after three readings does not name it either."""
    world, acts = memory_world, list[int]()
    shop = await gone(world)

    async def hold_and_resume(number: int) -> None:
        acts.append(number)
        if number % 2:
            await world.desk.hold(KEY, who="Ada", why="ask first")
        else:
            await world.desk.resume(KEY, who="Ada")

    report = await run_while(world, shop, hold_and_resume)

    assert acts == list(range(1, TRIES + 1))
    assert await conflict_of(world, "1001") is None
    assert remarks(report.channels[SHOP], "conflict") == []
