"""The documents of a fake marketplace, as a client of its API reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
)
from ..model.money import Money
from ..structuring import strict_converter

CONVERTER = strict_converter()


@attrs.frozen(kw_only=True)
class _Line:
    id: str
    sku: str
    title: str
    quantity: int
    cancelled: int
    shipped: int
    unit_price: Decimal


@attrs.frozen(kw_only=True)
class _Shipment:
    lines: Mapping[str, int]
    carrier: str | None
    tracking_number: str | None
    shipped_at: datetime


@attrs.frozen(kw_only=True)
class _Person:
    name: str | None
    email: str | None
    phone: str | None


@attrs.frozen(kw_only=True)
class _Order:
    reference: str
    id: str
    status: str
    state: str | None
    payment_method: str | None
    payment: PaymentStatus | None
    fulfillment: FulfillmentStatus | None
    placed_at: datetime
    updated_at: datetime
    paid_at: datetime | None
    currency: str
    total: Decimal
    location: str | None
    buyer: _Person
    ship_to: Address
    lines: Sequence[_Line]
    shipments: Sequence[_Shipment]


def reference_of(document: Any) -> object:  # noqa: ANN401 - any JSON
    """Find the reference in a document that cannot be read otherwise."""
    return document["reference"]


def read_document(document: object) -> ChannelOrder:
    """Read an order; whatever does not fit raises what ``structuring.read_order`` expects."""
    order = CONVERTER.structure(document, _Order)
    return ChannelOrder(
        reference=order.reference,
        status=order.status,
        payment=order.payment,
        fulfillment=order.fulfillment,
        placed_at=order.placed_at,
        updated_at=order.updated_at,
        currency=order.currency,
        lines=[_line(line, order.currency) for line in order.lines],
        channel_order_id=order.id,
        paid_at=order.paid_at,
        total=Money(order.total, order.currency),
        buyer=Buyer(name=order.buyer.name, email=order.buyer.email, phone=order.buyer.phone),
        shipping_address=order.ship_to,
        channel_location=order.location,
        shipments=[
            Shipment(
                lines=shipment.lines,
                carrier=shipment.carrier,
                tracking_number=shipment.tracking_number,
                shipped_at=shipment.shipped_at,
            )
            for shipment in order.shipments
        ],
        payment_method=order.payment_method,
        state=order.state,
    )


def _line(line: _Line, currency: str) -> ChannelOrderLine:
    return ChannelOrderLine(
        line_id=line.id,
        channel_sku=line.sku,
        quantity=line.quantity,
        title=line.title,
        unit_price=Money(line.unit_price, currency),
        cancelled=line.cancelled,
        shipped=line.shipped,
    )
