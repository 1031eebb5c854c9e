"""Explaining one order of many: how long it takes beside the size of the storage, and how SQLite finds it."""

from __future__ import annotations

import argparse
import asyncio
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from ordersync import ChannelId, Decision, Order, OrderKey
from ordersync.doctor import Doctor
from ordersync.model.ids import Fence
from ordersync.model.orders import Outcome
from ordersync.model.pages import PageWork
from ordersync.model.runs import EntryKind, JournalEntry
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.storage.sqlite.connection import Connection
from ordersync.testing import FakeMarketplace, ManualClock
from ordersync.testing.builders import NOON, make_channel_order, make_order

SHOP = ChannelId("Shop", "north")
PAGE = 1000
ROUNDS = 200
SMALL = 1_000


class Planning(Connection):
    """Notes every statement that explaining takes, with its parameters."""

    asked: dict[str, Any] | None = None

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:  # noqa: ANN401 - as sqlite3 has it
        """Note and run a statement."""
        if Planning.asked is not None and sql.lstrip().upper().startswith("SELECT"):
            Planning.asked[sql] = parameters
        return super().execute(sql, parameters)


class PlanningStorage(SQLiteStorage):
    """A storage whose statements are noted."""

    connection_class = Planning


def decision(number: int, *, admitted: bool) -> Decision:
    """Return what was decided about one order."""
    seen = make_channel_order(f"{number}", channel_order_id=f"id-{number}", updated_at=NOON + timedelta(seconds=number))
    return Decision(
        key=OrderKey(SHOP, seen.reference),
        admitted=admitted,
        code="ADMITTED" if admitted else "NOT_PAID",
        sentence="" if admitted else "It is not paid.",
        outcome=Outcome.NEW if admitted else Outcome.SKIPPED,
        digest=number.to_bytes(16, "big"),
        status=seen.status,
        run_id="run",
        page=number // PAGE,
        placed_at=seen.placed_at,
        seen=seen,
    )


def pages(numbers: range) -> Iterable[range]:
    """Cut a range into pages."""
    return (numbers[start : start + PAGE] for start in range(0, len(numbers), PAGE))


async def fill(storage: SQLiteStorage, *, orders: int, refused: int, again: int) -> None:
    """Store orders, refuse others, and decide about some of them again; write the readings that saw them."""
    fence = Fence(SHOP, 1)
    await storage.journal.enable(SHOP, by="benchmark", at=NOON)

    async def save(page: Iterable[int], *, admitted: bool, new: Sequence[Order] = ()) -> None:
        decisions = tuple(decision(number, admitted=admitted) for number in page)
        assert await storage.orders.save_page(
            PageWork(channel=SHOP, new=new, decisions=decisions), fence=fence, at=NOON
        )

    for page in pages(range(orders)):
        new = [make_order(OrderKey(SHOP, f"{number}"), channel_order_id=f"id-{number}") for number in page]
        await save(page, admitted=True, new=tuple(new))
    for page in pages(range(orders, orders + refused)):
        await save(page, admitted=False)
    for page in pages(range(orders, orders + refused)[:again]):
        await save(page, admitted=False)
    windows = [window(minutes) for minutes in range((orders + refused) // 5)]
    for start in range(0, len(windows), PAGE):
        await storage.journal.write(windows[start : start + PAGE])


def window(minutes: int) -> JournalEntry:
    """Return one reading of the channel."""
    at = NOON + timedelta(minutes=minutes)
    facts = {"scan": "updates", "since": (at - timedelta(minutes=5)).isoformat(), "until": at.isoformat(), "seen": "3"}
    return JournalEntry(at=at, kind=EntryKind.WINDOW_READ, run_id="run", channel=SHOP, code="complete", facts=facts)


async def measure(path: Path, *, orders: int, refused: int, again: int) -> dict[str, list[float]]:
    """Return how many milliseconds explaining takes, by what is asked for; print the plans of the last."""
    clock = ManualClock(start=NOON + timedelta(days=1))
    times: dict[str, list[float]] = {}
    async with PlanningStorage(path, clock=clock) as storage:
        began = time.perf_counter()
        await fill(storage, orders=orders, refused=refused, again=again)
        size = os.stat(path).st_size / 1e6  # noqa: PTH116 - nobody waits for it
        decided = orders + refused + again
        print(
            f"{orders:,} orders, {decided:,} decisions: filled in {time.perf_counter() - began:.0f} s, {size:,.0f} MB"
        )
        doctor = Doctor([FakeMarketplace(SHOP, clock=clock)], storage, clock=clock)
        for name, reference in asked_for(orders, refused).items():
            times[name] = []
            for _ in range(ROUNDS):
                began = time.perf_counter()
                await doctor.explain(reference)
                times[name].append((time.perf_counter() - began) * 1000)
        asked = Planning.asked = {}
        for reference in asked_for(orders, refused).values():
            await doctor.explain(reference)
        Planning.asked = None
    print_plans(path, asked)
    return times


def asked_for(orders: int, refused: int) -> dict[str, str]:
    """Return what is asked for, by name."""
    return {
        "stored": f"{orders // 2}",
        "refused": f"#{orders + refused // 2}",
        "by its API id": f"id-{orders + refused // 3}",
        "never seen": "nobody",
    }


SMALL_TABLES = ("channels", "channel_life", "json_each", "wanted", "wanted_id", "named")
"""A row a channel, or what was asked for: reading these whole is no scan."""


def print_plans(path: Path, asked: dict[str, Any]) -> None:
    """Say how SQLite finds what explaining asks for, and which statements read a whole table."""
    with sqlite3.connect(path) as connection:
        for sql, parameters in asked.items():
            plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)]
            scans = [step for step in plan if step.startswith("SCAN") and step.split()[1] not in SMALL_TABLES]
            shown = scans or [step for step in plan if step.startswith("SEARCH")]
            print(f"{'SCAN' if scans else 'ok'}\t{' '.join(sql.split())[:60]}\n\t{'; '.join(shown)}")


def main() -> None:
    """Print times for a small storage and a large one, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=200_000)
    parser.add_argument("--refused", type=int, default=200_000)
    parser.add_argument("--again", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        small = asyncio.run(measure(Path(folder) / "small.db", orders=SMALL, refused=SMALL, again=SMALL // 2))
        sizes = {name: getattr(options, name) for name in ("orders", "refused", "again")}
        large = asyncio.run(measure(Path(folder) / "large.db", **sizes))
    for name, times in large.items():
        slow = quantiles(times, n=20)[-1]
        ratio = median(times) / median(small[name])
        print(f"{name}: median {median(times):.1f} ms, 95 % below {slow:.1f} ms, {ratio:.2f} times the small storage")


if __name__ == "__main__":
    main()
