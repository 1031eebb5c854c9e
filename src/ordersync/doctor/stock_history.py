"""How on-hand of one SKU came about: as rows, as CSV and as a picture."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import datetime
from io import StringIO
from urllib.parse import unquote

import attrs

from ..errors import ConfigurationError
from ..model.ids import ChannelId, OrderKey
from ..model.stock import Movement
from ..ports import Storage, SupportsHistory
from .plot import Line, Picture, Point, draw
from .scales import HOUR, said, seconds_of

COLUMNS = ("at", "sku", "location", "quantity", "on_hand_after", "movement_id", "order")

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a cell begins with that a spreadsheet may take for a formula; the last four are their full-width forms."""

PARTS_OF_PARCEL = 5


@attrs.frozen(kw_only=True)
class StockRow:
    """One movement: when, where, by how many pieces, and what was there after it.

    ``at`` is None where the time was not kept. ``order`` is the one whose parcel it was, None for any other movement.
    """

    at: datetime | None
    location: str
    quantity: int
    on_hand_after: int
    movement_id: str
    order: OrderKey | None = None


@attrs.frozen(kw_only=True)
class StockHistory:
    """The movements of one SKU, oldest first, at one location or (None) at all of them.

    ``cut``: there are older ones than were asked for.
    """

    sku: str
    location: str | None
    rows: tuple[StockRow, ...]
    cut: bool = False

    def to_csv(self) -> str:
        """Return a table with a head, its times in UTC; no cell of it is a formula for a spreadsheet."""
        text = StringIO()
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        for row in self.rows:
            moment = "" if row.at is None else row.at.isoformat()
            order = "" if row.order is None else str(row.order)
            texts = [_harmless(cell) for cell in (self.sku, row.location, row.movement_id, order)]
            writer.writerow([moment, *texts[:2], row.quantity, row.on_hand_after, *texts[2:]])
        return text.getvalue()

    def to_svg(self, *, width: int = 860, height: int = 360) -> str:
        """Draw on-hand over time, a step line for each location; *width* and *height* in pixels.

        A movement without a time is placed at that of the one before it, or else behind it. One that is dated before
        an earlier one is placed beside that one: what was there after it follows from the order of writing.
        """
        return draw(self._picture(), width=width, height=height)

    def _picture(self) -> Picture:
        lines: dict[str, list[Point]] = {}
        for row, x in zip(self.rows, _places(self.rows), strict=True):
            before = row.on_hand_after - row.quantity
            point = Point(x=x, before=before, after=row.on_hand_after, label=_label(row))
            lines.setdefault(row.location, []).append(point)
        place = "" if self.location is None else f" at {self.location}"
        older = ", the latest ones" if self.cut else ""
        return Picture(
            title=f"On hand of {self.sku}{place}",
            told=f"On hand of {self.sku}{place}: {self._told()}",
            unit=f"pieces on hand, {_counted(self.rows)}{older}",
            lines=tuple(Line(name=name, points=tuple(points)) for name, points in sorted(lines.items())),
            dated=any(row.at is not None for row in self.rows),
        )

    def _told(self) -> str:
        """Say in words what the picture shows, for whoever cannot see it."""
        if not self.rows:
            return "no movement is known"
        last = {row.location: row.on_hand_after for row in self.rows}
        there = ", ".join(f"{number} at {location}" for location, number in sorted(last.items()))
        times = [row.at for row in self.rows if row.at is not None]
        span = f" from {min(times):%Y-%m-%d %H:%M} to {max(times):%Y-%m-%d %H:%M} UTC" if times else ""
        return f"{_counted(self.rows)}{span}; in the end {there}"


async def stock_history(storage: Storage, sku: str, *, location: str | None = None, limit: int = 1000) -> StockHistory:
    """Return how on-hand of *sku* came about, by its latest *limit* movements.

    ``ConfigurationError`` when the storage's ledger keeps no history.
    """
    ledger = storage.stock
    if not isinstance(ledger, SupportsHistory):
        raise ConfigurationError(
            f"{type(ledger).__name__} keeps no history of stock; give it a method history (SupportsHistory), "
            "or ask the system that keeps the stock"
        )
    if limit < 1:
        raise ValueError(f"limit: expected 1 or more, got {limit}")
    newest = await ledger.history(sku, location=location, limit=limit + 1)
    rows = tuple(_row(movement) for movement in reversed(newest[:limit]))
    return StockHistory(sku=sku, location=location, rows=rows, cut=len(newest) > limit)


def order_of(movement_id: str) -> OrderKey | None:
    """Return whose parcel a movement was, by its id; None for one that is no parcel's."""
    parts = movement_id.split("/")
    if len(parts) != PARTS_OF_PARCEL:
        return None
    source, subsource, reference, _, parcel = (unquote(part) for part in parts)
    try:
        key = OrderKey(ChannelId(source, subsource), reference)
    except ValueError:
        return None
    return key if key.parcel_id(parcel) == movement_id else None


def _row(movement: Movement) -> StockRow:
    return StockRow(
        at=movement.at,
        location=movement.location,
        quantity=movement.quantity,
        on_hand_after=movement.on_hand_after,
        movement_id=movement.id,
        order=order_of(movement.id),
    )


def _places(rows: Sequence[StockRow]) -> Iterator[float]:
    """Return where rows lie in time, none before another that was written first; evenly where no time is kept."""
    known = [seconds_of(row.at) for row in rows if row.at is not None]
    if not known:
        yield from (float(number * HOUR) for number in range(len(rows)))
        return
    latest = known[0]
    for row in rows:
        latest = latest if row.at is None else max(latest, seconds_of(row.at))
        yield latest


def _label(row: StockRow) -> str:
    moment = "at a time that was not kept" if row.at is None else f"{said(seconds_of(row.at))} UTC"
    of_order = "" if row.order is None else f", order {row.order}"
    moved = f"{row.quantity:+d} at {row.location}, {row.on_hand_after} there after it"
    return f"{moment}: {moved} ({row.movement_id}{of_order})"


def _counted(rows: Sequence[StockRow]) -> str:
    return f"{len(rows)} movement" + ("" if len(rows) == 1 else "s")


def _harmless(cell: str) -> str:
    """Return a text that a spreadsheet does not take for a formula; a plain number is none."""
    return f"'{cell}" if cell.startswith(FORMULA) and not _is_number(cell) else cell


def _is_number(cell: str) -> bool:
    sign, digits = cell[:1], cell[1:]
    whole, _, rest = digits.partition(".")
    return sign in ("+", "-") and all(part.isascii() and part.isdigit() for part in (whole, rest or "0"))
