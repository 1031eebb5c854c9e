"""The laws of pushes: begun before the call, taken in by their answer, and doubted in between."""

from __future__ import annotations

from datetime import timedelta

from ...model.listings import Answer, Attempt, ListingId, ListingState, Push, StockOutcome
from ...ports import ListingBook
from ..builders import NOON, SHOP
from .laws import Contract, law
from .shelf import SECOND, TICK, WINDOW, Shelf

LATER = NOON + SECOND
NEXT = NOON + timedelta(hours=1)
REFUSALS = (StockOutcome.REJECTED, StockOutcome.UNKNOWN_SKU)


class PushLaws(Contract[ListingBook]):
    """What ``begin`` and ``finish`` leave behind."""

    @law
    async def test_accepted_push_is_believed(self, book: ListingBook) -> None:
        """An accepted quantity is believed, its time is kept, and the listing is due no more."""
        shelf = Shelf(book)
        await shelf.link()
        await shelf.push(5, at=NOON, answered=LATER)

        listing = await shelf.listing()
        assert (listing.believed, listing.accepted_at, listing.attempt_began) == (5, LATER, None)
        assert not await shelf.is_due(NOON + 2 * WINDOW)

    @law
    async def test_wanted_as_read_is_settled(self, book: ListingBook) -> None:
        """L7: a level that changes while it is pushed is due again once the push is accepted."""
        shelf = Shelf(book)
        await shelf.link()
        attempt = await shelf.sent(5, at=NOON)
        await book.mark(["MUG"])
        await shelf.finish(attempt, at=LATER)

        assert await shelf.believed() == 5
        assert await shelf.is_due(LATER)

    @law
    async def test_equal_quantity_is_settled_without_sending(self, book: ListingBook) -> None:
        """Rule 23: what the channel is believed to show already is not sent, and the listing is due no more."""
        shelf = Shelf(book)
        await shelf.show(5)
        await book.mark(["MUG"])
        before = await shelf.listing()

        assert await shelf.begin(5, at=LATER) is None
        assert not await shelf.is_due(LATER)
        after = await shelf.listing()
        assert (after.attempts, after.attempt_began, after.accepted_at) == (before.attempts, None, before.accepted_at)

    @law
    async def test_unknown_belief_is_sent(self, book: ListingBook) -> None:
        """A listing whose belief is unknown is due and sent, also when nothing marks it."""
        shelf = Shelf(book)
        await shelf.show(5)
        await shelf.sell("1001", taken_at=NOON)
        listing = await shelf.listing()
        assert (listing.believed, await shelf.is_due(LATER)) == (None, True)

        await shelf.sent(5, at=LATER)

    @law
    async def test_older_wanted_settles_nothing(self, book: ListingBook) -> None:
        """What was settled is not unsettled by a push that read an older wanted."""
        shelf = Shelf(book)
        await shelf.show(5)
        old = (await shelf.listing()).wanted
        await book.mark(["MUG"])
        assert await shelf.begin(5, at=LATER) is None
        assert await shelf.begin(5, at=LATER, wanted=old) is None
        assert not await shelf.is_due(LATER)

        await book.mark(["MUG"])
        assert await shelf.begin(5, at=LATER, wanted=old) is None
        assert await shelf.is_due(LATER)

    @law
    async def test_attempt_tells_what_to_expect(self, book: ListingBook) -> None:
        """An attempt carries its push, its number, and what the channel was believed to show, None when unknown."""
        shelf = Shelf(book)
        await shelf.link()
        first = await shelf.sent(5, at=NOON)
        assert (first.expected, first.push.quantity, first.push.listing) == (None, 5, shelf.id)
        await shelf.finish(first, at=NOON)

        second = await shelf.sent(4, at=LATER)
        assert (second.expected, second.number) == (5, first.number + 1)

    @law
    async def test_batch_is_answered_listing_by_listing(self, book: ListingBook) -> None:
        """Of a batch those are begun that are to be sent, each with its own answer; an unknown one is passed over."""
        shelves = [Shelf(book, "EQUAL"), Shelf(book, "ACCEPTED"), Shelf(book, "REJECTED")]
        for shelf in shelves:
            await shelf.show(5)
        await book.mark(["MUG"])
        quantities = {"EQUAL": 5, "ACCEPTED": 4, "REJECTED": 4, "NEVER LINKED": 4}
        wanted = (await shelves[0].listing()).wanted
        pushes = [
            Push(listing=ListingId(sku), wanted=wanted, quantity=quantity) for sku, quantity in quantities.items()
        ]
        attempts = await book.begin(SHOP, pushes, window=WINDOW, fence=shelves[0].fence, at=LATER)
        assert [attempt.push.listing.channel_sku for attempt in attempts] == ["ACCEPTED", "REJECTED"]

        answers = [
            Answer(attempt=attempt, outcome=StockOutcome(attempt.push.listing.channel_sku.lower()))
            for attempt in attempts
        ]
        await book.finish(SHOP, answers, window=WINDOW, fence=shelves[0].fence, at=LATER)
        assert [await shelf.believed() for shelf in shelves] == [5, 4, 5]
        assert [(await shelf.listing()).state for shelf in shelves] == [
            ListingState.ACTIVE,
            ListingState.ACTIVE,
            ListingState.FAILED,
        ]

    @law
    async def test_unanswered_push_is_due_after_the_window(self, book: ListingBook) -> None:
        """A push that nobody answered is due once its copies must have landed, though nothing else is wanted."""
        shelf = Shelf(book)
        await shelf.show(5)
        await shelf.sent(4, at=LATER)
        assert (await shelf.listing()).attempt_began == LATER

        assert not await shelf.is_due(LATER + WINDOW)
        assert await shelf.is_due(LATER + WINDOW + TICK)

    @law
    async def test_overtaken_answer_is_ignored(self, book: ListingBook) -> None:
        """The answer to a push that is no longer the listing's last one changes nothing, and no answer counts twice."""
        shelf = Shelf(book)
        await shelf.link()
        first = await shelf.sent(5, at=NOON)
        second = await shelf.sent(4, at=LATER)
        before = await shelf.listing()
        for outcome in StockOutcome:
            await shelf.finish(first, outcome, at=LATER)
            assert await shelf.listing() == before, outcome

        await shelf.finish(second, at=LATER)
        answered = await shelf.listing()
        for outcome in StockOutcome:
            await shelf.finish(second, outcome, at=NEXT)
            assert await shelf.listing() == answered, outcome

    @law
    async def test_answer_of_a_listing_never_linked_is_ignored(self, book: ListingBook) -> None:
        """An answer about a listing that was never linked links nothing, and stops no other answer."""
        shelf, unknown = Shelf(book), Push(listing=ListingId("NEVER LINKED"), wanted=1, quantity=5)
        await shelf.link()
        attempt = await shelf.sent(5, at=NOON)
        attempts = (Attempt(push=unknown, number=1, expected=None), attempt)
        answers = [Answer(attempt=one, outcome=StockOutcome.ACCEPTED) for one in attempts]
        await book.finish(SHOP, answers, window=WINDOW, fence=shelf.fence, at=LATER)

        assert [listing.id for listing in await book.of_channel(SHOP)] == [shelf.id]
        assert await shelf.believed() == 5

    @law
    async def test_accept_after_a_doubt_sets_no_belief(self, book: ListingBook) -> None:
        """Rule 22: an accept sets no belief when a doubt was raised since its push began."""
        shelf = Shelf(book)
        await shelf.show(5)
        attempt = await shelf.sent(4, at=LATER)
        await shelf.sell("1001", taken_at=LATER)
        await shelf.finish(attempt, at=LATER + SECOND)
        listing = await shelf.listing()
        assert (listing.believed, listing.accepted_at) == (None, LATER + SECOND)
        assert await shelf.is_due(LATER + SECOND)

        await shelf.push(4, at=NEXT, answered=NEXT)
        assert await shelf.believed() == 4
        assert not await shelf.is_due(NEXT)

    @law
    async def test_doubt_of_an_unknown_belief_counts_too(self, book: ListingBook) -> None:
        """Rule 22: also a belief that is unknown already is doubted by a sale while a push is unanswered."""
        shelf = Shelf(book)
        await shelf.link()
        attempt = await shelf.sent(5, at=NOON)
        await shelf.sell("1001", taken_at=LATER)
        await shelf.finish(attempt, at=LATER)

        assert await shelf.believed() is None

    @law
    async def test_conflict_makes_the_belief_unknown(self, book: ListingBook) -> None:
        """Rule 18: a channel that did not show what was expected shows something unknown; the listing is due."""
        shelf = Shelf(book)
        await shelf.show(5)
        await shelf.push(4, StockOutcome.CONFLICT, at=LATER, answered=LATER)

        listing = await shelf.listing()
        assert (listing.believed, listing.unresolved_until, listing.attempt_began) == (None, None, None)
        assert listing.wanted > listing.settled
        assert await shelf.is_due(LATER)

    @law
    async def test_refused_listing_waits_for_its_next_attempt(self, book: ListingBook) -> None:
        """L6: a refused push leaves a named failure and the next attempt's time; until then the listing is not due."""
        for outcome in REFUSALS:
            shelf = Shelf(book, outcome.value)
            await shelf.show(5)
            for failures in (1, 2):
                await book.mark(["MUG"])
                attempt = await shelf.sent(4, at=LATER)
                await shelf.finish(attempt, outcome, at=LATER, message="no „such“ thing", next_attempt_at=NEXT)
                listing = await shelf.listing()
                assert (listing.state, listing.failure) == (ListingState.FAILED, "no „such“ thing")
                assert (listing.failures, listing.next_attempt_at) == (failures, NEXT)
                assert (listing.attempt_began, listing.unresolved_until) == (None, None)

            await book.mark(["MUG"])
            await book.mark_channel(SHOP)
            assert not await shelf.is_due(NEXT - TICK)
            assert await shelf.is_due(NEXT)

    @law
    async def test_accepted_listing_is_well_again(self, book: ListingBook) -> None:
        """An accepted push ends a failure, and the next failure counts from one."""
        shelf = Shelf(book)
        await shelf.link()
        for _ in range(2):
            attempt = await shelf.sent(4, at=LATER)
            await shelf.finish(attempt, StockOutcome.REJECTED, at=LATER, message="no", next_attempt_at=NEXT)
        await shelf.push(4, at=NEXT, answered=NEXT)

        listing = await shelf.listing()
        assert (listing.state, listing.failures) == (ListingState.ACTIVE, 0)
        assert (listing.failure, listing.next_attempt_at) == (None, None)

    @law
    async def test_try_later_is_no_failure(self, book: ListingBook) -> None:
        """A push that is to be tried later was not applied: no window, no failed state, due at its time."""
        shelf = Shelf(book)
        await shelf.show(5)
        await book.mark(["MUG"])
        attempt = await shelf.sent(4, at=LATER)
        await shelf.finish(attempt, StockOutcome.RETRY, at=LATER, next_attempt_at=NEXT)

        listing = await shelf.listing()
        assert (listing.state, listing.believed, listing.unresolved_until) == (ListingState.ACTIVE, 5, None)
        assert not await shelf.is_due(NEXT - TICK)
        assert await shelf.is_due(NEXT)


