"""What becomes of levels that are pushed to a fake marketplace."""

from __future__ import annotations

import pytest

from ordersync.errors import ChannelRejectedError
from ordersync.model.listings import ListingId, StockOutcome, StockResult, StockUpdate
from ordersync.testing import START, FakeMarketplace, ManualClock


def level(
    sku: str,
    quantity: int,
    *,
    location: str | None = None,
    expected: int | None = None,
    attempt: str = "a1",
) -> StockUpdate:
    """Build one level to push."""
    return StockUpdate(
        channel_sku=sku, quantity=quantity, channel_location=location, expected=expected, attempt_id=attempt
    )


async def outcomes(market: FakeMarketplace, *levels: StockUpdate) -> list[StockOutcome]:
    """Push levels in one call and return what became of each."""
    return [result.outcome for result in await market.push_stock(levels)]


async def test_level_is_shown_as_it_was_pushed(market: FakeMarketplace) -> None:
    """Levels are absolute: what was pushed is shown, and pushed again it is shown still."""
    for _ in range(2):
        assert await market.push_stock([level("MUG", 3), level("LID", 0)]) == [
            StockResult(channel_sku="MUG", outcome=StockOutcome.ACCEPTED),
            StockResult(channel_sku="LID", outcome=StockOutcome.ACCEPTED),
        ]

    assert market.levels == {"LID": 0, "MUG": 3}


async def test_every_level_that_took_effect_is_kept(market: FakeMarketplace, clock: ManualClock) -> None:
    """The marketplace remembers each effect with its moment and its attempt, repetitions included."""
    await market.push_stock([level("MUG", 3)])
    clock.advance(1)
    await market.push_stock([level("MUG", 3, attempt="a2")])

    assert [(one.at, one.listing, one.quantity, one.attempt_id) for one in market.levels_applied] == [
        (START, ListingId("MUG"), 3, "a1"),
        (clock.now(), ListingId("MUG"), 3, "a2"),
    ]


async def test_locations_are_listings_of_their_own(market: FakeMarketplace) -> None:
    """A level for one location leaves the others alone, and is unknown where nothing is listed."""
    market.list_sku("MUG", 4, location="berlin")

    found = await outcomes(market, level("MUG", 2, location="berlin"), level("MUG", 9, location="rome"))

    assert found == [StockOutcome.ACCEPTED, StockOutcome.UNKNOWN_SKU]
    assert market.levels == {"LID": 5, "MUG": 10, "MUG@berlin": 2}


async def test_one_bad_sku_stops_only_itself(market: FakeMarketplace) -> None:
    """Unknown and refused SKUs are answered one by one, and the rest of the batch is applied."""
    market.list_sku("PEN", 1)
    market.refuse_sku("LID", message="blocked by the brand owner")
    market.refuse_sku("PEN", outcome=StockOutcome.RETRY)

    results = await market.push_stock([level(sku, 7) for sku in ("NOPE", "LID", "PEN", "MUG")])

    assert [result.outcome for result in results] == [
        StockOutcome.UNKNOWN_SKU,
        StockOutcome.REJECTED,
        StockOutcome.RETRY,
        StockOutcome.ACCEPTED,
    ]
    assert results[1].message == "blocked by the brand owner"
    assert market.levels == {"LID": 5, "MUG": 7, "PEN": 1}


async def test_poisoned_sku_spoils_its_batch(market: FakeMarketplace) -> None:
    """A batch with a poisoned SKU is refused as a whole, and the others go through without it."""
    market.poison_sku("LID")

    with pytest.raises(ChannelRejectedError) as caught:
        await market.push_stock([level("MUG", 3), level("LID", 3)])
    await market.push_stock([level("MUG", 4)])

    assert caught.value.applied is False
    assert market.levels == {"LID": 5, "MUG": 4}


async def test_muted_sku_is_applied_and_not_answered(market: FakeMarketplace) -> None:
    """An answer may leave out an item that took effect."""
    market.mute_sku("LID")

    results = await market.push_stock([level("MUG", 3), level("LID", 3)])

    assert [result.channel_sku for result in results] == ["MUG"]
    assert market.levels == {"LID": 3, "MUG": 3}


