"""What a seed may dwell on: chance alone hardly ever brings together what one rule between the ports is about."""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve

from .options import Options


def anything(options: Options) -> Options:
    """Leave everything to chance."""
    return options


def parcels(options: Options) -> Options:
    """Let much be shipped in parcels, and many a note have an unknown fate."""
    return evolve(
        options,
        stock=20,
        desk_pause_s=options.desk_pause_s / 3,
        net={**options.net, "late_apply": 0.3, "lost_after": 0.15, "unavailable": 0.1},
        desk_deeds={**options.desk_deeds, "process": 12.0, "part": 8.0, "next": 6.0, "again": 2.0, "requeue": 1.0},
        waits=0.3,
    )


def levels(options: Options) -> Options:
    """Let levels change all the time, and many a push have an unknown fate."""
    return evolve(
        options,
        stock=20,
        market_pause_s=options.market_pause_s / 2,
        net={**options.net, "late_apply": 0.3, "lost_after": 0.15, "half_batch": 0.2},
        desk_deeds={**options.desk_deeds, "adjust": 4.0, "hold": 2.0, "resume": 2.0},
        waits=0.3,
    )


def programs(options: Options) -> Options:
    """Let runs be killed, cancelled and frozen, and the next one begin while they are."""
    return evolve(
        options,
        runners=3,
        pause_s=options.pause_s / 2,
        accidents={"kill": 0.2, "cancel": 0.15, "freeze": 0.4},
        waits=0.3,
        latency_s=30.0,
    )


def readings(options: Options) -> Options:
    """Let much change on the markets while slow pages are read."""
    return evolve(
        options,
        market_pause_s=options.market_pause_s / 2,
        net={**options.net, "slow": 0.1, "truncated": 0.05, "empty": 0.04},
        latency_s=30.0,
        waits=0.3,
    )


THEMES: tuple[Callable[[Options], Options], ...] = (anything, anything, parcels, levels, programs, readings)
"""What the options of a seed are drawn towards, each as often."""
