"""Interesting situations are told when they occur, and only then."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from ordersync import ChannelId, OrderKey, StockUpdate
from ordersync.clock import Clock
from ordersync.errors import LeaseLostError
from ordersync.model.runs import Lease
from ordersync.model.stock import Claim
from ordersync.storage.memory import MemoryStorage
from ordersync.testing import ManualClock
from ordersync.testing.simulator import situations
from ordersync.testing.simulator.campaigns.sometimes import SITUATIONS
from ordersync.testing.simulator.checkers.commits import Commit, Started
from ordersync.testing.simulator.checkers.world import World
from ordersync.testing.simulator.market import AppliedLevel
from ordersync.testing.simulator.reading import StorageReader
from ordersync.testing.simulator.situations import Situations
from ordersync.testing.simulator.trace import Trace

SHOP = ChannelId("Shop", "north")


class Watcher:
    """Hears of single events, over a real storage, and knows which situations were told."""

    def __init__(self, storage: MemoryStorage, clock: Clock) -> None:
        self.storage, self.clock = storage, clock
        self.trace = Trace(lambda: 0.0)
        self.situations = Situations(World(markets={}, settings={}), self.trace)
        self.reader = StorageReader(storage)

    def hear(self, verb: str, *args: object, port: str = "journal", answer: object = None, **facts: object) -> None:
        """Hear of a verb."""
        refused = facts.pop("refused", None)
        assert refused is None or isinstance(refused, BaseException)
        commit = Commit(
            at=self.clock.now(),
            process="runner1",
            port=port,
            verb=verb,
            args=args,
            facts=facts,
            answer=answer,
            refused=refused,
        )
        self.situations.committed(commit, self.reader)

    def send(self, attempt_id: str) -> None:
        """Hear of a push that departs."""
        update = StockUpdate(channel_sku="MUG", quantity=1, attempt_id=attempt_id)
        call = Started(
            process="runner1", channel=SHOP, method="push_stock", at=self.clock.now(), effect=True, request=[update]
        )
        self.situations.started(call, self.reader)

    def land(self, attempt_id: str) -> None:
        """Hear of a level that a market took over."""
        level = AppliedLevel(at=self.clock.now(), sku="MUG", quantity=1, attempt_id=attempt_id)
        self.situations.applied(SHOP, level, self.reader)

    def told(self) -> Counter[str]:
        """Return what was told so far."""
        return Counter({name.removeprefix("sometimes: "): count for name, count in self.trace.counts.items()})


@pytest.fixture
async def watcher() -> AsyncIterator[Watcher]:
    """Watch an empty storage."""
    clock = ManualClock()
    async with MemoryStorage(clock=clock) as storage:
        yield Watcher(storage, clock)


def lease(holder: str, token: int) -> Lease:
    """Return a lease of the shop."""
    return Lease(channel=SHOP, token=token, holder=holder)


async def test_takeover(watcher: Watcher) -> None:
    """A lease that another held to its end is taken over, and one that was given back is not."""
    watcher.hear("lease", SHOP, answer=lease("one", 1), holder="one", duration=timedelta(minutes=5))
    watcher.hear("release", lease("one", 1))
    watcher.hear("lease", SHOP, answer=lease("two", 2), holder="two", duration=timedelta(minutes=5))
    assert watcher.told() == {}

    watcher.hear("lease", SHOP, answer=None, holder="one", duration=timedelta(minutes=5))
    watcher.hear("lease", SHOP, answer=lease("one", 3), holder="one", duration=timedelta(minutes=5))
    assert watcher.told() == {situations.TAKEOVER: 1}


async def test_late_runner(watcher: Watcher) -> None:
    """A verb of a runner that lost its lease is told, and nothing else of it."""
    watcher.hear("save_page", port="orders", refused=LeaseLostError("late"))

    assert watcher.told() == {situations.LATE_WRITE: 1}


async def test_level_that_lands_late(watcher: Watcher) -> None:
    """A level is late where a newer one was sent, and not where it is the newest."""
    watcher.send("first")
    watcher.land("first")
    assert watcher.told() == {}

    watcher.send("second")
    watcher.land("first")
    watcher.land("second")
    assert watcher.told() == {situations.OVERTAKEN: 1}


async def test_health(watcher: Watcher) -> None:
    """A channel rests after failures, and is well again once it has none, which is told once."""
    at = watcher.clock.now()
    watcher.hear("set_health", SHOP, at=at, failures=3, paused_until=at)
    watcher.hear("set_health", SHOP, at=at, failures=0, paused_until=None)
    watcher.hear("set_health", SHOP, at=at, failures=0, paused_until=None)

    assert watcher.told() == {situations.RESTS: 1, situations.RECOVERED: 1}


async def test_shortage(watcher: Watcher) -> None:
    """A shortage is told when it begins and when it heals."""
    at = watcher.clock.now()
    claim = Claim(order_key=OrderKey(SHOP, "1001"), revision=1, wanted={("MUG", "main"): 2})
    await watcher.storage.stock.reserve([claim], at=at)
    watcher.hear("reserve", [claim], port="stock", at=at)
    watcher.hear("reserve", [claim], port="stock", at=at)
    assert watcher.told() == {situations.OVERSELL: 1}

    await watcher.storage.stock.adjust("MUG", location="main", quantity=2, movement_id="found")
    watcher.hear("adjust", "MUG", port="stock")
    assert watcher.told() == {situations.OVERSELL: 1, situations.HEALED: 1}


def test_no_name_twice() -> None:
    """Every situation that must occur has a name of its own."""
    assert len(set(SITUATIONS)) == len(SITUATIONS)
