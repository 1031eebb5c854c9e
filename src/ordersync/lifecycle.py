"""The states of an order, and the arrows between them. Pure.

Every function here takes an order and returns what it becomes; the store writes that only if the
order is still the one that was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import attrs

from .errors import TransitionError
from .model.dispatch import DispatchNote, Note, NoteStatus, Parcel, ParcelRecord
from .model.orders import LIVE, Order, OrderLine, OrderState, StockByPlace
from .model.stock import Claim, Deduction, Due, Sale


class OrderEvent(StrEnum):
    """What can happen to an order. ``PROCESSED_IN_PART`` leaves something open."""

    RESERVED = "reserved"
    EDITED = "edited"
    LINKED = "linked"
    PROCESSED_IN_PART = "processed in part"
    PROCESSED = "processed"
    CANCELLED = "cancelled"


ARROWS: Mapping[tuple[OrderState, OrderEvent], OrderState] = {
    (OrderState.NEW, OrderEvent.RESERVED): OrderState.OPEN,
    (OrderState.NEW, OrderEvent.EDITED): OrderState.NEW,
    (OrderState.OPEN, OrderEvent.EDITED): OrderState.OPEN,
    (OrderState.NEW, OrderEvent.LINKED): OrderState.NEW,
    (OrderState.OPEN, OrderEvent.LINKED): OrderState.OPEN,
    (OrderState.NEW, OrderEvent.PROCESSED_IN_PART): OrderState.NEW,
    (OrderState.OPEN, OrderEvent.PROCESSED_IN_PART): OrderState.OPEN,
    (OrderState.NEW, OrderEvent.PROCESSED): OrderState.PROCESSED,
    (OrderState.OPEN, OrderEvent.PROCESSED): OrderState.PROCESSED,
    (OrderState.NEW, OrderEvent.CANCELLED): OrderState.CANCELLED,
    (OrderState.OPEN, OrderEvent.CANCELLED): OrderState.CANCELLED,
}
"""Every arrow: (state, event) → state."""


def arrow(order: Order, event: OrderEvent) -> OrderState:
    """Return where *event* leads; ``TransitionError`` names the arrows that exist."""
    to = ARROWS.get((order.state, event))
    if to is None:
        possible = sorted({str(name) for state, name in ARROWS if state is order.state})
        raise TransitionError(
            f"{order.key}: a {order.state} order cannot be {event}; "
            + (f"from here it can be {', '.join(possible)}" if possible else "nothing leads on from here")
        )
    return to


def wanted(order: Order) -> StockByPlace:
    """Return what *order* should hold: the open, linked pieces of a live order that no person has locked."""
    if order.state not in LIVE or order.held is not None or order.fulfilled_by_channel:
        return {}
    pieces: dict[tuple[str, str], int] = {}
    for line in order.lines:
        add_components(pieces, line, line.open, order.location)
    return pieces


def add_components(total: dict[tuple[str, str], int], line: OrderLine, pieces: int, location: str) -> None:
    """Add what *pieces* of a line take from stock."""
    for sku, each in (line.components or {}).items():
        if pieces:
            total[sku, location] = total.get((sku, location), 0) + pieces * each


def advance(order: Order, *, by_channel: bool = False, **changes: object) -> Order:
    """Change an order: its revision rises, and its stock revision with what it wants.

    A change that the channel made and that touches stock is remembered in ``channel_revision``.
    """
    changed = attrs.evolve(order, revision=order.revision + 1, **changes)  # type: ignore[arg-type]
    now_wanted = wanted(changed)
    if now_wanted == order.wanted and not by_channel:
        return changed
    raised = order.stock_revision + 1
    return attrs.evolve(
        changed,
        wanted=now_wanted,
        stock_revision=raised,
        channel_revision=raised if by_channel else order.channel_revision,
    )


def reserved(order: Order, revision: int, *, held: int) -> Order:
    """Note that the ledger was given *revision* and answered that it holds *held*.

    A ledger that holds more than the order ever claimed (a restored backup) is overtaken: the stock
    revision rises past it, and the order stays due. A late answer changes nothing.
    """
    if held > order.stock_revision:
        return attrs.evolve(order, revision=order.revision + 1, stock_revision=held + 1)
    if revision != order.stock_revision or order.reserved_revision == revision:
        return order
    state = ARROWS.get((order.state, OrderEvent.RESERVED), order.state)
    return attrs.evolve(order, revision=order.revision + 1, reserved_revision=revision, state=state)


def rewant(order: Order) -> Order:
    """Make an order due again under a new revision."""
    return attrs.evolve(order, revision=order.revision + 1, stock_revision=order.stock_revision + 1)


def cancel(order: Order) -> Order:
    """Cancel what is still open of an order."""
    return advance(order, state=arrow(order, OrderEvent.CANCELLED))


def link(order: Order, components: Mapping[str, Mapping[str, int]], *, links_revision: int) -> Order:
    """Freeze components on unlinked lines, by line id; lines already linked keep theirs."""
    lines = tuple(
        attrs.evolve(line, components=components[line.line_id])
        if line.components is None and line.line_id in components
        else line
        for line in order.lines
    )
    return advance(order, state=arrow(order, OrderEvent.LINKED), lines=lines, links_revision=links_revision)


def process(order: Order, parcel: Parcel, *, at: datetime) -> tuple[Order, ParcelRecord, Note]:
    """Take a parcel out of an order: what the order becomes, the record to finish it by, and its note.

    ``TransitionError`` when the order may not be processed, or the parcel takes more than is open.
    """
    taken = _lines_of(order, parcel)
    lines = tuple(attrs.evolve(line, processed=line.processed + taken.get(line.line_id, 0)) for line in order.lines)
    rest = any(line.open for line in lines)
    event = OrderEvent.PROCESSED_IN_PART if rest else OrderEvent.PROCESSED
    after = advance(order, state=arrow(order, event), lines=lines)
    if after.stock_revision == order.stock_revision:  # nothing linked: the parcel still needs a claim of its own
        after = attrs.evolve(after, stock_revision=order.stock_revision + 1)
    record = ParcelRecord(
        order_key=order.key, asked=parcel, lines=taken, deduction=_deduction(order, after, parcel, taken), at=at
    )
    return after, record, _note(order, record)


def _lines_of(order: Order, parcel: Parcel) -> Mapping[str, int]:
    arrow(order, OrderEvent.PROCESSED)
    if order.held is not None:
        raise TransitionError(f"{order.key}: is held by {order.held.who} ({order.held.why}); resume it first")
    if order.parked is not None:
        raise TransitionError(f"{order.key}: is parked ({order.parked}) and cannot be processed yet")
    if order.fulfilled_by_channel:
        raise TransitionError(f"{order.key}: is fulfilled by the channel and never dispatched by us")
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
    for line in before.lines:
        add_components(pieces, line, taken.get(line.line_id, 0), before.location)
    return Deduction(id=before.key.parcel_id(parcel.id), taken=pieces, claim=claim_of(after))


def _note(order: Order, record: ParcelRecord) -> Note:
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
    )


def claim_of(order: Order) -> Claim:
    """Return what an order claims of stock now."""
    return Claim(order_key=order.key, revision=order.stock_revision, wanted=order.wanted)


def due_of(order: Order) -> Due:
    """Return what settles an order: its claim on stock, and its sale for the belief about its listings."""
    sale = Sale(
        order_key=order.key,
        revision=order.stock_revision,
        channel_revision=order.channel_revision,
        taken_at=order.taken_at or order.placed_at,
        sold=order.sold,
    )
    return Due(claim=claim_of(order), sale=sale)
