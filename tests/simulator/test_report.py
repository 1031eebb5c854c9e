"""What a campaign did and found, as JSON and as a table."""

from __future__ import annotations

import json

import pytest

from ordersync.clock import SystemClock
from ordersync.testing.simulator.campaigns import sometimes
from ordersync.testing.simulator.campaigns.campaign import Campaign
from ordersync.testing.simulator.campaigns.report import CampaignReport
from ordersync.testing.simulator.campaigns.runs import Play
from ordersync.testing.simulator.campaigns.smaller import minimised
from simulator import toys


@pytest.fixture(autouse=True)
def situations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let some things have to occur, of which toys know two."""
    monkeypatch.setattr(sometimes, "SITUATIONS", ("oversell", "eclipse"))
    monkeypatch.setattr(sometimes, "EVENTS", ("fault lost", "fault twice"))


def reported(play: Play) -> CampaignReport:
    """Return the report of twenty seeds."""
    tally = Campaign(play=play, clock=SystemClock(), elsewhere=0).run(toys.drawn(seed) for seed in range(20))
    return CampaignReport(
        tally=tally, commit="abc123", minimised={run.law: minimised(play, run) for run in tally.first_of_each_law()}
    )


def test_report_adds_up() -> None:
    """The JSON report has every figure, and they are those of the single runs."""
    report = json.loads(reported(toys.sound).to_json())

    assert report["schema"] == "ordersync.campaign/1"
    assert report["commit"] == "abc123"
    assert (report["seeds"], report["orders"], report["virtual_days"]) == (20, 60, 10.0)
    assert [report[figure] for figure in ("cycles", "crashes", "zombies", "takeovers")] == [100, 20, 0, 40]
    assert report["calls"] == {"fetch_orders": 140}
    assert report["faults"] == {"lost": 40}
    assert report["commits"] == {"save_page": 80}
    assert report["sometimes"] == {"a lease is taken over": 40, "eclipse": 0, "oversell": 10}
    assert report["never"] == ["eclipse", "fault twice"]
    assert report["violations"] == []
    assert (report["repeats"], report["stopped"]) == (1, False)
    assert report["seeds_per_s"] > 0


def test_report_names_violations() -> None:
    """A violation stands in the report with its options, its smallest case and the command that shows it again."""
    first, second = reported(toys.flawed).to_dict()["violations"]

    assert (first["seed"], first["law"], first["text"]) == (7, "P4", "sold what was not there")
    assert first["options"] == toys.drawn(7)
    assert first["minimised"]["net"] == {"late": 0.2}
    assert "--seed 7 --options" in first["replay"]
    assert second["seed"] == 17
    assert second["minimised"] == toys.drawn(17)


def test_table() -> None:
    """The table says the same in at most 80 columns, what never occurred included."""
    lines = str(reported(toys.flawed)).splitlines()
    table = {line.split("  ")[0]: line for line in lines}

    assert max(map(len, lines)) <= 80
    assert table["simulated"] == "simulated       10.0 days, 60 orders"
    assert table["sometimes"] == "sometimes       a lease is taken over 40, oversell 10"
    assert table["never"] == "never           eclipse, fault twice"
    assert table["violations"] == "violations      P4 (seed 7), P4 (seed 17)"


def test_nothing_to_tell() -> None:
    """A campaign without violations says so."""
    assert "violations      none" in str(reported(toys.sound))
