"""Rules 21 to 23: attempts, their windows, and what an answer may settle."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import attrs
import pytest

from ordersync import Listing, ListingBook, StockOutcome, beliefs
from ordersync.errors import ChannelError, ChannelRejectedError, ChannelUnavailableError
from ordersync.model.listings import Answer, Attempt, Push
from ordersync.sync import publish as publishing
from ordersync.sync.channel_run import ChannelRun
from ordersync.sync.lease import HeldLease
from protocols.world import MARKET, SKU, Calls, World, breaks, kept_and_taken_out, key

OLDER = "the market shows an older level than it was last told"
LOST = ChannelUnavailableError("no answer")


async def unlink_and_link(listings: ListingBook) -> None:
    """Do what an operator does to have a listing pushed anew."""
    await listings.unlink(MARKET, SKU)
    await listings.link(MARKET, SKU, SKU)


@kept_and_taken_out
async def test_rule_21_slow_runner_does_not_push(
    *, taken_out: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A runner that wakes long after its attempt began leaves the listing to its successor."""
    if taken_out:
        monkeypatch.setattr(HeldLease, "may_start", lambda _lease, _claimed_at: True)
    await world.stocktake(8)
    calls = Calls()
    pause = calls.pause("listings.begin", when="after")
    sleeper = world.start(world.runner(calls, channels=(world.market,)).run_once())
    await pause.reached()
    world.clock.advance(minutes=12)
    await world.stocktake(6)
    await world.run()

    pause.go_on()
    await sleeper
    await world.drain()

    with breaks(taken_out, OLDER):
        assert world.market.levels == {SKU: 6}, OLDER


