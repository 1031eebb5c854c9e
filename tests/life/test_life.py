"""L1 to L10 over the life of orders: whatever happens to them, they end as a model of plain words says."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from ordersync import Storage
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.testing import ManualClock

from .machine import LifeMachine


class SQLiteLifeMachine(LifeMachine):
    """The same on SQLite."""

    def open_storage(self, clock: ManualClock) -> Storage:
        """Open a fresh file."""
        folder = tempfile.TemporaryDirectory()
        self.stack.callback(folder.cleanup)
        return SQLiteStorage(Path(folder.name) / "life.db", clock=clock)


class LongLifeMachine(LifeMachine):
    """The same with a longer budget."""


def _budget(examples: int, steps: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,  # the same lives in every run of the suite; another seed is asked for by hand
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


TestLife = LifeMachine.TestCase
TestLife.settings = _budget(30, 30)

TestLongLife = pytest.mark.slow(pytest.mark.timeout(1200)(LongLifeMachine.TestCase))
TestLongLife.settings = _budget(600, 50)

TestLifeOnSQLite = pytest.mark.slow(pytest.mark.timeout(1200)(SQLiteLifeMachine.TestCase))
TestLifeOnSQLite.settings = _budget(100, 40)
