"""The timeline of an order tells its whole life, each event at its time and nothing personal."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from ordersync import OrderKey
from ordersync.doctor.order_events import Source, TimelineEvent, When, of_decisions, of_note, of_stock
from ordersync.doctor.timeline import Timeline, timeline
from ordersync.errors import ChannelRejectedError, OrderNotFoundError
from ordersync.model.dispatch import DispatchNote, Note, NoteStatus, Parcel, ParcelRecord
from ordersync.model.orders import CHANNEL, Decision, OrderState, Outcome
from ordersync.model.runs import EntryKind, JournalEntry
from ordersync.model.stock import Claim, Deduction, Movement
from ordersync.testing import ManualClock
from runner import conftest as fixtures
from runner.world import HOUR, SHOP, World
from storage.foreign_ledger import DictLedger

clock, open_storage, world, memory_world = (
    fixtures.clock,
    fixtures.open_storage,
    fixtures.world,
    fixtures.memory_world,
)

KEY = OrderKey(SHOP, "1001")
NOON = ManualClock().now()


def told(found: Timeline, *sources: Source) -> list[str]:
    """Return what happened, of these sources alone if any is named."""
    return [event.what for event in found.events if not sources or event.source in sources]


def event(found: Timeline, what: str) -> TimelineEvent:
    """Return the first event of this name."""
    return next(one for one in found.events if one.what == what)


async def live(world: World) -> dict[str, datetime]:
    """Let an order be edited, held, moved, sent in two parcels and confirmed; return when each was done."""
    times: dict[str, datetime] = {}

    def now(name: str) -> None:
        world.clock.advance(minutes=5)
        times[name] = world.clock.now()

    now("placed")
    world.shop.place("1001", lines={"MUG": 4})
    now("seen")
    await world.run()
    now("edited")
    world.shop.edit("1001", {"MUG": 5})
    await world.run()
    now("held")
    await world.desk.hold(KEY, who="Ada", why="the buyer called")
    now("resumed")
    await world.desk.resume(KEY, who="Ada")
    now("moved")
    await world.desk.move(KEY, "van", who="Bob", why="it is nearer")
    now("first")
    await world.process("1001", id="p1", lines={"L1": 2})
    now("second")
    await world.process("1001", id="p2", tracking_number="JD02")
    now("sent")
    await world.run()
    world.clock.advance(hours=8)
    now("seen shipped")
    await world.run()
    return times


async def test_whole_life_is_told_in_order(world: World) -> None:
    """From first seen to confirmed, each event stands at the moment at which it happened, causes before effects."""
    times = await live(world)

    found = await timeline(world.storage, KEY)

    expected = [
        ("placed", "placed"),
        ("seen", "first seen, decided: ADMITTED"),
        ("seen", "saved"),
        ("edited", "edited"),
        ("held", "held"),
        ("resumed", "resumed"),
        ("moved", "moved"),
        ("first", "processed in part"),
        ("first", "parcel p1 recorded"),
        ("first", "-2 MUG at van"),
        ("second", "processed"),
        ("second", "parcel p2 recorded"),
        ("second", "-3 MUG at van"),
        ("seen shipped", "edited"),
    ]
    names = {what for _, what in expected}
    assert [one.at for one in found.events] == sorted(one.at for one in found.events)
    assert [(one.at, one.what) for one in found.events if one.what in names] == [
        (times[name], what) for name, what in expected
    ]
    assert (found.state, await world.statuses("1001")) == (OrderState.PROCESSED, ["confirmed", "confirmed"])
    assert found.last_seen_at is not None
    assert found.last_seen_at > times["edited"]


async def test_life_tells_who_and_why(world: World) -> None:
    """Who did each thing and what they typed as their reason are told, and what it changed."""
    times = await live(world)

    found = await timeline(world.storage, KEY)

    held, moved, edited = event(found, "held"), event(found, "moved"), event(found, "edited")
    assert (held.who, held.why) == ("Ada", "the buyer called")
    assert (moved.who, moved.details["location"]) == ("Bob", "main -> van")
    assert (edited.who, edited.details["line L1 quantity"]) == (CHANNEL, "4 -> 5")
    first = event(found, "first seen, decided: ADMITTED")
    assert (first.details["status"], first.details["page"]) == ("Ready", "1")
    parcel, stock = event(found, "parcel p1 recorded"), event(found, "-2 MUG at van")
    assert parcel.details == {"lines": "2 of line L1", "carrier": "DHL", "tracking number": "JD01"}
    assert stock.details == {"movement": KEY.parcel_id("p1"), "on hand after it": "-2"}
    tried, confirmed = event(found, "note of parcel p1: last tried"), event(found, "note of parcel p1: confirmed")
    assert (tried.at, tried.when) == (times["sent"], When.AT)
    assert (confirmed.at, confirmed.when) == (times["sent"], When.AT_OR_AFTER)


async def test_causes_stand_before_effects(world: World) -> None:
    """No event stands before an earlier one; of one moment, being placed is told first and a note's fate last."""
    await world.run()
    world.shop.place("1001", lines={"MUG": 1})
    await world.run()
    await world.process("1001")
    await world.run()

    events = (await timeline(world.storage, KEY)).events

    assert {one.at for one in events} == {world.clock.now()}
    assert [one.what for one in events] == [
        "placed",
        "paid",
        "first seen, decided: ADMITTED",
        "saved",
        "processed",
        "parcel all recorded",
        "-1 MUG at main",
        "note of parcel all: last tried",
        "note of parcel all: confirmed",
    ]


