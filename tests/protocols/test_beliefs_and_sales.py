"""Rules 16 and 17: what sales say about what a channel shows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs
import pytest

from ordersync import ChannelOrder, ChannelSettings, Listing, Order, OrderState, StockRule, beliefs, conflicts
from ordersync.model.listings import ListingId, Push
from ordersync.model.stock import Sale
from ordersync.sync import channel_lines, edits
from ordersync.testing import FakeMarketplace
from protocols.conftest import MakeWorld
from protocols.world import SHOP, SKU, Calls, World, breaks, kept_and_taken_out, key

CAPPED = ChannelSettings(stock_rule=StockRule(cap=3))
Found = Mapping[ListingId, Listing]


@kept_and_taken_out
async def test_rule_16_sale_before_the_answer_of_a_push_is_doubted(
    *, taken_out: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sale that a push overwrote between its attempt and its answer is made good."""
    fact = "the market shows one too many"
    if taken_out:
        accepted = beliefs._accepted

        def by_its_beginning(listing: Listing, push: Push, *, began: datetime, at: datetime) -> Listing:
            return attrs.evolve(accepted(listing, push, began=began, at=at), accepted_at=began)

        monkeypatch.setattr(beliefs, "_accepted", by_its_beginning)
    calls = Calls()
    world.listen(world.market, calls)

    async def buy() -> None:
        world.clock.advance(10)
        world.market.place("2001", lines={SKU: 1})

    calls.at("Market.push_stock", buy)
    await world.stocktake(8)
    await world.run()

    await world.drain()

    with breaks(taken_out, fact):
        assert world.market.levels == {SKU: 7}, fact
    assert world.shop.levels == {SKU: 7}


