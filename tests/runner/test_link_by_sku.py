"""Listings that are linked by their SKU: from what the channel shows, and from what it sells."""

from __future__ import annotations

from collections import Counter

import pytest

from ordersync import ChannelId, ChannelReport, ChannelSettings
from ordersync.errors import ChannelUnavailableError
from ordersync.model.runs import EntryKind
from ordersync.testing import FakeMarketplace
from ordersync.testing.market import BareMarketplace
from runner.watching import watched
from runner.world import MARKET, World, remarks

FAIR = ChannelId("Fair", "spring")
BY_SKU = ChannelSettings(link_by_sku=True)


@pytest.fixture
def fair(world: World) -> FakeMarketplace:
    """Open a marketplace that links by SKU, of which nothing is linked yet."""
    return world.open(FAIR, BY_SKU)


def told(report: ChannelReport) -> list[tuple[str, str]]:
    """Return which channel SKUs could not be linked, and why; not which orders wait for that."""
    return [(code, subject) for code, subject in remarks(report, "unlinked") if code.endswith("_SKU")]


async def test_listings_of_our_name_are_linked(world: World, fair: FakeMarketplace) -> None:
    """What the channel calls as we do is linked by the first run, shown what we have, and the rest is reported."""
    for sku in ("MUG", "POSTER"):
        fair.list_sku(sku, 99)

    report = await world.run(fair)

    assert {name: one.components for name, one in (await world.listings(fair.id)).items()} == {"MUG": {"MUG": 1}}
    assert fair.levels == {"MUG": 10, "POSTER": 99}
    assert told(report.channels[fair.id]) == [("UNLINKED_SKU", "POSTER")]
    (check,) = await world.journal(fair.id, EntryKind.DRIFT_CHECK)
    assert check.facts["linked"] == "1"


async def test_listings_at_locations_are_linked_each(world: World, fair: FakeMarketplace) -> None:
    """A channel SKU that is listed at several of the channel's locations is linked at each of them."""
    for place in ("Nord", "Süd"):
        fair.list_sku("MUG", 99, location=place)

    await world.run(fair)

    assert fair.levels == {"MUG@Nord": 10, "MUG@Süd": 10}


async def test_kit_of_our_name_is_linked_taken_apart(world: World, fair: FakeMarketplace) -> None:
    """A listing called as one of our kits takes the kit's components from stock."""
    await world.storage.listings.define_kit("PAIR", {"MUG": 2})
    fair.list_sku("PAIR", 0)

    await world.run(fair)

    assert fair.levels == {"PAIR": 5}
    assert (await world.listings(fair.id))["PAIR"].linked_to == {"PAIR": 1}


@pytest.mark.parametrize("shown", ["mug", "Mug", " MUG", "MUG "])
async def test_name_that_is_not_quite_ours_is_left_to_a_person(world: World, fair: FakeMarketplace, shown: str) -> None:
    """A name that differs by case or blanks alone is a guess: it is not linked, and reported as ambiguous."""
    fair.list_sku(shown, 99)

    report = await world.run(fair)

    assert await world.listings(fair.id) == {}
    assert fair.levels == {shown: 99}
    assert told(report.channels[fair.id]) == [("AMBIGUOUS_SKU", shown)]


async def test_blanks_around_a_name_of_mixed_case(world: World, fair: FakeMarketplace) -> None:
    """A name of small and capital letters is recognised in spite of blanks around it, and still not linked."""
    await world.stock("Tea Pot", 3)
    fair.list_sku(" Tea Pot", 99)

    report = await world.run(fair)

    assert fair.levels == {" Tea Pot": 99}
    assert told(report.channels[fair.id]) == [("AMBIGUOUS_SKU", " Tea Pot")]


async def test_name_that_could_be_two_of_ours(world: World, fair: FakeMarketplace) -> None:
    """Where two of our SKUs come into question neither is taken, and the report names both."""
    await world.stock("mug", 3)
    await world.storage.listings.define_kit("mUG", {"MUG": 2})
    fair.list_sku("Mug", 99)

    report = await world.run(fair)

    assert await world.listings(fair.id) == {}
    (remark,) = [one for one in report.channels[fair.id].remarks if one.code == "AMBIGUOUS_SKU"]
    assert all(repr(sku) in remark.sentence for sku in ("MUG", "mUG", "mug"))


async def test_exact_name_wins_over_like_ones(world: World, fair: FakeMarketplace) -> None:
    """Of several SKUs that differ by case the one that is spelt exactly so is meant."""
    await world.stock("mug", 3)
    for sku in ("MUG", "mug"):
        fair.list_sku(sku, 99)

    report = await world.run(fair)

    assert fair.levels == {"MUG": 10, "mug": 3}
    assert told(report.channels[fair.id]) == []


async def test_nothing_is_linked_unless_it_is_asked_for(world: World) -> None:
    """Without the setting no listing is linked, reported, or even read while nothing is linked."""
    fair = world.open(FAIR)
    fair.list_sku("MUG", 99)
    fair.place("1001", lines={"MUG": 1})

    report = await world.run(fair)

    assert await world.listings(fair.id) == {}
    assert told(report.channels[fair.id]) == []
    assert fair.calls["fetch_listings"] == 0
    assert fair.levels == {"MUG": 98}


