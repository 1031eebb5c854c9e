"""Whether an order that a channel shows is downloaded: one ordered tuple of pure checks.

The same tuple decides a download and explains a missing order, so the two cannot drift.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b

import attrs

from .model.channel_orders import ChannelOrder, FulfillmentStatus, PaymentStatus, UnreadableOrder
from .model.settings import ChannelSettings, MappedStatus, StatusMapping, StatusWord

PAID = frozenset({PaymentStatus.PAID, PaymentStatus.AUTHORIZED, PaymentStatus.PARTIALLY_REFUNDED})
"""Payments that count as paid."""

UNPAID = frozenset({PaymentStatus.PENDING, PaymentStatus.UNPAID, PaymentStatus.FAILED})
"""Payments that are downloaded, parked, when the settings ask for unpaid orders."""

YET_TO_COME = frozenset({PaymentStatus.PENDING, PaymentStatus.UNPAID})
"""What a channel says of the payment of an order whose money will come."""

SAYS_NOTHING_OF_PAYMENT = frozenset({FulfillmentStatus.SHIPPED, FulfillmentStatus.CANCELLED, FulfillmentStatus.UNKNOWN})
"""Where these are shown, the payment is no reason of its own: the order has ended, or its word is not understood."""

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

    @property
    def mapped(self) -> MappedStatus | None:
        """Return what the settings map the order's word to; None without a mapping, and for an unknown word."""
        mapping = self.settings.status_mapping
        return None if mapping is None else mapping.meaning(mapping.word_of(self.readable))

    @property
    def word(self) -> str:
        """Return the word that decides as a sentence quotes it, such as ``status 'Paid'``."""
        mapping, order = self.settings.status_mapping, self.readable
        if mapping is None or mapping.by is StatusWord.STATUS:
            return f"status {order.status!r}"
        return f"status {order.status!r} without a state" if order.state is None else f"state {order.state!r}"


def canonical(order: ChannelOrder, settings: ChannelSettings) -> tuple[PaymentStatus, FulfillmentStatus]:
    """Translate an order's words; UNKNOWN where neither channel nor mapping knows one.

    Where a mapping decides, there are two stages. First the order's word (its status, or its state where the
    mapping goes by that) is looked up. Then, if the word allows a download, what the channel says of the payment
    itself is heard: it can make a paid word unpaid, and only with ``confirm_payment`` is its silence a no. A word
    mapped to unpaid stays unpaid, whatever the payment says.
    """
    mapping = settings.status_mapping
    if mapping is None:
        return order.payment or PaymentStatus.UNKNOWN, order.fulfillment or FulfillmentStatus.UNKNOWN
    meaning = mapping.meaning(mapping.word_of(order))
    return _payment_of(order, mapping, meaning), _fulfillment_of(order, meaning)


def _payment_of(order: ChannelOrder, mapping: StatusMapping, meaning: MappedStatus | None) -> PaymentStatus:
    match meaning:
        case MappedStatus.PAID:
            silence = PaymentStatus.UNPAID if mapping.confirm_payment else PaymentStatus.PAID
            return order.payment or silence
        case MappedStatus.PENDING if not mapping.expects(order.payment_method):
            return PaymentStatus.PENDING
        case MappedStatus.PENDING:
            told = order.payment or PaymentStatus.PENDING
            return PaymentStatus.AUTHORIZED if told in YET_TO_COME else told
        case MappedStatus.SHIPPED | MappedStatus.CANCELLED:
            return order.payment or PaymentStatus.UNPAID
    return PaymentStatus.UNPAID


def _fulfillment_of(order: ChannelOrder, meaning: MappedStatus | None) -> FulfillmentStatus:
    match meaning:
        case None:
            return FulfillmentStatus.UNKNOWN
        case MappedStatus.SHIPPED:
            return FulfillmentStatus.SHIPPED
        case MappedStatus.CANCELLED:
            return FulfillmentStatus.CANCELLED
    return order.fulfillment or FulfillmentStatus.UNSHIPPED


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
    if not {PaymentStatus.UNKNOWN, FulfillmentStatus.UNKNOWN}.intersection(candidate.meaning):
        return None
    return f"Nobody knows what the {candidate.word} means; {_cure_of_unknown(candidate)}."


def _cure_of_unknown(candidate: Candidate) -> str:
    mapping, order = candidate.settings.status_mapping, candidate.readable
    if mapping is None:
        return "its channel must learn it"
    if mapping.word_of(order) is None:
        return "settings.status_mapping goes by state, so its channel must show one"
    if candidate.mapped is None:
        return "map it in settings.status_mapping"
    return "it is mapped, but its channel must learn what is said of the payment or of its parcels"


