"""The four ports: what a storage implements and everything above relies on."""

from __future__ import annotations

from .journal import Journal
from .listings import ListingBook
from .orders import OrderStore, ParcelAnswer
from .stock import OwnStockLedger, StockLedger, SupportsAudit, SupportsHistory, SupportsMovements
from .storage import Storage

__all__ = [
    "Journal",
    "ListingBook",
    "OrderStore",
    "OwnStockLedger",
    "ParcelAnswer",
    "StockLedger",
    "Storage",
    "SupportsAudit",
    "SupportsHistory",
    "SupportsMovements",
]
