"""The laws about what becomes of orders: parcels, tombstones, conflicts, history, the watch list; worked out anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from ordersync import ChannelSettings, Order, OrderState
from ordersync.model.dispatch import Note, NoteStatus, ParcelRecord
from ordersync.model.ids import ChannelId
from ordersync.model.orders import CHANNEL, ConflictCode, OrderChange
from ordersync.model.stock import Movement
from ordersync.ports import ListingBook, OrderStore
from ordersync.testing import FakeMarketplace
from ordersync.testing.market_orders import AWAITING_PAYMENT, CANCELLED, MarketOrder

LIVE = (OrderState.NEW, OrderState.OPEN)
WAITS = frozenset({"NOT_PAID", "STATUS_UNKNOWN", "UNREADABLE"})
"""Why an order is not stored yet that may be later, without its update time moving."""


async def parcels_add_up(orders: OrderStore, stored: Iterable[Order], movements: Collection[Movement]) -> None:
    """L5, L8: what was processed are the pieces in parcels, and of each exactly what it took has moved, or waits to."""
    moved: dict[str, Counter[tuple[str, str]]] = {}
    for move in movements:
        moved.setdefault(move.id, Counter())[move.sku, move.location] -= move.quantity
    of_parcels: set[str] = set()
    for order in stored:
        notes = await orders.notes(order.key)
        parcels = [(note, await orders.parcel(order.key, note.parcel_id)) for note in notes]
        _pieces_are_in_parcels(order, [parcel for _, parcel in parcels if parcel is not None])
        waiting = [note.parcel_id for note in notes if note.status is NoteStatus.WAITING]
        assert len(waiting) <= 1, f"{order.key}: several parcels wait at once: {waiting}"
        for note, parcel in parcels:
            assert parcel is not None, f"{order.key}: note {note.parcel_id} has no parcel"
            _has_moved(note, parcel, moved.get(parcel.deduction.id))
            _is_ours_to_tell(order, note)
            assert order.reserves or not parcel.deduction.taken, f"{order.key}: takes from stock that is not kept here"
            of_parcels.add(parcel.deduction.id)
    strays = {name for name in moved if "/parcel/" in name} - of_parcels
    assert not strays, f"moved for no parcel: {strays}"


def _pieces_are_in_parcels(order: Order, parcels: Sequence[ParcelRecord]) -> None:
    packed = Counter[str]()
    for parcel in parcels:
        packed.update(parcel.lines)
    processed = {line.line_id: line.processed for line in order.lines if line.processed}
    assert processed == packed, f"{order.key}: {processed} were processed, in parcels are {dict(packed)}"


def _has_moved(note: Note, parcel: ParcelRecord, moved: Mapping[tuple[str, str], int] | None) -> None:
    taken = dict(parcel.deduction.taken)
    if moved is None:
        assert note.status is NoteStatus.WAITING or not taken, f"{note.note.id} is {note.status}, nothing has moved"
    else:
        assert dict(moved) == taken, f"{parcel.deduction.id} moved {dict(moved)}, and took {taken}"


def _is_ours_to_tell(order: Order, note: Note) -> None:
    """What left by other hands is told to nobody, and of an order that its channel sends we tell nothing at all."""
    if note.ready is NoteStatus.CONFIRMED:
        assert note.status in (NoteStatus.WAITING, NoteStatus.CONFIRMED), f"{note.note.id} is {note.status}"
        assert not note.tries, f"{note.note.id} was sent, and the channel knew"
    else:
        assert not order.fulfilled_by_channel, f"{note.note.id}: the channel sends that order itself"


def history_tells(order: Order, history: Sequence[OrderChange], *, erased: bool = False) -> None:
    """Who reads an order's history from its beginning comes to the state that it is in, step by step.

    An erasure raises the revision, and is told in the journal.
    """
    revisions = [entry.revision for entry in history]
    assert revisions == sorted(set(revisions)), f"{order.key}: its history is out of order: {revisions}"
    assert not revisions or revisions[-1] <= order.revision, f"{order.key}: its revision has fallen"
    told: str | None = None
    for entry in history:
        if "state" in entry.details:
            was, now = map(_live_or_not, entry.details["state"].split(" -> "))
            assert told in (None, was), f"{order.key}: its history leaves out how it became {was}"
            told = now
    as_saved = None if order.revision <= SAVED_AND_SETTLED + erased else "live"
    assert (told or as_saved) in (None, _live_or_not(order.state)), f"{order.key} is {order.state}, told was {told}"
    _history_tells_of_flags(order, history)


SAVED_AND_SETTLED = 2
"""The revision of an order that was saved as what it is, and settled once."""


def _live_or_not(state: str) -> str:
    return "live" if state in ("new", "open", "live") else state


def _history_tells_of_flags(order: Order, history: Sequence[OrderChange]) -> None:
    flags = {"held": False, "parked": False}
    conflict = place = None
    for entry in history:
        for name, ending in (("held", "resumed"), ("parked", "unparked")):
            flags[name] = entry.event == name or (flags[name] and entry.event != ending)
        conflict, place = entry.details.get("conflict", conflict), entry.details.get("location", place)
    is_so = {"held": order.held is not None, "parked": order.set_aside is not None}
    assert flags == is_so, f"{order.key}: its history tells {flags}, it is {is_so}"
    assert place is None or place.endswith(f"-> {order.location}"), f"{order.key} is at {order.location}, not {place}"
    code = order.conflict and order.conflict.code
    assert code in (None, conflict, "PARTIALLY_REFUNDED"), f"{order.key} is in {code}, its history tells of {conflict}"


def orders_are_as_shown(market: FakeMarketplace, stored: Mapping[str, Order]) -> None:
    """Live orders and tombstones hold the pieces that their channel shows, and what ended there is not live here."""
    for reference, order in stored.items():
        shown = market.orders[reference]
        assert shown.removed or not _is_taken_for_vanished(order), f"{order.key} has vanished, its channel shows it"
        if shown.removed or shown.spoiled is not None or shown.word is not None:
            continue
        if order.state in (*LIVE, OrderState.DELETED):
            ours = _bought(order)
            assert ours == _bought(shown), f"{order.key} holds {ours}, its channel shows {_bought(shown)}"
        if order.state in LIVE:
            assert shown.status != CANCELLED, f"{order.key} is live, and its channel has cancelled it"
            _nothing_left_unnoticed(order, shown)
        ended_there = order.ended is not None and order.ended.who == CHANNEL
        if order.state is OrderState.CANCELLED and ended_there and shown.status != AWAITING_PAYMENT:
            assert shown.done, f"{order.key} was cancelled by its channel, which shows it open again"


def _is_taken_for_vanished(order: Order) -> bool:
    by_settings = order.ended is not None and order.ended.who == "the settings"
    return by_settings or (order.conflict is not None and order.conflict.code is ConflictCode.VANISHED)


def _bought(order: Order | MarketOrder) -> Mapping[str, tuple[int, int]]:
    return {
        line.line_id: (line.quantity, line.cancelled) for line in order.lines if line.quantity > max(0, line.cancelled)
    }


def _nothing_left_unnoticed(order: Order, shown: MarketOrder) -> None:
    known = {line.line_id: line.shipped + line.processed for line in order.lines}
    gone = {line.line_id: line.shipped for line in shown.lines if line.shipped > known.get(line.line_id, 0)}
    named = order.conflict is not None or order.reviewed is not None
    assert named or any(line.open for line in order.lines), f"{order.key} is live, and nothing is left to send"
    assert named or not gone, f"{order.key}: {gone} left by other hands, and nobody was told"


def settings_have_decided(stored: Iterable[Order], settings: ChannelSettings) -> None:
    """No live order is left in a conflict that the settings resolve."""
    for order in stored:
        if order.state in LIVE and order.conflict is not None:
            code, ours = order.conflict.code, not order.fulfilled_by_channel
            elsewhere = code is ConflictCode.SHIPPED_ELSEWHERE
            assert not elsewhere or (ours and settings.shipped_elsewhere is None), f"{order.key} is left in {code}"
            assert code is not ConflictCode.VANISHED or settings.vanished is None, f"{order.key} is left in {code}"


async def who_waits_is_watched(
    orders: OrderStore, market: FakeMarketplace, stored: Mapping[str, Order], *, now: datetime
) -> set[str]:
    """Who waits for a payment or a known word is on the watch list; return who else is, until the next look."""
    ahead = now + timedelta(days=30)
    watched = {watch.key.reference for watch in await orders.watched(market.id, at=ahead, limit=1000)}
    refused = await orders.decisions(market.id, admitted=False)
    waits = {one.key.reference for one in refused if one.code in WAITS and one.key.reference not in stored}
    paid = ("paid", "authorized", "partially-refunded")
    waits |= {name for name, order in stored.items() if order.state in LIVE and order.payment not in paid}
    assert waits <= watched, f"{market.id}: {waits - watched} wait, and are not watched"
    return watched - waits


async def listings_are_taken_apart(listings: ListingBook, channels: Iterable[ChannelId]) -> None:
    """What a listing takes from stock is what its kits are made of now."""
    kits = await listings.kits()
    for channel in channels:
        for listing in await listings.of_channel(channel):
            apart = _apart(listing.linked_to, kits)
            assert listing.components == apart, f"{channel} {listing.id} takes {listing.components}, not {apart}"


def _apart(components: Mapping[str, int], kits: Mapping[str, Mapping[str, int]]) -> Counter[str]:
    pieces = Counter[str]()
    for sku, each in components.items():
        for part, number in _apart(kits[sku], kits).items() if sku in kits else [(sku, 1)]:
            pieces[part] += each * number
    return pieces
