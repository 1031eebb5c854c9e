"""Levels on Vendure lie beside what is allocated."""

from __future__ import annotations

import pytest

from channels.vendure_stub import VendureStub
from ordersync.channels.vendure import VendureChannel
from ordersync.errors import ChannelRejectedError
from ordersync.model.listings import ListingId, StockOutcome, StockUpdate


def level(sku: str, quantity: int, location: str | None = None) -> StockUpdate:
    """Build a level to show."""
    return StockUpdate(channel_sku=sku, quantity=quantity, channel_location=location, attempt_id="a1")


async def test_level_lies_beside_what_is_allocated(stub: VendureStub, channel: VendureChannel) -> None:
    """To offer seven while two are promised, nine must lie there: fewer could not even be fulfilled."""
    stub.shop.place({"MUG": 2})
    await channel.push_stock([level("MUG", 7), level("LID", 0)])

    assert stub.shop.variant("MUG").levels == {"1": [9, 2]}
    assert stub.shop.variant("LID").levels == {"1": [0, 0]}


async def test_level_that_is_shown_is_not_written(stub: VendureStub, channel: VendureChannel) -> None:
    """What is offered already is accepted without a write, and nothing but the rest is written."""
    (result,) = await channel.push_stock([level("MUG", 20)])
    assert result.outcome is StockOutcome.ACCEPTED
    assert "updateProductVariants" not in stub.asked

    await channel.push_stock([level("MUG", 20), level("LID", 3)])
    assert stub.asked.count("updateProductVariants") == 1


async def test_levels_of_several_locations_go_together(stub: VendureStub, channel: VendureChannel) -> None:
    """One variant at two locations is one row: named twice, Vendure would keep only the last."""
    results = await channel.push_stock([level("MUG", 5), level("MUG", 6, "2")])

    assert {result.outcome for result in results} == {StockOutcome.ACCEPTED}
    assert stub.shop.variant("MUG").levels == {"1": [5, 0], "2": [6, 0]}
    shown = (await channel.fetch_listings()).listings
    assert {one.listing_id: one.quantity for one in shown} == {
        ListingId("MUG"): 5,
        ListingId("MUG", "2"): 6,
        ListingId("LID"): 20,
    }


async def test_unknown_location_refuses_the_batch(stub: VendureStub, channel: VendureChannel) -> None:
    """What the database itself refuses has changed nothing, so that the rest can be sent without it."""
    with pytest.raises(ChannelRejectedError) as caught:
        await channel.push_stock([level("LID", 3), level("MUG", 5, "99")])

    assert caught.value.applied is False
    assert stub.shop.variant("LID").levels == {"1": [20, 0]}


async def test_sku_of_two_variants_is_refused(stub: VendureStub, channel: VendureChannel) -> None:
    """Vendure permits one SKU twice; which one is meant cannot be known."""
    stub.shop.list_sku("MUG", 1)
    results = await channel.push_stock([level("MUG", 5), level("LID", 3), level("mug", 1)])

    assert {one.channel_sku: one.outcome for one in results} == {
        "MUG": StockOutcome.REJECTED,
        "LID": StockOutcome.ACCEPTED,
        "mug": StockOutcome.UNKNOWN_SKU,
    }


@pytest.mark.parametrize(("tracks", "globally"), [("FALSE", True), ("INHERIT", False)])
async def test_variant_that_is_not_counted_is_refused(
    stub: VendureStub,
    channel: VendureChannel,
    tracks: str,
    globally: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """A variant whose inventory is not tracked sells any number: no level would be kept there."""
    stub.shop.tracks_inventory = globally
    stub.shop.variant("MUG").tracks = tracks
    stub.shop.variant("LID").tracks = "TRUE"
    results = await channel.push_stock([level("MUG", 5), level("LID", 3)])

    assert {one.channel_sku: one.outcome for one in results} == {
        "MUG": StockOutcome.REJECTED,
        "LID": StockOutcome.ACCEPTED,
    }


async def test_sale_between_read_and_write_is_noticed(stub: VendureStub, channel: VendureChannel) -> None:
    """A sale between reading what is allocated and writing is not overwritten, and the level is tried again."""

    def sell(name: str) -> None:
        if name == "updateProductVariants":
            stub.on_ask = None
            stub.shop.place({"MUG": 2})

    stub.on_ask = sell
    (result,) = await channel.push_stock([level("MUG", 7)])
    assert result.outcome is StockOutcome.RETRY
    assert stub.shop.variant("MUG").levels == {"1": [7, 2]}

    (result,) = await channel.push_stock([level("MUG", 7)])
    assert result.outcome is StockOutcome.ACCEPTED
    assert stub.shop.variant("MUG").levels == {"1": [9, 2]}
