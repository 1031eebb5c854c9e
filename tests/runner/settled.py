"""Letting a world come to rest, and seeing that everything in it adds up then; worked out anew, not asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ordersync import Order, OrderState
from ordersync.model.listings import Listing, ListingState
from ordersync.testing import FakeMarketplace
from runner.world import World

Place = tuple[str, str]
LIVING = (OrderState.NEW, OrderState.OPEN)


async def come_to_rest(world: World, *channels: FakeMarketplace, runs: int = 3) -> None:
    """Run, ten minutes apart, until nothing can be due any more."""
    for _ in range(runs):
        await world.run_later(*channels)


async def adds_up_at_rest(world: World, opening: Mapping[Place, int], *channels: FakeMarketplace) -> None:
    """See that stock is what orders and parcels say, channels show it, and one more run tells them nothing."""
    markets = channels or (world.shop, world.market)
    orders = await world.storage.orders.listed()
    await _stock_adds_up(world, orders, opening)
    before = [(len(market.levels_applied), len(market.notes_received)) for market in markets]
    await world.run_later(*channels)
    after = [(len(market.levels_applied), len(market.notes_received)) for market in markets]
    assert before == after, "an idle run told a channel something"
    for market in markets:
        await _shows_what_it_should(world, market)
    for order in await world.storage.orders.listed():
        assert order.reserved_revision == order.stock_revision, f"{order.key} is still due"


async def _stock_adds_up(world: World, orders: Sequence[Order], opening: Mapping[Place, int]) -> None:
    on_hand, reserved = Counter(opening), Counter[Place]()
    for order in orders:
        reserved.update(wants(order))
        for note in await world.storage.orders.notes(order.key):
            record = await world.storage.orders.parcel(order.key, note.parcel_id)
            assert record is not None
            on_hand.subtract(record.deduction.taken)
    skus = sorted({sku for sku, _ in (*on_hand, *reserved)})
    levels = await world.storage.stock.levels(skus)
    assert {(one.sku, one.location): one.on_hand for one in levels if one.on_hand} == _whole(on_hand)
    assert {(one.sku, one.location): one.reserved for one in levels if one.reserved} == _whole(reserved)


def _whole(pieces: Counter[Place]) -> dict[Place, int]:
    return {place: quantity for place, quantity in pieces.items() if quantity}


def wants(order: Order) -> Counter[Place]:
    """Return what an order should hold, by its lines as they are."""
    pieces = Counter[Place]()
    if order.state in LIVING and order.held is None and order.reserves:
        for line in order.lines:
            left = max(0, line.quantity - line.cancelled - line.shipped - line.processed)
            for sku, each in (line.components or {}).items():
                pieces[sku, order.location] += left * each
    return pieces


async def _shows_what_it_should(world: World, market: FakeMarketplace) -> None:
    for listing in await world.storage.listings.of_channel(market.id):
        if listing.state is ListingState.ACTIVE:
            shown = market.levels[str(listing.id)]
            assert shown == await _sellable(world, listing), f"{market.id} shows {shown} of {listing.id}"
            assert listing.believed == shown, f"{market.id} is believed to show {listing.believed} of {listing.id}"


async def _sellable(world: World, listing: Listing) -> int:
    available = Counter[str]()
    for level in await world.storage.stock.levels(sorted(listing.components)):
        available[level.sku] += level.available
    return max(0, min(available[sku] // each for sku, each in listing.components.items()))
