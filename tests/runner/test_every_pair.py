"""Every pair of something that happens on the channel and something that people do, in both orders."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ordersync.storage.memory import MemoryStorage
from ordersync.testing import ManualClock
from runner.conftest import OpenStorage
from runner.pairs import EVENTS, VERBS, Pair, outcome_of

EVENT_FIRST = """
             up     down   added  gone   unpaid paid   void   line   back   sent   part   refund hold   lost
process all  P      P      P      P      Ox     P      Cx     P      P      Osx    Osx    Pr     Ox     Ovx
process part O      O      O      O      Ox     O      Cx     O      O      Osx    Osx    Or     Ox     Ovx
cancel       C      C      C      C      C      C      Cx     C      C      C      C      C      C      C
hold         O      O      O      O      O      O      Cx     O      O      Os     Os     Or     O      Ov
resume       O      O      O      O      O      O      Cx     O      O      Os     Os     Or     O      Ov
park         O      O      O      O      O      O      Cx     O      O      Os     Os     Or     O      Ov
unpark       O      O      O      O      O      O      Cx     O      O      Os     Os     Or     O      Ov
move         O      O      O      O      O      O      Cx     O      O      Os     Os     Or     O      Ov
relink       O      O      O      O      O      O      Cx     O      O      Os     Os     Or     O      Ov
delete       D      D      D      D      D      D      Cx     D      D      Ds     Ds     Dr     D      Dv
restore      O      O      O      O      O      O      C      O      O      Os     Os     Or     O      Ov
keep         O      O      O      O      O      O      O      O      O      O      O      O      O      O
follow       O      O      O      O      O      O      P      O      O      P      O      O      O      Ovx
elsewhere    O      O      O      O      O      O      P      O      O      P      O      O      O      P
give up      C      C      C      C      C      C      C      C      C      C      C      C      C      C
"""
"""What becomes of an order of which the event is seen before the verb is asked for.

O open, P processed, C cancelled, D deleted; in conflict: c cancelled or e edited after processing, s shipped elsewhere,
v vanished, r refunded in part; x: the verb was refused, !: the channel refused the event.
"""

VERB_FIRST = """
             up     down   added  gone   unpaid paid   void   line   back   sent   part   refund hold   lost
process all  Pe     P!     Pe     P!     P      Ox     P      P      P      P      P      P      P      P
process part O      O      O      O      O      Ox     P      O      Pe     Os     Os     Or     O      Ov
cancel       C      C      C      C      C      C      C      C      O      Cs     Cs     C      C      C
hold         O      O      O      O      O      O      C      O      O      Os     Os     Or     O      Ov
resume       O      O      O      O      O      O      C      O      O      Os     Os     Or     O      Ov
park         O      O      O      O      O      O      C      O      O      Os     Os     Or     O      Ov
unpark       O      O      O      O      O      O      C      O      O      Os     Os     Or     O      Ov
move         O      O      O      O      O      O      C      O      O      Os     Os     Or     O      Ov
relink       O      O      O      O      O      O      C      O      O      Os     Os     Or     O      Ov
delete       D      D      D      D      D      D      D      D      D      Ds     Ds     Dr     D      D
restore      O      O      O      O      O      O      C      O      O      Os     Os     Or     O      Ov
keep         Os     Os     Os     Os     O      O      Os     Os     Os     Os     Os     Or     O      Ov
follow       O      O      O      O      O      O      P      O      Pe     Os     Os     Or     O      Ov
elsewhere    O      O      O      O      O      O      P      O      Pe     Os     Os     Or     O      Ov
give up      Cs     Cs     Cs     Cs     C      C      Cs     Cs     Cs     Cs     Cs     C      C      C
"""
"""What becomes of it where a run has told the channel of the verb before the event."""

UNSEEN = """
             up     down   added  gone   unpaid paid   void   line   back   sent   part   refund hold   lost
