"""Two people and a run at one order at once: each verb takes effect once, and the loser is told what happened."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from ordersync import OrderDesk, OrderKey, OrderState, SyncRunner
from ordersync.errors import TransitionError
from runner.settled import adds_up_at_rest, come_to_rest
from runner.watching import Before, watched
from runner.world import SHOP, World

KEY = OrderKey(SHOP, "1001")
TEN = {("MUG", "main"): 10}

STEPS: dict[str, dict[str, Any]] = {
    "process": {"who": "Ada"},
    "cancel": {"who": "Ada", "why": "no more"},
    "hold": {"who": "Ada", "why": "fraud?"},
    "park": {"who": "Ada", "why": "later"},
    "move": {"location": "hall", "who": "Ada"},
    "relink": {"who": "Ada"},
    "delete": {"who": "Ada", "why": "a twin"},
}
"""What can be done to an open order."""

UNDONE: dict[str, dict[str, Any]] = {
    "resume": {"who": "Ada"},
    "unpark": {"who": "Ada"},
    "restore": {"who": "Ada"},
    "resolve": {"resolution": "keep", "who": "Ada"},
}
"""What needs something to be undone or decided first, which ``prepared`` does."""


async def sold(world: World) -> None:
    """Sell three mugs, and download the order."""
    world.shop.place("1001", lines={"MUG": 3})
    await world.run()


async def prepared(world: World, verb: str) -> None:
    """Bring the order to where *verb* is an arrow."""
    if verb == "resume":
        await world.desk.hold(KEY, who="Eve", why="fraud?")
    elif verb == "unpark":
        await world.desk.park(KEY, who="Eve", why="later")
    elif verb == "restore":
        await world.desk.delete(KEY, who="Eve", why="a twin")
    elif verb == "resolve":
        world.shop.ship_by_hand("1001", lines={"L1": 1})
        await world.run_later()


async def touch(world: World) -> None:
    """Let Bob do something to the order that every state allows; a tombstone is restored."""
    order = await world.order("1001")
    if order.state is OrderState.DELETED:
        await world.desk.restore(KEY, who="Bob", why="it was none")
    else:
        await world.desk.move(KEY, "yard", who="Bob", why="more room")


def between(world: World, verb: str, happen: Before) -> OrderDesk:
    """Return a desk before whose first call of a port's *verb* something happens."""
    done: list[str] = []

    async def before(called: str) -> None:
        if called == verb and not done:
            done.append(called)
            await happen(called)

    return OrderDesk(watched(world.storage, Counter(), before=before), clock=world.clock)


@pytest.mark.parametrize("verb", [*STEPS, *UNDONE])
async def test_whoever_looked_at_the_order_as_it_is_may_change_it(memory_world: World, verb: str) -> None:
    """A verb with the revision that its person looked at takes effect while nobody has changed the order since."""
    world = memory_world
    await sold(world)
    await prepared(world, verb)
    order = await world.order("1001")

    await getattr(world.desk, verb)(KEY, expect=order.revision, **(STEPS | UNDONE)[verb])

    changed = await world.order("1001")
    assert changed.revision > order.revision
    assert (await world.storage.orders.history(KEY))[-1].who == "Ada"


@pytest.mark.parametrize("verb", [*STEPS, *UNDONE])
async def test_loser_is_told_what_happened_since(world: World, verb: str) -> None:
    """A person who looked at an older revision is refused, told what was done since, when, why and by whom."""
    await sold(world)
    await prepared(world, verb)
    looked = await world.order("1001")
    world.clock.advance(minutes=30)
    await touch(world)
    now = await world.order("1001")

    with pytest.raises(TransitionError) as caught:
        await getattr(world.desk, verb)(KEY, expect=looked.revision, **(STEPS | UNDONE)[verb])

    told = "restored by Bob" if verb == "restore" else "moved by Bob"
    why = "it was none" if verb == "restore" else "more room"
    at = f"{world.clock.now():%Y-%m-%d %H:%MZ}"
    assert str(caught.value) == (f"Shop/north/1001: changed since you looked: {told} at {at} ({why}); look at it again")
    assert await world.order("1001") == now


async def test_loser_hears_every_step(world: World) -> None:
    """Who comes late after several steps, some of them the channel's, hears all of them in their order."""
    await sold(world)
    looked = await world.order("1001")
    await world.desk.hold(KEY, who="Bob", why="fraud?")
    world.shop.edit("1001", {"MUG": 4})
    await world.run_later()
    await world.desk.resume(KEY, who="Eve")

    with pytest.raises(TransitionError, match=r"held by Bob .* edited by the channel .* resumed by Eve"):
        await world.desk.cancel(KEY, who="Ada", expect=looked.revision)


