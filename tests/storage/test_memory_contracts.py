"""The storage in memory keeps the laws of all four ports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from ordersync.ports import Journal, ListingBook, OrderStore, StockLedger
from ordersync.storage.memory import MemoryStorage
from ordersync.testing import ManualClock
from ordersync.testing.contracts import (
    JournalContract,
    ListingBookContract,
    OrderStoreContract,
    StockLedgerContract,
)
from storage.spoiling import spoil_level


class TestMemoryOrderStore(OrderStoreContract):
    """The order store in memory."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[OrderStore]:
        """Open a fresh store."""
        async with MemoryStorage() as storage:
            yield storage.orders


class TestMemoryStockLedger(StockLedgerContract):
    """The ledger in memory."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[StockLedger]:
        """Open a fresh ledger."""
        async with MemoryStorage() as storage:
            yield storage.stock

    async def misstate(self, ledger: StockLedger, sku: str, *, location: str, on_hand: int, reserved: int) -> None:
        """Write into the ledger's dictionaries."""
        await spoil_level(ledger, sku, location=location, on_hand=on_hand, reserved=reserved)


class TestMemoryListingBook(ListingBookContract):
    """The listing book in memory."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[ListingBook]:
        """Open a fresh book."""
        async with MemoryStorage() as storage:
            yield storage.listings


class TestMemoryJournal(JournalContract):
    """The journal in memory, on a clock that obeys."""

    def setup_method(self) -> None:
        """Start the clock."""
        self.clock = ManualClock()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Journal]:
        """Open a fresh journal."""
        async with MemoryStorage(clock=self.clock) as storage:
            yield storage.journal

    async def let_pass(self, duration: timedelta) -> None:
        """Advance the clock."""
        self.clock.advance(duration.total_seconds())
