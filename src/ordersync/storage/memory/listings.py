"""Listings in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

from ... import beliefs
from ...kits import Kits, defined, flatten
from ...model.ids import ChannelId, Fence, OrderKey
from ...model.listings import Answer, Attempt, ChannelListing, Links, Listing, ListingId, Push, checked_components
from ...model.stock import Sale, StockRule
from ...ports import ListingBook
from .fences import Fences


class MemoryListingBook(ListingBook):
    """Listings by channel. What a verb does to one listing is decided in ``beliefs``."""

    def __init__(self) -> None:
        self._fences = Fences()
        self._listings: dict[ChannelId, dict[ListingId, Listing]] = defaultdict(dict)
        self._revisions: dict[ChannelId, int] = defaultdict(int)
        self._rules: dict[ChannelId, tuple[str, str | None, datetime]] = {}
        self._accounted: dict[OrderKey, int] = {}
        self._kits: Kits = {}

    async def fence(self, fence: Fence) -> None:
        """Let no lower token take effect from now on."""
        self._fences.check(fence)

    async def link(
        self,
        channel: ChannelId,
        channel_sku: str,
        components: str | Mapping[str, int],
        *,
        channel_location: str | None = None,
        rule: StockRule | None = None,
    ) -> None:
        """Say what a channel SKU means."""
        linked_to = checked_components(components)
        parts = flatten(linked_to, self._kits)
        listing_id = ListingId(channel_sku, channel_location)
        before = self._listings[channel].get(listing_id)
        if before is None:
            after = Listing(channel=channel, id=listing_id, linked_to=linked_to, components=parts, rule=rule)
        else:
            after = beliefs.linked(before, linked_to, parts, rule=rule)
        self._mean(channel, [after])

    async def unlink(self, channel: ChannelId, channel_sku: str, *, channel_location: str | None = None) -> None:
        """Forget the components; the listing's attempts and windows stay for when it is linked again."""
        listing_id = ListingId(channel_sku, channel_location)
        if listing_id in self._linked(channel):
            self._mean(channel, [beliefs.unlinked(self._listings[channel][listing_id])])

    async def link_new(
        self, channel: ChannelId, links: Mapping[ListingId, str], *, fence: Fence | None = None
    ) -> Collection[ListingId]:
        """Link what was never heard of."""
        self._fences.check(fence)
        known = self._listings[channel]
        unlinked = {one.channel_sku for one, listing in known.items() if not listing.components}
        meant = {
            one: checked_components(sku)
            for one, sku in links.items()
            if one not in known and one.channel_sku not in unlinked
        }
        new = [
            Listing(channel=channel, id=one, linked_to=linked_to, components=flatten(linked_to, self._kits))
            for one, linked_to in meant.items()
        ]
        self._mean(channel, new)
        return [listing.id for listing in new]

    async def define_kit(self, sku: str, components: Mapping[str, int] | None) -> None:
        """Define or forget a kit, and take every link apart anew."""
        kits = defined(self._kits, sku, components)
        regrouped = {
            channel: [
                beliefs.linked(one, one.linked_to, flatten(one.linked_to, kits), rule=one.rule)
                for one in self._linked(channel).values()
            ]
            for channel in self._listings
        }
        self._kits = kits
        for channel, listings in regrouped.items():
            self._mean(channel, listings)

    async def kits(self) -> Mapping[str, Mapping[str, int]]:
        """Return all kits by SKU."""
        return dict(sorted(self._kits.items()))

    async def links(self, channel: ChannelId, channel_skus: Collection[str], *, fence: Fence | None = None) -> Links:
        """Return what channel SKUs mean, and under which revision."""
        self._fences.check(fence)
        found = {one: listing.components for one, listing in self._linked(channel, skus=channel_skus).items()}
        return Links(revision=self._revisions[channel], components=found)

    async def of_channel(self, channel: ChannelId) -> Sequence[Listing]:
        """Return linked listings by id."""
        return sorted(self._linked(channel).values(), key=lambda listing: listing.id.sort_key)

    async def mark(self, skus: Collection[str]) -> None:
        """Mark every listing that any of the SKUs is a component of."""
        wanted = set(skus)
        for channel in list(self._listings):
            self._change(channel, beliefs.marked, where=lambda listing: not wanted.isdisjoint(listing.components))

    async def mark_channel(self, channel: ChannelId) -> None:
        """Mark every listing of a channel."""
        self._change(channel, beliefs.marked)

    async def adopt_rule(
        self, channel: ChannelId, fingerprint: str, *, hold: timedelta, fence: Fence, at: datetime
    ) -> bool:
        """Take over the channel's rule, unless it flips back too soon."""
        self._fences.check(fence)
        present, former, since = self._rules.get(channel, (None, None, at))
        if fingerprint == present:
            return True
        if fingerprint == former and at - since < hold:
            return False
        self._rules[channel] = (fingerprint, present, at)
        self._change(channel, beliefs.marked)
        return True

    async def sold(self, sales: Sequence[Sale], *, fence: Fence | None = None) -> None:
        """Account for sales, once per order and for each later change by the channel."""
        self._fences.check(fence)
        for sale in sales:
            channel, before = sale.order_key.channel, self._accounted.get(sale.order_key)
            skus = {channel_sku for channel_sku, _ in sale.sold}
            self._listings[channel].update(beliefs.account(sale, before, self._linked(channel, skus=skus)))
            self._accounted[sale.order_key] = max(sale.revision, before or 0)

    async def due(
        self,
        channel: ChannelId,
        *,
        window: timedelta,
        at: datetime,
        limit: int,
        after: ListingId | None = None,
        fence: Fence | None = None,
    ) -> Sequence[Listing]:
        """Return listings to look at, by id."""
        self._fences.check(fence)
        due = [
            listing
            for one, listing in self._linked(channel).items()
            if (after is None or one.sort_key > after.sort_key) and beliefs.is_due(listing, window=window, at=at)
        ]
        return sorted(due, key=lambda listing: listing.id.sort_key)[:limit]

    async def begin(
        self, channel: ChannelId, pushes: Sequence[Push], *, window: timedelta, fence: Fence, at: datetime
    ) -> Sequence[Attempt]:
        """Record attempts; settle what the channel shows already."""
        self._fences.check(fence)
        attempts: list[Attempt] = []
        linked = self._linked(channel)
        for push in pushes:
            listing = linked.get(push.listing)
            if listing is not None:
                self._listings[channel][push.listing], attempt = beliefs.begun(listing, push, window=window, at=at)
                attempts += [] if attempt is None else [attempt]
        return attempts

    async def finish(
        self, channel: ChannelId, answers: Sequence[Answer], *, window: timedelta, fence: Fence, at: datetime
    ) -> None:
        """Record what became of attempts."""
        self._fences.check(fence)
        for answer in answers:
            one = answer.attempt.push.listing
            listing = self._listings[channel].get(one)
            if listing is not None:
                self._listings[channel][one] = beliefs.answered(listing, answer, window=window, at=at)

    async def observed(
        self,
        channel: ChannelId,
        shown: Sequence[ChannelListing],
        *,
        wanted: Mapping[ListingId, int],
        fence: Fence,
        at: datetime,
    ) -> int:
        """Take over what a read-back showed."""
        self._fences.check(fence)
        corrected, linked = 0, self._linked(channel)
        for seen in shown:
            before = linked.get(seen.listing_id)
            if before is not None and seen.listing_id in wanted:
                after = beliefs.shown(before, seen.quantity, wanted=wanted[seen.listing_id], at=at)
                self._listings[channel][seen.listing_id] = after
                corrected += after.believed != before.believed
        return corrected

    def _mean(self, channel: ChannelId, listings: Collection[Listing]) -> None:
        """Write what listings mean now; other components raise the channel's links revision, once."""
        before = self._listings[channel]
        changed = any(one.id not in before or before[one.id].components != one.components for one in listings)
        before.update((one.id, one) for one in listings)
        self._revisions[channel] += changed

    def _linked(self, channel: ChannelId, *, skus: Collection[str] | None = None) -> Mapping[ListingId, Listing]:
        return {
            one: listing
            for one, listing in self._listings[channel].items()
            if listing.components and (skus is None or one.channel_sku in skus)
        }

    def _change(
        self,
        channel: ChannelId,
        rule: Callable[[Listing], Listing],
        *,
        where: Callable[[Listing], bool] = lambda _: True,
    ) -> None:
        changed = {one: rule(listing) for one, listing in self._linked(channel).items() if where(listing)}
        self._listings[channel].update(changed)
