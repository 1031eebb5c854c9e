"""What must hold after each call, and at the end of a schedule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

from ordersync import OrderKey, lifecycle
from ordersync.model.dispatch import NoteStatus
from ordersync.model.orders import Order
from ordersync.publication import effective_rule, target
from ordersync.storage.memory import MemoryStorage
from ordersync.testing import FakeMarketplace
from protocols.schedule import LawBrokenError

ASKS_A_PERSON = frozenset({NoteStatus.REJECTED, NoteStatus.GAVE_UP, NoteStatus.UNKNOWN})


def demand(holds: object, text: str) -> None:
    """Raise unless it holds."""
    if not holds:
        raise LawBrokenError(text)


def check_step(storage: MemoryStorage, markets: Sequence[FakeMarketplace]) -> None:
    """Check what must hold between any two calls."""
    _ledger_adds_up(storage)
    orders = cast("Any", storage.orders)
    for key, order in orders._orders.items():
        waiting = orders._has_waiting(key)
        held = cast("Any", storage.stock)._held.get(key)
        differs = (held.wanted if held is not None else {}) != lifecycle.wanted(order)
        due = order.stock_revision != order.reserved_revision or waiting
        demand(due or not differs, f"L4: {key} holds what it does not want, and is not due")
        for parcel in orders._parcels.get(key, {}).values():
            early = held is not None and held.revision >= parcel.deduction.claim.revision
            moved = parcel.deduction.id in cast("Any", storage.stock)._moved
            demand(moved or not early, f"L4: what parcel {parcel.id} of {key} held is free before its goods have left")
    _one_effect_a_note(storage, markets)


def _ledger_adds_up(storage: MemoryStorage) -> None:
    ledger = cast("Any", storage.stock)
    reserved: Counter[tuple[str, str]] = Counter()
    for claim in ledger._held.values():
        reserved.update(claim.wanted)
    for place, quantity in ledger._reserved.items():
        demand(reserved[place] == quantity, f"L4: {place}: reserved is not the sum of what orders hold")


def _alike(storage: MemoryStorage) -> Mapping[str, Sequence[str]]:
    """Return, by note, the notes of its order with the same lines and number: nobody could tell their parcels apart."""
    kinds: dict[object, list[str]] = {}
    for notes in cast("Any", storage.orders)._notes.values():
        for one in notes.values():
            note = one.note
            kinds.setdefault((note.order_key, tuple(sorted(note.lines.items())), note.tracking_number), []).append(
                note.id
            )
    return {name: names for names in kinds.values() for name in names}


def _one_effect_a_note(storage: MemoryStorage, markets: Sequence[FakeMarketplace]) -> None:
    moved, alike = cast("Any", storage.stock)._moved, _alike(storage)
    for market in markets:
        times = Counter(shipment.note_id for shipment in market.shipments if shipment.note_id is not None)
        for note_id in times:
            twins = alike[note_id]
            effects = sum(times[one] for one in twins)
            demand(effects <= len(twins), f"L8: {effects} effects of {len(twins)} notes like {note_id}")
            demand(note_id.replace("/dispatch/", "/parcel/") in moved, f"L8: {note_id} was sent before its deduction")
            demand(note_id.startswith(f"{market.id}/"), f"L8: {note_id} went to {market.id}")


async def check_end(
    storage: MemoryStorage,
    markets: Sequence[FakeMarketplace],
    on_hand: Mapping[str, int],
    cut_down: Collection[OrderKey],
) -> None:
    """Check what must hold when nothing is due any more; orders *cut_down* on their channel may refuse a note."""
    check_step(storage, markets)
    orders: Mapping[OrderKey, Order] = cast("Any", storage.orders)._orders
    for key, order in orders.items():
        demand(order.stock_revision == order.reserved_revision, f"L9: {key} stays due")
    for sku, quantity in on_hand.items():
        gone = sum([await _deducted(storage, key, sku) for key in orders])
        there = sum(level.on_hand for level in await storage.stock.levels([sku]))
        demand(there == quantity - gone, f"L5: {sku}: on-hand is not what came less what left")
    for market in markets:
        await _shows_what_it_should(storage, market)
        await _knows_every_parcel(storage, market, orders, cut_down)
        for sold in market.orders.values():
            seen = await storage.orders.decision(OrderKey(market.id, sold.reference))
            demand(seen is not None or sold.done or sold.removed, f"L2: {market.id}/{sold.reference} has no decision")


async def _deducted(storage: MemoryStorage, key: OrderKey, sku: str) -> int:
    parcels = [await storage.orders.parcel(key, note.parcel_id) for note in await storage.orders.notes(key)]
    taken = [parcel.deduction.taken for parcel in parcels if parcel is not None]
    return sum(quantity for each in taken for (name, _), quantity in each.items() if name == sku)


async def _shows_what_it_should(storage: MemoryStorage, market: FakeMarketplace) -> None:
    for listing in await storage.listings.of_channel(market.id):
        levels = await storage.stock.levels(list(listing.components))
        should = target(listing.components, effective_rule(listing, market.settings), levels).quantity
        shows = market.levels[str(listing.id)]
        demand(shows == should, f"L6: {market.id} shows {shows} of {listing.id}, not {should}: {listing.state}")


async def _knows_every_parcel(
    storage: MemoryStorage,
    market: FakeMarketplace,
    orders: Mapping[OrderKey, Order],
    cut_down: Collection[OrderKey],
) -> None:
    shipped, alike = Counter(shipment.note_id for shipment in market.shipments), _alike(storage)
    for key in orders:
        if key.channel != market.id or market.orders[key.reference].removed:
            continue
        notes = [note for note in await storage.orders.notes(key) if note.ready is NoteStatus.QUEUED]
        told = sum(shipped[note.note.id] for note in notes)
        by_hand = sum(one.note_id is None and one.reference == key.reference for one in market.shipments)
        for note in notes:
            twins = alike[note.note.id]
            known = sum(one.note.id in twins and one.status is NoteStatus.CONFIRMED for one in notes)
            seen = sum(shipped[one] for one in twins) + by_hand  # a look may take what left by hand for ours
            arrived = told + by_hand > 0 if market.whole_order_dispatch else seen >= known
            if note.status is NoteStatus.CONFIRMED:
                demand(arrived, f"L8: {note.note.id} is confirmed, and the channel has no such parcel")
            else:
                text = f"L9: {note.note.id} ends as {note.status}: {note.message}"
                demand(note.status in ASKS_A_PERSON and (key in cut_down or market.whole_order_dispatch), text)
