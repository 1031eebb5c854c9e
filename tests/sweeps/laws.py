"""The laws that hold at every moment, and those that hold once nothing is due any more; worked out anew, not asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from ordersync import Order, OrderKey, OrderState
from ordersync.model.dispatch import Note, NoteStatus
from ordersync.model.listings import Listing, ListingState
from ordersync.model.stock import Movement, StockLevel

from .world import LINKS, OPENING, RULES, World

Place = tuple[str, str]
SKUS = sorted({sku for sku, _ in OPENING})


async def stored_orders(world: World) -> dict[OrderKey, Order]:
    """Return every order of the marketplaces that is stored here."""
    keys = [OrderKey(market.id, reference) for market in world.marketplaces for reference in market.orders]
    return dict(await world.storage.orders.load(keys))


async def stock_adds_up(world: World) -> None:
    """L4, L5, L8: after every commit stock adds up, and no parcel is known to a channel before its goods have moved."""
    orders = await stored_orders(world)
    levels = {(level.sku, level.location): level for level in await world.stock.levels(SKUS)}
    movements = [move for sku in SKUS for move in await world.stock.history(sku, limit=1000)]
    _on_hand_is_moved(levels, movements)
    await _reserved_is_held(world, levels, orders)
    await _differences_are_due(world, orders)
    _parcels_have_left(world, orders, movements)


def _on_hand_is_moved(levels: Mapping[Place, StockLevel], movements: Iterable[Movement]) -> None:
    moved = Counter[Place]()
    for move in movements:
        moved[move.sku, move.location] += move.quantity
    assert {place: level.on_hand for place, level in levels.items() if level.on_hand} == dict(moved), (
        "on-hand is not the sum of its movements"
    )
    ids = [(move.id, move.sku, move.location) for move in movements]
    assert len(set(ids)) == len(ids), "a movement happened twice"


async def _reserved_is_held(
    world: World, levels: Mapping[Place, StockLevel], orders: Mapping[OrderKey, Order]
) -> None:
    held = Counter[Place]()
    for key in orders:
        claim = await world.stock.held(key)
        held.update({} if claim is None else dict(claim.wanted))
    reserved = {place: level.reserved for place, level in levels.items() if level.reserved}
    assert reserved == dict(held), "reserved is not the sum of what orders hold"


def wants(order: Order) -> dict[Place, int]:
    """Return what an order should hold: the open linked pieces of one that is live and not locked."""
    pieces = Counter[Place]()
    if order.state in (OrderState.NEW, OrderState.OPEN) and order.held is None:
        for line in order.lines:
            left = max(0, line.quantity - line.cancelled - line.shipped - line.processed)
            pieces.update({(sku, order.location): left * each for sku, each in (line.components or {}).items()})
    return dict(+pieces)


async def _differences_are_due(world: World, orders: Mapping[OrderKey, Order]) -> None:
    settling: set[OrderKey] = set()
    for market in world.marketplaces:
        settling |= {due.claim.order_key for due in await world.storage.orders.due(market.id, limit=1000)}
        settling |= {parcel.order_key for parcel in await world.storage.orders.waiting(market.id, limit=1000)}
    for key, order in orders.items():
        assert order.wanted == wants(order), f"{key} wants something else than its open lines"
        claim = await world.stock.held(key)
        agreed = claim is not None and (claim.wanted, claim.revision) == (order.wanted, order.stock_revision)
        assert agreed or key in settling, f"{key} does not hold what it wants, and is not due"


def _parcels_have_left(world: World, orders: Mapping[OrderKey, Order], movements: Iterable[Movement]) -> None:
    moved = {move.id for move in movements}
    for market in world.marketplaces:
        told = Counter(shipment.note_id for shipment in market.shipments if shipment.note_id is not None)
        assert all(times == 1 for times in told.values()), f"{market.id} was told of a parcel twice: {told}"
        for note_id in told:
            assert note_id.startswith(f"{market.id}/"), f"{market.id} was told of {note_id}"
            movement_id = note_id.replace("/dispatch/", "/parcel/")
            order = next(order for key, order in orders.items() if note_id.startswith(f"{key}/"))
            linked = any(line.components for line in order.lines)
            assert movement_id in moved or not linked, f"{note_id} is known to its channel, its goods have not moved"


async def all_is_well(world: World) -> None:
    """L4, L6: once nothing is due, orders hold what they want and listings show what they should."""
    await stock_adds_up(world)
    for order in (await stored_orders(world)).values():
        claim = await world.stock.held(order.key)
        assert claim is None or dict(claim.wanted) == wants(order), f"{order.key} holds something else than it wants"
    levels = await world.stock.levels(SKUS)
    for market in world.marketplaces:
        for listing in await world.storage.listings.of_channel(market.id):
            _shows_what_it_should(listing, market.levels[str(listing.id)], levels)


def _shows_what_it_should(listing: Listing, shown: int, levels: Iterable[StockLevel]) -> None:
    name = f"{listing.channel} {listing.id}"
    if listing.state is ListingState.FAILED:
        assert listing.failure, f"{name} failed, and nobody knows why"
        counts = listing.believed is not None and listing.unresolved_until is None
        assert not counts or listing.believed == shown, f"{name} shows {shown}, believed to show {listing.believed}"
    else:
        assert shown == should_show(listing, levels), f"{name} shows {shown} and should {should_show(listing, levels)}"
        assert listing.believed == shown, f"{name} shows {shown}, believed to show {listing.believed}"


def should_show(listing: Listing, levels: Iterable[StockLevel]) -> int:
    """Return the quantity that follows from the levels and the rule of the world's opening."""
    known = LINKS[listing.channel].get(listing.channel_sku)
    rule = (known and known[1]) or RULES[listing.channel]
    fits = []
    for sku, each in listing.components.items():
        left = sum(level.available for level in levels if level.sku == sku) - rule.buffer
        fits.append((left if rule.cap is None else min(left, rule.cap)) // each)
    return max(0, min(fits))


def is_under_way(note: Note) -> bool:
    """Say whether a run still has something to do about a note; one that lacks its tracking waits for a person."""
    lacks = note.status is NoteStatus.QUEUED and note.message is not None
    return note.status in (NoteStatus.WAITING, NoteStatus.QUEUED, NoteStatus.CLAIMED, NoteStatus.SENT) and not lacks
