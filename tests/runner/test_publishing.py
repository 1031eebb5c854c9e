"""Every listing ends up showing what its rule makes of the stock, whatever the channel answers."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from ordersync import ChannelSettings, StockOutcome, StockRule
from ordersync.errors import ChannelUnavailableError
from ordersync.model.listings import ListingState
from ordersync.model.runs import EntryKind
from ordersync.testing import FakeMarketplace
from runner.world import MARKET, SHOP, World, counts, remarks


async def test_own_channel_is_not_told_of_its_own_sale(world: World) -> None:
    """A channel that lowered its level by itself is believed to have, and only the others are told."""
    await world.run()
    world.clock.advance(minutes=5)
    world.shop.place("1001", lines={"MUG": 4})

    await world.run_later()

    assert world.shop.levels == world.market.levels == {"MUG": 6}
    assert (world.shop.calls["push_stock"], world.market.calls["push_stock"]) == (0, 1)
    assert (await world.listings(SHOP))["MUG"].believed == 6


async def test_channel_that_lowers_nothing_is_told(world: World) -> None:
    """A channel that does not take off what it sold is told like any other."""
    shop = world.open(SHOP, decrements_on_sale=False)
    shop.list_sku("MUG", 10)
    await world.run(shop)
    world.clock.advance(minutes=5)
    shop.place("1001", lines={"MUG": 4})
    assert shop.levels == {"MUG": 10}

    await world.run_later(shop)

    assert shop.levels == {"MUG": 6}


async def test_capped_origin_is_topped_up(world: World) -> None:
    """A listing that shows less than there is shows its cap again after its own sale."""
    settings = ChannelSettings(stock_rule=StockRule(cap=5))
    shop = world.open(SHOP, settings)
    shop.list_sku("MUG", 0)
    await world.run(shop)
    assert shop.levels == {"MUG": 5}
    world.clock.advance(minutes=5)
    shop.place("1001", lines={"MUG": 3})
    assert shop.levels == {"MUG": 2}

    await world.run_later(shop)

    assert shop.levels == {"MUG": 5}
    assert [one.quantity for one in shop.levels_applied] == [5, 5]


async def test_kits_share_components_across_channels(world: World) -> None:
    """A kit sold on one channel lowers whatever shares a component with it on every other, and itself here."""
    await world.stock("LID", 7)
    await world.sell(world.shop, "SET", 3, {"MUG": 2, "LID": 1})
    await world.sell(world.market, "LID")
    await world.sell(world.market, "BIG-SET", 0, {"MUG": 1, "LID": 3})
    await world.run()
    assert world.shop.levels == {"MUG": 10, "SET": 5}
    assert world.market.levels == {"BIG-SET": 2, "LID": 7, "MUG": 10}
    world.clock.advance(minutes=5)
    world.shop.place("1001", lines={"SET": 2})

    report = await world.run_later()

    assert world.shop.levels == {"MUG": 6, "SET": 3}
    assert world.market.levels == {"BIG-SET": 1, "LID": 5, "MUG": 6}
    assert (await world.level("LID")).reserved == 2
    assert counts(report.channels[SHOP]) == {"new": 1, "pushed": 1}


async def test_rules_per_channel_and_listing(world: World) -> None:
    """A channel's rule counts for its listings, and a listing's own rule in its place."""
    await world.stock("LID", 21)
    market = world.open(MARKET, ChannelSettings(stock_rule=StockRule(buffer=1, percentage=Decimal(50), end_when=2)))
    await world.sell(market, "MUG")
    await world.sell(market, "LID", rule=StockRule(cap=3))

    await world.run(market)
    assert market.levels == {"LID": 3, "MUG": 4}
    await world.stock("MUG", 5)
    await world.run_later(market)

    assert market.levels == {"LID": 3, "MUG": 0}


async def test_changed_rule_is_pushed(world: World) -> None:
    """A channel whose rule was changed shows it with the next run, though no stock moved."""
    await world.run()
    careful = world.market.with_settings(ChannelSettings(stock_rule=StockRule(buffer=4)))

    await world.run_later(world.shop, careful, minutes=90)

    assert (world.shop.levels, world.market.levels) == ({"MUG": 10}, {"MUG": 6})


async def test_two_configurations_at_once_are_named(world: World) -> None:
    """Two runners with different rules for one channel do not push each other's values for ever."""
    await world.run()
    careful = world.market.with_settings(ChannelSettings(stock_rule=StockRule(buffer=4)))
    await world.run_later(careful)
    applied = len(world.market.levels_applied)

    report = await world.run_later(world.market)
    await world.run_later(careful)

    assert remarks(report.channels[MARKET], "conflict") == [("CONFIGURATION_CONFLICT", "stock rule")]
    assert {one.code for one in await world.journal(MARKET, EntryKind.CONFLICT)} == {"CONFIGURATION_CONFLICT"}
    assert len(world.market.levels_applied) == applied
    assert world.market.levels == {"MUG": 6}


