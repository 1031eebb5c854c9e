"""The port that remembers stock: movements, reservations, levels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime

from ..model.ids import OrderKey
from ..model.stock import Claim, Deduction, Movement, StockLevel


class StockLedger(ABC):
    """What ordersync needs of whoever keeps the stock: five verbs, which an ERP can offer too.

    An implementation must:

    * make every verb atomic and repeatable, wholly done or not done even when the caller is cancelled;
    * let on-hand move only by a movement with an id, once per id, for good;
    * keep, per order, the highest revision it was given, also when nothing is wanted any more;
    * never refuse an oversell: available may turn negative, and on-hand too;
    * read no clock: times come as arguments.
    """

    @abstractmethod
    async def reserve(self, claims: Sequence[Claim], *, at: datetime) -> Mapping[OrderKey, int]:
        """Make each order hold exactly what its claim wants, anywhere; return the revision held for each.

        A claim whose revision is not above the one held is ignored, and the answer says which that is.
        """

    @abstractmethod
    async def deduct(self, deduction: Deduction, *, at: datetime) -> None:
        """Take goods off on-hand if the id is new; replace what the order holds if the claim's revision is above.

        The two conditions are independent of each other; both effects happen in one.
        """

    @abstractmethod
    async def levels(self, skus: Sequence[str]) -> Sequence[StockLevel]:
        """Return the levels of these SKUs at every location that knows them, by SKU and location."""

    @abstractmethod
    async def changed(self, *, limit: int) -> Mapping[str, int] | None:
        """Return SKUs whose levels changed and are not acknowledged, each with a version that only grows.

        None: this ledger keeps no such list, and every linked level is compared at each run.
        """

    @abstractmethod
    async def acknowledge(self, versions: Mapping[str, int]) -> None:
        """Forget these changes; one whose version has grown since stays."""


class OwnStockLedger(StockLedger):
    """The ledger that our own storages keep: append-only movements and derived levels."""

    @abstractmethod
    async def set_on_hand(
        self, sku: str, *, location: str, quantity: int, movement_id: str, at: datetime | None = None
    ) -> None:
        """Record a stocktake: on-hand becomes *quantity*, by a movement that happens once per *movement_id*."""

    @abstractmethod
    async def history(self, sku: str, *, location: str | None = None, limit: int = 100) -> Sequence[Movement]:
        """Return the movements of one SKU, newest first."""

    @abstractmethod
    async def held(self, key: OrderKey) -> Claim | None:
        """Return what one order holds and under which revision; None when it never claimed anything."""
