"""The laws that hold at every moment, and those that hold once nothing is due any more; worked out anew, not asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from ordersync import Order, OrderKey, OrderState
from ordersync.model.dispatch import Note, NoteStatus
from ordersync.model.listings import Listing, ListingState
from ordersync.model.stock import Claim, Movement, StockLevel
from ordersync.testing import FakeMarketplace

from .decision_laws import settings_have_judged, sightings_are_decided
from .life_laws import (
    history_tells,
    listings_are_taken_apart,
    orders_are_as_shown,
    parcels_add_up,
    settings_have_decided,
    who_waits_is_watched,
)
from .world import LINKS, OPENING, RULES, World

Place = tuple[str, str]
SKUS = sorted({sku for sku, _ in OPENING})


async def stored_orders(world: World) -> dict[OrderKey, Order]:
    """Return every order of the marketplaces that is stored here."""
    keys = [OrderKey(market.id, reference) for market in world.marketplaces for reference in market.orders]
    return dict(await world.storage.orders.load(keys))


async def claims_of(world: World, keys: Iterable[OrderKey]) -> dict[OrderKey, Claim | None]:
    """Return what each order holds, and under which revision."""
    ledger = world.stock
    return {key: await ledger.held(key) for key in keys}


async def movements_of(world: World) -> list[Movement]:
    """Return everything that ever moved."""
    ledger = world.stock
    return [move for sku in SKUS for move in await ledger.history(sku, limit=1000)]


async def stock_adds_up(world: World) -> None:
    """L4, L5, L8: after every commit stock adds up, and no channel knows of a parcel whose goods have not moved."""
    orders = await stored_orders(world)
    claims = await claims_of(world, orders)
    movements = await movements_of(world)
    _levels_are_sums(await world.stock.levels(SKUS), movements, claims.values())
    await _differences_are_due(world, orders, claims)
    await parcels_add_up(world.storage.orders, orders.values(), movements)
    moved = {move.id for move in movements}
    for market in world.marketplaces:
        _parcels_have_left(market, orders.values(), moved)


def _levels_are_sums(
    levels: Iterable[StockLevel], movements: Collection[Movement], claims: Iterable[Claim | None]
) -> None:
    moved, held = Counter[Place](), Counter[Place]()
    for move in movements:
        moved[move.sku, move.location] += move.quantity
    for claim in claims:
        for place, quantity in claim.wanted.items() if claim is not None else ():
            held[place] += quantity
    for level in levels:
        on_hand, reserved = moved.pop((level.sku, level.location), 0), held.pop((level.sku, level.location), 0)
        assert level.on_hand == on_hand, f"{level} is not the sum of its movements"
        assert level.reserved == reserved, f"{level} is not the sum of what orders hold"
    assert not any(moved.values()), f"moved, and in no level: {moved}"
    assert not any(held.values()), f"held, and in no level: {held}"
    assert len({(move.id, move.sku, move.location) for move in movements}) == len(movements), "something moved twice"


def wants(order: Order) -> dict[Place, int]:
    """Return what an order should hold: the open linked pieces of a live one, unless it is locked or never reserves."""
    pieces: dict[Place, int] = {}
    if order.state in (OrderState.NEW, OrderState.OPEN) and order.held is None and order.reserves:
        for line in order.lines:
            left = line.quantity - line.cancelled - line.shipped - line.processed
            for sku, each in (line.components or {}).items() if left > 0 else ():
                pieces[sku, order.location] = pieces.get((sku, order.location), 0) + left * each
    return pieces


async def _differences_are_due(
    world: World, orders: Mapping[OrderKey, Order], claims: Mapping[OrderKey, Claim | None]
) -> None:
    for key, order in orders.items():
        assert order.wanted == wants(order), f"{key} wants something else than its open lines"
        claim = claims[key]
        assert claim is None or claim.revision <= order.stock_revision, f"{key}: its stock revision has fallen"
        if claim is None or (claim.wanted, claim.revision) != (order.wanted, order.stock_revision):
            waiting = await world.storage.orders.waiting(key.channel, key=key, limit=1)
            due = await world.storage.orders.due(key.channel, key=key, limit=1)
            assert waiting or due, f"{key} does not hold what it wants, and is not due"


def _parcels_have_left(market: FakeMarketplace, orders: Iterable[Order], moved: Collection[str]) -> None:
    told = [shipment.note_id for shipment in market.shipments if shipment.note_id is not None]
    assert len(set(told)) == len(told), f"{market.id} was told of a parcel twice: {told}"
    for note_id in told:
        assert note_id.startswith(f"{market.id}/"), f"{market.id} was told of {note_id}"
        if note_id.replace("/dispatch/", "/parcel/") not in moved:
            (order,) = (order for order in orders if note_id.startswith(f"{order.key}/"))
            assert not any(line.components for line in order.lines), f"{note_id} was sent, its goods have not moved"


async def all_is_well(world: World) -> None:
    """L2, L4, L6: once nothing is due, all is decided, orders hold what they want, listings show what they should."""
    await stock_adds_up(world)
    orders = await stored_orders(world)
    for key, claim in (await claims_of(world, orders)).items():
        assert claim is None or claim.wanted == wants(orders[key]), f"{key} holds something else than it wants"
    levels = await world.stock.levels(SKUS)
    erased = await world.storage.orders.erased(orders)
    for order in orders.values():
        history_tells(order, await world.storage.orders.history(order.key), erased=order.key in erased)
    await listings_are_taken_apart(world.storage.listings, [market.id for market in world.marketplaces])
    for market in world.marketplaces:
        mine = {key.reference: order for key, order in orders.items() if key.channel == market.id}
        orders_are_as_shown(market, mine)
        settings_have_decided(mine.values(), market.settings)
        await sightings_are_decided(world.storage.orders, market, mine)
        await settings_have_judged(world.storage.orders, market)
        await who_waits_is_watched(world.storage.orders, market, mine, now=world.clock.now())
        shown = market.levels
        for listing in await world.storage.listings.of_channel(market.id):
            _shows_what_it_should(listing, shown[str(listing.id)], levels)


def _shows_what_it_should(listing: Listing, shown: int, levels: Iterable[StockLevel]) -> None:
    name = f"{listing.channel} {listing.id}"
    if listing.state is ListingState.FAILED:
        assert listing.failure, f"{name} failed, and nobody knows why"
        counts = listing.believed is not None and listing.unresolved_until is None
        assert not counts or listing.believed == shown, f"{name} shows {shown}, believed to show {listing.believed}"
    else:
        right = should_show(listing, levels)
        assert shown == right, f"{name} shows {shown}, and should show {right}"
        assert listing.believed == shown, f"{name} shows {shown}, believed to show {listing.believed}"


def should_show(listing: Listing, levels: Iterable[StockLevel]) -> int:
    """Return the quantity that follows from the levels and the rules of the opening."""
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
