"""The contract of every stock ledger, ours and foreign ones."""

from __future__ import annotations

from .deductions import DeductionLaws
from .ledger import ReservationLaws
from .ledger_cuts import LedgerCancellationLaws
from .news import NewsLaws
from .own_ledger import OwnLedgerLaws


class StockLedgerContract(ReservationLaws, DeductionLaws, NewsLaws, OwnLedgerLaws, LedgerCancellationLaws):
    """The laws of ``StockLedger``; a subclass provides ``open``, which yields a fresh, empty ledger.

    A ledger that is no ``OwnStockLedger`` provides ``put_on_hand`` too; laws beyond the five verbs are skipped
    for it, and so are those of the change feed when ``changed`` answers None.
    """
