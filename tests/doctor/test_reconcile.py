"""A channel's unshipped orders against ours: what is shown, by its code, and what healing mends of it."""

from __future__ import annotations

import pytest

from doctor.reconciling import KEY, KINDS, Slow, codes, compared, only, opened, state_of, three_open
from ordersync import ChannelSettings, OrderKey, OrderState, StatusMapping
from ordersync.doctor.differences import Cure
from ordersync.errors import ChannelRejectedError
from ordersync.testing import BareMarketplace, FakeMarketplace
from runner import conftest as fixtures
from runner.looking import Forgetful, levels
from runner.world import SHOP, World

clock, open_storage, world, memory_world = (
    fixtures.clock,
    fixtures.open_storage,
    fixtures.world,
    fixtures.memory_world,
)


@pytest.mark.parametrize("kind", KINDS)
async def test_two_sides_that_agree_differ_in_nothing(world: World, kind: type[BareMarketplace]) -> None:
    """After a run nothing differs, and comparing writes nothing and takes no lease."""
    shop = opened(kind, world)
    await three_open(world, shop)
    before = await state_of(world)
    lease = await world.storage.journal.lease(SHOP, holder="other", duration=shop.call_timeout)
    assert lease is not None

    found = await compared(world, shop)

    assert (found.shown, found.agree, found.here, found.pages) == (3, 3, 3, 2)
    assert found.differences == ()
    assert found.clean
    assert await state_of(world) == before


@pytest.mark.parametrize("kind", KINDS)
async def test_order_that_no_run_has_read_yet_is_healed(world: World, kind: type[BareMarketplace]) -> None:
    """An order that is shown and not here is named, and downloaded and reserved by healing."""
    shop = opened(kind, world)
    await three_open(world, shop)
    shop.place("1004", lines={"MUG": 2})
    before = await state_of(world)

    found = await compared(world, shop)
    assert codes(found) == [("NOT_DOWNLOADED", "1004")]
    assert only(found).cure is Cure.RUN
    assert await state_of(world) == before
    healed = await compared(world, shop, heal=True)

    assert healed.differences == ()
    assert [(one.code, one.key) for one in healed.mended] == [("NOT_DOWNLOADED", OrderKey(SHOP, "1004"))]
    assert healed.healed is not None
    assert healed.healed.channels[SHOP].new == 1
    assert await levels(world) == (10, 5)


async def test_order_hidden_from_the_feed_of_changes_is_found_by_healing(world: World) -> None:
    """An order that no scan of changes has shown is found by the sweep that healing makes due."""
    shop = opened(Forgetful, world)
    await three_open(world, shop)
    shop.hidden = {"1004"}
    shop.place("1004", lines={"MUG": 2})
    world.clock.advance(minutes=30)
    shop.place("1005", lines={"MUG": 1})
    await world.run(shop)
    shop.hidden = set()
    await world.run_later(shop)
    assert await world.storage.orders.find("1004") == []

    assert codes(await compared(world, shop)) == [("NOT_DOWNLOADED", "1004")]
    assert codes(await compared(world, shop, heal=True)) == []

    assert (await world.order("1004")).state is OrderState.OPEN


async def test_order_of_a_disabled_channel_is_a_persons(memory_world: World) -> None:
    """What a channel that is switched off shows is not healed: a person must enable it."""
    world = memory_world
    await three_open(world, world.shop)
    world.shop.place("1004", lines={"MUG": 1})
    await world.storage.journal.disable(SHOP, by="ann", cause="moving", at=world.clock.now())

    found = await compared(world, world.shop, heal=True)

    assert codes(found) == [("NOT_DOWNLOADED", "1004")]
    assert (only(found).cure, only(found).next_step) == (Cure.PERSON, "enable the channel")
    assert found.healed is None


async def test_order_that_is_refused_is_no_error(world: World) -> None:
    """An order that admission refuses is named with the check that refuses it, and nothing is to be healed."""
    await three_open(world, world.shop)
    world.shop.place("1004", lines={"MUG": 1}, paid=False)
    await world.run()

    found = await compared(world, world.shop, heal=True)

    assert codes(found) == [("REFUSED", "1004")]
    assert dict(only(found).details) == {"decision": "NOT_PAID"}
    assert only(found).sentence == "It is not paid (unpaid), and the settings download paid orders only."
    assert (found.clean, found.healed) == (True, None)


@pytest.mark.parametrize("anonymous", [False, True])
async def test_document_that_cannot_be_read_is_in_quarantine(world: World, *, anonymous: bool) -> None:
    """A document that cannot be read needs a person, whether or not it is known whose it is."""
    await three_open(world, world.shop)
    world.shop.place("1004", lines={"MUG": 1})
    world.shop.spoil("1004", anonymous=anonymous)

    found = await compared(world, world.shop, heal=True)

    assert codes(found) == [("QUARANTINED", None if anonymous else "1004")]
    assert (only(found).cure, found.clean, found.healed) == (Cure.PERSON, False, None)


