"""How a marketplace words its orders, and the documents it shows."""

from __future__ import annotations

import json
from decimal import Decimal

from ....model.channel_orders import (
    Buyer,
    ChannelOrder,
    ChannelOrderLine,
    FulfillmentStatus,
    PaymentStatus,
    Shipment,
    UnreadableOrder,
)
from ....model.money import Money
from .orders import Shown, TrueLine, TrueOrder, TrueShipment

AWAITING_PAYMENT = "Awaiting payment"
READY = "Ready"
ON_HOLD = "On hold"
PART_SHIPPED = "Part shipped"
SHIPPED = "Shipped"
CANCELLED = "Cancelled"
REFUNDED = "Refunded"

MEANINGS = {
    AWAITING_PAYMENT: FulfillmentStatus.UNSHIPPED,
    READY: FulfillmentStatus.UNSHIPPED,
    ON_HOLD: FulfillmentStatus.ON_HOLD,
    PART_SHIPPED: FulfillmentStatus.PARTIAL,
    SHIPPED: FulfillmentStatus.SHIPPED,
    CANCELLED: FulfillmentStatus.CANCELLED,
    REFUNDED: FulfillmentStatus.UNSHIPPED,
}
"""The status words that a marketplace is known to use, and what each says about fulfillment."""

STRANGE_WORD = "Klärungsfall"
"""A word that somebody there invented, and nobody else knows."""

CURRENCY = "EUR"
UNIT_PRICE = Money(Decimal("12.50"), CURRENCY)
READY_WHEN = (PaymentStatus.PAID, PaymentStatus.AUTHORIZED, PaymentStatus.PARTIALLY_REFUNDED)


def word_of(order: TrueOrder) -> str:
    """Return the marketplace's own word for where the order stands."""
    if order.word is not None:
        return order.word
    if order.done:
        return CANCELLED if order.cancelled else SHIPPED
    if order.held:
        return ON_HOLD
    if order.payment is PaymentStatus.REFUNDED:
        return REFUNDED
    if any(line.shipped for line in order.lines):
        return PART_SHIPPED
    return READY if order.payment in READY_WHEN else AWAITING_PAYMENT


def render(order: TrueOrder, *, words_only: bool) -> Shown:
    """Return the order as it is shown from now on."""
    word = word_of(order)
    return Shown(
        reference=order.reference,
        number=order.number,
        version=order.version,
        updated_at=order.updated_at,
        done=order.done,
        document=_unreadable(order, word) if order.spoiled else _readable(order, word, words_only=words_only),
    )


def is_ordinary(form: Shown) -> bool:
    """Say whether any host would store the order on seeing this form: readable, paid, understood, and not done."""
    document = form.document
    if not isinstance(document, ChannelOrder) or document.status not in (READY, PART_SHIPPED, ON_HOLD) or form.done:
        return False
    return document.status != ON_HOLD if document.payment is None else document.payment in READY_WHEN


def _readable(order: TrueOrder, word: str, *, words_only: bool) -> ChannelOrder:
    bought = sum(line.quantity - line.cancelled for line in order.lines)
    return ChannelOrder(
        reference=order.reference,
        status=word,
        payment=None if words_only else order.payment,
        fulfillment=None if words_only else MEANINGS.get(word, FulfillmentStatus.UNKNOWN),
        placed_at=order.placed_at,
        updated_at=order.updated_at,
        currency=CURRENCY,
        lines=tuple(map(_line, order.lines)),
        channel_order_id=f"id-{order.reference}",
        paid_at=order.paid_at,
        total=Money(UNIT_PRICE.amount * bought, CURRENCY),
        buyer=Buyer(name=order.buyer),
        shipments=tuple(map(_shipment, order.shipments)),
        raw=_payload(order, word),
    )


def _line(line: TrueLine) -> ChannelOrderLine:
    return ChannelOrderLine(
        line_id=line.line_id,
        channel_sku=line.sku,
        quantity=line.quantity,
        title=line.sku,
        unit_price=UNIT_PRICE,
        cancelled=line.cancelled,
        shipped=min(line.shipped, line.quantity - line.cancelled),
    )


def _shipment(shipment: TrueShipment) -> Shipment:
    return Shipment(
        lines=shipment.lines,
        carrier=shipment.carrier,
        tracking_number=shipment.tracking_number,
        shipped_at=shipment.at,
    )


def _unreadable(order: TrueOrder, word: str) -> UnreadableOrder:
    return UnreadableOrder(
        payload=_payload(order, word, spoiled=True),
        error="lines[0].quantity: expected a whole number, got text",
        reference=None if order.anonymous else order.reference,
    )


def _payload(order: TrueOrder, word: str, *, spoiled: bool = False) -> bytes:
    document = {
        "reference": order.reference,
        "status": word,
        "version": order.version,
        "buyer": order.buyer,
        "lines": [[line.line_id, line.sku, "two" if spoiled else line.quantity] for line in order.lines],
    }
    return json.dumps(document).encode()
