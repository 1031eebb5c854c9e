"""What a run tells its observers while it works."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from .ids import ChannelId, OrderKey
from .listings import ListingId, StockOutcome
from .orders import ConflictCode


@attrs.frozen(kw_only=True)
class Event:
    """Something that happened in a run. Every event is one of the classes below."""

    run_id: str


@attrs.frozen(kw_only=True)
class RunStarted(Event):
    """A run began with these channels."""

    channels: tuple[ChannelId, ...]
    dry_run: bool


@attrs.frozen(kw_only=True)
class RunFinished(Event):
    """A run ended; *errors* of its calls failed."""

    errors: int


@attrs.frozen(kw_only=True)
class ChannelEvent(Event):
    """Something that happened on one channel."""

    channel: ChannelId


@attrs.frozen(kw_only=True)
class PhaseStarted(ChannelEvent):
    """A channel came to a phase of the run."""

    phase: str


@attrs.frozen(kw_only=True)
class PageSaved(ChannelEvent):
    """A page of orders was decided and saved; *seen* is the sum of the run so far."""

    page: int
    orders: int
    seen: int


@attrs.frozen(kw_only=True)
class OrderSkipped(ChannelEvent):
    """An order was seen and not downloaded."""

    reference: str | None
    code: str
    sentence: str
    quarantined: bool


@attrs.frozen(kw_only=True)
class OrderChanged(ChannelEvent):
    """A stored order is shown differently by its channel: what happened to it, and what differs."""

    order: OrderKey
    event: str
    details: Mapping[str, str]


@attrs.frozen(kw_only=True)
class OrderInConflict(ChannelEvent):
    """An order here and on its channel contradict each other, and a person must decide."""

    order: OrderKey
    code: ConflictCode
    sentence: str


@attrs.frozen(kw_only=True)
class SweepSuspicious(ChannelEvent):
    """A sweep did not show more than half of the open orders that were known; nothing is concluded from it."""

    known: int
    missing: int


@attrs.frozen(kw_only=True)
class OrdersReserved(ChannelEvent):
    """The ledger holds what this many more orders want."""

    orders: int


@attrs.frozen(kw_only=True)
class StockShort(ChannelEvent):
    """More of a SKU is sold than is there."""

    sku: str
    location: str
    available: int


@attrs.frozen(kw_only=True)
class LevelPushed(ChannelEvent):
    """A channel was told a level."""

    listing: ListingId
    quantity: int
    outcome: StockOutcome


@attrs.frozen(kw_only=True)
class NoteMoved(ChannelEvent):
    """A dispatch note came to another status."""

    order: OrderKey
    parcel_id: str
    status: str


@attrs.frozen(kw_only=True)
class CallFailed(ChannelEvent):
    """A call to a channel failed for good in this run."""

    phase: str
    code: str
    message: str


Observer = Callable[[Event], None]
"""Told of every event, in the order in which they happen; it must return quickly."""
