"""The laws of overtaken runners and cancelled callers, for every verb of a listing book."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import attrs

from ...errors import LeaseLostError
from ...model.ids import ChannelId, Fence
from ...model.listings import Answer, Attempt, ChannelListing, ListingId, Push, StockOutcome
from ...model.stock import StockRule
from ...ports import ListingBook
from ..builders import NOON, SHOP, make_sale
from .laws import (
    Contract,
    Cut,
    FencedCalls,
    accepts_equal_tokens,
    fenced_verbs,
    law,
    raises_by_higher_tokens,
    reads_survive,
    refuses_lower_tokens,
)
from .linking import HOLD
from .shelf import SECOND, WINDOW, Shelf
from .steps import FIRST, MARKET

LATER = NOON + SECOND
WRITING = ("sold", "begin", "finish", "observed", "adopt_rule", "link_new")


async def furnish(book: ListingBook) -> FencedCalls:
    """Fill a book so that every fenced verb has something to do; return a call of each."""
    for sku in (*WRITING, "any"):
        await Shelf(book, sku).show(5)
    attempt = await Shelf(book, "finish").sent(4, at=LATER)
    answer = Answer(attempt=attempt, outcome=StockOutcome.ACCEPTED)
    push = Push(listing=Shelf(book, "begin").id, wanted=1, quantity=4)
    shown = ChannelListing(channel_sku="observed", quantity=7)
    read = {shown.listing_id: (await Shelf(book, "observed").listing()).wanted}
    sale = make_sale("1001", {"sold": 1}, taken_at=LATER)
    calls: FencedCalls = {
        "fence": book.fence,
        "links": lambda fence: book.links(SHOP, ["any"], fence=fence),
        "due": lambda fence: book.due(SHOP, window=WINDOW, at=NOON, limit=9, fence=fence),
        "sold": lambda fence: book.sold([sale], fence=fence),
        "begin": lambda fence: book.begin(SHOP, [push], window=WINDOW, fence=fence, at=LATER),
        "finish": lambda fence: book.finish(SHOP, [answer], window=WINDOW, fence=fence, at=LATER),
        "observed": lambda fence: book.observed(SHOP, [shown], wanted=read, fence=fence, at=LATER),
        "link_new": lambda fence: book.link_new(SHOP, {ListingId("new"): "MUG"}, fence=fence),
        "adopt_rule": lambda fence: book.adopt_rule(SHOP, "another", hold=HOLD, fence=fence, at=LATER),
    }
    assert set(calls) == fenced_verbs(ListingBook), "a fenced verb has no call here"
    return calls


class ListingFenceLaws(Contract[ListingBook]):
    """A run that was overtaken has no effect any more; a call of nobody's run always has."""

    @law
    async def test_lower_token_is_refused(self, book: ListingBook) -> None:
        """L11: every fenced verb refuses a token below the highest one seen, and changes nothing."""
        calls = await furnish(book)

        await refuses_lower_tokens(calls, SHOP, lambda: book.of_channel(SHOP))
        assert await calls["adopt_rule"](Fence(SHOP, 7))

    @law
    async def test_equal_token_passes(self, book: ListingBook) -> None:
        """Every fenced verb accepts the highest token seen; the ones that write then have their effect."""
        calls = await furnish(book)

        for name in WRITING:
            before = list(await book.of_channel(SHOP))
            await calls[name](FIRST)
            assert list(await book.of_channel(SHOP)) != before, f"{name} had no effect"
        await accepts_equal_tokens(calls, SHOP)

    @law
    async def test_every_verb_raises_the_token(self, book: ListingBook) -> None:
        """Every fenced verb that comes with a higher token shuts out the lower ones."""
        await raises_by_higher_tokens(await furnish(book), SHOP)

    @law
    async def test_tokens_belong_to_their_channel(self, book: ListingBook) -> None:
        """A high token of one channel shuts out nobody on another."""
        await book.fence(Fence(MARKET, 99))
        await Shelf(book).show(5)

        assert await Shelf(book).believed() == 5

    @law
    async def test_people_need_no_token(self, book: ListingBook) -> None:
        """A call without a fence has its effect whatever tokens were seen, marking of other channels included."""
        shelf = Shelf(book)
        await shelf.show(5)
        await book.fence(Fence(SHOP, 99))

        await shelf.sell("1001", 2, taken_at=LATER)
        assert await shelf.believed() == 3
        before = (await shelf.listing()).wanted
        await book.mark(["MUG"])
        await book.mark_channel(SHOP)
        await shelf.link("MUG", rule=StockRule(cap=1))
        assert (await shelf.listing()).wanted >= before + 3
        assert (await book.links(SHOP, ["MUG-BLUE"])).components
        assert await shelf.is_due(NOON)