async def test_no_buyer_is_told(world: World) -> None:
    """Neither text nor JSON holds anything of the buyer or the address."""
    await live(world)
    order = await world.order("1001")
    assert order.buyer is not None
    assert order.shipping_address is not None
    personal = [order.buyer.name, order.buyer.email, order.buyer.phone, *order.shipping_address.lines]

    found = await timeline(world.storage, KEY)

    said = f"{found}{found.to_json()}{found!r}"
    assert len(list(filter(None, personal))) == 4
    assert [one for one in personal if one and one in said] == []


async def test_text_and_json_tell_the_same(world: World) -> None:
    """The text has at most 80 columns and names each event; the JSON has its schema and the same events."""
    await live(world)
    found = await timeline(world.storage, KEY)

    text, facts = str(found), json.loads(found.to_json())

    assert max(map(len, text.splitlines())) <= 80
    assert text.splitlines()[0].startswith("Shop/north/1001: processed, last seen on its channel ")
    assert "order     held, by Ada (the buyer called)" in text
    assert (facts["schema"], facts["source"], facts["reference"]) == ("ordersync.timeline/1", "Shop", "1001")
    assert [one["what"] for one in facts["events"]] == told(found)
    assert {one["when"] for one in facts["events"]} == {"at", "at or after"}


async def test_typed_reason_steers_no_terminal(memory_world: World) -> None:
    """A reason is told as it was typed, but nothing in the text can steer a terminal."""
    memory_world.shop.place("1001", lines={"MUG": 1})
    await memory_world.run()
    await memory_world.desk.hold(KEY, who="Ada", why="\x1b[2Jfraud")

    found = await timeline(memory_world.storage, KEY)

    assert event(found, "held").why == "\x1b[2Jfraud"
    assert "\x1b" not in str(found)


async def test_skipped_then_stored_order_tells_both_decisions(world: World) -> None:
    """An order that was unpaid at first tells why it was skipped, that it was watched, and when it was admitted."""
    world.shop.place("1001", lines={"MUG": 1}, paid=False)
    await world.run_later()
    before = await timeline(world.storage, KEY)
    seen_at = world.clock.now()
    world.clock.advance(hours=1)
    world.shop.pay("1001")
    await world.run()

    after = await timeline(world.storage, KEY)

    assert before.state is None
    assert "not stored" in str(before).splitlines()[0]
    assert event(before, "put on the watch list").source is Source.DECISION
    assert (event(before, "placed").source, event(after, "placed").source) == (Source.DECISION, Source.ORDER)
    first, second = (one for one in after.events if "decided" in one.what)
    assert (first.at, first.what) == (seen_at, "first seen, decided: NOT_PAID")
    assert first.why
    assert (second.at, second.what) == (world.clock.now(), "decided: ADMITTED")
    assert after.state is OrderState.OPEN


