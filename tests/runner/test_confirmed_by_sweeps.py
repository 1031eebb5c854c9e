"""Notes of channels that cannot be asked: only a later sweep that the order has left says that they arrived."""

from __future__ import annotations

from datetime import timedelta

from ordersync import OrderKey
from ordersync.testing import BareMarketplace
from runner.looking import ForgetfulBare, by_state, four_open
from runner.world import SHOP, World, counts

KEY = OrderKey(SHOP, "1001")


async def test_order_that_sweeps_still_show_is_not_confirmed(memory_world: World) -> None:
    """While sweeps show an order, and be it in the very moment of the look, its note is not known to have arrived."""
    shop: BareMarketplace = by_state(BareMarketplace, memory_world)
    await four_open(memory_world, shop)
    await memory_world.process("1001", id="p1", lines={"L1": 1})

    for _ in range(4):
        await memory_world.run_later(shop)

    assert await memory_world.statuses("1001") == ["sent"]


async def test_sweep_that_began_when_the_note_was_sent_is_too_early(memory_world: World) -> None:
    """A sweep without the order confirms nothing that was sent after it began, and the next one does."""
    shop: ForgetfulBare = by_state(ForgetfulBare, memory_world)
    await four_open(memory_world, shop)
    await memory_world.process("1001")
    shop.hidden = {"1001"}

    await memory_world.run_later(shop)
    assert await memory_world.statuses("1001") == ["sent"]
    report = await memory_world.run_later(shop)

    assert await memory_world.statuses("1001") == ["confirmed"]
    assert counts(report.channels[SHOP])["confirmed"] == 1


async def test_sweep_counts_once_the_channels_lag_is_over(memory_world: World) -> None:
    """Where lists show a change late, a sweep within that time after a note was sent confirms nothing."""
    world = memory_world
    shop = ForgetfulBare(SHOP, clock=world.clock, scan="state", listing_lag=timedelta(minutes=15))
    shop.list_sku("MUG", 10)
    for reference in ("1001", "1002", "1003"):
        shop.place(reference, lines={"MUG": 1})
    await world.run_later(shop, minutes=20)
    await world.process("1001")
    await world.run_later(shop)
    shop.hidden = {"1001"}

    await world.run_later(shop)
    assert await world.statuses("1001") == ["sent"]
    for _ in range(2):
        await world.run_later(shop, minutes=30)

    assert await world.statuses("1001") == ["confirmed"]
