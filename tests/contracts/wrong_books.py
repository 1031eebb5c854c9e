"""Listing books with one mistake each, and the law that must find it."""

# ruff: noqa: ARG002 - what is wrong may well be that an argument is ignored

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import attrs

from ordersync.model.ids import ChannelId, Fence
from ordersync.model.listings import ListingId
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


class ForgivesUnanswered(WrongBook):
    """Does not ask whether a push of the listing is unanswered."""

    async def sold(self, sales: Sequence[Sale], *, fence: Fence | None = None) -> None:
        """Hide unanswered pushes."""
        before = {channel: dict(listings) for channel, listings in self._listings.items()}
        for channel, listings in before.items():
            for listing_id in listings:
                self.rewrite(channel, listing_id, attempt_began=None)
        await super().sold(sales, fence=fence)
        for channel, listings in before.items():
            for listing_id, listing in listings.items():
                self.rewrite(channel, listing_id, attempt_began=listing.attempt_began)


class DoubtsFreshChangesOnly(WrongBook):
    """Overlooks a change by the channel that a person's change followed."""

    async def sold(self, sales: Sequence[Sale], *, fence: Fence | None = None) -> None:
        """Look at the last change alone."""
        seen = [
            sale if sale.channel_revision == sale.revision else attrs.evolve(sale, channel_revision=0) for sale in sales
        ]
        await super().sold(seen, fence=fence)


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


class LinksAnew(WrongBook):
    """Takes every link for a change, and raises the links revision."""

    async def link(
        self,
        channel: ChannelId,
        channel_sku: str,
        components: str | Mapping[str, int],
        *,
        channel_location: str | None = None,
        rule: StockRule | None = None,
    ) -> None:
        """Raise everything."""
        await super().link(channel, channel_sku, components, channel_location=channel_location, rule=rule)
        listing_id = ListingId(channel_sku, channel_location)
        self.rewrite(channel, listing_id, wanted=self._listings[channel][listing_id].wanted + 1)
        self._revisions[channel] += 1


class LinksSettled(WrongBook):
    """Takes a new listing for right until something marks it."""

    async def link(
        self,
        channel: ChannelId,
        channel_sku: str,
        components: str | Mapping[str, int],
        *,
        channel_location: str | None = None,
        rule: StockRule | None = None,
    ) -> None:
        """Believe in zero."""
        new = ListingId(channel_sku, channel_location) not in self._listings[channel]
        await super().link(channel, channel_sku, components, channel_location=channel_location, rule=rule)
        if new:
            self.rewrite(channel, ListingId(channel_sku, channel_location), settled=1, believed=0)


class UnlinkKeepsBelief(WrongBook):
    """Believes, when a listing is linked again, what it showed before it was unlinked."""

    async def unlink(self, channel: ChannelId, channel_sku: str, *, channel_location: str | None = None) -> None:
        """Restore the belief."""
        listing_id = ListingId(channel_sku, channel_location)
        before = self._listings[channel].get(listing_id)
        await super().unlink(channel, channel_sku, channel_location=channel_location)
        if before is not None:
            self.rewrite(channel, listing_id, believed=before.believed)


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


class HalfMarked(WrongBook):
    """Marks listing by listing, and may be cancelled in between."""

    async def mark_channel(self, channel: ChannelId) -> None:
        """Pause after the first."""
        for listing in await self.of_channel(channel):
            self.rewrite(channel, listing.id, wanted=listing.wanted + 1)
            await asyncio.sleep(0)


class TakesOneLevelApart(WrongBook):
    """Takes the kits in a link apart, and not the kits in those."""

    async def link(
        self,
        channel: ChannelId,
        channel_sku: str,
        components: str | Mapping[str, int],
        *,
        channel_location: str | None = None,
        rule: StockRule | None = None,
    ) -> None:
        """Hide the kits that are made of kits."""
        kits = self._kits
        self._kits = {sku: parts for sku, parts in kits.items() if not parts.keys() & kits.keys()}
        await super().link(channel, channel_sku, components, channel_location=channel_location, rule=rule)
        self._kits = kits


class ForgetsTheLink(WrongBook):
    """Keeps what a link takes from stock, and forgets of which kits it was made."""

    async def link(
        self,
        channel: ChannelId,
        channel_sku: str,
        components: str | Mapping[str, int],
        *,
        channel_location: str | None = None,
        rule: StockRule | None = None,
    ) -> None:
        """Keep the components alone."""
        await super().link(channel, channel_sku, components, channel_location=channel_location, rule=rule)
        one = ListingId(channel_sku, channel_location)
        self.rewrite(channel, one, linked_to=self._listings[channel][one].components)


