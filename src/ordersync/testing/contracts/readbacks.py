"""The laws of read-backs: what the channel was seen to show."""

from __future__ import annotations

from ...model.listings import StockOutcome
from ...ports import ListingBook
from ..builders import NOON, SHOP
from .laws import Contract, law
from .shelf import SECOND, TICK, Shelf

LATER = NOON + SECOND


class ReadBackLaws(Contract[ListingBook]):
    """Rule 16: a read-back counts like an accepted push."""

    @law
    async def test_read_back_corrects_the_belief(self, book: ListingBook) -> None:
        """What a read-back showed is believed; where that is something else than before, the listing is due."""
        shelf = Shelf(book)
        await shelf.show(5)
        assert await shelf.read_back(5, at=LATER) == 0
        assert not await shelf.is_due(LATER)

        assert await shelf.read_back(7, at=LATER) == 1
        assert await shelf.believed() == 7
        assert await shelf.is_due(LATER)

    @law
    async def test_read_back_ends_a_doubt(self, book: ListingBook) -> None:
        """A belief that was unknown is what the read-back showed."""
        shelf = Shelf(book)
        await shelf.show(5)
        await shelf.sell("1001", taken_at=NOON)
        assert await shelf.believed() is None

        assert await shelf.read_back(4, at=LATER) == 1
        assert await shelf.believed() == 4

    @law
    async def test_read_back_of_a_busy_listing_is_ignored(self, book: ListingBook) -> None:
        """A listing whose push is unanswered or unresolved, or that was marked or sold meanwhile, is left alone."""
        shelves = {what: Shelf(book, what) for what in ("marked", "sold", "unanswered", "unresolved")}
        for what, shelf in shelves.items():
            await shelf.link(what)
            await shelf.show(5)
        read = {what: (await shelf.listing()).wanted for what, shelf in shelves.items()}
        await book.mark(["marked"])
        await shelves["sold"].sell("1001", taken_at=LATER)
        await shelves["unanswered"].sent(4, at=LATER)
        await shelves["unresolved"].push(4, StockOutcome.UNKNOWN, at=LATER, answered=LATER)

        for what, shelf in shelves.items():
            before = await shelf.listing()
            assert await shelf.read_back(9, at=LATER + SECOND, wanted=read[what]) == 0, what
            assert await shelf.listing() == before, what

    @law
    async def test_read_back_shows_only_what_was_asked_for(self, book: ListingBook) -> None:
        """A listing that the book does not know, or whose wanted was not read before, is passed over."""
        shelf, stranger = Shelf(book), Shelf(book, "NEVER LINKED")
        await shelf.show(5)
        before = await shelf.listing()

        assert await stranger.read_back(3, at=LATER, wanted=1) == 0
        assert await book.observed(SHOP, [], wanted={shelf.id: before.wanted}, fence=shelf.fence, at=LATER) == 0
        assert list(await book.of_channel(SHOP)) == [before]

    @law
    async def test_read_back_counts_like_an_accepted_push(self, book: ListingBook) -> None:
        """Rule 16: an order from before the read-back may not be in what it showed: the belief is unknown."""
        before, after = Shelf(book, "BEFORE"), Shelf(book, "AFTER")
        for shelf, taken_at in ((before, LATER), (after, LATER + TICK)):
            await shelf.show(5)
            await shelf.read_back(5, at=LATER)
            await shelf.sell(shelf.channel_sku, taken_at=taken_at)

        assert await before.believed() is None
        assert await after.believed() == 4
