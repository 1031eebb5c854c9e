"""Orders as we keep them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Never

import attrs

from .channel_orders import Address, Buyer, ChannelOrder, FulfillmentStatus, PaymentStatus
from .fields import frozen_mapping, maybe_frozen_mapping, moment, text
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


CHANNEL = "the channel"
"""Who did it, where the order's own channel did."""


@attrs.frozen(kw_only=True)
class Reason:
    """Who did something to an order, when and why."""

    who: str = text()
    why: str = text(longest=4096, empty=True)
    at: datetime = moment()

    def __str__(self) -> str:
        """Return it as a person would say it."""
        return f"by {self.who} at {self.at:%Y-%m-%d %H:%MZ}" + (f" ({self.why})" if self.why else "")


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


class ConflictCode(StrEnum):
    """What here and what on the channel contradict each other, so that a person must decide."""

    CANCELLED_AFTER_PROCESSING = "CANCELLED_AFTER_PROCESSING"
    EDITED_AFTER_PROCESSING = "EDITED_AFTER_PROCESSING"
    SHIPPED_ELSEWHERE = "SHIPPED_ELSEWHERE"
    VANISHED = "VANISHED"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"


class Resolution(StrEnum):
    """What can be done about a conflict.

    KEEP: leave the order as it is here. FOLLOW: take over the lines as the channel shows them, without moving
    stock. PROCESS: take off stock what left by other hands; the channel is not told. CANCEL: cancel what is open.
    """

    KEEP = "keep"
    FOLLOW = "follow"
    PROCESS = "process"
    CANCEL = "cancel"

    @classmethod
    def _missing_(cls, value: object) -> Never:
        raise ValueError(f"{value!r} is no resolution of a conflict; choose one of {', '.join(cls)}")


@attrs.frozen(kw_only=True)
class Conflict:
    """A named contradiction between the order here and on its channel, since *at*.

    ``lines``: the order's lines as its channel shows them, where that is what it is about. ``view``: what is let
    stand by keeping the order as it is; another view is another conflict.
    """

    code: ConflictCode
    sentence: str
    at: datetime
    lines: tuple[OrderLine, ...] = ()
    view: str = ""


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
    ``parked`` is the channel's reason why it may not be processed yet, ``set_aside`` a person's; it reserves all the
    same, and a ``held`` one does not. ``ended``: who cancelled or deleted it. ``reserves`` is False for
    an order that the channel fulfils out of stock that is not kept here. ``reviewed``: what a person has let stand.
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
    location: str = text()
    parked: str | None = None
    set_aside: Reason | None = None
    held: Reason | None = None
    ended: Reason | None = None
    conflict: Conflict | None = None
    reviewed: str | None = None
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
    reserves: bool = True
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


@attrs.frozen(kw_only=True)
class OrderChange:
    """One entry of an order's history: what happened to it, who did it, when and why.

    ``revision`` is the order's own after it. ``details`` tell what differs, without personal data.
    """

    revision: int
    event: str
    who: str
    at: datetime
    why: str = ""
    details: Mapping[str, str] = attrs.field(factory=dict, converter=frozen_mapping)


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
    are looked at no more. ``seen`` is the order that was judged, None where it could not be read; a storage keeps
    it without buyer, address and document. ``decided_at`` is the sighting that this was decided at, in page
    ``page`` (0: a look at this one order) of run ``run_id``.
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
    seen: ChannelOrder | None = attrs.field(default=None, repr=False)
    decided_at: datetime | None = None
    first_seen_at: datetime | None = None
    last_seen_at: datetime | None = None
