"""What a support desk asks for when an order is missing and nothing explains it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import metadata
from typing import Any

import attrs

from ..admission import QUARANTINES
from ..model.channel_orders import ChannelOrder
from ..model.runs import EntryKind, JournalEntry
from ..ports import Storage
from .evidence import Evidence

JOURNAL_TAIL = 30
DECISIONS = 200
STORED = 1000
"""Among so many stored orders, those seen last, the newest is looked for: a sweep sees old ones together with it."""


async def bundle_of(storage: Storage, facts: Evidence) -> Mapping[str, Any]:
    """Return reference, exact channel, the order as its channel shows it, and whether others are missing as well.

    Holds no buyer, no address, no document and no secret.
    """
    channel = facts.key.channel
    decisions = await storage.orders.decisions(channel, limit=DECISIONS)
    others = [one for one in decisions if one.key != facts.key]
    stored = await storage.orders.decisions(channel, admitted=True, limit=STORED)
    newest = max((one.first_seen_at for one in stored if one.first_seen_at is not None), default=None)
    tail = await storage.journal.entries(channel=channel, limit=JOURNAL_TAIL)
    shown = None if facts.answer is None else facts.answer.order
    return {
        "reference": facts.key.reference,
        "source": channel.source,
        "subsource": channel.subsource,
        "order": None if shown is None else _order(shown),
        "others_seen": len(others),
        "others_refused": sum(not one.admitted for one in others),
        "others_quarantined": sum(not one.admitted and one.code in QUARANTINES for one in others),
        "any_stored": bool(stored),
        "newest_stored_first_seen_at": None if newest is None else newest.isoformat(),
        "channel_life": _life(facts),
        "readings": [str(window) for window in facts.latest],
        "journal": [_entry(entry) for entry in tail if entry.kind is not EntryKind.WINDOW_READ],
        "version": metadata.version("ordersync"),
    }


def _order(shown: ChannelOrder) -> dict[str, Any]:
    return {
        "status": shown.status,
        "payment": shown.payment,
        "fulfillment": shown.fulfillment,
        "placed_at": shown.placed_at.isoformat(),
        "updated_at": shown.updated_at.isoformat(),
        "channel_order_id": shown.channel_order_id,
        "lines": len(shown.lines),
    }


def _life(facts: Evidence) -> dict[str, Any]:
    life = attrs.asdict(facts.life, filter=lambda field, _: field.name != "channel")
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in life.items()}


def _entry(entry: JournalEntry) -> dict[str, Any]:
    return {
        "at": entry.at.isoformat(),
        "kind": entry.kind,
        "run": entry.run_id,
        "code": entry.code,
        "message": entry.message,
        **entry.facts,
    }
