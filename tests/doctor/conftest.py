"""A shop and a storage, opened for one test of the doctor."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from doctor.causes import Scene
from ordersync.testing import ManualClock
from runner.conftest import OpenStorage, clock, open_storage

__all__ = ["clock", "open_storage"]


@pytest.fixture
async def scene(clock: ManualClock, open_storage: OpenStorage) -> AsyncIterator[Scene]:
    """Open a shop whose first run has found nothing."""
    async with open_storage(clock) as storage:
        scene = Scene(storage, clock)
        await scene.run()
        scene.clock.advance(minutes=5)
        scene.placed_at = clock.now()
        yield scene
