"""The storage on SQLite keeps the laws of all four ports, on real files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from ordersync.ports import Journal, ListingBook, OrderStore, StockLedger
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.testing import ManualClock
from ordersync.testing.contracts import (
    JournalContract,
    ListingBookContract,
    OrderStoreContract,
    StockLedgerContract,
)
from storage.empty_file import empty_file
from storage.spoiling import spoil_level


class OnFile:
    """A fresh file for each law."""

    clock: ManualClock
    path: Path

    @pytest.fixture(autouse=True)
    def _fresh(self, tmp_path: Path) -> None:
        self.path = tmp_path / "shop.db"
        self.clock = ManualClock()

    def storage(self) -> SQLiteStorage:
        """Build the storage on the fresh file."""
        return SQLiteStorage(empty_file(self.path), clock=self.clock)


class TestSQLiteOrderStore(OnFile, OrderStoreContract):
    """The order store on SQLite."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[OrderStore]:
        """Open a fresh store."""
        async with self.storage() as storage:
            yield storage.orders


class TestSQLiteStockLedger(OnFile, StockLedgerContract):
    """The ledger on SQLite."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[StockLedger]:
        """Open a fresh ledger."""
        async with self.storage() as storage:
            yield storage.stock

    async def misstate(self, ledger: StockLedger, sku: str, *, location: str, on_hand: int, reserved: int) -> None:
        """Write into the ledger's table."""
        await spoil_level(ledger, sku, location=location, on_hand=on_hand, reserved=reserved)


class TestSQLiteListingBook(OnFile, ListingBookContract):
    """The listing book on SQLite."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[ListingBook]:
        """Open a fresh book."""
        async with self.storage() as storage:
            yield storage.listings


class TestSQLiteJournal(OnFile, JournalContract):
    """The journal on SQLite, on a clock that obeys."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Journal]:
        """Open a fresh journal."""
        async with self.storage() as storage:
            yield storage.journal

    async def let_pass(self, duration: timedelta) -> None:
        """Advance the clock."""
        self.clock.advance(duration.total_seconds())
