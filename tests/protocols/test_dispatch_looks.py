"""Rules 13 to 15: what a look at the channel says of a note."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import attrs
import pytest

from ordersync import OrderDesk, OrderKey, Parcel
from ordersync.errors import ChannelRejectedError, ChannelResponseError, ChannelUnavailableError
from ordersync.model.channel_orders import ChannelOrder, FulfillmentStatus
from ordersync.model.dispatch import Note, NoteStatus
from ordersync.sync import dispatch as dispatching
from ordersync.sync import shipments
from ordersync.sync.channel_run import ChannelRun
from ordersync.sync.shipments import Look, look_for
from ordersync.testing import BareMarketplace
from protocols.conftest import MakeWorld
from protocols.world import SHOP, SKU, World, breaks, kept_and_taken_out, key

TWICE = "the channel ships the parcel twice"
LOST = ChannelResponseError("the answer was lost")
WHOLE = Parcel(carrier="DHL", tracking_number="JD01")


async def bought(world: World, quantity: int = 1) -> OrderKey:
    """Let an order be bought in the shop and downloaded."""
    await world.open()
    world.shop.place("1001", lines={SKU: quantity})
    await world.run()
    return key()


def statuses(world: World) -> list[str | None]:
    """Return the numbers of what the shop was told, in order."""
    return [shipment.tracking_number for shipment in world.shop.shipments]


async def forgets_its_tries(desk: OrderDesk, one: OrderKey, *, parcel_id: str = "all") -> None:
    """Plant: a requeued note is like a new one."""
    note = next(note for note in await desk._storage.orders.notes(one) if note.parcel_id == parcel_id)
    fresh = attrs.evolve(note, status=NoteStatus.QUEUED, tries=0, claimed_at=None, first_tried_at=None, look_at=None)
    assert await desk._storage.orders.write_note(fresh, expect=note)


@kept_and_taken_out
async def test_rule_13_requeued_note_is_looked_for_first(
    *, taken_out: bool, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A note that was given up while the channel hid the order is found, not sent again, when it is requeued."""
    if taken_out:
        monkeypatch.setattr(OrderDesk, "requeue", forgets_its_tries)
    world = make_world(refuses_overshipping=False)
    await bought(world)
    await world.desk().process(key(), WHOLE)
    world.shop.fail_next("send_dispatch", LOST, when="after")
    await world.run()
    world.shop.orders["1001"].removed = True
    world.clock.advance(hours=25)
    await world.run()
    assert await world.notes(key()) == {"all": NoteStatus.GAVE_UP}
    world.shop.orders["1001"].removed = False

    await world.desk().requeue(key())
    await world.run()

    with breaks(taken_out, TWICE):
        assert len(world.shop.shipments) == 1, TWICE
    assert await world.notes(key()) == {"all": NoteStatus.CONFIRMED}


