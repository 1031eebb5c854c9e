"""What a campaign did and found: as JSON for machines, and as a table for a terminal."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from importlib import metadata
from typing import Any

import attrs

from ....columns import wrapped
from ..situations import TAKEOVER
from .campaign import Tally
from .failing import replay_command
from .runs import Run
from .smaller import Smaller
from .sometimes import PREFIX, never, occurred

JSON_SCHEMA = "ordersync.campaign/1"
"""Raised when a field of the JSON report changes its meaning; fields may be added."""

FIGURES: Mapping[str, str] = {
    "cycles": "run",
    "crashes": "crash",
    "zombies": "accident freeze",
    "takeovers": f"{PREFIX}{TAKEOVER}",
}
"""Single figures of the report, and the kind of event that each counts."""

GROUPS: Mapping[str, str] = {
    "calls": "call ",
    "answers": "answer ",
    "faults": "fault ",
    "storage_faults": "storage ",
    "accidents": "accident ",
    "people": "market ",
    "desk": "desk ",
    "commits": "commit ",
    "oversold": "oversold ",
}
"""Figures by kind, and how the events begin that each group counts."""

MARGIN = 16


@attrs.frozen(kw_only=True)
class CampaignReport:
    """A campaign that is over: what it added up to, and the smallest case of each law that broke."""

    tally: Tally
    commit: str = ""
    minimised: Mapping[str, Smaller] = attrs.field(factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values (schema ``ordersync.campaign/1``)."""
        tally, counts = self.tally, self.tally.counts
        return {
            "schema": JSON_SCHEMA,
            "ordersync": metadata.version("ordersync"),
            "python": platform.python_version(),
            "commit": self.commit,
            "seeds": tally.seeds,
            "repeats": tally.repeats,
            "stopped": tally.stopped,
            "elapsed_s": round(tally.elapsed_s, 3),
            "seeds_per_s": round(tally.seeds_per_s, 2),
            "virtual_days": round(virtual_days(tally), 3),
            "orders": tally.orders,
            **{figure: counts[kind] for figure, kind in FIGURES.items()},
            **{group: by_kind(counts, prefix) for group, prefix in GROUPS.items()},
            "sometimes": dict(occurred(counts)),
            "never": list(never(counts)),
            "violations": [self._violation(run) for run in tally.failures],
        }

    def to_json(self) -> str:
        """Return the report as JSON."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False)

    def _violation(self, run: Run) -> dict[str, Any]:
        smaller = self.minimised.get(run.law)
        best = smaller.run if smaller is not None and smaller.run.place == run.place else run
        return {
            "seed": run.seed,
            "law": run.law,
            "text": run.text,
            "options": dict(run.case),
            "minimised": dict(best.case),
            "replay": replay_command(best.case),
        }

    def __str__(self) -> str:
        lines: list[str] = []
        for label, text in self._rows():
            lines += wrapped(text, first=f"{label:<{MARGIN}}", margin=MARGIN)
        return "\n".join(lines)

    def _rows(self) -> Iterator[tuple[str, str]]:
        tally, counts = self.tally, self.tally.counts
        ended = ", ended early" if tally.stopped else ""
        yield "seeds", f"{tally.seeds}, {tally.repeats} repeats, {tally.seeds_per_s:.1f} a second{ended}"
        yield "simulated", f"{virtual_days(tally):.1f} days, {tally.orders} orders"
        yield "", ", ".join(f"{counts[kind]} {figure}" for figure, kind in FIGURES.items())
        for group, prefix in GROUPS.items():
            if found := by_kind(counts, prefix):
                yield group.replace("_", " "), _listed(found)
        yield "sometimes", _listed(by_kind(+counts, PREFIX)) or "none"
        yield "never", ", ".join(never(counts)) or "none"
        yield "violations", _broken(tally.failures)


def virtual_days(tally: Tally) -> float:
    """Return how many days passed in the simulations."""
    return tally.virtual_s / timedelta(days=1).total_seconds()


def by_kind(counts: Mapping[str, int], prefix: str) -> dict[str, int]:
    """Return how often each kind of event occurred whose name begins so, without that beginning."""
    return {kind.removeprefix(prefix): counts[kind] for kind in sorted(counts) if kind.startswith(prefix)}


def _listed(found: Mapping[str, int]) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in found.items())


def _broken(failures: Sequence[Run]) -> str:
    return ", ".join(f"{run.law} (seed {run.seed})" for run in failures) or "none"
