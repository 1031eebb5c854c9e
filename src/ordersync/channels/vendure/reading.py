"""From Vendure's order to ours. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import attrs

from ...model.channel_orders import (
    Address,
    Buyer,
    ChannelOrder,
    ChannelOrderLine,
    FulfillmentStatus,
    PaymentStatus,
    Shipment,
)
from ...model.money import Money
from .documents import CONVERTER, Customer, Payment, Refund, ShopAddress, ShopLine, ShopOrder, ShopParcel

CARTS = frozenset({"Created", "Draft", "AddingItems", "ArrangingPayment"})
"""Before it is paid or its payment authorized, an order is its buyer's cart and holds no stock."""

CANCELLED = "Cancelled"
OPEN_STATES = {
    "PaymentAuthorized": PaymentStatus.AUTHORIZED,
    "PaymentSettled": PaymentStatus.PAID,
    "PartiallyShipped": PaymentStatus.PAID,
    "PartiallyDelivered": PaymentStatus.PAID,
    "Modifying": None,
    "ArrangingAdditionalPayment": None,
}
"""The states of orders on their way, and what each says of the payment; None leaves it to the payments themselves."""

HELD = frozenset({"Modifying", "ArrangingAdditionalPayment"})
"""While the seller changes an order that was placed before: it keeps its stock, and what it holds may still change."""

FINAL_STATES = {"Shipped": PaymentStatus.PAID, "Delivered": PaymentStatus.PAID, CANCELLED: None}

STATES = frozenset({*CARTS, *OPEN_STATES, *FINAL_STATES})
"""Every state that Vendure brings; a shop may add others."""

DONE = frozenset({*CARTS, *FINAL_STATES})
"""What a sweep leaves out. It names these and not the open ones, so that a shop's own states are seen."""

LEFT = frozenset({"Shipped", "Delivered"})
"""The states of fulfillments that have left."""


def read_order(document: Any, *, precision: int) -> ChannelOrder:  # noqa: ANN401 - a parsed document
    """Read one order; whatever does not fit raises what ``structuring.read_order`` expects."""
    order = CONVERTER.structure(document, ShopOrder)
    left = shipped_parcels(order)
    shipped = sum((Counter(own_lines(parcel, order)) for parcel in left), Counter[str]())
    lines = tuple(_line(line, shipped[line.id], order, precision) for line in order.lines if _gross(line))
    return ChannelOrder(
        reference=order.code,
        status=order.state,
        payment=_payment(order),
        fulfillment=_fulfillment(order, lines),
        placed_at=order.order_placed_at or order.created_at,
        updated_at=order.updated_at,
        currency=order.currency_code,
        lines=lines,
        channel_order_id=order.id,
        total=_money(order.total_with_tax, order, precision),
        buyer=_buyer(order.customer),
        shipping_address=_address(order.shipping_address),
        shipping_service=_service(order),
        shipments=tuple(_shipment(parcel, order) for parcel in left),
    )


def own_lines(parcel: ShopParcel, order: ShopOrder) -> dict[str, int]:
    """Return what a fulfillment holds of this order; one may span several orders."""
    ours = {line.id for line in order.lines}
    quantities = Counter[str]()
    for line in parcel.lines:
        if line.order_line_id in ours and line.quantity > 0:
            quantities[line.order_line_id] += line.quantity
    return dict(quantities)


def shipped_parcels(order: ShopOrder) -> Sequence[ShopParcel]:
    """Return the fulfillments that have left, oldest first; the server lists them in any order."""
    left = [one for one in order.fulfillments or () if one.state in LEFT and own_lines(one, order)]
    return sorted(left, key=lambda parcel: id_key(parcel.id))


def id_key(identifier: str) -> tuple[int, str]:
    """Return what ids sort by: whole numbers by value, UUIDs by their letters."""
    return len(identifier), identifier


def _gross(line: ShopLine) -> int:
    """Return how many pieces there ever were; 0 for a line that was added to a placed order and taken back."""
    return max(line.quantity, line.order_placed_quantity)


