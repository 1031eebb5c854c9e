"""The listing book on SQLite. What a verb does to one listing is decided in ``beliefs``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice

from ... import beliefs
from ...model.ids import ChannelId, Fence
from ...model.listings import Answer, Attempt, ChannelListing, Links, Listing, ListingId, Push
from ...model.stock import Sale, StockRule
from ...ports import ListingBook
from .. import codec
from ..listing_rows import listing_of, place
from .connection import Connection
from .keys import by_channel, channel_number, own_channel_number, own_key_numbers
from .linking import define_kit, link, link_new, load_kits, unlink
from .listing_tables import MAYBE_DUE, OF_CHANNEL, Listings, listings_of_skus, load_listings, write_changed
from .parts import FencedPart

LINKS_REVISION = "SELECT revision FROM channel_links WHERE channel_id = ?"

MARK = """
UPDATE listings SET wanted = wanted + 1 WHERE id IN (
  SELECT listing_id FROM json_each(?) AS asked CROSS JOIN listing_components ON sku = asked.value)
"""

MARK_CHANNEL = "UPDATE listings SET wanted = wanted + 1 WHERE channel_id = ? AND components <> '{}'"

FIND_RULE = "SELECT present, former, since FROM channel_rules WHERE channel_id = ?"

WRITE_RULE = """
INSERT INTO channel_rules (channel_id, present, former, since) VALUES (?, ?, ?, ?)
ON CONFLICT (channel_id) DO UPDATE SET present = excluded.present, former = excluded.former, since = excluded.since
"""

ACCOUNTED = "SELECT order_id, revision FROM json_each(?) AS asked CROSS JOIN sales ON order_id = asked.value"

ACCOUNT = """
INSERT INTO sales (order_id, revision) VALUES (?, ?)
ON CONFLICT (order_id) DO UPDATE SET revision = excluded.revision WHERE revision < excluded.revision
"""


class SQLiteListingBook(FencedPart, ListingBook):
    """Links between channel SKUs and ours, and what the channels are believed to show."""

    port = "listings"

    async def link(
        self,
        channel: ChannelId,
        channel_sku: str,
        components: str | Mapping[str, int],
        *,
        channel_location: str | None = None,
        rule: StockRule | None = None,
    ) -> None:
        """Say what one piece of a channel SKU takes from stock."""
        one = ListingId(channel_sku, channel_location)
        await self._write(lambda db: link(db, channel, one, components, rule=rule))

    async def unlink(self, channel: ChannelId, channel_sku: str, *, channel_location: str | None = None) -> None:
        """Forget what a channel SKU means; what is known of its pushes stays."""
        one = ListingId(channel_sku, channel_location)
        await self._write(lambda db: unlink(db, channel, one))

    async def link_new(
        self, channel: ChannelId, links: Mapping[ListingId, str], *, fence: Fence | None = None
    ) -> Collection[ListingId]:
        """Link each listing that was never heard of to one SKU of ours; return those that were linked."""
        return await self._write(lambda db: link_new(db, channel, links), fence)

    async def define_kit(self, sku: str, components: Mapping[str, int] | None) -> None:
        """Say that a SKU of ours is not stocked itself but made of these; None forgets it."""
        await self._write(lambda db: define_kit(db, sku, components))

    async def kits(self) -> Mapping[str, Mapping[str, int]]:
        """Return all kits by SKU, each with what it was said to be made of."""
        return await self._read(load_kits)

    async def links(self, channel: ChannelId, channel_skus: Collection[str], *, fence: Fence | None = None) -> Links:
        """Return what these channel SKUs mean, at all of the channel's locations, and under which revision."""

        def work(db: Connection) -> Links:
            number = channel_number(db, channel)
            (revision,) = db.execute(LINKS_REVISION, (number,)).fetchone() or (0,)
            found = listings_of_skus(db, channel, number, set(channel_skus))
            return Links(revision=revision, components={one: listing.components for one, listing in found.items()})

        return await self._read(work, fence)

    async def of_channel(self, channel: ChannelId) -> Sequence[Listing]:
        """Return all linked listings of a channel, by id."""

        def work(db: Connection) -> Sequence[Listing]:
            return [listing_of(channel, row) for row in db.execute(OF_CHANNEL, (channel_number(db, channel),))]

        return await self._read(work)

    async def mark(self, skus: Collection[str]) -> None:
        """Raise ``wanted`` of every listing, on every channel, whose components name one of *skus*."""

        def work(db: Connection) -> None:
            db.execute(MARK, (codec.to_json(list(skus)),))

        await self._write(work)

    async def mark_channel(self, channel: ChannelId) -> None:
        """Raise ``wanted`` of every listing of one channel."""

        def work(db: Connection) -> None:
            db.execute(MARK_CHANNEL, (channel_number(db, channel),))

        await self._write(work)

    async def adopt_rule(
        self, channel: ChannelId, fingerprint: str, *, hold: timedelta, fence: Fence, at: datetime
    ) -> bool:
        """Make *fingerprint* the channel's own rule, unless it flips back too soon."""

        def work(db: Connection) -> bool:
            number, now = own_channel_number(db, channel), codec.micros(at)
            present, former, since = db.execute(FIND_RULE, (number,)).fetchone() or (None, None, now)
            if fingerprint == present:
                return True
            if fingerprint == former and at - codec.moment_of(since) < hold:
                return False
            db.execute(WRITE_RULE, (number, fingerprint, present, now))
            db.execute(MARK_CHANNEL, (number,))
            return True

        return await self._write(work, fence)

    async def sold(self, sales: Sequence[Sale], *, fence: Fence | None = None) -> None:
        """Account for what own orders took off their channel's listings, by revision of each order."""

        def work(db: Connection) -> None:
            numbers = own_key_numbers(db, [sale.order_key for sale in sales])
            accounted = dict(db.execute(ACCOUNTED, (codec.to_json(list(numbers.values())),)))
            for channel in by_channel(numbers):
                mine = [(numbers[sale.order_key], sale) for sale in sales if sale.order_key.channel == channel]
                _account(db, channel, mine, accounted)
            db.executemany(ACCOUNT, accounted.items())

        await self._write(work, fence)

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
        """Return listings to look at, by id, from behind *after*."""
        behind = ("", "") if after is None else (after.channel_sku, place(after.channel_location))

        def work(db: Connection) -> Sequence[Listing]:
            rows = db.execute(MAYBE_DUE, (channel_number(db, channel), *behind))
            maybe_due = (listing_of(channel, row) for row in rows)
            return list(islice((one for one in maybe_due if beliefs.is_due(one, window=window, at=at)), limit))

        return await self._read(work, fence)

    async def begin(
        self, channel: ChannelId, pushes: Sequence[Push], *, window: timedelta, fence: Fence, at: datetime
    ) -> Sequence[Attempt]:
        """Record attempts before their call, and return those to be sent."""

        def work(db: Connection) -> Sequence[Attempt]:
            attempts: list[Attempt] = []
            with _changing(db, channel, [push.listing for push in pushes]) as listings:
                for push in pushes:
                    if push.listing in listings and listings[push.listing].components:
                        listing = listings[push.listing]
                        listings[push.listing], attempt = beliefs.begun(listing, push, window=window, at=at)
                        attempts += [] if attempt is None else [attempt]
            return attempts

        return await self._write(work, fence)

    async def finish(
        self, channel: ChannelId, answers: Sequence[Answer], *, window: timedelta, fence: Fence, at: datetime
    ) -> None:
        """Record what became of attempts; an answer to an attempt that is no longer the listing's is ignored."""

        def work(db: Connection) -> None:
            with _changing(db, channel, [answer.attempt.push.listing for answer in answers]) as listings:
                for answer in answers:
                    one = answer.attempt.push.listing
                    if one in listings:
                        listings[one] = beliefs.answered(listings[one], answer, window=window, at=at)

        await self._write(work, fence)

    async def observed(
        self,
        channel: ChannelId,
        shown: Sequence[ChannelListing],
        *,
        wanted: Mapping[ListingId, int],
        fence: Fence,
        at: datetime,
    ) -> int:
        """Take over what a read-back showed; return how many beliefs it changed."""

        def work(db: Connection) -> int:
            corrected = 0
            with _changing(db, channel, [seen.listing_id for seen in shown]) as listings:
                for seen in shown:
                    one = seen.listing_id
                    if one in listings and one in wanted and listings[one].components:
                        before = listings[one]
                        listings[one] = beliefs.shown(before, seen.quantity, wanted=wanted[one], at=at)
                        corrected += listings[one].believed != before.believed
            return corrected

        return await self._write(work, fence)


@contextmanager
def _changing(db: Connection, channel: ChannelId, ids: Iterable[ListingId]) -> Iterator[Listings]:
    """Load listings, let the caller put others in their places, and write those."""
    number = channel_number(db, channel)
    listings = load_listings(db, channel, number, ids)
    before = dict(listings)
    yield listings
    write_changed(db, number, listings, before)


def _account(db: Connection, channel: ChannelId, sales: Sequence[tuple[int, Sale]], accounted: dict[int, int]) -> None:
    """Let sales of one channel change its listings; *accounted* is by order number, and brought up to date."""
    number = channel_number(db, channel)
    skus = {channel_sku for _, sale in sales for channel_sku, _ in sale.sold}
    listings = listings_of_skus(db, channel, number, skus)
    before = dict(listings)
    for order, sale in sales:
        listings |= beliefs.account(sale, accounted.get(order), listings)
        accounted[order] = max(sale.revision, accounted.get(order, 0))
    write_changed(db, number, listings, before)
