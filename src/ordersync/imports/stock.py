"""Opening stock from CSV text: what lies where when the books are opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import quote

import attrs

from ..errors import ConfigurationError
from ..model.fields import count, text
from ..model.stock import MOST_STOCKED, Stocktake
from ..ports import Storage, SupportsMovements
from .cells import BadRow, Row, by_line, read_rows, table

Place = tuple[str, str]


@attrs.frozen(kw_only=True)
class StockRow:
    """What lies of one SKU at one location, in whole units."""

    line: int
    sku: str = text()
    location: str = text()
    quantity: int = count(most=MOST_STOCKED)

    @property
    def place(self) -> Place:
        """Return what is counted, and where."""
        return self.sku, self.location

    @property
    def movement_id(self) -> str:
        """Return the id of the movement; a second import has the same one, and so moves nothing."""
        return f"opening/{quote(self.sku, safe=' ')}/{quote(self.location, safe=' ')}"


@attrs.frozen(kw_only=True)
class StockApplied:
    """What became of opening stock: ``new`` changed on-hand, ``same`` did not."""

    new: tuple[StockRow, ...] = ()
    same: tuple[StockRow, ...] = ()

    def __str__(self) -> str:
        """Return the counts."""
        return f"opening stock: {len(self.new)} new, {len(self.same)} as before"


@attrs.frozen(kw_only=True)
class StockImport:
    """A preview of opening stock: ``rows`` are good, the lines of ``bad`` are left out."""

    rows: tuple[StockRow, ...]
    bad: tuple[BadRow, ...] = ()

    def __str__(self) -> str:
        """Return a short table of what would be set and of what is wrong."""
        return table("levels to set", [(row.sku, row.location, str(row.quantity)) for row in self.rows], self.bad)

    async def apply(self, storage: Storage, *, at: datetime | None = None) -> StockApplied:
        """Set on-hand by the good rows, each by a movement that happens once for good; say which were new.

        Raises ``ConfigurationError`` when the stock is kept by a ledger that takes no movements.
        """
        ledger = storage.stock
        if not isinstance(ledger, SupportsMovements):
            raise ConfigurationError(
                f"{type(ledger).__name__} takes no movements from ordersync; enter opening stock where it keeps its own"
            )
        before = await _on_hand(storage, self.rows)
        for row in self.rows:
            await ledger.set_on_hand(
                row.sku, location=row.location, quantity=row.quantity, movement_id=row.movement_id, at=at
            )
        after = await _on_hand(storage, self.rows)
        moved = {place for place, on_hand in after.items() if before.get(place) != on_hand}
        new = [row for row in self.rows if row.place in moved and after[row.place] == row.quantity]
        same = [row for row in self.rows if row not in new]
        return StockApplied(new=tuple(new), same=tuple(same))


def read_opening_stock(text: str) -> StockImport:
    """Read what lies where when the books are opened: ``sku``, ``location``, ``quantity``.

    Rows that say the same of one SKU and location count as one; those that contradict each other are all left out.
    """
    rows, bad = read_rows(text, required=("sku", "location", "quantity"))
    found: dict[Place, list[StockRow]] = {}
    for row in rows:
        problems = list(row.problems)
        one = row.make(problems, lambda row=row: _stock_row(row))  # type: ignore[misc]
        if one is not None and not problems:
            found.setdefault(one.place, []).append(one)
        bad += problems
    for alike in found.values():
        bad += _doubles(alike)
    good = [first for first, *others in found.values() if all(one.quantity == first.quantity for one in others)]
    return StockImport(rows=tuple(good), bad=by_line(bad))


def _stock_row(row: Row) -> StockRow:
    found = StockRow(line=row.line, sku=row["sku"], location=row["location"], quantity=row.whole("quantity"))
    Stocktake(sku=found.sku, location=found.location, quantity=found.quantity, movement_id=found.movement_id)
    return found


def _doubles(alike: Sequence[StockRow]) -> list[BadRow]:
    """Return what is wrong with several rows of one SKU and location."""
    first, *others = alike
    if all(one.quantity == first.quantity for one in others):
        return [BadRow(line=one.line, column="sku", problem=f"says the same as line {first.line}") for one in others]
    lines = ", ".join(str(one.line) for one in alike)
    problem = f"lines {lines} contradict each other about this SKU and location"
    return [BadRow(line=one.line, column="quantity", problem=problem) for one in alike]


async def _on_hand(storage: Storage, rows: Sequence[StockRow]) -> Mapping[Place, int]:
    levels = await storage.stock.levels(sorted({row.sku for row in rows}))
    return {(level.sku, level.location): level.on_hand for level in levels}
