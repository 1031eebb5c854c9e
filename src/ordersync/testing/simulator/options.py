"""What is decided before a simulation begins; a smaller ``Options`` is a smaller simulation.

Every value is plain JSON, so that a failure can be told in one line and replayed from it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any, Literal

import attrs
import cattrs

from .chances import Chances
from .market import WEIGHTS
from .ports import FAULTS as STORAGE_FAULTS

Rates = Mapping[str, float]

NET_FAULTS: Rates = {
    "lost_before": 0.08,
    "lost_after": 0.15,
    "late_apply": 0.3,
    "reset": 0.06,
    "slow": 0.1,
    "unavailable": 0.08,
    "too_many": 0.08,
    "refused": 0.08,
    "half_batch": 0.25,
    "truncated": 0.05,
    "empty": 0.04,
    "outage": 0.015,
    "auth": 0.008,
    "twice": 0.2,
}
"""What may happen to a call of a channel, and how often at most."""

MARKET_DEEDS: Rates = WEIGHTS
"""What people do at a market, each so often in proportion."""

DESK_DEEDS: Rates = {
    "process": 6.0,
    "part": 3.0,
    "next": 1.0,
    "again": 1.5,
    "other": 0.7,
    "cancel": 0.7,
    "hold": 0.7,
    "resume": 0.7,
    "park": 0.4,
    "unpark": 0.5,
    "move": 0.6,
    "relink": 0.4,
    "delete": 0.5,
    "restore": 0.4,
    "resolve": 2.0,
    "requeue": 0.6,
    "track": 0.5,
    "erase": 0.2,
    "count": 0.4,
    "adjust": 0.7,
    "transfer": 0.4,
    "link": 0.5,
    "unlink": 0.3,
    "rule": 0.3,
    "kit": 0.2,
    "settings": 0.4,
    "switch": 0.3,
    "hint": 0.7,
}
"""What people and hosts do here."""

ACCIDENTS: Rates = {"kill": 0.3, "cancel": 0.25, "freeze": 0.3}
"""What may happen to a run, and how often at most."""

LENGTH = {"memory": 1.0, "sqlite": 0.5}
"""How long a simulation is beside another: one on SQLite takes twice the time."""

THEMES = ("anything", "anything", "parcels", "levels", "programs")
"""What a seed may dwell on: chance alone hardly ever brings together what one rule between the ports is about."""


@attrs.frozen(kw_only=True)
class MarketOptions:
    """What one market is like: times in seconds."""

    decrements_on_sale: bool = True
    compare_and_set: bool = False
    requires_tracking: bool = False
    whole_order_dispatch: bool = False
    refuses_overshipping: bool = True
    knows_note_ids: bool = False
    paging: Literal["keyset", "offset", "token"] = "keyset"
    page_size: int = 3
    lag: float = 0.0
    granularity: float = 1.0
    moves_stamps: bool = True
    can_look_up: bool = True
    can_read_listings: bool = True
    stock_batch_size: int = 2
    in_update_order: bool = False
    repeats: float = 0.0
    skew: float = 0.0
    placing: float = 0.0
    words_only: bool = False
    call_timeout: float = 30.0
    late_window: float = 120.0
    download_unpaid: bool = False
    imports_ended: bool = False


@attrs.frozen(kw_only=True)
class Options:
    """One simulation: its seed, its size, and what may happen in it. Times in seconds."""

    seed: int
    storage: Literal["memory", "sqlite"] = "memory"
    markets: tuple[MarketOptions, ...] = (MarketOptions(), MarketOptions())
    skus: int = 2
    stock: int = 10
    kit: bool = False
    runners: int = 2
    chaos_s: float = 2400.0
    pause_s: float = 240.0
    market_pause_s: float = 80.0
    desk_pause_s: float = 120.0
    waits: float = 0.1
    latency_s: float = 2.0
    clock_skew_s: float = 0.0
    ending: Literal["well", "disabled", "refused"] = "well"
    net: Rates = attrs.field(factory=dict)
    storage_faults: Rates = attrs.field(factory=dict)
    accidents: Rates = attrs.field(factory=dict)
    market_deeds: Rates = attrs.field(default=MARKET_DEEDS)
    desk_deeds: Rates = attrs.field(default=DESK_DEEDS)

    @property
    def shortest_lease_s(self) -> float:
        """Return how long the shortest of the channels' leases lasts."""
        return 180.0 + min(market.call_timeout for market in self.markets)

    def to_dict(self) -> dict[str, Any]:
        """Return the options as plain JSON values."""
        return dict(CONVERTER.unstructure(self))

    def to_json(self) -> str:
        """Return the options as one line of JSON."""
        return json.dumps(self.to_dict(), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Options:
        """Return options that ``to_json`` wrote; what is left out takes its default."""
        return CONVERTER.structure(json.loads(text), cls)


CONVERTER = cattrs.Converter(forbid_extra_keys=True)
"""Turns options into plain values and back."""


def draw(seed: int, *, storage: Literal["memory", "sqlite"] = "memory") -> Options:
    """Return the options of a seed: each fault is off, or on at a rate of its own.

    Without that, faults that hide each other would always come together.
    """
    chance = Chances(seed).child("options")
    pause = chance.uniform(120.0, 420.0)
    options = Options(
        seed=seed,
        storage=storage,
        markets=tuple(_market(chance) for _ in range(chance.choice((2, 2, 2, 3)))),
        skus=chance.choice((1, 2, 2, 3)),
        stock=chance.choice((3, 8, 8, 20)),
        kit=chance.random() < 0.3,
        runners=chance.choice((1, 2, 2, 3)),
        chaos_s=pause * chance.uniform(5.0, 15.0) * LENGTH[storage],
        pause_s=pause,
        market_pause_s=pause * chance.uniform(0.15, 0.5),
        desk_pause_s=pause * chance.uniform(0.2, 0.8),
        waits=chance.choice((0.02, 0.1, 0.3)),
        latency_s=chance.choice((0.5, 2.0, 30.0)),
        clock_skew_s=chance.choice((0.0, 0.0, 20.0, 3600.0)),
        ending=chance.choice(("well", "well", "well", "disabled", "refused")),
        net=_swarm(NET_FAULTS, chance, on=0.4),
        storage_faults=_swarm(dict.fromkeys(STORAGE_FAULTS, 0.01), chance, on=0.4),
        accidents=_swarm(ACCIDENTS, chance, on=0.5),
        market_deeds={"buy": MARKET_DEEDS["buy"], **_swarm(MARKET_DEEDS, chance, on=0.7)},
        desk_deeds={"process": DESK_DEEDS["process"], **_swarm(DESK_DEEDS, chance, on=0.6)},
    )
    return _dwelling(options, chance.choice(THEMES))


def _dwelling(options: Options, theme: str) -> Options:
    """Return options under which more of one kind happens than by chance."""
    evolve = attrs.evolve
    if theme == "parcels":
        return evolve(
            options,
            stock=20,
            desk_pause_s=options.desk_pause_s / 3,
            net={**options.net, "late_apply": 0.3, "lost_after": 0.15, "unavailable": 0.1},
            desk_deeds={**options.desk_deeds, "process": 12.0, "part": 8.0, "next": 6.0, "again": 2.0, "requeue": 1.0},
            waits=0.3,
        )
    if theme == "levels":
        return evolve(
            options,
            stock=20,
            market_pause_s=options.market_pause_s / 2,
            net={**options.net, "late_apply": 0.3, "lost_after": 0.15, "half_batch": 0.2},
            desk_deeds={**options.desk_deeds, "adjust": 4.0, "hold": 2.0, "resume": 2.0},
            waits=0.3,
        )
    if theme == "programs":
        return evolve(
            options,
            runners=3,
            pause_s=options.pause_s / 2,
            accidents={"kill": 0.2, "cancel": 0.15, "freeze": 0.4},
            waits=0.3,
            latency_s=30.0,
        )
    return options


def _swarm(most: Rates, chance: random.Random, *, on: float) -> Rates:
    drawn = {name: (chance.random() < on, chance.uniform(0.1, 1.0) * rate) for name, rate in most.items()}
    return {name: round(rate, 4) for name, (is_on, rate) in drawn.items() if is_on}


def _market(chance: random.Random) -> MarketOptions:
    lag = chance.choice((0.0, 0.0, 3.0, 60.0))
    return MarketOptions(
        decrements_on_sale=chance.random() < 0.8,
        compare_and_set=chance.random() < 0.2,
        requires_tracking=chance.random() < 0.2,
        whole_order_dispatch=chance.random() < 0.15,
        refuses_overshipping=chance.random() < 0.6,
        knows_note_ids=chance.random() < 0.3,
        paging=chance.choice(("keyset", "offset", "token")),
        page_size=chance.choice((1, 2, 3, 5, 10, 10)),
        lag=lag,
        granularity=chance.choice((0.0, 1.0, 1.0, 60.0)),
        moves_stamps=chance.random() < 0.85,
        can_look_up=chance.random() < 0.7,
        can_read_listings=chance.random() < 0.6,
        stock_batch_size=chance.choice((1, 2, 10)),
        in_update_order=chance.random() < 0.4,
        repeats=chance.choice((0.0, 0.0, 0.1)),
        skew=chance.choice((0.0, 0.0, -90.0, 45.0, 7200.0)),
        placing=chance.choice((0.0, 0.0, 10.0)),
        words_only=chance.random() < 0.15,
        call_timeout=chance.choice((10.0, 30.0, 60.0)),
        late_window=chance.choice((30.0, 120.0, 600.0)),
        download_unpaid=chance.random() < 0.4,
        imports_ended=chance.random() < 0.2,
    )
