"""Orders as a channel shows them: what the author of a channel fills in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import attrs

from .fields import (
    FieldError,
    as_tuple,
    complain,
    count,
    each,
    is_a,
    is_text,
    maybe_moment,
    maybe_text,
    moment,
    optional,
    quantities,
    text,
)
from .money import Money, is_currency


class PaymentStatus(StrEnum):
    """What every channel's payment words are translated to."""

    PAID = "paid"
    AUTHORIZED = "authorized"
    PENDING = "pending"
    UNPAID = "unpaid"
    PARTIALLY_REFUNDED = "partially-refunded"
    REFUNDED = "refunded"
    FAILED = "failed"
    UNKNOWN = "unknown"


class FulfillmentStatus(StrEnum):
    """What every channel's fulfillment words are translated to."""

    UNSHIPPED = "unshipped"
    PARTIAL = "partial"
    ON_HOLD = "on-hold"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


@attrs.frozen(kw_only=True)
class Buyer:
    """Who bought. Personal data: no field of it has a repr."""

    name: str | None = maybe_text(secret=True)
    email: str | None = maybe_text(secret=True)
    phone: str | None = maybe_text(secret=True)


@attrs.frozen(kw_only=True)
class Address:
    """Where to ship. Personal data: no field of it has a repr."""

    name: str | None = maybe_text(secret=True)
    company: str | None = maybe_text(secret=True)
    lines: tuple[str, ...] = attrs.field(
        default=(), converter=as_tuple, validator=each(is_text(longest=1024, empty=True, secret=True)), repr=False
    )
    city: str | None = maybe_text(secret=True)
    region: str | None = maybe_text(secret=True)
    postcode: str | None = maybe_text(secret=True)
    country: str | None = maybe_text(secret=True)
    phone: str | None = maybe_text(secret=True)


@attrs.frozen(kw_only=True)
class ChannelOrderLine:
    """One line as the channel shows it.

    ``quantity`` is gross and in whole units: what is still to ship is
    ``quantity - cancelled - shipped``. ``line_id`` is the channel's own and unique in its order.
    """

    line_id: str = text()
    channel_sku: str = text()
    quantity: int = count(least=1)
    title: str = attrs.field(default="", validator=is_text(longest=4096, empty=True))
    unit_price: Money | None = attrs.field(default=None, validator=optional(is_a(Money)))
    cancelled: int = count(default=0)
    shipped: int = count(default=0)

    def __attrs_post_init__(self) -> None:
        """Refuse more pieces gone than there were."""
        if self.cancelled + self.shipped > self.quantity:
            got = f": line {self.line_id!r} has {self.quantity}, {self.cancelled} cancelled and {self.shipped} shipped"
            raise FieldError("ChannelOrderLine.quantity", "is less than what was cancelled and shipped of it", got)


@attrs.frozen(kw_only=True)
class Shipment:
    """A parcel that the channel knows of: which lines left, and under which tracking number."""

    lines: Mapping[str, int] = quantities()
    carrier: str | None = maybe_text()
    tracking_number: str | None = maybe_text()
    shipped_at: datetime | None = maybe_moment()


@attrs.frozen(kw_only=True)
class ChannelOrder:
    """One order as the channel shows it now.

    ``reference`` is the order number a person searches by. ``status`` is the channel's own word.
    ``payment`` and ``fulfillment`` are its canonical translation, or None where the shop's
    status mapping decides. ``state`` is a fixed word that a channel has beside the one that its shop defines, such as
    Magento's. ``payment_method`` is the channel's own name of how it is paid. Times are aware and in UTC.
    ``raw`` is the document as it came; like buyer and address it has no repr.
    """

    reference: str = text()
    status: str = text()
    payment: PaymentStatus | None = attrs.field(validator=optional(is_a(PaymentStatus)))
    fulfillment: FulfillmentStatus | None = attrs.field(validator=optional(is_a(FulfillmentStatus)))
    placed_at: datetime = moment()
    updated_at: datetime = moment()
    currency: str = attrs.field(validator=is_currency)
    lines: tuple[ChannelOrderLine, ...] = attrs.field(converter=as_tuple, validator=each(is_a(ChannelOrderLine)))
    channel_order_id: str | None = maybe_text()
    secondary_reference: str | None = maybe_text()
    paid_at: datetime | None = maybe_moment()
    total: Money | None = attrs.field(default=None, validator=optional(is_a(Money)))
    buyer: Buyer | None = attrs.field(default=None, validator=optional(is_a(Buyer)), repr=False)
    shipping_address: Address | None = attrs.field(default=None, validator=optional(is_a(Address)), repr=False)
    shipping_service: str | None = maybe_text()
    dispatch_by: datetime | None = maybe_moment()
    channel_location: str | None = maybe_text()
    fulfilled_by_channel: bool = attrs.field(default=False, validator=is_a(bool))
    shipments: tuple[Shipment, ...] = attrs.field(default=(), converter=as_tuple, validator=each(is_a(Shipment)))
    raw: bytes | None = attrs.field(default=None, validator=optional(is_a(bytes)), repr=False)
    payment_method: str | None = maybe_text()
    state: str | None = maybe_text()

    @lines.validator
    def _line_ids_are_unique(self, attribute: attrs.Attribute[Any], lines: tuple[ChannelOrderLine, ...]) -> None:
        if not lines:
            raise complain(self, attribute, "an order needs at least one line")
        if len({line.line_id for line in lines}) != len(lines):
            raise complain(self, attribute, "two lines have the same line_id")

    @total.validator
    def _one_currency(self, attribute: attrs.Attribute[Any], total: Money | None) -> None:
        amounts = [total, *(line.unit_price for line in self.lines)]
        if any(amount.currency != self.currency for amount in amounts if amount is not None):
            raise complain(self, attribute, f"an amount is not in the order's currency {self.currency}")


@attrs.frozen(kw_only=True)
class UnreadableOrder:
    """An order whose document could not be read; kept by the hash of its payload until it can.

    ``error`` names the field and quotes no value. The payload has no repr. ``reference`` is None unless the
    document names one that an order can have.
    """

    payload: bytes = attrs.field(validator=is_a(bytes), repr=False)
    error: str = text(longest=4096)
    reference: str | None = attrs.field(default=None, validator=optional(is_text()))


@attrs.frozen(kw_only=True)
class OrderPage:
    """One page of orders. ``next_cursor`` is None on the last page.

    ``server_time`` is the channel's own clock when it answered (its ``Date`` header, say).
    """

    orders: tuple[ChannelOrder, ...] = attrs.field(converter=as_tuple, validator=each(is_a(ChannelOrder)))
    unreadable: tuple[UnreadableOrder, ...] = attrs.field(
        default=(), converter=as_tuple, validator=each(is_a(UnreadableOrder))
    )
    next_cursor: str | None = maybe_text(longest=65_536)
    server_time: datetime | None = maybe_moment()


@attrs.frozen(kw_only=True)
class Diagnosis:
    """What else may keep an order of a channel away, as only the channel knows it.

    ``code`` is stable, ``sentence`` tells the cause, ``next_step`` what a person does about it; neither holds
    anything personal.
    """

    code: str = text(longest=80)
    sentence: str = text(longest=4096)
    next_step: str = text(longest=4096)
