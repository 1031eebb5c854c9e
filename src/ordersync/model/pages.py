"""What the order store is told about one page of orders, and what it knew of them before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs

from .ids import ChannelId, OrderKey
from .orders import Decision, Order, OrderState
from .runs import Progress
from .stock import Sale


@attrs.frozen(kw_only=True)
class Known:
    """What was known of an order before this sighting.

    ``state`` and ``revision`` are None for an order that is not stored. ``doubt_revision`` counts how often
    an order that was never stored put its listings in doubt.
    """

    digest: bytes
    code: str
    mapping_version: str
    admitted: bool
    final: bool
    state: OrderState | None = None
    revision: int | None = None
    doubt_revision: int = 0


@attrs.frozen(kw_only=True)
class Quarantined:
    """A document that was not understood, kept by the hash of its payload until it is."""

    channel: ChannelId
    payload_hash: str
    code: str
    error: str
    at: datetime
    reference: str | None = None
    payload: bytes = attrs.field(default=b"", repr=False)


@attrs.frozen(kw_only=True)
class ChangedOrder:
    """An order to write over the stored one, if that still has revision ``expect``."""

    order: Order
    expect: int


@attrs.frozen(kw_only=True)
class PageWork:
    """All that one page of sightings comes to; written in one transaction, or not at all.

    ``seen``: orders of which only the last sighting is noted. ``doubts``: orders that will never be stored and
    put what their listings show in doubt. ``raw``: documents of new and changed orders, as they came.
    """

    channel: ChannelId
    new: tuple[Order, ...] = ()
    changed: tuple[ChangedOrder, ...] = ()
    decisions: tuple[Decision, ...] = ()
    seen: tuple[OrderKey, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    doubts: tuple[Sale, ...] = ()
    raw: Mapping[OrderKey, bytes] = attrs.field(factory=dict, repr=False)
    progress: Progress | None = None
