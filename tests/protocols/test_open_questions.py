"""What the protocols leave open: each fails today, and says what would have to hold."""

from __future__ import annotations

import pytest

from ordersync.storage.memory import MemoryOrderStore
from protocols.world import SKU, World, key

SAME_REVISION = "a ledger that holds another list under the same revision answers as if it held ours"
UNDONE = "a change that is undone before it is looked at leaves the digest as it was"


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
