"""The programs in front of people hang and die between two things that a verb writes, and others go on."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from ordersync.testing.simulator.drawing import draw
from ordersync.testing.simulator.options import Options
from ordersync.testing.simulator.simulation import Outcome, simulate
from simulator.plants import planted

CALM = Options(seed=3, stock=20, desks=2, desk_pause_s=20.0, market_deeds={"buy": 1.0})


def outcome_of(**options: Any) -> Outcome:  # noqa: ANN401 - of any option
    """Play a world in which nothing else goes wrong."""
    outcome = simulate(attrs.evolve(CALM, **options))
    assert outcome.violation is None
    return outcome


@pytest.mark.parametrize("accident", ["hang", "die"])
def test_parcel_waits_where_a_program_stops(accident: str) -> None:
    """A program that stops after it recorded a parcel leaves one that somebody else meets and finishes."""
    deeds = {"part": 3.0, "next": 3.0}
    stopped = outcome_of(desk_accidents={accident: 0.5}, desk_deeds=deeds)
    sound = outcome_of(desk_deeds=deeds)

    assert stopped.counts[f"accident desk {accident}"]
    assert stopped.counts["sometimes: a parcel is another-waiting"]
    assert "sometimes: a parcel is another-waiting" not in sound.counts


def test_ledger_is_put_in_the_place_of_ours() -> None:
    """A world in which the ledger is replaced now and then ends with everything told to it."""
    counts = outcome_of(desk_deeds={"process": 3.0, "ledger": 1.0}).counts

    assert counts["desk ledger"]
    assert counts["commit rewant_all"] >= counts["desk ledger"]


def test_repeat_that_is_refused_is_found() -> None:
    """Whoever asks again for what was recorded is never refused."""
    with planted("rule 09: the state is checked before the repeat"):
        outcome = simulate(attrs.evolve(CALM, desk_deeds={"process": 1.0, "again": 1.0}))

    assert outcome.violation is not None
    assert outcome.violation.law == "R09"


def test_people_at_several_desks_are_drawn() -> None:
    """Chance lets programs at the desk hang in some worlds and in others not."""
    drawn = [draw(seed) for seed in range(60)]

    assert {options.desks for options in drawn} >= {1, 2}
    assert {bool(options.desk_accidents) for options in drawn} == {True, False}
