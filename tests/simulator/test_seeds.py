"""The real code in simulated worlds: no law breaks, and what must be met was met."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Literal

import pytest

from ordersync.clock import SystemClock
from ordersync.testing.simulator.campaigns.campaign import Campaign, Tally
from ordersync.testing.simulator.campaigns.failing import told
from ordersync.testing.simulator.campaigns.origin import commit, first_seed_of
from ordersync.testing.simulator.campaigns.play import drawn, play
from ordersync.testing.simulator.campaigns.report import CampaignReport
from ordersync.testing.simulator.campaigns.smaller import minimised
from ordersync.testing.simulator.campaigns.sometimes import never

ALWAYS = {"memory": 12, "sqlite": 5}
"""So many seeds in the suite that always runs."""

FIXED = {"memory": 1500, "sqlite": 500}
"""So many seeds that are always the same."""

OF_COMMIT = {"memory": 700, "sqlite": 300}
"""So many seeds that are others after every commit."""

TRIES = 20
"""So many smaller cases are tried for a failure: the command finds smaller ones."""

Kind = Literal["memory", "sqlite"]
STORAGES: tuple[Kind, ...] = ("memory", "sqlite")


def played(seeds: Iterable[int], storage: Kind, *, processes: int) -> Tally:
    """Play some seeds."""
    campaign = Campaign(play=play, clock=SystemClock(), processes=processes, most_failures=5)
    return campaign.run(drawn(seed, storage) for seed in seeds)


def ci_seeds(storage: Kind) -> Iterator[int]:
    """Return the seeds of one CI run: fixed ones, and ones that hang on the commit."""
    yield from range(FIXED[storage])
    first = first_seed_of(commit())
    yield from range(first, first + OF_COMMIT[storage])


def assert_no_law_broke(tally: Tally) -> None:
    """Tell a failure whole if there is one."""
    if tally.failures:
        first = tally.failures[0]
        pytest.fail(
            f"{told(first, minimised(play, first, tries=TRIES), commit=commit())}\n\n{CampaignReport(tally=tally)}"
        )


@pytest.mark.timeout(300)
@pytest.mark.parametrize("storage", STORAGES)
def test_some_seeds(storage: Kind) -> None:
    """No law breaks in a few worlds."""
    tally = played(range(ALWAYS[storage]), storage, processes=1)

    assert_no_law_broke(tally)
    assert tally.seeds == ALWAYS[storage]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_many_seeds() -> None:
    """No law breaks in thousands of worlds, and every situation that must be met is met in one of them."""
    tally = Tally()
    for storage in STORAGES:
        tally += played(ci_seeds(storage), storage, processes=os.cpu_count() or 1)

    assert_no_law_broke(tally)
    assert tally.seeds >= 3000
    assert list(never(tally.counts)) == []
