"""The simulation of this package as campaigns play it: options as plain JSON values, so that a replay is exact."""

from __future__ import annotations

import json
from typing import Literal

from ..drawing import draw
from ..options import Options
from ..simulation import Outcome, simulate
from .runs import Case


def play(case: Case) -> Outcome:
    """Play the simulation that a case describes."""
    return simulate(Options.from_json(json.dumps(dict(case))))


def drawn(seed: int, storage: Literal["memory", "sqlite"] = "memory") -> Case:
    """Return the case of a seed."""
    case: Case = json.loads(draw(seed, storage=storage).to_json())
    return case
