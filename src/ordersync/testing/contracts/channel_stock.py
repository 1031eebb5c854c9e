"""The laws of stock on a channel: a level is set, each item has its own outcome, what is shown can be read."""

from __future__ import annotations

import pytest

from ...channel import SupportsListings
from ...errors import ChannelRejectedError
from ...model.listings import StockOutcome
from .channel_harness import ChannelHarness, find, note_for, update
from .laws import Contract, law


class StockLaws(Contract[ChannelHarness]):
    """What ``push_stock`` does, and what ``fetch_listings`` shows of it."""

    @law
    async def test_level_is_set(self, harness: ChannelHarness) -> None:
        """A level that is pushed is what the marketplace offers, and other SKUs keep theirs."""
        mug, lid, tee = harness.skus
        before = await harness.known_levels()

        results = await harness.channel.push_stock([update(mug, 7), update(lid, 0)])
        assert {result.channel_sku: result.outcome for result in results} == {
            mug: StockOutcome.ACCEPTED,
            lid: StockOutcome.ACCEPTED,
        }
        levels = await harness.known_levels()
        assert (levels[mug], levels[lid], levels[tee]) == (7, 0, before[tee])

    @law
    async def test_level_is_not_added(self, harness: ChannelHarness) -> None:
        """The same call twice, and another attempt at the same level, leave that level."""
        mug = harness.skus[0]
        for attempt in (1, 1, 2):
            await harness.channel.push_stock([update(mug, 7, attempt)])

        assert (await harness.known_levels())[mug] == 7

    @law
    async def test_level_is_set_beside_open_orders(self, harness: ChannelHarness) -> None:
        """What open orders wait for is not offered again: the level is what may still be sold."""
        mug = harness.skus[0]
        await harness.place_order({mug: 2})

        await harness.channel.push_stock([update(mug, 7)])
        assert (await harness.known_levels())[mug] == 7

    @law
    async def test_sale_lowers_the_level_as_declared(self, harness: ChannelHarness) -> None:
        """The marketplace lowers what it offers when it sells, exactly if the channel says so."""
        mug = harness.skus[0]
        await harness.channel.push_stock([update(mug, 7)])
        await harness.place_order({mug: 2})

        expected = 5 if harness.channel.decrements_on_sale else 7
        assert (await harness.known_levels())[mug] == expected

    @law
    async def test_dispatch_leaves_the_level(self, harness: ChannelHarness) -> None:
        """What may be sold does not change when sold goods leave."""
        mug = harness.skus[0]
        reference = await harness.place_order({mug: 2})
        await harness.channel.push_stock([update(mug, 7)])
        await _ship(harness, reference)

        assert (await harness.known_levels())[mug] == 7

    @law
    async def test_unknown_sku_stops_only_itself(self, harness: ChannelHarness) -> None:
        """A SKU that is not known is named and those beside it are set, or the batch is refused as a whole."""
        mug, lid, _ = harness.skus
        before = await harness.known_levels()
        batch = [update(mug, 6), update("NO-SUCH-SKU", 5), update(lid, 4)]
        refused: ChannelRejectedError | None = None
        try:
            results = await harness.channel.push_stock(batch)
        except ChannelRejectedError as error:
            refused, results = error, ()
        if refused is not None:
            assert refused.applied is False
            assert await harness.known_levels() == before
            return
        outcomes = {result.channel_sku: result.outcome for result in results}
        assert outcomes["NO-SUCH-SKU"] in (StockOutcome.UNKNOWN_SKU, StockOutcome.REJECTED)
        assert (outcomes[mug], outcomes[lid]) == (StockOutcome.ACCEPTED, StockOutcome.ACCEPTED)
        levels = await harness.known_levels()
        assert (levels[mug], levels[lid]) == (6, 4)

    @law
    async def test_results_are_about_the_updates(self, harness: ChannelHarness) -> None:
        """Each result is about a listing that was pushed, and none has two."""
        batch = [update(sku, number) for number, sku in enumerate(harness.skus)]

        told = [result.listing_id for result in await harness.channel.push_stock(batch)]
        assert len(set(told)) == len(told)
        assert set(told) <= {one.listing_id for one in batch}

    @law
    async def test_nothing_is_pushed_for_nothing(self, harness: ChannelHarness) -> None:
        """An empty batch has no results and changes nothing."""
        before = await harness.known_levels()

        assert list(await harness.channel.push_stock([])) == []
        assert await harness.known_levels() == before

    @law
    async def test_listing_shows_what_was_pushed(self, harness: ChannelHarness) -> None:
        """Read back, a listing shows the level that was pushed, page by page until the end."""
        channel = harness.channel
        if not isinstance(channel, SupportsListings):
            pytest.skip("the channel offers no read-back")
        pushed = {sku: number + 3 for number, sku in enumerate(harness.skus)}
        await channel.push_stock([update(sku, quantity) for sku, quantity in pushed.items()])

        shown: dict[str, int] = {}
        cursor: str | None = None
        for _ in range(50):
            page = await channel.fetch_listings(cursor=cursor)
            shown |= {one.channel_sku: one.quantity for one in page.listings if one.channel_location is None}
            cursor = page.next_cursor
            if cursor is None:
                break
        assert cursor is None, "reading the listings back does not end"
        assert {sku: shown.get(sku) for sku in pushed} == pushed


async def _ship(harness: ChannelHarness, reference: str) -> None:
    await harness.channel.send_dispatch(note_for(harness.channel, await find(harness.channel, reference)))
