"""Listing books with one mistake each about pushes, and the law that must find it."""

# ruff: noqa: ARG002 - what is wrong may well be that an argument is ignored

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

import attrs

from contracts.wrong_books import WrongBook
from ordersync.model.ids import ChannelId, Fence
from ordersync.model.listings import Answer, Attempt, ChannelListing, Listing, ListingId, Push, StockOutcome


class WrongBegin(WrongBook):
    """A book that begins pushes in another way."""

    def forget(self, listing: Listing) -> Listing:
        """Return the listing as this book wrongly sees it when a push begins."""
        raise NotImplementedError

    async def begin(
        self, channel: ChannelId, pushes: Sequence[Push], *, window: timedelta, fence: Fence, at: datetime
    ) -> Sequence[Attempt]:
        """Begin with a wrong view of each listing."""
        for push in pushes:
            if push.listing in self._listings[channel]:
                self._listings[channel][push.listing] = self.forget(self._listings[channel][push.listing])
        return await super().begin(channel, pushes, window=window, fence=fence, at=at)


class SendsEquals(WrongBegin):
    """Sends what the channel shows already."""

    def forget(self, listing: Listing) -> Listing:
        """Forget the belief."""
        return attrs.evolve(listing, believed=None)


class ForgetsPredecessor(WrongBegin):
    """Begins a push as if the one before had been answered."""

    def forget(self, listing: Listing) -> Listing:
        """Forget the unanswered push."""
        return attrs.evolve(listing, attempt_began=None)


class ForgetsEndedWindows(WrongBegin):
    """Takes a window for closed when a push begins."""

    def forget(self, listing: Listing) -> Listing:
        """Forget the window."""
        return attrs.evolve(listing, unresolved_until=None)


class WrongFinish(WrongBook):
    """A book that takes in answers in another way."""

    def answered(self, before: Listing, after: Listing, answer: Answer) -> Mapping[str, Any]:
        """Return what this book wrongly makes of the listing."""
        raise NotImplementedError

    async def finish(
        self, channel: ChannelId, answers: Sequence[Answer], *, window: timedelta, fence: Fence, at: datetime
    ) -> None:
        """Take in the answers, then spoil the listings."""
        before = dict(self._listings[channel])
        await super().finish(channel, answers, window=window, fence=fence, at=at)
        for answer in answers:
            listing_id = answer.attempt.push.listing
            was, now = before[listing_id], self._listings[channel][listing_id]
            self.rewrite(channel, listing_id, **self.answered(was, now, answer))


class BelievesInSpiteOfDoubt(WrongFinish):
    """Believes an accept that overlapped a doubt."""

    def answered(self, before: Listing, after: Listing, answer: Answer) -> Mapping[str, Any]:
        """Set the belief."""
        accepted = answer.outcome is StockOutcome.ACCEPTED
        return {"believed": answer.attempt.push.quantity} if accepted else {}


class SettlesWhatIsWanted(WrongFinish):
    """Settles what is wanted when the answer comes, not what was wanted when the push began."""

    def answered(self, before: Listing, after: Listing, answer: Answer) -> Mapping[str, Any]:
        """Settle everything."""
        return {"settled": after.wanted} if answer.outcome is StockOutcome.ACCEPTED else {}


class TrustsUnknown(WrongFinish):
    """Takes an unknown outcome for one that had no effect."""

    def answered(self, before: Listing, after: Listing, answer: Answer) -> Mapping[str, Any]:
        """Open no window."""
        return {"unresolved_until": before.unresolved_until}


class AnyPushCloses(WrongFinish):
    """Closes a window by any push that is accepted."""

    def answered(self, before: Listing, after: Listing, answer: Answer) -> Mapping[str, Any]:
        """Close it."""
        return {"unresolved_until": None} if answer.outcome is StockOutcome.ACCEPTED else {}


