"""The simulated world around an author's channel: it, a market of the simulator's own, and programs that sync both."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from functools import cached_property

import attrs

from ....channel import Channel
from ....model.events import Observer
from ....model.ids import ChannelId, OrderKey
from ....model.orders import Resolution
from ....model.settings import ChannelSettings
from ....observers import LogObserver
from ....ports import Storage
from ...contracts.channel_harness import ChannelHarness
from ..chances import Chances
from ..checkers.reports import ReportsChecker
from ..checkers.stock import StockChecker
from ..checkers.world import World
from ..drawing import draw
from ..loop import VirtualTime
from ..options import MarketOptions, Options, Rates
from ..processes import Process
from ..referee import Referee
from ..stage import Stage
from .harnessed import HarnessedMarket
from .watch import Watch
from .watched_channel import Surroundings, watched_class
from .weather import MOST, Weather

DESK_DEEDS: Rates = {
    "process": 6.0,
    "part": 3.0,
    "again": 1.5,
    "other": 0.7,
    "cancel": 0.7,
    "hold": 0.5,
    "resume": 1.0,
    "track": 0.5,
    "count": 0.2,
    "adjust": 1.5,
    "transfer": 0.4,
    "hint": 0.7,
}
"""What people do here while it is an author's channel that is tried."""

ACCIDENTS: Rates = {"kill": 0.2, "cancel": 0.5, "freeze": 0.15}
"""What may happen to a run, and how often at most: often, since a call is a short part of it."""

MARKET_DEEDS: Rates = {"buy": 10.0, "cancel": 1.0}
"""What people do at the other market, which is there to sell the same goods."""


def drawn_options(seed: int) -> Options:
    """Return the options of a seed: as the simulator draws them, with one simple market beside the author's."""
    chance = Chances(seed).child("size")
    pause = chance.uniform(120.0, 360.0)
    return attrs.evolve(
        draw(seed),
        markets=(MarketOptions(),),
        skus=2,
        stock=chance.choice((10, 40, 80)),
        kit=False,
        clock_skew_s=0.0,
        ending="well",
        accidents={name: chance.uniform(0.1, 1.0) * rate for name, rate in ACCIDENTS.items() if chance.random() < 0.7},
        net={},
        pause_s=pause,
        chaos_s=pause * 9,
        market_pause_s=pause * 0.5,
        desk_pause_s=pause * 0.35,
        market_deeds=MARKET_DEEDS,
        desk_deeds=DESK_DEEDS,
    )


def drawn_weather(seed: int) -> Mapping[str, float]:
    """Return how often each fault happens in a seed: each is off, or on at a rate of its own."""
    chance = Chances(seed).child("weather")
    drawn = {fault: (chance.random() < 0.6, chance.uniform(0.2, 1.0) * rate) for fault, rate in MOST.items()}
    return {fault: rate for fault, (is_on, rate) in drawn.items() if is_on}


class ChannelStage(Stage):
    """Everything that one simulation of an author's channel is made of."""

    def __init__(
        self,
        options: Options,
        loop: VirtualTime,
        storage: Storage,
        harness: ChannelHarness,
        *,
        secrets: Collection[str],
        judges_scans: bool,
    ) -> None:
        """Build the world; nothing has happened in it yet."""
        super().__init__(options, loop, storage)
        real = harness.channel
        self.author, self.real = real.id, real
        world = World(markets={**self.markets, real.id: next(iter(self.markets.values()))}, settings=self.settings)
        reports = ReportsChecker(world, secrets=secrets, unheard=[real.id])
        self.referee = Referee([StockChecker(world)], reports, self.reader, self.trace)
        self._listen()
        self.market = HarnessedMarket(harness, clock=self.clock, chance=self.chances.child("buyers"), trace=self.trace)
        self.market.may_ship = self._may_be_shipped
        self.weather = Weather(
            drawn_weather(options.seed), real, chance=self.chances.child("weather of requests"), trace=self.trace
        )
        if harness.network is not None:
            self.weather.over(harness.network)
        watch = Watch(self.market, self.weather, found=self.referee.found, secrets=secrets, judges_scans=judges_scans)
        self.around = Surroundings(
            market=self.market, weather=self.weather, watch=watch, clock=self.clock, trace=self.trace
        )
        self.settings[self.author] = _settings(real.settings)
        self.channel_skus[self.author] = list(harness.skus)

    def channels(self, process: Process) -> list[Channel]:
        """Return the channels as a process reaches them, the author's first."""
        own = self._watched(self.real, self.around, process, settings=self.settings[self.author])
        return [own, *super().channels(process)]

    @cached_property
    def observers(self) -> Sequence[Observer]:
        """Return who tells of the runs: always the log."""
        return [LogObserver()]

    def calm(self) -> None:
        """Let nothing go wrong from now on."""
        self.weather.quiet()
        super().calm()

    def some_key(self, chance: random.Random) -> OrderKey | None:
        """Return the key of some order at the author's marketplace."""
        placed = list(self.market.placed)
        return OrderKey(self.author, chance.choice(placed)) if placed else None

    async def furnish(self) -> None:
        """Put goods on the shelves, and offer them on both channels."""
        await super().furnish()
        process = Process("opening links", chance=self.chances.child("opening links"), trace=self.trace)
        listings, (first, second, *_) = self.reach(process).listings, self.skus
        parts = ({first: 1}, {second: 1}, {first: 1, second: 1})
        for channel_sku, components in zip(self.channel_skus[self.author], parts, strict=False):
            await listings.link(self.author, channel_sku, components)

    def _may_be_shipped(self, reference: str) -> bool:
        """Say whether an order is known here: one that ships before the first sweep has saved it is not unshipped.

        Where shipping moves no stamp, as on Vendure, nobody would ever see it.
        """
        known = self.reader.decision(OrderKey(self.author, reference)) is not None
        return known or self.reader.progress(self.author).watermark is not None

    async def shown(self, channel: ChannelId) -> Mapping[str, int]:
        """Return what the listings of a channel show in truth."""
        return await self.market.levels() if channel == self.author else self.markets[channel].levels

    @cached_property
    def _watched(self) -> type:
        return watched_class(self.real)


def _settings(settings: ChannelSettings) -> ChannelSettings:
    """Return the author's settings with times that fit into a simulation, and a code for the carrier of its parcels."""
    carriers = dict(settings.carriers)
    if carriers:
        carriers.setdefault("DHL", next(iter(carriers.values())))
    return attrs.evolve(
        settings,
        carriers=carriers,
        sweep_every=timedelta(minutes=15),
        drift_check_every=timedelta(minutes=30),
        dispatch_window=timedelta(hours=24),
        shipped_elsewhere=Resolution.PROCESS,
    )
