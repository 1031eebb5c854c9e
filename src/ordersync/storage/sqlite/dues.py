"""What orders make due: reservations, doubts about listings, lines still to be linked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ...model.ids import ChannelId, Fence, OrderKey
from ...model.orders import Order, OrderChange
from ...model.stock import Due, Sale
from ...ports import OrderStore
from .. import codec
from ..order_rows import DUE_COLUMNS, due_of
from .connection import Connection
from .keys import channel_number, key_numbers
from .order_tables import change_orders, load_orders, standings
from .parts import FencedPart

DUE = f"""
SELECT reference, {", ".join(DUE_COLUMNS)} FROM orders
WHERE channel_id = ? AND stock_revision <> reserved_revision AND reference > ?
AND NOT EXISTS (SELECT 1 FROM notes WHERE order_id = orders.id AND notes.status = 'waiting')
ORDER BY reference LIMIT ?
"""  # noqa: S608 - constants

DUE_ONE = DUE.replace("reference > ?", "reference = ?")

RECORD = """
UPDATE orders SET revision = revision + 1, reserved_revision = stock_revision,
  state = CASE state WHEN 'new' THEN 'open' ELSE state END
WHERE id = ? AND stock_revision = ? AND stock_revision >= ? AND reserved_revision <> stock_revision
"""

OVERTAKE = "UPDATE orders SET revision = revision + 1, stock_revision = ? WHERE id = ? AND stock_revision < ?"

REWANT = "UPDATE orders SET revision = revision + 1, stock_revision = stock_revision + 1"

REWANT_ONE = f"{REWANT} WHERE id = ?"

DOUBTS = """
SELECT reference, doubts.revision, doubts.channel_revision, taken_at, sold
FROM doubts JOIN order_keys ON order_keys.id = order_id
WHERE doubts.channel_id = ? AND told <> revision ORDER BY order_id LIMIT ?
"""

TELL = "UPDATE doubts SET told = revision WHERE order_id = ? AND revision = ?"

UNLINKED = """
SELECT id FROM orders WHERE unlinked = 1 AND state IN ('new', 'open') AND channel_id = ? AND links_revision < ?
ORDER BY links_revision, reference LIMIT ?
"""


class DueVerbs(FencedPart, OrderStore):
    """What runs ask for, and how they note that it is done."""

    async def due(
        self,
        channel: ChannelId,
        *,
        limit: int,
        key: OrderKey | None = None,
        after: OrderKey | None = None,
        fence: Fence | None = None,
    ) -> Sequence[Due]:
        """Return orders whose stock revision is not known to be held, in order of their keys."""

        def work(db: Connection) -> Sequence[Due]:
            sql, reference = DUE, "" if after is None else after.reference
            if key is not None:
                sql, reference = DUE_ONE, key.reference
            rows = db.execute(sql, (channel_number(db, channel), reference, limit))
            return [due_of(OrderKey(channel, reference), row) for reference, *row in rows]

        return await self._read(work, fence)

    async def reserved(
        self,
        revisions: Mapping[OrderKey, int],
        *,
        held: Mapping[OrderKey, int] | None = None,
        fence: Fence | None = None,
    ) -> None:
        """Note that the ledger holds each order's stock revision; conditional for each."""

        def work(db: Connection) -> None:
            answers = revisions if held is None else {**revisions, **held}
            numbers = key_numbers(db, revisions)
            db.executemany(RECORD, ((numbers[key], revisions[key], answers[key]) for key in numbers))
            db.executemany(OVERTAKE, ((answers[key] + 1, numbers[key], answers[key]) for key in numbers))

        await self._write(work, fence)

    async def rewant(self, keys: Collection[OrderKey]) -> None:
        """Make these orders due again under a new stock revision; keys that are not stored are left out."""

        def work(db: Connection) -> None:
            db.executemany(REWANT_ONE, ((number,) for number in key_numbers(db, keys).values()))

        await self._write(work)

    async def rewant_all(self) -> None:
        """Make every order due again, after the ledger was replaced."""

        def work(db: Connection) -> None:
            db.execute(REWANT)

        await self._write(work)

    async def doubts(self, channel: ChannelId, *, limit: int, fence: Fence | None = None) -> Sequence[Sale]:
        """Return sales of never stored orders whose listings are still to be doubted."""

        def work(db: Connection) -> Sequence[Sale]:
            rows = db.execute(DOUBTS, (channel_number(db, channel), limit))
            return [
                Sale(
                    order_key=OrderKey(channel, reference),
                    revision=revision,
                    channel_revision=channel_revision,
                    taken_at=codec.moment_of(taken_at),
                    sold=codec.quantities_of(sold),
                )
                for reference, revision, channel_revision, taken_at, sold in rows
            ]

        return await self._read(work, fence)

    async def doubted(self, sales: Collection[Sale], *, fence: Fence | None = None) -> None:
        """Note that these were told to the listing book; a newer doubt of the same order stays."""

        def work(db: Connection) -> None:
            numbers = key_numbers(db, [sale.order_key for sale in sales])
            told = [sale for sale in sales if sale.order_key in numbers]
            db.executemany(TELL, ((numbers[sale.order_key], sale.revision) for sale in told))

        await self._write(work, fence)

    async def unlinked(
        self, channel: ChannelId, *, before: int, limit: int, fence: Fence | None = None
    ) -> Sequence[Order]:
        """Return live orders with unlinked lines that were resolved under a links revision below *before*."""

        def work(db: Connection) -> Sequence[Order]:
            rows = db.execute(UNLINKED, (channel_number(db, channel), before, limit))
            return list(load_orders(db, [number for (number,) in rows]).values())

        return await self._read(work, fence)

    async def replace(
        self, order: Order, *, expect: int, change: OrderChange | None = None, fence: Fence | None = None
    ) -> bool:
        """Write *order* over the stored one if that still has revision *expect*."""

        def work(db: Connection) -> bool:
            number = key_numbers(db, [order.key]).get(order.key, 0)
            before = standings(db, [number])
            if number not in before or before[number].revision != expect:
                return False
            change_orders(db, {number: order}, before, {number: change})
            return True

        return await self._write(work, fence)
