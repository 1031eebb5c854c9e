"""A storage whose ports count what they are asked, and let a test act in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, cast

from ordersync import Storage
from ordersync.ports import Journal, ListingBook, OrderStore, StockLedger

Before = Callable[[str], Awaitable[None]]


class Watched:
    """Passes every verb on to a port."""

    def __init__(self, name: str, port: object, calls: Counter[str], before: Before | None) -> None:
        """Stand before a port."""
        self._name, self._port, self._calls, self._before = name, port, calls, before

    def __getattr__(self, verb: str) -> Callable[..., Awaitable[Any]]:
        """Return a verb of the port that is counted and waited for."""
        passed_on = getattr(self._port, verb)

        async def call(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - whatever the verb takes and answers
            self._calls[f"{self._name}.{verb}"] += 1
            if self._before is not None:
                await self._before(verb)
            return await passed_on(*args, **options)

        return call


def watched(storage: Storage, calls: Counter[str], *, before: Before | None = None) -> Storage:
    """Return *storage* with its calls counted, as ``port.verb``; *before* is awaited before each."""
    return storage.replace(
        orders=cast("OrderStore", Watched("orders", storage.orders, calls, before)),
        stock=cast("StockLedger", Watched("stock", storage.stock, calls, before)),
        listings=cast("ListingBook", Watched("listings", storage.listings, calls, before)),
        journal=cast("Journal", Watched("journal", storage.journal, calls, before)),
    )
