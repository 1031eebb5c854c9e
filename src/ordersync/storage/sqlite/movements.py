"""Movements of goods on SQLite: appended, never changed, and the levels follow in the same transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from ...model.orders import StockByPlace
from ...model.stock import Adjustment, Movement, Stocktake, Transfer
from ...ports import OwnStockLedger
from .. import codec
from .connection import Connection, Database

Place = tuple[str, str]

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


class MovementVerbs(OwnStockLedger):
    """What people tell of the goods on the shelves, and how on-hand came about."""

    _database: Database

    async def set_on_hand(
        self, sku: str, *, location: str, quantity: int, movement_id: str, at: datetime | None = None
    ) -> None:
        """Record a stocktake once per *movement_id*."""
        counted = Stocktake(sku=sku, location=location, quantity=quantity, movement_id=movement_id, at=at)

        def work(db: Connection) -> None:
            movement = _name_movement(db, counted.movement_id, counted.at)
            if movement is not None:
                place = (sku, location)
                _write(db, movement, {place: counted.quantity}, _on_hand(db, [place]))

        await self._database.write(work)

    async def adjust(
        self, sku: str, *, location: str, quantity: int, movement_id: str, at: datetime | None = None
    ) -> None:
        """Change on-hand once per *movement_id*."""
        asked = Adjustment(sku=sku, location=location, quantity=quantity, movement_id=movement_id, at=at)
        await self._database.write(lambda db: move(db, asked.movement_id, asked.moved, at=asked.at))

    async def transfer(
        self, sku: str, *, source: str, destination: str, quantity: int, movement_id: str, at: datetime | None = None
    ) -> None:
        """Move pieces to another location once per *movement_id*."""
        asked = Transfer(
            sku=sku, source=source, destination=destination, quantity=quantity, movement_id=movement_id, at=at
        )
        await self._database.write(lambda db: move(db, asked.movement_id, asked.moved, at=asked.at))

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


def move(db: Connection, name: str, quantities: StockByPlace, *, at: datetime | None) -> None:
    """Change on-hand by these quantities, unless a movement of this name has happened."""
    movement = _name_movement(db, name, at)
    if movement is not None:
        on_hand = _on_hand(db, quantities)
        after = {place: on_hand[place][0] + quantity for place, quantity in quantities.items()}
        _write(db, movement, after, on_hand)


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


def _write(
    db: Connection, movement: int, after: Mapping[Place, int], before: Mapping[Place, tuple[int, int | None]]
) -> None:
    (last,) = db.execute("SELECT coalesce(max(id), 0) FROM movement_lines").fetchone()
    lines: list[tuple[object, ...]] = []
    for line, ((sku, location), on_hand) in enumerate(sorted(after.items()), start=last + 1):
        was, previous = before[sku, location]
        lines.append((line, movement, sku, location, on_hand - was, on_hand, previous))
    db.executemany(ADD_MOVEMENT_LINE, lines)
    db.executemany(MOVE, ((sku, location, on_hand, line) for line, _, sku, location, _, on_hand, _ in lines))
    change(db, {place[0] for place, on_hand in after.items() if on_hand != before[place][0]})


def change(db: Connection, skus: Iterable[str]) -> None:
    """Raise the versions of SKUs whose levels changed."""
    db.executemany(CHANGE, ((sku,) for sku in sorted(skus)))
