"""Rule 18 again: settings that change what listings should show."""

from __future__ import annotations

from ordersync import ChannelSettings, StockRule, SyncRunner
from protocols.conftest import MakeWorld
from protocols.world import MARKET, ONCE, SKU


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
