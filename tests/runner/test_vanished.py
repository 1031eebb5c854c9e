"""Open orders that a complete sweep does not show: looked up, named when they are gone, and never just dropped."""

from __future__ import annotations

import attrs
import pytest

from ordersync import Event, OrderKey, OrderState
from ordersync.errors import ChannelRejectedError, TransitionError
from ordersync.model.events import OrderChanged, OrderInConflict
from ordersync.model.orders import ConflictCode
from ordersync.testing import BareMarketplace, FakeMarketplace
from runner.looking import Forgetful, ForgetfulBare, by_state, comes_back, conflict_of, four_open, levels
from runner.world import SHOP, World, remarks, sightings

KEY = OrderKey(SHOP, "1001")
GONE = [("VANISHED", "Shop/north/1001")]


async def test_order_that_left_the_sweep_shipped_is_found_by_a_look(world: World) -> None:
    """An open order that was shipped by other hands has left the sweep; the look says so in the same run."""
    shop: FakeMarketplace = by_state(FakeMarketplace, world)
    await four_open(world, shop)
    shop.ship_by_hand("1001")

    report = await world.run_later(shop)

    assert sightings(report.channels[SHOP]) == {"changed": 1, "same": 3}
    assert report.channels[SHOP].looked_up == 1
    assert remarks(report.channels[SHOP], "conflict") == [("SHIPPED_ELSEWHERE", "Shop/north/1001")]
    assert await levels(world) == (10, 8)


async def test_order_that_left_the_sweep_cancelled_is_found_by_a_look(memory_world: World) -> None:
    """An open order that was cancelled has left the sweep; the look says so, and its goods are free for the others."""
    shop: FakeMarketplace = by_state(FakeMarketplace, memory_world)
    await four_open(memory_world, shop)
    shop.cancel("1001")

    report = await memory_world.run_later(shop, memory_world.market)

    assert sightings(report.channels[SHOP]) == {"changed": 1, "same": 3}
    assert (await memory_world.order("1001")).state is OrderState.CANCELLED
    assert await levels(memory_world) == (10, 6)
    assert memory_world.market.levels == shop.levels == {"MUG": 4}


async def test_order_that_a_sweep_missed_is_still_open(world: World) -> None:
    """An open order that slipped out of a sweep and is found by a look stays as it is."""
    shop: Forgetful = by_state(Forgetful, world)
    await four_open(world, shop)
    before = await world.order("1001")
    shop.hidden = {"1001"}

    report = await world.run_later(shop)

    assert sightings(report.channels[SHOP]) == {"same": 4}
    assert report.channels[SHOP].looked_up == 1
    assert await world.order("1001") == before
    assert remarks(report.channels[SHOP], "conflict") == []


async def test_order_that_is_gone_is_a_conflict(world: World) -> None:
    """An open order that neither sweep nor look finds is named once, keeps its stock, and may not be processed."""
    shop: FakeMarketplace = by_state(FakeMarketplace, world)
    await four_open(world, shop)
    shop.remove("1001")
    told: list[Event] = []

    report = await world.run_later(shop, observers=[told.append])

    assert remarks(report.channels[SHOP], "conflict") == GONE
    order = await world.order("1001")
    assert order.state is OrderState.OPEN
    assert order.conflict is not None
    assert order.conflict.code is ConflictCode.VANISHED
    assert await levels(world) == (10, 8)
    assert [one.order for one in told if isinstance(one, OrderInConflict)] == [KEY]
    assert [one.event for one in told if isinstance(one, OrderChanged)] == ["vanished"]
    assert [one.key for one in await world.desk.conflicts()] == [KEY]
    assert [one.event for one in await world.storage.orders.history(KEY)] == ["vanished"]
    with pytest.raises(TransitionError, match="the channel does not show it any more"):
        await world.process("1001")
    again = await world.run_later(shop)
    assert again.channels[SHOP].looked_up == 0
    assert await world.order("1001") == order


