"""Small facts of records that have no file of their own, and the machine's clock."""

from __future__ import annotations

from datetime import UTC, timedelta

import attrs
import pytest

from ordersync import DispatchNote, Parcel, StockLevel, StockResult, StockUpdate
from ordersync.clock import SystemClock, new_run_id
from ordersync.model.dispatch import Note, NoteStatus
from ordersync.model.ids import Fence
from ordersync.model.listings import ChannelListing, Links, Listing, ListingId, StockOutcome
from ordersync.model.orders import LIVE, OrderState
from ordersync.model.runs import Lease
from ordersync.parcels import process
from ordersync.testing.builders import NOON, SHOP, make_channel_order, make_order

NORTH, SOUTH, ANYWHERE = ListingId("MUG", "north"), ListingId("MUG", "south"), ListingId("MUG")


def test_available_is_what_is_not_promised() -> None:
    """What is available may be negative: the sale has happened."""
    assert StockLevel(sku="MUG", location="main", on_hand=2, reserved=5).available == -3


def test_answers_and_updates_name_one_listing() -> None:
    """An update, its result and a read-back of one listing name the same one."""
    update = StockUpdate(channel_sku="MUG", quantity=1, attempt_id="a", channel_location="north")
    result = StockResult(channel_sku="MUG", outcome=StockOutcome.ACCEPTED, channel_location="north")
    shown = ChannelListing(channel_sku="MUG", quantity=1, channel_location="north")

    assert update.listing_id == result.listing_id == shown.listing_id == NORTH


def test_listing_tells_its_names() -> None:
    """A listing is asked for its channel SKU and its location directly."""
    listing = Listing(channel=SHOP, id=NORTH, components={"MUG": 1})

    assert (listing.channel_sku, listing.channel_location) == ("MUG", "north")


def test_lease_proves_itself_by_channel_and_token() -> None:
    """What goes with each verb of a run is its lease's channel and number."""
    assert Lease(channel=SHOP, token=7, holder="run").fence == Fence(SHOP, 7)


def test_live_orders_are_new_or_open() -> None:
    """Only new and open orders are live."""
    assert {OrderState.NEW, OrderState.OPEN} == LIVE


@pytest.mark.parametrize(
    ("links", "place", "expected"),
    [
        ({NORTH: {"A": 1}, ANYWHERE: {"B": 1}}, "north", {"A": 1}),
        ({NORTH: {"A": 1}, ANYWHERE: {"B": 1}}, "south", {"B": 1}),
        ({NORTH: {"A": 1}}, None, {"A": 1}),
        ({NORTH: {"A": 1}, SOUTH: {"A": 1}}, None, {"A": 1}),
        ({NORTH: {"A": 1}, SOUTH: {"C": 1}}, None, None),
        ({}, None, None),
    ],
)
def test_line_means_the_nearest_listing(
    links: dict[ListingId, dict[str, int]], place: str | None, expected: dict[str, int] | None
) -> None:
    """A line means its own location's listing, else the one without, else the only meaning there is."""
    found = Links(revision=1, components={**links, ListingId("LID"): {"LID": 1}})

    assert found.of_sku("MUG", place) == expected
    assert found.of(make_channel_order().lines[0], place) == expected


def note() -> Note:
    """Build the note of a parcel."""
    return process(make_order(), Parcel(carrier="DHL", tracking_number="JD01"), at=NOON)[2]


@pytest.mark.parametrize("changes", [{"status": NoteStatus.SENT}, {"tries": 1}, {"claimed_at": NOON}])
def test_standing_changes_with_what_a_claim_compares(changes: dict[str, object]) -> None:
    """Whoever claims or moves a note changes its standing."""
    assert attrs.evolve(note(), **changes).standing != note().standing  # type: ignore[arg-type]


def test_standing_changes_with_the_label_and_with_nothing_else() -> None:
    """A new number is another note to whoever read the old one; a later look or a message is not."""
    relabelled: DispatchNote = attrs.evolve(note().note, tracking_number="JD02")

    assert attrs.evolve(note(), note=relabelled).standing != note().standing
    assert attrs.evolve(note(), look_at=NOON, message="lacking").standing == note().standing


def test_machines_clock_is_aware_and_moves_on() -> None:
    """The machine's clock tells UTC, its monotonic seconds never fall, and no two runs have one id."""
    clock = SystemClock()
    before = clock.now(), clock.monotonic()

    assert before[0].tzinfo is UTC
    assert clock.now() - before[0] < timedelta(minutes=1)
    assert clock.monotonic() >= before[1]
    assert new_run_id() != new_run_id()


async def test_machines_clock_sleeps() -> None:
    """A sleep lets at least its time pass."""
    clock = SystemClock()
    began = clock.monotonic()

    await clock.sleep(0.01)

    assert clock.monotonic() - began >= 0.009
