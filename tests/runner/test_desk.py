"""What people do to orders while others do the same, and what a crash leaves for the next run."""

from __future__ import annotations

from collections import Counter
from typing import Any

import attrs
import pytest

from ordersync import ChannelSettings, OrderDesk, OrderKey, OrderState, Parcel
from ordersync.errors import ParcelConflictError, StorageUnavailableError, TransitionError
from ordersync.model.dispatch import NoteStatus
from runner.watching import Before, watched
from runner.world import SHOP, World

KEY = OrderKey(SHOP, "1001")
DOWN = StorageUnavailableError("the disk is full; make room and try again")


async def sold(world: World, quantity: int = 3) -> None:
    """Sell mugs on the shop, and download the order."""
    world.shop.place("1001", lines={"MUG": quantity})
    await world.run()


def disturbed(world: World, before: Before) -> OrderDesk:
    """Return a desk between whose port calls something happens."""
    return OrderDesk(watched(world.storage, Counter(), before=before), clock=world.clock)


def crash_before(verb: str) -> Before:
    """Return what lets the power fail before a verb."""

    async def crash(called: str) -> None:
        if called == verb:
            raise DOWN

    return crash


@pytest.mark.parametrize("verb", ["deduct", "queue", "reserve", "sold", "reserved"])
async def test_next_run_finishes_what_the_desk_began(world: World, verb: str) -> None:
    """However far a desk came before its crash, the next run moves the goods once and tells the channel once."""
    await sold(world)
    with pytest.raises(StorageUnavailableError):
        await disturbed(world, crash_before(verb)).process(KEY, Parcel(tracking_number="JD01"))
    assert (await world.order("1001")).state is OrderState.PROCESSED

    await world.run_later()
    await world.run_later()

    level = await world.level()
    assert (level.on_hand, level.reserved) == (7, 0)
    assert len(world.shop.shipments) == len(world.shop.notes_received) == 1
    assert await world.statuses("1001") == ["confirmed"]


@pytest.mark.parametrize("verb", ["record_parcel", "deduct", "queue"])
async def test_desk_finishes_itself_when_asked_again(world: World, verb: str) -> None:
    """A person who asks again after a crash gets what was asked for, once."""
    await sold(world)
    parcel = Parcel(tracking_number="JD01")
    with pytest.raises(StorageUnavailableError):
        await disturbed(world, crash_before(verb)).process(KEY, parcel)

    order = await world.desk.process(KEY, parcel)

    assert order.state is OrderState.PROCESSED
    assert (await world.level()).on_hand == 7
    assert await world.statuses("1001") == ["queued"]


async def test_second_parcel_finishes_the_first(world: World) -> None:
    """A parcel whose goods have not moved is finished before the next one of its order is recorded."""
    await sold(world)
    with pytest.raises(StorageUnavailableError):
        await disturbed(world, crash_before("deduct")).process(KEY, Parcel(id="p1", lines={"L1": 2}))
    assert (await world.level()).on_hand == 10

    await world.process("1001", id="p2")

    level = await world.level()
    assert (level.on_hand, level.reserved) == (7, 0)
    assert await world.statuses("1001") == ["queued", "queued"]


async def test_two_people_pack_one_order(world: World) -> None:
    """Of two people who pack everything under one id one records it and the other gets the same answer."""
    await sold(world)
    done: list[Any] = []

    async def colleague(verb: str) -> None:
        if verb == "record_parcel" and not done:
            done.append(await world.process("1001"))

    order = await disturbed(world, colleague).process(KEY, Parcel(carrier="DHL", tracking_number="JD01"))

    assert order == done[0]
    assert (await world.level()).on_hand == 7
    assert len(await world.notes("1001")) == 1


async def test_parcel_recorded_between_two_looks(world: World) -> None:
    """A person whose very parcel is recorded between two looks is not told that nothing is open."""
    await sold(world)
    asked: list[Any] = []

    async def colleague(verb: str) -> None:
        if verb == "get" and not asked:
            asked.append(await world.process("1001"))

    order = await disturbed(world, colleague).process(KEY, Parcel(carrier="DHL", tracking_number="JD01"))

    assert order.state is OrderState.PROCESSED
    assert len(await world.notes("1001")) == 1


