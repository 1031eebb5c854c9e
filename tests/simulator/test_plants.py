"""The simulator and the directed schedules are tested by bugs: each must be found."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from ordersync import ChannelId, OrderKey, beliefs
from ordersync.storage.sqlite import stock
from simulator.directed import find_apart
from simulator.hunt import known
from simulator.hunting import Catch, finds_again
from simulator.plants import PLANTS, planted

ROOT = Path(__file__).parents[2]
CAUGHT = [catch for catch in known().values() if catch.first is not None]
LAWS = {f"L{number}" for number in range(1, 14)}
GROUPS = 8


def test_every_rule_and_every_law_has_a_plant() -> None:
    """Each of the 25 rules is taken out by name, and each of the 13 laws is broken."""
    rules = {name.split(":")[0] for name in PLANTS if name.startswith("rule ")}

    assert rules == {f"rule {number:02d}" for number in range(1, 26)}
    assert {plant.law for plant in PLANTS.values()} == LAWS
    assert len(PLANTS) >= 50


@pytest.mark.parametrize("name", PLANTS)
def test_plant_is_put_in_and_taken_out(name: str) -> None:
    """A plant changes the library for as long as it is in force, and not a moment longer."""
    places = list(PLANTS[name].patches())
    before = [getattr(owner, attribute) for owner, attribute, _ in places]

    with planted(name):
        during = [getattr(owner, attribute) for owner, attribute, _ in places]

    assert places
    assert all(one is not other for one, other in zip(before, during, strict=True))
    assert [getattr(owner, attribute) for owner, attribute, _ in places] == before


def test_plant_is_taken_out_after_an_error() -> None:
    """What fails under a plant leaves the library as it was."""
    before = beliefs.account

    with pytest.raises(LookupError), planted("a sale is counted twice into the belief"):
        raise LookupError(str(OrderKey(ChannelId("Shop", "north"), "1001")))

    assert beliefs.account is before


def test_statements_are_planted_too() -> None:
    """A plant for both storages changes a statement where the rule lives in one."""
    with planted("rule 24: an acknowledgement goes by no version"):
        assert "min(" not in stock.ACKNOWLEDGE

    assert "min(" in stock.ACKNOWLEDGE


def test_directed_tests_exist() -> None:
    """Each plant names a test that finds it for sure, in a file that is there."""
    files = Counter(plant.directed.split("::")[0] for plant in PLANTS.values())

    assert [name for name in files if not (ROOT / name).is_file()] == []


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("group", range(GROUPS))
def test_directed_test_finds_its_plant(group: int) -> None:
    """The test that a plant names fails while the plant is in force."""
    names = list(PLANTS)[group::GROUPS]

    found = find_apart(names)

    assert [name for name in names if not found[name]] == []


@pytest.mark.slow
@pytest.mark.speaks("some bugs let the library say what it must not")
@pytest.mark.parametrize("row", CAUGHT, ids=lambda row: f"{row.storage}-{row.plant}")
def test_first_seed_finds_its_plant_again(row: Catch) -> None:
    """The first seed that found a bug breaks a law with it, and none without it."""
    assert finds_again(row)
