"""What the order store is told about one page of orders, and what it knew of them before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs

from .ids import ChannelId, OrderKey
from .orders import ConflictCode, Decision, Order, OrderChange, OrderState
from .runs import Progress
from .stock import Sale


@attrs.frozen(kw_only=True)
class Watch:
    """An order on the watch list: it is looked up on its channel at ``look_at``, at growing intervals."""

    key: OrderKey
    since: datetime
    look_at: datetime


@attrs.frozen(kw_only=True)
class WatchChange:
    """A change of the watch list, made only if the order's place on it is still *before*: a hint may have come since.

    None stands for an order that is not on the list.
    """

    key: OrderKey
    before: Watch | None
    after: Watch | None


@attrs.frozen(kw_only=True)
class Known:
    """What was known of an order before this sighting.

    ``state`` and ``revision`` are None for an order that is not stored. ``doubt_revision`` counts how often
    an order that was never stored put its listings in doubt. ``conflict``: also that
    it had vanished, until it is seen again. ``watch``: its place on the watch list.
    """

    digest: bytes
    code: str
    mapping_version: str
    admitted: bool
    final: bool
    state: OrderState | None = None
    revision: int | None = None
    doubt_revision: int = 0
    conflict: ConflictCode | None = None
    watch: Watch | None = None


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
    """An order to write over the stored one, if that still has revision ``expect``, and a line for its history."""

    order: Order
    expect: int
    change: OrderChange | None = None


@attrs.frozen(kw_only=True)
class PageWork:
    """All that one page of sightings comes to; written in one transaction, or not at all.

    ``seen``: orders of which only the last sighting is noted. ``doubts``: orders that will never be stored and
    put what their listings show in doubt. ``raw``: documents of new and changed orders, as they came.
    ``understood``: further orders, that the page showed in a form that could be read; like new and changed ones
    they leave quarantine. ``released``: documents that leave it by their payload hash, since no name of an order
    reaches them.
    """

    channel: ChannelId
    new: tuple[Order, ...] = ()
    changed: tuple[ChangedOrder, ...] = ()
    decisions: tuple[Decision, ...] = ()
    seen: tuple[OrderKey, ...] = ()
    understood: tuple[OrderKey, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    released: tuple[str, ...] = ()
    doubts: tuple[Sale, ...] = ()
    raw: Mapping[OrderKey, bytes] = attrs.field(factory=dict, repr=False)
    watches: tuple[WatchChange, ...] = ()
    progress: Progress | None = None

    @property
    def out_of_quarantine(self) -> frozenset[OrderKey]:
        """Return the orders that are understood by now: what was in quarantine under their references leaves it."""
        stored = (*self.new, *(changed.order for changed in self.changed))
        return frozenset((*self.understood, *(order.key for order in stored)))
