"""The storage in memory: the specification of every storage in readable form."""

from __future__ import annotations

from ...clock import Clock, SystemClock
from ...ports import OwnStockLedger, Storage
from .journal import MemoryJournal
from .listings import MemoryListingBook
from .orders import MemoryOrderStore
from .stock import MemoryStockLedger

__all__ = ["MemoryJournal", "MemoryListingBook", "MemoryOrderStore", "MemoryStockLedger", "MemoryStorage"]


class MemoryStorage(Storage):
    """Everything in dictionaries; gone with the process. Its clock is asked by leases alone."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._ledger = MemoryStockLedger()
        super().__init__(
            orders=MemoryOrderStore(),
            stock=self._ledger,
            listings=MemoryListingBook(),
            journal=MemoryJournal(clock=clock or SystemClock()),
        )

    @property
    def stock(self) -> OwnStockLedger:
        """Return the port that remembers stock."""
        return self._ledger
