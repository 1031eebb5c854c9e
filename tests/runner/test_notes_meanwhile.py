"""Dispatch notes that somebody writes in between, refusals that settle nothing, and what is said of both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta

import attrs
import pytest

from ordersync import Event, OrderKey, RunReport
from ordersync.errors import ChannelRejectedError, ChannelResponseError, ChannelUnavailableError
from ordersync.model.dispatch import NoteStatus
from ordersync.model.events import NoteMoved
from ordersync.model.runs import EntryKind
from runner.watching import watched
from runner.world import SHOP, World, counts, remarks

KEY = OrderKey(SHOP, "1001")
Act = Callable[[], Awaitable[object]]
REFUSED = "Shop/north/1001: not now"


async def packed(world: World, *, tracking: str | None = "JD01") -> None:
    """Sell three mugs and pack them; the parcel's note waits."""
    world.shop.place("1001", lines={"MUG": 3})
    await world.run()
    await world.process("1001", tracking_number=tracking)


async def run_while(world: World, number: int, act: Act, *told: Callable[[Event], None]) -> RunReport:
    """Run while somebody acts just before a note is written for the *number*-th time."""
    seen: Counter[str] = Counter()

    async def before(verb: str) -> None:
        seen[verb] += 1
        if (verb, seen[verb]) == ("write_note", number):
            await act()

    between = World(watched(world.storage, Counter(), before=before), world.clock)
    return await between.run(world.shop, observers=told)


async def write(world: World, status: NoteStatus) -> None:
    """Bring the only note of the order to another status, as another runner would."""
    (note,) = await world.notes("1001")
    await world.storage.orders.write_note(attrs.evolve(note, status=status), expect=note)


async def test_note_that_changes_before_it_is_claimed_is_not_sent_as_it_was(memory_world: World) -> None:
    """A parcel that is given another number in the last moment goes out under that, with the next run."""
    world = memory_world
    await packed(world)

    await run_while(world, 1, lambda: world.desk.set_tracking(KEY, carrier="DHL", tracking_number="JD02"))
    assert (world.shop.notes_received, await world.statuses("1001")) == ([], ["queued"])

    await world.run_later()
    assert [one.tracking_number for one in world.shop.notes_received] == ["JD02"]


async def test_note_that_another_settled_is_reported_by_that_one_alone(memory_world: World) -> None:
    """Whoever comes too late to write what became of a note tells nobody of it."""
    world = memory_world
    await packed(world)
    world.shop.fail_next("send_dispatch", ChannelRejectedError(REFUSED))
    told: list[Event] = []

    report = await run_while(world, 2, lambda: write(world, NoteStatus.UNKNOWN), told.append)

    assert await world.statuses("1001") == ["unknown"]
    assert [one for one in told if isinstance(one, NoteMoved)] == []
    assert remarks(report.channels[SHOP], "refused") == []
    assert await world.journal(SHOP, EntryKind.ERROR) == []


async def test_note_that_another_confirmed_is_counted_by_that_one_alone(memory_world: World) -> None:
    """A note that another runner confirmed in between is neither counted nor told of twice."""
    world = memory_world
    await packed(world)
    told: list[Event] = []

    report = await run_while(world, 3, lambda: write(world, NoteStatus.CONFIRMED), told.append)

    assert counts(report.channels[SHOP])["dispatched"] == 1
    assert report.channels[SHOP].confirmed == 0
    assert [one.status for one in told if isinstance(one, NoteMoved)] == ["sent"]


async def test_what_a_note_lacks_is_written_once_and_remarked_each_time(memory_world: World) -> None:
    """A note that lacks the same thing as before is not written again; each run says that it waits."""
    world = memory_world
    world.shop = world.open(SHOP, requires_tracking=True)
    await packed(world, tracking=None)
    written: list[int] = []

    async def count() -> None:
        written.append(1)

    for _ in range(2):
        report = await run_while(world, 1, count)
        assert remarks(report.channels[SHOP], "lacking") == [("DISPATCH_LACKING", "Shop/north/1001")]

    assert len(written) == 1


