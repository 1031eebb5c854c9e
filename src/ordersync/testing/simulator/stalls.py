"""Programs that stall at the worst moment: around a claim, for as long as it takes until it is nobody's or another's.

Chance alone hardly ever hits the step between a claim and what is done under it, for that step takes no time.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

from .checkers.commits import Commit
from .processes import Process, Stall

PLACES: Mapping[str, float] = {
    "write_note answered": 4.0,
    "begin answered": 2.0,
    "lease answered": 1.0,
    "renew answered": 1.0,
    "renew": 3.0,
    "answer of fetch_order": 1.0,
    "notes": 2.0,
    "levels": 1.0,
}
"""Where a program may stall, and how often in proportion: behind a claim, or with its lease in hand and before one."""

RIVALS: Mapping[str, str] = {
    "renew": "save_page",
    "renew answered": "save_page",
    "write_note answered": "write_note",
    "begin answered": "begin",
    "notes": "write_note",
    "answer of fetch_order": "write_note",
    "levels": "begin",
}
"""What another program does at the very moment when one goes on that stalled somewhere; elsewhere it takes a lease.

Whoever saves a page holds all the channels that it is going to hold."""

LONGEST_LEASES = 5.0
"""So many lease lengths nobody waits longer for a rival."""


def draw_stall(chance: random.Random, *, lease_s: float) -> Stall:
    """Return a stall: of part of a lease, of one and more, or until another program has done the same."""
    (where,) = chance.choices(list(PLACES), list(PLACES.values()))
    skips, kind = chance.choice((0, 0, 0, 1, 2)), chance.random()
    if kind < 0.25:
        return Stall(where=where, skips=skips, lasts_s=chance.uniform(20.0, 120.0))
    if kind < 0.55:
        return Stall(where=where, skips=skips, lasts_s=chance.uniform(0.6, 2.0) * lease_s)
    rival = RIVALS.get(where, "lease")
    return Stall(where=where, skips=skips, lasts_s=LONGEST_LEASES * lease_s, rival=rival)


class Rivals:
    """The programs of one simulation: each goes on from a stall when another one does what it waited for."""

    def __init__(self) -> None:
        """Begin without any."""
        self._programs: dict[str, Process] = {}

    def join(self, process: Process) -> None:
        """Know a program, in place of the one of its name that died."""
        self._programs[process.name] = process

    def heard(self, commit: Commit) -> None:
        """Hear of a verb that has been done."""
        if commit.refused is None and commit.answer:
            for process in self._programs.values():
                if process.name != commit.process:
                    process.meets(commit.verb)
