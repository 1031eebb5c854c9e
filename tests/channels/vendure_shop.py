"""The part of a Vendure server that the channel sees, in memory: its rules are those seen on the real one."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

BEGIN = datetime(2026, 1, 5, 9, tzinfo=UTC)
PRICE = 1546
GONE = ("Shipped", "Delivered")


class RefusedError(Exception):
    """An error at the top of the answer; *code* may be None, as for what the database itself refuses."""

    def __init__(self, code: str | None) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Line:
    """One line of an order."""

    id: str
    sku: str
    quantity: int
    placed: int = 0


@dataclass
class Parcel:
    """One fulfillment."""

    id: str
    lines: dict[str, int]
    method: str
    tracking: str
    state: str = "Pending"


@dataclass
class Order:
    """One order; *spoiled* replaces fields of its document."""

    id: str
    code: str
    lines: list[Line]
    created_at: datetime
    state: str = "ArrangingPayment"
    active: bool = True
    placed_at: datetime | None = None
    payments: list[dict[str, Any]] = field(default_factory=list)
    parcels: list[Parcel] = field(default_factory=list)
    spoiled: dict[str, Any] = field(default_factory=dict)
    cancelled_at: datetime | None = None

    @property
    def updated_at(self) -> datetime:
        """Return its stamp: of what can happen to it, only cancelling pieces moves that."""
        return self.cancelled_at or self.created_at


@dataclass
class Variant:
    """One variant: by location what lies there and what is allocated."""

    id: str
    sku: str
    levels: dict[str, list[int]]
    tracks: str = "INHERIT"


class VendureShop:
    """Orders and stock of one shop, and what buyers and staff do there."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.variants: list[Variant] = []
        self.locations = ["1", "2"]
        self.precision = 2
        self.tracks_inventory = True
        self._ids = itertools.count(1)

    def list_sku(self, sku: str, on_hand: int) -> Variant:
        """List a SKU with so many at location 1."""
        variant = Variant(str(next(self._ids)), sku, {"1": [on_hand, 0]})
        self.variants.append(variant)
        return variant

    def variant(self, sku: str) -> Variant:
        """Return the variant of a SKU."""
        return next(one for one in self.variants if one.sku == sku)

    def place(self, lines: Mapping[str, int], *, pay: bool = True) -> Order:
        """Let a buyer check out; unpaid, it stays his cart."""
        number = next(self._ids)
        made = [Line(str(next(self._ids)), sku, quantity) for sku, quantity in lines.items()]
        order = Order(str(number), f"CODE{number:012}", made, BEGIN + timedelta(minutes=number))
        self.orders[order.code] = order
        if pay:
            self.pay(order)
        return order

    def pay(self, order: Order, *, settle: bool = True) -> None:
        """Take the money or the promise of it: now the order is placed and stock is allocated."""
        order.state, order.active = ("PaymentSettled" if settle else "PaymentAuthorized"), False
        order.placed_at = order.created_at + timedelta(seconds=7)
        total = sum(line.quantity * PRICE for line in order.lines)
        order.payments = [{"state": "Settled" if settle else "Authorized", "amount": total, "refunds": []}]
        for line in order.lines:
            line.placed = line.quantity
            self.variant(line.sku).levels["1"][1] += line.quantity

    def cancel_line(self, order: Order, index: int, quantity: int) -> None:
        """Cancel some pieces."""
        line = order.lines[index]
        line.quantity -= quantity
        order.cancelled_at = BEGIN + timedelta(days=1, minutes=next(self._ids))
        self.variant(line.sku).levels["1"][1] -= quantity
        if not any(one.quantity for one in order.lines):
            order.state = "Cancelled"

    def fulfill(self, order: Order, lines: Mapping[str, int], *, tracking: str, method: str = "DHL") -> Parcel:
        """Make a fulfillment: on hand and allocated fall at once."""
        parcel = Parcel(str(next(self._ids)), dict(lines), method, tracking)
        order.parcels.append(parcel)
        self._move_stock(order, parcel, -1)
        return parcel

    def move(self, order: Order, parcel: Parcel, state: str) -> None:
        """Bring a fulfillment to another state; the order follows, unless its payment is only promised."""
        parcel.state = state
        if state == "Cancelled":
            self._move_stock(order, parcel, 1)
        if state == "Shipped" and order.state in ("PaymentSettled", "PartiallyShipped"):
            gone = self.fulfilled(order, GONE)
            whole = all(gone[line.id] >= line.quantity for line in order.lines)
            order.state = "Shipped" if whole else "PartiallyShipped"

    def fulfilled(self, order: Order, states: tuple[str, ...]) -> Counter[str]:
        """Count the pieces by line that are in fulfillments of these states."""
        counts: Counter[str] = Counter()
        for parcel in order.parcels:
            if parcel.state in states:
                counts.update(parcel.lines)
        return counts

    def _move_stock(self, order: Order, parcel: Parcel, sign: int) -> None:
        skus = {line.id: line.sku for line in order.lines}
        for line, quantity in parcel.lines.items():
            if line in skus:
                level = self.variant(skus[line]).levels["1"]
                level[0] += sign * quantity
                level[1] += sign * quantity


def order_document(order: Order) -> dict[str, Any]:
    """Write an order as the admin API does."""
    return {
        "id": order.id,
        "code": order.code,
        "state": order.state,
        "createdAt": _stamp(order.created_at),
        "updatedAt": _stamp(order.updated_at),
        "orderPlacedAt": None if order.placed_at is None else _stamp(order.placed_at),
        "currencyCode": "EUR",
        "totalWithTax": sum(line.quantity * PRICE for line in order.lines) + 595,
        "customer": {
            "firstName": "Ann", "lastName": "Buyer", "emailAddress": "ann@example.test", "phoneNumber": None,
        },
        "shippingAddress": {
            "fullName": "Ann Buyer", "company": None, "streetLine1": "Hauptstr. 1", "streetLine2": "Hof 2",
            "city": "Berlin", "province": None, "postalCode": "10115", "countryCode": "DE",
            "phoneNumber": "+49 30 555",
        },
        "shippingLines": [{"shippingMethod": {"name": "Parcel"}}],
        "lines": [
            {
                "id": line.id,
                "quantity": line.quantity,
                "orderPlacedQuantity": line.placed,
                "unitPriceWithTax": PRICE,
                "productVariant": {"sku": line.sku, "name": line.sku.title()},
            }
            for line in order.lines
        ],
        "payments": order.payments,
        "fulfillments": [_parcel_document(parcel) for parcel in reversed(order.parcels)],
        **order.spoiled,
    }  # fmt: skip


def levels_document(variant: Variant) -> list[dict[str, Any]]:
    """Write a variant's levels as the admin API does."""
    return [
        {"stockLocationId": location, "stockOnHand": on_hand, "stockAllocated": allocated}
        for location, (on_hand, allocated) in variant.levels.items()
    ]


def _parcel_document(parcel: Parcel) -> dict[str, Any]:
    return {
        "id": parcel.id,
        "state": parcel.state,
        "method": parcel.method,
        "trackingCode": parcel.tracking,
        "createdAt": _stamp(BEGIN),
        "lines": [{"orderLineId": line, "quantity": count} for line, count in parcel.lines.items()],
    }


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
