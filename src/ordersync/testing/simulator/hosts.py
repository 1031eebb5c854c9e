"""What a host does to its ledger, which is another program than ordersync, and often another database."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping

from ...errors import StorageUnavailableError
from ...model.ids import OrderKey
from ...model.stock import Claim
from ...ports import Storage
from .checkers.stock import STRANGER
from .processes import Process, ProcessDied
from .stage import Stage

AHEAD = 1000
"""So far above ours are the revisions of a ledger that knows more: nobody comes there by changing an order."""


class Host:
    """Whoever keeps the ledger."""

    def __init__(self, stage: Stage, chance: random.Random) -> None:
        self.stage, self.chance = stage, chance

    async def ledger(self) -> None:
        """Put a ledger in the place of ours that served another installation, and have every order told anew.

        Goods lie where they lay. What it holds for orders is nothing that they want, under revisions above ours.
        """
        keys = [order.key for channel in self.stage.settings for order in self.stage.reader.orders(channel)]
        claims = [Claim(order_key=key, revision=self._revision_above(key), wanted={}) for key in keys]
        await self._surely(STRANGER, lambda storage: storage.stock.reserve(claims, at=self.stage.clock.now()))
        await self._surely("host", lambda storage: storage.orders.rewant_all())

    def _revision_above(self, key: OrderKey) -> int:
        claim = self.stage.reader.held(key)
        return AHEAD + (0 if claim is None else claim.revision)

    async def _surely(self, name: str, verb: Callable[[Storage], Awaitable[object]]) -> None:
        """Do it again until the storage says that it is done, with another program where one dies."""
        while True:
            process = Process(name, chance=self.chance, trace=self.stage.trace)
            try:
                await verb(self.stage.reach(process))
            except (StorageUnavailableError, ProcessDied):
                continue
            return


HOSTS: Mapping[str, Callable[[Host], Awaitable[None]]] = {"ledger": Host.ledger}
"""What a host may do, by name."""
