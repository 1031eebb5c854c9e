"""The states of an order, and the arrows between them. Pure.

Every function here takes an order and returns what it becomes; the store writes that only if the
order is still the one that was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import attrs

from .errors import TransitionError
from .model.orders import LIVE, ConflictCode, Order, OrderLine, OrderState, Reason, StockByPlace
from .model.stock import Claim, Due, Sale


class OrderEvent(StrEnum):
    """What can happen to an order. ``PROCESSED_IN_PART`` leaves something open."""

    RESERVED = "reserved"
    EDITED = "edited"
    LINKED = "linked"
    PROCESSED_IN_PART = "processed in part"
    PROCESSED = "processed"
    CANCELLED = "cancelled"
    REVIVED = "revived"
    HELD = "held"
    RESUMED = "resumed"
    PARKED = "parked"
    UNPARKED = "unparked"
    MOVED = "moved"
    RELINKED = "relinked"
    DELETED = "deleted"
    RESTORED = "restored"
    REOPENED = "reopened"
    RESOLVED = "resolved"
    VANISHED = "vanished"


_STAY = (
    OrderEvent.EDITED,
    OrderEvent.LINKED,
    OrderEvent.PROCESSED_IN_PART,
    OrderEvent.HELD,
    OrderEvent.RESUMED,
    OrderEvent.PARKED,
    OrderEvent.UNPARKED,
    OrderEvent.MOVED,
    OrderEvent.RELINKED,
    OrderEvent.RESOLVED,
    OrderEvent.VANISHED,
)

ARROWS: Mapping[tuple[OrderState, OrderEvent], OrderState] = {
    **{(state, event): state for state in (OrderState.NEW, OrderState.OPEN) for event in _STAY},
    (OrderState.NEW, OrderEvent.RESERVED): OrderState.OPEN,
    (OrderState.NEW, OrderEvent.PROCESSED): OrderState.PROCESSED,
    (OrderState.OPEN, OrderEvent.PROCESSED): OrderState.PROCESSED,
    (OrderState.NEW, OrderEvent.CANCELLED): OrderState.CANCELLED,
    (OrderState.OPEN, OrderEvent.CANCELLED): OrderState.CANCELLED,
    (OrderState.NEW, OrderEvent.DELETED): OrderState.DELETED,
    (OrderState.OPEN, OrderEvent.DELETED): OrderState.DELETED,
    (OrderState.DELETED, OrderEvent.RESTORED): OrderState.NEW,
    (OrderState.CANCELLED, OrderEvent.REVIVED): OrderState.NEW,
    (OrderState.PROCESSED, OrderEvent.REOPENED): OrderState.OPEN,
    (OrderState.PROCESSED, OrderEvent.RESOLVED): OrderState.PROCESSED,
    (OrderState.CANCELLED, OrderEvent.RESOLVED): OrderState.CANCELLED,
}
"""Every arrow: (state, event) → state. What an order's channel shows leaves a tombstone a tombstone."""


def arrow(order: Order, event: OrderEvent) -> OrderState:
    """Return where *event* leads; ``TransitionError`` names the arrows that exist, and who ended the order."""
    to = ARROWS.get((order.state, event))
    if to is None:
        possible = sorted({str(name) for state, name in ARROWS if state is order.state})
        ended = "" if order.ended is None else f"; it was {order.state} {order.ended}"
        article = "an" if order.state is OrderState.OPEN else "a"
        raise TransitionError(
            f"{order.key}: {article} {order.state} order cannot be {event}{ended}; "
            + (f"from here it can be {', '.join(possible)}" if possible else "nothing leads on from here")
        )
    return to


def wanted(order: Order) -> StockByPlace:
    """Return what *order* should hold: the open, linked pieces of a live order that no person has locked."""
    if order.state not in LIVE or order.held is not None or not order.reserves:
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

    One that begins anew is due even if it wants what it did before. A change that the channel made and that touches
    stock is remembered in ``channel_revision``.
    """
    changed = attrs.evolve(order, revision=order.revision + 1, **changes)  # type: ignore[arg-type]
    now_wanted = wanted(changed)
    begins_anew = changed.state is OrderState.NEW and order.state is not OrderState.NEW
    if now_wanted == order.wanted and not by_channel and not begins_anew:
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


def cancel(order: Order, *, by: Reason) -> Order:
    """Cancel what is still open of an order."""
    state = arrow(order, OrderEvent.CANCELLED)
    return advance(order, state=state, ended=by, conflict=None, reviewed=let_stand(order))


def let_stand(order: Order) -> str | None:
    """Return what the channel may go on showing without another conflict, once the order's own is resolved.

    A partial refund is told once anyhow.
    """
    conflict = order.conflict
    if conflict is None or conflict.code is ConflictCode.PARTIALLY_REFUNDED:
        return order.reviewed
    return conflict.view


def closed(order: Order, *, by: Reason) -> Order:
    """End a live order of which nothing is open any more: processed if any of it has left, else cancelled.

    This is a part of the change that *order* comes from: its revision is not raised again.
    """
    if order.state not in LIVE or any(line.open for line in order.lines):
        return order
    left = any(line.processed or line.shipped for line in order.lines)
    state = arrow(order, OrderEvent.PROCESSED if left else OrderEvent.CANCELLED)
    return attrs.evolve(order, state=state, ended=None if left else by)


def link(order: Order, components: Mapping[str, Mapping[str, int]], *, links_revision: int) -> Order:
    """Freeze components on unlinked lines, by line id; lines already linked keep theirs."""
    lines = tuple(
        attrs.evolve(line, components=components[line.line_id])
        if line.components is None and line.line_id in components
        else line
        for line in order.lines
    )
    return advance(order, state=arrow(order, OrderEvent.LINKED), lines=lines, links_revision=links_revision)


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
