"""What must be true of an author's channel at the end of a simulation, as far as its harness can tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ....doctor import Doctor
from ....doctor.explanation import HERE, UNEXPLAINED
from ....model.channel_orders import Shipment
from ....model.dispatch import Note, NoteStatus
from ....model.ids import ChannelId, OrderKey
from ....model.runs import ChannelState
from ..checkers.listing_rule import rule_for, shown_by, taken_apart
from ..trace import Violation
from .channel_stage import ChannelStage

TOLD = (NoteStatus.SENT, NoteStatus.CONFIRMED)


async def check_at_rest(stage: ChannelStage) -> None:
    """Raise ``Violation`` for the first thing that is not as it must be once nothing is due any more."""
    if stage.reader.life(stage.author).state is not ChannelState.ENABLED:
        raise Violation("ENABLED", f"{stage.author} never passed its connection test, though nothing goes wrong")
    for reference in stage.market.placed:
        _is_stored(stage, reference)
        await _is_explained(stage, reference)
        await _is_told(stage, reference)
    for channel in stage.settings:
        await _shows_its_targets(stage, channel)


def _is_stored(stage: ChannelStage, reference: str) -> None:
    key, bought = OrderKey(stage.author, reference), stage.market.placed[reference]
    order, decision = stage.reader.order(key), stage.reader.decision(key)
    if order is None:
        waits = any(one.reference == reference for one in stage.reader.quarantined(stage.author))
        if reference not in stage.market.spoiled and not waits and (decision is None or decision.admitted):
            raise Violation("STORED", f"{key} was placed and paid; it is not stored, and nothing was decided about it")
        return
    stored: Counter[str] = Counter()
    for line in order.lines:
        stored[line.channel_sku] += line.quantity
    if stored != Counter(bought.lines):
        raise Violation("STORED", f"{key} is stored with {_text(stored)}, and {_text(bought.lines)} was bought")


async def _is_explained(stage: ChannelStage, reference: str) -> None:
    author, is_stored = stage.author, stage.is_stored(stage.author, reference)
    doctor = Doctor(stage.channels(stage.last_process), stage.storage, clock=stage.clock)
    told = await doctor.explain(reference, source=author.source, subsource=author.subsource)
    if told.stored != is_stored or told.code == UNEXPLAINED or (told.code == HERE and not is_stored):
        raise Violation("EXPLAINED", f"{author} {reference}: explain says {told.code}: {told.sentence}")


async def _is_told(stage: ChannelStage, reference: str) -> None:
    """Check that the marketplace knows each parcel of ours once, and none that we do not know."""
    key = OrderKey(stage.author, reference)
    order, notes = stage.reader.order(key), stage.reader.notes(key)
    known = await stage.market.parcels(reference)
    if reference in stage.market.by_hand:
        _once_each(key, notes, known)
    elif stage.real.whole_order_dispatch:
        if len(known) > 1 or bool(known) != any(note.status in TOLD for note in notes):
            text = f"{key} has {_parcels(notes)}, and the marketplace knows {len(known)} shipments"
            raise Violation("DISPATCH", text)
    elif order is not None:
        for note in notes:
            _ends_well(stage, note)
        ours = [note for note in notes if note.status in TOLD]
        _agree(key, ours, [note for note in notes if note not in ours], known)


def _once_each(key: OrderKey, notes: Sequence[Note], known: Sequence[Shipment]) -> None:
    """Check no more than that no parcel of ours is there twice: others have shipped too."""
    numbers = Counter(parcel.tracking_number for parcel in known)
    for note in notes:
        number = note.note.tracking_number
        if number and numbers[number] > 1:
            text = f"{key}: the marketplace knows parcel {note.parcel_id!r} {numbers[number]} times"
            raise Violation("DISPATCH", text)


def _ends_well(stage: ChannelStage, note: Note) -> None:
    key, lacks_number = note.note.order_key, stage.real.requires_tracking and not note.note.tracking_number
    if note.status in TOLD or lacks_number or key.reference in stage.market.spoiled:
        return
    if note.status is NoteStatus.UNKNOWN and not hasattr(stage.real, "fetch_order"):
        return
    told = f"; {note.message}" if note.message else ""
    raise Violation("DISPATCH", f"{key}: parcel {note.parcel_id!r} is {note.status} in the end{told}")


def _agree(key: OrderKey, told: Sequence[Note], untold: Sequence[Note], known: Sequence[Shipment]) -> None:
    """Check that what the marketplace knows is each parcel told, and at most once each of which nobody is sure."""
    left = Counter(_of_shipment(parcel) for parcel in known)
    for note in told:
        left[_of_note(note)] -= 1
    missing = [parcel for parcel, times in left.items() if times < 0]
    if missing:
        text = f"{key}: a parcel counts as told, and the marketplace does not know it: {missing[0]}"
        raise Violation("DISPATCH", text)
    for note in untold:
        left[_of_note(note)] -= left[_of_note(note)] > 0
    more = [parcel for parcel, times in left.items() if times > 0]
    if more:
        raise Violation("DISPATCH", f"{key}: the marketplace knows a parcel once too often: {more[0]}")


def _of_note(note: Note) -> str:
    return f"{_text(note.note.lines)}, tracking {note.note.tracking_number or 'none'}"


def _of_shipment(parcel: Shipment) -> str:
    return f"{_text(parcel.lines)}, tracking {parcel.tracking_number or 'none'}"


async def _shows_its_targets(stage: ChannelStage, channel: ChannelId) -> None:
    available: dict[str, dict[str, int]] = {}
    for level in stage.reader.levels(stage.skus):
        available.setdefault(level.sku, {})[level.location] = level.on_hand - level.reserved
    shown, kits, settings = await stage.shown(channel), stage.reader.kits(), stage.settings[channel]
    unseen = _skus_nobody_could_read(stage) if channel == stage.author else frozenset()
    for listing in stage.reader.listings(channel):
        parts, rule = taken_apart(listing.linked_to, kits), rule_for(listing, settings)
        target = shown_by(parts, rule, available)
        if listing.channel_sku not in unseen and shown.get(listing.channel_sku) != target:
            text = f"shows {shown.get(listing.channel_sku)}, and should show {target}"
            raise Violation("LISTING", f"{channel} {listing.channel_sku} {text}")


def _skus_nobody_could_read(stage: ChannelStage) -> frozenset[str]:
    """Return what was sold in orders whose documents are malformed: their marketplace took it off by itself."""
    return frozenset(sku for reference in stage.market.spoiled for sku in stage.market.placed[reference].lines)


def _parcels(notes: Sequence[Note]) -> str:
    return ", ".join(f"parcel {note.parcel_id!r} {note.status}" for note in notes) or "no parcel"


def _text(quantities: Mapping[str, int]) -> str:
    return ", ".join(f"{count} of {name}" for name, count in sorted(quantities.items()))
