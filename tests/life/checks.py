"""Comparing what is so with what must be so: orders at every moment, all of it once nothing is due."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import attrs

from ordersync import ChannelOrder, Order, OrderKey, OrderState, RunReport
from ordersync.model.dispatch import Note, NoteStatus
from ordersync.ports import OwnStockLedger
from ordersync.testing.market_orders import MarketOrder

from .model import Model
from .orders import LivingOrder, Parcel
from .shown import Shown, shown_of
from .stock import reserved, should_show
from .witness import Witness
from .world import OWN_RULES, RULES, SKUS, Watched, World

LIVE = (OrderState.NEW, OrderState.OPEN)


def order_as_stored(order: Order) -> Mapping[str, object]:
    """Return what matters of a stored order."""
    return {
        "state": OrderState.OPEN if order.state in LIVE else order.state,
        "parked": order.parked,
        "held": order.held is not None,
        "set aside": order.set_aside is not None,
        "conflict": None if order.conflict is None else order.conflict.code.value,
        "location": order.location,
        "wanted": dict(order.wanted),
        "lines": {
            line.line_id: (
                *(line.channel_sku, line.quantity, line.cancelled, line.shipped, line.processed),
                None if line.components is None else dict(line.components),
            )
            for line in order.lines
        },
    }


def order_as_it_must_be(order: LivingOrder) -> Mapping[str, object]:
    """Return the same of the model."""
    return {
        "state": order.state,
        "parked": order.shown.waits,
        "held": order.held,
        "set aside": order.set_aside,
        "conflict": None if order.conflict is None else order.conflict.value,
        "location": order.location,
        "wanted": dict(order.wanted),
        "lines": {
            line_id: (
                *(line.sku, line.quantity, line.cancelled, line.shipped, line.processed),
                None if line.parts is None else dict(line.parts),
            )
            for line_id, line in order.lines.items()
        },
    }


async def orders_agree(world: World, model: Model) -> None:
    """Compare every order that was ever placed."""
    keys = [OrderKey(market.id, reference) for market in world.marketplaces for reference in market.orders]
    stored = await world.storage.orders.load(keys)
    assert set(stored) == set(model.orders), "other orders are stored than should be"
    for key, order in stored.items():
        found, must = order_as_stored(order), order_as_it_must_be(model.orders[key])
        wrong = [f"{name} is {found[name]}, must be {must[name]}" for name in must if found[name] != must[name]]
        assert not wrong, f"{key}: {'; '.join(wrong)}"


async def all_agrees(world: World, model: Model, witness: Witness, moves: Moves) -> None:
    """Compare everything, once nothing is due."""
    await orders_agree(world, model)
    _all_was_seen(world, model)
    await _all_is_done(world, model)
    await _stock_agrees(world, model)
    for market in world.marketplaces:
        await _listings_agree(world, model, market, moves)
    for key, order in model.orders.items():
        notes = {note.parcel_id: note for note in await world.storage.orders.notes(key)}
        assert set(notes) == set(order.parcels), f"{key} has other notes than parcels"
        for parcel_id, parcel in order.parcels.items():
            _note_agrees(world, model, witness, notes[parcel_id], parcel)


def _all_was_seen(world: World, model: Model) -> None:
    """L2: what a channel shows is what was seen last; a payment that moves no stamp of an ended order is not shown."""
    for market in world.marketplaces:
        for reference, order in market.orders.items():
            last = model.shown_last(OrderKey(market.id, reference))
            if not order.removed:
                now = shown_now(market, order)
                told = attrs.evolve(now, payment=last.payment) if last is not None and now.ended else now
                assert last == told, f"{market.id}/{reference} is shown as {now}, and was last seen as {last}"


async def _all_is_done(world: World, model: Model) -> None:
    """What runs do of their own accord is done: saved, linked, vanished, decided by settings."""
    for channel, known in model.channels.items():
        missing = [
            order for order in model.of_channel(channel) if world.at(channel).orders[order.key.reference].removed
        ]
        missing = [order for order in missing if order.is_expected]
        assert not missing, f"{missing[0].key} has vanished, and nobody says so"
        meaning = model.meaning(channel)
        assert known.sweeps.judged == known.sweeps.complete, f"the last sweep of {channel} was not judged"
        for order in model.of_channel(channel):
            assert model.by_settings(order.key) is None, f"{order.key} was to be decided by the settings"
            stored = await world.storage.orders.get(order.key)
            assert stored.state is not OrderState.NEW, f"{order.key} was not reserved"
            for line in order.lines.values() if order.lives else ():
                assert line.parts is not None or meaning(line.sku) is None, f"{order.key} could be linked"


async def _stock_agrees(world: World, model: Model) -> None:
    """Movements, holds and levels."""
    ledger = cast("OwnStockLedger", world.storage.stock)
    orders = model.orders.values()
    for order in orders:
        claim = await ledger.held(order.key)
        assert dict({} if claim is None else claim.wanted) == dict(order.wanted), f"{order.key} holds something else"
        for parcel_id in order.parcels:
            assert f"{order.key}/parcel/{parcel_id}" in model.shelves.left, f"{order.key} {parcel_id} was not deducted"
    must = {
        (movement, *place): pieces
        for movement, quantities in model.shelves.movements(orders).items()
        for place, pieces in quantities.items()
    }
    moved = [move for sku in SKUS for move in await ledger.history(sku, limit=10_000)]
    assert {(move.id, move.sku, move.location): move.quantity for move in moved} == must
    assert len(moved) == len(must), "something moved twice"
    on_hand, held = model.shelves.on_hand(orders), reserved(orders)
    levels = {(level.sku, level.location): (level.on_hand, level.reserved) for level in await ledger.levels(SKUS)}
    for place in {*on_hand, *held, *levels}:
        assert levels.get(place, (0, 0)) == (on_hand[place], held[place]), f"{place}"


@attrs.frozen
class Move:
    """What an order took off a listing of its own channel, or put back: when, and after how many pushes."""

    market: Watched
    sku: str
    reference: str
    by: int
    moment: int
    pushes: int


class Moves:
    """Every move of a marketplace's own levels."""

    def __init__(self) -> None:
        self._all: list[Move] = []

    def note(self, market: Watched, reference: str, before: Mapping[str, int], moment: int) -> None:
        """Note what an order has just done to the listings."""
        self._all += [
            Move(market, sku, reference, level - before[sku], moment, _pushes(market, sku))
            for sku, level in market.levels.items()
            if level != before[sku]
        ]

    def unknown(self, market: Watched, sku: str, model: Model) -> int:
        """Return by how much a listing was moved since its last push without our having a way to know."""
        pushes = _pushes(market, sku)
        mine = [one for one in self._all if (one.market, one.sku, one.pushes) == (market, sku, pushes)]
        return sum(one.by for one in mine if _is_unknown(one, model))