async def test_two_locations(world: World) -> None:
    """Orders reserve where their channel location is mapped to, and each listing shows its own location's stock."""
    await world.stock("MUG", 4, location="hall")
    shop = world.open(SHOP, ChannelSettings(location={"n": "main", "s": "hall"}))
    for place in ("n", "s"):
        await world.sell(shop, "MUG", channel_location=place)
    await world.storage.listings.unlink(SHOP, "MUG")
    await world.run(shop, world.market)
    assert shop.levels == {"MUG@n": 10, "MUG@s": 4}
    assert world.market.levels == {"MUG": 14}
    world.clock.advance(minutes=5)
    shop.place("1001", lines={"MUG": 3}, location="s")
    shop.place("1002", lines={"MUG": 1}, location="n")
    shop.place("1003", lines={"MUG": 1}, location="w")

    report = await world.run_later(shop, world.market)

    assert (await world.order("1001")).location == "hall"
    assert [(await world.level("MUG", place)).available for place in ("main", "hall")] == [9, 1]
    assert (shop.levels["MUG@n"], shop.levels["MUG@s"]) == (9, 1)
    assert world.market.levels == {"MUG": 10}
    assert shop.calls["push_stock"] == 1
    assert remarks(report.channels[SHOP], "quarantined") == [("NO_LOCATION", "1003")]


async def test_oversell_is_recorded_and_named(world: World) -> None:
    """More sold than there is is reserved all the same, available turns negative, and the report names it."""
    world.shop.place("1001", lines={"MUG": 7})
    world.market.place("2001", lines={"MUG": 6})

    report = await world.run()

    level = await world.level()
    assert (level.on_hand, level.reserved, level.available) == (10, 13, -3)
    named = [remark for one in report.channels.values() for remark in one.remarks if remark.kind == "short"]
    assert {(one.code, one.subject) for one in named} == {("OVERSOLD", "MUG")}
    assert "3 more sold than there are at main" in [one.sentence for one in named]
    await world.run()
    assert world.shop.levels == world.market.levels == {"MUG": 0}
    await world.process("1001")
    await world.process("2001", MARKET)
    assert (await world.level()).on_hand == -3


async def test_last_piece_sold_is_no_oversell(world: World) -> None:
    """Stock that is sold to the last piece is short of nothing."""
    world.shop.place("1001", lines={"MUG": 10})

    report = await world.run()

    assert (await world.level()).available == 0
    assert [remarks(one, "short") for one in report.channels.values()] == [[], []]


async def test_drift_is_corrected(world: World) -> None:
    """A level that somebody changed on the channel by hand is found by the next read-back and put right."""
    await world.run()
    world.market.list_sku("MUG", 99)
    await world.run_later(minutes=60)
    assert world.market.levels == {"MUG": 99}

    report = await world.run_later(minutes=660)

    assert world.market.levels == {"MUG": 10}
    assert counts(report.channels[MARKET]) == {"pushed": 1}
    checks = await world.journal(MARKET, EntryKind.DRIFT_CHECK)
    assert [entry.facts["corrected"] for entry in checks] == ["1", "1"]


async def test_read_back_that_lags_is_not_believed(world: World) -> None:
    """A channel that shows old levels for a while is not taken by its word right after a push."""
    settings = ChannelSettings(drift_check_every=timedelta(0))
    market = world.open(MARKET, settings, listing_lag=timedelta(minutes=30))
    market.list_sku("MUG", 10)
    await world.run_later(world.shop, market, minutes=60)
    await world.stock("MUG", 6)
    await world.run_later(market)
    await world.stock("MUG", 10)
    await world.run_later(market)
    assert market.levels == {"MUG": 10}

    await world.run_later(market, minutes=60)

    assert market.levels == {"MUG": 10}


async def test_relinked_listing_shows_its_new_sku(world: World) -> None:
    """A listing that is linked to something else shows that with the next run; unlinked, it is left alone."""
    await world.stock("CUP", 4)
    await world.run()

    await world.storage.listings.link(MARKET, "MUG", "CUP")
    await world.run_later()
    assert world.market.levels == {"MUG": 4}

    await world.storage.listings.unlink(MARKET, "MUG")
    await world.stock("CUP", 1)
    await world.run_later()
    assert world.market.levels == {"MUG": 4}


async def many(world: World, number: int, *, batch: int) -> FakeMarketplace:
    """Open a marketplace that shows many listings of the mug, each at zero."""
    market = world.open(MARKET, stock_batch_size=batch, page_size=batch)
    await world.storage.listings.unlink(MARKET, "MUG")
    for place in range(number):
        await world.sell(market, f"MUG-{place:02}", 0, "MUG")
    return market


async def test_poison_is_found_and_the_others_arrive(world: World) -> None:
    """A batch that is refused for one item is halved until that one is found, and the other 99 arrive."""
    market = await many(world, 100, batch=100)
    market.poison_sku("MUG-37")

    report = await world.run(market)

    assert counts(report.channels[MARKET]) == {"pushed": 99, "refused": 1}
    assert [sku for sku, shown in market.levels.items() if shown != 10] == ["MUG-37"]
    assert market.calls["push_stock"] <= 1 + 2 * 7
    assert remarks(report.channels[MARKET], "refused") == [("rejected", "MUG-37")]
    assert (await world.listings())["MUG-37"].state is ListingState.FAILED
    assert report.errors == ()