class SettlesRefusals(WrongFinish):
    """Tries a refused listing again at once."""

    def answered(self, before: Listing, after: Listing, answer: Answer) -> Mapping[str, Any]:
        """Forget the next attempt."""
        return {"next_attempt_at": None}


class KeepsBeliefInConflict(WrongFinish):
    """Still believes what a channel said was not so."""

    def answered(self, before: Listing, after: Listing, answer: Answer) -> Mapping[str, Any]:
        """Restore the belief."""
        return {"believed": before.believed}


class SettlesUnknown(WrongFinish):
    """Takes what an unknown push was to settle for settled."""

    def answered(self, before: Listing, after: Listing, answer: Answer) -> Mapping[str, Any]:
        """Settle what was read."""
        return {"settled": answer.attempt.push.wanted} if answer.outcome is StockOutcome.UNKNOWN else {}


class StaysIll(WrongFinish):
    """Keeps a failure when a push is accepted."""

    def answered(self, before: Listing, after: Listing, answer: Answer) -> Mapping[str, Any]:
        """Restore the failure."""
        return {} if before.failure is None else {"failure": before.failure, "failures": before.failures}


class TakesLateAnswers(WrongBook):
    """Takes the answer to an earlier push for that of the last one."""

    async def finish(
        self, channel: ChannelId, answers: Sequence[Answer], *, window: timedelta, fence: Fence, at: datetime
    ) -> None:
        """Renumber the answers."""
        renumbered = [
            attrs.evolve(
                answer,
                attempt=attrs.evolve(
                    answer.attempt, number=self._listings[channel][answer.attempt.push.listing].attempts
                ),
            )
            for answer in answers
        ]
        await super().finish(channel, renumbered, window=window, fence=fence, at=at)


class ReadsBackBlindly(WrongBook):
    """Believes a read-back whatever happened since it began."""

    async def observed(
        self,
        channel: ChannelId,
        shown: Sequence[ChannelListing],
        *,
        wanted: Mapping[ListingId, int],
        fence: Fence,
        at: datetime,
    ) -> int:
        """Take ``wanted`` as it is now."""
        now = {listing.id: listing.wanted for listing in await self.of_channel(channel)}
        return await super().observed(channel, shown, wanted=wanted and now, fence=fence, at=at)


class StopsAtTheUnknown(WrongBook):
    """Takes in no answer behind one about a listing that it does not know."""

    async def finish(
        self, channel: ChannelId, answers: Sequence[Answer], *, window: timedelta, fence: Fence, at: datetime
    ) -> None:
        """Take in what comes before it."""
        known = list(takewhile(lambda answer: answer.attempt.push.listing in self._listings[channel], answers))
        await super().finish(channel, known, window=window, fence=fence, at=at)


WRONG_PUSHES = {
    StopsAtTheUnknown: "test_answer_of_a_listing_never_linked_is_ignored",
    SendsEquals: "test_equal_quantity_is_settled_without_sending",
    ForgetsPredecessor: "test_unanswered_predecessor_opens_a_window",
    ForgetsEndedWindows: "test_equal_quantity_is_sent_while_a_window_is_open",
    BelievesInSpiteOfDoubt: "test_accept_after_a_doubt_sets_no_belief",
    SettlesWhatIsWanted: "test_wanted_as_read_is_settled",
    TrustsUnknown: "test_unknown_outcome_opens_a_window",
    AnyPushCloses: "test_only_a_later_push_closes_a_window",
    SettlesRefusals: "test_refused_listing_waits_for_its_next_attempt",
    TakesLateAnswers: "test_overtaken_answer_is_ignored",
    ReadsBackBlindly: "test_read_back_of_a_busy_listing_is_ignored",
    KeepsBeliefInConflict: "test_conflict_makes_the_belief_unknown",
    SettlesUnknown: "test_unknown_outcome_settles_nothing",
    StaysIll: "test_accepted_listing_is_well_again",
}
