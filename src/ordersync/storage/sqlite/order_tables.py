"""Reading and writing whole orders: their row, lines, names and people, a batch at a time.

Functions here run inside a transaction, on the database's own thread.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

import attrs

from ...model.ids import ChannelId, OrderKey
from ...model.orders import Order, OrderChange, OrderLine, search_name
from .. import codec, order_rows
from ..order_rows import CHANGE_COLUMNS, LINE_COLUMNS, ORDER_COLUMNS
from .connection import Connection

LOAD_ORDERS = f"""
SELECT orders.id, source, subsource, reference, buyer, shipping_address, {", ".join(ORDER_COLUMNS)}
FROM json_each(?) AS wanted_id CROSS JOIN orders ON orders.id = wanted_id.value
CROSS JOIN channels ON channels.id = channel_id LEFT JOIN order_people ON order_id = orders.id
"""  # noqa: S608 - constants

LOAD_LINES = f"""
SELECT order_id, {", ".join(LINE_COLUMNS)}
FROM json_each(?) AS wanted_id CROSS JOIN order_lines ON order_id = wanted_id.value
ORDER BY order_id, position
"""  # noqa: S608 - constants

STANDING = """
SELECT orders.id, revision, stock_revision, reference, channel_order_id, secondary_reference
FROM json_each(?) AS wanted_id CROSS JOIN orders ON orders.id = wanted_id.value
"""

ADD_ORDER = f"""
INSERT INTO orders (id, channel_id, reference, unlinked, {", ".join(ORDER_COLUMNS)})
VALUES (?, (SELECT channel_id FROM order_keys WHERE id = ?), ?, ?, {", ".join("?" * len(ORDER_COLUMNS))})
"""  # noqa: S608 - constants

CHANGE_ORDER = f"""
UPDATE orders SET (unlinked, {", ".join(ORDER_COLUMNS)}) = (?, {", ".join("?" * len(ORDER_COLUMNS))}) WHERE id = ?
"""  # noqa: S608 - constants

DROP_LINES = "DELETE FROM order_lines WHERE order_id = ?"

ADD_LINE = f"""
INSERT INTO order_lines (order_id, position, {", ".join(LINE_COLUMNS)})
VALUES (?, ?, {", ".join("?" * len(LINE_COLUMNS))})
"""  # noqa: S608 - constants

DROP_NAME = "DELETE FROM order_names WHERE name = ? AND order_id = ?"

ADD_NAME = "INSERT INTO order_names (name, order_id) VALUES (?, ?)"

WRITE_PEOPLE = """
INSERT INTO order_people (order_id, buyer, shipping_address)
SELECT column1, column2, column3 FROM (VALUES (?, ?, ?)) WHERE column1 NOT IN (SELECT order_id FROM erased)
ON CONFLICT (order_id) DO UPDATE SET buyer = excluded.buyer, shipping_address = excluded.shipping_address
"""


ADD_CHANGE = f"""
INSERT INTO order_changes (order_id, {", ".join(CHANGE_COLUMNS)})
VALUES (?, {", ".join("?" * len(CHANGE_COLUMNS))})
"""  # noqa: S608 - constants

HISTORY = f"SELECT {', '.join(CHANGE_COLUMNS)} FROM order_changes WHERE order_id = ? ORDER BY revision"  # noqa: S608


@attrs.frozen
class Standing:
    """What of a stored order decides whether and how it is written over."""

    revision: int
    stock_revision: int
    names: frozenset[str]


def load_orders(db: Connection, numbers: Collection[int]) -> Mapping[int, Order]:
    """Return the stored orders among these numbers, in their order."""
    wanted = codec.to_json(list(numbers))
    lines: dict[int, list[OrderLine]] = defaultdict(list)
    for number, *line in db.execute(LOAD_LINES, (wanted,)):
        lines[number].append(order_rows.line_of(line))
    channels: dict[tuple[str, str], ChannelId] = {}
    orders: dict[int, Order] = {}
    for number, source, subsource, reference, buyer, address, *row in db.execute(LOAD_ORDERS, (wanted,)):
        channel = channels.setdefault((source, subsource), ChannelId(source, subsource))
        key = OrderKey(channel, reference)
        orders[number] = order_rows.order_of(key, row, lines=lines[number], people=(buyer, address))
    return orders


def load_history(db: Connection, number: int | None) -> list[OrderChange]:
    """Return what happened to an order, oldest first."""
    return [order_rows.change_of(row) for row in db.execute(HISTORY, (number,))]


def standings(db: Connection, numbers: Collection[int]) -> Mapping[int, Standing]:
    """Return where the stored orders among these numbers stand."""
    found: dict[int, Standing] = {}
    for number, revision, stock_revision, *references in db.execute(STANDING, (codec.to_json(list(numbers)),)):
        names = frozenset(search_name(reference) for reference in references if reference is not None)
        found[number] = Standing(revision, stock_revision, names)
    return found


def add_orders(db: Connection, orders: Mapping[int, Order]) -> None:
    """Write orders that are not stored yet, by number."""
    db.executemany(
        ADD_ORDER,
        (
            (number, number, order.key.reference, bool(order.unlinked), *order_rows.order_row(order))
            for number, order in orders.items()
        ),
    )
    db.executemany(ADD_NAME, ((name, number) for number, order in orders.items() for name in order.search_names))
    _add_lines(db, orders)
    _write_people(db, {n: order for n, order in orders.items() if order.buyer or order.shipping_address})


def change_orders(
    db: Connection,
    orders: Mapping[int, Order],
    before: Mapping[int, Standing],
    changes: Mapping[int, OrderChange | None],
) -> None:
    """Write orders over the stored ones, with their history; ``ValueError`` if a stock revision would fall."""
    if not orders:
        return
    told = ((number, *order_rows.change_row(change)) for number, change in changes.items() if change is not None)
    db.executemany(ADD_CHANGE, told)
    for number, order in orders.items():
        if order.stock_revision < before[number].stock_revision:
            raise ValueError(f"{order.key}: its stock revision would fall; change what is stored, not an older copy")
    db.executemany(
        CHANGE_ORDER,
        ((bool(order.unlinked), *order_rows.order_row(order), number) for number, order in orders.items()),
    )
    names = {number: order.search_names for number, order in orders.items()}
    db.executemany(DROP_NAME, ((name, n) for n, mine in names.items() for name in before[n].names - mine))
    db.executemany(ADD_NAME, ((name, n) for n, mine in names.items() for name in mine - before[n].names))
    db.executemany(DROP_LINES, ((number,) for number in orders))
    _add_lines(db, orders)
    _write_people(db, orders)


def _add_lines(db: Connection, orders: Mapping[int, Order]) -> None:
    db.executemany(
        ADD_LINE, ((number, *row) for number, order in orders.items() for row in order_rows.line_rows(order))
    )


def _write_people(db: Connection, orders: Mapping[int, Order]) -> None:
    db.executemany(
        WRITE_PEOPLE,
        ((number, codec.buyer(order.buyer), codec.address(order.shipping_address)) for number, order in orders.items()),
    )