async def test_order_that_is_gone_from_the_feed_of_changes_is_found_by_the_hourly_sweep(world: World) -> None:
    """Where update times can be trusted, an order that is gone is missed by the next complete sweep, not before."""
    await four_open(world, world.shop)
    world.shop.remove("1001")

    early = await world.run_later(minutes=30)
    late = await world.run_later(minutes=30)

    assert early.channels[SHOP].looked_up == 0
    assert remarks(early.channels[SHOP], "conflict") == []
    assert remarks(late.channels[SHOP], "conflict") == GONE


async def test_first_sweep_that_misses_an_order_proves_nothing(world: World) -> None:
    """Where no order can be looked up, the first sweep without an open order changes nothing, the second names it."""
    shop: BareMarketplace = by_state(BareMarketplace, world)
    await four_open(world, shop)
    shop.remove("1001")

    first = await world.run_later(shop)
    assert remarks(first.channels[SHOP], "conflict") == []
    second = await world.run_later(shop)

    assert remarks(second.channels[SHOP], "conflict") == GONE
    assert await conflict_of(world, "1001") is ConflictCode.VANISHED
    assert await levels(world) == (10, 8)
    third = await world.run_later(shop)
    assert remarks(third.channels[SHOP], "conflict") == []


async def test_order_that_is_seen_in_between_is_not_gone(world: World) -> None:
    """Where no order can be looked up, one that is missing, there and missing again has not been missed twice."""
    shop: ForgetfulBare = by_state(ForgetfulBare, world)
    await four_open(world, shop)

    for hidden in ({"1001"}, set[str](), {"1001"}):
        shop.hidden = hidden
        report = await world.run_later(shop)
        assert remarks(report.channels[SHOP], "conflict") == []


async def test_order_shipped_and_gone_from_sweeps_that_cannot_be_looked_up_is_named(memory_world: World) -> None:
    """Where neither looks nor update times say why, an order that was shipped by other hands is named as gone."""
    shop: BareMarketplace = by_state(BareMarketplace, memory_world)
    await four_open(memory_world, shop)
    shop.ship_by_hand("1001")

    await memory_world.run_later(shop)
    await memory_world.run_later(shop)

    assert await conflict_of(memory_world, "1001") is ConflictCode.VANISHED
    order = await memory_world.desk.resolve(KEY, "process", who="Ada")
    assert order.state is OrderState.PROCESSED
    assert await levels(memory_world) == (8, 6)
    await memory_world.run_later(shop)
    assert shop.notes_received == []


async def test_sweep_that_was_cut_is_not_judged(memory_world: World) -> None:
    """A sweep that did not reach its end says nothing of the orders that it did not come to."""
    shop: FakeMarketplace = by_state(FakeMarketplace, memory_world)
    await four_open(memory_world, shop)
    shop.remove("1001")
    shop.fail_next("fetch_orders", ChannelRejectedError("Shop/north: page token expired"))

    report = await memory_world.run_later(shop)

    assert report.channels[SHOP].looked_up == 0
    assert remarks(report.channels[SHOP], "conflict") == []
    assert remarks((await memory_world.run_later(shop)).channels[SHOP], "conflict") == GONE


async def test_look_that_is_refused_leaves_a_missing_order_to_the_next_sweep(memory_world: World) -> None:
    """Of two missing orders, the one whose look is refused is left as it is, and looked for after the next sweep."""
    shop: FakeMarketplace = by_state(FakeMarketplace, memory_world)
    await four_open(memory_world, shop)
    shop.remove("1001")
    shop.remove("1002")
    shop.fail_next("fetch_order", ChannelRejectedError("Shop/north: refused"))

    report = await memory_world.run_later(shop)

    assert remarks(report.channels[SHOP], "failed") == [("channel-rejected", "Shop/north/1001")]
    assert remarks(report.channels[SHOP], "conflict") == [("VANISHED", "Shop/north/1002")]
    assert remarks((await memory_world.run_later(shop)).channels[SHOP], "conflict") == GONE