async def test_erased_order_keeps_its_timeline(world: World) -> None:
    """An order whose personal data was erased tells what happened, and that and when it was erased."""
    world.shop.place("1001", lines={"MUG": 1})
    await world.run_later()
    world.clock.advance(hours=1)
    await world.storage.orders.erase([KEY], at=world.clock.now())

    found = await timeline(world.storage, KEY)

    assert (event(found, "personal data erased").at, found.events[-1].source) == (world.clock.now(), Source.ERASURE)
    assert "saved" in told(found)


async def test_journal_entries_of_the_order_are_told(world: World) -> None:
    """What the automation log says of this order stands among its events, oldest first; what it says of others not."""
    world.shop.place("1001", lines={"MUG": 1})
    await world.run_later()
    for number, key in enumerate([KEY, OrderKey(SHOP, "1002"), KEY]):
        entry = JournalEntry(
            at=world.clock.now(),
            kind=EntryKind.CONFLICT,
            channel=SHOP,
            order=key,
            code=f"CODE-{number}",
            message="somebody should look",
            facts={"by": "Ada"},
        )
        await world.storage.journal.write([entry])

    found = await timeline(world.storage, KEY)

    entries = [one for one in found.events if one.source is Source.JOURNAL]
    assert [one.details["code"] for one in entries] == ["CODE-0", "CODE-2"]
    assert {(one.what, one.who, one.why) for one in entries} == {("conflict", "Ada", "somebody should look")}


async def test_refused_note_tells_why(world: World) -> None:
    """A note that the channel refused tells when it was tried and what the channel said."""
    world.shop.place("1001", lines={"MUG": 1})
    await world.run_later()
    await world.process("1001")
    world.clock.advance(minutes=1)
    world.shop.fail_next("send_dispatch", ChannelRejectedError("no such carrier"))
    await world.run()

    found = await timeline(world.storage, KEY)

    refused = event(found, "note of parcel all: rejected")
    assert (refused.at, refused.when, refused.why) == (world.clock.now(), When.AT_OR_AFTER, "no such carrier")
    assert event(found, "note of parcel all: last tried").details == {"tries": "1"}


async def test_foreign_ledger_tells_no_times(memory_world: World) -> None:
    """Where the ledger keeps no history, goods are told to have left at their parcel's record or after it."""
    ledger = DictLedger()
    ledger.receive("MUG", location="main", quantity=10)
    world = World(memory_world.storage.replace(stock=ledger), memory_world.clock)
    async with world.shop, world.market:
        await world.sell(world.shop, "MUG", 10)
        world.shop.place("1001", lines={"MUG": 2})
        await world.run_later(world.shop)
        await world.process("1001")

        found = await timeline(world.storage, KEY)

    left = event(found, "-2 MUG at main")
    assert (left.at, left.when, left.details) == (
        world.clock.now(),
        When.AT_OR_AFTER,
        {"movement": KEY.parcel_id("all")},
    )


async def test_never_seen_order_is_not_found(world: World) -> None:
    """An order that was never seen has no timeline, and the error says what to look at."""
    await world.run()
    await world.storage.orders.hint(KEY, at=world.clock.now())

    with pytest.raises(OrderNotFoundError, match="Shop/north/1001: was never seen; check source"):
        await timeline(world.storage, KEY)


async def test_quarantined_order_is_told(world: World) -> None:
    """An order that could not be read is told to have been seen, with what was wrong."""
    world.shop.place("1001", lines={"MUG": 1})
    world.shop.spoil("1001")
    await world.run_later()

    found = await timeline(world.storage, KEY)

    seen = next(one for one in found.events if one.what.startswith("first seen, decided: "))
    assert (seen.source, seen.details["outcome"], found.state) == (Source.DECISION, "quarantined", None)
    assert seen.why


