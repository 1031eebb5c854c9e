"""Orders to look at again: the watch list, and what a sweep did not show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from ...model.ids import ChannelId, Fence, OrderKey
from ...model.orders import Order
from ...model.pages import Watch, WatchChange
from ...ports import OrderStore
from .. import codec
from .connection import Connection
from .keys import channel_number, key_numbers, own_key_numbers
from .order_tables import load_orders
from .parts import FencedPart

WATCH = """
INSERT INTO watches (order_id, channel_id, since, look_at)
SELECT id, channel_id, ?, ? FROM order_keys WHERE id = ?
ON CONFLICT (order_id) DO NOTHING
"""

WATCH_ON = "UPDATE watches SET since = ?, look_at = ? WHERE order_id = ? AND since = ? AND look_at = ?"

HINT = """
INSERT INTO watches (order_id, channel_id, since, look_at)
SELECT id, channel_id, ?, ? FROM order_keys WHERE id = ?
ON CONFLICT (order_id) DO UPDATE SET look_at = min(look_at, excluded.look_at)
"""

UNWATCH = "DELETE FROM watches WHERE order_id = ? AND since = ? AND look_at = ?"

WATCH_OF = "SELECT since, look_at FROM watches WHERE order_id = ?"

WATCHED = """
SELECT reference, since, look_at FROM watches CROSS JOIN order_keys ON order_keys.id = order_id
WHERE watches.channel_id = ? AND look_at <= ? ORDER BY look_at, reference LIMIT ?
"""

EXPECTED = """
FROM orders INDEXED BY orders_live
CROSS JOIN decisions ON decisions.order_id = orders.id CROSS JOIN last_seen ON last_seen.order_id = orders.id
WHERE orders.channel_id = ? AND orders.state IN ('new', 'open') AND first_seen_at < ?
AND fulfillment NOT IN ('shipped', 'cancelled') AND reviewed IS NOT 'VANISHED'
AND (conflict IS NULL OR json_extract(conflict, '$.code') <> 'VANISHED')
"""
"""What a complete sweep should show: written in SQL what ``is_expected`` says."""

MISSING = f"""
SELECT orders.id {EXPECTED} AND last_seen.at < ? AND orders.reference > ? ORDER BY orders.reference LIMIT ?
"""

MISSING_COUNTS = f"SELECT count(*), coalesce(sum(last_seen.at < ?), 0) {EXPECTED}"


def watch_of(key: OrderKey, since: int, look_at: int) -> Watch:
    """Build a watch of what its row holds."""
    return Watch(key=key, since=codec.moment_of(since), look_at=codec.moment_of(look_at))


def write_watches(db: Connection, changes: Mapping[int, WatchChange]) -> None:
    """Put orders on the watch list, and others off it, by number, where their place on it is still as it was read."""
    rows: dict[str, list[tuple[int, ...]]] = {WATCH: [], WATCH_ON: [], UNWATCH: []}
    for number, change in changes.items():
        before, after = _times(change.before), _times(change.after)
        if not before:
            if after:
                rows[WATCH].append((*after, number))
        elif after:
            rows[WATCH_ON].append((*after, number, *before))
        else:
            rows[UNWATCH].append((number, *before))
    for statement, values in rows.items():
        db.executemany(statement, values)


def _times(watch: Watch | None) -> tuple[int, ...]:
    return () if watch is None else (codec.micros(watch.since), codec.micros(watch.look_at))


class WatchVerbs(FencedPart, OrderStore):
    """Which orders are to be looked up."""

    async def hint(self, key: OrderKey, *, at: datetime) -> None:
        """Put an order on the watch list; a look at it is due at *at*, or sooner if it was already."""

        def work(db: Connection) -> None:
            moment = codec.micros(at)
            db.execute(HINT, (moment, moment, own_key_numbers(db, [key])[key]))

        await self._write(work)

    async def watch(self, key: OrderKey) -> Watch | None:
        """Return an order's place on the watch list, seen before or not; None when it is not on it."""

        def work(db: Connection) -> Watch | None:
            found = db.execute(WATCH_OF, (key_numbers(db, [key]).get(key),)).fetchone()
            return None if found is None else watch_of(key, *found)

        return await self._read(work)

    async def watched(
        self, channel: ChannelId, *, at: datetime, limit: int, fence: Fence | None = None
    ) -> Sequence[Watch]:
        """Return the watches whose ``look_at`` has come, the longest overdue first."""

        def work(db: Connection) -> Sequence[Watch]:
            rows = db.execute(WATCHED, (channel_number(db, channel), codec.micros(at), limit))
            return [watch_of(OrderKey(channel, reference), since, look_at) for reference, since, look_at in rows]

        return await self._read(work, fence)

    async def missing(
        self,
        channel: ChannelId,
        *,
        before: datetime,
        limit: int,
        after: OrderKey | None = None,
        fence: Fence | None = None,
    ) -> Sequence[Order]:
        """Return the orders that a sweep should have shown, last seen before *before*, by key."""
        moment, start = codec.micros(before), "" if after is None else after.reference

        def work(db: Connection) -> Sequence[Order]:
            rows = db.execute(MISSING, (channel_number(db, channel), moment, moment, start, limit))
            found = load_orders(db, [number for (number,) in rows])
            return sorted(found.values(), key=lambda order: order.key)

        return await self._read(work, fence)

    async def missing_counts(
        self, channel: ChannelId, *, before: datetime, fence: Fence | None = None
    ) -> tuple[int, int]:
        """Count the orders that a sweep should have shown, first seen before *before*, and those not seen since."""
        moment = codec.micros(before)

        def work(db: Connection) -> tuple[int, int]:
            expected, missing = db.execute(MISSING_COUNTS, (moment, channel_number(db, channel), moment)).fetchone()
            return expected, missing

        return await self._read(work, fence)