async def test_forgiven_sku_makes_no_trouble(market: FakeMarketplace) -> None:
    """Refusing, poisoning and muting end together."""
    market.refuse_sku("MUG")
    market.poison_sku("MUG")
    market.mute_sku("MUG")

    market.forgive_sku("MUG")

    assert await outcomes(market, level("MUG", 3)) == [StockOutcome.ACCEPTED]


async def test_unlisted_sku_is_unknown(market: FakeMarketplace) -> None:
    """A listing that is taken down is unknown to pushes and gone from what is shown."""
    market.unlist_sku("LID")

    assert await outcomes(market, level("LID", 3)) == [StockOutcome.UNKNOWN_SKU]
    assert market.levels == {"MUG": 10}


async def test_batch_has_a_size(clock: ManualClock) -> None:
    """More levels than one call takes are refused as a whole."""
    market = FakeMarketplace(clock=clock, stock_batch_size=2)
    market.list_sku("MUG", 1)

    with pytest.raises(ChannelRejectedError, match="3 levels in one call, at most 2"):
        await market.push_stock([level("MUG", 2)] * 3)

    assert market.levels == {"MUG": 1}
    assert await outcomes(market, *[level("MUG", 2)] * 2) == [StockOutcome.ACCEPTED] * 2


async def test_comparing_shop_applies_only_what_it_was_expected_to_show(clock: ManualClock) -> None:
    """With compare-and-set another level than expected is a conflict, and no expectation is unconditional."""
    market = FakeMarketplace(clock=clock, compare_and_set=True)
    market.list_sku("MUG", 10)
    market.place(lines={"MUG": 1})

    assert await outcomes(market, level("MUG", 5, expected=10)) == [StockOutcome.CONFLICT]
    assert market.levels == {"MUG": 9}
    assert await outcomes(market, level("MUG", 5, expected=9, attempt="a2")) == [StockOutcome.ACCEPTED]
    assert await outcomes(market, level("MUG", 4, attempt="a3")) == [StockOutcome.ACCEPTED]
    assert market.levels == {"MUG": 4}


async def test_comparing_shop_knows_an_attempt_again(clock: ManualClock) -> None:
    """The same attempt again is accepted again and changes nothing, also when a buyer came in between."""
    market = FakeMarketplace(clock=clock, compare_and_set=True)
    market.list_sku("MUG", 10)
    await market.push_stock([level("MUG", 5, expected=10)])
    market.place(lines={"MUG": 1})

    assert await outcomes(market, level("MUG", 5, expected=10)) == [StockOutcome.ACCEPTED]
    assert market.levels == {"MUG": 4}


async def test_comparing_shop_forgets_with_the_listing(clock: ManualClock) -> None:
    """An attempt belongs to its listing: when that is listed anew, nothing has been applied to it yet."""
    market = FakeMarketplace(clock=clock, compare_and_set=True)
    market.list_sku("MUG", 10)
    await market.push_stock([level("MUG", 5)])
    market.unlist_sku("MUG")
    market.list_sku("MUG", 10)

    await market.push_stock([level("MUG", 5)])

    assert market.levels == {"MUG": 5}


async def test_last_page_of_listings_may_be_full(market: FakeMarketplace) -> None:
    """Two listings fill the only page of two, and no empty one follows."""
    page = await market.fetch_listings()

    assert (len(page.listings), page.next_cursor) == (2, None)


async def test_listings_are_read_back_in_pages(market: FakeMarketplace) -> None:
    """Reading back shows every listing once, with what it shows now."""
    market.list_sku("MUG", 4, location="berlin")
    first = await market.fetch_listings()
    second = await market.fetch_listings(cursor=first.next_cursor)

    assert [(str(one.listing_id), one.quantity) for page in (first, second) for one in page.listings] == [
        ("LID", 5),
        ("MUG", 10),
        ("MUG@berlin", 4),
    ]
    assert (len(first.listings), second.next_cursor) == (2, None)
