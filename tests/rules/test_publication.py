"""What a listing should show: the stages of the rule, and what holds for any stock and any rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersync.model.listings import Listing, ListingId
from ordersync.model.settings import ChannelSettings
from ordersync.model.stock import StockLevel, StockRule
from ordersync.publication import Stage, Target, channel_fingerprint, effective_rule, target
from ordersync.testing.builders import SHOP

LOCATIONS = ["hall", "main", "shed"]
SKUS = ["LID", "MUG", "TEA"]


def level(sku: str, on_hand: int, reserved: int = 0, *, location: str = "main") -> StockLevel:
    """Build a level."""
    return StockLevel(sku=sku, location=location, on_hand=on_hand, reserved=reserved)


levels = st.builds(
    StockLevel,
    sku=st.sampled_from(SKUS),
    location=st.sampled_from(LOCATIONS),
    on_hand=st.integers(-50, 500),
    reserved=st.integers(0, 300),
)
stocks = st.lists(levels, max_size=9, unique_by=lambda one: (one.sku, one.location))
rules = st.builds(
    StockRule,
    locations=st.none() | st.sets(st.sampled_from(LOCATIONS), min_size=1),
    buffer=st.integers(0, 20),
    percentage=st.decimals(0, 100, places=1),
    end_when=st.integers(0, 20),
    cap=st.none() | st.integers(0, 100),
)
kits = st.dictionaries(st.sampled_from(SKUS), st.integers(1, 5), min_size=1)


@given(kits, rules, stocks, st.data())
def test_more_stock_never_shows_less(
    kit: Mapping[str, int], rule: StockRule, stock: Sequence[StockLevel], data: st.DataObject
) -> None:
    """When any level rises, the listing shows as much as before or more."""
    before = target(kit, rule, stock).quantity
    if stock:
        place = data.draw(st.integers(0, len(stock) - 1))
        more = [*stock]
        more[place] = attrs.evolve(more[place], on_hand=more[place].on_hand + data.draw(st.integers(0, 200)))
        stock = more

    assert target(kit, rule, stock).quantity >= before


@given(kits, rules, stocks)
def test_shown_is_within_bounds(kit: Mapping[str, int], rule: StockRule, stock: Sequence[StockLevel]) -> None:
    """What is shown is never below zero, never above the cap, and never more than there is."""
    shown = target(kit, rule, stock).quantity

    assert shown >= 0
    assert rule.cap is None or shown <= rule.cap
    for sku, needed in kit.items():
        assert shown * needed <= max(0, sum(one.available for one in stock if one.sku == sku and counts(rule, one)))


def counts(rule: StockRule, one: StockLevel) -> bool:
    """Say whether a level counts under a rule."""
    return rule.locations is None or one.location in rule.locations


@given(kits, rules, stocks)
def test_kit_shows_its_scarcest_part(kit: Mapping[str, int], rule: StockRule, stock: Sequence[StockLevel]) -> None:
    """A kit shows as much as the component that allows least."""
    apart = [target({sku: needed}, rule, stock).quantity for sku, needed in kit.items()]

    assert target(kit, rule, stock).quantity == min(apart)


@given(kits, rules, stocks, st.randoms(use_true_random=False))
def test_order_of_levels_does_not_matter(
    kit: Mapping[str, int],
    rule: StockRule,
    stock: list[StockLevel],
    chance: Any,  # noqa: ANN401 - Hypothesis' own
) -> None:
    """Levels and components in any order, with those of other SKUs between them, give the same quantity."""
    mixed = [*stock, StockLevel(sku="OTHER", location="main", on_hand=9, reserved=0)]
    chance.shuffle(mixed)

    assert target(dict(reversed(list(kit.items()))), rule, mixed).quantity == target(kit, rule, stock).quantity


@given(kits, rules, stocks)
def test_stages_explain_the_result(kit: Mapping[str, int], rule: StockRule, stock: Sequence[StockLevel]) -> None:
    """The last stage is the quantity, each component has all stages of its rule, and each follows from the last."""
    found = target(kit, rule, stock)

    assert found.stages[-1] == Stage(name="shown", quantity=found.quantity, detail="never below 0")
    for sku, needed in kit.items():
        mine = [stage for stage in found.stages if stage.sku == sku]
        expected = ["available", "buffer", "percentage", "end-when"]
        expected += ["cap"] if rule.cap is not None else []
        assert [stage.name for stage in mine] == expected + (["per piece"] if needed > 1 else [])
        assert mine[0].quantity == sum(one.available for one in stock if one.sku == sku and counts(rule, one))
        assert mine[1].quantity == mine[0].quantity - rule.buffer
    last = [[stage for stage in found.stages if stage.sku == sku][-1].quantity for sku in kit]
    assert found.quantity == max(0, min(last))
    assert [stage.quantity for stage in found.stages if stage.name == "kit"] == ([min(last)] if len(kit) > 1 else [])


def shown(rule: StockRule, *stock: StockLevel, kit: Mapping[str, int] | None = None) -> int:
    """Return what a listing of one MUG, or of a kit, shows."""
    return target(kit or {"MUG": 1}, rule, stock).quantity


@pytest.mark.parametrize(
    ("rule", "available", "expected"),
    [
        (StockRule(), 7, 7),
        (StockRule(), -3, 0),
        (StockRule(buffer=2), 7, 5),
        (StockRule(buffer=9), 7, 0),
        (StockRule(percentage=Decimal(50)), 7, 3),
        (StockRule(percentage=Decimal("33.3")), 9, 2),
        (StockRule(percentage=Decimal(50)), 1, 0),
        (StockRule(percentage=Decimal(50)), -3, 0),
        (StockRule(percentage=Decimal(0)), 7, 0),
        (StockRule(end_when=3), 3, 0),
        (StockRule(end_when=3), 4, 4),
        (StockRule(cap=5), 7, 5),
        (StockRule(cap=0), 7, 0),
        (StockRule(buffer=1, percentage=Decimal(50), end_when=2, cap=4), 7, 3),
        (StockRule(buffer=1, percentage=Decimal(50), end_when=3, cap=4), 7, 0),
        (StockRule(buffer=1, percentage=Decimal(50), end_when=2, cap=4), 21, 4),
    ],
)
def test_stages_are_applied_in_their_order(rule: StockRule, available: int, expected: int) -> None:
    """Buffer, percentage, end-when and cap are applied one after another."""
    assert shown(rule, level("MUG", available)) == expected


def test_reserved_stock_is_not_shown() -> None:
    """What is promised to buyers is not offered again."""
    assert shown(StockRule(), level("MUG", 10, 4)) == 6


def test_stock_of_all_or_of_named_locations_counts() -> None:
    """Without locations everything counts, shortages of one place included; with them, only these."""
    stock = [level("MUG", 10), level("MUG", 5, location="hall"), level("MUG", -2, location="shed")]

    assert shown(StockRule(), *stock) == 13
    assert shown(StockRule(locations=["hall", "shed"]), *stock) == 3
    assert shown(StockRule(locations="hall"), *stock) == 5
    assert shown(StockRule(locations=["attic"]), *stock) == 0


def test_unknown_sku_shows_nothing() -> None:
    """A SKU that the ledger does not know is shown as zero, and the stage says why."""
    found = target({"MUG": 1}, StockRule(), [])

    assert found.quantity == 0
    assert found.stages[0] == Stage(name="available", quantity=0, sku="MUG", detail="none known")


def test_kit_is_explained() -> None:
    """Each stage says what it did, in words and numbers."""
    stock = [level("MUG", 9), level("MUG", 3, location="hall"), level("LID", 4)]
    rule = StockRule(buffer=1, percentage=Decimal("50.0"), end_when=1, cap=4)

    found = target({"MUG": 2, "LID": 1}, rule, stock)

    assert found == Target(
        quantity=0,
        stages=(
            Stage(name="available", quantity=4, sku="LID", detail="main 4"),
            Stage(name="buffer", quantity=3, sku="LID", detail="1 kept back"),
            Stage(name="percentage", quantity=1, sku="LID", detail="50 %"),
            Stage(name="end-when", quantity=0, sku="LID", detail="0 at or below 1"),
            Stage(name="cap", quantity=0, sku="LID", detail="at most 4"),
            Stage(name="available", quantity=12, sku="MUG", detail="main 9, hall 3"),
            Stage(name="buffer", quantity=11, sku="MUG", detail="1 kept back"),
            Stage(name="percentage", quantity=5, sku="MUG", detail="50 %"),
            Stage(name="end-when", quantity=5, sku="MUG", detail="0 at or below 1"),
            Stage(name="cap", quantity=4, sku="MUG", detail="at most 4"),
            Stage(name="per piece", quantity=2, sku="MUG", detail="2 each"),
            Stage(name="kit", quantity=0, detail="the scarcest component decides"),
            Stage(name="shown", quantity=0, detail="never below 0"),
        ),
    )


def listing(place: str | None, rule: StockRule | None = None) -> Listing:
    """Build a listing at one of the channel's locations."""
    return Listing(channel=SHOP, id=ListingId("MUG", place), components={"MUG": 1}, rule=rule)


