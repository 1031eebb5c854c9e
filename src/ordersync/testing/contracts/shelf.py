"""One listing in a book, and what runs and buyers do to it: the steps that laws of listing books are told in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import attrs

from ...model.ids import ChannelId, Fence
from ...model.listings import Answer, Attempt, ChannelListing, Listing, ListingId, Push, StockOutcome
from ...model.stock import StockRule
from ...ports import ListingBook
from ..builders import NOON, SHOP, make_sale

WINDOW = timedelta(minutes=10)
"""How long a late copy of a push may land."""

SECOND = timedelta(seconds=1)
TICK = timedelta(microseconds=1)


@attrs.frozen
class Shelf:
    """One listing of one channel."""

    book: ListingBook
    channel_sku: str = "MUG-BLUE"
    place: str | None = None
    channel: ChannelId = SHOP

    @property
    def id(self) -> ListingId:
        """Return which listing of its channel this is."""
        return ListingId(self.channel_sku, self.place)

    @property
    def fence(self) -> Fence:
        """Return the lease of the only runner."""
        return Fence(self.channel, 1)

    async def link(self, components: str | Mapping[str, int] = "MUG", *, rule: StockRule | None = None) -> None:
        """Link the listing."""
        await self.book.link(self.channel, self.channel_sku, components, channel_location=self.place, rule=rule)

    async def unlink(self) -> None:
        """Unlink the listing."""
        await self.book.unlink(self.channel, self.channel_sku, channel_location=self.place)

    async def listing(self) -> Listing:
        """Return the listing as it is now."""
        (found,) = [one for one in await self.book.of_channel(self.channel) if one.id == self.id]
        return found

    async def believed(self) -> int | None:
        """Return what the channel is believed to show."""
        return (await self.listing()).believed

    async def is_due(self, at: datetime) -> bool:
        """Say whether the listing is to be looked at."""
        due = await self.book.due(self.channel, window=WINDOW, at=at, limit=1000)
        return self.id in [one.id for one in due]

    async def begin(
        self, quantity: int, *, at: datetime, wanted: int | None = None, window: timedelta = WINDOW
    ) -> Attempt | None:
        """Begin a push under the ``wanted`` read now, or an earlier one; None when nothing is to be sent."""
        read = (await self.listing()).wanted if wanted is None else wanted
        push = Push(listing=self.id, wanted=read, quantity=quantity)
        attempts = await self.book.begin(self.channel, [push], window=window, fence=self.fence, at=at)
        return attempts[0] if attempts else None

    async def sent(self, quantity: int, *, at: datetime, wanted: int | None = None) -> Attempt:
        """Begin a push that must be sent."""
        attempt = await self.begin(quantity, at=at, wanted=wanted)
        assert attempt is not None, f"{quantity} was not to be sent"
        return attempt

    async def finish(
        self,
        attempt: Attempt,
        outcome: StockOutcome = StockOutcome.ACCEPTED,
        *,
        at: datetime,
        message: str = "",
        next_attempt_at: datetime | None = None,
        window: timedelta = WINDOW,
    ) -> None:
        """Record what became of a push."""
        answer = Answer(attempt=attempt, outcome=outcome, message=message, next_attempt_at=next_attempt_at)
        await self.book.finish(self.channel, [answer], window=window, fence=self.fence, at=at)

    async def push(
        self, quantity: int, outcome: StockOutcome = StockOutcome.ACCEPTED, *, at: datetime, answered: datetime
    ) -> None:
        """Send a push and take in its answer."""
        await self.finish(await self.sent(quantity, at=at), outcome, at=answered)

    async def show(self, quantity: int, *, at: datetime = NOON) -> None:
        """Link the listing if it is not, and let the channel accept a quantity at once."""
        if self.id not in [one.id for one in await self.book.of_channel(self.channel)]:
            await self.link()
        await self.push(quantity, at=at, answered=at)
        assert await self.believed() == quantity
        assert not await self.is_due(at)

    async def sell(
        self,
        reference: str,
        quantity: int = 1,
        *,
        taken_at: datetime,
        revision: int = 1,
        channel_revision: int = 0,
    ) -> None:
        """Account for an order of this listing's channel."""
        sale = make_sale(
            attrs.evolve(make_sale(reference, {}).order_key, channel=self.channel),
            {(self.channel_sku, self.place): quantity},
            revision=revision,
            channel_revision=channel_revision,
            taken_at=taken_at,
        )
        await self.book.sold([sale])

    async def read_back(self, quantity: int, *, at: datetime, wanted: int | None = None) -> int:
        """Take over what a read-back showed that began under the ``wanted`` of now, or an earlier one."""
        shown = ChannelListing(channel_sku=self.channel_sku, quantity=quantity, channel_location=self.place)
        read = (await self.listing()).wanted if wanted is None else wanted
        return await self.book.observed(self.channel, [shown], wanted={self.id: read}, fence=self.fence, at=at)
