"""What was decided about orders: now, before, and what may be forgotten of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from ...model.ids import ChannelId, Fence, OrderKey
from ...model.orders import Decision, search_name
from ...ports import OrderStore
from .. import codec
from ..order_rows import DECISION_COLUMNS, Row, decision_of, decision_row
from ..seen import names_seen
from .connection import Connection
from .keys import channel_number, key_numbers
from .parts import FencedPart

_COLUMNS = ", ".join(DECISION_COLUMNS)
_VALUES = ", ".join("?" * len(DECISION_COLUMNS))
_EXCLUDED = ", ".join(f"excluded.{name}" for name in DECISION_COLUMNS)

KEEP_EARLIER = f"""
INSERT INTO decision_history (order_id, channel_id, decided_at, last_seen_at, {_COLUMNS})
SELECT decisions.order_id, channel_id, decided_at, at, {_COLUMNS}
FROM decisions JOIN last_seen ON last_seen.order_id = decisions.order_id
WHERE decisions.order_id = ? AND ({_COLUMNS}) IS NOT ({_VALUES})
"""  # noqa: S608 - constants

DECIDE = f"""
INSERT INTO decisions (order_id, channel_id, first_seen_at, decided_at, {_COLUMNS})
VALUES (?, (SELECT channel_id FROM order_keys WHERE id = ?), ?, ?, {_VALUES})
ON CONFLICT (order_id) DO UPDATE SET (decided_at, {_COLUMNS}) = (excluded.decided_at, {_EXCLUDED})
WHERE ({", ".join(f"decisions.{name}" for name in DECISION_COLUMNS)}) IS NOT ({_EXCLUDED})
"""  # noqa: S608 - constants

SEE = "INSERT INTO last_seen (order_id, at) VALUES (?, ?) ON CONFLICT (order_id) DO UPDATE SET at = excluded.at"

SEE_AGAIN = "UPDATE last_seen SET at = ? WHERE order_id IN (SELECT value FROM json_each(?))"

NAME = "INSERT OR IGNORE INTO sighted_names (name, order_id) VALUES (?, ?)"

_SIGHTED = "first_seen_at, decided_at, at"

DECISION = f"""
SELECT {_SIGHTED}, {_COLUMNS}
FROM decisions JOIN last_seen ON last_seen.order_id = decisions.order_id WHERE decisions.order_id = ?
"""  # noqa: S608 - constants

DECISIONS = f"""
SELECT reference, {_SIGHTED}, {_COLUMNS}
FROM order_keys CROSS JOIN last_seen ON last_seen.order_id = order_keys.id
CROSS JOIN decisions ON decisions.order_id = order_keys.id
WHERE order_keys.channel_id = ? AND (? IS NULL OR admitted = ?) ORDER BY at DESC, reference LIMIT ?
"""  # noqa: S608 - constants

DECISIONS_BY_KEY = f"""
SELECT reference, {_SIGHTED}, {_COLUMNS}
FROM order_keys CROSS JOIN decisions ON decisions.order_id = order_keys.id
CROSS JOIN last_seen ON last_seen.order_id = order_keys.id
WHERE order_keys.channel_id = ? AND reference > ? AND (? IS NULL OR admitted = ?) ORDER BY reference LIMIT ?
"""  # noqa: S608 - constants

EARLIER = f"""
SELECT decided_at, last_seen_at, {_COLUMNS} FROM decision_history WHERE order_id = ? ORDER BY id
"""  # noqa: S608 - constants

NAMED = """
SELECT order_id, 1 FROM order_names WHERE name = ?
UNION ALL SELECT order_id, 0 FROM sighted_names WHERE name = ? AND order_id NOT IN (SELECT id FROM orders)
"""
"""Which orders a name may mean, and whether it is that of a stored one."""

DECIDED = f"""
SELECT order_keys.id, source, subsource, reference, {_SIGHTED}, {_COLUMNS}
FROM json_each(?) AS named CROSS JOIN decisions ON decisions.order_id = named.value
CROSS JOIN last_seen ON last_seen.order_id = decisions.order_id
CROSS JOIN order_keys ON order_keys.id = decisions.order_id
CROSS JOIN channels ON channels.id = order_keys.channel_id
"""  # noqa: S608 - constants

FORGET_EARLIER = """
DELETE FROM decision_history WHERE id IN (
  SELECT id FROM decision_history WHERE channel_id = ? AND last_seen_at < ? ORDER BY last_seen_at LIMIT ?)
"""

GONE = f"""
SELECT decisions.order_id, order_keys.reference, {_SIGHTED}, {_COLUMNS}
FROM decisions INDEXED BY decisions_refused
CROSS JOIN last_seen ON last_seen.order_id = decisions.order_id
CROSS JOIN order_keys ON order_keys.id = decisions.order_id
WHERE decisions.channel_id = ? AND admitted = 0 AND final = ? AND decided_at < ? AND at < ?
AND decisions.order_id NOT IN (SELECT id FROM orders)
AND NOT EXISTS (SELECT 1 FROM quarantine
  WHERE quarantine.channel_id = decisions.channel_id AND quarantine.reference = order_keys.reference)
