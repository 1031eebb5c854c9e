"""What the protocols leave open: each fails today, and says what would have to hold."""

from __future__ import annotations

import pytest

from ordersync import ChannelSettings, OrderState, StockRule, SyncRunner
from ordersync.storage.memory import MemoryOrderStore
from protocols.conftest import MakeWorld
from protocols.world import MARKET, ONCE, SKU, World, key

OWN_RULE = "adopt_rule marks listings without a rule of their own, and a map of locations counts for the others, too"
TOMBSTONE = "a tombstone is skipped before anybody asks whether the channel moved its levels"
SAME_REVISION = "a ledger that holds another list under the same revision answers as if it held ours"
UNDONE = "a change that is undone before it is looked at leaves the digest as it was"


@pytest.mark.xfail(strict=True, raises=AssertionError, reason=OWN_RULE)
async def test_rule_18_map_of_locations_makes_listings_with_a_rule_of_their_own_due(make_world: MakeWorld) -> None:
    """A channel location that is mapped elsewhere shows what lies there, also under a rule of its own."""
    world = make_world(settings=ChannelSettings(location={"north": "main"}))
    await world.stocktake(10)
    world.market.list_sku(SKU, 10, location="north")
    await world.storage.listings.link(MARKET, SKU, SKU, channel_location="north", rule=StockRule(buffer=1))
    await world.run()
    assert world.market.levels == {f"{SKU}@north": 9}

    moved = world.market.with_settings(ChannelSettings(location={"north": "depot"}))
    await SyncRunner([moved], world.storage, clock=world.clock, retry=ONCE).run_once()

    assert world.market.levels == {f"{SKU}@north": 0}


@pytest.mark.xfail(strict=True, raises=AssertionError, reason=TOMBSTONE)
async def test_rule_17_deleted_order_doubts_its_listing(world: World) -> None:
    """An order that was deleted here first still doubts its listing when the shop cancels it, too."""
    world.shop.place("1001", lines={SKU: 1})
    await world.run()
    await world.change(key(), state=OrderState.DELETED)
    await world.settle(key())
    await world.run()
    world.clock.advance(minutes=5)
    world.shop.cancel("1001")

    await world.drain()

    assert world.shop.levels == {SKU: 10}


@pytest.mark.xfail(strict=True, raises=AssertionError, reason=SAME_REVISION)
async def test_rule_07_ledger_that_knows_as_much_is_overtaken(world: World) -> None:
    """After a restored backup, an order that reaches the revision that the ledger remembers holds what it wants now."""
    world.shop.place("1001", lines={SKU: 2})
    await world.run()
    store, backup = world.storage.orders, await world.order(key())
    assert isinstance(store, MemoryOrderStore)
    await world.desk().cancel(key())
    store._orders[key()] = backup

    await world.change(key(), location="depot")
    await world.drain(times=2)

    assert await world.reserved("depot") == 2


@pytest.mark.xfail(strict=True, raises=AssertionError, reason=UNDONE)
async def test_rule_17_change_that_was_undone_unseen_doubts_its_listing(world: World) -> None:
    """An order that was cancelled, not put back, and revived between two looks has taken its pieces twice."""
    world.shop.place("1001", lines={SKU: 1})
    await world.run()
    world.clock.advance(minutes=5)
    world.shop.cancel("1001", restock=False)
    world.shop.revive("1001")

    await world.drain()

    assert world.shop.levels == {SKU: 9}
