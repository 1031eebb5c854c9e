"""When a note is sent, looked for and given up, to the second."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from ordersync import ChannelSettings
from ordersync.errors import ChannelResponseError, ChannelUnavailableError
from ordersync.model.dispatch import Note, NoteStatus
from ordersync.sync.lease import START_WINDOW_S, late_window
from ordersync.testing import FakeMarketplace
from runner.watching import watched
from runner.world import SHOP, World, counts, remarks

LOST = ChannelUnavailableError("Shop/north: the answer was lost")
LAG = timedelta(minutes=15)


async def note_of(world: World, parcel: str = "p1", reference: str = "1001") -> Note:
    """Return the note of a parcel."""
    return next(note for note in await world.notes(reference) if note.parcel_id == parcel)


async def lost(world: World, settings: ChannelSettings | None = None) -> FakeMarketplace:
    """Send a first parcel of which nobody hears whether it arrived, and pack a second; lists lag here."""
    shop = world.open(SHOP, settings, listing_lag=LAG)
    shop.place("1001", lines={"MUG": 3})
    await world.run_later(shop, minutes=20)
    await world.process("1001", id="p1", lines={"L1": 1})
    shop.fail_next("send_dispatch", LOST)
    await world.run(shop)
    await world.process("1001", id="p2", tracking_number="JD02")
    return shop


async def test_second_parcel_waits_while_a_copy_of_the_first_may_land(memory_world: World) -> None:
    """Within the window and the lag of a lost note nothing of its order is sent or looked at; at their end, all is."""
    world = memory_world
    sent_at = world.clock.now() + timedelta(minutes=20)
    shop = await lost(world)
    wait = late_window(shop) + LAG
    note = await note_of(world)
    assert (note.status, note.claimed_at, note.look_at) == (NoteStatus.CLAIMED, sent_at, sent_at + wait)

    for _ in range(2):
        world.clock.advance(seconds=(late_window(shop) / 2).total_seconds() + 30)
        await world.run(shop)
        assert (shop.calls["send_dispatch"], shop.calls["fetch_order"]) == (1, 0)

    world.clock.advance(seconds=(sent_at + wait - world.clock.now()).total_seconds())
    shop.fail_next("fetch_order", ChannelResponseError("Shop/north/1001: HTML"))
    report = await world.run(shop)

    assert remarks(report.channels[SHOP], "failed") == [("channel-response", "Shop/north/1001")]
    assert [note.parcel_id for note in await world.notes("1001") if note.status is NoteStatus.CLAIMED] == ["p1"]
    assert [one.tracking_number for one in shop.notes_received] == ["JD02"]


async def test_note_is_given_up_behind_its_window_not_at_its_end(memory_world: World) -> None:
    """A note whose order is not found is looked for up to the very end of its window, and given up behind it."""
    world = memory_world
    shop = await lost(world, ChannelSettings(dispatch_window=timedelta(hours=1)))
    first = await note_of(world)
    shop.remove("1001")

    await world.run_later(shop, minutes=60)
    assert (await note_of(world)).status is NoteStatus.CLAIMED
    await world.run_later(shop, minutes=1)

    given_up = await note_of(world)
    assert (given_up.status, given_up.first_tried_at) == (NoteStatus.GAVE_UP, first.first_tried_at)


async def test_note_that_was_claimed_too_long_ago_is_not_sent(memory_world: World) -> None:
    """A claim that took too long to write is taken back: the note is as it was, but its window has begun."""
    world = memory_world
    world.shop.place("1001", lines={"MUG": 3})
    await world.run()
    await world.process("1001", id="p1")
    before, claimed = await note_of(world), world.clock.now()

    async def sleep(verb: str) -> None:
        if verb == "write_note" and world.clock.now() == claimed:
            world.clock.advance(seconds=START_WINDOW_S)

    await World(watched(world.storage, Counter(), before=sleep), world.clock).run(world.shop)

    after = await note_of(world)
    assert world.shop.calls["send_dispatch"] == 0
    assert (after.status, after.tries, after.claimed_at, after.look_at) == (NoteStatus.QUEUED, 0, None, None)
    assert (before.first_tried_at, after.first_tried_at) == (None, claimed)
    await world.run()
    assert len(world.shop.notes_received) == 1


async def test_sent_note_is_looked_for_at_once_and_confirmed_note_no_more(memory_world: World) -> None:
    """A note that was sent is due to be confirmed from that moment on; once it is, it is never due again."""
    world = memory_world
    world.shop.place("1001", lines={"MUG": 3})
    await world.run()
    await world.process("1001", id="p1")
    world.shop.fail_next("fetch_order", ChannelUnavailableError("Shop/north: away"))
    await world.run()
    sent = await note_of(world)
    assert (sent.status, sent.look_at) == (NoteStatus.SENT, world.clock.now())

    await world.run_later()

    confirmed = await note_of(world)
    assert (confirmed.status, confirmed.look_at) == (NoteStatus.CONFIRMED, None)


async def test_every_note_of_a_run_is_counted(memory_world: World) -> None:
    """Each note that is sent and each that is confirmed counts."""
    world = memory_world
    for reference in ("1001", "1002", "1003"):
        world.shop.place(reference, lines={"MUG": 1})
    await world.run()
    for reference in ("1001", "1002", "1003"):
        await world.process(reference, tracking_number=reference)

    report = await world.run()

    assert counts(report.channels[SHOP]) == {"dispatched": 3, "confirmed": 3, "same": 3}


async def test_claimed_note_says_nothing_of_what_it_lacked(memory_world: World) -> None:
    """A note that was claimed and of which nothing is known does not say that it lacks something."""
    world = memory_world
    shop = world.open(SHOP, ChannelSettings(carriers={"Pigeon": "other"}))
    shop.place("1001", lines={"MUG": 3})
    await world.run(shop)
    await world.process("1001", id="p1")
    await world.run(shop)
    assert (await note_of(world)).message is not None
    mapped = shop.with_settings(ChannelSettings(carriers={"DHL": "dhl-de"}))
    mapped.fail_next("send_dispatch", LOST)

    await world.run(mapped)

    note = await note_of(world)
    assert (note.status, note.message) == (NoteStatus.CLAIMED, None)


@pytest.mark.parametrize(("waited", "wait"), [(0, 1), (5 * 60, 5 * 60), (6 * 60 + 1, 6 * 60), (24 * 60, 6 * 60)])
async def test_note_that_is_not_shown_is_looked_for_after_as_long_again(
    memory_world: World, waited: int, wait: int
) -> None:
    """A sent note is looked for after as long as was waited already: a minute at least, six hours at most."""
    world = memory_world
    world.shop.place("1001", lines={"MUG": 3})
    await world.run()
    await world.process("1001", id="p1")
    world.shop.fail_next("fetch_order", ChannelUnavailableError("Shop/north: away"))
    await world.run()
    world.shop.remove("1001")

    await world.run_later(minutes=waited)

    note = await note_of(world)
    assert (note.status, note.look_at) == (NoteStatus.SENT, world.clock.now() + timedelta(minutes=wait))
