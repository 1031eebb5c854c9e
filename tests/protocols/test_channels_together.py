"""Rules 24 and 25: what runners that hold different channels, or different settings, owe each other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta

import pytest

from ordersync import ChannelId, ChannelSettings, StockRule, SyncRunner, beliefs
from ordersync.model.runs import EntryKind
from ordersync.storage.memory import MemoryListingBook, MemoryStockLedger
from ordersync.sync.channel_run import ChannelRun
from protocols.world import MARKET, ONCE, SHOP, SKU, Calls, World, breaks, kept_and_taken_out

Mistake = Callable[[pytest.MonkeyPatch], None]
FORGOTTEN = "the shop was never told of the new level"


def marks_its_own_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant: a runner marks the listings of the channel that it holds."""

    async def mark(book: MemoryListingBook, skus: Collection[str]) -> None:
        book._change(MARKET, beliefs.marked, where=lambda listing: not set(skus).isdisjoint(listing.components))

    monkeypatch.setattr(MemoryListingBook, "mark", mark)


@kept_and_taken_out
async def test_rule_24_disabled_channel_of_another_runner_is_marked(
    *, taken_out: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A level that changed while a channel was disabled, and was announced by a runner of another, is told later."""
    if taken_out:
        marks_its_own_channel(monkeypatch)
    journal = world.storage.journal
    await journal.disable(SHOP, by="Ada", cause="holidays", at=world.clock.now())
    await world.stocktake(7)
    await world.run(world.market)

    await journal.enable(SHOP, by="Ada", at=world.clock.now())
    await world.drain()

    with breaks(taken_out, FORGOTTEN):
        assert world.shop.levels == {SKU: 7}, FORGOTTEN
    assert world.market.levels == {SKU: 7}


@kept_and_taken_out
async def test_rule_24_acknowledging_is_conditional_on_the_version(
    *, taken_out: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A level that changes again between the mark and the acknowledgement is announced again."""
    if taken_out:

        async def blindly(ledger: MemoryStockLedger, versions: Mapping[str, int]) -> None:
            for sku in versions:
                ledger._acknowledged[sku] = ledger._versions[sku]

        monkeypatch.setattr(MemoryStockLedger, "acknowledge", blindly)
    await world.stocktake(7)
    calls = Calls()
    pause = calls.pause("stock.acknowledge")
    run = world.start(world.runner(calls, channels=(world.market,)).run_once())
    await pause.reached()
    await world.run(world.shop)
    await world.stocktake(6)

    pause.go_on()
    await run
    await world.drain()

    with breaks(taken_out, FORGOTTEN):
        assert world.shop.levels == {SKU: 6}, FORGOTTEN


@kept_and_taken_out
async def test_rule_24_acknowledging_comes_after_every_mark(
    *, taken_out: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A runner that dies before it has marked the listings leaves the change announced."""
    if taken_out:

        async def too_early(run: ChannelRun) -> None:
            while versions := await run.storage.stock.changed(limit=100):
                await run.storage.stock.acknowledge(versions)
                await run.storage.listings.mark(sorted(versions))

        monkeypatch.setattr("ordersync.sync.publish.announce", too_early)
        monkeypatch.setattr("ordersync.sync.channel_task.announce", too_early)
    await world.stocktake(7)
    calls = Calls()
    pause = calls.pause("listings.mark")
    world.start(world.runner(calls).run_once())
    await pause.reached()
    world.clock.advance(minutes=5)

    await world.drain()

    with breaks(taken_out, FORGOTTEN):
        assert world.shop.levels == {SKU: 7}, FORGOTTEN


async def test_rule_24_no_fence_is_needed_to_mark(world: World) -> None:
    """A runner that was overtaken on its own channel still marks the listings of all, since a mark can do no harm."""
    await world.stocktake(7)
    calls = Calls()
    pause = calls.pause("listings.mark")
    sleeper = world.start(world.runner(calls, channels=(world.market,)).run_once())
    await pause.reached()
    world.clock.advance(minutes=5)
    await world.run(world.market)
    wanted = (await world.listing(SHOP)).wanted

    pause.go_on()
    report = await sleeper

    assert report.channels[MARKET].status == "lost"
    assert (await world.listing(SHOP)).wanted > wanted


def runner_with(world: World, rule: StockRule) -> SyncRunner:
    """Return a runner whose market follows another rule."""
    market = world.market.with_settings(ChannelSettings(stock_rule=rule))
    return SyncRunner([market], world.storage, clock=world.clock, retry=ONCE)


async def conflicts(world: World, channel: ChannelId) -> list[str]:
    """Return which conflicts the journal names."""
    entries = await world.storage.journal.entries(channel=channel, kinds=[EntryKind.CONFLICT])
    return [entry.code for entry in entries]


@kept_and_taken_out
async def test_rule_25_two_configurations_do_not_fight(
    *, taken_out: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two runners with different rules for one channel, the journal names the conflict, and one level stays."""
    fact = "two runners push each other's levels"
    if taken_out:
        monkeypatch.setattr("ordersync.sync.publish.RULE_HOLD", timedelta(0))
    ours, theirs = runner_with(world, StockRule()), runner_with(world, StockRule(buffer=4))
    told = len(world.market.levels_applied)

    for _ in range(5):
        for runner in (ours, theirs):
            world.clock.advance(minutes=3)
            await runner.run_once()

    with breaks(taken_out, fact):
        assert len(world.market.levels_applied) - told <= 1, fact
    assert set(await conflicts(world, MARKET)) == (set() if taken_out else {"CONFIGURATION_CONFLICT"})