@kept_and_taken_out
async def test_rule_13_requeued_note_waits_for_its_late_copy(
    *, taken_out: bool, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal that says not whether it took effect keeps a requeued note back until a late copy must have landed."""
    if taken_out:
        monkeypatch.setattr(OrderDesk, "requeue", forgets_its_tries)
    world = make_world(refuses_overshipping=False)
    await bought(world)
    await world.desk().process(key(), WHOLE)
    refusal = ChannelRejectedError("a gateway says no", applied=None)
    world.shop.late_copy("send_dispatch", after=timedelta(minutes=3), error=refusal)
    await world.run()
    assert await world.notes(key()) == {"all": NoteStatus.REJECTED}

    await world.desk().requeue(key())
    await world.run()
    await world.drain(times=2)

    with breaks(taken_out, TWICE):
        assert len(world.shop.shipments) == 1, TWICE
    assert await world.notes(key()) == {"all": NoteStatus.CONFIRMED}


@kept_and_taken_out
async def test_rule_13_person_who_looked_is_obeyed(
    *, taken_out: bool, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a channel that cannot be looked at, a note of unknown fate is sent once a person has requeued it."""
    fact = "the requeued note is never sent"
    if taken_out:

        async def asks_again(run: ChannelRun, note: Note) -> None:
            await dispatching._move(run, note, NoteStatus.UNKNOWN)

        monkeypatch.setattr(dispatching, "_without_look", asks_again)
    world = make_world(kind=BareMarketplace)
    await bought(world)
    await world.desk().process(key(), WHOLE)
    world.shop.fail_next("send_dispatch", LOST)
    await world.run()
    await world.drain(times=1)
    assert await world.notes(key()) == {"all": NoteStatus.UNKNOWN}

    await world.desk().requeue(key())
    await world.drain(times=1)

    with breaks(taken_out, fact):
        assert statuses(world) == ["JD01"], fact


@kept_and_taken_out
async def test_rule_13_note_is_looked_for_before_it_is_given_up(
    *, taken_out: bool, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A note that arrived is known as sent, though nobody ran until the dispatch window was over."""
    fact = "a parcel that the channel shows was given up"
    if taken_out:
        look_first = dispatching._look_first

        async def gives_up_first(run: ChannelRun, note: Note) -> None:
            over = dispatching._window_is_over(run, note, at=run.now())
            await (dispatching._give_up if over else look_first)(run, note)

        monkeypatch.setattr(dispatching, "_look_first", gives_up_first)
    world = make_world()
    await bought(world)
    await world.desk().process(key(), WHOLE)
    world.shop.fail_next("send_dispatch", LOST, when="after")
    await world.run()

    world.clock.advance(hours=60)
    await world.run()

    with breaks(taken_out, fact):
        assert await world.notes(key()) == {"all": NoteStatus.CONFIRMED}, fact


@kept_and_taken_out
async def test_rule_13_rest_is_no_try(
    *, taken_out: bool, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A note that was refused once before nobody ran for days is tried again, not given up for its age."""
    fact = "the parcel was given up without a second try"
    if taken_out:
        over = dispatching._window_is_over
        monkeypatch.setattr(dispatching, "_window_is_over", lambda run, note, at: over(run, note, at=at and run.now()))
    world = make_world()
    await bought(world)
    await world.desk().process(key(), WHOLE)
    world.shop.fail_next("send_dispatch", ChannelUnavailableError("closed", applied=False))
    await world.run()

    world.clock.advance(hours=60)
    await world.run()

    with breaks(taken_out, fact):
        assert await world.notes(key()) == {"all": NoteStatus.CONFIRMED}, fact


@kept_and_taken_out
async def test_rule_14_one_shipment_answers_for_one_note(
    *, taken_out: bool, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two parcels with the same lines and number, the second, which was lost, is sent all the same."""
    fact = "the second parcel was never told of"
    if taken_out:
        monkeypatch.setattr(shipments, "ARRIVED", frozenset())
    world = make_world()
    await bought(world, 2)
    for parcel in ("p1", "p2"):
        await world.desk().process(key(), Parcel(id=parcel, lines={"L1": 1}, tracking_number="JD01"))
        if parcel == "p1":
            await world.run()
    world.shop.fail_next("send_dispatch", LOST)
    await world.run()

    await world.drain(times=2)

    with breaks(taken_out, fact):
        assert statuses(world) == ["JD01", "JD01"], fact
    assert set((await world.notes(key())).values()) <= {NoteStatus.CONFIRMED, NoteStatus.SENT}


@kept_and_taken_out
async def test_rule_14_note_without_a_number_takes_no_other_notes_shipment(
    *, taken_out: bool, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lost note without tracking is not taken for arrived because another's shipment has the same lines."""
    fact = "the parcel without a number was never told of"
    if taken_out:

        def looks_alone(note: Note, order: ChannelOrder, notes: list[Note], *, shipped: FulfillmentStatus) -> Look:
            told = [one for one in notes if one.status in shipments.ARRIVED]
            return look_for(note, order, told, shipped=shipped)

        async def never(_run: ChannelRun, _note: Note) -> bool:
            return False

        monkeypatch.setattr(dispatching, "look_for", looks_alone)
        monkeypatch.setattr(dispatching, "_another_under_way", never)
    world = make_world()
    await bought(world, 2)
    await world.desk().process(key(), Parcel(id="p1", lines={"L1": 1}))
    await world.desk().process(key(), Parcel(id="p2", lines={"L1": 1}, tracking_number="JD02"))
    world.shop.fail_next("send_dispatch", LOST)
    world.shop.fail_next("send_dispatch", LOST, when="after")
    await world.run()

    await world.drain(times=4)

    with breaks(taken_out, fact):
        assert sorted(str(number) for number in statuses(world)) == ["JD02", "None"], fact


@kept_and_taken_out
async def test_rule_14_mark_on_the_whole_order_is_ours_by_its_number(
    *, taken_out: bool, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A channel that can only mark whole orders shows all lines under our number, and that is our parcel."""
    fact = "our own parcel was taken for another's"
    if taken_out:

        def by_lines_alone(note: Note, order: ChannelOrder, *_: object, **__: object) -> Look:
            same = any(one.lines == note.note.lines for one in order.shipments)
            return Look.ARRIVED if same else Look.SHIPPED_OTHERWISE

        monkeypatch.setattr(dispatching, "look_for", by_lines_alone)
    world = make_world(whole_order_dispatch=True)
    await bought(world, 2)
    await world.desk().process(key(), Parcel(id="p1", lines={"L1": 1}, tracking_number="JD01"))
    world.shop.fail_next("send_dispatch", LOST, when="after")
    await world.run()

    await world.drain(times=1)

    with breaks(taken_out, fact):
        assert await world.notes(key()) == {"p1": NoteStatus.CONFIRMED}, fact


@kept_and_taken_out
async def test_rule_14_no_two_notes_of_an_order_are_under_way(
    *, taken_out: bool, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a late copy of one note may land, the channel, which marks whole orders, is told of no other."""
    fact = "the order was marked twice"
    if taken_out:

        async def never(_run: ChannelRun, _note: Note) -> bool:
            return False

        monkeypatch.setattr(dispatching, "_another_under_way", never)
    world = make_world(whole_order_dispatch=True, refuses_overshipping=False)
    await bought(world, 2)
    await world.desk().process(key(), Parcel(id="p1", lines={"L1": 1}, tracking_number="JD01"))
    await world.desk().process(key(), Parcel(id="p2", lines={"L1": 1}, tracking_number="JD02"))
    world.shop.late_copy("send_dispatch", after=timedelta(minutes=3), error=LOST)
    await world.run()

    await world.drain(times=2)

    with breaks(taken_out, fact):
        assert statuses(world) == ["JD01"], fact
    assert set((await world.notes(key())).values()) <= {NoteStatus.CONFIRMED, NoteStatus.SENT}


def undeclared(world: World) -> None:
    """Plant: the shop shows changes late and does not say so."""
    vars(world.shop)["listing_lag"] = timedelta(0)


@pytest.mark.parametrize("mistake", [None, undeclared])
async def test_rule_15_look_waits_for_what_the_channel_shows_late(
    mistake: Callable[[World], None] | None, make_world: MakeWorld
) -> None:
    """A channel that shows a shipment minutes after it was made is looked at those minutes later."""
    world = make_world(refuses_overshipping=False, listing_lag=timedelta(minutes=5))
    await world.open()
    world.shop.place("1001", lines={SKU: 1})
    world.clock.advance(minutes=6)
    await world.run()
    if mistake is not None:
        mistake(world)
    await world.desk().process(key(), WHOLE)
    lost = ChannelUnavailableError("no answer")
    world.shop.late_copy("send_dispatch", after=timedelta(minutes=10), error=lost)
    await world.run()

    for _ in range(10):
        world.clock.advance(minutes=3)
        await world.run()

    with breaks(mistake, TWICE):
        assert len(world.shop.shipments) == 1, TWICE
    assert await world.notes(OrderKey(SHOP, "1001")) == {"all": NoteStatus.CONFIRMED}
