"""What a stored order becomes when its channel shows it differently. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from ..admission import canonical, parking_reason
from ..lifecycle import OrderEvent, advance, arrow
from ..model.channel_orders import ChannelOrder, ChannelOrderLine, FulfillmentStatus
from ..model.listings import Links
from ..model.orders import LIVE, Order, OrderLine
from ..model.settings import ChannelSettings

CANCELLED_AFTER = "cancelled on the channel after goods were processed here"
EDITED_AFTER = "edited on the channel after it was processed here"
SHIPPED_ELSEWHERE = "shipped on the channel by other hands while open here"


def follow(order: Order, seen: ChannelOrder, *, settings: ChannelSettings, links: Links) -> Order:
    """Return *order* with what the channel shows now.

    While it is live, lines and cancellation are followed, and reservations with them. What can no longer
    be followed, because goods have left, becomes a named conflict for a person, never a silent change. Whatever
    its state: where the channel may have moved its own levels, the order is due, so that they are doubted.
    """
    facts = _facts(seen, settings)
    cancelled = facts["fulfillment"] is FulfillmentStatus.CANCELLED
    sold = {**order.sold, **sold_by_listing(seen)} if order.sold else order.sold
    if order.state not in LIVE:
        return advance(
            order,
            by_channel=_moved_levels(order, seen, cancelled=cancelled),
            **facts,
            sold=sold,
            conflict=_late_conflict(order, seen, cancelled=cancelled) or order.conflict,
        )
    if cancelled:
        after = any(line.processed for line in order.lines)
        return advance(
            order,
            by_channel=True,
            **facts,
            sold=sold,
            state=arrow(order, OrderEvent.CANCELLED),
            conflict=CANCELLED_AFTER if after else order.conflict,
        )
    conflict = SHIPPED_ELSEWHERE if _shipped_elsewhere(order, seen, facts) else order.conflict
    lines = _lines(order, seen, links)
    if lines == order.lines:
        return advance(order, **facts, conflict=conflict)
    state = arrow(order, OrderEvent.EDITED)
    return advance(order, by_channel=True, **facts, sold=sold, conflict=conflict, state=state, lines=lines)


def sold_by_listing(seen: ChannelOrder) -> Mapping[tuple[str, str | None], int]:
    """Return what the channel took off its own listings for an order; its own stock is not ours to follow."""
    sold: dict[tuple[str, str | None], int] = {}
    if seen.fulfilled_by_channel:
        return sold
    for line in seen.lines:
        listing = (line.channel_sku, seen.channel_location)
        sold[listing] = sold.get(listing, 0) + line.quantity
    return sold


def new_line(line: ChannelOrderLine, links: Links, channel_location: str | None) -> OrderLine:
    """Return a line as it is stored, with what it takes from stock frozen."""
    return OrderLine(
        line_id=line.line_id,
        channel_sku=line.channel_sku,
        quantity=line.quantity,
        title=line.title,
        unit_price=line.unit_price,
        cancelled=line.cancelled,
        shipped=line.shipped,
        components=links.of(line, channel_location),
    )


def _facts(seen: ChannelOrder, settings: ChannelSettings) -> dict[str, Any]:
    payment, fulfillment = canonical(seen, settings)
    return {
        "status": seen.status,
        "payment": payment,
        "fulfillment": fulfillment,
        "parked": parking_reason(payment, fulfillment),
        "updated_at": seen.updated_at,
        "paid_at": seen.paid_at,
        "total": seen.total,
        "buyer": seen.buyer,
        "shipping_address": seen.shipping_address,
        "shipping_service": seen.shipping_service,
        "dispatch_by": seen.dispatch_by,
        "channel_order_id": seen.channel_order_id,
        "secondary_reference": seen.secondary_reference,
    }


def _lines(order: Order, seen: ChannelOrder, links: Links) -> tuple[OrderLine, ...]:
    """Return the order's lines as the channel shows them now, with what we know of each kept."""
    before = {line.line_id: line for line in order.lines}
    lines = [_line(before.pop(line.line_id, None), line, links, seen.channel_location) for line in seen.lines]
    return (
        *lines,
        *(
            attrs.evolve(gone, cancelled=gone.quantity - gone.shipped - gone.processed)
            for gone in before.values()
            if gone.quantity
        ),
    )


def _line(before: OrderLine | None, seen: ChannelOrderLine, links: Links, channel_location: str | None) -> OrderLine:
    if before is None or before.channel_sku != seen.channel_sku:
        fresh = new_line(seen, links, channel_location)
        return fresh if before is None else attrs.evolve(fresh, shipped=before.shipped, processed=before.processed)
    return attrs.evolve(
        before, quantity=seen.quantity, cancelled=seen.cancelled, title=seen.title, unit_price=seen.unit_price
    )


def _late_conflict(order: Order, seen: ChannelOrder, *, cancelled: bool) -> str | None:
    if not any(line.processed for line in order.lines):
        return None
    if cancelled:
        return CANCELLED_AFTER
    return EDITED_AFTER if _counts(seen.lines) != _counts(order.lines) else None


def _moved_levels(order: Order, seen: ChannelOrder, *, cancelled: bool) -> bool:
    """Say whether the channel took pieces of an order off its own levels, or put some back, since it was last seen."""
    if cancelled != (order.fulfillment is FulfillmentStatus.CANCELLED):
        return True
    return not cancelled and _counts(seen.lines) != _counts(order.lines)


def _counts(lines: Iterable[OrderLine | ChannelOrderLine]) -> Mapping[str, tuple[str, int, int]]:
    """Return what is bought in each line; a line that is cancelled as a whole may as well be gone."""
    return {
        line.line_id: (line.channel_sku, line.quantity, line.cancelled)
        for line in lines
        if line.quantity > line.cancelled
    }


def _shipped_elsewhere(order: Order, seen: ChannelOrder, facts: Mapping[str, Any]) -> bool:
    ours = {line.line_id: line.shipped + line.processed for line in order.lines}
    more = any(line.shipped > ours.get(line.line_id, 0) for line in seen.lines)
    return more or facts["fulfillment"] is FulfillmentStatus.SHIPPED
