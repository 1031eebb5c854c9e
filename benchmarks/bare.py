"""The bare script: what somebody would write by hand for this one job, with the same durable writes, in one file.

A transaction a page: order, lines, buyer, document, decision, what it holds of stock, levels, what the other
channel must be told; then the levels are sent. No repeatability, no races, no explanations.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import aiohttp
from market import PAGE, SKUS, TOKEN, sku

SCHEMA = """
PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32000;
CREATE TABLE orders (id INTEGER PRIMARY KEY, reference TEXT UNIQUE, status TEXT, placed_at TEXT, updated_at TEXT,
  currency TEXT, total TEXT, location TEXT, state TEXT, wanted TEXT, sold TEXT) STRICT;
CREATE TABLE lines (order_id INTEGER, line INTEGER, sku TEXT, quantity INTEGER, price TEXT,
  PRIMARY KEY (order_id, line)) STRICT, WITHOUT ROWID;
CREATE TABLE people (order_id INTEGER PRIMARY KEY, buyer TEXT, address TEXT) STRICT;
CREATE TABLE documents (order_id INTEGER PRIMARY KEY, document TEXT) STRICT;
CREATE TABLE decisions (order_id INTEGER PRIMARY KEY, code TEXT, seen_at TEXT) STRICT;
CREATE TABLE holds (order_id INTEGER PRIMARY KEY, wanted TEXT) STRICT;
CREATE TABLE sales (order_id INTEGER PRIMARY KEY) STRICT;
CREATE TABLE levels (sku TEXT PRIMARY KEY, on_hand INTEGER, reserved INTEGER, version INTEGER) STRICT, WITHOUT ROWID;
CREATE TABLE marks (channel TEXT, sku TEXT, wanted INTEGER, believed INTEGER,
  PRIMARY KEY (channel, sku)) STRICT, WITHOUT ROWID;
CREATE TABLE cursor (channel TEXT PRIMARY KEY, watermark TEXT) STRICT;
"""

Document = Mapping[str, Any]


def save(db: sqlite3.Connection, documents: list[Document], first_id: int) -> None:
    """Write one page in one transaction."""
    ids = range(first_id, first_id + len(documents))
    pieces: Counter[str] = Counter()
    wanted = []
    for document in documents:
        check(document)
        mine = Counter({line["sku"]: line["quantity"] for line in document["lines"]})
        pieces.update(mine)
        wanted.append(json.dumps(mine))
    rows = list(zip(ids, documents, wanted, strict=True))
    db.execute("BEGIN IMMEDIATE")
    references = json.dumps([document["reference"] for document in documents])
    known = "SELECT reference FROM json_each(?) CROSS JOIN orders ON orders.reference = json_each.value"
    if db.execute(known, (references,)).fetchall():
        raise SystemExit("an order came twice")
    db.executemany("INSERT INTO orders VALUES (?,?,?,?,?,?,?,?,?,?,?)", [order_row(i, d, w) for i, d, w in rows])
    db.executemany("INSERT INTO lines VALUES (?,?,?,?,?)", [row for i, d, _ in rows for row in line_rows(i, d)])
    people = [(i, json.dumps(d["buyer"]), json.dumps(d["ship_to"])) for i, d, _ in rows]
    db.executemany("INSERT INTO people VALUES (?,?,?)", people)
    db.executemany("INSERT INTO documents VALUES (?,?)", [(i, json.dumps(d, default=str)) for i, d, _ in rows])
    db.executemany("INSERT INTO decisions VALUES (?,'ADMITTED',?)", [(i, d["updated_at"]) for i, d, _ in rows])
    db.executemany("INSERT INTO holds VALUES (?,?)", [(i, w) for i, _, w in rows])
    db.executemany("INSERT INTO sales VALUES (?)", [(i,) for i in ids])
    moved = sorted((quantity, name) for name, quantity in pieces.items())
    db.executemany("UPDATE levels SET reserved = reserved + ?, version = version + 1 WHERE sku = ?", moved)
    db.executemany("UPDATE marks SET believed = believed - ? WHERE channel = 'shop' AND sku = ?", moved)
    names = [(name,) for _, name in moved]
    db.executemany("UPDATE marks SET wanted = wanted + 1 WHERE sku = ?", names)
    db.execute("INSERT OR REPLACE INTO cursor VALUES ('shop', ?)", (documents[-1]["updated_at"],))
    db.execute("COMMIT")


def check(document: Document) -> None:
    """Refuse what must not be saved."""
    if not document["reference"] or document["payment"] != "paid" or not document["lines"]:
        raise SystemExit("an order cannot be read")


def order_row(number: int, document: Document, wanted: str) -> tuple[object, ...]:
    """Return the row of one order."""
    facts = (document["reference"], document["status"], document["placed_at"], document["updated_at"])
    return (number, *facts, document["currency"], str(document["total"]), "main", "open", wanted, wanted)


def line_rows(number: int, document: Document) -> list[tuple[object, ...]]:
    """Return the rows of an order's lines."""
    return [
        (number, place, line["sku"], line["quantity"], str(line["unit_price"]))
        for place, line in enumerate(document["lines"])
    ]


async def main(url: str, target: str, file: str) -> None:
    """Download everything, then tell the other channel."""
    db = sqlite3.connect(file, isolation_level=None)
    db.executescript(SCHEMA)
    db.execute("BEGIN")
    db.executemany("INSERT INTO levels VALUES (?, 1000000, 0, 0)", [(sku(i),) for i in range(SKUS)])
    for channel in ("shop", "market"):
        rows = [(channel, sku(i)) for i in range(SKUS)]
        db.executemany("INSERT INTO marks VALUES (?, ?, 0, 1000000)", rows)
    db.execute("COMMIT")
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session:
        cursor, saved = None, 0
        while True:
            params = {} if cursor is None else {"cursor": cursor}
            async with session.get(f"{url}/orders", params=params) as answer:
                page = json.loads(await answer.read(), parse_float=Decimal)
            save(db, page["orders"], saved + 1)
            saved += len(page["orders"])
            cursor = page["next"]
            if cursor is None:
                break
        await push(db, session, target)
    db.close()


async def push(db: sqlite3.Connection, session: aiohttp.ClientSession, url: str) -> None:
    """Send the levels that the other channel has not been told."""
    query = """SELECT sku, on_hand - reserved FROM marks JOIN levels USING (sku)
               WHERE channel = 'market' AND believed <> on_hand - reserved"""
    due = db.execute(query).fetchall()
    for start in range(0, len(due), PAGE):
        batch = due[start : start + PAGE]
        levels = [
            {"sku": name, "location": None, "quantity": level, "expected": None, "attempt": f"{name}/{level}"}
            for name, level in batch
        ]
        async with session.put(f"{url}/stock", json={"levels": levels}) as answer:
            answer.raise_for_status()
        db.execute("BEGIN IMMEDIATE")
        rows = [(level, name) for name, level in batch]
        db.executemany("UPDATE marks SET believed = ? WHERE channel = 'market' AND sku = ?", rows)
        db.execute("COMMIT")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
