"""A runner in a process of its own, for tests that need real ones.

python run_in_process.py FILE MINUTES-LATER RUNS (SOURCE SUBSOURCE URL oldest|newest)...

It says that it is ready, waits for a line, and prints a line of JSON for each run.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from datetime import datetime, timedelta

from ordersync import ChannelId, SyncRunner
from ordersync.clock import SystemClock
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.testing.loopback import LoopbackChannel

TOKEN = "sweeps"  # noqa: S105 - of a server that lives for one test


class LaterClock(SystemClock):
    """This machine's clock, put forward: leases of the dead are over sooner than a test can wait."""

    def __init__(self, ahead: timedelta) -> None:
        self._ahead = ahead

    def now(self) -> datetime:
        """Return the time some minutes from now."""
        return super().now() + self._ahead


def tell(facts: dict[str, object]) -> None:
    """Print one line of JSON."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


async def main(file: str, minutes: str, runs: str, *served: str) -> None:
    """Open everything, then run so often."""
    clock = LaterClock(timedelta(minutes=float(minutes)))
    async with AsyncExitStack() as stack:
        storage = await stack.enter_async_context(SQLiteStorage(file, clock=clock))
        channels = [
            await stack.enter_async_context(
                LoopbackChannel(
                    ChannelId(source, subsource), url=url, token=TOKEN, pages_in_update_order=order == "oldest"
                )
            )
            for source, subsource, url, order in zip(*(served[place::4] for place in range(4)), strict=True)
        ]
        tell({"ready": file})
        sys.stdin.readline()
        for _ in range(int(runs)):
            report = await SyncRunner(channels, storage, clock=clock).run_once()
            tell(report.to_dict())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
