"""What a seed may dwell on: chance alone hardly ever brings together what one rule between the ports is about."""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve

from .options import MarketOptions, Options, Rates

NOTES_GET_LOST: Rates = {
    "lost_before send_dispatch": 0.3,
    "late_apply send_dispatch": 0.3,
    "too_many send_dispatch": 0.1,
}
"""Calls that leave the fate of a note open, and let it be tried again."""


def _hurried(market: MarketOptions) -> MarketOptions:
    """Return a market that soon tells what became of a request, and shows it long after that."""
    return evolve(market, lag=min(20 * market.lag, 300.0), late_window=market.late_window / 3)


def anything(options: Options) -> Options:
    """Leave everything to chance."""
    return options


def parcels(options: Options) -> Options:
    """Let much be shipped in parcels, many a note have an unknown fate, and many a desk be left between two steps."""
    deeds = {"process": 5.0, "part": 14.0, "next": 6.0, "again": 2.0, "requeue": 1.0}
    ways = {"move": 6.0, "hold": 1.0, "resume": 1.0, "delete": 2.0, "restore": 3.0, "ledger": 0.3}
    return evolve(
        options,
        stock=20,
        desks=3,
        desk_pause_s=options.desk_pause_s / 3,
        net={**options.net, "late_apply": 0.3, "lost_after": 0.15, "unavailable": 0.1, **NOTES_GET_LOST},
        desk_accidents={"hang": 0.3, "die": 0.1},
        market_deeds={**options.market_deeds, "ship_by_hand": 2.0},
        desk_deeds={**options.desk_deeds, **deeds, **ways},
        waits=0.3,
    )


def levels(options: Options) -> Options:
    """Let levels change all the time, and what they are of; most pushes arrive, or many have an unknown fate."""
    deeds = {"adjust": 4.0, "hold": 2.0, "resume": 2.0, "settings": 3.0, "unlink": 6.0, "rule": 1.0}
    changing = evolve(
        options,
        stock=20,
        market_pause_s=options.market_pause_s / 2,
        desk_pause_s=options.desk_pause_s / 2,
        market_deeds={**options.market_deeds, "ship_by_hand": 2.0, "block": 0.3},
        desk_deeds={**options.desk_deeds, **deeds},
        waits=0.3,
    )
    if options.seed % 3:
        return _calm(changing)
    storm = {"late_apply": 0.3, "lost_after": 0.15, "half_batch": 0.2}
    return evolve(changing, net={**options.net, **storm})


def _calm(options: Options) -> Options:
    """Let pushes arrive, if slowly, and clocks agree but for seconds, so that what is shown is mostly believed."""
    return evolve(
        options,
        markets=tuple(
            evolve(one, decrements_on_sale=True, skew=min(max(one.skew, 0.0), 45.0)) for one in options.markets
        ),
        desks=2,
        pause_s=options.pause_s / 2,
        latency_s=10.0,
        net={"slow push_stock": 0.2, "half_batch": 0.05},
        storage_faults={"unknown": 0.01},
        accidents={"stall": 0.2, "kill": 0.1},
    )


def programs(options: Options) -> Options:
    """Let runs be killed, cancelled and frozen, and the next one begin while they are."""
    deeds = {"process": 4.0, "part": 8.0, "next": 16.0, "requeue": 3.0}
    return evolve(
        options,
        stock=20,
        runners=max(2, options.runners),
        clock_skew_s=min(30 * options.clock_skew_s, 3600.0),
        pause_s=options.pause_s / 2,
        markets=tuple(map(_hurried, options.markets)),
        desk_pause_s=options.desk_pause_s / 2,
        desk_deeds={**options.desk_deeds, **deeds},
        market_deeds={**options.market_deeds, "ship_by_hand": 1.5},
        net={**options.net, **NOTES_GET_LOST},
        accidents={"kill": 0.15, "cancel": 0.1, "freeze": 0.25, "stall": 0.5},
        waits=0.3,
        latency_s=30.0,
    )


def readings(options: Options) -> Options:
    """Let much change on the markets, and be linked here, while slow pages are read, some of which are wrong."""
    wrong = {"truncated": 0.05, "truncated fetch_order": 0.1, "empty": 0.04, "same_token": 0.05, "stale": 0.1}
    small = tuple(
        evolve(one, page_size=min(one.page_size, 2), granularity=min(one.granularity, 1.0)) for one in options.markets
    )
    return evolve(
        options,
        markets=small,
        market_pause_s=options.market_pause_s / 3,
        desk_pause_s=options.desk_pause_s / 3,
        net={**options.net, "slow": 0.1, **wrong},
        desk_deeds={**options.desk_deeds, "link": 10.0, "unlink": 6.0},
        latency_s=30.0,
        waits=0.3,
    )


THEMES: tuple[Callable[[Options], Options], ...] = (anything, anything, parcels, levels, programs, readings)
"""What the options of a seed are drawn towards, each as often."""