async def test_batches_have_the_channels_size(world: World) -> None:
    """No call carries more levels than the channel takes."""
    market = await many(world, 25, batch=10)

    await world.run(market)

    assert market.calls["push_stock"] == 3
    assert set(market.levels.values()) == {10}


@pytest.mark.parametrize(
    ("outcome", "state", "rests"),
    [
        (StockOutcome.REJECTED, ListingState.FAILED, timedelta(hours=1)),
        (StockOutcome.UNKNOWN_SKU, ListingState.FAILED, timedelta(hours=1)),
        (StockOutcome.RETRY, ListingState.ACTIVE, timedelta(minutes=1)),
    ],
)
async def test_each_item_has_its_outcome(
    world: World, outcome: StockOutcome, state: ListingState, rests: timedelta
) -> None:
    """In one call one level is accepted and another has its own outcome, which decides when it is tried again."""
    market = await many(world, 3, batch=10)
    market.refuse_sku("MUG-01", outcome=outcome, message="because")

    report = await world.run(market)

    assert market.levels == {"MUG-00": 10, "MUG-01": 0, "MUG-02": 10}
    listing = (await world.listings())["MUG-01"]
    assert (listing.state, listing.next_attempt_at) == (state, world.clock.now() + rests)
    assert counts(report.channels[MARKET]) == {"pushed": 2} | ({"refused": 1} if state is ListingState.FAILED else {})
    market.forgive_sku("MUG-01")
    world.clock.advance(rests.total_seconds())
    await world.run(market)
    assert market.levels["MUG-01"] == 10


async def test_unlisted_sku_is_unknown(world: World) -> None:
    """A linked SKU that the channel does not list is failed by name, and the others are pushed."""
    market = await many(world, 2, batch=10)
    await world.storage.listings.link(MARKET, "GHOST", "MUG")

    report = await world.run(market)

    assert counts(report.channels[MARKET]) == {"pushed": 2, "refused": 1}
    assert remarks(report.channels[MARKET], "refused") == [("unknown-sku", "GHOST")]


async def test_item_that_is_not_mentioned_is_unknown(world: World) -> None:
    """A level that the answer leaves out is not taken for accepted: it is sent again once no copy can land."""
    market = await many(world, 2, batch=10)
    market.mute_sku("MUG-01")

    report = await world.run(market)

    assert counts(report.channels[MARKET]) == {"pushed": 1}
    listing = (await world.listings())["MUG-01"]
    assert (listing.believed, listing.attempt_began) == (0, None)
    assert listing.unresolved_until is not None
    market.forgive_sku("MUG-01")
    wait = listing.unresolved_until - world.clock.now()
    await world.run_later(market, minutes=wait / timedelta(minutes=1) + 1)
    listing = (await world.listings())["MUG-01"]
    assert (listing.believed, listing.unresolved_until) == (10, None)


async def test_failed_call_leaves_nothing_settled(world: World) -> None:
    """A push whose answer is lost is repeated when its window has ended, and settled then."""
    await world.run()
    await world.stock("MUG", 3)
    world.market.fail_next("push_stock", ChannelUnavailableError("lost"))

    report = await world.run_later()
    assert (report.channels[MARKET].status, world.market.levels) == ("failed", {"MUG": 10})

    await world.run_later(minutes=30)
    assert world.market.levels == {"MUG": 3}


async def test_compare_and_set_downloads_before_it_pushes_again(world: World) -> None:
    """Where the channel shows a sale that we have not seen, the orders are read first and the level pushed then."""
    market = world.open(MARKET, compare_and_set=True)
    market.list_sku("MUG", 10)
    await world.run_later(world.shop, market)
    await world.stock("MUG", 20)
    late_buyer(market, {"MUG": 2})

    report = await world.run_later(market)

    assert market.calls["push_stock"] == 2
    assert (await world.order("late", MARKET)).wanted == {("MUG", "main"): 2}
    assert market.levels == {"MUG": 18}
    assert counts(report.channels[MARKET]) == {"new": 1, "pushed": 1}


def late_buyer(market: FakeMarketplace, lines: dict[str, int]) -> None:
    """Let somebody buy between the download and the first push."""

    async def buy(method: str, when: str) -> None:
        if (method, when) == ("push_stock", "before") and "late" not in market.orders:
            market.place("late", lines=lines)

    market.on_call = buy


async def test_compare_and_set_conflict_without_a_sale(world: World) -> None:
    """Where somebody changed the level by hand, the conflict ends in our level all the same."""
    market = world.open(MARKET, compare_and_set=True)
    market.list_sku("MUG", 10)
    await world.run(world.shop, market)
    market.list_sku("MUG", 77)
    await world.stock("MUG", 5)

    await world.run_later(market)

    assert market.levels == {"MUG": 5}
    assert (await world.listings())["MUG"].believed == 5
