"""What a sale on a listing's own channel does to the belief about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersync import beliefs
from ordersync.model.listings import Listing, ListingId
from ordersync.model.stock import Sale
from ordersync.testing.builders import NOON, SHOP, make_sale


def at(minutes: float) -> datetime:
    """Return a moment after noon."""
    return NOON + timedelta(minutes=minutes)


def listing(sku: str = "MUG", place: str | None = None, **changes: Any) -> Listing:  # noqa: ANN401 - fields of the record
    """Build a listing that is settled and believed to show 10."""
    settled: dict[str, Any] = {"believed": 10, "wanted": 3, "settled": 3}
    return Listing(channel=SHOP, id=ListingId(sku, place), components={sku: 1}, **(settled | changes))


def account(sale: Sale, accounted: int | None, *listings: Listing) -> dict[ListingId, Listing]:
    """Return the listings that a sale changes."""
    return dict(beliefs.account(sale, accounted, {one.id: one for one in listings}))


def sale_at(place: str | None) -> Sale:
    """Sell one MUG at one of the channel's locations."""
    return make_sale("1", {("MUG", place): 1})


def believed(changed: Mapping[ListingId, Listing]) -> dict[str, int | None]:
    """Return what each changed listing is believed to show."""
    return {str(one): after.believed for one, after in changed.items()}


def test_first_sale_lowers_the_belief() -> None:
    """The channel took the pieces off by itself, so it is believed to show that many less."""
    changed = account(make_sale("1", {"MUG": 3}), None, listing())

    assert changed == {ListingId("MUG"): attrs.evolve(listing(), believed=7, wanted=4)}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"accepted_at": at(-1)}, 7),
        ({"accepted_at": at(0)}, None),
        ({"accepted_at": at(1)}, None),
        ({"attempt_began": at(5)}, None),
        ({"unresolved_until": at(-9)}, None),
        ({"believed": None}, None),
    ],
)
def test_sale_that_a_push_may_have_overwritten_is_doubted(changes: dict[str, Any], expected: int | None) -> None:
    """A sale taken off before the answer of the last accepted push, or during one, leaves the belief unknown."""
    before = listing(**changes)

    after = account(make_sale("1", {"MUG": 3}, taken_at=at(0)), None, before)[ListingId("MUG")]

    assert after.believed == expected
    assert after.wanted > before.wanted
    assert after.doubts == before.doubts + (expected is None and before.believed is not None)


@pytest.mark.parametrize(
    ("revision", "channel_revision", "accounted", "expected"),
    [
        (1, 0, None, {"MUG": 7}),
        (1, 0, 1, {}),
        (2, 0, 1, {}),
        (3, 2, 2, {}),
        (3, 2, 1, {"MUG": None}),
        (2, 2, 2, {}),
        (1, 1, None, {"MUG": None}),
        (4, 2, None, {"MUG": None}),
    ],
)
def test_order_is_accounted_for_once(
    revision: int, channel_revision: int, accounted: int | None, expected: dict[str, int | None]
) -> None:
    """A first sale lowers, people's later revisions leave alone, the channel's own doubt, and old ones are ignored."""
    sale = make_sale("1", {"MUG": 3}, revision=revision, channel_revision=channel_revision)

    assert believed(account(sale, accounted, listing())) == expected


@given(
    st.lists(st.tuples(st.integers(1, 4), st.booleans()), min_size=1, max_size=6),
    st.integers(1, 5),
)
def test_revisions_in_any_order_lower_at_most_once(told: list[tuple[int, bool]], quantity: int) -> None:
    """However often and in whatever order an order is told, the belief is lowered once or unknown."""
    one, accounted = listing(), None
    for revision, by_channel in told:
        sale = make_sale("1", {"MUG": quantity}, revision=revision, channel_revision=revision if by_channel else 0)
        one = account(sale, accounted, one).get(one.id, one)
        accounted = max(revision, accounted or 0)

    assert one.believed == (None if one.doubts else 10 - quantity)
    assert any(by_channel for _, by_channel in told) or one.doubts == 0


def test_sale_is_found_by_its_own_location_first() -> None:
    """A sale lowers the listing of its location, else the one without a location."""
    plain, north = listing(), listing(place="north")

    assert believed(account(sale_at("north"), None, plain, north)) == {"MUG@north": 9}
    assert believed(account(sale_at("south"), None, plain, north)) == {"MUG": 9}
    assert believed(account(sale_at(None), None, plain, north)) == {"MUG": 9}


def test_sale_without_a_place_doubts_every_listing_it_may_be_of() -> None:
    """Where nobody can say which listing was sold from, all of the SKU are doubted; a single one is not."""
    north, south, lid = listing(place="north"), listing(place="south"), listing("LID", "north")
    sale = sale_at(None)

    assert believed(account(sale, None, south, north, lid)) == {"MUG@north": None, "MUG@south": None}
    assert believed(account(sale, None, north, lid)) == {"MUG@north": 9}


def test_sale_of_another_place_doubts() -> None:
    """Where the order's own location has no listing and another one has, it is doubted and not lowered."""
    assert believed(account(sale_at("south"), None, listing(place="north"))) == {"MUG@north": None}


def test_kit_lowers_its_own_listing_alone() -> None:
    """A sale goes by channel SKU: a kit's lowers the kit's listing, and no other that shares components."""
    kit, mug = listing("SET"), listing()

    assert believed(account(make_sale("1", {"SET": 2}), None, kit, mug)) == {"SET": 8}


def test_unlinked_sku_changes_nothing() -> None:
    """A sale of a SKU that is not linked has no belief to lower."""
    assert account(make_sale("1", {"OTHER": 1}), None, listing()) == {}


def test_each_sku_of_an_order_is_lowered() -> None:
    """An order of several SKUs lowers each by its own quantity, at its own place or at none."""
    sale = make_sale("1", {("MUG", "north"): 2, ("LID", None): 1})

    assert believed(account(sale, None, listing("LID"), listing(place="north"))) == {"LID": 9, "MUG@north": 8}
