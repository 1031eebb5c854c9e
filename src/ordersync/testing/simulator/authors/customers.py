"""The people at an author's marketplace: buyers, and staff who ship past ordersync."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from .channel_stage import ChannelStage
from .harnessed import HarnessedMarket

DEEDS: Mapping[Callable[[HarnessedMarket], Awaitable[str | None]], float] = {
    HarnessedMarket.buy: 10.0,
    HarnessedMarket.ship_by_hand: 1.5,
    HarnessedMarket.spoil: 0.5,
}
"""What they do, and how often in proportion."""


class Customers:
    """Each doing something every now and then until the chaos is over."""

    def __init__(self, stage: ChannelStage) -> None:
        self._stage, self._chance = stage, stage.chances.child("customers")

    async def live(self) -> None:
        """Do one thing after the other."""
        stage, chance = self._stage, self._chance
        while not stage.over:
            await asyncio.sleep(stage.options.market_pause_s * chance.uniform(0.1, 1.9))
            if not stage.over:
                (deed,) = chance.choices(list(DEEDS), weights=list(DEEDS.values()))
                await deed(stage.market)
