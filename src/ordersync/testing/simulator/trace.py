"""What happened in a simulation: its last events, how often each kind occurred, and a digest of all of them."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Sequence

KEPT = 60
"""So many events are kept to be shown when a law breaks."""


class Violation(AssertionError):  # noqa: N818 - the word of its trade
    """A law is broken. ``law`` is its name, such as ``L1`` or ``P4``."""

    def __init__(self, law: str, text: str) -> None:
        super().__init__(law, text)
        self.law, self.text = law, text

    def __str__(self) -> str:
        """Return the law and what broke it."""
        return f"{self.law}: {self.text}"


class Trace:
    """Every event of one simulation, counted and digested; the last ones are kept.

    Facts are small values whose text depends on nothing but the simulation: no ids of objects, no sets.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        """Begin empty; *now* tells virtual seconds."""
        self.counts: Counter[str] = Counter()
        self._now = now
        self._last: deque[tuple[float, str, tuple[object, ...]]] = deque(maxlen=KEPT)
        self._digest = hashlib.sha256()

    def event(self, kind: str, *facts: object) -> None:
        """Note that something of this *kind* happened now."""
        self.counts[kind] += 1
        at = self._now()
        self._last.append((at, kind, facts))
        self._digest.update(f"{at:.6f} {kind} {facts}\n".encode())

    def sometimes(self, name: str) -> None:
        """Note that an interesting situation occurred; a campaign in which it never does proves little."""
        self.counts[f"sometimes: {name}"] += 1

    def figure(self, kind: str, more: int) -> None:
        """Add to a figure of the report that is no event of its own."""
        self.counts[kind] += more

    def digest(self) -> str:
        """Return the fingerprint of everything that happened."""
        return self._digest.hexdigest()

    def last(self) -> Sequence[str]:
        """Return the last events as a person may read them."""
        return [f"{at:10.3f} {kind} {' '.join(map(str, facts))}".rstrip() for at, kind, facts in self._last]
