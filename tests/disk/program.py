"""A small real program: runs over two marketplaces and work at a desk, on a real file.

python program.py FOLDER SCENARIO [--file PATH] [--synchronous N] [--user UID]

Everything that it does may be done again, so it is simply started again after it was killed. What was
acknowledged is in FOLDER/acks, what took effect outside in FOLDER/outside; the database alone is the disk that is
tried; it is FOLDER/shop.db unless told otherwise. Exit code 3: a storage error, which is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from disk.acks import acknowledge
from disk.outside import BAZAAR, SHOP, SKUS, Log, Outside
from ordersync import ChannelId, OrderDesk, OrderState, Parcel, RetryPolicy, SyncRunner
from ordersync.errors import StorageError
from ordersync.model.ids import OrderKey
from ordersync.storage.sqlite import SQLiteStorage, connection
from ordersync.testing import ManualClock

FAILED = 3


@attrs.frozen
class Scenario:
    """How many more orders there are, and after how many pages the log is written back; 0: at the end only."""

    orders: int
    pages: int
    erases: bool = False


SCENARIOS = {"small": Scenario(0, 0), "busy": Scenario(60, 12), "erasing": Scenario(4, 40, erases=True)}


class OftenWrittenBack(connection.Connection):
    """A connection that writes its log back after few pages, as a long day does after many."""

    pages = 0

    def __init__(self, *args: Any, **named: Any) -> None:  # noqa: ANN401 - of sqlite3
        super().__init__(*args, **named)
        self.execute(f"PRAGMA wal_autocheckpoint = {self.pages}")


def storage_of(scenario: Scenario, file: Path, clock: ManualClock) -> SQLiteStorage:
    """Return the storage of a scenario."""
    if not scenario.pages:
        return SQLiteStorage(file, clock=clock)

    class Often(OftenWrittenBack):
        pages = scenario.pages

    class Storage(SQLiteStorage):
        connection_class = Often

    return Storage(file, clock=clock)


class Day:
    """One start of the program."""

    def __init__(self, folder: Path, scenario: Scenario, *, file: Path | None = None) -> None:
        """Read what happened before."""
        self.scenario = scenario
        self.clock = ManualClock()
        self.logs = Log(folder / "outside"), Log(folder / "acks")
        self.outside = Outside(self.logs[0], self.clock, orders=scenario.orders)
        self.storage = storage_of(scenario, file or folder / "shop.db", self.clock)
        self.desk = OrderDesk(self.storage, clock=self.clock)
        starts = sum(what == "start" for _, what, *_ in self.logs[0].lines())
        self._run_ids = (f"run-{starts}-{number}" for number in itertools.count())
        acknowledge(self.storage, self.logs[1])

    async def work(self) -> None:
        """Do all that is to be done, from the opening of the file to its closing."""
        async with self.storage:
            self.outside.reach("morning")
            await self._open_shop()
            await self._run()
            self.outside.reach("noon")
            await self._pack("1001", Parcel(id="p1", lines={"L1": 1}, carrier="DHL", tracking_number="JD1"))
            await self.storage.stock.adjust("LID", location="main", quantity=-1, movement_id="broken")
            await self._run()
            self.outside.reach("evening")
            await self._pack("1001", Parcel(id="p2", carrier="DHL", tracking_number="JD2"))
            if self.scenario.erases:
                await self.desk.erase(OrderKey(SHOP, "1002"), who="ann", why="asked for")
            await self._cancel(OrderKey(BAZAAR, "B-2"))
            for _ in range(4):
                await self._run()

    def close(self) -> None:
        """Close the logs."""
        for log in self.logs:
            log.close()

    async def _open_shop(self) -> None:
        for sku in SKUS:
            await self.storage.stock.set_on_hand(sku, location="main", quantity=200, movement_id=f"opening/{sku}")
            for channel in (SHOP, BAZAAR):
                await self.storage.listings.link(channel, sku, sku)

    async def _run(self) -> None:
        """Run once, ten minutes later; a storage error of any channel ends the day."""
        self.clock.advance(minutes=10)
        channels = (self.outside.shop, self.outside.bazaar)
        runner = SyncRunner(
            channels,
            self.storage,
            clock=self.clock,
            retry=RetryPolicy(attempts=1),
            run_ids=lambda: next(self._run_ids),
        )
        report = await runner.run_once()
        report.raise_for_errors()

    async def _pack(self, reference: str, parcel: Parcel) -> None:
        await self.desk.process(OrderKey(SHOP, reference), parcel)

    async def _cancel(self, key: OrderKey) -> None:
        if (await self.storage.orders.get(key)).state is not OrderState.CANCELLED:
            await self.desk.cancel(key, who="ann", why="out of print")


async def ending(folder: Path) -> Mapping[str, Any]:
    """Return all that is to be the same at every end, as JSON says it."""
    day = Day(folder, SCENARIOS["small"])
    try:
        async with day.storage as storage:
            orders = await storage.orders.listed(limit=1000)
            stored = {str(order.key): await _order(storage, order) for order in orders}
            levels = await storage.stock.levels(SKUS)
            history = {sku: sorted([one.id, one.quantity] for one in await storage.stock.history(sku)) for sku in SKUS}
            decided = {str(one): await _decisions(storage, one) for one in (SHOP, BAZAAR)}
        facts = {
            "orders": stored,
            "levels": [[one.sku, one.location, one.on_hand, one.reserved] for one in levels],
            "history": history,
            "decided": decided,
            "outside": day.outside.state(),
        }
    finally:
        day.close()
    return dict(json.loads(json.dumps(facts)))


async def _decisions(storage: SQLiteStorage, channel: ChannelId) -> list[object]:
    decisions = await storage.orders.decisions(channel, limit=1000)
    waiting = await storage.orders.quarantined(channel)
    return [
        sorted([one.key.reference, str(one.code)] for one in decisions),
        sorted(str(one.reference) for one in waiting),
    ]


async def _order(storage: SQLiteStorage, order: Any) -> list[object]:  # noqa: ANN401
    claim = await storage.stock.held(order.key)
    return [
        str(order.state),
        order.buyer is None,
        sorted([one.line_id, one.quantity, one.cancelled, one.shipped] for one in order.lines),
        sorted([*place, quantity] for place, quantity in order.wanted.items()),
        [] if claim is None else sorted([*place, quantity] for place, quantity in claim.wanted.items()),
        sorted([one.parcel_id, sorted(one.note.lines.items())] for one in await storage.orders.notes(order.key)),
        sorted(str(one.status) for one in await storage.orders.notes(order.key)),
    ]


def storage_errors(error: BaseException) -> list[StorageError] | None:
    """Return the storage errors that ended a day; None when something else did."""
    if isinstance(error, StorageError):
        return [error]
    if isinstance(error, ExceptionGroup) and all(isinstance(one, StorageError) for one in error.exceptions):
        return [one for one in error.exceptions if isinstance(one, StorageError)]
    return None


def main(arguments: list[str]) -> int:
    """Run the program once."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("scenario", choices=SCENARIOS)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--synchronous", type=int)
    parser.add_argument("--user", type=int)
    asked = parser.parse_args(arguments)
    if asked.synchronous is not None:
        changed = dict(connection.PRAGMAS) | {"synchronous": asked.synchronous}
        vars(connection)["PRAGMAS"] = tuple(changed.items())
    if asked.user is not None:
        os.setgroups([])
        os.setgid(asked.user)
        os.setuid(asked.user)
    day = Day(asked.folder, SCENARIOS[asked.scenario], file=asked.file)
    try:
        asyncio.run(day.work())
    except (StorageError, ExceptionGroup) as error:
        errors = storage_errors(error)
        if errors is None:
            raise
        sys.stdout.write(json.dumps([[type(one).__name__, str(one)] for one in errors]) + "\n")
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
