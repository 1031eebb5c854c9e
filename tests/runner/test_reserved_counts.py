"""How many orders a run settles, whatever its batches are."""

from __future__ import annotations

from ordersync import Event
from ordersync.model.events import OrdersReserved
from ordersync.sync.reserve import BATCH
from runner.world import SHOP, World


async def test_every_settled_order_is_counted(memory_world: World) -> None:
    """More orders than one batch holds are settled in one run, batch by batch, and each counts once."""
    world, told = memory_world, list[Event]()
    shop = world.open(SHOP, page_size=BATCH)
    for number in range(BATCH + 1):
        shop.place(f"{number}", lines={"MUG": 1})

    report = await world.run(shop, observers=[told.append])
    again = await world.run(shop)

    assert [one.orders for one in told if isinstance(one, OrdersReserved)] == [BATCH, 1]
    assert (report.channels[SHOP].reserved, again.channels[SHOP].reserved) == (BATCH + 1, 0)
    assert (await world.level()).reserved == BATCH + 1