class DefinesInSilence(WrongBook):
    """Makes no listing due whose kit changed."""

    async def define_kit(self, sku: str, components: Mapping[str, int] | None) -> None:
        """Lower ``wanted`` again."""
        before = {channel: dict(listings) for channel, listings in self._listings.items()}
        await super().define_kit(sku, components)
        for channel, listings in before.items():
            for listing_id, listing in listings.items():
                self.rewrite(channel, listing_id, wanted=listing.wanted)


class DefinesUnderOneRevision(WrongBook):
    """Changes components, and lets the links revisions be."""

    async def define_kit(self, sku: str, components: Mapping[str, int] | None) -> None:
        """Lower the revisions again."""
        before = dict(self._revisions)
        await super().define_kit(sku, components)
        self._revisions.update(before)


class RaisesEveryRevision(WrongBook):
    """Raises the links revision of every channel with every definition."""

    async def define_kit(self, sku: str, components: Mapping[str, int] | None) -> None:
        """Raise them all."""
        await super().define_kit(sku, components)
        for channel in self._revisions:
            self._revisions[channel] += 1


class MarksWithEveryDefinition(WrongBook):
    """Takes every definition for a change of what it is linked to."""

    async def define_kit(self, sku: str, components: Mapping[str, int] | None) -> None:
        """Mark everything."""
        await super().define_kit(sku, components)
        for channel in self._listings:
            await self.mark_channel(channel)


class KeepsWhatItRefuses(WrongBook):
    """Keeps a definition that it refuses."""

    async def define_kit(self, sku: str, components: Mapping[str, int] | None) -> None:
        """Keep it all the same."""
        try:
            await super().define_kit(sku, components)
        except ValueError:
            self._kits = {**self._kits, sku: components or {}}
            raise


class LinksKnownOnes(WrongBook):
    """Links what is linked already to the SKU of the same name."""

    async def link_new(
        self, channel: ChannelId, links: Mapping[ListingId, str], *, fence: Fence | None = None
    ) -> Collection[ListingId]:
        """Link them all."""
        new = await super().link_new(channel, links, fence=fence)
        for one in links.keys() & self._linked(channel).keys():
            await self.link(channel, one.channel_sku, links[one], channel_location=one.channel_location)
        return new


class LinksUnlinkedOnes(WrongBook):
    """Links again what a person has unlinked."""

    async def link_new(
        self, channel: ChannelId, links: Mapping[ListingId, str], *, fence: Fence | None = None
    ) -> Collection[ListingId]:
        """Forget what was unlinked."""
        self._listings[channel] = dict(self._linked(channel))
        return await super().link_new(channel, links, fence=fence)


class LinksNewInSilence(WrongBook):
    """Links new listings, and lets orders wait that were saved before."""

    async def link_new(
        self, channel: ChannelId, links: Mapping[ListingId, str], *, fence: Fence | None = None
    ) -> Collection[ListingId]:
        """Lower the revision again."""
        before = self._revisions[channel]
        new = await super().link_new(channel, links, fence=fence)
        self._revisions[channel] = before
        return new


class LinksNewUnfenced(WrongBook):
    """Lets an overtaken runner link."""

    async def link_new(
        self, channel: ChannelId, links: Mapping[ListingId, str], *, fence: Fence | None = None
    ) -> Collection[ListingId]:
        """Hide the fence."""
        return await super().link_new(channel, links)


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
    ForgivesUnanswered: "test_sale_during_a_push_doubts",
    DoubtsFreshChangesOnly: "test_change_seen_late_doubts_too",
    LinksAnew: "test_links_revision_rises_with_components_only",
    LinksSettled: "test_new_listing_is_due_at_once",
    UnlinkKeepsBelief: "test_sale_while_unlinked_is_not_forgotten",
    HalfMarked: "test_writing_verbs_are_done_or_not_done",
    TakesOneLevelApart: "test_nested_kits_are_taken_apart",
    ForgetsTheLink: "test_definition_reaches_every_listing_through_kits",
    DefinesInSilence: "test_definition_reaches_every_listing_through_kits",
    DefinesUnderOneRevision: "test_each_channel_hears_of_a_definition",
    RaisesEveryRevision: "test_each_channel_hears_of_a_definition",
    MarksWithEveryDefinition: "test_definition_that_changes_no_components",
    KeepsWhatItRefuses: "test_definition_that_breaks_a_link_is_refused",
    LinksKnownOnes: "test_known_listings_are_left_alone",
    LinksUnlinkedOnes: "test_unlinked_sku_is_left_alone",
    LinksNewInSilence: "test_new_links_raise_the_revision",
    LinksNewUnfenced: "test_lower_token_is_refused",
}
