"""One bad thing stops only itself: it is recorded, reported, and all the rest goes on."""

from __future__ import annotations

import pytest

from ordersync import OrderKey
from ordersync.errors import (
    ChannelAuthError,
    ChannelError,
    ChannelRejectedError,
    ChannelResponseError,
    ChannelUnavailableError,
)
from ordersync.model.listings import ListingState
from ordersync.model.runs import EntryKind
from runner.strange import die_at
from runner.world import MARKET, SHOP, World, counts, remarks, sightings

DOWN = ChannelUnavailableError("Shop/north: connection refused; it is tried again in the next run", applied=False)
NO_ENTRY = ChannelAuthError("Shop/north: 401; authorize again")
HTML = ChannelResponseError("Shop/north: HTML instead of JSON; is the address right?")


async def test_malformed_order(world: World) -> None:
    """A document that cannot be read is kept with its payload, decided and reported; its neighbours are stored."""
    for number in range(3):
        world.shop.place(f"{number}", lines={"MUG": 1})
    world.shop.spoil("1", payload=b'{"quantity": "two"}', error="lines[0].quantity: expected a whole number, got text")

    report = await world.run()

    assert sightings(report.channels[SHOP]) == {"new": 2, "quarantined": 1}
    assert remarks(report.channels[SHOP], "quarantined") == [("UNREADABLE", "1")]
    (kept,) = await world.storage.orders.quarantined(SHOP)
    assert (kept.reference, kept.code, kept.payload) == ("1", "UNREADABLE", b'{"quantity": "two"}')
    assert kept.error == "lines[0].quantity: expected a whole number, got text"
    decision = await world.storage.orders.decision(OrderKey(SHOP, "1"))
    assert decision is not None
    assert (decision.admitted, decision.code) == (False, "UNREADABLE")
    assert (await world.level()).reserved == 2
    assert world.market.levels == {"MUG": 8}


async def test_malformed_order_of_nobody(world: World) -> None:
    """A document whose order nobody can name is kept and counted, and has no decision."""
    world.shop.place("1", lines={"MUG": 1})
    world.shop.spoil("1", payload=b"<html>", anonymous=True)

    report = await world.run()

    assert sightings(report.channels[SHOP]) == {"quarantined": 1}
    assert remarks(report.channels[SHOP], "quarantined") == [("UNREADABLE", "(no reference)")]
    assert [one.payload for one in await world.storage.orders.quarantined(SHOP)] == [b"<html>"]
    assert await world.storage.orders.decisions(SHOP) == []


async def test_malformed_order_heals(world: World) -> None:
    """Once its document can be read, the order is stored and quarantine is empty again."""
    world.shop.place("1", lines={"MUG": 1})
    world.shop.spoil("1")
    await world.run()
    await world.run_later()
    assert len(await world.storage.orders.quarantined(SHOP)) == 1

    world.shop.mend("1")
    report = await world.run_later()

    assert sightings(report.channels[SHOP]) == {"new": 1}
    assert (await world.order("1")).lines[0].quantity == 1
    assert await world.storage.orders.quarantined(SHOP) == []


async def test_stored_order_that_becomes_malformed(world: World) -> None:
    """A stored order whose document breaks stays as it is, and the broken document is kept."""
    world.shop.place("1", lines={"MUG": 1})
    await world.run()
    before = await world.order("1")
    world.clock.advance(minutes=1)
    world.shop.spoil("1")

    report = await world.run_later()

    assert sightings(report.channels[SHOP]) == {"quarantined": 1}
    assert await world.order("1") == before
    assert len(await world.storage.orders.quarantined(SHOP)) == 1


async def test_unknown_status_word(world: World) -> None:
    """A word that nobody knows is quarantined with an alert, never skipped, and read again when it is known."""
    world.shop.place("1", lines={"MUG": 1})
    world.shop.place("2", lines={"MUG": 1})
    world.shop.set_status("1", "Limbo")

    report = await world.run()

    assert sightings(report.channels[SHOP]) == {"new": 1, "quarantined": 1}
    (remark,) = [one for one in report.channels[SHOP].remarks if one.kind == "quarantined"]
    assert (remark.code, remark.subject) == ("STATUS_UNKNOWN", "1")
    assert "'Limbo'" in remark.sentence
    (kept,) = await world.storage.orders.quarantined(SHOP)
    assert b"Limbo" in kept.payload

    world.shop.set_status("1", None)
    assert sightings((await world.run_later()).channels[SHOP]) == {"new": 1, "same": 1}


async def test_refused_sku(world: World) -> None:
    """A SKU that the channel refuses is failed with its reason and rests, and the others are pushed."""
    await world.sell(world.market, "LID", 0)
    await world.stock("LID", 5)
    await world.stock("MUG", 6)
    world.market.refuse_sku("MUG", message="the listing is blocked")

    report = await world.run()

    assert counts(report.channels[MARKET]) == {"pushed": 1, "refused": 1}
    assert remarks(report.channels[MARKET], "refused") == [("rejected", "MUG")]
    assert world.market.levels == {"LID": 5, "MUG": 10}
    mug = (await world.listings())["MUG"]
    assert (mug.state, mug.failure, mug.failures) == (ListingState.FAILED, "the listing is blocked", 1)
    assert mug.next_attempt_at is not None
    assert counts((await world.run_later()).channels[MARKET]) == {}

    world.market.forgive_sku("MUG")
    report = await world.run_later(minutes=60)

    assert counts(report.channels[MARKET]) == {"pushed": 1}
    assert world.market.levels == {"LID": 5, "MUG": 6}
    assert (await world.listings())["MUG"].state is ListingState.ACTIVE


