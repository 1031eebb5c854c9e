"""Whether what the doctor says of an order is true, told from the market's facts in plain words (O6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs

from ....model.channel_orders import ChannelOrder, FulfillmentStatus, PaymentStatus, UnreadableOrder
from ....model.fields import as_tuple
from ....model.ids import OrderKey
from ....model.orders import OrderState
from ....model.runs import ChannelState
from ....model.settings import ChannelSettings, MappedStatus, StatusMapping, StatusWord
from ..trace import Violation

Document = ChannelOrder | UnreadableOrder

MONEY_CAME = (PaymentStatus.PAID, PaymentStatus.AUTHORIZED, PaymentStatus.PARTIALLY_REFUNDED)
MONEY_MAY_COME = (PaymentStatus.PENDING, PaymentStatus.UNPAID, PaymentStatus.FAILED)

UNREAD = frozenset({"NOT_READ_YET", "NOT_SHOWN"})
"""Why an order that its channel shows now may not have come here yet."""

NEVER = frozenset({"NOT_READ_YET", "NEVER_SEEN", "CHANNEL_ADDED_LATER"})
"""What can be said of an order that nobody ever saw and nobody can ask for."""

ONLY_UNREAD = frozenset({"NOT_READ_YET"})
"""What is left of an order that was seen, and that the settings of now accept."""

PAST_TROUBLE = frozenset({"AUTH_FAILED", "NOT_CONNECTED"})
"""What the last run met on a channel that would answer by now; only by asking it can one know."""

ANYTHING = frozenset({"*"})
"""Stands for whatever else may be named, where nobody can know."""

DESK: Mapping[str, int] = {
    "DELETED_HERE": 0,
    "CHANNEL_DISABLED": 1,
    "CHANNEL_DRAFT": 1,
    "STATUS_MAPPING_MISSING": 1,
    "AUTH_FAILED": 2,
    "NOT_CONNECTED": 2,
    "CHANNEL_RESTING": 2,
    "NOT_READ_YET": 4,
    "NOT_SHOWN": 4,
    "NEVER_SEEN": 4,
    "CHANNEL_ADDED_LATER": 4,
    "UNEXPLAINED": 4,
}
"""In which order a support desk asks; whatever is not here is of the order's own status, 3."""

OF_STATUS = 3

FOUND = {OrderState.PROCESSED: "PROCESSED", OrderState.CANCELLED: "CANCELLED"}
"""The verdicts on orders that are stored and over."""


@attrs.frozen(kw_only=True)
class Told:
    """What the doctor said: ``live`` if the channel was asked."""

    code: str
    causes: tuple[str, ...] = attrs.field(converter=as_tuple)
    stored: bool
    live: bool


@attrs.frozen(kw_only=True)
class OrderFacts:
    """What is true of one order that was placed on a market.

    ``state``: as it is kept here, None if it is not. ``now``: what a reader of the market is shown of it at this
    moment, None where it is gone. ``shown``: the last form that was answered to a reader, None if none ever was.
    ``own``: the codes of the host's own checks that refuse it. ``left_out``: a list ever came without it though it
    belonged there. ``channel_state``, ``failures`` (runs that failed one after another) and ``resting`` are the
    channel's; ``connection`` is how it would answer now. ``settled``: every reading that was due has been done since
    the last thing happened, so that what was shown is what is known here.
    """

    key: OrderKey
    state: OrderState | None
    now: Document | None
    shown: Document | None
    settings: ChannelSettings
    channel_state: ChannelState
    failures: int = 0
    resting: bool = False
    connection: Literal["well", "refused", "down"] = "well"
    can_look_up: bool = True
    needs_mapping: bool = False
    settled: bool = True
    left_out: bool = False
    own: tuple[str, ...] = attrs.field(default=(), converter=as_tuple)

    @property
    def stored(self) -> bool:
        """Say whether it is kept here, and not as a tombstone."""
        return self.state not in (None, OrderState.DELETED)


@attrs.frozen(kw_only=True)
class Expected:
    """The causes that must be named, those that may be, and, if any, a group of which one has to be."""

    must: frozenset[str]
    may: frozenset[str] = frozenset()
    one_of: frozenset[str] = frozenset()


