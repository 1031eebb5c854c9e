"""Kits within kits: what is taken from stock in the end."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersync.kits import around, defined, flatten
from ordersync.model.fields import MAX_QUANTITY

HAMPERS = {"HAMPER": {"PAIR": 2, "TEA": 1, "MUG": 1}, "PAIR": {"MUG": 2, "BOX": 1}, "BOX": {"CARD": 3}}


def test_nested_kits_are_multiplied_through() -> None:
    """Quantities multiply through every level, and a component of several kits is needed with the sum."""
    assert flatten({"HAMPER": 2, "CARD": 1}, HAMPERS) == {"TEA": 2, "MUG": 10, "CARD": 13}


def test_what_is_no_kit_stays_as_it_is() -> None:
    """Components that are no kits are needed as they were given."""
    assert flatten({"TEA": 2, "MUG": 1}, HAMPERS) == {"TEA": 2, "MUG": 1}
    assert flatten({"PAIR": 1}, {}) == {"PAIR": 1}


def test_flattening_changes_nothing_that_was_given() -> None:
    """Neither the components nor the kits are changed by taking them apart."""
    components = {"PAIR": 1, "MUG": 1}
    flatten(components, HAMPERS)

    assert components == {"PAIR": 1, "MUG": 1}
    assert HAMPERS["PAIR"] == {"MUG": 2, "BOX": 1}


@pytest.mark.parametrize(
    ("kits", "path"),
    [
        ({"A": {"A": 1}}, "A -> A"),
        ({"A": {"MUG": 1, "B": 1}, "B": {"C": 2}, "C": {"LID": 1, "A": 1}}, "A -> B -> C -> A"),
    ],
)
def test_cycle_is_named_with_its_whole_path(kits: Mapping[str, Mapping[str, int]], path: str) -> None:
    """A kit that contains itself is refused, and the error tells through which kits."""
    with pytest.raises(ValueError, match=r"a kit cannot contain itself: ") as caught:
        flatten({"MUG": 1, "A": 1}, kits)

    told = str(caught.value).rpartition(": ")[2].split(" -> ")
    assert told[0] == told[-1]
    assert sorted(set(told)) == sorted(set(path.split(" -> ")))
    assert all(after in kits[before] for before, after in pairwise(told))


def test_cycle_elsewhere_is_no_hindrance() -> None:
    """Kits that contain each other do not hinder what does not reach them."""
    assert flatten({"PAIR": 1}, {"PAIR": {"MUG": 2}, "A": {"B": 1}, "B": {"A": 1}}) == {"MUG": 2}


def test_too_many_pieces_are_refused() -> None:
    """A SKU that would be needed more than a million times is named; exactly a million are allowed."""
    half = MAX_QUANTITY // 2
    assert flatten({"PAIR": half}, {"PAIR": {"MUG": 2}}) == {"MUG": MAX_QUANTITY}
    for components in ({"PAIR": half + 1}, {"PAIR": half, "MUG": 1}):
        with pytest.raises(ValueError, match="'MUG' would be needed more than 1000000 times"):
            flatten(components, {"PAIR": {"MUG": 2}})


def test_kits_nested_deeply_and_widely() -> None:
    """A thousand levels of kits are taken apart, also where each level needs the next one twice."""
    deep = {f"{level}": {f"{level + 1}": 1, "TEA": 1} for level in range(1000)}
    wide = {f"{level}": {f"{level + 1}a": 1, f"{level + 1}b": 1} for level in range(1)}
    for level in range(1, 19):
        wide |= {f"{level}{side}": {f"{level + 1}a": 1, f"{level + 1}b": 1} for side in "ab"}

    assert flatten({"0": 1}, deep) == {"1000": 1, "TEA": 1000}
    assert flatten({"0": 1}, wide) == {"19a": 2**18, "19b": 2**18}


def test_around_a_sku_are_the_kits_that_contain_it() -> None:
    """The kits around a SKU are those that contain it at any depth, and itself."""
    assert set(around("CARD", HAMPERS)) == {"CARD", "BOX", "PAIR", "HAMPER"}
    assert set(around("TEA", HAMPERS)) == {"TEA", "HAMPER"}
    assert set(around("HAMPER", HAMPERS)) == {"HAMPER"}


def test_kit_is_defined_anew_and_forgotten() -> None:
    """Defining gives all kits with the new one among them, and leaves those given as they were."""
    kits = defined(HAMPERS, "BOX", {"PAPER": 1})
    assert kits == HAMPERS | {"BOX": {"PAPER": 1}}
    assert defined(kits, "BOX", None) == {name: parts for name, parts in HAMPERS.items() if name != "BOX"}
    assert HAMPERS["BOX"] == {"CARD": 3}


def test_definition_that_breaks_a_kit_around_it_is_refused() -> None:
    """A kit cannot be defined so that it, or one around it, contains itself or needs too much."""
    with pytest.raises(ValueError, match=r"BOX -> HAMPER|HAMPER -> PAIR|PAIR -> BOX"):
        defined(HAMPERS, "BOX", {"HAMPER": 1})
    with pytest.raises(ValueError, match="CARD"):
        defined(HAMPERS, "BOX", {"CARD": MAX_QUANTITY})
    with pytest.raises(ValueError, match="is no SKU"):
        defined(HAMPERS, " ", {"CARD": 1})
    with pytest.raises(ValueError, match="is empty"):
        defined(HAMPERS, "BOX", {})


LEVELS = st.lists(st.dictionaries(st.integers(1, 3), st.integers(1, 3), min_size=1, max_size=2), max_size=4)


@given(LEVELS, st.integers(1, 5))
def test_flattening_is_counting_by_hand(levels: list[dict[int, int]], pieces: int) -> None:
    """What kits come to is what taking them apart piece by piece comes to."""
    kits = {
        f"{level}": {f"{level + step}": quantity for step, quantity in parts.items()}
        for level, parts in enumerate(levels)
    }
    counted: dict[str, int] = {}

    def take_apart(sku: str) -> None:
        for part, quantity in kits.get(sku, {}).items():
            for _ in range(quantity):
                take_apart(part)
        if sku not in kits:
            counted[sku] = counted.get(sku, 0) + 1

    for _ in range(pieces):
        take_apart("0")

    assert flatten({"0": pieces}, kits) == counted