@kept_and_taken_out
async def test_rule_16_read_back_counts_like_an_accepted_push(
    *, taken_out: bool, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sale that a read-back had shown already is not taken off the belief a second time."""
    fact = "the shop shows one too many"
    if taken_out:
        shown = beliefs.shown

        def as_if_nothing(listing: Listing, quantity: int, *, wanted: int, at: datetime) -> Listing:
            return attrs.evolve(shown(listing, quantity, wanted=wanted, at=at), accepted_at=listing.accepted_at)

        monkeypatch.setattr(beliefs, "shown", as_if_nothing)
    world = make_world(kind=FakeMarketplace)
    await world.open()
    world.clock.advance(hours=13)
    calls = Calls()
    world.listen(world.shop, calls)

    async def buy_and_count() -> None:
        world.shop.place("1001", lines={SKU: 1})
        await world.stocktake(9)

    calls.at("Shop.fetch_listings", buy_and_count)
    await world.run()

    await world.drain()

    with breaks(taken_out, fact):
        assert world.shop.levels == {SKU: 8}, fact


@kept_and_taken_out
async def test_rule_17_order_lowers_the_belief_once(
    *, taken_out: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order that a person holds and resumes has taken its pieces off the shop's level once."""
    fact = "the shop shows four too many"
    if taken_out:
        real = beliefs.account
        monkeypatch.setattr(beliefs, "account", lambda sale, _accounted, listings: real(sale, None, listings))
    world.shop.place("1001", lines={SKU: 2})
    await world.run()
    await world.desk().hold(key(), who="Ada", why="asks the buyer")
    await world.desk().resume(key(), who="Ada")
    await world.stocktake(6)

    await world.drain()

    with breaks(taken_out, fact):
        assert world.shop.levels == {SKU: 4}, fact


@kept_and_taken_out
async def test_rule_17_sale_goes_by_listing_not_by_sku_of_ours(
    *, taken_out: bool, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kit that is sold lowers what the shop shows of the kit, and not of the SKUs in it."""
    fact = "the shop shows a MUG too many"
    if taken_out:

        def by_components(seen: ChannelOrder) -> Mapping[tuple[str, str | None], int]:
            sold = dict(channel_lines.sold_by_listing(seen))
            return sold | {(part, None): number for part in ("MUG", "LID") for number in sold.values()}

        monkeypatch.setattr("ordersync.sync.new_orders.sold_by_listing", by_components)
    world = make_world()
    await world.open("MUG", "LID")
    world.shop.list_sku("SET", 10)
    await world.storage.listings.link(SHOP, "SET", {"MUG": 1, "LID": 1})
    await world.run()
    world.clock.advance(minutes=5)
    world.shop.place("1001", lines={"SET": 1})

    await world.drain()

    with breaks(taken_out, fact):
        assert world.shop.levels == {"MUG": 9, "LID": 9, "SET": 9}, fact


@kept_and_taken_out
async def test_rule_17_sale_at_a_place_we_do_not_list_lowers_no_other(
    *, taken_out: bool, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sale at one of the channel's locations is not taken off what another location shows."""
    fact = "the other location shows one too many"
    if taken_out:
        real = beliefs.account

        def by_sku_alone(sale: Sale, accounted: int | None, listings: Found) -> Found:
            nowhere = {(channel_sku, None): quantity for (channel_sku, _), quantity in sale.sold.items()}
            return real(attrs.evolve(sale, sold=nowhere), accounted, listings)

        monkeypatch.setattr(beliefs, "account", by_sku_alone)
    world = make_world(settings=ChannelSettings(location={"north": "main", "south": "main"}))
    await world.stocktake(10)
    for place in ("north", "south"):
        world.shop.list_sku(SKU, 10, location=place)
    await world.storage.listings.link(SHOP, SKU, SKU, channel_location="south")
    await world.run()
    world.clock.advance(minutes=5)
    world.shop.place("1001", lines={SKU: 1}, location="north")

    await world.drain()

    with breaks(taken_out, fact):
        assert world.shop.levels == {f"{SKU}@north": 9, f"{SKU}@south": 9}, fact


@kept_and_taken_out
async def test_rule_17_change_by_the_channel_makes_the_belief_unknown(
    *, taken_out: bool, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order that the shop cancels and puts back on its own shelf has its listing pushed again."""
    fact = "the shop shows one too many"
    if taken_out:
        real = beliefs.account

        def blind(sale: Sale, accounted: int | None, listings: Found) -> Found:
            return real(attrs.evolve(sale, channel_revision=0), accounted, listings)

        monkeypatch.setattr(beliefs, "account", blind)
    world = make_world(settings=CAPPED)
    await world.open()
    world.shop.place("1001", lines={SKU: 1})
    await world.run()
    world.clock.advance(minutes=5)
    world.shop.cancel("1001")

    await world.drain()

    with breaks(taken_out, fact):
        assert world.shop.levels == {SKU: 3}, fact


@pytest.mark.parametrize("state", [OrderState.CANCELLED, OrderState.PROCESSED, OrderState.DELETED])
@kept_and_taken_out
async def test_rule_17_change_by_the_channel_counts_in_any_state(
    *, taken_out: bool, state: OrderState, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order that was cancelled, processed or deleted here first doubts its listing when the shop cancels it, too."""
    fact = "the shop shows what it put back itself"
    if taken_out:
        monkeypatch.setattr(edits, "moved_pieces", lambda *_, **__: False)
    world.shop.place("1001", lines={SKU: 1})
    await world.run()
    desk = world.desk()
    match state:
        case OrderState.CANCELLED:
            await desk.cancel(key())
        case OrderState.PROCESSED:
            await desk.process(key())
        case OrderState.DELETED:
            await desk.delete(key(), who="Ada", why="a test order")
    await world.run(*([world.market] if state is OrderState.PROCESSED else []))
    world.clock.advance(minutes=5)
    world.shop.cancel("1001")

    await world.drain()

    with breaks(taken_out, fact):
        assert world.shop.levels == {SKU: await world.available()}, fact


@kept_and_taken_out
async def test_rule_17_order_that_vanished_doubts_its_listing(
    *, taken_out: bool, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order that the shop cancels, puts back and hides before anybody looks has its listing pushed again."""
    fact = "the shop shows one too many"
    if taken_out:
        real = conflicts.vanished

        def trusts_the_belief(order: Order, *, at: datetime) -> Order:
            return attrs.evolve(real(order, at=at), channel_revision=order.channel_revision)

        monkeypatch.setattr("ordersync.sync.watch.vanished", trusts_the_belief)
    world = make_world(settings=CAPPED)
    await world.open()
    for reference in ("1001", "1002", "1003"):
        world.shop.place(reference, lines={SKU: 1})
    await world.run()
    world.clock.advance(minutes=65)
    world.shop.cancel("1001")
    world.shop.remove("1001")

    await world.drain()

    with breaks(taken_out, fact):
        assert world.shop.levels == {SKU: 3}, fact


@kept_and_taken_out
async def test_rule_17_line_that_went_doubts_its_listing(
    *, taken_out: bool, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that the shop drops from an order and puts back has its listing pushed again."""
    fact = "the shop shows a LID too many"
    if taken_out:
        real = edits.follow

        def sees_what_is_left(order: Order, shown: edits.Shown) -> Order:
            return attrs.evolve(real(order, shown), sold=channel_lines.sold_by_listing(shown.seen))

        monkeypatch.setattr("ordersync.sync.sightings.follow", sees_what_is_left)
    world = make_world(settings=CAPPED)
    await world.open("MUG", "LID")
    world.shop.place("1001", lines={"MUG": 2, "LID": 1})
    await world.run()
    world.clock.advance(minutes=5)
    world.shop.edit("1001", {"LID": 0})

    await world.drain()

    with breaks(taken_out, fact):
        assert world.shop.levels == {"MUG": 3, "LID": 3}, fact


async def test_rule_17_doubts_once_per_revision(make_world: MakeWorld) -> None:
    """A cancelled order that is seen again and again has its listing pushed once."""
    world = make_world(settings=CAPPED)
    await world.open()
    world.shop.place("1001", lines={SKU: 1})
    await world.run()
    world.shop.cancel("1001")
    await world.run()
    told = len(world.shop.levels_applied)

    await world.drain()

    assert len(world.shop.levels_applied) == told
    assert world.market.levels == {SKU: 3} == world.shop.levels
