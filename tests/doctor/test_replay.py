"""Documents that wait in quarantine are judged again, and nothing newer is overwritten."""

from __future__ import annotations

import pytest

from doctor.replaying import Nameless, Picky, documents, mapped, replayed, waiting, with_words
from ordersync import (
    OrderState,
)
from runner import conftest as fixtures
from runner.looking import levels, watched
from runner.world import SHOP, World, sightings

clock, open_storage, world, memory_world = (
    fixtures.clock,
    fixtures.open_storage,
    fixtures.world,
    fixtures.memory_world,
)


async def test_order_whose_word_is_mapped_by_now_is_stored(world: World) -> None:
    """A kept document is judged by the mapping of today without asking the channel, and its order is reserved."""
    shop = with_words(world, mapped())
    shop.place("1001", lines={"MUG": 2})
    shop.set_status("1001", "Rush")
    await world.run(shop, world.market)
    assert await waiting(world) == [("1001", "STATUS_UNKNOWN")]
    world.clock.advance(minutes=10)

    report = await replayed(world, shop.with_settings(mapped("2", "Rush")))

    assert sightings(report.channels[SHOP]) == {"new": 1}
    assert (report.channels[SHOP].pages, report.channels[SHOP].looked_up) == (0, 0)
    assert (await world.order("1001")).state is OrderState.OPEN
    assert await levels(world) == (10, 2)
    assert await waiting(world) == []
    assert await watched(world) == []


async def test_order_whose_word_is_still_unknown_stays(world: World) -> None:
    """What is not understood yet is counted, stays in quarantine, and stays once however often it is replayed."""
    shop = with_words(world, mapped())
    shop.place("1001", lines={"MUG": 2})
    shop.set_status("1001", "Rush")
    await world.run(shop)
    before = await documents(world)

    for _ in range(2):
        report = await replayed(world, shop)
        assert sightings(report.channels[SHOP]) == {"quarantined": 1}

    assert await documents(world) == before
    assert await world.storage.orders.find("1001") == []


@pytest.mark.parametrize("kind", [Picky, Nameless])
async def test_order_whose_document_can_be_read_by_now_is_stored(world: World, kind: type[Picky]) -> None:
    """A document that new code can read becomes its order, whether or not it was known whose it is."""
    shop = kind(SHOP, clock=world.clock)
    shop.list_sku("MUG", 10)
    shop.place("1001", lines={"MUG": 3})
    shop.place("1002", lines={"MUG": 1})
    await world.run(shop)
    assert [code for _, code in await waiting(world)] == ["UNREADABLE"]
    assert sightings((await replayed(world, shop)).channels[SHOP]) == {"quarantined": 1}

    shop.mended = True
    report = await replayed(world, shop)

    assert sightings(report.channels[SHOP]) == {"new": 1}
    assert (report.channels[SHOP].pages, report.channels[SHOP].looked_up) == (0, 0)
    assert await levels(world) == (10, 4)
    assert await waiting(world) == []
    assert sightings((await replayed(world, shop)).channels[SHOP]) == {}


async def test_kept_document_does_not_overwrite_what_was_seen_since(world: World) -> None:
    """A nameless document that turns out to be of an order that was seen since is let go, even without a newer time."""
    shop = Nameless(SHOP, clock=world.clock, scan="state")
    shop.list_sku("MUG", 10)
    shop.place("1001", lines={"MUG": 3})
    await world.run(shop)
    shop.edit("1001", {"MUG": 2})
    await world.run_later(shop)
    before = await world.order("1001")
    assert [line.quantity for line in before.lines] == [2]

    shop.mended = True
    report = await replayed(world, shop)

    assert sightings(report.channels[SHOP]) == {}
    assert await world.order("1001") == before
    assert await waiting(world) == []
    assert await levels(world) == (10, 2)


async def test_kept_document_is_newer_than_what_was_seen_before(world: World) -> None:
    """A nameless document that was kept after its order was last seen is followed."""
    shop = Nameless(SHOP, clock=world.clock)
    shop.list_sku("MUG", 10)
    shop.place("1001", lines={"MUG": 2})
    await world.run(shop)
    world.clock.advance(minutes=10)
    shop.edit("1001", {"MUG": 4})
    await world.run(shop)
    assert await levels(world) == (10, 2)

    shop.mended = True
    report = await replayed(world, shop)

    assert sightings(report.channels[SHOP]) == {"changed": 1}
    assert await levels(world) == (10, 4)
    assert await waiting(world) == []


@pytest.mark.parametrize("kind", [Picky, Nameless])
async def test_of_two_documents_the_newest_counts(world: World, kind: type[Picky]) -> None:
    """Of two kept documents of one order the newest is judged, and both leave with it."""
    shop = kind(SHOP, clock=world.clock)
    shop.list_sku("MUG", 10)
    shop.place("1001", lines={"MUG": 3})
    await world.run(shop)
    world.clock.advance(minutes=10)
    shop.edit("1001", {"MUG": 5})
    await world.run(shop)
    assert len(await waiting(world)) == 2

    shop.mended = True
    report = await replayed(world, shop)

    assert sightings(report.channels[SHOP]) == {"new": 1}
    assert [line.quantity for line in (await world.order("1001")).lines] == [5]
    assert await levels(world) == (10, 5)
    assert await waiting(world) == []


async def test_older_document_that_can_be_read_does_not_stand_in_for_the_newest(world: World) -> None:
    """While the newest document of an order cannot be read, an older one of it is not taken for the order."""
    shop = with_words(world, mapped())
    shop.place("1001", lines={"MUG": 2})
    shop.set_status("1001", "Rush")
    await world.run(shop)
    world.clock.advance(minutes=10)
    shop.spoil("1001")
    await world.run(shop)
    assert await waiting(world) == [("1001", "STATUS_UNKNOWN"), ("1001", "UNREADABLE")]

    report = await replayed(world, shop.with_settings(mapped("2", "Rush")))

    assert sightings(report.channels[SHOP]) == {"quarantined": 1}
    assert await world.storage.orders.find("1001") == []
    assert len(await waiting(world)) == 2


async def test_stored_order_follows_its_kept_document(world: World) -> None:
    """The document of a stored order that got a word nobody knew is followed once the word is mapped."""
    shop = with_words(world, mapped())
    shop.place("1001", lines={"MUG": 2})
    await world.run(shop)
    world.clock.advance(minutes=10)
    shop.edit("1001", {"MUG": 3})
    shop.set_status("1001", "Rush")
    await world.run(shop)
    assert await levels(world) == (10, 2)

    report = await replayed(world, shop.with_settings(mapped("2", "Rush")))

    assert sightings(report.channels[SHOP]) == {"changed": 1}
    assert await levels(world) == (10, 3)
    assert await waiting(world) == []


async def test_only_the_order_that_is_named_is_replayed(world: World) -> None:
    """Asked for one order, a replay leaves the documents of the others alone, and finds a nameless one of it."""
    shop = Nameless(SHOP, clock=world.clock)
    shop.list_sku("MUG", 10)
    for reference in ("1001", "1002"):
        shop.place(reference, lines={"MUG": 3})
    await world.run(shop)

    shop.mended = True
    report = await replayed(world, shop, "1002")

    assert sightings(report.channels[SHOP]) == {"new": 1}
    assert [one.key.reference for one in await world.storage.orders.listed(channel=SHOP)] == ["1002"]
    assert len(await waiting(world)) == 1
