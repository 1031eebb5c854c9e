"""Every case that ever broke a law holds now, and for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from ordersync.testing.simulator.campaigns.failing import told
from ordersync.testing.simulator.campaigns.play import play
from ordersync.testing.simulator.campaigns.regressions import kept_cases
from ordersync.testing.simulator.campaigns.runs import Case, play_once

KEPT = kept_cases(Path(__file__).with_name("regressions.txt"))


@pytest.mark.parametrize("case", KEPT, ids=[f"{case['seed']}-{case.get('storage', 'memory')}" for case in KEPT])
def test_case_holds(case: Case) -> None:
    """A case that broke a law once breaks none."""
    run = play_once(play, case)

    assert not run.law, told(run)
