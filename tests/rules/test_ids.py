"""Ids as text: two that differ never look alike, and derived ids cannot meet."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersync.model.ids import ChannelId, OrderKey
from ordersync.model.listings import ListingId
from ordersync.model.money import Money
from ordersync.model.orders import search_name
from ordersync.testing.builders import make_order

NAMES = st.text(alphabet="aA/%#@ é:.", min_size=1, max_size=4).filter(lambda name: name.strip() != "")
CHANNELS = st.builds(ChannelId, NAMES, NAMES)
KEYS = st.builds(OrderKey, CHANNELS, NAMES)


@given(CHANNELS, CHANNELS)
def test_two_channels_never_look_alike(one: ChannelId, other: ChannelId) -> None:
    """Two channel ids have the same text only if they are the same."""
    assert (str(one) == str(other)) == (one == other)


@given(KEYS, KEYS)
def test_two_keys_never_look_alike(one: OrderKey, other: OrderKey) -> None:
    """Two order keys have the same text only if they are the same."""
    assert (str(one) == str(other)) == (one == other)


@given(KEYS, NAMES, KEYS, NAMES)
def test_derived_ids_never_meet(one: OrderKey, parcel: str, other: OrderKey, another: str) -> None:
    """The movements and notes of different parcels have different ids, also across orders."""
    same = (one, parcel) == (other, another)

    assert (one.parcel_id(parcel) == other.parcel_id(another)) == same
    assert (one.dispatch_id(parcel) == other.dispatch_id(another)) == same
    assert one.parcel_id(parcel) != other.dispatch_id(another)


def test_plain_names_stay_readable() -> None:
    """What people write is left as it is; a slash in a name is quoted."""
    key = OrderKey(ChannelId("EKM", "my shop"), "#1001")

    assert str(key) == "EKM/my shop/#1001"
    assert key.parcel_id("all") == "EKM/my shop/#1001/parcel/all"
    assert key.dispatch_id("p/1") == "EKM/my shop/#1001/dispatch/p%2F1"
    assert str(ChannelId("a/b", "c")) == "a%2Fb/c"


@pytest.mark.parametrize(("listing", "told"), [(ListingId("MUG"), "MUG"), (ListingId("MUG", "north"), "MUG@north")])
def test_listing_is_told_with_its_location(listing: ListingId, told: str) -> None:
    """A listing at one of the channel's locations names it."""
    assert str(listing) == told
    assert listing.sort_key == (listing.channel_sku, listing.channel_location or "")


@pytest.mark.parametrize("amount", ["12.50", "0.1", "1E+2", "-3", "12345678901234567890.123456789"])
def test_money_keeps_the_channels_digits(amount: str) -> None:
    """An amount is told with every digit that the channel gave."""
    assert str(Money(Decimal(amount), "EUR")) == f"{Decimal(amount)} EUR"


@given(st.text(alphabet=" #aAßéI1", max_size=6))
def test_search_forgives_what_people_get_wrong(reference: str) -> None:
    """Case, blanks around and one leading # make no difference to a search."""
    name = search_name(f"  {reference}  ")

    assert name == search_name(reference)
    assert search_name(reference.upper().lower()) == search_name(reference.lower())
    assert search_name("# Ab-12 ") == "ab-12"


def test_order_is_found_by_all_of_its_names() -> None:
    """An order answers to its reference, its id on the channel and its second reference."""
    order = make_order("#A1", channel_order_id="gid-9", secondary_reference=" PO 7 ")

    assert order.search_names == {"a1", "gid-9", "po 7"}
    assert make_order("#A1").search_names == {"a1"}
