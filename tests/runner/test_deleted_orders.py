"""Orders that a person deleted: they hold nothing, stay away, are listed, and come back as their channel shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from ordersync import ChannelSettings, OrderKey, OrderState, PaymentStatus
from ordersync.errors import TransitionError
from ordersync.model.orders import ConflictCode
from ordersync.testing import FakeMarketplace
from runner.settled import adds_up_at_rest, come_to_rest
from runner.world import MARKET, SHOP, World, sightings

KEY = OrderKey(SHOP, "1001")
TEN: Mapping[tuple[str, str], int] = {("MUG", "main"): 10}


async def deleted(world: World, quantity: int = 3) -> None:
    """Sell mugs on the shop, and delete the order."""
    world.shop.place("1001", lines={"MUG": quantity})
    await come_to_rest(world, runs=2)
    await world.desk.delete(KEY, who="Ada", why="a twin of 1000")


async def test_deleted_order_holds_nothing_and_stays_away(world: World) -> None:
    """A deleted order frees its mugs at once, and is not downloaded again, by whatever scan."""
    await deleted(world)
    assert (await world.level()).reserved == 0

    report = await world.run_later(minutes=90)
    assert sightings(report.channels[SHOP]) == {"skipped": 1}
    world.shop.edit("1001", {"MUG": 5})
    report = await world.run_later()
    assert sightings(report.channels[SHOP]) == {"skipped": 1}

    assert (await world.order("1001")).state is OrderState.DELETED
    decision = await world.storage.orders.decision(KEY)
    assert decision is not None
    assert (decision.code, decision.admitted) == ("DELETED_HERE", False)
    assert world.market.levels["MUG"] == 10
    await adds_up_at_rest(world, TEN)


async def test_deleted_orders_are_listed(world: World) -> None:
    """The list of deleted orders says who deleted each, when and why, and a restored one leaves it."""
    await deleted(world)
    world.market.place("2001", lines={"MUG": 1})
    await world.run()
    at = world.clock.advance(minutes=5)
    await world.desk.delete(OrderKey(MARKET, "2001"), who="Bob", why="a test")

    listed = await world.desk.deleted()

    told = [(order.key.reference, order.ended) for order in listed]
    assert [(key, ended and (ended.who, ended.why)) for key, ended in told] == [
        ("2001", ("Bob", "a test")),
        ("1001", ("Ada", "a twin of 1000")),
    ]
    assert listed[0].ended is not None
    assert listed[0].ended.at == at
    assert [order.key for order in await world.desk.deleted(channel=SHOP)] == [KEY]
    assert len(await world.desk.deleted(limit=1)) == 1
    await world.desk.restore(KEY, who="Ada")
    assert [order.key.reference for order in await world.desk.deleted()] == ["2001"]


async def test_restored_order_reserves_again(world: World) -> None:
    """A restored order holds its mugs at once, is packed, and its channel is told."""
    await deleted(world)
    await come_to_rest(world)

    order = await world.desk.restore(KEY, who="Bob", why="it was none")

    assert (order.state, order.ended, (await world.level()).reserved) == (OrderState.OPEN, None, 3)
    await world.process("1001")
    await come_to_rest(world)
    assert await world.statuses("1001") == ["confirmed"]
    assert [entry.event for entry in await world.storage.orders.history(KEY)][:2] == ["deleted", "restored"]
    await adds_up_at_rest(world, TEN)


Story = Callable[[FakeMarketplace], None]

MEANWHILE: dict[str, tuple[Story, OrderState, ConflictCode | None, int]] = {
    "nothing": (lambda shop: shop.mend("1001"), OrderState.OPEN, None, 3),
    "more bought": (lambda shop: shop.edit("1001", {"MUG": 5}), OrderState.OPEN, None, 5),
    "less bought": (lambda shop: shop.edit("1001", {"MUG": 1}), OrderState.OPEN, None, 1),
    "cancelled": (lambda shop: shop.cancel("1001"), OrderState.CANCELLED, None, 0),
    "some cancelled": (lambda shop: shop.cancel_line("1001", "L1", 2), OrderState.OPEN, None, 1),
    "shipped": (lambda shop: shop.ship_by_hand("1001"), OrderState.OPEN, ConflictCode.SHIPPED_ELSEWHERE, 3),
    "shipped in part": (
        lambda shop: shop.ship_by_hand("1001", lines={"L1": 1}),
        OrderState.OPEN,
        ConflictCode.SHIPPED_ELSEWHERE,
        3,
    ),
    "not paid any more": (lambda shop: shop.pay("1001", payment=PaymentStatus.UNPAID), OrderState.OPEN, None, 3),
    "on hold": (lambda shop: shop.hold("1001"), OrderState.OPEN, None, 3),
    "refunded in part": (
        lambda shop: shop.pay("1001", payment=PaymentStatus.PARTIALLY_REFUNDED),
        OrderState.OPEN,
        ConflictCode.PARTIALLY_REFUNDED,
        3,
    ),
}
"""What happens on the channel to a deleted order of three mugs, and what is restored: state, conflict, mugs held."""


@pytest.mark.parametrize("seen", [True, False], ids=["seen", "unseen"])
@pytest.mark.parametrize("story", MEANWHILE)
async def test_order_comes_back_as_its_channel_shows_it(memory_world: World, story: str, *, seen: bool) -> None:
    """Whatever happened on the channel meanwhile, seen or not, the restored order is what the channel shows."""
    world = memory_world
    happen, state, conflict, reserved = MEANWHILE[story]
    await deleted(world)
    happen(world.shop)
    if seen:
        await world.run_later()

    order = await world.desk.restore(KEY, who="Bob", why="it was none")
    if not seen:
        await come_to_rest(world)
        order = await world.order("1001")

    assert (order.state, order.conflict and order.conflict.code) == (state, conflict)
    assert (await world.level()).reserved == reserved
    await come_to_rest(world)
    await adds_up_at_rest(world, TEN)


async def test_order_cancelled_while_it_was_deleted_may_be_revived(world: World) -> None:
    """An order that came back cancelled is revived by its channel like any other."""
    await deleted(world)
    world.shop.cancel("1001")
    await world.run_later()
    assert (await world.desk.restore(KEY, who="Bob")).state is OrderState.CANCELLED

    world.shop.revive("1001")
    await come_to_rest(world)

    assert ((await world.order("1001")).state, (await world.level()).reserved) == (OrderState.OPEN, 3)
    await adds_up_at_rest(world, TEN)


async def test_parcel_of_a_deleted_order_still_goes_out(world: World) -> None:
    """What was packed before an order was deleted has left: it is deducted, and the channel is told."""
    world.shop.place("1001", lines={"MUG": 3})
    await world.run()
    await world.process("1001", id="p1", lines={"L1": 1})
    await world.desk.delete(KEY, who="Ada", why="the rest is a twin")
    await come_to_rest(world)

    level = await world.level()
    assert (level.on_hand, level.reserved, await world.statuses("1001")) == (9, 0, ["confirmed"])
    assert await world.desk.conflicts() == []
    assert (await world.desk.restore(KEY, who="Bob")).lines[0].open == 2
    await come_to_rest(world)
    await adds_up_at_rest(world, TEN)


async def test_stock_revision_never_falls_over_a_tombstone(world: World) -> None:
    """An order deleted and restored again and again holds its mugs each time; the ledger ignores no claim."""
    await deleted(world)
    revisions = [(await world.order("1001")).stock_revision]
    for _ in range(3):
        assert (await world.level()).reserved == 0
        revisions.append((await world.desk.restore(KEY, who="Bob")).stock_revision)
        assert (await world.level()).reserved == 3
        revisions.append((await world.desk.delete(KEY, who="Ada", why="again")).stock_revision)

    assert revisions == sorted(set(revisions))


async def test_deleted_order_that_vanishes_is_no_conflict(world: World) -> None:
    """Nobody is asked about a deleted order that its channel does not show any more."""
    await deleted(world)
    world.shop.remove("1001")
    for _ in range(3):
        await world.run_later(minutes=90)

    assert (await world.order("1001")).conflict is None


async def test_tombstone_refuses_and_tells_who(world: World) -> None:
    """Whoever packs a deleted order is told who deleted it, and that it can be restored."""
    await deleted(world)

    with pytest.raises(TransitionError) as caught:
        await world.process("1001")

    assert str(caught.value) == (
        "Shop/north/1001: a deleted order cannot be processed; it was deleted by Ada at 2026-01-05 09:20Z "
        "(a twin of 1000); from here it can be restored"
    )


async def test_everything_ever_stored_is_found(world: World) -> None:
    """Orders in any state are found by reference, API id and secondary reference; case, blanks and a # are forgiven."""
    for reference in ("A-1", "A-2", "A-3", "A-4"):
        world.shop.place(reference, lines={"MUG": 1})
    world.market.place("A-1", lines={"MUG": 1})
    await world.run()
    await world.desk.cancel(OrderKey(SHOP, "A-2"))
    await world.desk.delete(OrderKey(SHOP, "A-3"), who="Ada", why="a twin")
    await world.process("A-4")
    find = world.storage.orders.find

    for text, keys in {
        "A-1": [(MARKET, "A-1"), (SHOP, "A-1")],
        "  #a-2 ": [(SHOP, "A-2")],
        "# A-3": [(SHOP, "A-3")],
        "a-4": [(SHOP, "A-4")],
        "ID-a-3": [(SHOP, "A-3")],
        "A-9": [],
        "": [],
    }.items():
        assert [(one.key.channel, one.key.reference) for one in await find(text)] == keys, text
    assert [one.key.channel for one in await find("a-1", channel=MARKET)] == [MARKET]
    assert await find("a-3", states=[OrderState.OPEN]) == []
    assert len(await find("a-3", states=[OrderState.OPEN, OrderState.DELETED])) == 1


async def test_unpaid_order_is_restored_parked(world: World) -> None:
    """An unpaid order that was deleted comes back parked, and its payment unparks it though it moves no timestamp."""
    shop = world.open(SHOP, ChannelSettings(download_unpaid=True))
    shop.list_sku("MUG", 10)
    shop.place("1001", lines={"MUG": 1}, paid=False)
    await world.run(shop)
    await world.desk.delete(KEY, who="Ada", why="a twin")
    await world.run_later(shop)
    assert (await world.desk.restore(KEY, who="Bob")).parked == "not paid (unpaid)"
    await come_to_rest(world, shop)

    shop.pay("1001", silently=True)
    for _ in range(3):
        await world.run_later(shop, minutes=30)

    assert (await world.order("1001")).parked is None