def check_told(told: Told, facts: OrderFacts) -> None:
    """See that the doctor's answer about an order is true; ``Violation`` of O6 otherwise."""
    if told.stored != facts.stored:
        raise _wrong(told, facts, f"stored is {told.stored}")
    if facts.stored:
        if told.causes or told.code != FOUND.get(facts.state or OrderState.NEW, "HERE"):
            raise _wrong(told, facts, "it is kept here")
        return
    if not told.causes or told.code != told.causes[0]:
        raise _wrong(told, facts, "the verdict is not the first of its causes")
    ranks = [DESK.get(code, OF_STATUS) for code in told.causes]
    if ranks != sorted(ranks):
        raise _wrong(told, facts, "its causes are not in the order of the desk")
    expected = expected_causes(facts, live=told.live)
    causes = frozenset(told.causes)
    surplus = causes - expected.must - expected.may - expected.one_of
    if not expected.must <= causes or (surplus and expected.may != ANYTHING):
        raise _wrong(told, facts, f"true is {_named(expected.must)}, perhaps {_named(expected.may | expected.one_of)}")
    if expected.one_of and not causes & expected.one_of:
        raise _wrong(told, facts, f"one of {_named(expected.one_of)} is true")


def should_be_stored(facts: OrderFacts) -> bool:
    """Say whether an order that is not kept here should be, as nothing keeps it out and it was shown as it is."""
    if facts.state is not None or not facts.settled or _channel(facts, live=True):
        return False
    return facts.now is not None and facts.now == facts.shown and not refused_for(facts.now, facts)


def expected_causes(facts: OrderFacts, *, live: bool) -> Expected:
    """Return what keeps an order that is not stored out of the store."""
    if facts.state is OrderState.DELETED:
        return Expected(must=frozenset({"DELETED_HERE"}))
    channel = _channel(facts, live=live)
    if live and facts.can_look_up and facts.connection == "well":
        return _asked(facts, channel)
    if not facts.settled:
        return Expected(must=channel, may=ANYTHING)
    past = PAST_TROUBLE if facts.failures and not live and facts.connection == "well" else frozenset()
    if facts.shown is None:
        return Expected(must=channel, may=past, one_of=NEVER)
    refused = refused_for(facts.shown, facts)
    return Expected(must=channel | refused, may=past, one_of=frozenset() if refused else ONLY_UNREAD)


def _asked(facts: OrderFacts, channel: frozenset[str]) -> Expected:
    """Return what is true of an order that its channel was asked for, and answered."""
    if facts.now is None:
        return Expected(must=channel | {"NOT_ON_CHANNEL"})
    refused = refused_for(facts.now, facts)
    if "UNREADABLE" in refused:
        return Expected(must=channel | refused)
    unread = UNREAD | {"UNEXPLAINED"} if facts.left_out else UNREAD
    if not refused:
        return Expected(must=channel, one_of=unread)
    if facts.settled and facts.now == facts.shown:
        return Expected(must=channel | refused)
    return Expected(must=channel | refused, may=unread)


def _channel(facts: OrderFacts, *, live: bool) -> frozenset[str]:
    """Return what keeps all orders of the channel away, as it is now or as the last runs found it."""
    causes = set()
    if facts.channel_state is ChannelState.DISABLED:
        causes.add("CHANNEL_DISABLED")
    if facts.needs_mapping and not _maps_something(facts.settings):
        causes.add("STATUS_MAPPING_MISSING")
    elif facts.channel_state is ChannelState.DRAFT:
        causes.add("CHANNEL_DRAFT")
    if facts.connection != "well" and (live or facts.failures):
        causes.add("AUTH_FAILED" if facts.connection == "refused" else "NOT_CONNECTED")
    if facts.resting and (live or facts.failures):
        causes.add("CHANNEL_RESTING")
    return frozenset(causes)


def _maps_something(settings: ChannelSettings) -> bool:
    """Say whether any word lets an order in."""
    mapping = settings.status_mapping
    if mapping is None:
        return False
    return bool(mapping.paid or mapping.pending or (mapping.unpaid and settings.download_unpaid))


