"""What made the users of other systems oversell, tried here; each test names its case."""

from __future__ import annotations

import pytest

from ordersync import ChannelSettings, OrderKey, OrderState, PaymentStatus
from ordersync.model.orders import ConflictCode
from runner.settled import adds_up_at_rest, come_to_rest
from runner.world import MARKET, SHOP, World, remarks

KEY = OrderKey(SHOP, "1001")
TEN = {("MUG", "main"): 10}


async def available(world: World, sku: str = "MUG") -> tuple[int, int]:
    """Return what is available, and what the other channel shows."""
    return (await world.level(sku)).available, world.market.levels[sku]


async def test_cancellation_told_twice_frees_once(world: World) -> None:
    """A cancellation that arrives by two ways frees its stock once (hipay/hipay-fullservice-sdk-magento2#161)."""
    world.shop.place("1001", lines={"MUG": 3})
    await come_to_rest(world)
    world.shop.cancel("1001")
    await world.runner().hint(KEY)
    await world.run_later(minutes=90)
    world.shop.set_status("1001", "Cancelled")
    await come_to_rest(world)

    assert await available(world) == (10, 10)
    await adds_up_at_rest(world, TEN)


@pytest.mark.parametrize("person_first", [True, False])
async def test_two_who_cancel_free_once(world: World, *, person_first: bool) -> None:
    """A refused payment cancelled by a person and by the channel frees its stock once (Adyen/adyen-magento2#1174)."""
    world.shop.place("1001", lines={"MUG": 3})
    await come_to_rest(world)
    if person_first:
        await world.desk.cancel(KEY, who="Ada", why="payment refused")
        world.shop.cancel("1001")
    else:
        world.shop.cancel("1001")
        await world.run_later()
        with pytest.raises(Exception, match="a cancelled order cannot be cancelled; it was cancelled by the channel"):
            await world.desk.cancel(KEY, who="Ada", why="payment refused")
    await come_to_rest(world)

    assert await available(world) == (10, 10)
    await adds_up_at_rest(world, TEN)


async def test_failed_payment_frees_once(world: World) -> None:
    """A payment that fails and is then cancelled puts no stock on sale twice (hipay-fullservice-sdk-magento2#163)."""
    shop = world.open(SHOP, ChannelSettings(download_unpaid=True))
    shop.list_sku("MUG", 10)
    shop.place("1001", lines={"MUG": 1}, paid=False)
    await come_to_rest(world, shop, world.market)
    shop.pay("1001", payment=PaymentStatus.FAILED)
    await world.run_later(shop, world.market)
    shop.cancel("1001")
    await come_to_rest(world, shop, world.market)

    assert await available(world) == (10, 10)


@pytest.mark.parametrize("times", [1, 4])
async def test_cancelled_then_paid_reserves_again(world: World, times: int) -> None:
    """An order cancelled for want of payment and paid after all reserves again, each time (mollie/magento2#164)."""
    world.shop.place("1001", lines={"MUG": 3})
    await come_to_rest(world)
    for _ in range(times):
        world.shop.cancel("1001")
        await come_to_rest(world, runs=2)
        assert await available(world) == (10, 10)
        world.shop.revive("1001")
        await come_to_rest(world, runs=2)
        assert await available(world) == (7, 7)
    await world.process("1001")
    await come_to_rest(world)

    assert await available(world) == (7, 7)
    assert await world.statuses("1001") == ["confirmed"]
    await adds_up_at_rest(world, TEN)


async def test_shipping_a_revived_order_raises_nothing(world: World) -> None:
    """The shipment of an order that was cancelled and revived leaves no piece too many (paynl/magento2-plugin#220)."""
    world.shop.place("1001", lines={"MUG": 1})
    await world.run()
    world.shop.cancel("1001")
    world.shop.revive("1001")
    await world.run_later()
    await world.process("1001")
    await come_to_rest(world)

    level = await world.level()
    assert (level.on_hand, level.reserved, level.available) == (9, 0, 9)
    await adds_up_at_rest(world, TEN)


async def test_revived_order_that_was_sold_meanwhile_is_short_by_name(world: World) -> None:
    """An order revived after its pieces were sold to another reserves all the same and is named short (mollie#164)."""
    world.shop.place("1001", lines={"MUG": 8})
    await come_to_rest(world)
    world.shop.cancel("1001")
    await come_to_rest(world)
    world.market.place("2001", lines={"MUG": 9})
    await come_to_rest(world)
    world.shop.revive("1001")
    report = await world.run_later()

    assert (await world.level()).available == -7
    assert remarks(report.channels[SHOP], "short") == [("OVERSOLD", "MUG")]


async def sell_sets(world: World, mugs: int = 10, lids: int = 10) -> None:
    """Sell, beside single mugs, sets of two mugs and a lid, and pairs of one each."""
    await world.stock("MUG", mugs)
    await world.stock("LID", lids)
    for market in (world.shop, world.market):
        await world.sell(market, "SET", 0, {"MUG": 2, "LID": 1})
        await world.sell(market, "PAIR", 0, {"MUG": 1, "LID": 1})


async def test_component_sold_in_sets_and_alone_is_counted_once(world: World) -> None:
    """Pieces that sets and single sales share are not subtracted twice from either (frappe/erpnext#49021)."""
    await sell_sets(world)
    await come_to_rest(world)
    world.shop.place("1001", lines={"SET": 2, "MUG": 1})
    await come_to_rest(world)

    mugs, lids = await world.level(), await world.level("LID")
    assert (mugs.reserved, mugs.available, lids.available) == (5, 5, 8)
    assert world.market.levels == {"MUG": 5, "SET": 2, "PAIR": 5}
    await adds_up_at_rest(world, {**TEN, ("LID", "main"): 10})