async def test_stored_order_with_a_word_that_nobody_knows_is_in_quarantine(world: World) -> None:
    """An order that is here and got a word that the mapping lacks is left as it is, and named."""
    settings = ChannelSettings(status_mapping=StatusMapping(version="1", paid=["Ready"]))
    shop = FakeMarketplace(SHOP, clock=world.clock, settings=settings, requires_status_mapping=True)
    shop.place("1001", lines={"MUG": 1})
    await world.run(shop)
    world.clock.advance(minutes=10)
    shop.set_status("1001", "Rush")

    found = await compared(world, shop)

    assert codes(found) == [("QUARANTINED", "1001")]
    assert dict(only(found).details) == {"decision": "STATUS_UNKNOWN"}


async def test_order_that_a_person_deleted_is_named_with_who(world: World) -> None:
    """A tombstone is no error: it is said who deleted it, and how it comes back."""
    await three_open(world, world.shop)
    await world.desk.delete(KEY, who="Ada", why="a test order of Grete Findewirth")

    found = await compared(world, world.shop, heal=True)

    assert codes(found) == [("DELETED_HERE", "1001")]
    assert only(found).sentence == "It was deleted here by Ada at 2026-01-05 09:10Z."
    assert (only(found).cure, found.clean) == (Cure.NONE, True)
    assert (await world.order("1001")).state is OrderState.DELETED


async def test_processed_order_whose_note_waits_is_told_by_the_next_run(world: World) -> None:
    """An order that is processed here and still shown is the next run's as long as its note may go out."""
    await three_open(world, world.shop)
    await world.process("1001")

    found = await compared(world, world.shop, heal=True)

    assert codes(found) == [("PROCESSED_HERE", "1001")]
    assert only(found).details["notes"] == "1 queued"
    assert (only(found).cure, found.healed) == (Cure.RUN, None)
    await world.run()
    assert codes(await compared(world, world.shop)) == []


async def test_processed_order_whose_note_was_given_up_is_a_persons(world: World) -> None:
    """An order whose note the channel refuses is shown as unshipped until a person sees to it."""
    await three_open(world, world.shop)
    await world.process("1001")
    world.shop.fail_next("send_dispatch", ChannelRejectedError("Shop/north: no such carrier"))
    await world.run_later()

    found = await compared(world, world.shop)

    assert codes(found) == [("PROCESSED_HERE", "1001")]
    assert only(found).details["notes"] == "1 rejected"
    assert only(found).sentence == "It is processed here, and telling the channel was given up."
    assert only(found).cure is Cure.PERSON


@pytest.mark.parametrize(
    ("confirmed", "status", "cure"), [(False, "1 sent", Cure.RUN), (True, "1 confirmed", Cure.PERSON)]
)
async def test_processed_order_that_the_channel_was_told_of(
    memory_world: World, *, confirmed: bool, status: str, cure: Cure
) -> None:
    """A parcel that was told is waited for; one that was confirmed and is not shown needs a person."""
    world = memory_world
    shop = opened(Slow, world)
    await three_open(world, shop)
    shown = await shop.fetch_order("1001")
    await world.process("1001")
    if confirmed:
        await world.run(shop)
        await world.run_later(shop)
        shop.lagging = shown
    else:
        shop.lagging = shown
        await world.run(shop)
    world.clock.advance(minutes=1)

    found = await compared(world, shop)

    assert [(one.code, one.details["notes"], one.cure) for one in found.differences] == [
        ("PROCESSED_HERE", status, cure)
    ]


async def test_processed_order_that_was_edited_is_in_conflict(memory_world: World) -> None:
    """A processed order of which more is bought now is one that a person must resolve."""
    world = memory_world
    await three_open(world, world.shop)
    await world.process("1001")
    await world.run_later()
    world.shop.edit("1001", {"MUG": 3})
    await world.run_later()

    found = await compared(world, world.shop)

    assert codes(found) == [("PROCESSED_HERE", "1001")]
    assert (only(found).details["conflict"], only(found).cure) == ("EDITED_AFTER_PROCESSING", Cure.PERSON)


async def test_order_cancelled_here_and_open_there_is_a_persons(world: World) -> None:
    """An order that a person cancelled here is still to be cancelled on the channel."""
    await three_open(world, world.shop)
    await world.desk.cancel(KEY, who="Ada")

    found = await compared(world, world.shop, heal=True)

    assert codes(found) == [("CANCELLED_HERE", "1001")]
    assert (only(found).cure, found.healed) == (Cure.PERSON, None)


async def test_order_that_its_channel_revived_is_healed(world: World) -> None:
    """An order that its channel cancelled and shows alive again is revived by healing."""
    await three_open(world, world.shop)
    world.shop.cancel("1001")
    await world.run()
    assert await levels(world) == (10, 2)
    world.clock.advance(minutes=10)
    world.shop.revive("1001")

    assert [(one.code, one.cure) for one in (await compared(world, world.shop)).differences] == [
        ("CANCELLED_HERE", Cure.RUN)
    ]
    healed = await compared(world, world.shop, heal=True)

    assert healed.differences == ()
    assert (await world.order("1001")).state is OrderState.OPEN
    assert await levels(world) == (10, 3)
