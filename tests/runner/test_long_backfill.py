"""A first download of ten thousand orders costs the same from its first page to its last."""

from __future__ import annotations

import gc
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from ordersync import ChannelId, SyncRunner
from ordersync.model.events import Event, PageSaved
from ordersync.testing.loopback import LoopbackChannel
from storage.watching import WatchedStorage

MARKET = Path(__file__).parents[2] / "benchmarks" / "market.py"
TOKEN = "benchmark"  # noqa: S105 - of a server that lives for one test
ORDERS = 10_000
PAGES = ORDERS // 100
MOST_GROWTH = 2_000_000
"""Bytes; what a page holds is let go, so that eighty more pages add next to nothing."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def url() -> Iterator[str]:
    """Serve a marketplace with ten thousand orders from a process of its own."""
    command = [sys.executable, str(MARKET), str(ORDERS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


class Meter:
    """Notes, after each page, the statements that it took and the memory that is in use."""

    def __init__(self, storage: WatchedStorage) -> None:
        self._storage = storage
        self.statements: list[int] = []
        self.memory: dict[int, int] = {}

    def __call__(self, event: Event) -> None:
        """Look when a page is saved."""
        if isinstance(event, PageSaved):
            self.statements.append(len(self._storage.taken()))
            if event.page in (PAGES // 5, PAGES):
                gc.collect()
                self.memory[event.page] = tracemalloc.get_traced_memory()[0]


async def test_ten_thousand_orders_cost_the_same_from_first_to_last(url: str, tmp_path: Path) -> None:
    """Each page takes as many statements as the others, and memory does not grow with pages."""
    shop = LoopbackChannel(ChannelId("Shop", "long"), url=url, token=TOKEN, pages_in_update_order=True)
    tracemalloc.start()
    try:
        async with WatchedStorage(tmp_path / "shop.db") as storage, shop:
            meter = Meter(storage)
            report = await SyncRunner([shop], storage, observers=[meter]).run_once()
    finally:
        tracemalloc.stop()

    report.raise_for_errors()
    assert (report.channels[shop.id].new, len(meter.statements)) == (ORDERS, PAGES)
    assert len(set(meter.statements[1:])) == 1
    assert meter.memory[PAGES] - meter.memory[PAGES // 5] < MOST_GROWTH
