"""What pages bring: orders, decisions, quarantine, doubts and progress, written together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from ...model.ids import ChannelId, Fence, OrderKey
from ...model.orders import ConflictCode, Order, OrderState
from ...model.pages import Known, PageWork, Quarantined
from ...model.runs import Progress
from ...model.stock import Sale
from ...ports import OrderStore
from .. import codec
from ..order_rows import Row
from .connection import Connection
from .decisions import decide, see_again
from .keys import add_keys, channel_number, key_numbers, own_channel_number
from .order_tables import Standing, add_orders, change_orders, standings
from .parts import FencedPart
from .watches import watch_of, write_watches

READ_PROGRESS = """
SELECT watermark, swept_at, sweep_began_at, sweep_position, judged_at, trusted_at, interrupted, blind, admission
FROM progress JOIN channels ON channels.id = channel_id WHERE source = ? AND subsource = ?
"""

WRITE_PROGRESS = """
INSERT INTO progress (
  channel_id, watermark, swept_at, sweep_began_at, sweep_position, judged_at, trusted_at, interrupted, blind, admission)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (channel_id) DO UPDATE SET watermark = excluded.watermark, swept_at = excluded.swept_at,
  sweep_began_at = excluded.sweep_began_at, sweep_position = excluded.sweep_position,
  judged_at = excluded.judged_at, trusted_at = excluded.trusted_at, interrupted = excluded.interrupted,
  blind = excluded.blind, admission = excluded.admission
"""

KNOWN = """
SELECT order_keys.reference, coalesce(digest, x''), coalesce(code, ''), coalesce(mapping_version, ''),
  coalesce(admitted, 0), coalesce(final, 0), state, orders.revision,
  coalesce(doubts.revision, 0),
  CASE reviewed WHEN 'VANISHED' THEN reviewed ELSE json_extract(conflict, '$.code') END,
  since, look_at
FROM json_each(?) AS wanted
CROSS JOIN order_keys ON order_keys.channel_id = ? AND order_keys.reference = wanted.value
LEFT JOIN decisions ON decisions.order_id = order_keys.id
LEFT JOIN orders ON orders.id = order_keys.id
LEFT JOIN doubts ON doubts.order_id = order_keys.id
LEFT JOIN watches ON watches.order_id = order_keys.id
WHERE decisions.order_id IS NOT NULL OR doubts.order_id IS NOT NULL
"""

WRITE_DOCUMENT = """
INSERT INTO order_documents (order_id, document)
SELECT column1, column2 FROM (VALUES (?, ?)) WHERE column1 NOT IN (SELECT order_id FROM erased)
ON CONFLICT (order_id) DO UPDATE SET document = excluded.document
"""

QUARANTINE = """
INSERT INTO quarantine (channel_id, payload_hash, code, error, at, reference) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (channel_id, payload_hash) DO UPDATE SET code = excluded.code, error = excluded.error,
  reference = coalesce(excluded.reference, reference)
"""

QUARANTINE_PAYLOAD = """
INSERT INTO quarantine_payloads (quarantine_id, payload)
SELECT quarantine.id, iif(erased.at IS NULL, ?, x'') FROM quarantine
LEFT JOIN order_keys ON order_keys.channel_id = quarantine.channel_id AND order_keys.reference = quarantine.reference
LEFT JOIN erased ON erased.order_id = order_keys.id
WHERE quarantine.channel_id = ? AND payload_hash = ?
ON CONFLICT (quarantine_id) DO UPDATE SET payload = excluded.payload WHERE excluded.payload = x''
"""

UNDERSTOOD = """
SELECT quarantine.id FROM channels CROSS JOIN quarantine ON channel_id = channels.id
WHERE source = ? AND subsource = ? AND reference IN (SELECT value FROM json_each(?))
"""

RELEASED = """
SELECT quarantine.id FROM channels CROSS JOIN quarantine ON channel_id = channels.id
WHERE source = ? AND subsource = ? AND payload_hash IN (SELECT value FROM json_each(?))
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
            *moments, interrupted, blind, admission = row
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
                admission=admission,
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
            known = set(numbers)
            add_keys(db, [key for key in keys if key not in numbers], numbers)
            add_orders(db, {numbers[order.key]: order for order in work.new})
            changed = {numbers[one.order.key]: one for one in work.changed}
            orders = {number: one.order for number, one in changed.items()}
            change_orders(db, orders, before, {number: one.change for number, one in changed.items()})
            db.executemany(WRITE_DOCUMENT, ((numbers[key], document) for key, document in work.raw.items()))
            decide(db, work.decisions, numbers, known=known, at=codec.micros(at))
            see_again(db, [numbers[key] for key in work.seen], at=codec.micros(at))
            write_watches(db, {numbers[change.key]: change for change in work.watches})
            _leave_quarantine(db, work)
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


def _leave_quarantine(db: Connection, work: PageWork) -> None:
    """Drop what was in quarantine of orders that are understood now, and what is released by its hash."""
    references = [key.reference for key in work.out_of_quarantine]
    for statement, names in ((UNDERSTOOD, references), (RELEASED, list(work.released))):
        if names:
            asked = (work.channel.source, work.channel.subsource, codec.to_json(names))
            numbers = codec.to_json([number for (number,) in db.execute(statement, asked)])
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
        progress.admission,
    )
    db.execute(WRITE_PROGRESS, row)