async def test_order_that_comes_back_is_in_no_conflict(world: World) -> None:
    """An order that was gone and is shown again, just as it was, can be processed again."""
    shop: FakeMarketplace = by_state(FakeMarketplace, world)
    await four_open(world, shop)
    shop.remove("1001")
    await world.run_later(shop)
    assert await conflict_of(world, "1001") is ConflictCode.VANISHED
    comes_back(shop, "1001")

    report = await world.run_later(shop)

    assert sightings(report.channels[SHOP]) == {"changed": 1, "same": 3}
    assert await conflict_of(world, "1001") is None
    assert (await world.process("1001")).state is OrderState.PROCESSED
    assert await levels(world) == (8, 6)


async def test_order_that_comes_back_shipped_is_another_conflict(memory_world: World) -> None:
    """An order that was gone and is shown again as shipped was shipped by other hands."""
    shop: FakeMarketplace = by_state(FakeMarketplace, memory_world)
    await four_open(memory_world, shop)
    shop.remove("1001")
    await memory_world.run_later(shop)
    comes_back(shop, "1001")
    shop.ship_by_hand("1001")

    await memory_world.runner(shop).hint(KEY)

    assert await conflict_of(memory_world, "1001") is ConflictCode.SHIPPED_ELSEWHERE


async def test_order_that_a_person_kept_is_not_named_again(world: World) -> None:
    """What a person lets stand is looked for no more and can be processed; no hint names it again."""
    shop: FakeMarketplace = by_state(FakeMarketplace, world)
    await four_open(world, shop)
    shop.remove("1001")
    await world.run_later(shop)

    kept = await world.desk.resolve(KEY, "keep", who="Ada", why="they called")

    assert kept.conflict is None
    report = await world.run_later(shop)
    assert remarks(report.channels[SHOP], "conflict") == []
    assert report.channels[SHOP].looked_up == 0
    await world.runner(shop).hint(KEY)
    assert await conflict_of(world, "1001") is None
    assert (await world.process("1001")).state is OrderState.PROCESSED


async def test_kept_order_that_comes_back_changed_is_missed_again(world: World) -> None:
    """What a person let stand holds until the channel shows something else of the order; then sweeps count again."""
    shop: FakeMarketplace = by_state(FakeMarketplace, world)
    await four_open(world, shop)
    shop.remove("1001")
    await world.run_later(shop)
    await world.desk.resolve(KEY, "keep", who="Ada")
    comes_back(shop, "1001")
    shop.edit("1001", {"MUG": 3})
    await world.run_later(shop)
    assert await levels(world) == (10, 9)
    shop.remove("1001")

    report = await world.run_later(shop)

    assert remarks(report.channels[SHOP], "conflict") == GONE


@pytest.mark.parametrize("kind", [FakeMarketplace, BareMarketplace])
async def test_vanished_order_is_processed_by_setting(world: World, kind: type[BareMarketplace]) -> None:
    """By setting, what is gone counts as shipped: it leaves the shelf, and no channel is told of a parcel."""
    shop: BareMarketplace = by_state(kind, world, vanished="process")
    await four_open(world, shop)
    shop.remove("1001")

    for _ in range(2):
        await world.run_later(shop, world.market)

    order = await world.order("1001")
    assert (order.state, order.conflict) == (OrderState.PROCESSED, None)
    assert await levels(world) == (8, 6)
    assert world.market.levels == {"MUG": 2}
    assert await world.statuses("1001") == ["confirmed"]
    assert shop.notes_received == []
    history = await world.storage.orders.history(KEY)
    assert [(one.event, one.who) for one in history] == [("vanished", "the channel"), ("processed", "the settings")]


@pytest.mark.parametrize("kind", [FakeMarketplace, BareMarketplace])
async def test_vanished_order_is_cancelled_by_setting(world: World, kind: type[BareMarketplace]) -> None:
    """By setting, what is gone counts as cancelled: its goods are free and every channel shows them."""
    shop: BareMarketplace = by_state(kind, world, vanished="cancel")
    await four_open(world, shop)
    shop.remove("1001")

    for _ in range(2):
        report = await world.run_later(shop, world.market)

    assert (await world.order("1001")).state is OrderState.CANCELLED
    assert await levels(world) == (10, 6)
    assert world.market.levels == shop.levels == {"MUG": 4}
    assert report.errors == ()