class Trials:
    """What is done to a book in one trial after another, each on a channel of its own with two listings."""

    def __init__(self, book: ListingBook) -> None:
        self.book = book
        self.attempts: dict[str, Sequence[Attempt]] = {}

    def shelves(self, name: str) -> list[Shelf]:
        """Return the two listings of a trial."""
        return [Shelf(self.book, sku, channel=ChannelId("Trial", name)) for sku in ("A", "B")]

    async def shown(self, name: str) -> None:
        """Link both listings to what only this trial knows, and let the channel show 5 of each."""
        for shelf in self.shelves(name):
            await shelf.link(f"MUG {name}")
        attempts = await self.push(name, 5, at=NOON)
        await self.answer(name, attempts, [StockOutcome.ACCEPTED] * 2, at=NOON)

    async def push(self, name: str, quantity: int, *, at: datetime) -> Sequence[Attempt]:
        """Begin a push of both listings."""
        pushes = [Push(listing=shelf.id, wanted=1, quantity=quantity) for shelf in self.shelves(name)]
        channel = ChannelId("Trial", name)
        return await self.book.begin(channel, pushes, window=WINDOW, fence=Fence(channel, 1), at=at)

    async def answer(
        self, name: str, attempts: Sequence[Attempt], outcomes: Sequence[StockOutcome], *, at: datetime
    ) -> None:
        """Take in the answers to both pushes."""
        answers = [Answer(attempt=one, outcome=what) for one, what in zip(attempts, outcomes, strict=True)]
        channel = ChannelId("Trial", name)
        await self.book.finish(channel, answers, window=WINDOW, fence=Fence(channel, 1), at=at)

    async def begun(self, name: str) -> None:
        """Leave a push of both listings unanswered."""
        await self.shown(name)
        self.attempts[name] = await self.push(name, 4, at=LATER)

    async def nothing(self, name: str) -> None:
        """Leave the channel of the trial as fresh as it is."""

    async def look(self, name: str) -> object:
        """Show all of a trial's channel, without its name."""
        channel = ChannelId("Trial", name)
        listings = await self.book.of_channel(channel)
        revision = (await self.book.links(channel, [])).revision
        return [attrs.evolve(listing, channel=SHOP, components={}, linked_to={}) for listing in listings], revision

    async def look_at_fence(self, name: str) -> object:
        """Say whether token 4 is shut out."""
        channel = ChannelId("Trial", name)
        try:
            await self.book.links(channel, [], fence=Fence(channel, 4))
        except LeaseLostError:
            return "shut out"
        return "let in"

    async def fence(self, name: str) -> None:
        """Shut out the tokens below 5."""
        await self.book.fence(Fence(ChannelId("Trial", name), 5))

    async def link(self, name: str) -> None:
        """Link a listing."""
        await self.shelves(name)[0].link()

    async def unlink(self, name: str) -> None:
        """Unlink a listing."""
        await self.shelves(name)[0].unlink()

    async def link_new(self, name: str) -> object:
        """Link a listing more, and one that is known."""
        channel = ChannelId("Trial", name)
        links = {ListingId("A"): "MUG", ListingId("C"): "MUG", ListingId("D"): "MUG"}
        return await self.book.link_new(channel, links, fence=Fence(channel, 1))

    async def define_kit(self, name: str) -> None:
        """Make a kit of what both listings are linked to."""
        await self.book.define_kit(f"MUG {name}", {"CLAY": 2})

    async def mark(self, name: str) -> None:
        """Mark both listings by their SKU."""
        await self.book.mark([f"MUG {name}"])

    async def mark_channel(self, name: str) -> None:
        """Mark both listings by their channel."""
        await self.book.mark_channel(ChannelId("Trial", name))

    async def adopt_rule(self, name: str) -> object:
        """Adopt another rule."""
        channel = ChannelId("Trial", name)
        return await self.book.adopt_rule(channel, "rule", hold=HOLD, fence=Fence(channel, 1), at=NOON)

    async def sold(self, name: str) -> None:
        """Account for an order of both listings, and for one that its channel changed."""
        key = attrs.evolve(make_sale("1001", {}).order_key, channel=ChannelId("Trial", name))
        other = attrs.evolve(key, reference="1002")
        sales = [
            make_sale(key, {"A": 1, "B": 1}, taken_at=LATER),
            make_sale(other, {"B": 1}, channel_revision=1, taken_at=LATER),
        ]
        await self.book.sold(sales)

    async def begin(self, name: str) -> object:
        """Begin a push of both listings."""
        return await self.push(name, 4, at=LATER)

    async def finish(self, name: str) -> None:
        """Take in the answers to both pushes."""
        outcomes = (StockOutcome.ACCEPTED, StockOutcome.UNKNOWN)
        await self.answer(name, self.attempts[name], outcomes, at=LATER)

    async def observed(self, name: str) -> object:
        """Take over what a read-back of both listings showed."""
        shown = [ChannelListing(channel_sku=sku, quantity=7) for sku in ("A", "B")]
        wanted = {shelf.id: (await shelf.listing()).wanted for shelf in self.shelves(name)}
        channel = ChannelId("Trial", name)
        return await self.book.observed(channel, shown, wanted=wanted, fence=Fence(channel, 1), at=LATER)

    def cuts(self) -> Mapping[str, Cut]:
        """Return for each verb that writes how to try it."""
        trials = (
            (self.link, self.nothing),
            (self.unlink, self.shown),
            (self.link_new, self.shown),
            (self.define_kit, self.shown),
            (self.mark, self.shown),
            (self.mark_channel, self.shown),
            (self.adopt_rule, self.shown),
            (self.sold, self.shown),
            (self.begin, self.shown),
            (self.finish, self.begun),
            (self.observed, self.shown),
        )
        cuts = {verb.__name__: Cut(prepare=prepare, verb=verb, look=self.look) for verb, prepare in trials}
        return cuts | {"fence": Cut(prepare=self.nothing, verb=self.fence, look=self.look_at_fence)}


class ListingCancellationLaws(Contract[ListingBook]):
    """A verb whose caller is cancelled is wholly done or not done, and the book works on."""

    @law
    async def test_writing_verbs_are_done_or_not_done(self, book: ListingBook) -> None:
        """L9: every verb that writes may be cancelled anywhere."""
        for name, cut in Trials(book).cuts().items():
            await cut.check(name)

    @law
    async def test_reading_verbs_leave_the_book_usable(self, book: ListingBook) -> None:
        """L9: every verb that only reads may be cancelled anywhere, and the next one finds a working book."""
        calls = await furnish(book)

        await reads_survive(
            {
                "links": lambda: calls["links"](FIRST),
                "due": lambda: calls["due"](FIRST),
                "of_channel": lambda: book.of_channel(SHOP),
                "kits": book.kits,
            }
        )
        await book.mark(["MUG"])
