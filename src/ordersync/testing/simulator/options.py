"""What is decided before a simulation begins; a smaller ``Options`` is a smaller simulation.

Every value is plain JSON, so that a failure can be told in one line and replayed from it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

import attrs
import cattrs

from .market import WEIGHTS

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
    "same_token": 0.04,
    "stale": 0.1,
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
    "ledger": 0.15,
}
"""What people and hosts do here."""

ACCIDENTS: Rates = {"kill": 0.3, "cancel": 0.25, "freeze": 0.3, "stall": 0.4}
"""What may happen to a run, and how often at most."""

DESK_ACCIDENTS: Rates = {"hang": 0.15, "die": 0.15}
"""What may happen to a program at the desk, and how often at most."""


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
    refuses_batches: bool = False
    skew: float = 0.0
    placing: float = 0.0
    words_only: bool = False
    call_timeout: float = 30.0
    late_window: float = 120.0
    slowness: float = 0.0
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
    desks: int = 1
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
    desk_accidents: Rates = attrs.field(factory=dict)
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
