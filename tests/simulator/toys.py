"""Simulations that take no time: what a campaign makes of them is known beforehand."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import attrs

Case = Mapping[str, Any]

TIMES = count()


@attrs.frozen(kw_only=True)
class ToyViolation:
    """A law of the toy world that broke."""

    law: str
    text: str


@attrs.frozen(kw_only=True)
class ToyOutcome:
    """What a toy says of itself."""

    violation: ToyViolation | None = None
    digest: str
    counts: Mapping[str, int]
    last: Sequence[str]
    orders: int = 3
    virtual_s: float = 43_200.0


def drawn(seed: int, storage: str = "memory") -> Case:
    """Return a toy's options: one seed in ten has what it takes to fail."""
    return {
        "chaos_s": 600.0,
        "markets": [{"lag": 3.0, "skew": 9.0}, {"lag": 0.0, "skew": 0.0}],
        "net": {"lost": 0.1, "late": 0.2} if seed % 10 == 7 else {"lost": 0.1},
        "pause_s": 60.0,
        "runners": 4,
        "seed": seed,
        "storage": storage,
        "waits": 0.3,
    }


def sound(case: Case) -> ToyOutcome:
    """Keep every law."""
    return outcome(case, digest(case))


def flawed(case: Case) -> ToyOutcome:
    """Break P4 where two runners have a minute of late calls, on a market whose lists lag."""
    broken = (
        "late" in case["net"]
        and case["chaos_s"] >= 60
        and case["runners"] >= 2
        and any(market.get("lag") for market in case["markets"])
    )
    violation = ToyViolation(law="P4", text="sold what was not there") if broken else None
    return outcome(case, digest(case), violation)


def torn(case: Case) -> ToyOutcome:
    """Break one of three laws, by the seed."""
    violation = ToyViolation(law=("S1", "S2", "D1")[case["seed"] % 3], text="torn")
    return outcome(case, digest(case), violation)


def raising(case: Case) -> ToyOutcome:
    """End in an error, as a mistake of the simulator does."""
    raise LookupError(f"nothing at {case['seed']}")


def forgetful(case: Case) -> ToyOutcome:
    """Do something else every time."""
    return outcome(case, f"time {next(TIMES)}")


def moody(case: Case) -> ToyOutcome:
    """Do something else in every process with another hash seed."""
    return outcome(case, f"hash {hash('moody')}")


def dying(case: Case) -> ToyOutcome:
    """Play well here, and die in every process with another hash seed."""
    if "PYTHONHASHSEED" in os.environ:
        raise SystemExit("out of order")
    return sound(case)


def slow(case: Case) -> ToyOutcome:
    """Take a moment."""
    time.sleep(0.02)
    return sound(case)


def interrupted(case: Case) -> ToyOutcome:
    """Be interrupted by Ctrl-C at the third seed."""
    if case["seed"] == 2:
        signal.raise_signal(signal.SIGINT)
    return sound(case)


def digest(case: Case) -> str:
    """Return the fingerprint of a toy: of its options, for nothing else happens in it."""
    return hashlib.sha256(json.dumps(dict(case), sort_keys=True).encode()).hexdigest()


def outcome(case: Case, fingerprint: str, violation: ToyViolation | None = None) -> ToyOutcome:
    """Return what every toy tells."""
    return ToyOutcome(
        violation=violation,
        digest=fingerprint,
        counts={
            "run": 5,
            "crash": 1,
            "call fetch_orders": 7,
            "fault lost": 2,
            "commit save_page": 4,
            "sometimes: a lease is taken over": 2,
            "sometimes: oversell": case["seed"] % 2,
        },
        last=[f"     1.000 began {case['seed']}", "     2.000 ended"],
    )
