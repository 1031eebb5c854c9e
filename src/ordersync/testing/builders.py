"""Records to test with, complete and consistent; name only what matters to the test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import attrs

from .. import lifecycle
from ..model.channel_orders import ChannelOrder, ChannelOrderLine, FulfillmentStatus, PaymentStatus
from ..model.ids import ChannelId, OrderKey
from ..model.orders import Decision, Order, OrderLine, OrderState, Outcome, SoldByListing
from ..model.stock import Claim, Deduction, Sale

SHOP = ChannelId("Shop", "one")
"""The channel of everything that is built without naming one."""

NOON = datetime(2024, 5, 6, 12, tzinfo=UTC)
"""When everything happened that is built without naming a time."""

ByPlace = Mapping[str, int] | Mapping[tuple[str, str], int]


def make_channel_order(
    reference: str = "1001",
    lines: Mapping[str, int] | Sequence[ChannelOrderLine] | None = None,
    **changes: object,
) -> ChannelOrder:
    """Build an order as a channel shows it: paid, unshipped, one MUG unless *lines* say otherwise.

    *lines* is channel SKU → quantity, or the lines themselves; *changes* are further fields.
    """
    fields: dict[str, object] = {
        "reference": reference,
        "status": "Paid",
        "payment": PaymentStatus.PAID,
        "fulfillment": FulfillmentStatus.UNSHIPPED,
        "placed_at": NOON,
        "updated_at": NOON,
        "currency": "EUR",
        "lines": _channel_lines({"MUG": 1} if lines is None else lines),
    }
    return ChannelOrder(**(fields | changes))  # type: ignore[arg-type]


def _channel_lines(lines: Mapping[str, int] | Sequence[ChannelOrderLine]) -> Sequence[ChannelOrderLine]:
    if not isinstance(lines, Mapping):
        return lines
    return tuple(
        ChannelOrderLine(line_id=str(number), channel_sku=sku, quantity=quantity)
        for number, (sku, quantity) in enumerate(lines.items(), start=1)
    )


def make_key(key: OrderKey | str) -> OrderKey:
    """Return a key as it is, and a reference as a key of ``SHOP``."""
    return key if isinstance(key, OrderKey) else OrderKey(SHOP, key)


def make_order(
    key: OrderKey | str = "1001",
    lines: Mapping[str, int] | Sequence[OrderLine] | None = None,
    **changes: object,
) -> Order:
    """Build an order as it is saved: NEW, in location ``main``, one MUG unless *lines* say otherwise.

    *lines* is SKU → quantity, each linked to a SKU of the same name, or the lines themselves. What the order
    wants of stock and took off its channel's listings follows from them unless *changes* name it.
    """
    fields: dict[str, object] = {
        "key": make_key(key),
        "state": OrderState.NEW,
        "status": "Paid",
        "payment": PaymentStatus.PAID,
        "fulfillment": FulfillmentStatus.UNSHIPPED,
        "placed_at": NOON,
        "updated_at": NOON,
        "currency": "EUR",
        "lines": _order_lines({"MUG": 1} if lines is None else lines),
        "location": "main",
        "taken_at": NOON,
        "saved_at": NOON,
    }
    order = Order(**(fields | changes))  # type: ignore[arg-type]
    return attrs.evolve(
        order,
        wanted=order.wanted if "wanted" in changes else lifecycle.wanted(order),
        sold=order.sold if "sold" in changes else _sold(order),
    )


def _order_lines(lines: Mapping[str, int] | Sequence[OrderLine]) -> tuple[OrderLine, ...]:
    if not isinstance(lines, Mapping):
        return tuple(lines)
    return tuple(
        OrderLine(line_id=str(number), channel_sku=sku, quantity=quantity, components={sku: 1})
        for number, (sku, quantity) in enumerate(lines.items(), start=1)
    )


def _sold(order: Order) -> SoldByListing:
    sold: dict[tuple[str, str | None], int] = {}
    for line in order.lines:
        listing = (line.channel_sku, order.channel_location)
        sold[listing] = sold.get(listing, 0) + line.quantity - line.cancelled
    return sold


def make_decision(order: Order | OrderKey, **changes: object) -> Decision:
    """Build the decision to download an order; *changes* make it another."""
    fields: dict[str, object] = {
        "key": order.key if isinstance(order, Order) else order,
        "admitted": True,
        "code": "ADMITTED",
        "sentence": "It was downloaded.",
        "outcome": Outcome.NEW,
        "digest": b"digest",
        "status": "Paid",
    }
    return Decision(**(fields | changes))  # type: ignore[arg-type]


def make_claim(
    key: OrderKey | str, wanted: ByPlace | None = None, *, revision: int = 1, location: str = "main"
) -> Claim:
    """Build a claim on stock, one MUG unless *wanted* says otherwise: by (SKU, location), or by SKU alone."""
    return Claim(order_key=make_key(key), revision=revision, wanted=_by_place(wanted, location))


def make_deduction(
    key: OrderKey | str, parcel: str, taken: ByPlace, claim: Claim, *, location: str = "main"
) -> Deduction:
    """Build the movement of one parcel, and what its order claims afterwards."""
    return Deduction(id=make_key(key).parcel_id(parcel), taken=_by_place(taken, location), claim=claim)


def _by_place(quantities: ByPlace | None, location: str) -> Mapping[tuple[str, str], int]:
    return {
        (name, location) if isinstance(name, str) else name: quantity
        for name, quantity in ({"MUG": 1} if quantities is None else quantities).items()
    }


def make_sale(
    key: OrderKey | str,
    sold: Mapping[str, int] | SoldByListing,
    *,
    revision: int = 1,
    channel_revision: int = 0,
    taken_at: datetime = NOON,
) -> Sale:
    """Build what an order took off its channel's listings: by (channel SKU, location), or by channel SKU alone."""
    return Sale(
        order_key=make_key(key),
        revision=revision,
        channel_revision=channel_revision,
        taken_at=taken_at,
        sold={(name, None) if isinstance(name, str) else name: quantity for name, quantity in sold.items()},
    )