async def test_refused_sku_rests_longer_each_time(memory_world: World) -> None:
    """A SKU that is refused again is asked for less and less often, and at least once a day."""
    world = memory_world
    await world.stock("MUG", 6)
    world.market.refuse_sku("MUG")
    rests = []
    for _ in range(7):
        await world.run()
        until = (await world.listings())["MUG"].next_attempt_at
        assert until is not None
        rests.append((until - world.clock.now()).total_seconds() / 3600)
        world.clock.advance((until - world.clock.now()).total_seconds())

    assert rests == [1, 2, 4, 8, 16, 24, 24]


@pytest.mark.parametrize("error", [DOWN, NO_ENTRY, HTML], ids=lambda error: error.code)
async def test_dead_channel(world: World, error: ChannelError) -> None:
    """A channel that is down, refuses our credentials or answers with HTML fails alone and is journaled."""
    await world.run()
    world.clock.advance(minutes=5)
    world.market.place("2001", lines={"MUG": 1})
    world.shop.fail_next("*", error, times=None)

    report = await world.run()

    assert (report.channels[SHOP].status, report.channels[MARKET].status) == ("failed", "done")
    assert counts(report.channels[MARKET]) == {"new": 1}
    assert {one.code for one in report.errors} == {error.code}
    assert (error.code, str(error)) in [(one.code, one.sentence) for one in report.channels[SHOP].remarks]
    entries = await world.journal(SHOP, EntryKind.ERROR)
    assert {(one.code, one.message) for one in entries} == {(error.code, str(error))}
    assert (await world.level()).reserved == 1
    assert (await world.life(SHOP)).failures == 1

    world.shop.recover()
    report = await world.run_later(minutes=60)

    assert report.channels[SHOP].status == "done"
    assert world.shop.levels == {"MUG": 9}
    assert (await world.life(SHOP)).failures == 0


@pytest.mark.parametrize("error", [DOWN, NO_ENTRY, HTML], ids=lambda error: error.code)
async def test_dead_channel_keeps_what_people_do(world: World, error: ChannelError) -> None:
    """While a channel is dead its orders are processed, and its notes wait for it."""
    world.shop.place("1001", lines={"MUG": 1})
    await world.run()
    world.shop.fail_next("*", error, times=None)
    await world.process("1001")

    report = await world.run_later()

    assert report.channels[SHOP].notes_waiting == 1
    assert (await world.level()).on_hand == 9
    assert world.shop.shipments == []
    world.shop.recover()
    await world.run_later(minutes=60)
    assert len(world.shop.shipments) == 1


async def test_channel_that_dies_while_it_is_read(world: World) -> None:
    """What was read before the channel died is kept, and the next run reads the rest."""
    await world.run()
    for number in range(5):
        world.shop.place(f"{number}", lines={"MUG": 1})
    world.shop.on_call = die_at("fetch_orders", 2)

    report = await world.run_later()

    assert counts(report.channels[SHOP]) == {"new": 2, "failed": 1}
    assert (await world.level()).reserved == 2
    assert [one.code for one in await world.journal(SHOP, EntryKind.WINDOW_READ)] == ["complete", "cut"]
    world.shop.on_call = None
    report = await world.run_later()
    assert sightings(report.channels[SHOP]) == {"new": 3, "same": 2 + 5}
    assert (await world.level()).reserved == 5


async def test_dispatch_that_is_refused(world: World) -> None:
    """A note that the channel refuses is kept with what it said, and the next one goes out."""
    world.shop.place("1", lines={"MUG": 1})
    world.shop.place("2", lines={"MUG": 1})
    await world.run()
    await world.process("1")
    await world.process("2")
    world.shop.fail_next("send_dispatch", ChannelRejectedError("Shop/north/1: too late; look at the order"))

    report = await world.run()

    assert counts(report.channels[SHOP]) == {"same": 2, "dispatched": 1, "confirmed": 1}
    assert remarks(report.channels[SHOP], "refused") == [("DISPATCH_REJECTED", "Shop/north/1")]
    assert (await world.statuses("1"), await world.statuses("2")) == (["rejected"], ["confirmed"])
    assert (await world.notes("1"))[0].message == "Shop/north/1: too late; look at the order"


async def test_everything_at_once(world: World) -> None:
    """With every kind of trouble at once each sighting is counted once, and the good orders are stored."""
    for reference in ("good", "spoiled", "limbo", "unpaid", "gone"):
        world.shop.place(reference, lines={"MUG": 1}, paid=reference != "unpaid")
    world.shop.spoil("spoiled")
    world.shop.set_status("limbo", "Limbo")
    await world.stock("MUG", 6)
    world.market.refuse_sku("MUG")

    report = await world.run()

    assert counts(report.channels[SHOP]) == {"new": 2, "skipped": 1, "quarantined": 2, "pushed": 1}
    assert counts(report.channels[MARKET]) == {"refused": 1}
    assert (await world.level()).reserved == 2


async def test_bug_in_a_channel_lets_the_others_finish(world: World) -> None:
    """An exception that no channel may raise comes out, once the other channels are done."""
    world.shop.fail_next("fetch_orders", ZeroDivisionError("oops"))
    world.market.place("2001", lines={"MUG": 1})

    with pytest.raises(ExceptionGroup) as caught:
        await world.run()

    assert isinstance(caught.value.exceptions[0], ZeroDivisionError)
    assert (await world.level()).reserved == 1
    assert await world.storage.journal.lease(SHOP, holder="x", duration=world.shop.late_window) is not None