async def test_lines_that_share_a_component_are_summed(world: World) -> None:
    """Lines of one order whose sets share a component reserve their sum, oversold by name (medusajs/medusa#16502)."""
    await sell_sets(world, mugs=5)
    await come_to_rest(world)
    world.shop.place("1001", lines={"SET": 2, "PAIR": 4})
    report = await world.run_later()
    await come_to_rest(world)

    mugs = await world.level()
    assert (mugs.reserved, mugs.available) == (8, -3)
    assert remarks(report.channels[SHOP], "short") == [("OVERSOLD", "MUG")]
    assert world.market.levels == {"MUG": 0, "SET": 0, "PAIR": 0}
    await adds_up_at_rest(world, {("MUG", "main"): 5, ("LID", "main"): 10})


@pytest.mark.parametrize("sku", ["MUG", "SET"])
async def test_order_cancelled_after_it_was_shipped_frees_nothing(world: World, sku: str) -> None:
    """An order, of a set too, that was shipped and is then cancelled frees nothing (magento/inventory#1849, #1878)."""
    await sell_sets(world)
    await come_to_rest(world)
    world.shop.place("1001", lines={sku: 2})
    await world.run_later()
    await world.process("1001")
    world.shop.cancel("1001")
    await come_to_rest(world)

    order, level = await world.order("1001"), await world.level()
    assert (level.on_hand, level.reserved) == (10 - 2 * (2 if sku == "SET" else 1), 0)
    assert (order.state, order.conflict and order.conflict.code) == (
        OrderState.PROCESSED,
        ConflictCode.CANCELLED_AFTER_PROCESSING,
    )
    assert world.shop.shipments == []
    await adds_up_at_rest(world, {**TEN, ("LID", "main"): 10})


@pytest.mark.parametrize("by_person", [True, False])
async def test_order_cancelled_after_a_part_frees_the_rest(world: World, *, by_person: bool) -> None:
    """A cancellation behind a part of two lines frees what was not sent, line by line (magento/inventory#1881)."""
    await sell_sets(world)
    await come_to_rest(world)
    world.shop.place("1001", lines={"MUG": 4, "PAIR": 3})
    await world.run_later()
    await world.process("1001", id="p1", lines={"L1": 3, "L2": 1})
    await come_to_rest(world)
    if by_person:
        await world.desk.cancel(KEY, who="Ada", why="no more")
    else:
        world.shop.cancel("1001")
    await come_to_rest(world)

    mugs, lids = await world.level(), await world.level("LID")
    assert (mugs.on_hand, mugs.reserved, lids.on_hand, lids.reserved) == (6, 0, 9, 0)
    assert world.market.levels["MUG"] == 6
    await adds_up_at_rest(world, {**TEN, ("LID", "main"): 10})


async def test_sets_cancelled_after_a_part_free_the_rest(world: World) -> None:
    """Of five sets of which three were sent a cancellation frees two, in components (magento/inventory#1887)."""
    await sell_sets(world)
    await come_to_rest(world)
    world.shop.place("1001", lines={"SET": 5})
    await world.run_later()
    await world.process("1001", id="p1", lines={"L1": 3})
    await come_to_rest(world)
    world.shop.cancel("1001")
    await come_to_rest(world)

    mugs, lids = await world.level(), await world.level("LID")
    assert (mugs.on_hand, mugs.reserved, lids.on_hand, lids.reserved) == (4, 0, 7, 0)
    assert world.market.levels == {"MUG": 4, "SET": 2, "PAIR": 4}
    await adds_up_at_rest(world, {**TEN, ("LID", "main"): 10})


async def test_cancelled_order_frees_every_location(world: World) -> None:
    """Orders of two locations free their stock in both when they are cancelled (grandnode/grandnode#560)."""
    await world.stock("MUG", 10, location="hall")
    for reference in ("1001", "1002"):
        world.shop.place(reference, lines={"MUG": 2})
    await world.run()
    await world.desk.move(OrderKey(SHOP, "1002"), "hall", who="Ada")
    assert [level.reserved for level in await world.storage.stock.levels(["MUG"])] == [2, 2]
    for reference in ("1001", "1002"):
        world.shop.cancel(reference)
    await come_to_rest(world)

    assert [level.reserved for level in await world.storage.stock.levels(["MUG"])] == [0, 0]
    await adds_up_at_rest(world, {**TEN, ("MUG", "hall"): 10})


async def test_cancellation_of_a_cancelled_order_raises_nothing_for_ever(world: World) -> None:
    """A cancellation that is shown again in every run adds nothing to stock in any of them (mollie/magento2#240)."""
    world.shop.place("1001", lines={"MUG": 3})
    await world.run()
    world.shop.cancel("1001")
    for _ in range(6):
        world.shop.hold("1001")
        await world.run_later(minutes=90)

    assert await available(world) == (10, 10)
    await adds_up_at_rest(world, TEN)


async def test_order_that_is_short_can_be_cancelled(world: World) -> None:
    """An order cancelled while available is below zero frees its stock like any other (medusajs/medusa#12796)."""
    world.shop.place("1001", lines={"MUG": 8})
    world.market.place("2001", lines={"MUG": 8})
    await come_to_rest(world)
    assert (await world.level()).available == -6
    await world.desk.cancel(KEY, who="Ada", why="sold twice")
    await come_to_rest(world)

    assert (await world.level()).available == 2
    assert (world.shop.levels["MUG"], world.market.levels["MUG"]) == (2, 2)
    assert (await world.order("2001", MARKET)).state is OrderState.OPEN
    await adds_up_at_rest(world, TEN)
