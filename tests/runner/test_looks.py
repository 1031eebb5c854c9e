"""A single order that is looked up: what is noted before, what is told, and under which proof it is written."""

from __future__ import annotations

from collections import Counter

from ordersync import Event, OrderKey
from ordersync.model.events import PageSaved
from ordersync.model.orders import CHANNEL, ConflictCode
from ordersync.model.pages import Watch
from ordersync.sync.watch import CUT_OFF
from ordersync.testing import FakeMarketplace
from runner.looking import by_state, conflict_of, four_open
from runner.proofs import Proofs
from runner.watching import watched
from runner.world import SHOP, World

KEY = OrderKey(SHOP, "1001")


async def test_look_that_is_cut_off_is_soon_due_again(world: World) -> None:
    """While an order is looked up it stays on the watch list, due again three minutes after the look began."""
    await world.run()
    world.shop.place("1001", lines={"MUG": 2})
    meanwhile: list[Watch | None] = []
    began = world.clock.now()

    async def look(method: str, when: str) -> None:
        if (method, when) == ("fetch_order", "before"):
            meanwhile.append(await world.storage.orders.watch(KEY))

    world.shop.on_call = look
    await world.runner().hint(KEY)

    assert meanwhile == [Watch(key=KEY, since=began, look_at=began + CUT_OFF)]


async def test_order_that_is_looked_up_is_on_no_page(memory_world: World) -> None:
    """A look is told as page 0, so that nobody takes it for a page of a scan."""
    world, told = memory_world, list[Event]()
    await world.run()
    world.shop.place("1001", lines={"MUG": 2})

    await world.runner(observers=[told.append]).hint(KEY)

    assert [(one.page, one.orders) for one in told if isinstance(one, PageSaved)] == [(0, 1)]


async def test_order_that_vanishes_while_it_is_held_is_written_under_the_runs_proof(memory_world: World) -> None:
    """What was done to an order that vanishes is read and written under the proof of the run, and needs no reason."""
    world, calls = memory_world, Counter[str]()
    shop: FakeMarketplace = by_state(FakeMarketplace, world)
    await four_open(world, shop)
    shop.remove("1001")

    async def hold(verb: str) -> None:
        if verb == "replace" and calls["orders.replace"] == 1:
            await world.desk.hold(KEY, who="Ada", why="ask first")

    proofs = Proofs(watched(world.storage, calls, before=hold))
    await World(proofs.storage, world.clock).run_later(shop)

    assert (proofs.unproved, calls["orders.replace"]) == ([], 2)
    assert await conflict_of(world, "1001") is ConflictCode.VANISHED
    entry = (await world.storage.orders.history(KEY))[-1]
    assert (entry.event, entry.who, entry.why, entry.at) == ("vanished", CHANNEL, "", world.clock.now())
