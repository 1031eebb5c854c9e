"""The port that remembers stock: movements, reservations, levels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from ..authoring import check_class
from ..model.audits import LevelFinding
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

    def __init_subclass__(cls, **options: Any) -> None:  # noqa: ANN401 - of other bases
        """Check what the author of a storage wrote."""
        super().__init_subclass__(**options)
        check_class(cls, base=StockLedger, offers=(SupportsMovements, SupportsHistory, SupportsAudit))

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


@runtime_checkable
class SupportsMovements(Protocol):
    """A ledger that takes what people tell it about the goods on the shelves.

    On-hand moves by a movement that happens once per *movement_id*, for good: the same id again changes nothing,
    also with other content. Quantities are whole units. *at* is an aware UTC time, if it is known. A value that
    no field can hold raises a ``ValueError`` that names the field. What lies at a place may turn negative.
    """

    @abstractmethod
    async def set_on_hand(
        self, sku: str, *, location: str, quantity: int, movement_id: str, at: datetime | None = None
    ) -> None:
        """Record a stocktake: on-hand becomes *quantity*, which is 0 or more."""

    @abstractmethod
    async def adjust(
        self, sku: str, *, location: str, quantity: int, movement_id: str, at: datetime | None = None
    ) -> None:
        """Change on-hand by *quantity*, which may be negative but not 0."""

    @abstractmethod
    async def transfer(
        self, sku: str, *, source: str, destination: str, quantity: int, movement_id: str, at: datetime | None = None
    ) -> None:
        """Move *quantity* pieces, 1 or more, to another location: both places change in one, under one id."""


@runtime_checkable
class SupportsHistory(Protocol):
    """A ledger that tells how its on-hand came about."""

    @abstractmethod
    async def history(self, sku: str, *, location: str | None = None, limit: int = 100) -> Sequence[Movement]:
        """Return the movements of one SKU, newest first."""


@runtime_checkable
class SupportsAudit(Protocol):
    """A ledger whose books can be compared, with each other and with the orders."""

    @abstractmethod
    async def holds(self, *, after: OrderKey | None = None, limit: int) -> Sequence[Claim]:
        """Return what orders hold, in order of their keys; those too that hold nothing any more.

        *after* skips the orders up to it.
        """

    @abstractmethod
    async def recount(self) -> Sequence[LevelFinding]:
        """Add up all movements and holds; return the levels that are not their sums, by SKU and location.

        A ledger that keeps no levels beside its books has none that could differ.
        """

    @abstractmethod
    async def shortages(self) -> Sequence[StockLevel]:
        """Return the levels of which on-hand or available is below zero, by SKU and location."""

    @abstractmethod
    async def mend_levels(self, findings: Sequence[LevelFinding]) -> Sequence[LevelFinding]:
        """Make levels the sums of their movements and holds; return those that were set right.

        Each is set right only while a recount still finds the very same; any other is left alone. What changed
        is news like any other change of a level.
        """


class OwnStockLedger(StockLedger, SupportsMovements, SupportsHistory, SupportsAudit):
    """The ledger that our own storages keep: append-only movements and derived levels."""

    @abstractmethod
    async def held(self, key: OrderKey) -> Claim | None:
        """Return what one order holds and under which revision; None when it never claimed anything."""
