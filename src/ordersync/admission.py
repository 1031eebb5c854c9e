"""Whether an order that a channel shows is downloaded: one ordered tuple of pure checks.

The same tuple decides a download and explains a missing order, so the two cannot drift.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs

from .model.channel_orders import ChannelOrder, FulfillmentStatus, PaymentStatus, UnreadableOrder
from .model.settings import ChannelSettings, MappedStatus

PAID = frozenset({PaymentStatus.PAID, PaymentStatus.AUTHORIZED, PaymentStatus.PARTIALLY_REFUNDED})
"""Payments that count as paid."""

UNPAID = frozenset({PaymentStatus.PENDING, PaymentStatus.UNPAID, PaymentStatus.FAILED})
"""Payments that are downloaded, parked, when the settings ask for unpaid orders."""

ADMITTED = "ADMITTED"
UNREADABLE = "UNREADABLE"
NOT_PAID = "NOT_PAID"
DELETED_HERE = "DELETED_HERE"
STATUS_UNKNOWN = "STATUS_UNKNOWN"
NO_LOCATION = "NO_LOCATION"
CANCELLED_ON_CHANNEL = "CANCELLED_ON_CHANNEL"
SHIPPED_BEFORE_DOWNLOAD = "SHIPPED_BEFORE_DOWNLOAD"

QUARANTINES = frozenset({UNREADABLE, STATUS_UNKNOWN, NO_LOCATION})
"""The codes that quarantine an order with an alert instead of skipping it."""

FINAL = frozenset({CANCELLED_ON_CHANNEL, SHIPPED_BEFORE_DOWNLOAD})
"""The codes of orders that will never be stored, unless the channel revives them."""

WATCHED = frozenset({NOT_PAID, STATUS_UNKNOWN, UNREADABLE})
"""The codes of orders that are looked up again and again, for what they wait for may move no timestamp."""


@attrs.frozen(kw_only=True)
class Candidate:
    """An order up for admission, and all that the checks look at."""

    order: ChannelOrder | UnreadableOrder
    settings: ChannelSettings
    channel_enabled: bool = True
    tombstone: bool = False

    @property
    def readable(self) -> ChannelOrder:
        """Return the order; only for checks behind the first."""
        if isinstance(self.order, UnreadableOrder):
            raise TypeError("an unreadable order has no fields")
        return self.order

    @property
    def meaning(self) -> tuple[PaymentStatus, FulfillmentStatus]:
        """Return the order's canonical payment and fulfillment."""
        return canonical(self.readable, self.settings)


def canonical(order: ChannelOrder, settings: ChannelSettings) -> tuple[PaymentStatus, FulfillmentStatus]:
    """Translate an order's words; UNKNOWN where neither channel nor mapping knows one.

    Where a mapping decides, an order mapped to paid is paid only if what the channel says of the
    payment itself, when it says anything, agrees.
    """
    mapping = settings.status_mapping
    if mapping is None:
        return order.payment or PaymentStatus.UNKNOWN, order.fulfillment or FulfillmentStatus.UNKNOWN
    meaning = mapping.meaning(order.status)
    payment = PaymentStatus.UNPAID
    if meaning is MappedStatus.PAID:
        payment = PaymentStatus.PAID if order.payment is None else order.payment
    elif meaning in (MappedStatus.SHIPPED, MappedStatus.CANCELLED) and order.payment is not None:
        payment = order.payment
    fulfillment = {
        MappedStatus.SHIPPED: FulfillmentStatus.SHIPPED,
        MappedStatus.CANCELLED: FulfillmentStatus.CANCELLED,
        None: FulfillmentStatus.UNKNOWN,
    }.get(meaning, order.fulfillment or FulfillmentStatus.UNSHIPPED)
    return payment, fulfillment


@attrs.frozen
class Check:
    """One condition for a download: a stable code, and a sentence when it refuses."""

    code: str
    refuses: Callable[[Candidate], str | None]


@attrs.frozen
class Refusal:
    """Why an order is not downloaded."""

    code: str
    sentence: str

    @property
    def quarantines(self) -> bool:
        """Say whether the order needs a person instead of being skipped."""
        return self.code in QUARANTINES

    @property
    def final(self) -> bool:
        """Say whether nothing more is to be expected of the order."""
        return self.code in FINAL


def _readable(candidate: Candidate) -> str | None:
    order = candidate.order
    return order.error if isinstance(order, UnreadableOrder) else None


