"""A storage that looks at the proofs of a lease that it is given."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, cast

from ordersync import Storage
from ordersync.model.ids import Fence
from ordersync.ports import ListingBook, OrderStore
from runner.world import SHOP


class Proved:
    """Passes every verb on to a port, and notes those that could have had a proof and had none, or another's."""

    def __init__(self, kind: type, port: object, seen: list[str], unproved: list[str]) -> None:
        """Stand before a port of a kind."""
        self._kind, self._port, self._seen, self._unproved = kind, port, seen, unproved

    def __getattr__(self, verb: str) -> Callable[..., Awaitable[Any]]:
        """Return a verb of the port that is looked at."""
        passed_on = getattr(self._port, verb)
        asks = "fence" in inspect.signature(getattr(self._kind, verb)).parameters and verb != "fence"

        async def call(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - whatever the verb takes and answers
            if asks:
                self._seen.append(verb)
                proof = options.get("fence")
                if not (isinstance(proof, Fence) and proof.channel == SHOP):
                    self._unproved.append(verb)
            return await passed_on(*args, **options)

        return call


class Proofs:
    """A storage that looks at proofs, and what it saw."""

    def __init__(self, storage: Storage) -> None:
        """Stand before the order store and the listings of a storage."""
        self.seen, self.unproved = list[str](), list[str]()
        orders = cast("OrderStore", Proved(OrderStore, storage.orders, self.seen, self.unproved))
        listings = cast("ListingBook", Proved(ListingBook, storage.listings, self.seen, self.unproved))
        self.storage: Storage = storage.replace(orders=orders, listings=listings)
