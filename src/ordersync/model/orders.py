"""Orders as we keep them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import attrs

from .channel_orders import Address, Buyer, FulfillmentStatus, PaymentStatus
from .fields import frozen_mapping, maybe_frozen_mapping
from .ids import OrderKey
from .money import Money


class OrderState(StrEnum):
    """Where an order stands. NEW is saved and not yet reserved; DELETED is a tombstone."""

    NEW = "new"
    OPEN = "open"
    PROCESSED = "processed"
    CANCELLED = "cancelled"
    DELETED = "deleted"


LIVE = frozenset({OrderState.NEW, OrderState.OPEN})
"""The states in which an order still wants stock."""


@attrs.frozen(kw_only=True)
class Hold:
    """A person's lock on an order: who set it, when and why."""

    who: str
    why: str
    at: datetime


@attrs.frozen(kw_only=True)
class OrderLine:
    """One line of a stored order, in whole units.

    ``components`` says what one piece takes from stock (SKU → quantity), frozen when the line was
    linked; None means that nothing is linked yet (*shadow demand*). ``shipped`` left by other hands
    than ours, ``processed`` in our own parcels.
    """

    line_id: str
    channel_sku: str
    quantity: int
    title: str = ""
    unit_price: Money | None = None
    cancelled: int = 0
    shipped: int = 0
    processed: int = 0
    components: Mapping[str, int] | None = attrs.field(default=None, converter=maybe_frozen_mapping)

    @property
    def open(self) -> int:
        """Return how many pieces are still to be processed; never below zero."""
        return max(0, self.quantity - self.cancelled - self.shipped - self.processed)


StockByPlace = Mapping[tuple[str, str], int]
"""Quantities by (SKU, location)."""

SoldByListing = Mapping[tuple[str, str | None], int]
"""Quantities by (channel SKU, channel location), as the channel counted them."""


@attrs.frozen(kw_only=True)
class Order:
    """One stored order.

    ``revision`` is raised by every write but last-seen; people's verbs compare it.
    ``stock_revision`` is raised by every event that changes what the order should hold, with that
    list in ``wanted``; ``reserved_revision`` is the one that the ledger is known to hold.
    ``channel_revision`` is the stock revision of the last change that the channel made (0: none).
    ``sold`` is what the channel took off its own listings for this order, at ``taken_at`` or later.
    """

    key: OrderKey
    state: OrderState
    status: str
    payment: PaymentStatus
    fulfillment: FulfillmentStatus
    placed_at: datetime
    updated_at: datetime
    currency: str
    lines: tuple[OrderLine, ...]
    location: str
    parked: str | None = None
    held: Hold | None = None
    conflict: str | None = None
    channel_order_id: str | None = None
    secondary_reference: str | None = None
    paid_at: datetime | None = None
    total: Money | None = None
    buyer: Buyer | None = attrs.field(default=None, repr=False)
    shipping_address: Address | None = attrs.field(default=None, repr=False)
    shipping_service: str | None = None
    dispatch_by: datetime | None = None
    channel_location: str | None = None
    fulfilled_by_channel: bool = False
    links_revision: int = 0
    revision: int = 1
    stock_revision: int = 1
    reserved_revision: int = 0
    channel_revision: int = 0
    wanted: StockByPlace = attrs.field(factory=dict, converter=frozen_mapping)
    sold: SoldByListing = attrs.field(factory=dict, converter=frozen_mapping)
    taken_at: datetime | None = None
    saved_at: datetime | None = None

    @property
    def unlinked(self) -> tuple[OrderLine, ...]:
        """Return the lines whose channel SKU is linked to nothing yet."""
        return tuple(line for line in self.lines if line.components is None)

    @property
    def search_names(self) -> frozenset[str]:
        """Return every name that the order is found by, in the form of ``search_name``."""
        names = (self.key.reference, self.channel_order_id, self.secondary_reference)
        return frozenset(search_name(name) for name in names if name is not None)


def search_name(reference: str) -> str:
    """Return a reference without what people get wrong: case, surrounding blanks, a leading #."""
    return reference.strip().removeprefix("#").strip().casefold()


class Outcome(StrEnum):
    """What became of one sighting of an order; every sighting has exactly one."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    SKIPPED = "skipped"
    QUARANTINED = "quarantined"


@attrs.frozen(kw_only=True)
class Decision:
    """What was decided about one order seen on a channel, by which check, and when.

    ``admitted`` orders are stored; of the others ``code`` and ``sentence`` say why not. ``status`` is the
    channel's own word, ``mapping_version`` the status mapping that judged it, ``digest`` the
    fingerprint of the document that was judged. ``final`` ones (cancelled or shipped on the channel)
    are looked at no more.
    """

    key: OrderKey
    admitted: bool
    code: str
    sentence: str
    outcome: Outcome
    digest: bytes = attrs.field(repr=False)
    status: str = ""
    mapping_version: str = ""
    run_id: str = ""
    page: int = 0
    final: bool = False
    placed_at: datetime | None = None
    first_seen_at: datetime | None = None
    last_seen_at: datetime | None = None