class WindowLaws(Contract[ListingBook]):
    """Rule 21: while a late copy may land, what the channel shows is open."""

    @law
    async def test_unknown_outcome_opens_a_window(self, book: ListingBook) -> None:
        """L7: after an unknown outcome a copy may land until the push's beginning plus the window; then it is due."""
        shelf = Shelf(book)
        await shelf.show(5)
        await shelf.push(4, StockOutcome.UNKNOWN, at=LATER, answered=LATER + SECOND)

        listing = await shelf.listing()
        assert (listing.unresolved_until, listing.attempt_began) == (LATER + WINDOW, None)
        assert listing.accepted_at == NOON
        assert not await shelf.is_due(LATER + WINDOW)
        assert await shelf.is_due(LATER + WINDOW + TICK)

    @law
    async def test_unknown_outcome_settles_nothing(self, book: ListingBook) -> None:
        """What an unknown push was to settle stays due at once."""
        shelf = Shelf(book)
        await shelf.show(5)
        await book.mark(["MUG"])
        await shelf.push(4, StockOutcome.UNKNOWN, at=LATER, answered=LATER)

        assert await shelf.is_due(LATER)

    @law
    async def test_equal_quantity_is_sent_while_a_window_is_open(self, book: ListingBook) -> None:
        """Rule 23: with a window recorded, ended or not, also what is believed to be shown is sent again."""
        for moments in (SECOND, WINDOW, 5 * WINDOW):
            shelf = Shelf(book, f"after {moments}")
            await shelf.show(5)
            await shelf.push(4, StockOutcome.UNKNOWN, at=NOON, answered=NOON)
            await shelf.sent(5, at=NOON + moments)

    @law
    async def test_only_a_later_push_closes_a_window(self, book: ListingBook) -> None:
        """A window is closed by an accepted push that began after it had ended, and by none that began before."""
        shelf = Shelf(book)
        await shelf.show(5)
        await shelf.push(4, StockOutcome.UNKNOWN, at=NOON, answered=NOON)
        end = NOON + WINDOW
        for began in (NOON + SECOND, end):
            await shelf.push(5, at=began, answered=end + SECOND)
            assert (await shelf.listing()).unresolved_until == end
            assert await shelf.is_due(end + TICK)

        await shelf.push(5, at=end + TICK, answered=end + SECOND)
        assert (await shelf.listing()).unresolved_until is None
        assert await shelf.believed() == 5
        assert not await shelf.is_due(end + 2 * WINDOW)

    @law
    async def test_refusal_closes_no_window(self, book: ListingBook) -> None:
        """A later push that was not applied overwrote no late copy: the window stays."""
        for outcome in (*REFUSALS, StockOutcome.RETRY, StockOutcome.CONFLICT):
            shelf = Shelf(book, outcome.value)
            await shelf.show(5)
            await shelf.push(4, StockOutcome.UNKNOWN, at=NOON, answered=NOON)
            await shelf.push(5, outcome, at=NEXT, answered=NEXT)

            assert (await shelf.listing()).unresolved_until == NOON + WINDOW

    @law
    async def test_unanswered_predecessor_opens_a_window(self, book: ListingBook) -> None:
        """A push begun while another is unanswered finds the window of that one open, and does not close it."""
        shelf = Shelf(book)
        await shelf.show(5)
        await shelf.sent(4, at=NOON)
        second = await shelf.sent(3, at=NOON + SECOND)
        assert (await shelf.listing()).unresolved_until == NOON + WINDOW

        await shelf.finish(second, at=NOON + 2 * SECOND)
        listing = await shelf.listing()
        assert (listing.unresolved_until, listing.attempt_began) == (NOON + WINDOW, None)
        assert await shelf.is_due(NOON + WINDOW + TICK)

    @law
    async def test_equal_quantity_is_sent_while_a_push_is_unanswered(self, book: ListingBook) -> None:
        """Rule 21: an unanswered push may land, so also what is believed to be shown is sent again."""
        shelf = Shelf(book)
        await shelf.show(5)
        await shelf.sent(4, at=NOON)

        await shelf.sent(5, at=NOON + SECOND)
        assert (await shelf.listing()).unresolved_until == NOON + WINDOW

    @law
    async def test_window_is_never_shortened(self, book: ListingBook) -> None:
        """A window that reaches further stays when a later push would open a shorter one."""
        shelf = Shelf(book)
        await shelf.show(5)
        await shelf.push(4, StockOutcome.UNKNOWN, at=NOON, answered=NOON)
        attempt = await shelf.begin(5, at=NOON + SECOND, window=SECOND)
        assert attempt is not None
        await shelf.finish(attempt, StockOutcome.UNKNOWN, at=NOON + SECOND, window=SECOND)
        assert (await shelf.listing()).unresolved_until == NOON + WINDOW

        await shelf.begin(5, at=NOON + 2 * SECOND, window=SECOND)
        await shelf.begin(5, at=NOON + 3 * SECOND, window=SECOND)
        assert (await shelf.listing()).unresolved_until == NOON + WINDOW