process all  Pe     Pe     Pe     Pe     P      Ox     Pc     Pe     P      P      P      P      P      P
process part O      O      O      O      O      Ox     Cc     O      O      Os     Os     Or     O      Ov
cancel       C      C      C      C      C      C      C      C      C      Cs     Cs     C      C      C
hold         O      O      O      O      O      O      C      O      O      Os     Os     Or     O      Ov
resume       O      O      O      O      O      O      C      O      O      Os     Os     Or     O      Ov
park         O      O      O      O      O      O      C      O      O      Os     Os     Or     O      Ov
unpark       O      O      O      O      O      O      C      O      O      Os     Os     Or     O      Ov
move         O      O      O      O      O      O      C      O      O      Os     Os     Or     O      Ov
relink       O      O      O      O      O      O      C      O      O      Os     Os     Or     O      Ov
delete       D      D      D      D      D      D      D      D      D      Ds     Ds     Dr     D      D
restore      O      O      O      O      O      O      C      O      O      Os     Os     Or     O      Ov
keep         Os     Os     Os     Os     O      O      Os     Os     O      Os     Os     Or     O      Ov
follow       O      O      O      O      O      O      P      O      O      Os     Os     Or     O      Ov
elsewhere    O      O      O      O      O      O      P      O      O      Os     Os     Or     O      Ov
give up      Cs     Cs     Cs     Cs     C      C      Cs     Cs     C      Cs     Cs     C      C      C
"""
"""What becomes of it where no run comes between: whichever was first, the event is seen behind the verb."""


def outcomes(grid: str) -> Mapping[tuple[str, str], str]:
    """Read a table: outcome by (verb, event)."""
    head, *rows = grid.strip("\n").splitlines()
    width = max(len(verb) for verb in VERBS) + 1
    cells = {row[:width].strip(): row[width:].split() for row in rows}
    return {(verb, event): cells[verb][at] for verb in cells for at, event in enumerate(head.split())}


TABLES = {(True, True): EVENT_FIRST, (False, True): VERB_FIRST, (True, False): UNSEEN, (False, False): UNSEEN}
ORDERS = pytest.mark.parametrize("event_first", [True, False], ids=["event first", "verb first"])


def expected(pair: Pair) -> str:
    """Return what should become of a pair."""
    return outcomes(TABLES[pair.event_first, pair.run_between])[pair.verb, pair.event]


def pairs_of(verb: str, *, event_first: bool, run_between: bool = True) -> list[Pair]:
    """Return the pairs of one verb with every event."""
    return [Pair(event=one, verb=verb, event_first=event_first, run_between=run_between) for one in EVENTS]


async def in_memory(pairs: list[Pair]) -> dict[str, str]:
    """Let each pair happen in a world of its own."""
    found = {}
    for pair in pairs:
        clock = ManualClock()
        async with MemoryStorage(clock=clock) as storage:
            found[str(pair)] = await outcome_of(pair, storage, clock)
    return found


@pytest.mark.parametrize("grid", [EVENT_FIRST, VERB_FIRST, UNSEEN])
def test_no_pair_lacks_an_outcome(grid: str) -> None:
    """Each table tells of every event with every verb."""
    assert outcomes(grid).keys() == {(verb, event) for verb in VERBS for event in EVENTS}


@ORDERS
@pytest.mark.parametrize("verb", VERBS)
async def test_pair_with_a_run_between(verb: str, *, event_first: bool) -> None:
    """Whatever happens and is done, in either order, all adds up at rest, and the order is what the table says."""
    pairs = pairs_of(verb, event_first=event_first)

    assert await in_memory(pairs) == {str(pair): expected(pair) for pair in pairs}


@pytest.mark.slow
@ORDERS
@pytest.mark.parametrize("verb", VERBS)
async def test_pair_without_a_run_between(verb: str, *, event_first: bool) -> None:
    """Where nobody has looked in between it makes no difference which of the two came first."""
    pairs = pairs_of(verb, event_first=event_first, run_between=False)

    assert await in_memory(pairs) == {str(pair): expected(pair) for pair in pairs}


ALL = [
    Pair(event=event, verb=verb, event_first=first, run_between=between)
    for verb in VERBS
    for event in EVENTS
    for first in (True, False)
    for between in (True, False)
]


@pytest.mark.parametrize("open_storage", ["sqlite"], indirect=True)
@pytest.mark.parametrize("pair", ALL[::67], ids=str)
async def test_some_pairs_on_disk(open_storage: OpenStorage, clock: ManualClock, pair: Pair) -> None:
    """A sample of the pairs comes to the same on SQLite."""
    async with open_storage(clock) as storage:
        assert await outcome_of(pair, storage, clock) == expected(pair)


@pytest.mark.slow
@pytest.mark.parametrize("open_storage", ["sqlite"], indirect=True)
@pytest.mark.parametrize("pair", ALL, ids=str)
async def test_every_pair_on_disk(open_storage: OpenStorage, clock: ManualClock, pair: Pair) -> None:
    """Every pair comes to the same on SQLite."""
    async with open_storage(clock) as storage:
        assert await outcome_of(pair, storage, clock) == expected(pair)