@kept_and_taken_out
async def test_rule_21_window_counts_from_the_last_moment_of_sending(
    *, taken_out: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of a push that was sent late in its claim lands inside its window, and is pushed over."""
    market = world.market
    if taken_out:
        shorter = market.call_timeout + market.late_window
        monkeypatch.setattr(ChannelRun, "window", property(lambda _run: shorter))
    await world.stocktake(8)
    calls = Calls()
    pause = calls.pause("listings.begin", when="after")
    market.late_copy("push_stock", after=market.call_timeout + market.late_window, error=LOST)
    slow = world.start(world.runner(calls, channels=(market,)).run_once())
    await pause.reached()
    world.clock.advance(19)
    pause.go_on()
    await slow
    await world.stocktake(6)
    world.clock.advance((market.call_timeout + market.late_window).total_seconds() - 17)
    await world.run(market)

    await world.drain()

    with breaks(taken_out, OLDER):
        assert world.market.levels == {SKU: 6}, OLDER


@kept_and_taken_out
async def test_rule_21_unknown_outcome_is_pushed_again_after_its_window(
    *, taken_out: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A push of unknown fate whose copy lands after a newer one was accepted is pushed over when its window ends."""
    if taken_out:
        answered = beliefs.answered

        def without_a_window(listing: Listing, answer: Answer, *, window: timedelta, at: datetime) -> Listing:
            return attrs.evolve(answered(listing, answer, window=window, at=at), unresolved_until=None)

        monkeypatch.setattr(beliefs, "answered", without_a_window)
    await world.stocktake(8)
    world.market.late_copy("push_stock", after=timedelta(minutes=8), error=LOST)
    await world.run(world.market)
    world.clock.advance(minutes=1)
    await world.stocktake(6)
    await world.run(world.market)

    await world.drain()

    with breaks(taken_out, OLDER):
        assert world.market.levels == {SKU: 6}, OLDER


@kept_and_taken_out
async def test_rule_21_refusal_that_may_have_taken_effect_is_unknown(
    *, taken_out: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused batch of which nobody knows whether it was applied is not taken for one that was not."""
    fact = "the market shows a level that it is believed to have refused"
    if taken_out:

        def refused(_run: ChannelRun, attempts: Sequence[Attempt], error: ChannelError) -> list[Answer]:
            return [Answer(attempt=one, outcome=StockOutcome.RETRY, message=str(error)) for one in attempts]

        monkeypatch.setattr(publishing, "_failed", refused)
    await world.stocktake(8)
    gateway = ChannelRejectedError("a gateway says no", applied=None)
    world.market.fail_next("push_stock", gateway, when="after")
    calls = Calls()

    async def count() -> None:
        await world.stocktake(10)

    calls.at("listings.finish", count)
    await world.runner(calls, channels=(world.market,)).run_once()

    await world.drain()

    with breaks(taken_out, fact):
        assert world.market.levels == {SKU: 10}, fact


@kept_and_taken_out
async def test_rule_22_accept_sets_no_belief_over_a_doubt(
    *, taken_out: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A listing that was doubted while its push was under way is pushed again, though the push was accepted."""
    fact = "what was set by hand during the push stays"
    if taken_out:
        accepted = beliefs._accepted

        def believes(listing: Listing, push: Push, *, began: datetime, at: datetime) -> Listing:
            return attrs.evolve(accepted(listing, push, began=began, at=at), believed=push.quantity)

        monkeypatch.setattr(beliefs, "_accepted", believes)
    calls = Calls()
    world.listen(world.market, calls)

    async def by_hand() -> None:
        world.market.list_sku(SKU, 99)
        await unlink_and_link(world.storage.listings)

    calls.at("Market.push_stock", by_hand, when="after")
    await world.stocktake(8)

    await world.run()
    await world.drain()

    with breaks(taken_out, fact):
        assert world.market.levels == {SKU: 8}, fact


@kept_and_taken_out
async def test_rule_23_what_the_channel_shows_is_not_sent(
    *, taken_out: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A listing that is due and shows what it should is settled without a write, and the next run is idle."""
    fact = "a level was sent that the market shows already"
    if taken_out:
        begun = beliefs.begun

        def believes_nothing(
            listing: Listing, push: Push, *, window: timedelta, at: datetime
        ) -> tuple[Listing, Attempt | None]:
            return begun(attrs.evolve(listing, believed=None), push, window=window, at=at)

        monkeypatch.setattr(beliefs, "begun", believes_nothing)
    told = len(world.market.levels_applied)
    await world.stocktake(9)
    await world.stocktake(10)

    await world.run()
    listing = await world.listing(MARKET)

    with breaks(taken_out, fact):
        assert len(world.market.levels_applied) == told, fact
    assert (listing.wanted, listing.believed) == (listing.settled, 10)


@kept_and_taken_out
async def test_rule_23_target_and_belief_are_compared_where_the_attempt_is_recorded(
    *, taken_out: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sale that lowers the belief after a run has read it is not pushed back up by that run."""
    fact = "the shop was told a level that it showed already"
    if taken_out:
        begun = beliefs.begun

        def compared_before(
            listing: Listing, push: Push, *, window: timedelta, at: datetime
        ) -> tuple[Listing, Attempt | None]:
            return begun(attrs.evolve(listing, believed=10), push, window=window, at=at)

        monkeypatch.setattr(beliefs, "begun", compared_before)
    world.shop.place("1001", lines={SKU: 1})
    saving, publishing_ = Calls(), Calls()
    saved = saving.pause("orders.save_page", when="after")
    world.start(world.runner(saving, channels=(world.shop,)).run_once())
    await saved.reached()
    world.clock.advance(minutes=5)
    leaving = Calls()
    before_deduct = leaving.pause("stock.deduct")
    reserving = publishing_.pause("orders.due")
    run = world.start(world.runner(publishing_, channels=(world.shop,)).run_once())
    await reserving.reached()
    desk = world.start(world.desk(leaving).process(key()))
    await before_deduct.reached()
    await world.stocktake(9)
    begins = publishing_.pause("listings.begin")
    reserving.go_on()
    await begins.reached()
    before_deduct.go_on()
    await desk

    begins.go_on()
    await run

    with breaks(taken_out, fact):
        assert 9 not in [level.quantity for level in world.shop.levels_applied], fact
