"""Pages as channels really show them: in circles, with one order twice, with what people do meanwhile."""

from __future__ import annotations

from collections import Counter

import attrs
import pytest

from ordersync import OrderKey, OrderPage, OrderState
from ordersync.model.runs import EntryKind
from ordersync.testing import FakeMarketplace, make_channel_order
from ordersync.testing.clock import START
from runner.strange import Looping, Prepared
from runner.watching import watched
from runner.world import HOUR, SHOP, World, counts, sightings


async def enabled(world: World, shop: FakeMarketplace) -> FakeMarketplace:
    """Spare a channel its connection test."""
    await world.storage.journal.enable(SHOP, by="Ada", at=world.clock.now())
    return shop


async def test_pages_in_a_circle_are_left(world: World) -> None:
    """A page token that comes twice stops the scan; what was read is kept, and the scan counts as cut."""
    shop = await enabled(world, Looping(SHOP, clock=world.clock))
    shop.place("1001", lines={"MUG": 1})

    report = await world.run(shop)

    assert sightings(report.channels[SHOP]) == {"new": 1, "same": 1}
    assert report.channels[SHOP].failed == 1
    assert "page token 'again' came twice (page 2); stopped to avoid a loop" in str(report.errors[0])
    assert (await world.order("1001")).state is OrderState.OPEN
    progress = await world.storage.orders.progress(SHOP)
    assert (progress.interrupted, progress.watermark, progress.swept_at) == (True, None, None)
    assert [one.code for one in await world.journal(SHOP, EntryKind.WINDOW_READ)] == ["cut"]


async def test_order_twice_on_a_page_unchanged(world: World) -> None:
    """An order that comes twice and equal on a page is stored once, and both sightings are counted."""
    order = make_channel_order("1001")
    shop = await enabled(world, Prepared(SHOP, [OrderPage(orders=[order, order])], clock=world.clock))

    report = await world.run(shop)

    assert sightings(report.channels[SHOP]) == {"new": 1, "same": 1}
    assert (await world.level()).reserved == 1


@pytest.mark.parametrize("newest_first", [False, True])
async def test_order_twice_on_a_page_changed(*, world: World, newest_first: bool) -> None:
    """Of an order that comes twice and different on a page, the newest version is stored, wherever it stands."""
    old = make_channel_order("1001", {"MUG": 1}, updated_at=START - HOUR)
    new = make_channel_order("1001", {"MUG": 4}, updated_at=START)
    page = OrderPage(orders=[new, old] if newest_first else [old, new])
    shop = await enabled(world, Prepared(SHOP, [page], clock=world.clock))

    report = await world.run(shop)

    assert sightings(report.channels[SHOP]) == {"new": 1, "same": 1}
    assert (await world.order("1001")).wanted == {("MUG", "main"): 4}


async def test_order_twice_with_one_stamp(world: World) -> None:
    """Of two versions with one time the later on the page is stored."""
    versions = [make_channel_order("1001", {"MUG": quantity}) for quantity in (1, 4)]
    shop = await enabled(world, Prepared(SHOP, [OrderPage(orders=versions)], clock=world.clock))

    await world.run(shop)

    assert (await world.order("1001")).wanted == {("MUG", "main"): 4}


async def test_order_on_two_pages(world: World) -> None:
    """An order that slips from one page to the next is stored once."""
    order = make_channel_order("1001")
    pages = [OrderPage(orders=[order]), OrderPage(orders=[order, make_channel_order("1002")])]
    shop = await enabled(world, Prepared(SHOP, pages, clock=world.clock))

    report = await world.run(shop)

    assert sightings(report.channels[SHOP]) == {"new": 2, "same": 1}


async def test_order_readable_and_not_on_one_page(world: World) -> None:
    """An order that is shown well and broken on one page is stored, and the broken document is kept."""
    shop = world.open(SHOP)
    shop.place("1001", lines={"MUG": 1})
    good = await shop.fetch_orders(updated_since=None)
    shop.spoil("1001")
    bad = await shop.fetch_orders(updated_since=None)
    both = OrderPage(orders=good.orders, unreadable=bad.unreadable)
    shop = await enabled(world, Prepared(SHOP, [both], clock=world.clock))

    report = await world.run(shop)

    assert sightings(report.channels[SHOP]) == {"new": 1, "quarantined": 1}
    assert (await world.order("1001")).state is OrderState.OPEN


