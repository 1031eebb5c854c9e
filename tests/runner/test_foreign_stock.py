"""The whole workflow on a ledger that is not ours: an ERP's, behind five verbs."""

from __future__ import annotations

import pytest

from ordersync import OrderKey, OrderState
from runner.world import SHOP, World
from storage.foreign_ledger import DictLedger


@pytest.fixture
def erp() -> DictLedger:
    """Keep ten mugs in an ERP."""
    ledger = DictLedger()
    ledger.receive("MUG", location="main", quantity=10)
    return ledger


@pytest.fixture
async def foreign(world: World, erp: DictLedger) -> World:
    """The same world with the ERP's stock in place of ours."""
    ours = World(world.storage.replace(stock=erp), world.clock)
    ours.shop, ours.market = world.shop, world.market
    return ours


async def test_seven_steps_on_foreign_stock(foreign: World, erp: DictLedger) -> None:
    """Orders reserve in the ERP, channels show its levels, and a parcel is booked out of it once."""
    await foreign.run()
    foreign.clock.advance(minutes=5)
    foreign.shop.place("1001", lines={"MUG": 3})

    await foreign.run_later()

    assert (await foreign.order("1001")).state is OrderState.OPEN
    assert (await foreign.level()).reserved == 3
    assert foreign.shop.levels == foreign.market.levels == {"MUG": 7}

    await foreign.process("1001", id="p1", lines={"L1": 2})
    await foreign.process("1001", id="p1", lines={"L1": 2})
    assert (erp.goods["MUG", "main"], (await foreign.level()).reserved) == (8, 1)
    await foreign.process("1001", id="p2", tracking_number="JD02")
    await foreign.run_later()

    assert erp.goods["MUG", "main"] == 7
    assert erp.documents == {"Shop/north/1001/parcel/p1", "Shop/north/1001/parcel/p2"}
    assert foreign.shop.orders["1001"].status == "Shipped"
    assert await foreign.statuses("1001") == ["confirmed", "confirmed"]


async def test_goods_that_the_erp_receives_are_published(foreign: World, erp: DictLedger) -> None:
    """A ledger without a change feed has all levels compared in each run, and only what differs is sent."""
    await foreign.run()
    pushes = foreign.shop.calls["push_stock"]
    erp.receive("MUG", location="main", quantity=5)

    await foreign.run_later()
    assert foreign.shop.levels == foreign.market.levels == {"MUG": 15}
    await foreign.run_later()

    assert foreign.shop.calls["push_stock"] == pushes + 1


async def test_cancelled_order_frees_foreign_stock(foreign: World, erp: DictLedger) -> None:
    """A cancelled order books nothing in the ERP any more."""
    foreign.shop.place("1001", lines={"MUG": 3})
    await foreign.run()

    await foreign.desk.cancel(OrderKey(SHOP, "1001"))

    assert erp.bookings[OrderKey(SHOP, "1001")].wanted == {}
    await foreign.run_later()
    assert foreign.market.levels == {"MUG": 10}


async def test_erp_restored_from_a_backup_is_overtaken(foreign: World, erp: DictLedger) -> None:
    """A ledger that holds a higher revision than the order ever had is given the order's wants all the same."""
    foreign.shop.place("1001", lines={"MUG": 3})
    await foreign.run()
    key = OrderKey(SHOP, "1001")
    claim = erp.bookings[key]
    erp.bookings[key] = type(claim)(order_key=key, revision=40, wanted={("MUG", "main"): 9})
    foreign.clock.advance(minutes=1)
    foreign.shop.edit("1001", {"MUG": 2})

    await foreign.run_later()
    await foreign.run_later()

    assert erp.bookings[key].wanted == {("MUG", "main"): 2}


async def test_stock_moves_to_another_ledger(world: World, erp: DictLedger) -> None:
    """After the ledger is replaced every order is made due, and the new one holds what they want."""
    world.shop.place("1001", lines={"MUG": 3})
    await world.run()
    foreign = World(world.storage.replace(stock=erp), world.clock)

    await foreign.storage.orders.rewant_all()
    await foreign.run_later(world.shop, world.market)

    assert erp.bookings[OrderKey(SHOP, "1001")].wanted == {("MUG", "main"): 3}
