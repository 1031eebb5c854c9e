"""The laws of what own orders took off their channel's listings."""

from __future__ import annotations

import asyncio

from ...model.listings import StockOutcome
from ...ports import ListingBook
from ..builders import NOON, make_sale
from .laws import Contract, law
from .shelf import SECOND, TICK, WINDOW, Shelf
from .steps import MARKET

LATER = NOON + SECOND


class SaleLaws(Contract[ListingBook]):
    """Rules 16 to 20: how ``sold`` moves beliefs."""

    @law
    async def test_sale_lowers_the_belief(self, book: ListingBook) -> None:
        """Rules 17 and 18: an order lowers its own listing's belief by what it took off, and makes that due."""
        shelf = Shelf(book)
        await shelf.show(5)
        await shelf.sell("1001", 2, taken_at=LATER)

        assert await shelf.believed() == 3
        assert await shelf.is_due(LATER)

    @law
    async def test_sale_counts_once(self, book: ListingBook) -> None:
        """Rule 17: the same sale again, and what people do to the order later, leave the listing alone."""
        shelf = Shelf(book)
        await shelf.show(5)
        await shelf.sell("1001", 2, taken_at=LATER)
        before = await shelf.listing()

        for revision in (1, 2, 2, 5):
            await shelf.sell("1001", 2, taken_at=LATER, revision=revision)
            assert await shelf.listing() == before

    @law
    async def test_change_by_the_channel_doubts_once(self, book: ListingBook) -> None:
        """Rule 17: an order that its channel changed later makes the belief unknown, once per revision."""
        shelf = Shelf(book)
        await shelf.show(5)
        await shelf.sell("1001", 2, taken_at=LATER)
        await shelf.sell("1001", 1, taken_at=LATER, revision=3, channel_revision=3)
        assert await shelf.believed() is None
        assert await shelf.is_due(LATER)

        await shelf.show(4, at=LATER)
        for revision in (3, 4):
            await shelf.sell("1001", 1, taken_at=LATER, revision=revision, channel_revision=3)
            assert await shelf.believed() == 4
        await shelf.sell("1001", 1, taken_at=LATER, revision=6, channel_revision=5)
        assert await shelf.believed() is None

    @law
    async def test_change_seen_late_doubts_too(self, book: ListingBook) -> None:
        """A channel's change counts also when people changed the order again before it was accounted for."""
        shelf = Shelf(book)
        await shelf.show(5)
        await shelf.sell("1001", 2, taken_at=LATER)
        await shelf.sell("1001", 2, taken_at=LATER, revision=9, channel_revision=2)

        assert await shelf.believed() is None

    @law
    async def test_older_report_is_ignored(self, book: ListingBook) -> None:
        """Rule 19: a late report of an earlier revision changes nothing, whoever made that."""
        shelf = Shelf(book)
        await shelf.show(5)
        await shelf.sell("1001", 2, taken_at=LATER, revision=6)
        before = await shelf.listing()

        for channel_revision in (0, 5):
            await shelf.sell("1001", 4, taken_at=LATER, revision=5, channel_revision=channel_revision)
            assert await shelf.listing() == before

    @law
    async def test_never_stored_order_doubts(self, book: ListingBook) -> None:
        """Rule 20: an order first heard of after its channel changed it makes the belief unknown once."""
        shelf = Shelf(book)
        await shelf.show(5)
        await shelf.sell("1001", 2, taken_at=LATER, revision=1, channel_revision=1)
        assert await shelf.believed() is None
        assert await shelf.is_due(LATER)

        await shelf.show(5, at=LATER)
        await shelf.sell("1001", 2, taken_at=LATER, revision=1, channel_revision=1)
        assert await shelf.believed() == 5

    @law
    async def test_sale_before_the_answer_of_the_last_push_doubts(self, book: ListingBook) -> None:
        """Rule 16: a push may have overwritten a sale that was taken before it was answered."""
        answered = NOON + 2 * SECOND
        for name, taken_at, believed in (
            ("before the push", NOON - SECOND, None),
            ("between push and answer", NOON + SECOND, None),
            ("with the answer", answered, None),
            ("after the answer", answered + TICK, 3),
        ):
            shelf = Shelf(book, name)
            await shelf.link()
            await shelf.push(5, at=NOON, answered=answered)
            await shelf.sell(name, 2, taken_at=taken_at)
            assert await shelf.believed() == believed, name
            assert await shelf.is_due(answered), name

    @law
    async def test_sale_during_a_push_doubts(self, book: ListingBook) -> None:
        """A sale that arrives while a push is unanswered may be overwritten by it, whenever it was taken."""
        for name, taken_at in (("before", NOON), ("after", LATER + WINDOW)):
            shelf = Shelf(book, name)
            await shelf.show(5, at=NOON - SECOND)
            await shelf.sent(4, at=LATER)
            await shelf.sell(name, 2, taken_at=taken_at)
            assert await shelf.believed() is None

    @law
    async def test_sale_during_a_window_doubts(self, book: ListingBook) -> None:
        """A sale that arrives while a late copy may land may be overwritten by it."""
        shelf = Shelf(book)
        await shelf.show(5)
        await shelf.push(4, StockOutcome.UNKNOWN, at=LATER, answered=LATER)
        await shelf.sell("1001", 2, taken_at=LATER + SECOND)

        assert await shelf.believed() is None

    @law
    async def test_sale_is_by_listing(self, book: ListingBook) -> None:
        """Rule 17: a kit's sale lowers the kit, and not the other listings of its components."""
        kit, single, theirs = Shelf(book, "SET"), Shelf(book, "MUG-BLUE"), Shelf(book, "SET", channel=MARKET)
        await kit.link({"MUG": 2, "LID": 1})
        for shelf in (kit, single, theirs):
            await shelf.show(5)
        others = [await shelf.listing() for shelf in (single, theirs)]

        await kit.sell("1001", 1, taken_at=LATER)
        assert await kit.believed() == 4
        assert [await shelf.listing() for shelf in (single, theirs)] == others

    @law
    async def test_sale_finds_its_own_location(self, book: ListingBook) -> None:
        """A sale lowers the listing at the order's own location of the channel."""
        here, there, anywhere = (Shelf(book, place=place) for place in ("north", "south", None))
        for shelf in (here, there, anywhere):
            await shelf.show(5)
        await here.sell("1001", 2, taken_at=LATER)

        assert [await shelf.believed() for shelf in (here, there, anywhere)] == [3, 5, 5]

    @law
    async def test_sale_falls_back_to_the_listing_without_location(self, book: ListingBook) -> None:
        """Where the order's location has no listing, the one without a location is lowered."""
        there, anywhere = Shelf(book, place="south"), Shelf(book, place=None)
        for shelf in (there, anywhere):
            await shelf.show(5)
        await Shelf(book, place="north").sell("1001", 2, taken_at=LATER)

        assert [await shelf.believed() for shelf in (there, anywhere)] == [5, 3]

    @law
    async def test_sale_of_an_unclear_listing_doubts_all(self, book: ListingBook) -> None:
        """Where it is not clear at which location a channel took goods off, every listing of the SKU is unknown."""
        for number, place in enumerate(("elsewhere", None)):
            sku = f"SKU {number}"
            shelves = [Shelf(book, sku, place=one) for one in ("north", "south")]
            for shelf in shelves:
                await shelf.show(5)
            await Shelf(book, sku, place=place).sell(f"order {number}", 2, taken_at=LATER)
            assert [await shelf.believed() for shelf in shelves] == [None, None]

    @law
    async def test_unlinked_sku_stops_no_other(self, book: ListingBook) -> None:
        """What an order took off a channel SKU that is linked to nothing is passed over; the rest of it counts."""
        shelf = Shelf(book)
        await shelf.show(5)
        await book.sold([make_sale("1001", {"NEVER LINKED": 9, "MUG-BLUE": 2}, taken_at=LATER)])

        assert await shelf.believed() == 3

    @law
    async def test_sales_add_up(self, book: ListingBook) -> None:
        """Every order of a batch counts, and every listing of an order."""
        mug, lid = Shelf(book, "MUG-BLUE"), Shelf(book, "LID-BLUE")
        await mug.show(50)
        await lid.show(50)
        sales = [make_sale(f"order {n}", {"MUG-BLUE": n, "LID-BLUE": 1}, taken_at=LATER) for n in range(1, 6)]
        await book.sold(sales)
        await book.sold([])

        assert (await mug.believed(), await lid.believed()) == (35, 45)

    @law
    async def test_concurrent_sales_add_up(self, book: ListingBook) -> None:
        """Ten orders that are accounted for at once all count, and one that ten report counts once."""
        shelf = Shelf(book)
        await shelf.show(50)
        references = [f"order {number}" for number in range(10)] + ["same"] * 10
        await asyncio.gather(*(shelf.sell(reference, 2, taken_at=LATER) for reference in references))

        assert await shelf.believed() == 50 - 2 * 11

    @law
    async def test_what_was_returned_stays(self, book: ListingBook) -> None:
        """What a verb returned does not change with later writes."""
        shelf = Shelf(book)
        components = {"MUG": 1, "LID": 1}
        await shelf.link(components)
        await shelf.show(5)
        listed, links = await book.of_channel(shelf.channel), await book.links(shelf.channel, [shelf.channel_sku])
        before = await shelf.listing()

        components["MUG"] = 9
        assert await shelf.listing() == before
        await shelf.sell("1001", 2, taken_at=LATER)
        await shelf.link("PLATE")
        assert list(listed) == [before]
        assert before.components == {"MUG": 1, "LID": 1}
        assert links.components == {shelf.id: {"MUG": 1, "LID": 1}}
