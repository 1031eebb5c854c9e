"""What a fault in a ledger, or a hand in its tables, would do to its books."""

from __future__ import annotations

import attrs

from ordersync.model.ids import OrderKey
from ordersync.model.stock import Claim
from ordersync.ports import StockLedger
from ordersync.storage.memory import MemoryStockLedger
from ordersync.storage.sqlite import SQLiteStockLedger
from ordersync.storage.sqlite.connection import Connection
from ordersync.storage.sqlite.keys import key_numbers
from ordersync.testing.builders import NOON

MISSTATE = """
INSERT INTO levels (sku, location, on_hand, reserved) VALUES (?, ?, ?, ?)
ON CONFLICT (sku, location) DO UPDATE SET on_hand = excluded.on_hand, reserved = excluded.reserved, last = NULL
"""


async def spoil_level(ledger: StockLedger, sku: str, *, location: str, on_hand: int, reserved: int) -> None:
    """Write a level that its books do not add up to; on SQLite it loses its history too."""
    if isinstance(ledger, MemoryStockLedger):
        ledger._on_hand[sku, location] = on_hand
        ledger._reserved[sku, location] = reserved
    else:
        assert isinstance(ledger, SQLiteStockLedger)
        await ledger._database.write(lambda db: db.execute(MISSTATE, (sku, location, on_hand, reserved)))


async def spoil_hold(ledger: StockLedger, claim: Claim) -> None:
    """Let an order hold something else under the very revision that it holds; the levels follow."""
    await _set_revision(ledger, claim.order_key, claim.revision - 1)
    await ledger.reserve([claim], at=NOON)


async def lose_hold(ledger: StockLedger, key: OrderKey) -> None:
    """Let the ledger forget an order; the levels follow."""
    await _set_revision(ledger, key, 0)
    await ledger.reserve([Claim(order_key=key, revision=1, wanted={})], at=NOON)
    if isinstance(ledger, MemoryStockLedger):
        del ledger._held[key]
    else:
        await _write(ledger, "DELETE FROM holds WHERE order_id = ?", key)


async def _set_revision(ledger: StockLedger, key: OrderKey, revision: int) -> None:
    if isinstance(ledger, MemoryStockLedger):
        held = ledger._held.get(key)
        if held is not None:
            ledger._held[key] = attrs.evolve(held, revision=1)
            object.__setattr__(ledger._held[key], "revision", revision)
    else:
        await _write(ledger, "UPDATE holds SET revision = ? WHERE order_id = ?", key, revision)


async def _write(ledger: StockLedger, sql: str, key: OrderKey, *values: int) -> None:
    def work(db: Connection) -> None:
        db.execute(sql, (*values, key_numbers(db, [key]).get(key)))

    assert isinstance(ledger, SQLiteStockLedger)
    await ledger._database.write(work)