def _enabled(candidate: Candidate) -> str | None:
    return None if candidate.channel_enabled else "The channel is disabled."


def _no_tombstone(candidate: Candidate) -> str | None:
    return "A person deleted this order here; restoring it lifts the block." if candidate.tombstone else None


def _status_known(candidate: Candidate) -> str | None:
    order = candidate.readable
    payment, fulfillment = candidate.meaning
    if payment is PaymentStatus.UNKNOWN or fulfillment is FulfillmentStatus.UNKNOWN:
        cure = "map it in settings.status_mapping" if candidate.settings.status_mapping else "its channel must learn it"
        return f"Nobody knows what the status {order.status!r} means; {cure}."
    return None


def _status_wanted(candidate: Candidate) -> str | None:
    mapping = candidate.settings.status_mapping
    word = candidate.readable.status
    if mapping is not None and mapping.meaning(word) is MappedStatus.IGNORED:
        return f"The status {word!r} is mapped to ignored (mapping version {mapping.version})."
    return None


def _not_cancelled(candidate: Candidate) -> str | None:
    if candidate.meaning[1] is not FulfillmentStatus.CANCELLED or candidate.settings.import_cancelled:
        return None
    return f"The channel had cancelled it before it was downloaded ({candidate.readable.status!r})."


def _not_shipped(candidate: Candidate) -> str | None:
    if candidate.meaning[1] is not FulfillmentStatus.SHIPPED or candidate.settings.import_shipped:
        return None
    return f"It was shipped on the channel before it was downloaded ({candidate.readable.status!r})."


def _paid(candidate: Candidate) -> str | None:
    payment, fulfillment = candidate.meaning
    ended = fulfillment in (FulfillmentStatus.SHIPPED, FulfillmentStatus.CANCELLED)
    return None if ended else payment_refusal(payment, candidate.settings)


def payment_refusal(payment: PaymentStatus, settings: ChannelSettings) -> str | None:
    """Return why an order with this payment is not downloaded; None when it is."""
    if payment in PAID or (payment in UNPAID and settings.download_unpaid):
        return None
    return f"It is not paid ({payment.value}), and the settings download paid orders" + (
        " and unpaid ones, but not this." if settings.download_unpaid else " only."
    )


def _placed_late_enough(candidate: Candidate) -> str | None:
    first, placed = candidate.settings.initial_from, candidate.readable.placed_at
    if first is None or placed >= first:
        return None
    return f"It was placed at {placed:%Y-%m-%d %H:%MZ}, before initial_from {first:%Y-%m-%d %H:%MZ}."


def _has_location(candidate: Candidate) -> str | None:
    place = candidate.readable.channel_location
    if candidate.readable.fulfilled_by_channel:
        return None
    if candidate.settings.location_of(place) is not None:
        return None
    return f"settings.location does not say where orders of the channel's location {place!r} are saved to."


CHECKS: tuple[Check, ...] = (
    Check(UNREADABLE, _readable),
    Check("CHANNEL_DISABLED", _enabled),
    Check(DELETED_HERE, _no_tombstone),
    Check(STATUS_UNKNOWN, _status_known),
    Check("STATUS_IGNORED", _status_wanted),
    Check(CANCELLED_ON_CHANNEL, _not_cancelled),
    Check(SHIPPED_BEFORE_DOWNLOAD, _not_shipped),
    Check(NOT_PAID, _paid),
    Check("BEFORE_INITIAL_FROM", _placed_late_enough),
    Check(NO_LOCATION, _has_location),
)
"""The checks in their order; a host's own come after them."""


def refusals(candidate: Candidate) -> Iterator[Refusal]:
    """Yield every reason against a download, in order; behind UNREADABLE nothing can be checked."""
    for check in CHECKS:
        sentence = check.refuses(candidate)
        if sentence is not None:
            yield Refusal(check.code, sentence)
            if check.code == UNREADABLE:
                return
    for own in candidate.settings.checks:
        sentence = own.refuses(candidate.readable)
        if sentence is not None:
            yield Refusal(own.code, sentence)


def admit(candidate: Candidate) -> Refusal | None:
    """Return the first reason against a download, None when there is none."""
    return next(refusals(candidate), None)


def parking_reason(payment: PaymentStatus, fulfillment: FulfillmentStatus) -> str | None:
    """Return why an order may not be processed yet, None when it may."""
    if fulfillment is FulfillmentStatus.ON_HOLD:
        return "on hold on the channel"
    return f"not paid ({payment.value})" if payment not in PAID else None
