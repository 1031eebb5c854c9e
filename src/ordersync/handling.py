"""What people do to an order, step by step. Pure."""

from __future__ import annotations

import attrs

from .errors import TransitionError
from .lifecycle import OrderEvent, advance, arrow, cancel, closed
from .model.channel_orders import FulfillmentStatus
from .model.listings import Links
from .model.orders import CHANNEL, ConflictCode, Order, Reason


def hold(order: Order, *, by: Reason) -> Order:
    """Lock an order; what it reserved is free until it is resumed."""
    if order.held is not None:
        raise TransitionError(f"{order.key}: is held already, {order.held}")
    return advance(order, state=arrow(order, OrderEvent.HELD), held=by)


def resume(order: Order) -> Order:
    """Unlock an order; it reserves again."""
    state = arrow(order, OrderEvent.RESUMED)
    if order.held is None:
        raise TransitionError(f"{order.key}: is not held; somebody may have resumed it already")
    return advance(order, state=state, held=None)


def park(order: Order, *, by: Reason) -> Order:
    """Set an order aside: it is not processed, and goes on reserving."""
    if order.set_aside is not None:
        raise TransitionError(f"{order.key}: is parked already, {order.set_aside}")
    return advance(order, state=arrow(order, OrderEvent.PARKED), set_aside=by)


def unpark(order: Order) -> Order:
    """Let an order be processed that a person had set aside; the channel's own reason stays."""
    state = arrow(order, OrderEvent.UNPARKED)
    if order.set_aside is None:
        reason = "no person has parked it" if order.parked is None else f"its channel says so: {order.parked}"
        raise TransitionError(f"{order.key}: cannot be unparked, {reason}")
    return advance(order, state=state, set_aside=None)


def move(order: Order, location: str) -> Order:
    """Have an order served from another location; its reservation moves along, parcels that left do not."""
    return advance(order, state=arrow(order, OrderEvent.MOVED), location=location)


def relink(order: Order, links: Links) -> Order:
    """Let every line take from stock what its channel SKU means now."""
    lines = tuple(
        attrs.evolve(line, components=links.of_sku(line.channel_sku, order.channel_location)) for line in order.lines
    )
    state = arrow(order, OrderEvent.RELINKED)
    return advance(order, state=state, lines=lines, links_revision=links.revision)


def delete(order: Order, *, by: Reason) -> Order:
    """Leave only a tombstone of an order, which reserves nothing and is not downloaded again."""
    return advance(order, state=arrow(order, OrderEvent.DELETED), ended=by)


def restore(order: Order, *, by: Reason) -> Order:
    """Bring a deleted order back as its channel shows it by now."""
    restored = advance(order, state=arrow(order, OrderEvent.RESTORED), ended=None)
    there = attrs.evolve(by, who=CHANNEL)
    if order.fulfillment is not FulfillmentStatus.CANCELLED:
        return closed(restored, by=there)
    left = order.conflict is not None and order.conflict.code is ConflictCode.CANCELLED_AFTER_PROCESSING
    return attrs.evolve(
        cancel(restored, by=there), revision=restored.revision, conflict=order.conflict if left else None
    )
