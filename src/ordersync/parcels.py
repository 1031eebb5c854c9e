"""What leaves in a parcel: the order after it, the record to finish it by, and its note. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs

from .conflicts import BLOCKING
from .errors import TransitionError
from .lifecycle import OrderEvent, add_components, advance, arrow, claim_of
from .model.dispatch import DispatchNote, Note, NoteStatus, Parcel, ParcelRecord
from .model.orders import ConflictCode, Order
from .model.stock import Deduction


def process(order: Order, parcel: Parcel, *, at: datetime, elsewhere: bool = False) -> tuple[Order, ParcelRecord, Note]:
    """Take a parcel out of an order: what the order becomes, the record to finish it by, and its note.

    *elsewhere*: it left by other hands and the channel knows, so its note is never sent, and what the order was
    waiting for does not matter. ``TransitionError`` when the order may not be processed, or the parcel takes
    more than is open.
    """
    arrow(order, OrderEvent.PROCESSED)
    if not elsewhere:
        _require_ready(order)
    taken = _lines_of(order, parcel)
    lines = tuple(attrs.evolve(line, processed=line.processed + taken.get(line.line_id, 0)) for line in order.lines)
    rest = any(line.open for line in lines)
    event = OrderEvent.PROCESSED_IN_PART if rest else OrderEvent.PROCESSED
    after = advance(
        order,
        state=arrow(order, event),
        lines=lines,
        conflict=None if elsewhere else order.conflict,
        reviewed=_reviewed(order) if elsewhere else order.reviewed,
    )
    if after.stock_revision == order.stock_revision:  # nothing linked: the parcel still needs a claim of its own
        after = attrs.evolve(after, stock_revision=order.stock_revision + 1)
    record = ParcelRecord(
        order_key=order.key, asked=parcel, lines=taken, deduction=_deduction(order, after, parcel, taken), at=at
    )
    return after, record, _note(order, record, ready=NoteStatus.CONFIRMED if elsewhere else NoteStatus.QUEUED)


def _reviewed(order: Order) -> str | None:
    """Return what stays let stand once what left by other hands is a part of the order: that it had vanished."""
    conflict = order.conflict
    return conflict.view if conflict is not None and conflict.code is ConflictCode.VANISHED else None


def _require_ready(order: Order) -> None:
    """Raise ``TransitionError`` with the reason why an order may not be processed yet."""
    if order.held is not None:
        raise TransitionError(f"{order.key}: is held {order.held}; resume it first")
    if order.parked is not None:
        raise TransitionError(f"{order.key}: is parked ({order.parked}) and cannot be processed yet")
    if order.set_aside is not None:
        raise TransitionError(f"{order.key}: is parked {order.set_aside}; unpark it first")
    if order.fulfilled_by_channel:
        raise TransitionError(f"{order.key}: is fulfilled by the channel and never dispatched by us")
    if order.conflict is not None and order.conflict.code in BLOCKING:
        raise TransitionError(f"{order.key}: is in conflict ({order.conflict.sentence}); resolve that first")


def _lines_of(order: Order, parcel: Parcel) -> Mapping[str, int]:
    open_lines = {line.line_id: line.open for line in order.lines if line.open}
    taken = open_lines if parcel.lines is None else parcel.lines
    for line_id, quantity in taken.items():
        if quantity > open_lines.get(line_id, 0):
            raise TransitionError(
                f"{order.key}: parcel {parcel.id!r} takes {quantity} of line {line_id!r}, "
                f"but only {open_lines.get(line_id, 0)} are open"
            )
    if not taken:
        raise TransitionError(f"{order.key}: parcel {parcel.id!r} holds no lines; name some that are open")
    return taken


def _deduction(before: Order, after: Order, parcel: Parcel, taken: Mapping[str, int]) -> Deduction:
    pieces: dict[tuple[str, str], int] = {}
    for line in before.lines if before.reserves else ():
        add_components(pieces, line, taken.get(line.line_id, 0), before.location)
    return Deduction(id=before.key.parcel_id(parcel.id), taken=pieces, claim=claim_of(after))


def _note(order: Order, record: ParcelRecord, *, ready: NoteStatus) -> Note:
    asked = record.asked
    return Note(
        parcel_id=asked.id,
        status=NoteStatus.WAITING,
        note=DispatchNote(
            id=order.key.dispatch_id(asked.id),
            order_key=order.key,
            channel_order_id=order.channel_order_id,
            lines=record.lines,
            carrier=asked.carrier,
            service=asked.service,
            tracking_number=asked.tracking_number,
            tracking_url=asked.tracking_url,
            dispatched_at=asked.dispatched_at or record.at,
        ),
        ready=ready,
    )
