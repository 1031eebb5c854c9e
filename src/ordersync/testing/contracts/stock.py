"""The contract of every stock ledger, ours and foreign ones."""

from __future__ import annotations

from .books import BookLaws, MendingLaws
from .deductions import DeductionLaws
from .ledger import ReservationLaws
from .ledger_cuts import LedgerCancellationLaws
from .movements import MovementLaws
from .news import NewsLaws
from .own_ledger import OwnLedgerLaws


class StockLedgerContract(
    ReservationLaws,
    DeductionLaws,
    NewsLaws,
    MovementLaws,
    BookLaws,
    MendingLaws,
    OwnLedgerLaws,
    LedgerCancellationLaws,
):
    """The laws of ``StockLedger``; a subclass provides ``open``, which yields a fresh, empty ledger.

    A ledger without ``SupportsMovements`` provides ``put_on_hand`` too. Laws of ``SupportsMovements`` and
    ``SupportsAudit`` are skipped for one that does not offer them, those of history and single holds for one that is
    no ``OwnStockLedger``, and those of the change feed when ``changed`` answers None. A ledger that keeps levels
    beside its books provides ``misstate``, so that the laws of mending hold for it.
    """
