"""What a dispatch note says of its fate, to the person who looks at it."""

from __future__ import annotations

import pytest

from ordersync import ChannelSettings, OrderKey
from ordersync.errors import ChannelRejectedError, ChannelUnavailableError
from ordersync.model.runs import EntryKind
from ordersync.testing import BareMarketplace, FakeMarketplace
from runner.world import SHOP, World

KEY = OrderKey(SHOP, "1001")
LOST = ChannelUnavailableError("Shop/north: the answer was lost")


async def packed(world: World, shop: BareMarketplace) -> None:
    """Sell three mugs on a shop, and pack one."""
    shop.list_sku("MUG", 10)
    shop.place("1001", lines={"MUG": 3})
    await world.run(shop)
    await world.process("1001", id="p1", lines={"L1": 1})


async def message(world: World, parcel: str = "p1") -> str | None:
    """Return what the note of a parcel says."""
    return next(note.message for note in await world.notes("1001") if note.parcel_id == parcel)


@pytest.mark.parametrize(
    ("policy", "code", "sentence"),
    [
        ("ask", "DISPATCH_UNKNOWN", "its fate is unknown; look at the channel, then requeue it"),
        ("never", "DISPATCH_GAVE_UP", "its fate is unknown, and it is never sent twice"),
    ],
)
async def test_note_of_unknown_fate_says_what_to_do(memory_world: World, policy: str, code: str, sentence: str) -> None:
    """Where nobody can look, a note of unknown fate says so to the desk, in the report and in the journal."""
    world = memory_world
    shop = BareMarketplace(SHOP, clock=world.clock, settings=ChannelSettings(unknown_dispatch=policy))
    await packed(world, shop)
    shop.fail_next("send_dispatch", LOST)
    await world.run(shop)

    report = await world.run_later(shop, minutes=30)

    assert await message(world) == sentence
    (remark,) = [one for one in report.channels[SHOP].remarks if one.kind == "refused"]
    assert (remark.code, remark.subject, remark.sentence) == (code, "Shop/north/1001", sentence)
    entry = (await world.journal(SHOP, EntryKind.ERROR))[-1]
    (note,) = await world.notes("1001")
    assert (entry.code, entry.message, entry.order) == (code, f"{note.note.id}: {sentence}", KEY)


async def test_second_parcel_of_a_marked_order_says_why_it_is_kept(memory_world: World) -> None:
    """Where the channel takes one note an order, a later one says that an earlier one told it."""
    world = memory_world
    shop = world.open(SHOP, whole_order_dispatch=True)
    await packed(world, shop)
    await world.run(shop)
    await world.process("1001", id="p2", tracking_number="JD02")

    await world.run_later(shop)

    assert await message(world, "p2") == "the channel takes one note an order; an earlier one told it"
    assert await message(world) is None


async def test_refused_note_that_has_arrived_says_that_it_was_there(memory_world: World) -> None:
    """A note that is refused because the channel has the parcel says so, and is sent."""
    world = memory_world
    await packed(world, world.shop)
    world.shop.fail_next("send_dispatch", ChannelRejectedError("Shop/north/1001: twice"), when="after")

    await world.run()

    assert await message(world) == "the channel had it already"
    assert await world.statuses("1001") == ["confirmed"]


async def test_note_that_was_given_up_says_so(memory_world: World) -> None:
    """A note that the channel did not take within its window says that, and no look is made for it."""
    world = memory_world
    await packed(world, world.shop)
    world.shop.fail_next("send_dispatch", ChannelUnavailableError("Shop/north: closed", applied=False), times=None)
    for _ in range(27):
        await world.run_later(minutes=60)

    assert await world.statuses("1001") == ["gave-up"]
    assert await message(world) == "the channel did not take it within the dispatch window"


async def test_note_that_is_sent_again_forgets_what_it_lacked(memory_world: World) -> None:
    """What a note lacked is not said of it any more once it is on its way."""
    world = memory_world
    shop: FakeMarketplace = world.open(SHOP, requires_tracking=True)
    shop.place("1001", lines={"MUG": 3})
    await world.run(shop)
    await world.process("1001", id="p1", tracking_number=None)
    await world.run(shop)
    assert await message(world) == "parcel 'p1' needs a tracking number: OrderDesk.set_tracking(...)"
    await world.desk.set_tracking(KEY, parcel_id="p1", carrier="DHL", tracking_number="JD07")

    await world.run(shop)

    assert (await world.statuses("1001"), await message(world)) == (["confirmed"], None)