async def test_loser_is_told_what_happened(world: World) -> None:
    """A person whose parcel does not fit any more after somebody else packed is told so, and nothing moves."""
    await sold(world)
    done: list[Any] = []

    async def colleague(verb: str) -> None:
        if verb == "record_parcel" and not done:
            done.append(await world.process("1001", id="theirs", lines={"L1": 2}))

    with pytest.raises(TransitionError, match="parcel 'mine' takes 2 of line 'L1', but only 1 are open"):
        await disturbed(world, colleague).process(KEY, Parcel(id="mine", lines={"L1": 2}))

    assert (await world.level()).on_hand == 8


async def test_other_content_under_one_id_is_found_late(world: World) -> None:
    """Two people who give one id to different parcels at the same time are told apart."""
    await sold(world)
    done: list[Any] = []

    async def colleague(verb: str) -> None:
        if verb == "record_parcel" and not done:
            done.append(await world.process("1001", lines={"L1": 1}))

    with pytest.raises(ParcelConflictError):
        await disturbed(world, colleague).process(KEY, Parcel(lines={"L1": 2}))

    assert (await world.level()).on_hand == 9


async def test_cancel_meets_an_edit(world: World) -> None:
    """A cancellation takes effect on the order as it is, though it changed in between."""
    await sold(world)
    done: list[Any] = []

    async def colleague(verb: str) -> None:
        if verb == "replace" and not done:
            done.append(await world.process("1001", id="p1", lines={"L1": 1}))

    order = await disturbed(world, colleague).cancel(KEY)

    assert (order.state, order.lines[0].processed) == (OrderState.CANCELLED, 1)
    level = await world.level()
    assert (level.on_hand, level.reserved) == (9, 0)


async def restless(world: World, verb: str) -> OrderDesk:
    """Return a desk that is never the first: before each write somebody else writes the order."""

    async def touch(called: str) -> None:
        if called == verb:
            order = await world.order("1001")
            assert await world.storage.orders.replace(
                attrs.evolve(order, revision=order.revision + 1), expect=order.revision
            )

    return disturbed(world, touch)


async def test_order_that_never_holds_still(world: World) -> None:
    """A person who is never the first is told to look again instead of waiting for ever."""
    await sold(world)

    with pytest.raises(TransitionError, match="Shop/north/1001: somebody else keeps changing it"):
        await (await restless(world, "replace")).cancel(KEY)
    with pytest.raises(TransitionError, match="somebody else keeps changing it"):
        await (await restless(world, "record_parcel")).process(KEY)

    assert (await world.order("1001")).state is OrderState.OPEN


async def test_number_given_while_the_note_goes_out(world: World) -> None:
    """A number that comes when the note has just been claimed is refused, and the note goes as it was."""
    shop = world.open(SHOP, ChannelSettings())
    shop.list_sku("MUG", 10)
    shop.place("1001", lines={"MUG": 1})
    await world.run(shop)
    await world.process("1001", tracking_number=None)
    done: list[Any] = []

    async def send(verb: str) -> None:
        if verb == "write_note" and not done:
            done.append(await world.run_later(shop))

    with pytest.raises(TransitionError, match="is confirmed and cannot be given a tracking number"):
        await disturbed(world, send).set_tracking(KEY, carrier="DHL", tracking_number="JD01")

    assert [one.tracking_number for one in shop.shipments] == [None]


async def test_note_that_never_holds_still(world: World) -> None:
    """A note that somebody else keeps changing ends in a clear error too."""
    await sold(world)
    await world.process("1001", tracking_number=None)
    given: list[Any] = []

    async def touch(verb: str) -> None:
        if verb == "write_note":
            given.append(f"JD{len(given)}")
            await world.desk.set_tracking(KEY, carrier="DHL", tracking_number=given[-1])

    with pytest.raises(TransitionError, match="somebody else keeps changing it"):
        await disturbed(world, touch).set_tracking(KEY, carrier="DHL", tracking_number="MINE")

    (note,) = await world.notes("1001")
    assert (note.status, note.note.tracking_number) == (NoteStatus.QUEUED, given[-1])


async def test_settled_at_once(world: World) -> None:
    """A person sees the freed or moved stock as soon as the verb returns, without a run."""
    await sold(world)
    await world.process("1001", id="p1", lines={"L1": 1})
    assert (await world.level()).reserved == 2

    order = await world.desk.cancel(KEY)

    assert (await world.level()).reserved == 0
    assert order.reserved_revision == order.stock_revision