def decision(**changes: object) -> Decision:
    """Write down a decision."""
    facts: dict[str, object] = {
        "key": KEY,
        "admitted": False,
        "code": "UNPAID",
        "sentence": "It is not paid.",
        "outcome": Outcome.SKIPPED,
        "digest": b"",
        "page": 1,
    }
    return Decision(**(facts | changes))  # type: ignore[arg-type]


def test_decision_without_a_time_stands_before_its_last_sighting() -> None:
    """A decision written before its time was kept is told at its last sighting, or before that."""
    old = decision(first_seen_at=NOON, last_seen_at=NOON + timedelta(hours=2))

    first, second = of_decisions([old])

    assert (first.what, first.at, first.when) == ("first seen", NOON, When.AT)
    assert (second.what, second.at, second.when) == ("decided: UNPAID", NOON + timedelta(hours=2), When.AT_OR_BEFORE)


def test_forgotten_decisions_leave_the_first_sighting() -> None:
    """Where early decisions were dropped, the first sighting is told without them."""
    late = decision(first_seen_at=NOON, decided_at=NOON + timedelta(days=9), last_seen_at=NOON + timedelta(days=9))

    assert [(one.what, one.when) for one in of_decisions([late])] == [
        ("first seen", When.AT),
        ("decided: UNPAID", When.AT),
    ]


def note(**changes: object) -> Note:
    """Write down a note."""
    told = DispatchNote(
        id=KEY.dispatch_id("all"),
        order_key=KEY,
        channel_order_id=None,
        lines={"L1": 1},
        carrier=None,
        service=None,
        tracking_number=None,
        tracking_url=None,
        dispatched_at=NOON,
    )
    return Note(**({"note": told, "parcel_id": "all", "status": NoteStatus.QUEUED} | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": NoteStatus.WAITING}, [("waiting", 0)]),
        ({"message": "has no number"}, [("queued", 0)]),
        (
            {"status": NoteStatus.CLAIMED, "tries": 1, "claimed_at": NOON + timedelta(hours=1)},
            [("tries began", 0), ("last tried", 1)],
        ),
        (
            {"status": NoteStatus.SENT, "tries": 3, "claimed_at": NOON + timedelta(hours=2)},
            [("tries began", 0), ("last tried", 2), ("sent", 2)],
        ),
    ],
)
def test_note_tells_what_is_kept(changes: dict[str, object], expected: list[tuple[str, int]]) -> None:
    """Of a note its first and last tries are told, and where it stands, at or after the last of them."""
    first = {"first_tried_at": NOON} if "claimed_at" in changes else {}

    found = list(of_note(note(**changes, **first), NOON))

    assert [(one.what.removeprefix("note of parcel all: "), (one.at - NOON) // HOUR) for one in found] == expected
    claimed = changes.get("status") is NoteStatus.CLAIMED
    assert found[-1].when is (When.AT if claimed else When.AT_OR_AFTER)
    assert found[-1].why == changes.get("message", "")


def test_goods_leave_when_the_ledger_says() -> None:
    """Goods left when their movement happened, which may be after the parcel's record; not while its note waits."""
    claim = Claim(order_key=KEY, revision=2, wanted={})
    deduction = Deduction(id=KEY.parcel_id("all"), taken={("MUG", "main"): 1}, claim=claim)
    parcel = ParcelRecord(order_key=KEY, asked=Parcel(), lines={"L1": 1}, deduction=deduction, at=NOON)
    moved = Movement(id=deduction.id, sku="MUG", location="main", quantity=-1, on_hand_after=9, at=NOON + HOUR)

    [left] = of_stock(parcel, note(), [moved])

    assert (left.at, left.when, left.what) == (NOON + HOUR, When.AT, "-1 MUG at main")
    assert list(of_stock(parcel, note(status=NoteStatus.WAITING), [])) == []
