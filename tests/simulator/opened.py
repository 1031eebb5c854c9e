"""The small world of the protocols, opened for as long as a directed schedule needs it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from protocols.world import Calls, World, key


@asynccontextmanager
async def opened(*skus: str, quantity: int = 10, **arguments: Any) -> AsyncIterator[World]:  # noqa: ANN401 - of World
    """Sell SKUs on a shop and a market, both settled; who still stands somewhere at the end has died."""
    world = World(**arguments)
    await world.open(*skus, quantity=quantity)
    try:
        yield world
    finally:
        await world.close()


async def bought(world: World, quantity: int = 2, *, reference: str = "1001") -> None:
    """Let an order be bought in the shop, downloaded and reserved."""
    world.shop.place(reference, lines={"MUG": quantity})
    await world.run()


async def desk_that_dies(world: World, call: str) -> None:
    """Process the order at a desk that dies before a call."""
    calls = Calls()
    pause = calls.pause(call)
    world.start(world.desk(calls).process(key()))
    await pause.reached()
