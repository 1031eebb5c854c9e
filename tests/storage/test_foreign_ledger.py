"""Ledgers that offer the five verbs and no more, or some more, keep the laws of what they offer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ordersync.ports import StockLedger
from ordersync.testing.contracts import StockLedgerContract
from storage.foreign_ledger import DictLedger, OpenLedger


class TestDictLedger(StockLedgerContract):
    """The dictionaries of an ERP."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[StockLedger]:
        """Open a fresh ledger."""
        yield DictLedger()

    async def put_on_hand(self, ledger: StockLedger, sku: str, *, quantity: int, location: str = "main") -> None:
        """Let the ERP receive goods."""
        assert isinstance(ledger, DictLedger)
        ledger.receive(sku, location=location, quantity=quantity)


class TestOpenLedger(StockLedgerContract):
    """The same, with documents of people and open books: no put_on_hand is needed."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[StockLedger]:
        """Open a fresh ledger."""
        yield OpenLedger()
