"""The laws of links, marks and rules: what makes a listing due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from ...model.ids import Fence
from ...model.listings import Listing, ListingId, StockOutcome
from ...model.stock import StockRule
from ...ports import ListingBook
from ..builders import NOON, SHOP
from .laws import Contract, law, paged
from .shelf import SECOND, WINDOW, Shelf
from .steps import MARKET

FENCE = Fence(SHOP, 1)
HOLD = timedelta(hours=1)


async def revision_of(book: ListingBook) -> int:
    """Return the revision of the shop's links."""
    return (await book.links(SHOP, [])).revision


class LinkLaws(Contract[ListingBook]):
    """What channel SKUs mean, and under which revision."""

    @law
    async def test_new_listing_is_due_at_once(self, book: ListingBook) -> None:
        """A listing that was linked is due before anything marks it, and nothing is believed of it."""
        shelf = Shelf(book)
        await shelf.link()

        assert await shelf.is_due(NOON)
        listing = await shelf.listing()
        assert (listing.channel, listing.components, listing.rule) == (SHOP, {"MUG": 1}, None)
        assert (listing.believed, listing.accepted_at, listing.attempt_began) == (None, None, None)

    @law
    async def test_links_tell_what_skus_mean(self, book: ListingBook) -> None:
        """What channel SKUs mean is told for all of the channel's locations, and for no other SKU or channel."""
        await book.link(SHOP, "SET ü", {"MUG": 1, "LID": 2})
        await book.link(SHOP, "MUG-BLUE", "MUG")
        await book.link(SHOP, "MUG-BLUE", "MUG-NORTH", channel_location="Norden")
        await book.link(SHOP, "OTHER", "LID")
        await book.link(MARKET, "MUG-BLUE", "PLATE")

        links = await book.links(SHOP, ["MUG-BLUE", "SET ü", "UNKNOWN"])
        assert links.components == {
            ListingId("SET ü"): {"MUG": 1, "LID": 2},
            ListingId("MUG-BLUE"): {"MUG": 1},
            ListingId("MUG-BLUE", "Norden"): {"MUG-NORTH": 1},
        }
        assert (await book.links(MARKET, ["SET ü"])).components == {}

    @law
    async def test_links_revision_rises_with_components_only(self, book: ListingBook) -> None:
        """The revision of a channel's links rises with a new listing and with other components, and else never."""
        shelf = Shelf(book)
        empty = await revision_of(book)
        await shelf.link("MUG")
        linked = await revision_of(book)
        assert linked > empty

        await shelf.link({"MUG": 1})
        await shelf.link("MUG", rule=StockRule(buffer=2))
        await book.mark(["MUG"])
        await shelf.show(5)
        await book.link(MARKET, "MUG-BLUE", "LID")
        assert await revision_of(book) == linked

        await shelf.link({"MUG": 2})
        assert await revision_of(book) > linked

    @law
    async def test_same_link_again_changes_nothing(self, book: ListingBook) -> None:
        """A listing that is linked as it was is not due again."""
        shelf = Shelf(book)
        await shelf.link({"MUG": 1, "LID": 1}, rule=StockRule(cap=3))
        await shelf.show(3)
        before = await shelf.listing()

        await shelf.link({"LID": 1, "MUG": 1}, rule=StockRule(cap=3))
        assert await shelf.listing() == before

    @law
    async def test_changed_link_is_due(self, book: ListingBook) -> None:
        """Rule 18: other components or another rule make a listing due, and what it shows is still believed."""
        shelf = Shelf(book)
        await shelf.show(5)
        await shelf.link("MUG", rule=StockRule(buffer=1))
        assert await shelf.is_due(NOON)
        assert (await shelf.listing()).rule == StockRule(buffer=1)

        await shelf.push(4, at=NOON, answered=NOON)
        await shelf.link({"MUG": 2}, rule=StockRule(buffer=1))
        assert await shelf.is_due(NOON)
        assert (await shelf.listing()).components == {"MUG": 2}
        assert await shelf.believed() == 4

    @law
    async def test_rule_comes_back_equal(self, book: ListingBook) -> None:
        """Every field of a listing's own rule comes back as it was given."""
        rule = StockRule(locations=["main", "Ü"], buffer=3, percentage=StockRule().percentage / 3, end_when=2, cap=7)
        shelf = Shelf(book)
        await shelf.link("MUG", rule=rule)

        found = (await shelf.listing()).rule
        assert found == rule
        assert found is not None
        assert found.fingerprint() == rule.fingerprint()

    @law
    async def test_meaningless_link_is_refused(self, book: ListingBook) -> None:
        """A listing cannot be linked to nothing, or to no pieces of something."""
        for components in ({}, {"MUG": 0}, {"MUG": -1}, {"": 1}, ""):
            with pytest.raises(ValueError, match="components"):
                await Shelf(book).link(components)
        assert list(await book.of_channel(SHOP)) == []

    @law
    async def test_unlinked_listing_is_pushed_no_more(self, book: ListingBook) -> None:
        """An unlinked listing means nothing, is not listed, not due, and not begun."""
        shelf = Shelf(book)
        await shelf.show(5)
        await book.mark(["MUG"])
        wanted = (await shelf.listing()).wanted
        await shelf.unlink()
        await Shelf(book, "NEVER LINKED").unlink()

        await book.mark(["MUG"])
        await book.mark_channel(SHOP)
        assert list(await book.of_channel(SHOP)) == []
        assert (await book.links(SHOP, ["MUG-BLUE"])).components == {}
        assert not await shelf.is_due(NOON + 2 * WINDOW)
        assert await shelf.begin(3, at=NOON, wanted=wanted) is None

    @law
    async def test_relinked_listing_goes_on(self, book: ListingBook) -> None:
        """A listing that is linked again is due, its attempts count on, and a late copy may still land."""
        shelf = Shelf(book)
        await shelf.link()
        first = await shelf.sent(5, at=NOON)
        await shelf.finish(first, StockOutcome.UNKNOWN, at=NOON + SECOND)
        await shelf.unlink()
        await shelf.link()

        assert await shelf.is_due(NOON)
        assert (await shelf.listing()).unresolved_until == NOON + WINDOW
        second = await shelf.sent(5, at=NOON + SECOND)
        assert second.number > first.number
        before = await shelf.listing()
        await shelf.finish(first, at=NOON + SECOND)
        assert await shelf.listing() == before

    @law
    async def test_sale_while_unlinked_is_not_forgotten(self, book: ListingBook) -> None:
        """What a channel took off a listing while that was not linked is not shown as unchanged afterwards."""
        shelf = Shelf(book)
        await shelf.show(5)
        await shelf.unlink()
        await shelf.sell("1001", 2, taken_at=NOON + SECOND)
        await shelf.link()

        assert await shelf.believed() in (None, 3)

    @law
    async def test_listings_come_by_id(self, book: ListingBook) -> None:
        """All linked listings of a channel come by id, the one without a location before those with one."""
        ids = [ListingId("A"), ListingId("A", "x"), ListingId("A", "y"), ListingId("B", "x"), ListingId("a")]
        for one in reversed(ids):
            await book.link(SHOP, one.channel_sku, "MUG", channel_location=one.channel_location)
        await book.link(MARKET, "A", "MUG")

        assert [listing.id for listing in await book.of_channel(SHOP)] == ids

    @law
    async def test_due_is_paged_by_id(self, book: ListingBook) -> None:
        """Due listings of one channel come by id, from behind the last one, no more than asked for."""
        ids = [ListingId("A"), ListingId("A", "x"), ListingId("B"), ListingId("a")]
        for one in reversed(ids):
            await book.link(SHOP, one.channel_sku, "MUG", channel_location=one.channel_location)
        await book.link(MARKET, "A", "MUG")
        await Shelf(book, "settled").show(1)

        async def due(last: Listing | None) -> Sequence[Listing]:
            after = None if last is None else last.id
            return await book.due(SHOP, window=WINDOW, at=NOON, limit=2, after=after, fence=FENCE)

        assert [listing.id for listing in await paged(due, limit=2)] == ids

    @law
    async def test_due_tells_what_the_listing_is(self, book: ListingBook) -> None:
        """What is due comes as the listing is now, with the wanted that a push is to settle."""
        shelf = Shelf(book)
        await shelf.show(5)
        await book.mark(["MUG"])

        assert list(await book.due(SHOP, window=WINDOW, at=NOON, limit=9)) == [await shelf.listing()]


