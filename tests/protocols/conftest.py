"""Worlds for the protocols, buried after each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from protocols.world import World

MakeWorld = Callable[..., World]


@pytest.fixture
async def make_world() -> AsyncIterator[MakeWorld]:
    """Make worlds by ``World``'s own arguments; what still stands somewhere in them at the end has died."""
    worlds: list[World] = []

    def make(**arguments: Any) -> World:  # noqa: ANN401 - those of World
        worlds.append(World(**arguments))
        return worlds[-1]

    yield make
    for world in worlds:
        await world.close()


@pytest.fixture
async def world(make_world: MakeWorld) -> World:
    """Sell ten MUGs on a shop and a market, both settled."""
    world = make_world()
    await world.open()
    return world
