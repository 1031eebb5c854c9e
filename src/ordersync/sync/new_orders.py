"""An admitted order as it is saved: its components frozen, its want of stock beside it. Pure."""

from __future__ import annotations

from datetime import datetime

import attrs

from ..channel import Channel
from ..lifecycle import closed, wanted
from ..model.channel_orders import ChannelOrder, PaymentStatus
from ..model.ids import OrderKey
from ..model.orders import ConflictCode, Order, OrderLine, OrderState
from .channel_lines import new_line, sold_by_listing
from .edits import Shown, facts_of


def taken_at(channel: Channel, seen: ChannelOrder) -> datetime:
    """Return the earliest moment at which the channel may have lowered its own level for an order."""
    return seen.placed_at - channel.clock_skew - channel.stamp_granularity


def new_order(channel: Channel, shown: Shown, *, stock_revision: int, revived: bool) -> Order:
    """Return an admitted order: NEW, or as it ended on its channel before it was first seen.

    *revived*: it was refused as ended before, so that its listings are in doubt already.
    """
    seen, settings = shown.seen, channel.settings
    state = _state(shown)
    gone = revived or state is not OrderState.NEW or any(line.cancelled for line in seen.lines)
    order = Order(
        key=OrderKey(channel.id, seen.reference),
        state=state,
        placed_at=seen.placed_at,
        currency=seen.currency,
        lines=tuple(_line(new_line(line, shown.links, seen.channel_location), state) for line in seen.lines),
        location=_location(shown),
        ended=shown.by if state is OrderState.CANCELLED else None,
        channel_location=seen.channel_location,
        fulfilled_by_channel=seen.fulfilled_by_channel,
        reserves=not seen.fulfilled_by_channel or settings.fulfillment_reserves,
        links_revision=shown.links.revision,
        stock_revision=stock_revision,
        channel_revision=stock_revision if gone else 0,
        sold=sold_by_listing(seen) if channel.decrements_on_sale else {},
        taken_at=taken_at(channel, seen),
        saved_at=shown.at,
        **facts_of(shown),
    )
    refunded = order.payment is PaymentStatus.PARTIALLY_REFUNDED and state is OrderState.NEW
    conflict = shown.conflict(ConflictCode.PARTIALLY_REFUNDED, order) if refunded else None
    return closed(attrs.evolve(order, wanted=wanted(order), conflict=conflict), by=shown.by)


def _state(shown: Shown) -> OrderState:
    if shown.cancelled:
        return OrderState.CANCELLED
    return OrderState.PROCESSED if shown.shipped else OrderState.NEW


def _line(line: OrderLine, state: OrderState) -> OrderLine:
    """Return a line of an order in *state*; what ended as processed left by other hands."""
    return attrs.evolve(line, shipped=line.quantity - line.cancelled) if state is OrderState.PROCESSED else line


def _location(shown: Shown) -> str:
    if shown.seen.fulfilled_by_channel:
        return shown.settings.fulfillment_location
    return shown.settings.location_of(shown.seen.channel_location) or ""
