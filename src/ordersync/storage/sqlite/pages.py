"""What pages bring: orders, decisions, quarantine, doubts and progress, written together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from ...model.ids import ChannelId, Fence, OrderKey
from ...model.orders import ConflictCode, Decision, Order, OrderState
from ...model.pages import Known, PageWork, Quarantined
from ...model.runs import Progress
from ...model.stock import Sale
from ...ports import OrderStore
from .. import codec
from ..order_rows import DECISION_COLUMNS, Row, decision_row
from .connection import Connection
from .keys import add_keys, channel_number, key_numbers, own_channel_number
from .order_tables import Standing, add_orders, change_orders, standings
from .parts import FencedPart
from .watches import watch_of, write_watches

READ_PROGRESS = """
SELECT watermark, swept_at, sweep_began_at, sweep_position, judged_at, trusted_at, interrupted, blind
FROM progress JOIN channels ON channels.id = channel_id WHERE source = ? AND subsource = ?
"""

WRITE_PROGRESS = """
INSERT INTO progress (
  channel_id, watermark, swept_at, sweep_began_at, sweep_position, judged_at, trusted_at, interrupted, blind)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (channel_id) DO UPDATE SET watermark = excluded.watermark, swept_at = excluded.swept_at,
  sweep_began_at = excluded.sweep_began_at, sweep_position = excluded.sweep_position,
  judged_at = excluded.judged_at, trusted_at = excluded.trusted_at, interrupted = excluded.interrupted,
  blind = excluded.blind
"""

KNOWN = """
SELECT order_keys.reference, digest, code, mapping_version, admitted, final, state, orders.revision,
  coalesce(doubts.revision, 0),
  CASE reviewed WHEN 'VANISHED' THEN reviewed ELSE json_extract(conflict, '$.code') END,
  since, look_at
FROM json_each(?) AS wanted
CROSS JOIN order_keys ON order_keys.channel_id = ? AND order_keys.reference = wanted.value
CROSS JOIN decisions ON decisions.order_id = order_keys.id
LEFT JOIN orders ON orders.id = order_keys.id
LEFT JOIN doubts ON doubts.order_id = order_keys.id
LEFT JOIN watches ON watches.order_id = order_keys.id
"""

DECIDE = f"""
INSERT INTO decisions (order_id, first_seen_at, {", ".join(DECISION_COLUMNS)})
VALUES (?, ?, {", ".join("?" * len(DECISION_COLUMNS))})
ON CONFLICT (order_id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in DECISION_COLUMNS)}
"""  # noqa: S608 - constants

SEE = "INSERT INTO last_seen (order_id, at) VALUES (?, ?) ON CONFLICT (order_id) DO UPDATE SET at = excluded.at"

SEE_AGAIN = "UPDATE last_seen SET at = ? WHERE order_id IN (SELECT value FROM json_each(?))"

WRITE_DOCUMENT = """
INSERT INTO order_documents (order_id, document) VALUES (?, ?)
ON CONFLICT (order_id) DO UPDATE SET document = excluded.document
"""

QUARANTINE = """
INSERT INTO quarantine (channel_id, payload_hash, code, error, at, reference) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (channel_id, payload_hash) DO NOTHING
"""

QUARANTINE_PAYLOAD = """
INSERT INTO quarantine_payloads (quarantine_id, payload)
SELECT id, ? FROM quarantine WHERE channel_id = ? AND payload_hash = ?
ON CONFLICT (quarantine_id) DO NOTHING
"""

UNDERSTOOD = """
SELECT quarantine.id FROM channels CROSS JOIN quarantine ON channel_id = channels.id
WHERE source = ? AND subsource = ? AND reference IN (SELECT value FROM json_each(?))
"""

DROP_PAYLOADS = "DELETE FROM quarantine_payloads WHERE quarantine_id IN (SELECT value FROM json_each(?))"

DROP_QUARANTINE = "DELETE FROM quarantine WHERE id IN (SELECT value FROM json_each(?))"

DOUBT = """
INSERT INTO doubts (order_id, channel_id, revision, channel_revision, taken_at, sold)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (order_id) DO UPDATE SET revision = excluded.revision, channel_revision = excluded.channel_revision,
  taken_at = excluded.taken_at, sold = excluded.sold, told = 0
