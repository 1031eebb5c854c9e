"""Ledgers beside a model: claims, parcels and stocktakes in any order, late and repeated."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from hypothesis import settings

from ordersync.ports import StockLedger
from ordersync.storage.memory import MemoryStorage
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.testing.stateful import StockLedgerMachine
from storage.empty_file import empty_file
from storage.foreign_ledger import DictLedger, OpenLedger


class MemoryLedgerMachine(StockLedgerMachine):
    """The ledger in memory."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[StockLedger]:
        """Open a fresh ledger."""
        async with MemoryStorage() as storage:
            yield storage.stock


class SQLiteLedgerMachine(StockLedgerMachine):
    """The ledger on SQLite."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[StockLedger]:
        """Open a fresh ledger."""
        with tempfile.TemporaryDirectory() as folder:
            async with SQLiteStorage(empty_file(Path(folder) / "shop.db")) as storage:
                yield storage.stock


class DictLedgerMachine(StockLedgerMachine):
    """The dictionaries of an ERP."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[StockLedger]:
        """Open a fresh ledger."""
        yield DictLedger()

    async def put_on_hand(self, ledger: StockLedger, sku: str, *, quantity: int, location: str) -> None:
        """Let the ERP receive goods."""
        assert isinstance(ledger, DictLedger)
        ledger.receive(sku, location=location, quantity=quantity)


class OpenLedgerMachine(StockLedgerMachine):
    """The dictionaries of an ERP that shows its books."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[StockLedger]:
        """Open a fresh ledger."""
        yield OpenLedger()


TestMemoryLedgerMachine = MemoryLedgerMachine.TestCase
TestDictLedgerMachine = DictLedgerMachine.TestCase
TestOpenLedgerMachine = OpenLedgerMachine.TestCase
TestSQLiteLedgerMachine = SQLiteLedgerMachine.TestCase
TestMemoryLedgerMachine.settings = TestDictLedgerMachine.settings = settings(max_examples=settings().max_examples // 2)
TestSQLiteLedgerMachine.settings = TestOpenLedgerMachine.settings = settings(
    max_examples=settings().max_examples // 5, stateful_step_count=settings().stateful_step_count // 2
)
