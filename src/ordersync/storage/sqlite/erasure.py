"""Removing personal data, from the rows and from the bytes of the file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from ...model.ids import ChannelId, OrderKey
from ...ports import OrderStore
from .. import codec
from .connection import Connection
from .keys import channels_from, key_numbers, own_key_numbers
from .parts import FencedPart
from .wiping import mark_wiped

ADD_ERASED = "INSERT INTO erased (order_id, at) VALUES (?, ?)"

FIND_ERASED = "SELECT order_id, at FROM erased WHERE order_id IN (SELECT value FROM json_each(?))"

MARK_ORDERS = """
UPDATE orders SET erased = 1, revision = revision + 1 WHERE id IN (SELECT value FROM json_each(?))
"""

DROP_PEOPLE = "DELETE FROM order_people WHERE order_id IN (SELECT value FROM json_each(?))"

DROP_DOCUMENTS = "DELETE FROM order_documents WHERE order_id IN (SELECT value FROM json_each(?))"

EMPTY_PAYLOADS_OF = """
UPDATE quarantine_payloads SET payload = x'' WHERE length(payload) > 0 AND quarantine_id IN (
  SELECT quarantine.id FROM json_each(?) AS wanted CROSS JOIN order_keys ON order_keys.id = wanted.value
  CROSS JOIN quarantine ON quarantine.channel_id = order_keys.channel_id
    AND quarantine.reference = order_keys.reference)
"""

EMPTY_PAYLOADS_BEFORE = """
UPDATE quarantine_payloads SET payload = x''
WHERE length(payload) > 0 AND quarantine_id IN (SELECT id FROM quarantine WHERE at < ?)
"""

ERASABLE = """
SELECT source, subsource, reference FROM orders INDEXED BY orders_to_erase
CROSS JOIN channels ON channels.id = orders.channel_id LEFT JOIN order_people ON order_people.order_id = orders.id
WHERE orders.channel_id = ? AND erased = 0 AND state IN ('processed', 'cancelled', 'deleted')
AND (buyer IS NOT NULL OR shipping_address IS NOT NULL
  OR EXISTS (SELECT 1 FROM order_documents WHERE order_id = orders.id))
AND CASE state
  WHEN 'processed'
    THEN coalesce((SELECT max(parcels.at) FROM parcels WHERE order_id = orders.id), saved_at, updated_at)
  ELSE coalesce(json_extract(ended, '$.at'), updated_at) END < ?
AND NOT (state = 'processed' AND EXISTS (
  SELECT 1 FROM parcels CROSS JOIN notes ON notes.id = parcels.id
  WHERE parcels.order_id = orders.id AND notes.status IN ('waiting', 'queued', 'claimed')))
ORDER BY reference LIMIT ?
"""


class ErasureVerbs(FencedPart, OrderStore):
    """Removing buyers, addresses and documents, and what waits in quarantine."""

    async def erase(self, keys: Collection[OrderKey], *, at: datetime) -> None:
        """Remove buyer, address and documents of these orders for good, stored or not, and those in quarantine.

        The whole file is written anew, which takes about a second for each 100 MB, as much free room again, and lets
        nobody else write meanwhile: erase many orders at once rather than one after the other.
        ``StorageUnavailableError`` while another process reads an older copy: the orders are erased by then, and a
        repetition clears the files.
        """

        def work(db: Connection) -> None:
            numbers = own_key_numbers(db, keys).values()
            asked = codec.to_json(list(numbers))
            before = {number for number, _ in db.execute(FIND_ERASED, (asked,))}
            new = [number for number in numbers if number not in before]
            db.executemany(ADD_ERASED, ((number, codec.micros(at)) for number in new))
            db.execute(MARK_ORDERS, (codec.to_json(new),))
            removals = (DROP_PEOPLE, DROP_DOCUMENTS, EMPTY_PAYLOADS_OF)
            if sum(db.execute(statement, (asked,)).rowcount for statement in removals):
                mark_wiped(db)

        await self._database.wipe(work)

    async def erased(self, keys: Collection[OrderKey]) -> Mapping[OrderKey, datetime]:
        """Return which of these orders are erased, and since when."""

        def work(db: Connection) -> Mapping[OrderKey, datetime]:
            numbers = key_numbers(db, keys)
            found = dict(db.execute(FIND_ERASED, (codec.to_json(list(numbers.values())),)).fetchall())
            return {key: codec.moment_of(found[number]) for key, number in numbers.items() if number in found}

        return await self._read(work)

    async def erasable(self, *, before: datetime, limit: int) -> Sequence[OrderKey]:
        """Return, by key, orders with personal data that ended before *before*."""

        def work(db: Connection) -> Sequence[OrderKey]:
            found: list[OrderKey] = []
            for number, _ in channels_from(db, None, None):
                rows = db.execute(ERASABLE, (number, codec.micros(before), limit - len(found)))
                found += (OrderKey(ChannelId(source, subsource), own) for source, subsource, own in rows)
            return found

        return await self._read(work)

    async def empty_quarantine(self, *, before: datetime) -> int:
        """Drop the payloads of documents quarantined before *before*, and return how many; their reasons stay."""

        def work(db: Connection) -> int:
            emptied = db.execute(EMPTY_PAYLOADS_BEFORE, (codec.micros(before),)).rowcount
            if emptied:
                mark_wiped(db)
            return emptied

        return await self._database.wipe(work)
