"""The stock ledger on SQLite: what orders hold and the levels that follow, and all its verbs together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from ...model.ids import OrderKey
from ...model.stock import Claim, Deduction, StockLevel
from .. import codec
from .books import BookVerbs
from .connection import Connection, Database
from .keys import own_key_numbers
from .movements import MovementVerbs, Place, change, move

HELD = """
SELECT order_id, revision, holds.wanted
FROM json_each(?) AS wanted_id CROSS JOIN holds ON order_id = wanted_id.value
"""

HOLD = """
INSERT INTO holds (order_id, revision, wanted, at) VALUES (?, ?, ?, ?)
ON CONFLICT (order_id) DO UPDATE SET revision = excluded.revision, wanted = excluded.wanted, at = excluded.at
"""

RESERVE = """
INSERT INTO levels (sku, location, reserved) VALUES (?, ?, ?)
ON CONFLICT (sku, location) DO UPDATE SET reserved = reserved + excluded.reserved
"""

LEVELS = """
SELECT levels.sku, location, on_hand, reserved
FROM json_each(?) AS wanted CROSS JOIN levels ON levels.sku = wanted.value
ORDER BY levels.sku, location
"""

CHANGED = "SELECT sku, version FROM sku_versions WHERE version > acknowledged ORDER BY sku LIMIT ?"

ACKNOWLEDGE = """
UPDATE sku_versions SET acknowledged = min(version, ?) WHERE sku = ? AND acknowledged < min(version, ?)
"""


class SQLiteStockLedger(MovementVerbs, BookVerbs):
    """Movements with ids, what each order holds, and the levels that follow from them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reserve(self, claims: Sequence[Claim], *, at: datetime) -> Mapping[OrderKey, int]:
        """Make each order hold exactly what its claim wants; return the revision held for each."""
        return await self._database.write(lambda db: _hold(db, claims, at=at))

    async def deduct(self, deduction: Deduction, *, at: datetime) -> None:
        """Take goods off on-hand if the id is new; replace what the order holds if the claim's revision is above."""

        def work(db: Connection) -> None:
            taken = {place: -quantity for place, quantity in deduction.taken.items()}
            move(db, deduction.id, taken, at=at)
            _hold(db, [deduction.claim], at=at)

        await self._database.write(work)

    async def levels(self, skus: Sequence[str]) -> Sequence[StockLevel]:
        """Return the levels of these SKUs at every location that knows them, by SKU and location."""

        def work(db: Connection) -> Sequence[StockLevel]:
            rows = db.execute(LEVELS, (codec.to_json(list(dict.fromkeys(skus))),))
            return [
                StockLevel(sku=sku, location=location, on_hand=on_hand, reserved=reserved)
                for sku, location, on_hand, reserved in rows
            ]

        return await self._database.read(work)

    async def changed(self, *, limit: int) -> Mapping[str, int]:
        """Return SKUs whose levels changed and are not acknowledged, each with its version."""

        def work(db: Connection) -> Mapping[str, int]:
            return dict(db.execute(CHANGED, (limit,)).fetchall())

        return await self._database.read(work)

    async def acknowledge(self, versions: Mapping[str, int]) -> None:
        """Forget these changes; one whose version has grown since stays."""

        def work(db: Connection) -> None:
            db.executemany(ACKNOWLEDGE, ((version, sku, version) for sku, version in versions.items()))

        await self._database.write(work)


Held = tuple[int, Mapping[Place, int]]
"""A revision, and what an order holds under it."""


def _held(db: Connection, numbers: Iterable[int]) -> dict[int, Held]:
    rows = db.execute(HELD, (codec.to_json(list(numbers)),))
    return {number: (revision, codec.quantities_of(wanted)) for number, revision, wanted in rows}


def _hold(db: Connection, claims: Sequence[Claim], *, at: datetime) -> Mapping[OrderKey, int]:
    """Replace what orders hold where the claim is newer; the levels follow, folded by SKU and location."""
    numbers = own_key_numbers(db, [claim.order_key for claim in claims])
    held = _held(db, numbers.values())
    changes: dict[Place, int] = defaultdict(int)
    written: set[int] = set()
    for claim in claims:
        number = numbers[claim.order_key]
        revision, before = held.get(number, (0, {}))
        if claim.revision > revision:
            for place in {*before, *claim.wanted}:
                changes[place] += claim.wanted.get(place, 0) - before.get(place, 0)
            held[number] = (claim.revision, claim.wanted)
            written.add(number)
    moment = codec.micros(at)
    rows = ((number, held[number][0], codec.quantities(held[number][1]), moment) for number in sorted(written))
    db.executemany(HOLD, rows)
    changed = sorted((place, change) for place, change in changes.items() if change)
    db.executemany(RESERVE, ((sku, location, change) for (sku, location), change in changed))
    change(db, {sku for (sku, _), _ in changed})
    return {key: held[number][0] for key, number in numbers.items()}
