"""Listing books with one mistake each, and the law that must find it."""

# ruff: noqa: ARG002 - what is wrong may well be that an argument is ignored

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from ordersync.model.ids import ChannelId, Fence
from ordersync.model.listings import Answer, Attempt, ChannelListing, Listing, ListingId, Push, StockOutcome
from ordersync.model.stock import Sale, StockRule
from ordersync.storage.memory import MemoryListingBook


class WrongBook(MemoryListingBook):
    """What the wrong books share."""

    def rewrite(self, channel: ChannelId, listing_id: ListingId, **changes: object) -> None:
        """Change a listing behind the book's back."""
        listing = self._listings[channel][listing_id]
        self._listings[channel][listing_id] = attrs.evolve(listing, **changes)  # type: ignore[arg-type]


class SoldTwice(WrongBook):
    """Lowers the belief as often as a sale is reported."""

    async def sold(self, sales: Sequence[Sale], *, fence: Fence | None = None) -> None:
        """Forget what was accounted for."""
        self._accounted.clear()
        await super().sold(sales, fence=fence)


class SoldPerRevision(WrongBook):
    """Lowers the belief once for every revision of an order."""

    async def sold(self, sales: Sequence[Sale], *, fence: Fence | None = None) -> None:
        """Forget older revisions."""
        for sale in sales:
            if self._accounted.get(sale.order_key, sale.revision) < sale.revision:
                del self._accounted[sale.order_key]
        await super().sold(sales, fence=fence)


class SoldBySku(WrongBook):
    """Lowers every listing that shares a component with the one that was sold."""

    async def sold(self, sales: Sequence[Sale], *, fence: Fence | None = None) -> None:
        """Spread each sale."""
        await super().sold([self._spread(sale) for sale in sales], fence=fence)

    def _spread(self, sale: Sale) -> Sale:
        listings = self._listings[sale.order_key.channel]
        sold = {
            (other.channel_sku, other.channel_location): quantity
            for (sku, place), quantity in sale.sold.items()
            if ListingId(sku, place) in listings
            for other, listing in listings.items()
            if set(listing.components) & set(listings[ListingId(sku, place)].components)
        }
        return attrs.evolve(sale, sold=sold)


class ForgivesOverwriting(WrongBook):
    """Does not ask whether a push may have overwritten the sale."""

    async def sold(self, sales: Sequence[Sale], *, fence: Fence | None = None) -> None:
        """Take every sale for a late one."""
        await super().sold(
            [attrs.evolve(sale, taken_at=datetime.max.replace(tzinfo=sale.taken_at.tzinfo)) for sale in sales]
        )


class LowersWhatChanged(WrongBook):
    """Lowers the belief also by an order that its channel changed before it was heard of."""

    async def sold(self, sales: Sequence[Sale], *, fence: Fence | None = None) -> None:
        """Forget the channel's changes of new orders."""
        new = [sale if sale.order_key in self._accounted else attrs.evolve(sale, channel_revision=0) for sale in sales]
        await super().sold(new, fence=fence)


class SoldInSilence(WrongBook):
    """Lowers beliefs and makes nothing due."""

    async def sold(self, sales: Sequence[Sale], *, fence: Fence | None = None) -> None:
        """Lower ``wanted`` again."""
        before = {channel: dict(listings) for channel, listings in self._listings.items()}
        await super().sold(sales, fence=fence)
        for channel, listings in before.items():
            for listing_id, listing in listings.items():
                self.rewrite(channel, listing_id, wanted=listing.wanted)


class MarksOneChannel(WrongBook):
    """Marks the listings of the first channel alone."""

    async def mark(self, skus: Collection[str]) -> None:
        """Hide the other channels."""
        hidden = {channel: self._listings.pop(channel) for channel in list(self._listings)[1:]}
        await super().mark(skus)
        self._listings.update(hidden)


class LinksInSilence(WrongBook):
    """Does not make a listing due whose link changed."""

    async def link(
        self,
        channel: ChannelId,
        channel_sku: str,
        components: str | Mapping[str, int],
        *,
        channel_location: str | None = None,
        rule: StockRule | None = None,
    ) -> None:
        """Lower ``wanted`` again."""
        listing_id = ListingId(channel_sku, channel_location)
        before = self._listings[channel].get(listing_id)
        await super().link(channel, channel_sku, components, channel_location=channel_location, rule=rule)
        if before is not None:
            self.rewrite(channel, listing_id, wanted=before.wanted)


class UnlinksForGood(WrongBook):
    """Forgets all that is known of an unlinked listing."""

    async def unlink(self, channel: ChannelId, channel_sku: str, *, channel_location: str | None = None) -> None:
        """Forget it."""
        self._listings[channel].pop(ListingId(channel_sku, channel_location), None)


class FlipsRules(WrongBook):
    """Adopts whatever rule comes."""

    async def adopt_rule(
        self, channel: ChannelId, fingerprint: str, *, hold: timedelta, fence: Fence, at: datetime
    ) -> bool:
        """Hold nothing."""
        return await super().adopt_rule(channel, fingerprint, hold=timedelta(0), fence=fence, at=at)


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


class HalfMarked(WrongBook):
    """Marks listing by listing, and may be cancelled in between."""

    async def mark_channel(self, channel: ChannelId) -> None:
        """Pause after the first."""
        for listing in await self.of_channel(channel):
            self.rewrite(channel, listing.id, wanted=listing.wanted + 1)
            await asyncio.sleep(0)


WRONG_BOOKS = {
    SoldTwice: "test_sale_counts_once",
    SoldPerRevision: "test_sale_counts_once",
    SoldBySku: "test_sale_is_by_listing",
    ForgivesOverwriting: "test_sale_before_the_answer_of_the_last_push_doubts",
    LowersWhatChanged: "test_never_stored_order_doubts",
    SoldInSilence: "test_sale_lowers_the_belief",
    MarksOneChannel: "test_mark_reaches_every_channel",
    LinksInSilence: "test_changed_link_is_due",
    UnlinksForGood: "test_relinked_listing_goes_on",
    FlipsRules: "test_rule_that_flips_back_is_held",
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
    HalfMarked: "test_writing_verbs_are_done_or_not_done",
}