async def test_edit_that_goes_back_in_time(world: World) -> None:
    """A page that shows an order as it was before changes nothing."""
    new, old = (make_channel_order("1001", {"MUG": n}, updated_at=START - HOUR / n) for n in (4, 1))
    shop = await enabled(world, Prepared(SHOP, [OrderPage(orders=[new])], clock=world.clock))
    await world.run(shop)

    shop = Prepared(SHOP, [OrderPage(orders=[old])], clock=world.clock)
    report = await world.run_later(shop)

    assert sightings(report.channels[SHOP]) == {"same": 1}
    assert (await world.order("1001")).wanted == {("MUG", "main"): 4}


async def test_person_changes_an_order_while_its_page_is_saved(world: World) -> None:
    """A page is decided anew when a person was faster, and neither change is lost."""
    world.shop.place("1001", lines={"MUG": 3})
    await world.run()
    world.clock.advance(minutes=1)
    world.shop.edit("1001", {"MUG": 5})
    calls = Counter[str]()

    async def pack(verb: str) -> None:
        if verb == "save_page" and calls["orders.save_page"] == 1:
            await world.process("1001", id="p1", lines={"L1": 1})

    busy = World(watched(world.storage, calls, before=pack), world.clock)
    report = await busy.run_later(world.shop)

    order = await world.order("1001")
    assert sightings(report.channels[SHOP]) == {"changed": 1}
    assert [(line.quantity, line.processed) for line in order.lines] == [(5, 1)]
    assert (await world.level()).reserved == 4


async def test_page_that_never_holds_still(world: World) -> None:
    """A page that people keep changing ends the run with a clear error, and the next run saves it."""
    world.shop.place("1001", lines={"MUG": 3})
    await world.run()
    world.clock.advance(minutes=1)
    world.shop.edit("1001", {"MUG": 5})

    async def touch(verb: str) -> None:
        if verb == "save_page":
            order = await world.order("1001")
            touched = attrs.evolve(order, revision=order.revision + 1)
            assert await world.storage.orders.replace(touched, expect=order.revision)

    restless = World(watched(world.storage, Counter(), before=touch), world.clock)
    report = await restless.run_later(world.shop)

    assert [error.code for error in report.errors] == ["storage-unavailable"]
    assert "Shop/north: page 1 changes faster than it can be saved" in str(report.errors[0])
    assert counts((await world.run_later(world.shop)).channels[SHOP])["changed"] == 1


async def test_empty_page_in_the_middle(world: World) -> None:
    """A page without orders is no end: the token behind it is followed."""
    pages = [OrderPage(orders=[]), OrderPage(orders=[make_channel_order("1001")])]
    shop = await enabled(world, Prepared(SHOP, pages, clock=world.clock))

    report = await world.run(shop)

    assert sightings(report.channels[SHOP]) == {"new": 1}
    assert report.channels[SHOP].pages == 2


async def test_awkward_names(world: World) -> None:
    """References and SKUs with spaces, quotes, slashes and emoji are orders like any other."""
    names = ["a b", "it's", 'a"b', "1/2", "№ 7", "📦", "%2F", "#9"]
    for name in names:
        await world.stock(f"SKU {name}", 5)
        await world.sell(world.shop, f"SKU {name}", 5)
        world.shop.place(name, lines={f"SKU {name}": 2})

    report = await world.run()
    for name in names:
        await world.process(name)
    await world.run_later()

    assert sightings(report.channels[SHOP]) == {"new": len(names)}
    assert {one.reference for one in world.shop.shipments} == set(names)
    for name in names:
        assert (await world.level(f"SKU {name}")).on_hand == 3
        found = await world.storage.orders.find(name)
        assert OrderKey(SHOP, name) in [order.key for order in found]