ORDER BY decided_at LIMIT ?
"""  # noqa: S608 - constants

SWEPT_AT = "SELECT swept_at FROM progress WHERE channel_id = ? AND swept_at IS NOT NULL AND blind = 0"

UNNAME = "DELETE FROM sighted_names WHERE name = ? AND order_id = ?"

FORGET_SIGHTING = "DELETE FROM last_seen WHERE order_id = ?"

FORGET = "DELETE FROM decisions WHERE order_id = ?"


def decide(
    db: Connection,
    decisions: Collection[Decision],
    numbers: Mapping[OrderKey, int],
    *,
    known: Collection[OrderKey],
    at: int,
) -> None:
    """Write a page's decisions; *known* are the keys that may have one already, which becomes an earlier one."""
    rows = {numbers[one.key]: decision_row(one) for one in decisions}
    before = [numbers[one.key] for one in decisions if one.key in known]
    db.executemany(KEEP_EARLIER, ((number, *rows[number]) for number in dict.fromkeys(before)))
    db.executemany(DECIDE, ((number, number, at, at, *row) for number, row in rows.items()))
    db.executemany(SEE, ((number, at) for number in rows))
    refused = [one for one in decisions if not one.admitted]
    db.executemany(NAME, ((name, numbers[one.key]) for one in refused for name in names_seen(one)))


def see_again(db: Connection, numbers: Collection[int], *, at: int) -> None:
    """Note a sighting that decided nothing new."""
    if numbers:
        db.execute(SEE_AGAIN, (at, codec.to_json(list(numbers))))


class DecisionVerbs(FencedPart, OrderStore):
    """What was decided about an order, and when."""

    async def decision(self, key: OrderKey) -> Decision | None:
        """Return what was decided about an order seen on its channel; None when it never was."""
        return await self._read(lambda db: _decision(db, key))

    async def decisions(
        self, channel: ChannelId, *, admitted: bool | None = None, limit: int = 1000
    ) -> Sequence[Decision]:
        """Return a channel's decisions, newest sighting first."""

        def work(db: Connection) -> Sequence[Decision]:
            rows = db.execute(DECISIONS, (channel_number(db, channel), admitted, admitted, limit))
            return [_built(OrderKey(channel, reference), row) for reference, *row in rows]

        return await self._read(work)

    async def decisions_by_key(
        self, channel: ChannelId, *, admitted: bool | None = None, limit: int, after: OrderKey | None = None
    ) -> Sequence[Decision]:
        """Return a channel's decisions in order of their keys, from behind *after*."""
        start = "" if after is None else after.reference

        def work(db: Connection) -> Sequence[Decision]:
            rows = db.execute(DECISIONS_BY_KEY, (channel_number(db, channel), start, admitted, admitted, limit))
            return [_built(OrderKey(channel, reference), row) for reference, *row in rows]

        return await self._read(work)

    async def decided(self, reference: str, *, channel: ChannelId | None = None) -> Sequence[Decision]:
        """Return, by key, what was decided about orders that ``find`` would find by this, stored or not."""
        wanted = search_name(reference)

        def work(db: Connection) -> Sequence[Decision]:
            named = dict(db.execute(NAMED, (wanted, wanted)).fetchall())
            found = []
            for number, source, subsource, own, *row in db.execute(DECIDED, (codec.to_json(list(named)),)):
                decision = _built(OrderKey(ChannelId(source, subsource), own), row)
                is_named = named[number] or wanted in names_seen(decision)
                if is_named and channel in (None, decision.key.channel):
                    found.append(decision)
            return sorted(found, key=lambda decision: decision.key)

        return await self._read(work)

    async def decision_history(self, key: OrderKey) -> Sequence[Decision]:
        """Return all that was decided about an order, oldest first; what counts now comes last."""

        def work(db: Connection) -> Sequence[Decision]:
            now = _decision(db, key)
            if now is None:
                return []
            first = None if now.first_seen_at is None else codec.micros(now.first_seen_at)
            rows = db.execute(EARLIER, (key_numbers(db, [key]).get(key),))
            return [*(_built(key, (first, *row)) for row in rows), now]

        return await self._read(work)

    async def forget(self, channel: ChannelId, *, before: datetime, limit: int, fence: Fence) -> int:
        """Drop old decisions, at most *limit*: first those that count no more, then those of orders that are gone."""
        moment = codec.micros(before)

        def work(db: Connection) -> int:
            number = channel_number(db, channel)
            dropped = db.execute(FORGET_EARLIER, (number, moment, limit)).rowcount
            unshown = [(0, min(moment, swept_at)) for (swept_at,) in db.execute(SWEPT_AT, (number,))]
            for final, until in [(1, moment), *unshown]:
                gone = db.execute(GONE, (number, final, until, until, limit - dropped)).fetchall()
                _drop(db, {row[0]: _built(OrderKey(channel, row[1]), row[2:]) for row in gone})
                dropped += len(gone)
            return dropped

        return await self._write(work, fence)


def _decision(db: Connection, key: OrderKey) -> Decision | None:
    row = db.execute(DECISION, (key_numbers(db, [key]).get(key),)).fetchone()
    return None if row is None else _built(key, row)


def _built(key: OrderKey, row: Row) -> Decision:
    return decision_of(key, row[:3], row[3:])


def _drop(db: Connection, decisions: Mapping[int, Decision]) -> None:
    names = ((name, number) for number, decision in decisions.items() for name in names_seen(decision))
    db.executemany(UNNAME, names)
    db.executemany(FORGET_SIGHTING, ((number,) for number in decisions))
    db.executemany(FORGET, ((number,) for number in decisions))