async def test_refusal_that_may_have_been_none_settles_nothing_unseen(memory_world: World) -> None:
    """A refusal after which nobody can look leaves the note claimed, says so, and is looked up later."""
    world = memory_world
    await packed(world)
    world.shop.fail_next("send_dispatch", ChannelRejectedError(REFUSED, applied=None))
    world.shop.fail_next("fetch_order", ChannelResponseError("Shop/north/1001: HTML"))

    report = await world.run()

    assert await world.statuses("1001") == ["claimed"]
    (remark,) = [one for one in report.channels[SHOP].remarks if one.code == "channel-rejected"]
    assert (remark.kind, remark.subject, remark.sentence) == ("failed", "Shop/north/1001", REFUSED)
    await world.run_later(minutes=30)
    assert (await world.statuses("1001"), len(world.shop.notes_received)) == (["confirmed"], 1)


@pytest.mark.parametrize("applied", [False, None])
async def test_refused_note_keeps_its_wait_where_a_copy_may_land(world: World, *, applied: bool | None) -> None:
    """A refused note says what the channel said; only one that may have had an effect waits for a late copy."""
    await packed(world)
    world.shop.fail_next("send_dispatch", ChannelRejectedError(REFUSED, applied=applied))
    claimed = world.clock.now()

    report = await world.run()

    (note,) = await world.notes("1001")
    assert (note.status, note.message, note.tries) == (NoteStatus.REJECTED, REFUSED, 1)
    assert (note.look_at is None) == (applied is False)
    assert (note.claimed_at, note.first_tried_at) == (claimed, claimed)
    (remark,) = [one for one in report.channels[SHOP].remarks if one.kind == "refused"]
    assert (remark.code, remark.subject, remark.sentence) == ("DISPATCH_REJECTED", "Shop/north/1001", REFUSED)
    (entry,) = await world.journal(SHOP, EntryKind.ERROR)
    assert (entry.code, entry.message, entry.order) == ("DISPATCH_REJECTED", f"{note.note.id}: {REFUSED}", KEY)


async def test_order_that_cannot_be_read_confirms_nothing(world: World) -> None:
    """A sent note whose order is gone from the channel stays sent, and is looked for again later."""
    await packed(world)
    world.shop.fail_next("fetch_order", ChannelResponseError("Shop/north/1001: HTML"))
    report = await world.run()
    assert (await world.statuses("1001"), report.channels[SHOP].failed) == (["sent"], 1)
    world.shop.remove("1001")
    (before,) = await world.notes("1001")

    await world.run_later(minutes=5)

    (note,) = await world.notes("1001")
    assert note.status is NoteStatus.SENT
    assert before.look_at is not None
    assert note.look_at == world.clock.now() + timedelta(minutes=5)


async def test_call_that_never_reached_the_channel_is_sent_without_a_look(world: World) -> None:
    """A note whose call certainly had no effect is queued as if untried, and its window runs from then."""
    await packed(world)
    world.shop.fail_next("send_dispatch", ChannelUnavailableError("Shop/north: closed", applied=False))
    tried = world.clock.now()

    await world.run()

    (note,) = await world.notes("1001")
    assert (note.status, note.tries, note.look_at, note.first_tried_at) == (NoteStatus.QUEUED, 0, None, tried)
    looks = world.shop.calls["fetch_order"]
    await world.run_later(minutes=1)
    assert (await world.statuses("1001"), world.shop.calls["fetch_order"]) == (["confirmed"], looks + 1)


async def test_order_that_is_not_found_is_looked_for_a_minute_later(memory_world: World) -> None:
    """A note of unknown fate whose order the channel does not show waits a minute for the next look."""
    world = memory_world
    await packed(world)
    world.shop.fail_next("send_dispatch", ChannelUnavailableError("Shop/north: the answer was lost"))
    await world.run()
    world.shop.remove("1001")

    await world.run_later(minutes=30)

    (note,) = await world.notes("1001")
    assert (note.status, note.tries, note.look_at) == (NoteStatus.CLAIMED, 1, world.clock.now() + timedelta(minutes=1))