def refused_for(document: Document, facts: OrderFacts) -> frozenset[str]:
    """Return why the host does not want a document, or cannot judge it, under the settings of now."""
    if isinstance(document, UnreadableOrder):
        return frozenset({"UNREADABLE"})
    settings = facts.settings
    meant = _mapped(document, settings.status_mapping)
    ignored = meant is MappedStatus.IGNORED
    payment, ended = _payment(document, settings, meant), _ended(document, settings, meant)
    unknown = ended is FulfillmentStatus.UNKNOWN or payment is PaymentStatus.UNKNOWN
    over = ended in (FulfillmentStatus.SHIPPED, FulfillmentStatus.CANCELLED)
    first, place = settings.initial_from, document.channel_location
    causes = {
        "STATUS_UNKNOWN": unknown,
        "STATUS_IGNORED": ignored,
        "CANCELLED_ON_CHANNEL": ended is FulfillmentStatus.CANCELLED and not settings.import_cancelled,
        "SHIPPED_BEFORE_DOWNLOAD": ended is FulfillmentStatus.SHIPPED and not settings.import_shipped,
        "NOT_PAID": not (unknown or over or ignored) and _owes(payment, settings),
        "BEFORE_INITIAL_FROM": first is not None and document.placed_at < first,
        "NO_LOCATION": not document.fulfilled_by_channel and _is_nowhere(place, settings),
    }
    return frozenset([*(code for code, holds in causes.items() if holds), *facts.own])


def _mapped(order: ChannelOrder, mapping: StatusMapping | None) -> MappedStatus | None:
    if mapping is None:
        return None
    word = order.state if mapping.by is StatusWord.STATE else order.status
    for meaning in MappedStatus:
        words: frozenset[str] = getattr(mapping, meaning.value)
        if word is not None and _plain(word) in map(_plain, words):
            return meaning
    return None


def _payment(order: ChannelOrder, settings: ChannelSettings, meant: MappedStatus | None) -> PaymentStatus:
    mapping, told = settings.status_mapping, order.payment
    if mapping is None:
        return told or PaymentStatus.UNKNOWN
    if meant is MappedStatus.PAID:
        return told or (PaymentStatus.UNPAID if mapping.confirm_payment else PaymentStatus.PAID)
    if meant is MappedStatus.PENDING:
        method = order.payment_method
        if method is None or _plain(method) not in map(_plain, mapping.payment_methods):
            return PaymentStatus.PENDING
        return PaymentStatus.AUTHORIZED if told in (None, PaymentStatus.PENDING, PaymentStatus.UNPAID) else told
    if meant in (MappedStatus.SHIPPED, MappedStatus.CANCELLED):
        return told or PaymentStatus.UNPAID
    return PaymentStatus.UNPAID


def _ended(order: ChannelOrder, settings: ChannelSettings, meant: MappedStatus | None) -> FulfillmentStatus:
    if settings.status_mapping is None:
        return order.fulfillment or FulfillmentStatus.UNKNOWN
    if meant is None:
        return FulfillmentStatus.UNKNOWN
    over = {MappedStatus.SHIPPED: FulfillmentStatus.SHIPPED, MappedStatus.CANCELLED: FulfillmentStatus.CANCELLED}
    return over.get(meant) or order.fulfillment or FulfillmentStatus.UNSHIPPED


def _owes(payment: PaymentStatus, settings: ChannelSettings) -> bool:
    """Say whether money that the host waits for has not come."""
    return payment not in MONEY_CAME and not (settings.download_unpaid and payment in MONEY_MAY_COME)


def _is_nowhere(place: str | None, settings: ChannelSettings) -> bool:
    return isinstance(settings.location, Mapping) and (place is None or place not in settings.location)


def _plain(word: str) -> str:
    return word.strip().casefold()


def _wrong(told: Told, facts: OrderFacts, why: str) -> Violation:
    asked = "asked" if told.live else "not asked"
    named = ", ".join(told.causes) or "no cause"
    return Violation("O6", f"{facts.key}: {told.code} ({named}; its channel was {asked}) is not true: {why}")


def _named(codes: frozenset[str]) -> str:
    return ", ".join(sorted(codes)) or "nothing"
