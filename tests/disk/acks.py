"""Acknowledged commits: each storage verb that returned is a line of a file of its own, and is to hold for good.

Every fact only ever grows: an order's revision, a note's way, a lease's token. So it may be looked for at any later
moment, whatever was written after it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from disk.outside import Log
from ordersync import ChannelId
from ordersync.model.dispatch import Note, NoteStatus
from ordersync.model.ids import OrderKey
from ordersync.storage.sqlite import SQLiteStorage

WAY = (NoteStatus.WAITING, NoteStatus.QUEUED, NoteStatus.CLAIMED, NoteStatus.SENT, NoteStatus.CONFIRMED)
EVERYTHING = 10_000

Facts = Iterable[Sequence[Any]]
Telling = Callable[..., Facts]


def acknowledge(storage: SQLiteStorage, log: Log) -> None:
    """Log what each writing verb of a storage acknowledges, once it returned."""
    for port, verbs in TOLD.items():
        for verb, facts in verbs.items():
            _wrap(getattr(storage, port), verb, facts, log)


def _wrap(port: object, verb: str, facts: Telling, log: Log) -> None:
    real: Callable[..., Awaitable[Any]] = getattr(port, verb)

    async def told(*args: Any, **named: Any) -> Any:  # noqa: ANN401 - of any verb
        answer = await real(*args, **named)
        if answer is not False:
            for fact in facts(answer, *args, **named):
                log.add(*fact)
        return answer

    setattr(port, verb, told)


def _key(key: OrderKey) -> list[str]:
    return [key.channel.source, key.channel.subsource, key.reference]


def _saved(_: object, work: Any, **__: object) -> Facts:  # noqa: ANN401
    for order in (*work.new, *(changed.order for changed in work.changed)):
        yield "order", _key(order.key), order.revision
    for decision in work.decisions:
        yield "decision", _key(decision.key), 1
    for one in work.quarantined:
        if one.reference is not None:
            yield "decision", [one.channel.source, one.channel.subsource, one.reference], 1
    if work.progress is not None:
        yield from _progressed(None, work.channel, work.progress)


def _progressed(_: object, channel: ChannelId, progress: Any, **__: object) -> Facts:  # noqa: ANN401
    for field in ("watermark", "swept_at", "judged_at"):
        moment = getattr(progress, field)
        if moment is not None:
            yield "progress", [channel.source, channel.subsource, field], moment.isoformat()


def _replaced(_: object, order: Any, *, expect: int, **__: object) -> Facts:  # noqa: ANN401
    yield "order", _key(order.key), expect + 1


def _recorded(_: object, parcel: Any, *__: object, **___: object) -> Facts:  # noqa: ANN401
    yield "parcel", [*_key(parcel.order_key), parcel.id], sorted(parcel.lines.items())


def _note(_: object, note: Note, **__: object) -> Facts:
    yield "note", [*_key(note.note.order_key), note.parcel_id], WAY.index(note.status)


def _queued(_: object, key: OrderKey, parcel_id: str, **__: object) -> Facts:
    yield "note", [*_key(key), parcel_id], WAY.index(NoteStatus.QUEUED)


def _erased(_: object, keys: Iterable[OrderKey], **__: object) -> Facts:
    return (("erased", _key(key), 1) for key in keys)


def _held(answer: Mapping[OrderKey, int], *_: object, **__: object) -> Facts:
    return (("held", _key(key), revision) for key, revision in answer.items())


def _deducted(_: object, deduction: Any, **__: object) -> Facts:  # noqa: ANN401
    for (sku, _place), quantity in deduction.taken.items():
        yield "moved", [sku, deduction.id], -quantity
    yield "held", _key(deduction.claim.order_key), deduction.claim.revision


def _counted(_: object, sku: str, *, movement_id: str, **__: object) -> Facts:
    yield "counted", [sku, movement_id], 1


def _linked(_: object, channel: ChannelId, channel_sku: str, *__: object, **___: object) -> Facts:
    yield "linked", [channel.source, channel.subsource, channel_sku], 1


def _leased(lease: Any, *_: object, **__: object) -> Facts:  # noqa: ANN401
    if lease is not None:
        yield "lease", [lease.channel.source, lease.channel.subsource], lease.token


def _written(_: object, entries: Iterable[Any], **__: object) -> Facts:
    return (("entry", [one.run_id, str(one.kind), str(one.channel), one.at.isoformat()], 1) for one in entries)


TOLD: Mapping[str, Mapping[str, Telling]] = {
    "orders": {
        "save_page": _saved,
        "set_progress": _progressed,
        "replace": _replaced,
        "record_parcel": _recorded,
        "write_note": _note,
        "queue": _queued,
        "erase": _erased,
    },
    "stock": {"reserve": _held, "deduct": _deducted, "set_on_hand": _counted, "adjust": _counted},
    "listings": {"link": _linked},
    "journal": {"lease": _leased, "write": _written},
}


class Acknowledged:
    """The most that was acknowledged of each thing."""

    def __init__(self, facts: Facts) -> None:
        self.most: dict[tuple[str, tuple[str, ...]], Any] = {}
        for kind, name, value in facts:
            place = (kind, tuple(name))
            self.most[place] = max(self.most.get(place, value), value)

    def named(self, kind: str) -> set[tuple[str, ...]]:
        """Return the names of all things of one kind."""
        return {name for known, name in self.most if known == kind}

    async def lost(self, storage: SQLiteStorage) -> list[str]:
        """Return what was acknowledged and is not there, in a storage that is open."""
        found = {place: value async for place, value in _found(storage, self)}
        return [
            f"{kind} {'/'.join(name)}: {value!r} was acknowledged, {found.get((kind, name))!r} is there"
            for (kind, name), value in self.most.items()
            if (kind, name) not in found or found[kind, name] < value
        ]


async def _found(storage: SQLiteStorage, asked: Acknowledged) -> Any:  # noqa: ANN401 - an async generator
    for look in (_of_orders, _of_parcels, _of_stock, _of_channels):
        for place, value in await look(storage, asked):
            yield place, value


Found = list[tuple[tuple[str, tuple[str, ...]], Any]]


def _order_key(name: Sequence[str]) -> OrderKey:
    return OrderKey(ChannelId(name[0], name[1]), name[2])


async def _of_orders(storage: SQLiteStorage, asked: Acknowledged) -> Found:
    keys = {name: _order_key(name) for name in asked.named("order") | asked.named("erased")}
    orders = await storage.orders.load(keys.values())
    erased = await storage.orders.erased(keys.values())
    found: Found = [(("order", name), orders[key].revision) for name, key in keys.items() if key in orders]
    found += [(("erased", name), 1) for name, key in keys.items() if key in erased]
    for channel in {ChannelId(*name[:2]) for name in asked.named("decision")}:
        decisions = await storage.orders.decisions(channel, limit=EVERYTHING)
        found += [(("decision", tuple(_key(one.key))), 1) for one in decisions]
    return found


async def _of_parcels(storage: SQLiteStorage, asked: Acknowledged) -> Found:
    found: Found = []
    for name in asked.named("parcel"):
        parcel = await storage.orders.parcel(_order_key(name), name[3])
        if parcel is not None:
            found.append((("parcel", name), [list(line) for line in sorted(parcel.lines.items())]))
    for order in {name[:3] for name in asked.named("note")}:
        notes = await storage.orders.notes(_order_key(order))
        found += [(("note", (*order, one.parcel_id)), WAY.index(one.status)) for one in notes]
    return found


async def _of_stock(storage: SQLiteStorage, asked: Acknowledged) -> Found:
    found: Found = []
    for name in asked.named("held"):
        claim = await storage.stock.held(_order_key(name))
        if claim is not None:
            found.append((("held", name), claim.revision))
    for sku in {name[0] for kind in ("moved", "counted") for name in asked.named(kind)}:
        history = await storage.stock.history(sku, limit=EVERYTHING)
        found += [(("moved", (sku, one.id)), one.quantity) for one in history]
        found += [(("counted", (sku, one.id)), 1) for one in history]
    return found


async def _of_channels(storage: SQLiteStorage, asked: Acknowledged) -> Found:
    found: Found = []
    for name in {name[:2] for kind in ("progress", "linked") for name in asked.named(kind)}:
        progress = await storage.orders.progress(ChannelId(*name))
        moments = {field: getattr(progress, field) for field in ("watermark", "swept_at", "judged_at")}
        found += [(("progress", (*name, field)), at.isoformat()) for field, at in moments.items() if at is not None]
        listings = await storage.listings.of_channel(ChannelId(*name))
        found += [(("linked", (*name, one.id.channel_sku)), 1) for one in listings]
    entries = await storage.journal.entries(limit=EVERYTHING)
    found += [(("entry", (one.run_id, str(one.kind), str(one.channel), one.at.isoformat())), 1) for one in entries]
    return found + await storage._database.read(_leases)


def _leases(connection: Any) -> Found:  # noqa: ANN401 - of sqlite3
    rows: Iterator[Any] = connection.execute(
        "SELECT source, subsource, token FROM leases JOIN channels ON channels.id = channel_id"
    )
    return [(("lease", (source, subsource)), token) for source, subsource, token in rows]