def _line(line: ShopLine, shipped: int, order: ShopOrder, precision: int) -> ChannelOrderLine:
    """Read a line; Vendure lowers ``quantity`` when pieces are cancelled, and keeps a cancelled line at 0.

    A server may have shipped more than was ordered.
    """
    gross = _gross(line)
    return ChannelOrderLine(
        line_id=line.id,
        channel_sku=line.product_variant.sku,
        quantity=gross,
        title=line.product_variant.name,
        unit_price=_money(line.unit_price_with_tax, order, precision),
        cancelled=gross - line.quantity,
        shipped=min(shipped, line.quantity),
    )


def _fulfillment(order: ShopOrder, lines: Sequence[ChannelOrderLine]) -> FulfillmentStatus:
    """Derive it from the lines: an order whose rest was cancelled stays ``PartiallyShipped`` for ever."""
    shipped = sum(line.shipped for line in lines)
    is_open = any(line.quantity > line.cancelled + line.shipped for line in lines)
    if order.state not in STATES:
        return FulfillmentStatus.UNKNOWN
    if order.state == CANCELLED or not (is_open or shipped):
        return FulfillmentStatus.CANCELLED
    if not is_open:
        return FulfillmentStatus.SHIPPED
    if order.state in HELD:
        return FulfillmentStatus.ON_HOLD
    return FulfillmentStatus.PARTIAL if shipped else FulfillmentStatus.UNSHIPPED


def _payment(order: ShopOrder) -> PaymentStatus:
    """Tell what was paid.

    Giving back what an order costs less, now that pieces were taken out of it, is no refund; while it is being
    changed, nobody can tell yet.
    """
    payments = order.payments or ()
    taken = sum(payment.amount for payment in payments if payment.state == "Settled")
    returned = sum(refund.total for refund in _refunds(payments) if refund.state == "Settled")
    if taken and returned:
        if returned >= taken:
            return PaymentStatus.REFUNDED
        if order.state not in HELD and (order.state == CANCELLED or taken - returned < order.total_with_tax):
            return PaymentStatus.PARTIALLY_REFUNDED
    by_state = {**OPEN_STATES, **FINAL_STATES, **dict.fromkeys(CARTS, PaymentStatus.UNPAID)}.get(order.state)
    if by_state is not None:
        return by_state
    if taken:
        return PaymentStatus.PAID
    authorized = any(payment.state == "Authorized" for payment in payments)
    return PaymentStatus.AUTHORIZED if authorized else PaymentStatus.UNPAID


def _refunds(payments: Sequence[Payment]) -> Sequence[Refund]:
    return [refund for payment in payments for refund in payment.refunds]


def _money(units: int, order: ShopOrder, precision: int) -> Money:
    return Money(Decimal(units).scaleb(-precision), order.currency_code)


def _buyer(customer: Customer | None) -> Buyer | None:
    if customer is None:
        return None
    name = " ".join(part for part in (customer.first_name, customer.last_name) if part)
    return Buyer(name=name or None, email=customer.email_address, phone=customer.phone_number)


def _address(address: ShopAddress | None) -> Address | None:
    if address is None or not any(attrs.astuple(address)):
        return None
    return Address(
        name=address.full_name,
        company=address.company,
        lines=tuple(line for line in (address.street_line1, address.street_line2) if line),
        city=address.city,
        region=address.province,
        postcode=address.postal_code,
        country=address.country_code,
        phone=address.phone_number,
    )


def _service(order: ShopOrder) -> str | None:
    return ", ".join(line.shipping_method.name for line in order.shipping_lines) or None


def _shipment(parcel: ShopParcel, order: ShopOrder) -> Shipment:
    return Shipment(
        lines=own_lines(parcel, order),
        carrier=parcel.method or None,
        tracking_number=parcel.tracking_code or None,
        shipped_at=parcel.created_at,
    )
