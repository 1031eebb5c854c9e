"""Kits and their components sold side by side: they share stock, and each listing has its own belief."""

from __future__ import annotations

from ordersync import OrderKey
from runner.world import MARKET, SHOP, World, counts, remarks


async def kits_beside_singles(world: World) -> None:
    """Sell mugs alone on both marketplaces, and a set of two mugs and a lid as well; ten mugs and eight lids lie."""
    await world.stock("LID", 8)
    for channel in (world.shop, world.market):
        await world.sell(channel, "SET", 5, {"MUG": 2, "LID": 1})
    await world.run()
    assert world.shop.levels == world.market.levels == {"MUG": 10, "SET": 5}
    world.clock.advance(minutes=10)


async def test_sale_of_a_single_lowers_the_kits(world: World) -> None:
    """A mug sold alone leaves fewer sets everywhere, its own channel included (nopSolutions/nopCommerce#5699)."""
    await kits_beside_singles(world)
    world.shop.place("1001", lines={"MUG": 3})

    await world.run_later()

    assert world.market.levels == {"MUG": 7, "SET": 3}
    assert world.shop.levels == {"MUG": 7, "SET": 3}


async def test_sale_of_a_kit_lowers_the_singles(world: World) -> None:
    """A set sold leaves fewer mugs to be sold alone, in real time on every channel (frappe/erpnext#49021)."""
    await kits_beside_singles(world)
    world.market.place("1001", lines={"SET": 2})

    await world.run_later()

    assert world.shop.levels == {"MUG": 6, "SET": 3}
    assert world.market.levels == {"MUG": 6, "SET": 3}
    assert ((await world.level("MUG")).reserved, (await world.level("LID")).reserved) == (4, 2)


async def test_sale_of_a_kit_lowers_the_belief_of_the_kit_alone(world: World) -> None:
    """The channel that sold a set has taken off the set, and shows as many single mugs as before until it is told."""
    await kits_beside_singles(world)
    world.shop.place("1001", lines={"SET": 1})
    before = len(world.shop.levels_applied)

    report = await world.run_later()

    believed = {name: one.believed for name, one in (await world.listings(SHOP)).items()}
    assert believed == world.shop.levels == {"MUG": 8, "SET": 4}
    sent = [(str(one.listing), one.quantity) for one in world.shop.levels_applied[before:]]
    assert sent == [("MUG", 8)]
    assert counts(report.channels[SHOP])["pushed"] == 1


async def test_stock_below_a_kit_is_shared_once(world: World) -> None:
    """Kit and single of one order take from the same mugs, which are reserved as the sum (medusajs/medusa#16502)."""
    await kits_beside_singles(world)
    world.shop.place("1001", lines={"SET": 3, "MUG": 2})

    await world.run_later()

    assert (await world.order("1001")).wanted == {("MUG", "main"): 8, ("LID", "main"): 3}
    assert (await world.level("MUG")).reserved == 8
    assert world.market.levels == {"MUG": 2, "SET": 1}


async def test_two_lines_of_one_sku_are_reserved_as_the_sum(world: World) -> None:
    """Neither two lines of one order nor two orders of one page hide each other's demand (medusajs/medusa#16502)."""
    await world.sell(world.shop, "MUG (old name)", 10, "MUG")
    await world.run()
    world.shop.place("1001", lines={"MUG": 6, "MUG (old name)": 3})
    world.shop.place("1002", lines={"MUG": 4})

    report = await world.run_later()

    assert (await world.order("1001")).wanted == {("MUG", "main"): 9}
    assert (await world.level()).reserved == 13
    assert world.market.levels == {"MUG": 0}
    assert [code for code, _ in remarks(report.channels[SHOP], "short")] != []


async def test_both_sell_the_last_ones_at_once(world: World) -> None:
    """The last set and the last mugs sold at the same time on two channels are both kept, and the shortage is told."""
    await kits_beside_singles(world)
    world.shop.place("1001", lines={"SET": 5})
    world.market.place("2001", lines={"MUG": 10})

    report = await world.run_later()

    level = await world.level("MUG")
    assert (level.on_hand, level.reserved, level.available) == (10, 20, -10)
    assert world.shop.levels == world.market.levels == {"MUG": 0, "SET": 0}
    assert any(remarks(one, "short") for one in report.channels.values())