async def test_persons_links_stay(world: World) -> None:
    """What a person has linked to something else, or unlinked, is not linked by its name."""
    await world.stock("CUP", 4)
    market = world.open(MARKET, BY_SKU)
    for sku in ("MUG", "CUP"):
        market.list_sku(sku, 99)
    await world.storage.listings.link(MARKET, "MUG", {"CUP": 2})
    await world.storage.listings.link(MARKET, "CUP", "CUP")
    await world.storage.listings.unlink(MARKET, "CUP")

    await world.run(market)
    market.place("2001", lines={"CUP": 1})
    await world.run_later(market, minutes=13 * 60)

    assert {name: one.components for name, one in (await world.listings()).items()} == {"MUG": {"CUP": 2}}
    assert [line.channel_sku for line in (await world.order("2001", MARKET)).unlinked] == ["CUP"]


async def test_new_listings_are_found_by_later_checks(world: World, fair: FakeMarketplace) -> None:
    """What the channel lists later is linked by the drift check that is due next, and not before."""
    await world.run(fair)
    fair.list_sku("MUG", 99)

    await world.run_later(fair)
    assert fair.levels == {"MUG": 99}
    await world.run_later(fair, minutes=13 * 60)
    assert fair.levels == {"MUG": 10}


async def test_sold_line_is_linked_with_its_page(world: World, fair: FakeMarketplace) -> None:
    """An order's line whose SKU is called as ours is linked with the page that brings it, and reserved in that run."""
    fair.list_sku("MUG", 5)
    fair.place("1001", lines={"MUG": 2})
    fair.place("1002", lines={"POSTER": 1, "mug": 1})

    report = await world.run(fair)

    order = await world.order("1001", fair.id)
    assert (order.unlinked, order.wanted) == ((), {("MUG", "main"): 2})
    assert (await world.level()).reserved == 2
    assert [line.channel_sku for line in (await world.order("1002", fair.id)).unlinked] == ["POSTER", "mug"]
    assert sorted(told(report.channels[fair.id])) == [("AMBIGUOUS_SKU", "mug"), ("UNLINKED_SKU", "POSTER")]
    assert fair.levels == {"MUG": 8}


async def test_channel_that_shows_no_listings_is_linked_by_what_it_sells(world: World) -> None:
    """Where listings cannot be read back, what is sold is linked all the same."""
    bare = BareMarketplace(FAIR, clock=world.clock, settings=BY_SKU)
    bare.list_sku("MUG", 5)
    bare.place("1001", lines={"MUG": 2})

    await world.run(bare)

    assert (await world.level()).reserved == 2
    assert bare.levels == {"MUG": 8}


async def test_sku_that_we_get_later_is_linked_when_its_order_is_seen_again(
    world: World, fair: FakeMarketplace
) -> None:
    """An order of a SKU that we do not have waits; once we have it, the next sweep links it, and the order reserves."""
    fair.place("1001", lines={"TEA": 2})
    await world.run(fair)
    assert [line.channel_sku for line in (await world.order("1001", fair.id)).unlinked] == ["TEA"]

    await world.stock("TEA", 5)
    for _ in range(2):
        await world.run_later(fair, minutes=61)

    assert (await world.level("TEA")).reserved == 2


async def test_linking_asks_nothing_when_nothing_is_unlinked(world: World) -> None:
    """Where every line is linked, or the setting is off, neither kits nor further levels are asked for."""
    market = world.open(MARKET, BY_SKU)
    market.list_sku("MUG", 10)
    await world.run(market)
    for channel, settings in ((market, "on"), (world.shop, "off")):
        channel.place(settings, lines={"MUG": 1} if settings == "on" else {"POSTER": 1})
        calls = Counter[str]()
        await World(watched(world.storage, calls), world.clock).run_later(channel)

        assert calls["listings.kits"] == calls["listings.link_new"] == 0, settings


async def test_dry_run_shows_what_it_would_link(world: World, fair: FakeMarketplace) -> None:
    """A dry run says which sold SKUs it would link, and links none."""
    fair.place("1001", lines={"MUG": 1, "POSTER": 1})

    report = await world.runner(fair).run_once(dry_run=True)

    assert remarks(report.channels[fair.id], "due") == [("LINK", "MUG")]
    assert told(report.channels[fair.id]) == [("UNLINKED_SKU", "POSTER")]
    assert await world.listings(fair.id) == {}


async def test_read_back_that_breaks_off_is_done_again(world: World, fair: FakeMarketplace) -> None:
    """What a read-back showed before it was cut is linked, and the next run reads the rest."""
    for sku in ("LID", "MUG", "TEA"):
        await world.stock(sku, 2)
        fair.list_sku(sku, 99)

    async def lose_the_second_page(method: str, _when: str) -> None:
        if method == "fetch_listings" and fair.calls[method] == 2:
            raise ChannelUnavailableError("the line is dead")

    fair.on_call = lose_the_second_page
    await world.run(fair)
    fair.on_call = None
    assert set(await world.listings(fair.id)) == {"LID", "MUG"}

    await world.run_later(fair)
    assert fair.levels == {"LID": 2, "MUG": 2, "TEA": 2}