def _status_wanted(candidate: Candidate) -> str | None:
    mapping = candidate.settings.status_mapping
    if mapping is not None and candidate.mapped is MappedStatus.IGNORED:
        return f"The {candidate.word} is mapped to ignored (mapping version {mapping.version})."
    return None


def _not_cancelled(candidate: Candidate) -> str | None:
    if candidate.meaning[1] is not FulfillmentStatus.CANCELLED or candidate.settings.import_cancelled:
        return None
    return f"The channel had cancelled it before it was downloaded ({candidate.word})."


def _not_shipped(candidate: Candidate) -> str | None:
    if candidate.meaning[1] is not FulfillmentStatus.SHIPPED or candidate.settings.import_shipped:
        return None
    return f"It was shipped on the channel before it was downloaded ({candidate.word})."


def _paid(candidate: Candidate) -> str | None:
    payment, fulfillment = candidate.meaning
    if fulfillment in SAYS_NOTHING_OF_PAYMENT or payment is PaymentStatus.UNKNOWN:
        return None
    if candidate.mapped is MappedStatus.IGNORED:
        return None
    refused = payment_refusal(payment, candidate.settings)
    return None if refused is None else f"{refused}{_why_unpaid(candidate)}."


def _why_unpaid(candidate: Candidate) -> str:
    """Return what refused the payment behind a word that allows a download."""
    order = candidate.readable
    if candidate.mapped is MappedStatus.PAID and order.payment is None:
        return f"; its {candidate.word} means paid, but the channel confirms no payment"
    if candidate.mapped is MappedStatus.PENDING and candidate.meaning[0] is PaymentStatus.PENDING:
        shown = "no payment method" if order.payment_method is None else f"payment method {order.payment_method!r}"
        return f"; it shows {shown}, and settings.status_mapping.payment_methods names those that wait for no money"
    return ""


def payment_refusal(payment: PaymentStatus, settings: ChannelSettings) -> str | None:
    """Return why an order with this payment is not downloaded, without a full stop; None when it is."""
    if payment in PAID or (payment in UNPAID and settings.download_unpaid):
        return None
    return f"It is not paid ({payment.value}), and the settings download paid orders" + (
        " and unpaid ones, but not this" if settings.download_unpaid else " only"
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

CODES = frozenset({ADMITTED, *(check.code for check in CHECKS)})
"""The codes of decisions that are ours; a host's own check has another."""


def taken_codes(settings: ChannelSettings) -> Sequence[str]:
    """Return the codes of a host's own checks that are ours, so that nobody could tell who decided."""
    return sorted(check.code for check in settings.checks if check.code in CODES)


def admission_fingerprint(settings: ChannelSettings) -> str:
    """Return 16 characters that change with all in the settings that an admission looks at, and with nothing else.

    It is the same in every process. What a host's own check does is seen by its code and version alone.
    """
    first = settings.initial_from
    facts = {
        "mapping": None if settings.status_mapping is None else _facts_of(settings.status_mapping),
        "unpaid": bool(settings.download_unpaid),
        "from": None if first is None else first.isoformat(),
        "ended": [settings.import_shipped, settings.import_cancelled],
        "location": settings.location if isinstance(settings.location, str) else dict(settings.location),
        "checks": [[check.code, check.version] for check in settings.checks],
    }
    return blake2b(json.dumps(facts, sort_keys=True).encode(), digest_size=8).hexdigest()


def _facts_of(mapping: StatusMapping) -> Mapping[str, object]:
    return {
        "version": mapping.version,
        "by": mapping.by.value,
        "words": {status.value: sorted(words) for status, words in mapping.groups.items()},
        "methods": sorted(mapping.methods),
        "confirm": mapping.confirm_payment,
    }


def clauses(candidate: Candidate) -> Iterator[tuple[str, str | None]]:
    """Yield each check's code with its sentence if it refuses, in order; behind UNREADABLE nothing can be checked."""
    for check in CHECKS:
        sentence = check.refuses(candidate)
        yield check.code, sentence
        if sentence is not None and check.code == UNREADABLE:
            return
    for own in candidate.settings.checks:
        yield own.code, own.refuses(candidate.readable)


def refusals(candidate: Candidate) -> Iterator[Refusal]:
    """Yield every reason against a download, in order."""
    return (Refusal(code, sentence) for code, sentence in clauses(candidate) if sentence is not None)


def admit(candidate: Candidate) -> Refusal | None:
    """Return the first reason against a download, None when there is none."""
    return next(refusals(candidate), None)


def parking_reason(payment: PaymentStatus, fulfillment: FulfillmentStatus) -> str | None:
    """Return why an order may not be processed yet, None when it may."""
    if fulfillment is FulfillmentStatus.ON_HOLD:
        return "on hold on the channel"
    return f"not paid ({payment.value})" if payment not in PAID else None
