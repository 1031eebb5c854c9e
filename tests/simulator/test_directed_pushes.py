"""Directed schedules for planted bugs about what channels are believed to show."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from ordersync import ChannelSettings, StockResult, StockRule, StockUpdate
from ordersync.errors import ChannelUnavailableError
from ordersync.model.listings import ListingState
from ordersync.sync.lease import START_WINDOW_S
from ordersync.testing import MarketplaceWithLookup
from protocols.world import MARKET, SHOP, SKU, Calls, key
from simulator.opened import bought, opened

LOST = ChannelUnavailableError("no answer")
CAPPED = ChannelSettings(stock_rule=StockRule(cap=3))


async def test_push_is_not_sent_long_after_it_began() -> None:
    """A push whose attempt is older than the start window is left to the next run, though its lease lasts."""
    async with opened() as world:
        await world.stocktake(8)
        calls = Calls()
        pause = calls.pause("listings.begin", when="after")
        slow = world.start(world.runner(calls, channels=(world.market,)).run_once())
        await pause.reached()
        begun = (await world.listing(MARKET)).attempts
        world.clock.advance(START_WINDOW_S + 5)

        pause.go_on()
        await slow

        assert f"{MARKET}/{SKU}/attempt/{begun}" not in [one.attempt_id for one in world.market.levels_applied]


async def test_level_is_not_read_long_before_it_is_pushed() -> None:
    """No level is sent that was worked out more than the start window ago."""
    async with opened() as world:
        await world.stocktake(8)
        calls, worked_out = Calls(), []

        async def note() -> None:
            worked_out.append(world.clock.now())

        calls.at("stock.levels", note, when="after")
        await world.runner(calls, channels=(world.market,)).run_once()

        sent = world.market.levels_applied[-1]
        assert sent.quantity == 8
        assert sent.at - worked_out[0] <= timedelta(seconds=START_WINDOW_S)


async def test_push_of_a_dead_runner_leaves_a_window() -> None:
    """A copy of a dead runner's push that lands after its successor's was accepted is pushed over."""
    async with opened() as world:
        await world.stocktake(8)
        calls = Calls()
        world.listen(world.market, calls)
        pause = calls.pause("Market.push_stock")
        world.start(world.runner(channels=(world.market,)).run_once())
        await pause.reached()
        world.clock.advance(minutes=6)
        await world.stocktake(6)
        await world.run(world.market)
        pause.go_on()
        await world.listing(MARKET)

        await world.drain()

        assert world.market.levels == {SKU: 6}


async def test_push_of_unknown_fate_is_not_believed() -> None:
    """A push that was lost, and of which nobody knows, is made again."""
    async with opened() as world:
        await world.stocktake(8)
        world.market.fail_next("push_stock", LOST)

        await world.run(world.market)
        await world.drain()

        assert world.market.levels == {SKU: 8}


async def test_level_that_changes_during_its_push_is_pushed_again() -> None:
    """What is sold elsewhere while a level is on its way reaches the channel with the next push."""
    async with opened() as world:
        await world.stocktake(8)
        calls = Calls()
        world.listen(world.market, calls)

        async def count() -> None:
            await world.stocktake(5)
            await world.run(world.shop)

        calls.at("Market.push_stock", count, when="after")
        await world.run(world.market)
        await world.drain()

        assert world.market.levels == {SKU: 5}


class Forgetful(MarketplaceWithLookup):
    """Applies nothing of a batch but its first item, and mentions nothing else."""

    async def push_stock(self, updates: Sequence[StockUpdate]) -> Sequence[StockResult]:
        """Take the first update."""
        return await super().push_stock(updates[:1])


async def test_item_that_the_channel_does_not_mention_is_unknown() -> None:
    """An item of a batch that the channel does not mention is pushed until it is."""
    async with opened("LID", "MUG", kind=Forgetful) as world:
        for sku in ("LID", "MUG"):
            await world.stocktake(4, sku=sku)

        await world.drain()

        assert world.market.levels == {"LID": 4, "MUG": 4}


async def test_poisoned_listing_stops_only_itself() -> None:
    """The other listings of a batch that is refused for one of them are pushed in the same run."""
    skus = [f"MUG-{number}" for number in range(4)]
    async with opened(*skus) as world:
        world.market.poison_sku("MUG-2")
        for sku in skus:
            await world.stocktake(4, sku=sku)

        await world.run()

        assert world.market.levels == {sku: 10 if sku == "MUG-2" else 4 for sku in skus}


async def test_refused_listing_is_tried_again() -> None:
    """A listing that the channel refused is pushed again after its rest."""
    async with opened() as world:
        world.market.refuse_sku(SKU)
        await world.stocktake(4)
        await world.run()
        assert (await world.listing(MARKET)).state is ListingState.FAILED
        world.market.forgive_sku(SKU)

        world.clock.advance(hours=2)
        await world.run()

        assert world.market.levels == {SKU: 4}


async def test_listing_shows_what_its_rule_says() -> None:
    """A capped channel shows no more than its cap."""
    async with opened(settings=CAPPED) as world:
        await world.stocktake(8)
        await world.run()

        assert world.market.levels == {SKU: 3}


async def test_sale_with_a_stamp_from_a_clock_ahead_is_doubted() -> None:
    """A sale stamped behind a push that overwrote it, by a clock that is ahead, is made good."""
    async with opened(clock_skew=timedelta(seconds=30)) as world:
        calls = Calls()
        world.listen(world.market, calls)

        async def buy() -> None:
            world.market.place("2001", lines={SKU: 1}, at=world.clock.now() + timedelta(seconds=20))

        calls.at("Market.push_stock", buy)
        await world.stocktake(8)
        await world.run()

        await world.drain()

        assert world.market.levels == {SKU: 7}


async def test_sale_that_is_told_twice_counts_once() -> None:
    """A run that dies before it notes an order as reserved is followed by one that tells of the same sale again."""
    async with opened() as world:
        world.shop.place("1001", lines={SKU: 1})
        calls = Calls()
        pause = calls.pause("orders.reserved")
        world.start(world.runner(calls, channels=(world.shop,)).run_once())
        await pause.reached()
        world.clock.advance(minutes=5)
        told = len(world.shop.levels_applied)

        await world.runner(channels=(world.shop,)).run_once()

        assert (len(world.shop.levels_applied) - told, world.shop.levels) == (0, {SKU: 9})
        assert (await world.order(key())).reserved_revision == 1


async def test_sale_counts_gross() -> None:
    """An order of which a part had left before it was seen has taken all of it off the shop's level."""
    async with opened() as world:
        world.shop.place("1001", lines={SKU: 2})
        world.shop.ship_by_hand("1001", lines={"L1": 1})

        await world.drain()

        assert world.shop.levels == {SKU: await world.available()}


async def test_link_made_while_a_page_is_decided_is_heard_of() -> None:
    """A line that is linked between the decision and the commit of its page is reserved by the next run."""
    async with opened() as world:
        world.shop.list_sku("CUP", 5)
        await world.stocktake(5, sku="CUP")
        world.shop.place("1001", lines={"CUP": 2})
        calls = Calls()

        async def link() -> None:
            await world.storage.listings.link(SHOP, "CUP", "CUP")

        calls.at("listings.links", link, when="after", nth=2)
        await world.runner(calls, channels=(world.shop,)).run_once()

        await world.drain(times=1)

        assert await world.reserved(sku="CUP") == 2


async def test_bought_is_lowered_once_where_nothing_went_wrong() -> None:
    """The channel that sold is told nothing where its own level fell with the sale."""
    async with opened() as world:
        told = len(world.shop.levels_applied)

        await bought(world)
        await world.drain(times=1)

        assert (len(world.shop.levels_applied), world.shop.levels) == (told, {SKU: 8})