class MarkLaws(Contract[ListingBook]):
    """What raises ``wanted``."""

    @law
    async def test_mark_reaches_every_channel(self, book: ListingBook) -> None:
        """Rule 24: a SKU that changed makes every listing due that it is a component of, on every channel."""
        single, kit = Shelf(book, "MUG-BLUE"), Shelf(book, "SET", channel=MARKET)
        other = Shelf(book, "PLATE", channel=MARKET)
        await kit.link({"LID": 1, "MUG": 3})
        await other.link("PLATE")
        for shelf in (single, kit, other):
            await shelf.show(5)

        await book.mark(["MUG", "NOBODY KNOWS"])
        assert [await shelf.is_due(NOON) for shelf in (single, kit, other)] == [True, True, False]
        assert await kit.believed() == 5
        await kit.push(4, at=NOON, answered=NOON)
        await book.mark(["LID"])
        assert [await shelf.is_due(NOON) for shelf in (kit, other)] == [True, False]

    @law
    async def test_mark_channel_reaches_its_listings(self, book: ListingBook) -> None:
        """A channel that is marked has all its listings due, and no other channel has."""
        ours, theirs = Shelf(book), Shelf(book, channel=MARKET)
        await ours.show(5)
        await theirs.show(5)

        await book.mark_channel(SHOP)
        assert [await shelf.is_due(NOON) for shelf in (ours, theirs)] == [True, False]

    @law
    async def test_another_rule_marks_the_channel(self, book: ListingBook) -> None:
        """Rule 18: another rule of the channel makes all its listings due; its map of locations counts for each."""
        ruled, own, theirs = Shelf(book), Shelf(book, "OWN"), Shelf(book, channel=MARKET)
        await own.link("MUG", rule=StockRule(cap=1))
        assert await book.adopt_rule(SHOP, "first", hold=HOLD, fence=FENCE, at=NOON)
        for shelf in (ruled, own, theirs):
            await shelf.show(5)

        assert await book.adopt_rule(SHOP, "first", hold=HOLD, fence=FENCE, at=NOON + 2 * HOLD)
        assert not await ruled.is_due(NOON)
        assert await book.adopt_rule(SHOP, "second", hold=HOLD, fence=FENCE, at=NOON + 2 * HOLD)
        assert [await shelf.is_due(NOON) for shelf in (ruled, own, theirs)] == [True, True, False]

    @law
    async def test_rule_that_flips_back_is_held(self, book: ListingBook) -> None:
        """Rule 25: the rule before the present one is refused until that has been in force for long enough."""
        shelf = Shelf(book)
        assert await book.adopt_rule(SHOP, "first", hold=HOLD, fence=FENCE, at=NOON - HOLD)
        assert await book.adopt_rule(SHOP, "second", hold=HOLD, fence=FENCE, at=NOON)
        await shelf.show(5)
        before = await shelf.listing()

        for at in (NOON + SECOND, NOON + HOLD - SECOND):
            assert await book.adopt_rule(SHOP, "first", hold=HOLD, fence=FENCE, at=at) is False
            assert await book.adopt_rule(SHOP, "second", hold=HOLD, fence=FENCE, at=at) is True
        assert await shelf.listing() == before
        assert await book.adopt_rule(SHOP, "first", hold=HOLD, fence=FENCE, at=NOON + HOLD) is True
        assert await shelf.is_due(NOON)

    @law
    async def test_third_rule_is_adopted_at_once(self, book: ListingBook) -> None:
        """Rule 25: a rule that was not in force just before is no flip, however soon it comes."""
        for fingerprint in ("first", "second", "third"):
            assert await book.adopt_rule(SHOP, fingerprint, hold=HOLD, fence=FENCE, at=NOON)
        assert await book.adopt_rule(SHOP, "second", hold=HOLD, fence=FENCE, at=NOON + SECOND) is False
        assert await book.adopt_rule(MARKET, "second", hold=HOLD, fence=Fence(MARKET, 1), at=NOON) is True
