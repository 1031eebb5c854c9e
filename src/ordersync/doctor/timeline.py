"""The timeline: every event of one order, from first seen to confirmed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from typing import Any

import attrs

from ..columns import said, wrapped
from ..errors import OrderNotFoundError
from ..model.ids import OrderKey
from ..model.orders import Decision, Order, OrderState
from ..model.stock import Movement
from ..ports import Storage, SupportsHistory
from .order_events import (
    Source,
    TimelineEvent,
    When,
    of_channel,
    of_decisions,
    of_entry,
    of_note,
    of_order,
    of_parcel,
    of_stock,
    of_watch,
)

JSON_SCHEMA = "ordersync.timeline/1"
"""Raised when a field of the JSON timeline changes its meaning; fields may be added."""

MOST_ENTRIES = 1000
MOST_MOVEMENTS = 1000
"""So many of a SKU's latest movements are searched for those of the order's parcels."""

MARGIN = 32


@attrs.frozen(kw_only=True)
class Timeline:
    """Everything that is remembered of one order, oldest first.

    ``state`` is None for an order that is not stored. ``last_seen_at``: its last sighting on the channel.
    ``str()`` is plain text of at most 80 columns.
    """

    key: OrderKey
    state: OrderState | None
    last_seen_at: datetime | None
    events: tuple[TimelineEvent, ...]

    def to_json(self) -> str:
        """Return the timeline as JSON (schema ``ordersync.timeline/1``)."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2)

    def to_dict(self) -> dict[str, Any]:
        """Return the timeline as what ``to_json`` writes."""
        return {
            "schema": JSON_SCHEMA,
            "source": self.key.channel.source,
            "subsource": self.key.channel.subsource,
            "reference": self.key.reference,
            "state": None if self.state is None else self.state.value,
            "last_seen_at": None if self.last_seen_at is None else self.last_seen_at.isoformat(),
            "events": [_facts(event) for event in self.events],
        }

    def __str__(self) -> str:
        """Return the timeline as text, an event after another."""
        state = "not stored" if self.state is None else self.state.value
        seen = "" if self.last_seen_at is None else f", last seen on its channel {said(self.last_seen_at)}"
        return "\n".join([*wrapped(f"{self.key}: {state}{seen}", margin=2), *self._lines()])

    def _lines(self) -> Iterator[str]:
        for event in self.events:
            vague = "" if event.when is When.AT else f" ({event.when} this time)"
            who = f", by {event.who}" if event.who else ""
            why = f" ({event.why})" if event.why else ""
            start = f"{said(event.at)}  {event.source:<8}  "
            yield from wrapped(f"{event.what}{vague}{who}{why}", first=start)
            details = "; ".join(f"{name}: {text}" for name, text in event.details.items())
            if details:
                yield from wrapped(details, first=" " * (MARGIN + 2))


async def timeline(storage: Storage, key: OrderKey) -> Timeline:
    """Return every event of one order, stored or not; no channel is called.

    ``OrderNotFoundError`` when nothing at all is known of it.
    """
    orders = storage.orders
    decisions = await orders.decision_history(key)
    known = (await orders.known(key.channel, [key.reference])).get(key.reference)
    order = (await orders.load([key])).get(key)
    events = [
        *of_channel(order, decisions),
        *of_decisions(decisions),
        *of_watch(None if known is None else known.watch),
        *of_order(order, await orders.history(key)),
        *[event async for event in _dispatched(storage, key)],
        *map(of_entry, await storage.journal.entries(order=key, limit=MOST_ENTRIES, oldest_first=True)),
    ]
    erased_at = (await orders.erased([key])).get(key)
    if erased_at is not None:
        events.append(TimelineEvent(at=erased_at, source=Source.ERASURE, what="personal data erased"))
    if not events:
        raise OrderNotFoundError(f"{key}: was never seen; check source, subsource and reference")
    events.sort(key=lambda event: event.at)  # stable: of one moment, what led to another stays before it
    return Timeline(key=key, state=_state(order), last_seen_at=_last_seen(decisions), events=tuple(events))


async def _dispatched(storage: Storage, key: OrderKey) -> AsyncIterator[TimelineEvent]:
    """Tell of the order's parcels, what they took, and what became of their notes."""
    parcels = [(await storage.orders.parcel(key, note.parcel_id), note) for note in await storage.orders.notes(key)]
    skus = {sku for parcel, _ in parcels if parcel is not None for sku, _ in parcel.deduction.taken}
    movements = await _movements(storage, sorted(skus))
    for parcel, note in parcels:
        if parcel is not None:
            yield of_parcel(parcel)
            for event in (*of_stock(parcel, note, movements), *of_note(note, parcel.at)):
                yield event


async def _movements(storage: Storage, skus: Sequence[str]) -> Sequence[Movement]:
    ledger = storage.stock
    if not isinstance(ledger, SupportsHistory):
        return []
    return [movement for sku in skus for movement in await ledger.history(sku, limit=MOST_MOVEMENTS)]


def _state(order: Order | None) -> OrderState | None:
    return None if order is None else order.state


def _last_seen(decisions: Sequence[Decision]) -> datetime | None:
    return decisions[-1].last_seen_at if decisions else None


def _facts(event: TimelineEvent) -> dict[str, Any]:
    return {
        "at": event.at.isoformat(),
        "when": event.when.value,
        "source": event.source.value,
        "what": event.what,
        "who": event.who,
        "why": event.why,
        "details": dict(event.details),
    }
