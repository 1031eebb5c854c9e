"""The orders of a fake marketplace: its own records, and how it shows them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import attrs

from ..model.channel_orders import (
    Address,
    Buyer,
    ChannelOrder,
    ChannelOrderLine,
    FulfillmentStatus,
    PaymentStatus,
    Shipment,
    UnreadableOrder,
)
from ..model.money import Money

AWAITING_PAYMENT = "Awaiting payment"
READY = "Ready"
ON_HOLD = "On hold"
PART_SHIPPED = "Part shipped"
SHIPPED = "Shipped"
CANCELLED = "Cancelled"

MEANINGS = {
    AWAITING_PAYMENT: FulfillmentStatus.UNSHIPPED,
    READY: FulfillmentStatus.UNSHIPPED,
    ON_HOLD: FulfillmentStatus.ON_HOLD,
    PART_SHIPPED: FulfillmentStatus.PARTIAL,
    SHIPPED: FulfillmentStatus.SHIPPED,
    CANCELLED: FulfillmentStatus.CANCELLED,
}
"""The status words of a fake marketplace, and what each says about fulfillment."""

UNIT_PRICE = Decimal("12.50")
CURRENCY = "EUR"

BUYER = Buyer(name="Grete Findewirth", email="grete@findewirth.example", phone="+49 30 5550199")
ADDRESS = Address(name="Grete Findewirth", lines=("Verborgene Gasse 7",), city="Berlin", postcode="10999", country="DE")
"""Who buys unless told otherwise: words that a test can search logs, errors and reports for."""


@attrs.frozen(kw_only=True)
class MarketShipment:
    """One dispatch that took effect: by a note (``note_id``) or by hand in the shop's back office (None)."""

    reference: str
    note_id: str | None
    lines: Mapping[str, int]
    carrier: str | None
    tracking_number: str | None
    at: datetime


@attrs.define(kw_only=True)
class MarketLine:
    """One line of an order; ``quantity`` is gross."""

    line_id: str
    sku: str
    quantity: int
    cancelled: int = 0
    shipped: int = 0

    @property
    def open(self) -> int:
        """Return how many pieces are still to ship; below zero when too many have left."""
        return self.quantity - self.cancelled - self.shipped


@attrs.define(kw_only=True)
class MarketOrder:
    """One order as the marketplace keeps it.

    ``lines_ever`` counts dropped lines too, so that no line id is used twice. ``word`` overrides the status
    word that follows from the facts, ``state`` is a fixed word shown beside it. ``transaction`` is all that a
    marketplace whose orders carry words only says of the payment itself. ``spoiled`` is a document that cannot be
    read, shown in place of the order's own. ``removed`` orders are shown to nobody.
    """

    reference: str
    order_id: str
    placed_at: datetime
    updated_at: datetime
    lines: list[MarketLine]
    lines_ever: int
    payment: PaymentStatus
    paid_at: datetime | None = None
    buyer: Buyer = BUYER
    location: str | None = None
    held: bool = False
    word: str | None = None
    state: str | None = None
    payment_method: str | None = None
    transaction: PaymentStatus | None = None
    spoiled: UnreadableOrder | None = None
    removed: bool = False
    shipments: list[MarketShipment] = attrs.field(factory=list)

    @property
    def status(self) -> str:
        """Return the marketplace's own word for where the order stands."""
        if self.word is not None:
            return self.word
        gone = sum(line.shipped for line in self.lines)
        if all(line.open <= 0 for line in self.lines):
            return SHIPPED if gone else CANCELLED
        if self.held:
            return ON_HOLD
        if gone:
            return PART_SHIPPED
        return READY if self.payment is PaymentStatus.PAID else AWAITING_PAYMENT

    @property
    def done(self) -> bool:
        """Say whether nothing is left to ship, which takes the order out of a sweep."""
        return all(line.open <= 0 for line in self.lines)

    def line(self, line_id: str) -> MarketLine:
        """Return a line by its id; ``KeyError`` if there is none."""
        for line in self.lines:
            if line.line_id == line_id:
                return line
        raise KeyError(f"order {self.reference} has no line {line_id!r}")


@attrs.frozen(kw_only=True)
class Sight:
    """An order as it is shown from one change to the next, and what it is found and ordered by."""

    reference: str
    updated_at: datetime
    done: bool
    shown: ChannelOrder | UnreadableOrder
    document: bytes = attrs.field(repr=False)


