"""What people do to an order, and what the world knows afterwards: levels, what channels show, who did it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ordersync import ChannelSettings, Order, OrderKey, OrderState, Parcel
from ordersync.errors import OrderNotFoundError, TransitionError
from ordersync.model.orders import ConflictCode, OrderChange, Reason
from ordersync.testing import ManualClock
from runner.settled import adds_up_at_rest, come_to_rest
from runner.world import MARKET, SHOP, World

KEY = OrderKey(SHOP, "1001")
TEN: Mapping[tuple[str, str], int] = {("MUG", "main"): 10}


async def sold(world: World, quantity: int = 3) -> None:
    """Sell mugs on the shop, and tell both channels."""
    world.shop.place("1001", lines={"MUG": quantity})
    await come_to_rest(world, runs=2)


async def last_change(world: World) -> OrderChange:
    """Return what happened to the order last."""
    return (await world.storage.orders.history(KEY))[-1]


def by(order: Order) -> tuple[str, str]:
    """Return who locked, parked or ended an order, and why."""
    reason = order.held or order.set_aside or order.ended
    assert reason is not None
    return reason.who, reason.why


async def test_hold_frees_and_resume_reserves_again(world: World) -> None:
    """A held order frees its mugs for the other channel at once, and takes them back when it is resumed."""
    await sold(world)
    assert world.market.levels["MUG"] == 7

    held = await world.desk.hold(KEY, who="Ada", why="fraud?")
    assert (await world.level()).reserved == 0
    await come_to_rest(world)
    assert (world.shop.levels["MUG"], world.market.levels["MUG"]) == (10, 10)

    resumed = await world.desk.resume(KEY, who="Bob", why="it is fine")
    assert (await world.level()).reserved == 3
    await come_to_rest(world)

    assert by(held) == ("Ada", "fraud?")
    assert (resumed.held, resumed.state) == (None, OrderState.OPEN)
    assert (world.shop.levels["MUG"], world.market.levels["MUG"]) == (7, 7)
    await adds_up_at_rest(world, TEN)


async def test_held_order_is_not_packed(world: World) -> None:
    """Whoever packs a held order is told who holds it, and nothing moves."""
    await sold(world)
    await world.desk.hold(KEY, who="Ada", why="fraud?")

    with pytest.raises(TransitionError, match=r"1001: is held by Ada at .* \(fraud\?\); resume it first"):
        await world.process("1001")

    assert (await world.level()).on_hand == 10


async def test_resumed_order_may_be_short(world: World) -> None:
    """An order whose mugs were sold while it was held reserves all the same, and the shortage is named."""
    await sold(world, 6)
    await world.desk.hold(KEY, who="Ada", why="fraud?")
    world.market.place("2001", lines={"MUG": 8})
    await come_to_rest(world)

    await world.desk.resume(KEY, who="Ada")

    level = await world.level()
    assert (level.reserved, level.available) == (14, -4)
    await come_to_rest(world)
    assert (world.shop.levels["MUG"], world.market.levels["MUG"]) == (0, 0)


async def test_parked_order_reserves_and_is_not_packed(world: World) -> None:
    """An order that a person set aside keeps its mugs, is not packed, and is packed once that is over."""
    await sold(world)

    parked = await world.desk.park(KEY, who="Ada", why="waits for its twin")
    with pytest.raises(TransitionError, match=r"is parked by Ada at .*twin\); unpark it first"):
        await world.process("1001")
    assert (await world.level()).reserved == 3
    unparked = await world.desk.unpark(KEY, who="Bob")
    await world.process("1001")

    assert by(parked) == ("Ada", "waits for its twin")
    assert (unparked.set_aside, (await world.level()).on_hand) == (None, 7)


async def test_channels_own_reason_is_not_a_persons_to_lift(world: World) -> None:
    """An order that is on hold on its channel is unparked by nobody but the channel."""
    await sold(world)
    world.shop.hold("1001")
    await world.run_later()

    with pytest.raises(TransitionError, match="cannot be unparked, its channel says so: on hold on the channel"):
        await world.desk.unpark(KEY, who="Ada")
    world.shop.resume("1001")
    await world.run_later()

    assert (await world.process("1001")).state is OrderState.PROCESSED


async def test_move_takes_the_reservation_along(world: World) -> None:
    """A moved order holds its mugs at the other place and no more at the first, at once."""
    await world.stock("MUG", 5, location="hall")
    await sold(world)

    moved = await world.desk.move(KEY, "hall", who="Ada", why="nearer")

    main, hall = await world.level(), await world.level(location="hall")
    assert (moved.location, main.reserved, hall.reserved) == ("hall", 0, 3)
    entry = await last_change(world)
    assert (entry.event, entry.who, entry.why, entry.details) == (
        "moved",
        "Ada",
        "nearer",
        {"location": "main -> hall"},
    )


async def test_parcel_stays_where_it_left(world: World) -> None:
    """A parcel recorded before a move is deducted where it lay, and the rest leaves the other place."""
    await world.stock("MUG", 5, location="hall")
    await sold(world)
    await world.process("1001", id="p1", lines={"L1": 1})

    await world.desk.move(KEY, "hall", who="Ada")
    await world.process("1001", id="p2")
    await come_to_rest(world)

    main, hall = await world.level(), await world.level(location="hall")
    assert (main.on_hand, main.reserved, hall.on_hand, hall.reserved) == (9, 0, 3, 0)
    assert [shipment.lines for shipment in world.shop.shipments] == [{"L1": 1}, {"L1": 2}]
    await adds_up_at_rest(world, {**TEN, ("MUG", "hall"): 5})


async def test_order_moved_by_a_person_stays_there(world: World) -> None:
    """An edit on the channel does not move an order back."""
    await sold(world)
    await world.desk.move(KEY, "hall", who="Ada")
    world.shop.edit("1001", {"MUG": 4})
    await world.run_later()

    assert (await world.order("1001")).location == "hall"
    assert (await world.level(location="hall")).reserved == 4


async def test_relink_takes_what_the_sku_means_now(world: World) -> None:
    """An order keeps what its SKU meant until somebody relinks it, and then holds what it means now."""
    await sold(world)
    await world.stock("CUP", 20)
    await world.storage.listings.link(SHOP, "MUG", {"CUP": 2})
    await come_to_rest(world)
    assert (await world.level()).reserved == 3

    order = await world.desk.relink(KEY, who="Ada", why="wrong article")

    assert (await world.level()).reserved == 0
    assert (await world.level("CUP")).reserved == 6
    assert order.lines[0].components == {"CUP": 2}
    assert (await last_change(world)).details == {"line L1 components": "1 MUG -> 2 CUP"}
    await come_to_rest(world)
    assert world.shop.levels["MUG"] == 7
    await adds_up_at_rest(world, {**TEN, ("CUP", "main"): 20})


async def test_relink_to_nothing_reserves_nothing_until_linked(world: World) -> None:
    """An order whose SKU means nothing any more holds nothing, and holds again once it is linked."""
    await sold(world)
    await world.storage.listings.unlink(SHOP, "MUG")

    order = await world.desk.relink(KEY, who="Ada")
    assert ((await world.level()).reserved, len(order.unlinked)) == (0, 1)
    await world.storage.listings.link(SHOP, "MUG", "MUG")
    await world.run_later()

    assert (await world.level()).reserved == 3


async def test_cancel_frees_what_is_open(world: World) -> None:
    """A cancelled order keeps what has left, frees the rest, and says who cancelled it."""
    await sold(world)
    await world.process("1001", id="p1", lines={"L1": 1})

    order = await world.desk.cancel(KEY, who="Ada", why="changed her mind")
    await come_to_rest(world)

    level = await world.level()
    assert (level.on_hand, level.reserved, order.state) == (9, 0, OrderState.CANCELLED)
    assert by(order) == ("Ada", "changed her mind")
    assert (world.shop.levels["MUG"], world.market.levels["MUG"]) == (9, 9)


async def test_refusal_tells_who_ended_the_order(world: World) -> None:
    """Whoever does something to an ended order is told who ended it, when and why."""
    await sold(world)
    await world.desk.cancel(KEY, who="Ada", why="changed her mind")

    with pytest.raises(TransitionError, match=r"cannot be held; it was cancelled by Ada at 2026-01-05 .*her mind\)"):
        await world.desk.hold(KEY, who="Bob", why="fraud?")


async def test_history_tells_every_step(world: World) -> None:
    """The history of an order tells every step in its order: what, who, when and why."""
    await sold(world)
    desk = world.desk
    await desk.hold(KEY, who="Ada", why="fraud?")
    await desk.resume(KEY, who="Bob", why="it is fine")
    world.shop.edit("1001", {"MUG": 4})
    await world.run_later()
    await desk.process(KEY, Parcel(id="p1", lines={"L1": 1}), who="Eve")
    await desk.process(KEY, Parcel(id="p2"), who="Eve")

    history = await world.storage.orders.history(KEY)

    assert [(one.event, one.who, one.why) for one in history] == [
        ("held", "Ada", "fraud?"),
        ("resumed", "Bob", "it is fine"),
        ("edited", "the channel", "Ready"),
        ("processed in part", "Eve", ""),
        ("processed", "Eve", ""),
    ]
    assert [one.revision for one in history] == sorted({one.revision for one in history})
    assert [one.at for one in history] == sorted(one.at for one in history)
    assert history[2].details == {"line L1 quantity": "3 -> 4", "total": "37.50 EUR -> 50.00 EUR"}


CALLS: dict[str, dict[str, Any]] = {
    "process": {},
    "cancel": {},
    "hold": {"who": "Ada", "why": "fraud?"},
    "resume": {"who": "Ada"},
    "park": {"who": "Ada", "why": "later"},
    "unpark": {"who": "Ada"},
    "move": {"location": "hall", "who": "Ada"},
    "relink": {"who": "Ada"},
    "delete": {"who": "Ada", "why": "a twin"},
    "restore": {"who": "Ada"},
    "resolve": {"resolution": "keep", "who": "Ada"},
}
"""Every verb, with what it takes beside the order."""


@pytest.mark.parametrize("verb", CALLS)
async def test_order_that_is_not_stored(memory_world: World, verb: str) -> None:
    """Whatever is to be done to an order that is not stored, the error names it."""
    with pytest.raises(OrderNotFoundError, match="Shop/north/1001"):
        await getattr(memory_world.desk, verb)(KEY, **CALLS[verb])


@pytest.mark.parametrize("verb", CALLS)
async def test_nobody_does_nothing(memory_world: World, verb: str) -> None:
    """A verb without somebody who did it is refused, naming the field, and changes nothing."""
    world = memory_world
    await sold(world)
    before = await world.order("1001")

    for who in ("", "  ", "A\x00da", None, "a" * 300):
        with pytest.raises(ValueError, match=r"Reason\.who"):
            await getattr(world.desk, verb)(KEY, **(CALLS[verb] | {"who": who}))

    assert await world.order("1001") == before


async def test_no_order_is_moved_to_nowhere(world: World) -> None:
    """A move to a place without a name is refused, naming the field, and changes nothing."""
    await sold(world)
    before = await world.order("1001")
    nowhere: list[Any] = ["", "   ", "ha\x00ll", None, 7]

    for location in nowhere:
        with pytest.raises(ValueError, match=r"Order\.location"):
            await world.desk.move(KEY, location, who="Ada")

    assert await world.order("1001") == before


@pytest.mark.parametrize("resolution", ["", "KEEP", "undo"])
async def test_unknown_resolution_is_named(memory_world: World, resolution: str) -> None:
    """A resolution that does not exist is quoted, beside those that do."""
    await sold(memory_world)

    with pytest.raises(ValueError, match=f"'{resolution}' is no resolution .* keep, follow, process, cancel"):
        await memory_world.desk.resolve(KEY, resolution, who="Ada")


async def test_step_that_was_made_already_is_refused(world: World) -> None:
    """Whoever resumes, unparks or resolves what is not, or holds and parks twice, is told."""
    await sold(world)
    desk = world.desk
    for call, said in (
        (desk.resume(KEY, who="Bob"), "is not held"),
        (desk.unpark(KEY, who="Bob"), "no person has parked it"),
        (desk.resolve(KEY, "keep", who="Bob"), "is in no conflict"),
        (desk.restore(KEY, who="Bob"), "open order cannot be restored"),
    ):
        with pytest.raises(TransitionError, match=said):
            await call
    await desk.hold(KEY, who="Ada", why="fraud?")
    await desk.park(KEY, who="Ada", why="later")
    with pytest.raises(TransitionError, match="is held already, by Ada"):
        await desk.hold(KEY, who="Bob", why="fraud?")
    with pytest.raises(TransitionError, match="is parked already, by Ada"):
        await desk.park(KEY, who="Bob", why="later")


async def test_conflicts_are_listed_until_somebody_decides(world: World) -> None:
    """The list of conflicts holds what a person must decide about, on one channel or all, and no deleted order."""
    for market, reference in ((world.shop, "1001"), (world.shop, "1002"), (world.market, "2001")):
        market.place(reference, lines={"MUG": 1})
    await world.run()
    for market, reference in ((world.shop, "1001"), (world.shop, "1002"), (world.market, "2001")):
        market.ship_by_hand(reference)
    await world.run_later()
    desk = world.desk

    assert [order.key.reference for order in await desk.conflicts()] == ["2001", "1001", "1002"]
    assert [order.key.reference for order in await desk.conflicts(channel=MARKET)] == ["2001"]
    await desk.resolve(KEY, "process", who="Ada")
    await desk.delete(OrderKey(SHOP, "1002"), who="Ada", why="a twin")

    assert [order.key.reference for order in await desk.conflicts()] == ["2001"]
    assert await world.statuses("1001") == ["confirmed"]


@pytest.mark.parametrize(
    ("resolution", "state", "on_hand", "reserved"),
    [
        ("process", OrderState.OPEN, 9, 2),
        ("follow", OrderState.OPEN, 10, 2),
        ("keep", OrderState.OPEN, 10, 3),
        ("cancel", OrderState.CANCELLED, 10, 0),
    ],
)
async def test_order_shipped_in_part_elsewhere_is_decided(
    world: World, resolution: str, state: OrderState, on_hand: int, reserved: int
) -> None:
    """What left by other hands is taken off stock, only counted, left or cancelled, as a person says, at once."""
    await sold(world)
    world.shop.ship_by_hand("1001", lines={"L1": 1})
    await world.run_later()
    assert [order.conflict and order.conflict.code for order in await world.desk.conflicts()] == [
        ConflictCode.SHIPPED_ELSEWHERE
    ]

    order = await world.desk.resolve(KEY, resolution, who="Ada", why="called the shop")

    level = await world.level()
    assert (order.state, order.conflict, level.on_hand, level.reserved) == (state, None, on_hand, reserved)
    await come_to_rest(world)
    assert world.shop.notes_received == []
    assert await world.desk.conflicts() == []
    await adds_up_at_rest(world, TEN)


async def test_settings_reach_the_desk_through_the_order(world: World) -> None:
    """An unpaid order is parked by its channel, is unparked by its payment, and is then packed."""
    shop = world.open(SHOP, ChannelSettings(download_unpaid=True))
    shop.list_sku("MUG", 10)
    shop.place("1001", lines={"MUG": 1}, paid=False)
    await world.run(shop)
    with pytest.raises(TransitionError, match=r"is parked \(not paid \(unpaid\)\)"):
        await world.process("1001")

    shop.pay("1001")
    await world.run_later(shop)

    assert (await world.process("1001")).state is OrderState.PROCESSED


def test_reason_reads_as_a_person_says_it(clock: ManualClock) -> None:
    """Who, when and why read as one phrase, without the why where there is none."""
    at = clock.now()

    assert str(Reason(who="Ada", why="fraud?", at=at)) == "by Ada at 2026-01-05 09:00Z (fraud?)"
    assert str(Reason(who="Ada", why="", at=at)) == "by Ada at 2026-01-05 09:00Z"
