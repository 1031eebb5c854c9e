"""The simulated world before anything happens in it: markets, storage, programs' ways to both, what lies where."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import cached_property, partial
from typing import Any, cast

import attrs

from ...channel import Channel
from ...clock import Clock
from ...model.events import Observer
from ...model.ids import ChannelId, OrderKey
from ...model.orders import Resolution
from ...model.runs import ChannelState
from ...model.settings import ChannelSettings, StatusMapping
from ...model.stock import StockRule
from ...observers import LogObserver
from ...ports import OwnStockLedger, Storage
from ...sync.retry import RetryPolicy
from ...sync.runner import SyncRunner
from .chances import Chances
from .channel import true_channel
from .checkers.bookkeeping import BookkeepingChecker
from .checkers.checker import Checker
from .checkers.commits import Commit, Sold, Started
from .checkers.dispatch import DispatchChecker
from .checkers.erasure import ErasureChecker
from .checkers.leases import LeasesChecker
from .checkers.listings import ListingsChecker
from .checkers.orders import OrdersChecker
from .checkers.oversells import OversellChecker
from .checkers.reports import ReportsChecker
from .checkers.scanning import ScanningChecker
from .checkers.staleness import StalenessChecker
from .checkers.stock import StockChecker
from .checkers.tries import TriesChecker
from .checkers.world import World
from .clock import SimClock
from .loop import VirtualTime
from .market import MarketTraits, TrueMarket
from .net import Departure, FaultNet
from .options import MarketOptions, Options
from .ports import StorageFaults, Way
from .processes import Pace, Process
from .reading import StorageReader, at_once
from .referee import Referee
from .remains import remains
from .situations import Situations
from .stalls import Rivals
from .trace import Trace

SET = "SET"
NEW = "NEW"
WORDS = StatusMapping(
    version="1",
    paid=["Ready", "Part shipped", "On hold"],
    unpaid=["Awaiting payment"],
    shipped=["Shipped"],
    cancelled=["Cancelled"],
    ignored=["Refunded"],
)
"""What the words of a market mean that shows nothing beside them."""

MAIN, DEPOT = "main", "depot"
TIMES = ("lag", "granularity", "skew", "placing", "call_timeout", "late_window")
"""What ``MarketOptions`` tells in seconds."""


LOGGED = 0.05
"""In so many simulations runs are logged."""


class Stage:
    """Everything that one simulation is made of."""

    locations = (MAIN, DEPOT)

    def __init__(self, options: Options, loop: VirtualTime, storage: Storage) -> None:
        """Build the world of *options*; nothing has happened in it yet."""
        self.options, self.loop, self.storage = options, loop, storage
        self.chances = Chances(options.seed)
        self.trace = Trace(lambda: loop.passed)
        self.clock = SimClock(loop)
        self.over = False
        self.broken_channels: list[ChannelId] = []
        self.rivals = Rivals()
        self.skus = [f"S{number}" for number in range(1, options.skus + 1)]
        self.markets = {_channel_id(number): self._market(number, one) for number, one in enumerate(options.markets, 1)}
        self.settings = {channel: self._settings(number) for number, channel in enumerate(self.markets)}
        self.channel_skus = {channel: self._channel_skus(channel) for channel in self.markets}
        self.net = FaultNet(options.net, chance=self.chances.child("net"), loop=loop, trace=self.trace)
        self.faults = StorageFaults(options.storage_faults, chance=self.chances.child("storage"))
        self.reader = StorageReader(storage)
        world = World(
            markets=self.markets,
            settings=self.settings,
            locations=self.locations,
            broken=self.broken_channels,
            doubles="twice" in options.net,
        )
        self.referee = Referee(self._checkers(world), ReportsChecker(world), self.reader, self.trace)
        self._listen()

    def machine_clock(self, skew_s: float) -> SimClock:
        """Return the clock of a machine that is *skew_s* ahead."""
        return SimClock(self.loop, skew=timedelta(seconds=round(skew_s, 3)))

    def start_process(self, name: str) -> Process:
        """Start a program anew."""
        pace = Pace(self.options.waits, self.options.latency_s)
        return Process(name, chance=self.chances.child(f"pace {name}"), trace=self.trace, pace=pace)

    def reach(self, process: Process) -> Storage:
        """Return the storage as a process reaches it."""
        way = Way(process, self.faults, trace=self.trace, now=self.clock.now, tell=self._committed)
        return way.to(self.storage)

    def channels(self, process: Process) -> list[Channel]:
        """Return the channels as a process reaches them, under the settings of now."""
        return [
            true_channel(channel, market, self.net, process, settings=self.settings[channel])
            for channel, market in self.markets.items()
        ]

    def runner(self, process: Process, clock: Clock, chance: random.Random, run_ids: Callable[[], str]) -> SyncRunner:
        """Return the real runner of a program that has just read its configuration."""
        retry = RetryPolicy(chance=chance.random)
        channels, storage = self.channels(process), self.reach(process)
        return SyncRunner(channels, storage, clock=clock, retry=retry, run_ids=run_ids, observers=self.observers)

    @cached_property
    def observers(self) -> Sequence[Observer]:
        """Return who tells of the runs: in some worlds the log, which takes a sixth of all time."""
        return [LogObserver()] if self.chances.child("log").random() < LOGGED else []

    def calm(self) -> None:
        """Let nothing go wrong from now on, and let the last channel end as the options say."""
        self.over = True
        self.net.quiet()
        self.faults.quiet()
        journal, at = self.reach(self.last_process).journal, self.clock.now()
        for channel in self.markets:
            if self.reader.life(channel).state is ChannelState.DISABLED:
                at_once(journal.enable(channel, by="Carl", at=at))
        last = list(self.markets)[-1]
        if self.options.ending == "disabled":
            at_once(journal.disable(last, by="Carl", cause="holidays", at=at))
        elif self.options.ending == "refused":
            self.net.refuse(last)
        if self.options.ending != "well":
            self.broken_channels.append(last)
            self.markets[last].buy()

    @cached_property
    def last_process(self) -> Process:
        """Return the program that runs when all is calm."""
        return Process("quiet", chance=self.chances.child("quiet"), trace=self.trace)

    @cached_property
    def last_runner(self) -> SyncRunner:
        """Return its runner, under the settings that people left in the end."""
        numbers = itertools.count(1)
        return self.runner(
            self.last_process, self.clock, self.chances.child("quiet runs"), lambda: f"quiet-{next(numbers)}"
        )

    def freeze_s(self) -> float:
        """Return how long a machine is suspended: sometimes longer than a lease."""
        return self.options.shortest_lease_s * self.chances.child(f"freeze {self.loop.passed}").uniform(0.1, 3.0)

    def is_stored(self, channel: ChannelId, reference: str) -> bool:
        """Say whether an order is kept here."""
        return self.reader.order(OrderKey(channel, reference)) is not None

    def some_key(self, chance: random.Random) -> OrderKey | None:
        """Return the key of some order of some market."""
        channel = chance.choice(list(self.markets))
        references = list(self.markets[channel].orders)
        return OrderKey(channel, chance.choice(references)) if references else None

    def some_rule(self, chance: random.Random) -> StockRule:
        """Return one of many rules."""
        return StockRule(
            locations=chance.choice((None, None, frozenset({MAIN}), frozenset({MAIN, DEPOT}))),
            buffer=chance.choice((0, 0, 1, 2)),
            percentage=chance.choice((Decimal(100), Decimal(100), Decimal(70))),
            end_when=chance.choice((0, 0, 1)),
            cap=chance.choice((None, None, 5)),
        )

    async def furnish(self) -> None:
        """Put goods on the shelves and offer them on the markets."""
        storage = self.reach(Process("opening", chance=self.chances.child("opening"), trace=self.trace))
        stock, chance = cast("OwnStockLedger", storage.stock), self.chances.child("opening stock")
        for sku in self.skus:
            for place in self.locations:
                pieces = chance.randint(0, self.options.stock)
                name = f"opening/{sku}/{place}"
                await stock.set_on_hand(sku, location=place, quantity=pieces, movement_id=name)
        if self.options.kit:
            await storage.listings.define_kit(SET, {self.skus[0]: 1, self.skus[-1]: 1 + (len(self.skus) > 1)})
        for channel, market in self.markets.items():
            for channel_sku in self.channel_skus[channel]:
                market.offer(channel_sku, chance.randint(0, 4))
                if not channel_sku.startswith(NEW):
                    await storage.listings.link(channel, channel_sku, channel_sku.partition("@")[0])

    def _checkers(self, world: World) -> Sequence[Checker]:
        """Return whoever watches, in the order in which they are told."""
        return (
            OrdersChecker(world),
            StockChecker(world),
            ListingsChecker(world, pending=self.reader.changed),
            DispatchChecker(world),
            TriesChecker(world),
            ScanningChecker(world),
            LeasesChecker(world),
            BookkeepingChecker(world),
            StalenessChecker(world),
            OversellChecker(world, tell=self.trace.figure),
            ErasureChecker(world, remains=partial(remains, self.storage)),
            Situations(world, self.trace),
        )

    def _listen(self) -> None:
        """Let the referee hear of what leaves for a market, and of what takes effect there."""
        for channel, market in self.markets.items():
            market.on_applied = partial(self.referee.applied, channel)
            market.on_sold = partial(self._sells, channel)
        self.net.on_departure = self._departs
        self.net.on_trouble = lambda call: self.referee.troubled(call.process, call.channel)

    def _committed(self, commit: Commit) -> None:
        self.referee.committed(commit)
        self.rivals.heard(commit)

    def _sells(self, channel: ChannelId, sku: str, pieces: int) -> None:
        shown = self.markets[channel].levels.get(sku, 0)
        self.referee.sold(Sold(channel=channel, sku=sku, pieces=pieces, shown=shown, at=self.clock.now()))

    def _departs(self, request: Departure) -> None:
        self.referee.started(
            Started(
                process=request.process,
                channel=request.channel,
                method=request.method,
                at=self.clock.now(),
                effect=request.effect,
                request=request.content,
            )
        )

    def _market(self, number: int, options: MarketOptions) -> TrueMarket:
        traits = _traits(options)
        clock = self.machine_clock(options.skew)
        chance = self.chances.child(f"market {number}")
        return TrueMarket(_channel_id(number).source, traits, now=clock.now, chance=chance, trace=self.trace)

    def _settings(self, number: int) -> ChannelSettings:
        chance, options = self.chances.child(f"settings {number}"), self.options.markets[number]
        return ChannelSettings(
            location=self.locations[number % 2],
            download_unpaid=options.download_unpaid,
            status_mapping=WORDS if options.words_only else None,
            import_shipped=options.imports_ended,
            import_cancelled=options.imports_ended,
            stock_rule=self.some_rule(chance),
            sweep_every=timedelta(minutes=chance.choice((5, 15, 60))),
            drift_check_every=timedelta(minutes=chance.choice((30, 240))),
            dispatch_window=timedelta(hours=3),
            shipped_elsewhere=chance.choice((None, Resolution.PROCESS)),
            vanished=chance.choice((None, Resolution.CANCEL)),
            unknown_dispatch=chance.choice(("ask", "never")),
        )

    def _channel_skus(self, channel: ChannelId) -> list[str]:
        named = [f"{sku}@{channel.source}" for sku in self.skus]
        kit = [f"{SET}@{channel.source}"] if self.options.kit else []
        return [*named, *kit, f"{NEW}@{channel.source}"]


def _channel_id(number: int) -> ChannelId:
    return ChannelId(f"M{number}", "shop")


def _traits(options: MarketOptions) -> MarketTraits:
    names = {field.name for field in attrs.fields(MarketTraits)}
    plain = {name: value for name, value in attrs.asdict(options).items() if name in names}
    times: Any = {name: timedelta(seconds=plain[name]) for name in TIMES}
    return MarketTraits(**plain | times, undo_pause=timedelta(minutes=10))
