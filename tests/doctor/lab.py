"""The lab of the doctor's tests: a shop that defines its own status words, linted after real runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ordersync import ChannelSettings, StatusMapping
from ordersync.doctor.linting import LintFinding, lint
from ordersync.storage.memory import MemoryStorage
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.testing import ManualClock
from runner.world import SHOP, World
from storage.empty_file import empty_file

MAPPING = StatusMapping(version="1", paid=["Ready"], unpaid=["Awaiting payment"], shipped=["Shipped"])


@asynccontextmanager
async def opened_lab(kind: str, folder: Path) -> AsyncIterator[World]:
    """Open a world on a storage of this kind, with a shop that goes by ``MAPPING`` and has ten mugs."""
    clock = ManualClock()
    memory = kind == "memory"
    storage = MemoryStorage(clock=clock) if memory else SQLiteStorage(empty_file(folder / "lab.db"), clock=clock)
    async with storage:
        world = World(storage, clock)
        set_up(world)
        await world.stock("MUG", 10)
        await world.sell(world.shop, "MUG", 10)
        yield world


def set_up(world: World, mapping: StatusMapping | None = MAPPING, **changes: Any) -> None:  # noqa: ANN401 - settings
    """Give the shop a mapping and other settings."""
    settings = ChannelSettings(status_mapping=mapping, **changes)
    if world.shop.requires_status_mapping:
        world.shop = world.shop.with_settings(settings)
    else:
        world.shop = world.open(SHOP, settings, requires_status_mapping=True)


async def linted(world: World) -> dict[str, LintFinding]:
    """Lint the shop, and return what was found by its code; no code comes twice."""
    found = await lint(world.storage, world.shop, now=world.clock.now())
    by_code = {finding.code: finding for finding in found}
    assert len(by_code) == len(found)
    return by_code


async def shipped_once(world: World) -> None:
    """Run until the shop has shown one unpaid order, one to send, and one that was shipped."""
    world.shop.place("1000", lines={"MUG": 1}, paid=False)
    world.shop.place("1001", lines={"MUG": 1})
    world.shop.place("1002", lines={"MUG": 1})
    await world.run(world.shop)
    await world.process("1002")
    for _ in range(2):
        await world.run_later(world.shop)