MAPPED = ChannelSettings(location={"north": "hall", "south": "shed"}, stock_rule=StockRule(buffer=2))


@pytest.mark.parametrize(
    ("one", "settings", "expected"),
    [
        (listing(None), MAPPED, StockRule(buffer=2)),
        (listing("north"), MAPPED, StockRule(buffer=2, locations="hall")),
        (listing("west"), MAPPED, StockRule(buffer=2)),
        (listing("north", StockRule(cap=1)), MAPPED, StockRule(cap=1, locations="hall")),
        (listing("north", StockRule(locations="shed")), MAPPED, StockRule(locations="shed")),
        (listing("north"), ChannelSettings(stock_rule=StockRule(buffer=2)), StockRule(buffer=2)),
    ],
)
def test_listing_at_a_place_counts_the_stock_of_that_place(
    one: Listing, settings: ChannelSettings, expected: StockRule
) -> None:
    """A listing's own rule goes before its channel's; a mapped location decides which stock counts."""
    assert effective_rule(one, settings) == expected


@given(rules, rules)
def test_fingerprints_are_equal_for_equal_rules_only(one: StockRule, other: StockRule) -> None:
    """Two rules have one fingerprint if and only if they are equal."""
    assert (one.fingerprint() == other.fingerprint()) == (one == other)


@pytest.mark.parametrize(
    "changes",
    [
        {"locations": ["main"]},
        {"buffer": 1},
        {"percentage": Decimal(99)},
        {"end_when": 1},
        {"cap": 0},
    ],
)
def test_any_part_of_a_rule_changes_its_fingerprint(changes: dict[str, Any]) -> None:
    """Whatever is changed in a rule, its fingerprint is another; the way it is written makes none."""
    assert StockRule(**changes).fingerprint() != StockRule().fingerprint()
    assert StockRule(percentage=Decimal("100.00")).fingerprint() == StockRule().fingerprint()


def test_channel_fingerprint_follows_rule_and_map() -> None:
    """A channel's fingerprint changes with its rule and with its map of locations, and with nothing else."""
    plain = ChannelSettings()
    others = [ChannelSettings(stock_rule=StockRule(buffer=1)), ChannelSettings(location="hall"), MAPPED]

    assert len({channel_fingerprint(one) for one in [plain, *others]}) == 4
    assert channel_fingerprint(plain) == channel_fingerprint(ChannelSettings(download_unpaid=True))
    assert channel_fingerprint(MAPPED) == channel_fingerprint(
        attrs.evolve(MAPPED, location={"south": "shed", "north": "hall"})
    )
