"""Two runners with different stock rules for one channel: what is said of it, and what is left undone."""

from __future__ import annotations

from ordersync import ChannelSettings, StockRule
from ordersync.model.runs import EntryKind
from runner.world import MARKET, World, counts

SENTENCE = "two runners have different stock rules for this channel; its listings stay as they are"


async def test_conflict_of_configurations_is_said_and_costs_no_second_download(memory_world: World) -> None:
    """Whoever has the other rule is told so, writes it down, pushes nothing, and reads the orders once as ever."""
    world = memory_world
    await world.run()
    await world.run_later(world.market.with_settings(ChannelSettings(stock_rule=StockRule(buffer=4))))
    await world.stock("MUG", 7)
    pages, pushes = world.market.calls["fetch_orders"], world.market.calls["push_stock"]

    report = await world.run_later(world.market)

    (remark,) = [one for one in report.channels[MARKET].remarks if one.kind == "conflict"]
    assert (remark.code, remark.subject, remark.sentence) == ("CONFIGURATION_CONFLICT", "stock rule", SENTENCE)
    written = {(one.code, one.message) for one in await world.journal(MARKET, EntryKind.CONFLICT)}
    assert written == {("CONFIGURATION_CONFLICT", SENTENCE)}
    assert counts(report.channels[MARKET]) == {}
    assert (world.market.calls["fetch_orders"], world.market.calls["push_stock"]) == (pages + 1, pushes)