"""


class PageVerbs(FencedPart, OrderStore):
    """Progress, and what a page writes."""

    async def progress(self, channel: ChannelId, *, fence: Fence | None = None) -> Progress:
        """Return how far the channel's orders are known; an empty one for a new channel."""

        def work(db: Connection) -> Progress:
            row = db.execute(READ_PROGRESS, (channel.source, channel.subsource)).fetchone()
            if row is None:
                return Progress()
            *moments, interrupted, blind = row
            watermark, swept_at, began_at, position, judged_at, trusted_at = map(codec.maybe_moment_of, moments)
            return Progress(
                watermark=watermark,
                swept_at=swept_at,
                sweep_began_at=began_at,
                sweep_position=position,
                interrupted=bool(interrupted),
                blind=bool(blind),
                judged_at=judged_at,
                trusted_at=trusted_at,
            )

        return await self._read(work, fence)

    async def set_progress(self, channel: ChannelId, progress: Progress, *, fence: Fence) -> None:
        """Replace a channel's progress."""
        await self._write(lambda db: _write_progress(db, channel, progress), fence)

    async def known(
        self, channel: ChannelId, references: Collection[str], *, fence: Fence | None = None
    ) -> Mapping[str, Known]:
        """Return what is known of these references; never seen ones are absent."""

        def work(db: Connection) -> Mapping[str, Known]:
            rows = db.execute(KNOWN, (codec.to_json(list(references)), channel_number(db, channel)))
            return {reference: _known(OrderKey(channel, reference), row) for reference, *row in rows}

        return await self._read(work, fence)

    async def save_page(self, work: PageWork, *, fence: Fence, at: datetime) -> bool:
        """Write a page wholly, unless a new order is stored already or a changed one is no longer as it was read."""

        def save(db: Connection) -> bool:
            keys = _keys_of(work)
            numbers = key_numbers(db, keys)
            touched = [order.key for order in (*work.new, *(changed.order for changed in work.changed))]
            before = standings(db, [numbers[key] for key in touched if key in numbers])
            if not _fits(work, numbers, before):
                return False
            add_keys(db, [key for key in keys if key not in numbers], numbers)
            add_orders(db, {numbers[order.key]: order for order in work.new})
            changed = {numbers[one.order.key]: one for one in work.changed}
            orders = {number: one.order for number, one in changed.items()}
            change_orders(db, orders, before, {number: one.change for number, one in changed.items()})
            db.executemany(WRITE_DOCUMENT, ((numbers[key], document) for key, document in work.raw.items()))
            _decide(db, work.decisions, numbers, at=codec.micros(at))
            _see_again(db, [numbers[key] for key in work.seen], at=codec.micros(at))
            write_watches(db, {numbers[change.key]: change for change in work.watches})
            _leave_quarantine(db, work.channel, work.out_of_quarantine)
            _quarantine(db, work.quarantined)
            _doubt(db, work.channel, work.doubts, numbers)
            if work.progress is not None:
                _write_progress(db, work.channel, work.progress)
            return True

        return await self._write(save, fence)


def _keys_of(work: PageWork) -> Collection[OrderKey]:
    """Return every order key that a page names, each once."""
    orders: Iterable[Order] = (*work.new, *(changed.order for changed in work.changed))
    keys = dict.fromkeys(order.key for order in orders)
    keys.update(dict.fromkeys(decision.key for decision in work.decisions))
    keys.update(dict.fromkeys(sale.order_key for sale in work.doubts))
    keys.update(dict.fromkeys((*work.seen, *work.raw, *(change.key for change in work.watches))))
    return keys


def _fits(work: PageWork, numbers: Mapping[OrderKey, int], before: Mapping[int, Standing]) -> bool:
    if any(numbers.get(order.key) in before for order in work.new):
        return False
    for changed in work.changed:
        stored = before.get(numbers.get(changed.order.key, 0))
        if stored is None or stored.revision != changed.expect:
            return False
    return True


def _known(key: OrderKey, row: Row) -> Known:
    digest, code, mapping_version, admitted, final, state, revision, doubt_revision, conflict, since, look_at = row
    return Known(
        digest=digest,
        code=code,
        mapping_version=mapping_version,
        admitted=bool(admitted),
        final=bool(final),
        state=None if state is None else OrderState(state),
        revision=revision,
        doubt_revision=doubt_revision,
        conflict=None if conflict is None else ConflictCode(conflict),
        watch=None if since is None else watch_of(key, since, look_at),
    )


def _decide(db: Connection, decisions: Collection[Decision], numbers: Mapping[OrderKey, int], *, at: int) -> None:
    db.executemany(DECIDE, ((numbers[one.key], at, *decision_row(one)) for one in decisions))
    db.executemany(SEE, ((numbers[one.key], at) for one in decisions))


def _see_again(db: Connection, numbers: Collection[int], *, at: int) -> None:
    if numbers:
        db.execute(SEE_AGAIN, (at, codec.to_json(list(numbers))))


def _leave_quarantine(db: Connection, channel: ChannelId, understood: Collection[OrderKey]) -> None:
    """Drop what was in quarantine of orders that are understood now."""
    if not understood:
        return
    references = codec.to_json([key.reference for key in understood])
    found = db.execute(UNDERSTOOD, (channel.source, channel.subsource, references)).fetchall()
    if found:
        numbers = codec.to_json([number for (number,) in found])
        db.execute(DROP_PAYLOADS, (numbers,))
        db.execute(DROP_QUARANTINE, (numbers,))


def _quarantine(db: Connection, documents: Collection[Quarantined]) -> None:
    channels = {document.channel for document in documents}
    numbers = {channel: own_channel_number(db, channel) for channel in channels}
    db.executemany(
        QUARANTINE,
        (
            (numbers[one.channel], one.payload_hash, one.code, one.error, codec.micros(one.at), one.reference)
            for one in documents
        ),
    )
    db.executemany(QUARANTINE_PAYLOAD, ((one.payload, numbers[one.channel], one.payload_hash) for one in documents))


def _doubt(db: Connection, channel: ChannelId, sales: Collection[Sale], numbers: Mapping[OrderKey, int]) -> None:
    if not sales:
        return
    channel_id = own_channel_number(db, channel)
    db.executemany(
        DOUBT,
        (
            (
                numbers[sale.order_key],
                channel_id,
                sale.revision,
                sale.channel_revision,
                codec.micros(sale.taken_at),
                codec.quantities(sale.sold),
            )
            for sale in sales
        ),
    )


def _write_progress(db: Connection, channel: ChannelId, progress: Progress) -> None:
    row = (
        own_channel_number(db, channel),
        codec.maybe_micros(progress.watermark),
        codec.maybe_micros(progress.swept_at),
        codec.maybe_micros(progress.sweep_began_at),
        codec.maybe_micros(progress.sweep_position),
        codec.maybe_micros(progress.judged_at),
        codec.maybe_micros(progress.trusted_at),
        progress.interrupted,
        progress.blind,
    )
    db.execute(WRITE_PROGRESS, row)
