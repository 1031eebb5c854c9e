"""The stock ledger on SQLite: movements are appended, levels follow in the same transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from ...model.ids import OrderKey
from ...model.stock import Claim, Deduction, Movement, StockLevel
from ...ports import OwnStockLedger
from .. import codec
from .connection import Connection, Database
from .keys import key_numbers, own_key_numbers

Place = tuple[str, str]

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

NAME_MOVEMENT = "INSERT INTO movements (name, at) VALUES (?, ?) ON CONFLICT (name) DO NOTHING"

ON_HAND = """
SELECT sku, location, on_hand, last FROM json_each(?) AS place
CROSS JOIN levels ON sku = json_extract(place.value, '$[0]') AND location = json_extract(place.value, '$[1]')
"""

ADD_MOVEMENT_LINE = """
INSERT INTO movement_lines (id, movement_id, sku, location, quantity, on_hand_after, previous)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""

MOVE = """
INSERT INTO levels (sku, location, on_hand, last) VALUES (?, ?, ?, ?)
ON CONFLICT (sku, location) DO UPDATE SET on_hand = excluded.on_hand, last = excluded.last
"""

CHANGE = """
INSERT INTO sku_versions (sku, version) VALUES (?, 1) ON CONFLICT (sku) DO UPDATE SET version = version + 1
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

HISTORY = """
WITH RECURSIVE chain (id, previous, movement_id, location, quantity, on_hand_after) AS (
  SELECT line.id, line.previous, line.movement_id, line.location, line.quantity, line.on_hand_after
  FROM levels JOIN movement_lines AS line ON line.id = levels.last
  WHERE levels.sku = ? AND (? IS NULL OR levels.location = ?)
  UNION ALL
  SELECT line.id, line.previous, line.movement_id, line.location, line.quantity, line.on_hand_after
  FROM chain JOIN movement_lines AS line ON line.id = chain.previous
  ORDER BY 1 DESC LIMIT ?
)
SELECT name, location, quantity, on_hand_after, at
FROM chain JOIN movements ON movements.id = movement_id ORDER BY chain.id DESC
"""


class SQLiteStockLedger(OwnStockLedger):
    """Movements with ids, what each order holds, and the levels that follow from them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reserve(self, claims: Sequence[Claim], *, at: datetime) -> Mapping[OrderKey, int]:
        """Make each order hold exactly what its claim wants; return the revision held for each."""
        return await self._database.write(lambda db: _hold(db, claims, at=at))

    async def deduct(self, deduction: Deduction, *, at: datetime) -> None:
        """Take goods off on-hand if the id is new; replace what the order holds if the claim's revision is above."""

        def work(db: Connection) -> None:
            movement = _name_movement(db, deduction.id, at)
            if movement is not None:
                on_hand = _on_hand(db, deduction.taken)
                after = {place: on_hand[place][0] - quantity for place, quantity in deduction.taken.items()}
                _move(db, movement, after, on_hand)
            _hold(db, [deduction.claim], at=at)

        await self._database.write(work)

    async def set_on_hand(
        self, sku: str, *, location: str, quantity: int, movement_id: str, at: datetime | None = None
    ) -> None:
        """Record a stocktake once per *movement_id*."""

        def work(db: Connection) -> None:
            movement = _name_movement(db, movement_id, at)
            if movement is not None:
                place = (sku, location)
                _move(db, movement, {place: quantity}, _on_hand(db, [place]))

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

    async def history(self, sku: str, *, location: str | None = None, limit: int = 100) -> Sequence[Movement]:
        """Return the movements of one SKU, newest first."""

        def work(db: Connection) -> Sequence[Movement]:
            rows = db.execute(HISTORY, (sku, location, location, limit))
            return [
                Movement(
                    id=name,
                    sku=sku,
                    location=place,
                    quantity=quantity,
                    on_hand_after=after,
                    at=codec.maybe_moment_of(at),
                )
                for name, place, quantity, after, at in rows
            ]

        return await self._database.read(work)

    async def held(self, key: OrderKey) -> Claim | None:
        """Return what one order holds and under which revision; None when it never claimed anything."""

        def work(db: Connection) -> Claim | None:
            (held,) = _held(db, key_numbers(db, [key]).values()).values() or (None,)
            return None if held is None else Claim(order_key=key, revision=held[0], wanted=held[1])

        return await self._database.read(work)


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
    _change(db, {sku for (sku, _), _ in changed})
    return {key: held[number][0] for key, number in numbers.items()}


def _name_movement(db: Connection, name: str, at: datetime | None) -> int | None:
    """Return the number of a new movement; None when one of this name has happened."""
    named = db.execute(NAME_MOVEMENT, (name, codec.maybe_micros(at)))
    return named.lastrowid if named.rowcount else None


def _on_hand(db: Connection, places: Iterable[Place]) -> Mapping[Place, tuple[int, int | None]]:
    """Return on-hand at each place, and the last line of its history."""
    found: dict[Place, tuple[int, int | None]] = dict.fromkeys(places, (0, None))
    for sku, location, on_hand, last in db.execute(ON_HAND, (codec.to_json(list(found)),)):
        found[sku, location] = (on_hand, last)
    return found


def _move(
    db: Connection, movement: int, after: Mapping[Place, int], before: Mapping[Place, tuple[int, int | None]]
) -> None:
    (last,) = db.execute("SELECT coalesce(max(id), 0) FROM movement_lines").fetchone()
    lines: list[tuple[object, ...]] = []
    for line, ((sku, location), on_hand) in enumerate(sorted(after.items()), start=last + 1):
        was, previous = before[sku, location]
        lines.append((line, movement, sku, location, on_hand - was, on_hand, previous))
    db.executemany(ADD_MOVEMENT_LINE, lines)
    db.executemany(MOVE, ((sku, location, on_hand, line) for line, _, sku, location, _, on_hand, _ in lines))
    _change(db, {place[0] for place, on_hand in after.items() if on_hand != before[place][0]})


def _change(db: Connection, skus: Iterable[str]) -> None:
    """Raise the versions of SKUs whose levels changed."""
    db.executemany(CHANGE, ((sku,) for sku in sorted(skus)))
