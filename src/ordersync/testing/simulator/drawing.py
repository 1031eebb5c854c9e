"""From a seed to the options of its simulation."""

from __future__ import annotations

import random
from typing import Literal

from .chances import Chances
from .options import ACCIDENTS, DESK_ACCIDENTS, DESK_DEEDS, MARKET_DEEDS, NET_FAULTS, MarketOptions, Options, Rates
from .ports import FAULTS as STORAGE_FAULTS
from .themes import THEMES

LENGTH = {"memory": 1.0, "sqlite": 0.5}
"""How long a simulation is beside another: one on SQLite takes twice the time."""


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
        desks=chance.choice((1, 2, 2)),
        desk_accidents=_swarm(DESK_ACCIDENTS, chance, on=0.5),
    )
    return Chances(seed).child("theme").choice(THEMES)(options)


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
        slowness=chance.choice((0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.3, 0.9)),
        download_unpaid=chance.random() < 0.4,
        imports_ended=chance.random() < 0.2,
        refuses_batches=chance.random() < 0.5,
    )
