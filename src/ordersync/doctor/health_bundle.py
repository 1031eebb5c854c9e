"""The health bundle: what a support desk needs to see, and nothing that is none of its business.

Settings are shown by a list of what may be shown. No file holds an order, a buyer, a document or a credential.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs

from ..channel import Channel
from ..errors import StorageError
from ..model.health import Health
from ..model.ids import ChannelId
from ..model.runs import ChannelLife, JournalEntry
from ..model.settings import ChannelSettings, MappedStatus
from ..ports import OrderStore, Storage

JSON_SCHEMA = "ordersync.health-bundle/1"
"""Raised when a file of the bundle changes its meaning; files and fields may be added."""

JOURNAL_TAIL = 200
MOST_DECISIONS = 10_000
"""So many of a channel's decisions are counted, those seen last."""

SETTINGS = (
    "download_unpaid",
    "location",
    "initial_from",
    "link_by_sku",
    "carriers",
    "overlap",
    "sweep_every",
    "drift_check_every",
    "dispatch_window",
    "import_shipped",
    "import_cancelled",
    "shipped_elsewhere",
    "vanished",
    "watch_for",
    "fulfillment_location",
    "fulfillment_reserves",
    "keep_decisions",
    "unknown_dispatch",
)
"""The settings that are shown; a field that is not named here, as one of a subclass, is not."""

MAPPING = ("version", "by", *MappedStatus, "payment_methods", "confirm_payment")
RULE = ("locations", "buffer", "percentage", "end_when", "cap")
SHOWN = str | int | Decimal | datetime | timedelta


async def collect(health: Health, storage: Storage, channels: Sequence[Channel]) -> Mapping[str, str]:
    """Return the files of the bundle by name; reads the storage, and contacts nobody."""
    given = {channel.id: channel for channel in channels}
    parts: dict[str, object] = {
        "storage.json": await _asked(_storage(storage)),
        "journal.json": await _asked(_journal(storage)),
        "channels.json": await _asked(_channels(storage, given)),
        "decisions.json": await _asked(_decisions(storage, given)),
    }
    files = {"health.json": health.to_json()}
    files |= {name: json.dumps(part, ensure_ascii=False, indent=2) for name, part in parts.items()}
    return {"contents.txt": contents(files) + "\n", **files}


def contents(files: Mapping[str, str]) -> str:
    """Return the list of a bundle's files, with their sizes, and what each is."""
    return "\n".join(f"{name:<15} {len(text.encode()):>8} bytes  {TOLD.get(name, '')}" for name, text in files.items())


def pack(files: Mapping[str, str], *, at: datetime) -> bytes:
    """Return the files as a zip; the same files and time make the same bytes."""
    archive = io.BytesIO()
    stamp = (max(at.year, 1980), at.month, at.day, at.hour, at.minute, at.second)
    with zipfile.ZipFile(archive, "w") as bundle:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name, stamp)
            entry.external_attr = 0o600 << 16
            bundle.writestr(entry, text.encode(), zipfile.ZIP_DEFLATED)
    return archive.getvalue()


TOLD = {
    "contents.txt": "this list",
    "health.json": "the findings of the check, versions among them",
    "storage.json": "what the storage says of itself",
    "journal.json": f"the last {JOURNAL_TAIL} entries of the journal",
    "channels.json": "where each channel stands, and its settings as far as they may be shown",
    "decisions.json": "how many orders were decided how",
}


async def _asked(part: Any) -> object:  # noqa: ANN401 - an awaitable of whatever JSON can hold
    """Return a part; of one that the storage cannot answer, why."""
    try:
        return await part
    except StorageError as error:
        return {"schema": JSON_SCHEMA, "error": error.code, "sentence": str(error)}


async def _storage(storage: Storage) -> object:
    told = await storage.inspect()
    return {
        "schema": JSON_SCHEMA,
        "storage": type(storage).__name__,
        "ports": {name: type(getattr(storage, name)).__name__ for name in ("orders", "stock", "listings", "journal")},
        "facts": [attrs.asdict(fact) for fact in told],
    }


async def _journal(storage: Storage) -> object:
    entries = await storage.journal.entries(limit=JOURNAL_TAIL)
    return {"schema": JSON_SCHEMA, "entries": [_entry(entry) for entry in entries]}


def _entry(entry: JournalEntry) -> Mapping[str, object]:
    return {
        "at": entry.at.isoformat(),
        "kind": entry.kind.value,
        "run_id": entry.run_id,
        "channel": "" if entry.channel is None else str(entry.channel),
        "order": "" if entry.order is None else str(entry.order),
        "code": entry.code,
        "message": entry.message,
        "facts": dict(entry.facts),
    }


async def _channels(storage: Storage, given: Mapping[ChannelId, Channel]) -> object:
    every = await _known(storage, given)
    lives = await storage.journal.life(every)
    shown = [
        {
            **_life(lives[one]),
            "progress": _simple(await storage.orders.progress(one)),
            **({"class": type(given[one]).__name__, "settings": settings(given[one].settings)} if one in given else {}),
        }
        for one in every
    ]
    return {"schema": JSON_SCHEMA, "channels": shown}


async def _known(storage: Storage, given: Mapping[ChannelId, Channel]) -> Sequence[ChannelId]:
    return [*given, *(one for one in await storage.journal.channels() if one not in given)]


def _life(life: ChannelLife) -> Mapping[str, object]:
    return {"source": life.channel.source, "subsource": life.channel.subsource, **_simple(life)}


def _simple(record: attrs.AttrsInstance) -> Mapping[str, object]:
    """Return the simple values of one of our own records."""
    values = attrs.asdict(record, recurse=False)
    return {name: _value(value) for name, value in values.items() if value is None or isinstance(value, SHOWN)}


def settings(chosen: ChannelSettings) -> Mapping[str, object]:
    """Return a channel's settings as far as they may be shown: simple values, and the sizes of others."""
    mapping = chosen.status_mapping
    return {
        **{name: _value(getattr(chosen, name)) for name in SETTINGS},
        "stock_rule": {name: _value(getattr(chosen.stock_rule, name)) for name in RULE},
        "checks": [one.code for one in chosen.checks],
        "status_mapping": None if mapping is None else {name: _value(getattr(mapping, name)) for name in MAPPING},
    }


def _value(value: object) -> object:
    """Return a value as JSON has it; of what is not simple only how much of it there is."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, SHOWN):
        return value.isoformat() if isinstance(value, datetime) else str(value)
    return f"{len(value)} entries" if isinstance(value, Mapping | frozenset | tuple) else "not shown"


async def _decisions(storage: Storage, given: Mapping[ChannelId, Channel]) -> object:
    every = await _known(storage, given)
    counts = {str(one): await _codes(storage.orders, one) for one in every}
    return {"schema": JSON_SCHEMA, "counted_at_most": MOST_DECISIONS, "channels": counts}


async def _codes(orders: OrderStore, channel: ChannelId) -> Mapping[str, int]:
    found = await orders.decisions(channel, limit=MOST_DECISIONS)
    return dict(sorted(Counter(decision.code for decision in found).items()))
