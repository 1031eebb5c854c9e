"""Rules 18 to 20: what makes a listing due."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

import attrs
import pytest

from ordersync import ChannelId, ChannelSettings, Listing, StockRule, Storage, beliefs
from ordersync.model.ids import Fence
from ordersync.model.listings import ListingId
from ordersync.model.orders import Reason
from ordersync.model.stock import Due
from ordersync.storage.memory import MemoryListingBook
from protocols.world import MARKET, SKU, Calls, World, breaks, kept_and_taken_out, key


@kept_and_taken_out
async def test_rule_18_sale_that_changes_no_level_makes_its_listing_due(
    *, taken_out: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order that is held before its first reserve changes no level, and the shop is told to show them again."""
    fact = "the shop shows two too few"
    if taken_out:
        sold = beliefs.sold

        def in_silence(listing: Listing, quantity: int, *, taken_at: datetime) -> Listing:
            return attrs.evolve(sold(listing, quantity, taken_at=taken_at), wanted=listing.wanted)

        monkeypatch.setattr(beliefs, "sold", in_silence)
    world.shop.place("1001", lines={SKU: 2})
    calls = Calls()
    pause = calls.pause("orders.due")
    run = world.start(world.runner(calls, channels=(world.shop,)).run_once())
    await pause.reached()
    await world.change(key(), held=Reason(who="Ada", why="asks the buyer", at=world.clock.now()))

    pause.go_on()
    await run
    await world.drain()

    with breaks(taken_out, fact):
        assert world.shop.levels == {SKU: 10}, fact


async def relinks(world: World) -> None:
    """Let one piece on the market take two of ours."""
    await world.storage.listings.link(MARKET, SKU, {SKU: 2})


async def gives_it_a_rule(world: World) -> None:
    """Let the market's listing keep five back."""
    await world.storage.listings.link(MARKET, SKU, SKU, rule=StockRule(buffer=5))


async def changes_the_rule(world: World) -> None:
    """Let the market keep five back of everything."""
    world.market = world.market.with_settings(ChannelSettings(stock_rule=StockRule(buffer=5)))


def links_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant: a link that changes makes nothing due; nor does a rule."""
    link = MemoryListingBook.link

    async def mistaken(
        book: MemoryListingBook,
        channel: ChannelId,
        channel_sku: str,
        components: str | Mapping[str, int],
        *,
        channel_location: str | None = None,
        rule: StockRule | None = None,
    ) -> None:
        one = ListingId(channel_sku, channel_location)
        before = book._listings[channel].get(one)
        await link(book, channel, channel_sku, components, channel_location=channel_location, rule=rule)
        if before is not None:
            book._listings[channel][one] = attrs.evolve(book._listings[channel][one], wanted=before.wanted)

    async def adopts_anything(*_: object, **__: object) -> bool:
        return True

    monkeypatch.setattr(MemoryListingBook, "link", mistaken)
    monkeypatch.setattr(MemoryListingBook, "adopt_rule", adopts_anything)


@pytest.mark.parametrize("change", [relinks, gives_it_a_rule, changes_the_rule])
@kept_and_taken_out
async def test_rule_18_link_and_rule_make_their_listings_due(
    change: Callable[[World], Awaitable[None]], *, taken_out: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a listing means and which rule it follows is told to the channel, though no level changed."""
    fact = "the market shows what it should have shown before"
    if taken_out:
        links_in_silence(monkeypatch)

    await change(world)
    await world.drain()

    with breaks(taken_out, fact):
        assert world.market.levels == {SKU: 5}, fact


@kept_and_taken_out
async def test_rule_19_desk_accounts_for_the_sale_it_settles(
    *, taken_out: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sale that the desk settles before any run does is known to have lowered the shop's own level."""
    fact = "the shop shows two too few"
    if taken_out:

        async def forgets_the_sale(
            storage: Storage, dues: Sequence[Due], *, at: datetime, fence: Fence | None = None
        ) -> None:
            held = await storage.stock.reserve([due.claim for due in dues], at=at)
            revisions = {due.claim.order_key: due.claim.revision for due in dues}
            await storage.orders.reserved(revisions, held=held, fence=fence)

        monkeypatch.setattr("ordersync.changes.settle", forgets_the_sale)
    world.shop.place("1001", lines={SKU: 2})
    calls = Calls()
    saved = calls.pause("orders.save_page", when="after")
    world.start(world.runner(calls, channels=(world.shop,)).run_once())
    await saved.reached()
    world.clock.advance(minutes=5)

    await world.desk().process(key())
    await world.stocktake(10)
    await world.drain()

    with breaks(taken_out, fact):
        assert world.shop.levels == {SKU: 10}, fact


@pytest.mark.parametrize("paid", [True, False], ids=["cancelled-unseen", "unpaid-then-cancelled"])
@kept_and_taken_out
async def test_rule_20_order_that_never_wants_stock_doubts_its_listing(
    *, paid: bool, taken_out: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sale that ended before it could be downloaded, and was not put back, is put back by us."""
    fact = "the shop shows one too few"
    if taken_out:
        monkeypatch.setattr("ordersync.sync.sightings._doubt", lambda *_: None)
    told = len(world.shop.levels_applied)
    world.shop.place("1001", lines={SKU: 1}, paid=paid)
    if not paid:
        await world.run()
        world.clock.advance(minutes=5)
    world.shop.cancel("1001", restock=False)

    await world.drain()

    with breaks(taken_out, fact):
        assert world.shop.levels == {SKU: 10}, fact
    assert len(world.shop.levels_applied) - told == (0 if taken_out else 1)


@kept_and_taken_out
async def test_rule_20_order_cancelled_between_two_pushes_doubts_its_listing(
    *, taken_out: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sale that our push overwrote and the shop put back afterwards is not shown for ever."""
    fact = "the shop shows one too many"
    if taken_out:
        monkeypatch.setattr("ordersync.sync.sightings._doubt", lambda *_: None)
    calls = Calls()
    world.listen(world.shop, calls)

    async def buy() -> None:
        world.shop.place("1001", lines={SKU: 1})

    calls.at("Shop.push_stock", buy)
    await world.stocktake(12)
    await world.run()
    world.clock.advance(timedelta(minutes=5).total_seconds())
    world.shop.cancel("1001")

    await world.drain()

    with breaks(taken_out, fact):
        assert world.shop.levels == {SKU: 12}, fact