def document_of(order: MarketOrder, *, words_only: bool) -> dict[str, Any]:
    """Return the order as the marketplace's API puts it into JSON."""
    payment = _payment(order, words_only=words_only)
    fulfillment = MEANINGS.get(order.status, FulfillmentStatus.UNKNOWN)
    return {
        "reference": order.reference,
        "id": order.order_id,
        "status": order.status,
        "state": order.state,
        "payment_method": order.payment_method,
        "payment": None if payment is None else payment.value,
        "fulfillment": None if words_only else fulfillment.value,
        "placed_at": order.placed_at.isoformat(),
        "updated_at": order.updated_at.isoformat(),
        "paid_at": None if order.paid_at is None else order.paid_at.isoformat(),
        "currency": CURRENCY,
        "total": str(_total(order)),
        "location": order.location,
        "buyer": {"name": order.buyer.name, "email": order.buyer.email, "phone": order.buyer.phone},
        "ship_to": attrs.asdict(ADDRESS),
        "lines": [_line_document(line) for line in order.lines],
        "shipments": [_shipment_document(shipment) for shipment in order.shipments],
    }


def _line_document(line: MarketLine) -> dict[str, Any]:
    return {
        "id": line.line_id,
        "sku": line.sku,
        "title": f"One {line.sku}",
        "quantity": line.quantity,
        "cancelled": line.cancelled,
        "shipped": _shipped(line),
        "unit_price": str(UNIT_PRICE),
    }


def _shipment_document(shipment: MarketShipment) -> dict[str, Any]:
    return {
        "lines": dict(shipment.lines),
        "carrier": shipment.carrier,
        "tracking_number": shipment.tracking_number,
        "shipped_at": shipment.at.isoformat(),
    }


def sight_of(order: MarketOrder, *, words_only: bool) -> Sight:
    """Return the order as it is shown from now on."""
    document = json.dumps(document_of(order, words_only=words_only)).encode()
    shown: ChannelOrder | UnreadableOrder
    if order.spoiled is None:
        shown = _shown(order, document, words_only=words_only)
    else:
        shown, document = order.spoiled, order.spoiled.payload
    return Sight(
        reference=order.reference,
        updated_at=order.updated_at,
        done=order.done,
        shown=shown,
        document=document,
    )


def _shown(order: MarketOrder, document: bytes, *, words_only: bool) -> ChannelOrder:
    return ChannelOrder(
        reference=order.reference,
        status=order.status,
        payment=_payment(order, words_only=words_only),
        fulfillment=None if words_only else MEANINGS.get(order.status, FulfillmentStatus.UNKNOWN),
        placed_at=order.placed_at,
        updated_at=order.updated_at,
        currency=CURRENCY,
        lines=tuple(_shown_line(line) for line in order.lines),
        channel_order_id=order.order_id,
        paid_at=order.paid_at,
        total=Money(_total(order), CURRENCY),
        buyer=order.buyer,
        shipping_address=ADDRESS,
        channel_location=order.location,
        shipments=tuple(_shown_shipment(shipment) for shipment in order.shipments),
        raw=document,
        payment_method=order.payment_method,
        state=order.state,
    )


def _payment(order: MarketOrder, *, words_only: bool) -> PaymentStatus | None:
    return order.transaction if words_only else order.payment


def _shown_line(line: MarketLine) -> ChannelOrderLine:
    return ChannelOrderLine(
        line_id=line.line_id,
        channel_sku=line.sku,
        quantity=line.quantity,
        title=f"One {line.sku}",
        unit_price=Money(UNIT_PRICE, CURRENCY),
        cancelled=line.cancelled,
        shipped=_shipped(line),
    )


def _shown_shipment(shipment: MarketShipment) -> Shipment:
    return Shipment(
        lines=shipment.lines,
        carrier=shipment.carrier,
        tracking_number=shipment.tracking_number,
        shipped_at=shipment.at,
    )


def _shipped(line: MarketLine) -> int:
    return min(line.shipped, line.quantity - line.cancelled)


def _total(order: MarketOrder) -> Decimal:
    return sum((UNIT_PRICE * (line.quantity - line.cancelled) for line in order.lines), Decimal())
