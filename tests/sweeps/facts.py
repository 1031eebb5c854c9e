"""Everything that must be equal in the end, whatever happened on the way; journal, attempts and times excepted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Mapping

import attrs

from ordersync import Decision, Order, OrderKey
from ordersync.model.dispatch import Note, NoteStatus
from ordersync.model.ids import ChannelId
from ordersync.model.listings import Listing
from ordersync.testing import FakeMarketplace

from .laws import SKUS, Place, movements_of, stored_orders
from .world import World

Facts = dict[Hashable, object]

OF_ORDER = (
    *("state", "status", "payment", "fulfillment", "currency", "location", "parked", "reviewed", "lines"),
    *("wanted", "total", "channel_order_id", "sold", "reserves", "fulfilled_by_channel"),
)
OF_DECISION = ("admitted", "code", "sentence", "status", "final")


async def state_of(world: World) -> Facts:
    """Return all state there is, times and revisions included; what marks raise is excepted, for anybody may mark."""
    facts = await facts_of(world)
    for market in world.marketplaces:
        keys = [OrderKey(market.id, reference) for reference in market.orders]
        facts[market.id, "orders"] = dict(await world.storage.orders.load(keys))
        facts[market.id, "decisions"] = {key: await world.storage.orders.decision(key) for key in keys}
        facts[market.id, "notes"] = {key: list(await world.storage.orders.notes(key)) for key in keys}
        facts[market.id, "progress"] = await world.storage.orders.progress(market.id)
        listings = await world.storage.listings.of_channel(market.id)
        facts[market.id, "listings"] = [attrs.evolve(listing, wanted=0) for listing in listings]
    return facts


async def facts_of(world: World) -> Facts:
    """Return what is so in the world: by name, so that a difference can be told."""
    facts: Facts = {}
    orders = await stored_orders(world)
    for market in world.marketplaces:
        for reference in market.orders:
            key = OrderKey(market.id, reference)
            facts |= _order(key, orders.get(key), await world.storage.orders.decision(key))
            facts[key, "erased"] = bool(await world.storage.orders.erased([key]))
            claim = await world.stock.held(key)
            facts[key, "holds"] = {} if claim is None else dict(claim.wanted)
            for note in await world.storage.orders.notes(key):
                facts |= _note(note, _plain(note.parcel_id))
        facts |= _market(market)
        facts |= await _channel(world, market.id)
    facts |= await _stock(world)
    return facts


def _order(key: OrderKey, order: Order | None, decision: Decision | None) -> Facts:
    facts: Facts = {(key, name): getattr(order, name, None) for name in OF_ORDER}
    for name in ("held", "set_aside", "ended"):
        reason = getattr(order, name, None)
        facts[key, name] = reason and (reason.who, reason.why)
    facts[key, "personal"] = order and (order.buyer is not None, order.shipping_address is not None)
    conflict = order and order.conflict
    facts[key, "conflict"] = conflict and (conflict.code, conflict.view, conflict.lines)
    facts |= {(key, "decision", name): getattr(decision, name, None) for name in OF_DECISION}
    return facts


def _plain(name: str) -> str:
    """Return the id of a parcel, or of what it moved; what left by other hands is named after a revision."""
    return re.sub(r"elsewhere-\d+", "elsewhere", name)


def _note(note: Note, parcel_id: str) -> Facts:
    key, told = note.note.order_key, attrs.asdict(note.note, recurse=False)
    del told["dispatched_at"]
    told["id"] = _plain(note.note.id)
    unhappy = note.status is not NoteStatus.CONFIRMED
    return {
        (key, parcel_id, "status"): note.status,
        (key, parcel_id, "message"): note.message if unhappy else None,
        (key, parcel_id, "note"): told,
    }


def _market(market: FakeMarketplace) -> Facts:
    shipments = sorted(
        (one.reference, one.note_id or "", tuple(sorted(one.lines.items())), one.carrier, one.tracking_number)
        for one in market.shipments
    )
    return {(market.id, "shipments"): shipments, (market.id, "levels"): market.levels}


async def _channel(world: World, channel: ChannelId) -> Facts:
    life = (await world.storage.journal.life([channel]))[channel]
    progress = await world.storage.orders.progress(channel)
    documents = await world.storage.orders.quarantined(channel)
    facts: Facts = {
        (channel, "life"): (life.state, life.cause, life.failures, life.paused_until, life.trouble),
        (channel, "interrupted"): (progress.interrupted, progress.sweep_began_at, progress.sweep_position),
        (channel, "judged by"): progress.admission,
        (channel, "quarantine"): sorted((one.reference or "", one.code, one.payload) for one in documents),
    }
    for listing in await world.storage.listings.of_channel(channel):
        facts |= _listing(channel, listing)
    return facts


def _listing(channel: ChannelId, listing: Listing) -> Mapping[Hashable, object]:
    return {
        (channel, listing.id, "state"): listing.state,
        (channel, listing.id, "failure"): listing.failure,
        (channel, listing.id, "components"): dict(listing.components),
    }


async def _stock(world: World) -> Facts:
    facts: Facts = {}
    for level in await world.stock.levels(SKUS):
        facts["level", level.sku, level.location] = (level.on_hand, level.reserved)
    moved = Counter[tuple[str, Place]]()
    for move in await movements_of(world):
        moved[_plain(move.id), (move.sku, move.location)] += move.quantity
    facts["movements"] = moved
    return facts


def differences(one: Facts, other: Facts) -> list[str]:
    """Name what is so in *other* and was expected as in *one*."""
    names = sorted({*one, *other}, key=_words)
    return [
        f"{_words(name)}: {other.get(name)} instead of {one.get(name)}"
        for name in names
        if one.get(name) != other.get(name)
    ]


def _words(name: Hashable) -> str:
    return " ".join(map(str, name)) if isinstance(name, tuple) else str(name)
