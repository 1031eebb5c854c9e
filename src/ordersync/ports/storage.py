"""The four ports as one thing to open, close and pass around."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from ..authoring import check_class, check_port
from ..model.health import Fact
from .journal import Journal
from .listings import ListingBook
from .orders import OrderStore
from .stock import StockLedger


class Storage:
    """The frozen group of the four ports, and the async context manager over them.

    A subclass that owns connections overrides ``open`` and ``aclose``. No transaction spans two ports,
    so any mix of them works.
    """

    def __init_subclass__(cls, **options: Any) -> None:  # noqa: ANN401 - of other bases
        """Check what the author of a storage wrote."""
        super().__init_subclass__(**options)
        check_class(cls, base=Storage)

    def __init__(self, *, orders: OrderStore, stock: StockLedger, listings: ListingBook, journal: Journal) -> None:
        check_port("orders", orders, OrderStore)
        check_port("stock", stock, StockLedger)
        check_port("listings", listings, ListingBook)
        check_port("journal", journal, Journal)
        self._orders, self._stock, self._listings, self._journal = orders, stock, listings, journal
        self._entered = False

    @property
    def orders(self) -> OrderStore:
        """Return the port that remembers orders."""
        return self._orders

    @property
    def stock(self) -> StockLedger:
        """Return the port that remembers stock."""
        return self._stock

    @property
    def listings(self) -> ListingBook:
        """Return the port that remembers listings."""
        return self._listings

    @property
    def journal(self) -> Journal:
        """Return the port that remembers what happened."""
        return self._journal

    @property
    def is_open(self) -> bool:
        """Say whether the storage was entered and not left yet."""
        return self._entered

    def replace(
        self,
        *,
        orders: OrderStore | None = None,
        stock: StockLedger | None = None,
        listings: ListingBook | None = None,
        journal: Journal | None = None,
    ) -> Storage:
        """Return a storage with some ports replaced; it opens and closes the one it was made from."""
        return _Replaced(
            self,
            orders=orders or self.orders,
            stock=stock or self.stock,
            listings=listings or self.listings,
            journal=journal or self.journal,
        )

    async def open(self) -> None:
        """Acquire what the ports need."""

    async def aclose(self) -> None:
        """Release it; may be called twice."""

    async def inspect(self) -> Sequence[Fact]:
        """Return what an open storage can say of itself, such as its schema and size; nothing of what it holds."""
        return ()

    async def __aenter__(self) -> Self:
        """Open the storage."""
        await self.open()
        self._entered = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the storage."""
        self._entered = False
        await self.aclose()


class _Replaced(Storage):
    """Some ports of one storage beside others of the host's own."""

    def __init__(
        self, base: Storage, *, orders: OrderStore, stock: StockLedger, listings: ListingBook, journal: Journal
    ) -> None:
        super().__init__(orders=orders, stock=stock, listings=listings, journal=journal)
        self._base = base

    @property
    def is_open(self) -> bool:
        """Say whether this or the storage below was entered and not left yet."""
        return self._entered or self._base.is_open

    async def open(self) -> None:
        """Open the storage below."""
        await self._base.open()

    async def aclose(self) -> None:
        """Close the storage below."""
        await self._base.aclose()

    async def inspect(self) -> Sequence[Fact]:
        """Return what the storage below says of itself."""
        return await self._base.inspect()
