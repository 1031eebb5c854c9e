"""Making as many equal worlds as a sweep needs, without living through its scene for each of them."""

from __future__ import annotations

import copy
import shutil
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol, Self, TypeVar

import attrs

from ordersync.ports import Journal, ListingBook, OrderStore, StockLedger
from ordersync.storage.memory import MemoryStorage
from ordersync.storage.memory.fences import Fences
from ordersync.storage.memory.orders_by_key import OrdersByKey
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.testing import BareMarketplace, ManualClock
from ordersync.testing.market_book import OrderBook
from ordersync.testing.market_orders import MarketLine, MarketOrder
from ordersync.testing.market_shelf import Shelf
from ordersync.testing.timeline import Timeline

from .scenes import Scene
from .world import World, open_world

T = TypeVar("T")

MUTABLE = (
    *(World, ManualClock, BareMarketplace, OrderBook, MarketOrder, MarketLine, Shelf, Timeline),
    *(MemoryStorage, OrderStore, StockLedger, ListingBook, Journal, Fences, OrdersByKey),
)
"""What changes while a world lives; everything else in it is frozen, and shared by twins."""


def twin(thing: T, known: dict[int, Any]) -> T:
    """Return an equal thing that lives its own life; *known* are the twins made so far, by identity."""
    if id(thing) in known:
        made: T = known[id(thing)]
        return made
    if not isinstance(thing, (dict, list, set, *MUTABLE)):
        return thing
    other: Any = copy.copy(thing)
    known[id(thing)] = other
    if isinstance(thing, dict):
        other.update((key, twin(value, known)) for key, value in thing.items())
    elif isinstance(thing, list):
        other[:] = [twin(value, known) for value in thing]
    elif not isinstance(thing, set):
        names = vars(thing) if hasattr(thing, "__dict__") else [field.name for field in attrs.fields(type(other))]
        for name in names:
            object.__setattr__(other, name, twin(getattr(thing, name), known))
    return other  # type: ignore[no-any-return]


class Worlds(Protocol):
    """Where equal worlds come from."""

    def one(self) -> AbstractAsyncContextManager[World]:
        """Open a world in which the scene has just ended."""
        ...


class MemoryWorlds:
    """Worlds in memory."""

    def __init__(self, first: World) -> None:
        self._first = first

    @classmethod
    async def after(cls, scene: Scene) -> Self:
        """Live through a scene once."""
        async with open_world(lambda clock: MemoryStorage(clock=clock)) as world:
            await scene(world)
        return cls(world)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[World]:
        """Open a world in which the scene has just ended."""
        yield twin(self._first, {})


class SQLiteWorlds:
    """Worlds whose storages are SQLite files in one folder."""

    def __init__(self, first: World, folder: Path) -> None:
        self._first, self._folder = first, folder

    @classmethod
    async def after(cls, scene: Scene, folder: Path) -> Self:
        """Live through a scene once."""
        async with open_world(lambda clock: SQLiteStorage(folder / "first.db", clock=clock)) as world:
            await scene(world)
        return cls(world, folder)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[World]:
        """Open a world in which the scene has just ended, on a copy of its file."""
        world = twin(self._first, {})
        with TemporaryDirectory(dir=self._folder) as folder:
            path = shutil.copy2(self._folder / "first.db", folder)
            async with SQLiteStorage(path, clock=world.clock) as storage:
                yield attrs.evolve(world, storage=storage)
