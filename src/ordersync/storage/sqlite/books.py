"""The ledger's books on SQLite: what every order holds, and whether the levels are what they add up to."""

from __future__ import annotations

from collections.abc import Sequence

from ...model.audits import LevelFinding
from ...model.ids import ChannelId, OrderKey
from ...model.stock import Claim, StockLevel
from ...ports import OwnStockLedger
from .. import codec
from .connection import Connection, Database
from .movements import change

CHANNELS = """
SELECT id, source, subsource FROM channels WHERE (source, subsource) >= (?, ?) ORDER BY source, subsource
"""

HOLDS = """
SELECT reference, revision, holds.wanted FROM order_keys CROSS JOIN holds ON order_id = order_keys.id
WHERE channel_id = ? AND reference > ? ORDER BY reference LIMIT ?
"""

HOLD_OF = """
SELECT revision, holds.wanted
FROM channels CROSS JOIN order_keys ON channel_id = channels.id CROSS JOIN holds ON order_id = order_keys.id
WHERE source = ? AND subsource = ? AND reference = ?
"""

RECOUNT = """
SELECT sku, location, sum(on_hand) AS level_on_hand, sum(moved), sum(reserved) AS level_reserved, sum(held), max(line)
FROM (
  SELECT sku, location, on_hand, 0 AS moved, reserved, 0 AS held, NULL AS line FROM levels
  UNION ALL SELECT sku, location, 0, quantity, 0, 0, id FROM movement_lines
  UNION ALL SELECT part.value ->> 0, part.value ->> 1, 0, 0, 0, part.value ->> 2, NULL
  FROM holds CROSS JOIN json_each(holds.wanted) AS part
)
GROUP BY sku, location HAVING level_on_hand <> sum(moved) OR level_reserved <> sum(held) ORDER BY sku, location
"""

SHORTAGES = """
SELECT sku, location, on_hand, reserved FROM levels
WHERE on_hand < 0 OR on_hand < reserved ORDER BY sku, location
"""

MEND = """
INSERT INTO levels (sku, location, on_hand, reserved, last) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (sku, location) DO UPDATE SET on_hand = excluded.on_hand, reserved = excluded.reserved, last = excluded.last
"""


class BookVerbs(OwnStockLedger):
    """What every order holds, and whether the levels are what the books add up to."""

    _database: Database

    async def held(self, key: OrderKey) -> Claim | None:
        """Return what one order holds and under which revision; None when it never claimed anything."""

        def work(db: Connection) -> Claim | None:
            found = db.execute(HOLD_OF, (key.channel.source, key.channel.subsource, key.reference)).fetchone()
            return None if found is None else _claim(key, *found)

        return await self._database.read(work)

    async def holds(self, *, after: OrderKey | None = None, limit: int) -> Sequence[Claim]:
        """Return what orders hold, in order of their keys."""

        def work(db: Connection) -> Sequence[Claim]:
            first = ("", "") if after is None else (after.channel.source, after.channel.subsource)
            claims: list[Claim] = []
            for number, *names in db.execute(CHANNELS, first).fetchall():
                channel = ChannelId(*names)
                reference = after.reference if after is not None and after.channel == channel else ""
                rows = db.execute(HOLDS, (number, reference, limit - len(claims)))
                claims += [_claim(OrderKey(channel, reference), *hold) for reference, *hold in rows]
            return claims

        return await self._database.read(work)

    async def recount(self) -> Sequence[LevelFinding]:
        """Return the levels that are not the sums of their movements and holds; reads the books from end to end."""
        return await self._database.read(lambda db: list(_recount(db)))

    async def shortages(self) -> Sequence[StockLevel]:
        """Return the levels of which on-hand or available is below zero."""

        def work(db: Connection) -> Sequence[StockLevel]:
            rows = db.execute(SHORTAGES)
            return [
                StockLevel(sku=sku, location=location, on_hand=on_hand, reserved=reserved)
                for sku, location, on_hand, reserved in rows
            ]

        return await self._database.read(work)

    async def mend_levels(self, findings: Sequence[LevelFinding]) -> Sequence[LevelFinding]:
        """Set levels right that a recount still finds as they were found."""
        seen = set(findings)

        def work(db: Connection) -> Sequence[LevelFinding]:
            mended = {level: line for level, line in _recount(db).items() if level in seen}
            rows = ((one.sku, one.location, one.moved, one.held, line) for one, line in mended.items())
            db.executemany(MEND, rows)
            change(db, {level.sku for level in mended})
            return list(mended)

        return await self._database.write(work)


def _claim(key: OrderKey, revision: int, wanted: str) -> Claim:
    return Claim(order_key=key, revision=revision, wanted=codec.quantities_of(wanted))


def _recount(db: Connection) -> dict[LevelFinding, int | None]:
    """Return the levels that are not what they should be, each with the last line of its history."""
    return {
        LevelFinding(sku=sku, location=location, on_hand=on_hand, moved=moved, reserved=reserved, held=held): line
        for sku, location, on_hand, moved, reserved, held, line in db.execute(RECOUNT)
    }
