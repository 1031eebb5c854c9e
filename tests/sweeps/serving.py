"""Marketplaces on loopback whose pages are logged, and runners in processes of their own that read them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs

from ordersync import ChannelId
from ordersync.testing import FakeMarketplace
from ordersync.testing.market import SightPage
from ordersync.testing.server import serve

SCRIPT = Path(__file__).with_name("run_in_process.py")
TOKEN = "sweeps"  # noqa: S105 - of a server that lives for one test


class LoggedMarketplace(FakeMarketplace):
    """A marketplace that keeps which orders it showed, page by page."""

    pages: list[list[str]]

    async def read_page(self, since: datetime | None, cursor: str | None) -> SightPage:
        """Return one page of orders, and log it."""
        page = await super().read_page(since, cursor)
        vars(self).setdefault("pages", []).append([sight.reference for sight in page.sights])
        return page


@attrs.frozen
class Served:
    """A marketplace and where it is served."""

    market: FakeMarketplace
    url: str

    @property
    def arguments(self) -> Sequence[str]:
        """Return what a runner in another process must know of it."""
        channel: ChannelId = self.market.id
        order = "oldest" if self.market.pages_in_update_order else "newest"
        return channel.source, channel.subsource, self.url, order


@asynccontextmanager
async def served(*markets: FakeMarketplace) -> AsyncIterator[Sequence[Served]]:
    """Serve marketplaces for as long as the block lasts."""
    if not markets:
        yield ()
        return
    async with serve(markets[0], token=TOKEN) as url, served(*markets[1:]) as others:
        yield (Served(markets[0], url), *others)


async def ready_runner(file: Path, markets: Sequence[Served], *, runs: int = 1, minutes_later: float = 0) -> Process:
    """Start a runner in a process of its own, which has opened everything and waits for ``go``."""
    arguments = [str(file), str(minutes_later), str(runs), *(word for one in markets for word in one.arguments)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(SCRIPT), *arguments),
        stdin=PIPE,
        stdout=PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    assert "ready" in json.loads(await process.stdout.readline())
    return process


def go(*processes: Process) -> None:
    """Let runners that are ready begin."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")


async def reports_of(process: Process) -> list[Mapping[str, Any]]:
    """Wait for a runner that ends well, and return what it told of each run: channels by source."""
    output, _ = await process.communicate()
    assert process.returncode == 0
    reports = [json.loads(line) for line in output.splitlines()]
    return [{channel["source"]: channel for channel in report["channels"]} for report in reports]


async def run_in_process(file: Path, markets: Sequence[Served], *, minutes_later: float) -> Mapping[str, Any]:
    """Run once in a process of its own and return what it told."""
    process = await ready_runner(file, markets, minutes_later=minutes_later)
    go(process)
    (report,) = await reports_of(process)
    return report
