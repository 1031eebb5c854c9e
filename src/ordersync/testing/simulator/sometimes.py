"""The situations that a campaign must have met: where one never occurred, its checks have proved nothing about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

PREFIX = "sometimes: "

MUST_OCCUR: Sequence[str] = ()
"""The names that ``Trace.sometimes`` is told; each occurs at least once among the seeds of one CI run."""


def occurred(counts: Mapping[str, int]) -> Mapping[str, int]:
    """Return how often each situation occurred: those that must, with zeros, and all others that did."""
    met = {name.removeprefix(PREFIX): count for name, count in counts.items() if name.startswith(PREFIX)}
    return {name: met.get(name, 0) for name in sorted({*MUST_OCCUR, *met})}


def never(counts: Mapping[str, int]) -> Sequence[str]:
    """Return which of those that must occur never did."""
    return [name for name, count in occurred(counts).items() if not count]