async def test_reservation_is_no_persons_doing(world: World) -> None:
    """Where nothing happened but that the order was reserved, whoever looked at it before may go on."""
    await sold(world)
    await world.storage.orders.rewant([KEY])
    looked = await world.order("1001")
    await world.run_later()

    held = await world.desk.hold(KEY, who="Ada", why="fraud?", expect=looked.revision)

    assert held.revision > looked.revision + 1
    assert held.held is not None


async def test_same_parcel_again_needs_no_second_look(world: World) -> None:
    """Whoever packs the same parcel again gets the same answer, whatever revision they looked at."""
    await sold(world)
    looked = await world.order("1001")
    done = await world.desk.process(KEY, who="Ada", expect=looked.revision)

    assert await world.desk.process(KEY, who="Ada", expect=looked.revision) == done
    assert (await world.level()).on_hand == 7


@pytest.mark.parametrize("theirs", ["cancel", "hold", "delete", "park"])
@pytest.mark.parametrize("mine", ["process", "hold", "move", "cancel", "delete"])
async def test_one_of_two_at_the_same_moment_comes_second(memory_world: World, mine: str, theirs: str) -> None:
    """Of two people at once one comes second: what is still an arrow takes effect, else they are told who was first."""
    world = memory_world
    await sold(world)

    async def colleague(_: str) -> None:
        await getattr(world.desk, theirs)(KEY, who="Bob", why="mine")

    desk = between(world, "record_parcel" if mine == "process" else "replace", colleague)
    told = ""
    try:
        await getattr(desk, mine)(KEY, **STEPS[mine])
    except TransitionError as error:
        told = str(error)
    if told:
        assert "by Bob" in told
    history = await world.storage.orders.history(KEY)
    assert [entry.who for entry in history] == (["Bob"] if told else ["Bob", "Ada"])
    await come_to_rest(world)
    order = await world.order("1001")
    assert order.reserved_revision == order.stock_revision
    assert sum(level.reserved for level in await world.storage.stock.levels(["MUG"])) == sum(order.wanted.values())


@pytest.mark.parametrize("verb", STEPS)
@pytest.mark.parametrize("at", ["known", "save_page", "reserve", "sold", "reserved", "mark"])
async def test_person_between_two_calls_of_a_run(memory_world: World, verb: str, at: str) -> None:
    """Whatever a person does while a run downloads an edit and reserves, the run ends well and everything adds up."""
    world = memory_world
    await sold(world)
    world.shop.edit("1001", {"MUG": 5})
    world.clock.advance(minutes=10)
    done: list[str] = []

    async def person(called: str) -> None:
        if called == at and not done:
            done.append(called)
            await getattr(world.desk, verb)(KEY, **STEPS[verb])

    storage = watched(world.storage, Counter(), before=person)
    report = await SyncRunner([world.shop, world.market], storage, clock=world.clock).run_once()

    assert (done, report.errors) == ([at], ())
    await come_to_rest(world)
    await adds_up_at_rest(world, TEN)


async def test_run_and_person_decide_one_conflict(world: World) -> None:
    """A conflict that the settings decide while a person does is decided once."""
    await sold(world)
    world.shop.ship_by_hand("1001")
    await world.run_later()

    async def colleague(_: str) -> None:
        await world.desk.resolve(KEY, "process", who="Bob")

    desk = between(world, "record_parcel", colleague)
    with pytest.raises(TransitionError, match=r"by Bob|is in no conflict|processed order"):
        await desk.resolve(KEY, "process", who="Ada")

    assert (await world.level()).on_hand == 7
    await come_to_rest(world)
    await adds_up_at_rest(world, TEN)


async def test_two_resolutions_at_once(world: World) -> None:
    """Of two people who decide a conflict differently the second is told that it is in none any more."""
    await sold(world)
    world.shop.ship_by_hand("1001", lines={"L1": 1})
    await world.run_later()

    async def colleague(_: str) -> None:
        await world.desk.resolve(KEY, "keep", who="Bob")

    desk = between(world, "replace", colleague)
    with pytest.raises(TransitionError, match="is in no conflict; somebody may have resolved it already"):
        await desk.resolve(KEY, "cancel", who="Ada")

    assert ((await world.order("1001")).state, (await world.level()).reserved) == (OrderState.OPEN, 3)