def _is_unknown(move: Move, model: Model) -> bool:
    """Say whether a move is none of ours: of an order that is not stored, that vanished with its news, or undone.

    What an order bought and gave back before it was ever stored is known to nobody, either.
    """
    key = OrderKey(move.market.id, move.reference)
    if key not in model.orders or model.was_blind(key, move.moment):
        return True
    if move.moment < model.saved_at[key] and move.sku not in model.saved_skus[key]:
        return True
    vanished = move.market.orders[move.reference].removed and move.moment > model.last_seen[key]
    named = move.sku in {line.sku for line in model.orders[key].lines.values()}
    return vanished and (move.moment > model.vanished_at.get(key, 0) or not named)


def _pushes(market: Watched, sku: str) -> int:
    return sum(one.listing.channel_sku == sku for one in market.levels_applied)


async def _listings_agree(world: World, model: Model, market: Watched, moves: Moves) -> None:
    """L6: each linked listing shows its rule applied to the levels, less what orders take that are none of ours yet."""
    available = model.shelves.on_hand(model.orders.values())
    available.subtract(reserved(model.orders.values()))
    listings = {one.channel_sku: one for one in await world.storage.listings.of_channel(market.id)}
    meanings = model.shelves.meanings(market.id)
    assert {sku: dict(one.components) for sku, one in listings.items()} == meanings
    for sku, parts in meanings.items():
        right = should_show(parts, OWN_RULES.get(sku, RULES[market.id]), available)
        shown = market.levels[sku] - moves.unknown(market, sku, model)
        believed = listings[sku].believed
        assert (shown, believed) == (right, right), (
            f"{market.id} {sku} shows {shown}, is believed to show {believed}, not {right}"
        )


def _note_agrees(world: World, model: Model, witness: Witness, note: Note, parcel: Parcel) -> None:
    """L8: a parcel of ours is told once, unless its channel refused it; what left elsewhere is never told."""
    key, name = note.note.order_key, note.note.id
    market = world.at(key.channel)
    arrived = [one for one in market.shipments if one.note_id == name]
    assert dict(note.note.lines) == dict(parcel.lines), f"{name} tells of other lines"
    if not parcel.told:
        assert not witness.arrived[name] + witness.refused[name], f"{name} was sent, and the channel knew"
        assert note.status is NoteStatus.CONFIRMED
        return
    assert len(arrived) == witness.arrived[name] <= 1, f"{name} arrived {len(arrived)} times"
    for one in arrived:
        assert (one.lines, one.tracking_number) == (parcel.lines, parcel.tracking)
    assert note.status in _standings(world, model, witness, note), f"{name} is {note.status}: {note.message}"


def _standings(world: World, model: Model, witness: Witness, note: Note) -> tuple[NoteStatus, ...]:
    """Return where a note may stand in the end, given what the channel lets us know of it."""
    key, name = note.note.order_key, note.note.id
    can_look, cut = model.channels[key.channel].can_look, note.tries > 1 or name in witness.cut
    removed = key.reference in world.at(key.channel).ever_removed
    lost = (NoteStatus.GAVE_UP if can_look else NoteStatus.UNKNOWN,) if cut and (removed or not can_look) else ()
    if witness.arrived[name]:
        others = any(not parcel.told for parcel in model.orders[key].parcels.values())
        sent = (NoteStatus.SENT,) if removed or others or not can_look else ()
        return (NoteStatus.CONFIRMED, *sent, *lost)
    return (*lost, *((NoteStatus.REJECTED,) if witness.refused[name] or cut else ()))


def shown_now(market: Watched, order: MarketOrder) -> Shown:
    """Return what a channel shows of an order at this moment."""
    sight = market._book.seen_at(order.reference, market.now())
    assert sight is not None
    assert isinstance(sight.shown, ChannelOrder)
    return shown_of(market.as_sold(sight.shown))


def adds_up(report: RunReport) -> None:
    """Every sighting has one outcome."""
    for one in report.channels.values():
        assert one.seen == one.new + one.changed + one.same + one.skipped + one.quarantined, one