async def test_setting_that_the_conflict_does_not_leave_is_a_persons_to_decide(memory_world: World) -> None:
    """What is gone shows no lines to follow: such a setting leaves the conflict to a person."""
    shop: FakeMarketplace = by_state(FakeMarketplace, memory_world, vanished="follow")
    await four_open(memory_world, shop)
    shop.remove("1001")

    await memory_world.run_later(shop)

    assert await conflict_of(memory_world, "1001") is ConflictCode.VANISHED
    with pytest.raises(TransitionError, match="VANISHED cannot be resolved by follow, but by cancel, keep, process"):
        await memory_world.desk.resolve(KEY, "follow", who="Ada")


async def test_whole_order_that_we_marked_is_not_missed(world: World) -> None:
    """Where only whole orders can be marked, our first parcel takes the order out of the sweeps; the rest is ours."""
    shop = BareMarketplace(SHOP, clock=world.clock, scan="state", whole_order_dispatch=True)
    shop.list_sku("MUG", 10)
    await four_open(world, shop)
    await world.process("1001", id="p1", lines={"L1": 1})

    for _ in range(4):
        report = await world.run_later(shop)
        assert remarks(report.channels[SHOP], "conflict") == []

    assert shop.orders["1001"].status == "Shipped"
    assert (await world.process("1001", id="p2", tracking_number="JD02")).state is OrderState.PROCESSED
    assert await levels(world) == (8, 6)


async def test_order_that_was_sent_in_part_is_missed_like_any_other(memory_world: World) -> None:
    """Where each parcel is told, an order of which some has left and that leaves the sweeps has vanished."""
    shop = BareMarketplace(SHOP, clock=memory_world.clock, scan="state")
    shop.list_sku("MUG", 10)
    await four_open(memory_world, shop)
    await memory_world.process("1001", id="p1", lines={"L1": 1})
    await memory_world.run_later(shop)
    shop.remove("1001")

    for _ in range(2):
        report = await memory_world.run_later(shop)

    assert remarks(report.channels[SHOP], "conflict") == GONE


async def test_whole_order_that_nobody_marked_is_missed(memory_world: World) -> None:
    """Where only whole orders can be marked, one of which we told nothing yet is missed by the second sweep."""
    shop = BareMarketplace(SHOP, clock=memory_world.clock, scan="state", whole_order_dispatch=True)
    shop.list_sku("MUG", 10)
    await four_open(memory_world, shop)
    shop.remove("1001")

    for _ in range(2):
        report = await memory_world.run_later(shop)

    assert remarks(report.channels[SHOP], "conflict") == GONE


@pytest.mark.parametrize("verb", ["hold", "delete", "process"])
async def test_only_open_orders_are_missed(world: World, verb: str) -> None:
    """A sweep need not show what is processed or deleted here; what a person only holds is missed all the same."""
    shop: FakeMarketplace = by_state(FakeMarketplace, world)
    await four_open(world, shop)
    if verb == "process":
        await world.process("1001")
        await world.run_later(shop)
    elif verb == "delete":
        await world.desk.delete(KEY, who="Ada", why="a test order")
    else:
        await world.desk.hold(KEY, who="Ada", why="ask first")
    shop.remove("1001")

    report = await world.run_later(shop)

    assert remarks(report.channels[SHOP], "conflict") == (GONE if verb == "hold" else [])


async def test_reported_conflict_names_no_buyer(memory_world: World) -> None:
    """What is told and written down about a vanished order holds nothing personal."""
    shop: FakeMarketplace = by_state(FakeMarketplace, memory_world)
    await four_open(memory_world, shop)
    buyer = shop.orders["1001"].buyer
    shop.remove("1001")
    told: list[Event] = []

    report = await memory_world.run_later(shop, observers=[told.append])

    history = await memory_world.storage.orders.history(KEY)
    everything = f"{told} {report} {report.to_json()} {await memory_world.journal()} {history}"
    assert not [word for word in attrs.astuple(buyer) if word and word in everything]