async def test_processing_a_kit_takes_its_components(world: World) -> None:
    """A set that is packed is taken off the shelf piece by piece, and nothing of it stays reserved."""
    await kits_beside_singles(world)
    world.shop.place("1001", lines={"SET": 2})
    await world.run_later()

    await world.process("1001")

    mugs, lids = await world.level("MUG"), await world.level("LID")
    assert (mugs.on_hand, mugs.reserved, lids.on_hand, lids.reserved) == (6, 0, 6, 0)
    await world.run_later()
    assert world.market.levels == {"MUG": 6, "SET": 3}


async def test_cancelled_kit_gives_everything_back(world: World) -> None:
    """A set whose order is cancelled leaves every channel as it was before it was sold."""
    await kits_beside_singles(world)
    world.market.place("1001", lines={"SET": 2})
    await world.run_later()

    await world.desk.cancel(OrderKey(MARKET, "1001"))
    await world.run_later()

    assert world.shop.levels == world.market.levels == {"MUG": 10, "SET": 5}


async def test_nested_kits_are_sold_down_to_the_shelf(world: World) -> None:
    """A hamper of sets reserves what is on the shelf in the end, and shows what the scarcest piece allows."""
    await kits_beside_singles(world)
    await world.stock("TEA", 9)
    await world.storage.listings.define_kit("SET OF OURS", {"MUG": 2, "LID": 1})
    await world.storage.listings.define_kit("HAMPER", {"SET OF OURS": 2, "TEA": 3, "MUG": 1})
    await world.sell(world.market, "HAMPER", 0)
    await world.run_later()
    assert world.market.levels == {"MUG": 10, "SET": 5, "HAMPER": 2}

    world.market.place("1001", lines={"HAMPER": 1})
    await world.run_later()

    assert (await world.order("1001", MARKET)).wanted == {("MUG", "main"): 5, ("LID", "main"): 2, ("TEA", "main"): 3}
    assert world.market.levels == {"MUG": 5, "SET": 2, "HAMPER": 1}
    assert world.shop.levels == {"MUG": 5, "SET": 2}


async def test_kit_defined_anew_counts_for_later_orders(world: World) -> None:
    """Another recipe is published at once and holds for later orders; an order keeps what it was saved with."""
    await world.storage.listings.define_kit("PAIR", {"MUG": 2})
    await world.sell(world.shop, "PAIR", 5)
    await world.run()
    world.shop.place("1001", lines={"PAIR": 1})
    await world.run_later()

    await world.storage.listings.define_kit("PAIR", {"MUG": 3})
    await world.run_later()
    assert world.shop.levels == {"MUG": 8, "PAIR": 2}
    world.shop.place("1002", lines={"PAIR": 1})
    await world.run_later()

    assert (await world.order("1001")).wanted == {("MUG", "main"): 2}
    assert (await world.order("1002")).wanted == {("MUG", "main"): 3}
    assert world.shop.levels == world.market.levels | {"PAIR": 1} == {"MUG": 5, "PAIR": 1}


async def test_unlinked_kit_is_shadow_demand(world: World) -> None:
    """A set unlinked by a person is told no level any more, and an order of it waits, unlinked, for a new link."""
    await kits_beside_singles(world)
    await world.storage.listings.unlink(SHOP, "SET")
    world.shop.place("1001", lines={"SET": 1})
    await world.stock("LID", 1)
    await world.run_later()

    assert [line.channel_sku for line in (await world.order("1001")).unlinked] == ["SET"]
    assert world.shop.levels == {"MUG": 10, "SET": 4}
    assert world.market.levels == {"MUG": 10, "SET": 1}

    await world.storage.listings.link(SHOP, "SET", {"MUG": 2, "LID": 1})
    await world.run_later()
    assert (await world.order("1001")).wanted == {("MUG", "main"): 2, ("LID", "main"): 1}
    assert world.shop.levels == world.market.levels == {"MUG": 8, "SET": 0}
