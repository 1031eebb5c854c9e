"""What the rules leave to good sense: stale read-backs, poisoned batches, a switch that is turned meanwhile."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from ordersync import ChannelSettings, Listing, StockOutcome, beliefs
from ordersync.errors import ChannelUnavailableError
from ordersync.model.listings import Answer
from ordersync.model.runs import ChannelState
from ordersync.sync import channel_task
from ordersync.sync.channel_run import ChannelRun
from ordersync.testing import FakeMarketplace
from protocols.conftest import MakeWorld
from protocols.world import SHOP, SKU, Calls, World, breaks, kept_and_taken_out, key

CHECK_EVERY = timedelta(hours=10)


@kept_and_taken_out
async def test_rule_15_read_back_is_no_older_than_the_last_push(*, taken_out: bool, make_world: MakeWorld) -> None:
    """A channel that shows levels late is not believed to show what it showed before it was told otherwise."""
    fact = "the market shows what it was told before"
    settings = ChannelSettings(drift_check_every=CHECK_EVERY)
    world = make_world(kind=FakeMarketplace, settings=settings, listing_lag=timedelta(minutes=5))
    world.clock.advance(minutes=10)
    await world.open()
    world.clock.advance(minutes=-1 + CHECK_EVERY.total_seconds() / 60 - 5)
    await world.stocktake(8)
    await world.run(world.market)
    if taken_out:
        vars(world.market)["listing_lag"] = timedelta(0)
    world.clock.advance(minutes=2)
    await world.stocktake(10)

    await world.run(world.market)
    await world.drain()

    with breaks(taken_out, fact):
        assert world.market.levels == {"MUG": 10}, fact


@kept_and_taken_out
async def test_poisoned_listing_rests_no_longer_for_the_size_of_its_batch(
    *, taken_out: bool, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A listing that poisons a batch rests an hour after its first refusal, however often the batch was halved."""
    fact = "it rests for the halves of its batch"
    if taken_out:
        answered = beliefs.answered

        def counts_every_half(listing: Listing, answer: Answer, **when: object) -> Listing:
            after = answered(listing, answer, **when)  # type: ignore[arg-type]
            more = answer.outcome is StockOutcome.RETRY
            return attrs.evolve(after, failures=listing.failures + 1) if more else after

        monkeypatch.setattr(beliefs, "answered", counts_every_half)
    world = make_world()
    skus = [f"MUG-{number}" for number in range(8)]
    await world.open(*skus)
    world.market.poison_sku("MUG-3")
    for sku in skus:
        await world.stocktake(4, sku=sku)

    await world.run()

    rests_until = (await world.listing(world.market.id, "MUG-3")).next_attempt_at
    with breaks(taken_out, fact):
        assert rests_until == world.clock.now() + timedelta(hours=1), fact
    assert {sku: level for sku, level in world.market.levels.items() if level != 4} == {"MUG-3": 10}


@kept_and_taken_out
async def test_channel_that_is_disabled_during_its_test_stays_disabled(
    *, taken_out: bool, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection test that passes enables no channel that a person has switched off meanwhile."""
    fact = "a person's switch was turned back"
    if taken_out:

        async def draft(_run: ChannelRun) -> ChannelState:
            return ChannelState.DRAFT

        monkeypatch.setattr(channel_task, "_state", draft)
    world: World = make_world()
    journal, calls = world.storage.journal, Calls()
    world.listen(world.shop, calls)

    async def switch_off() -> None:
        await journal.disable(SHOP, by="Ada", cause="not yet", at=world.clock.now())

    calls.at("Shop.fetch_orders", switch_off)
    await world.run()

    state = (await journal.life([SHOP]))[SHOP].state
    with breaks(taken_out, fact):
        assert state is ChannelState.DISABLED, fact


@kept_and_taken_out
async def test_overtaken_runner_lets_no_channel_rest(
    *, taken_out: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A runner whose call fails after another took the channel over says nothing of the channel's health."""
    fact = "the channel rests for a runner that lost it"
    if taken_out:

        async def never_mind(_run: ChannelRun) -> None:
            pass

        monkeypatch.setattr(channel_task, "_hold", never_mind)
    world.shop.place("1001", lines={SKU: 1})
    await world.run()
    await world.desk().process(key())
    calls = Calls()
    world.listen(world.shop, calls)
    pause = calls.pause("Shop.send_dispatch")
    sleeper = world.start(world.runner(channels=(world.shop,)).run_once())
    await pause.reached()
    world.clock.advance(minutes=10)
    await world.run()
    world.shop.fail_next("send_dispatch", ChannelUnavailableError("no answer", retry_after=600))

    pause.go_on()
    await sleeper

    life = (await world.storage.journal.life([SHOP]))[SHOP]
    with breaks(taken_out, fact):
        assert (life.failures, life.paused_until) == (0, None), fact
