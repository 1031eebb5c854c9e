"""Drift check: read back what the channel shows, doubt what we believed of it, and link what it calls as we do."""

from __future__ import annotations

from ..channel import SupportsListings
from ..model.runs import EntryKind
from .channel_run import ChannelRun
from .link_by_sku import link_by_sku

MOST_PAGES = 200
"""The budget of one check."""


async def check_drift(run: ChannelRun) -> None:
    """Read the listings back if the channel can and it is time; differences are pushed by the next phase.

    A channel that links by SKU is read even while nothing of it is linked: its listings are what there is to link.
    """
    channel = run.channel
    if not isinstance(channel, SupportsListings) or not await _is_time(run):
        return
    listings = run.storage.listings
    oldest = run.now() - channel.listing_lag
    linked = {listing.id: listing for listing in await listings.of_channel(run.id)}
    wanted = {
        listing.id: listing.wanted
        for listing in linked.values()
        if listing.accepted_at is None or listing.accepted_at <= oldest  # else it may show what was before the push
    }
    if not wanted and not channel.settings.link_by_sku:
        return
    corrected, new, cursor = 0, 0, None
    for _ in range(MOST_PAGES):
        await run.lease.keep()
        page = await run.caller.read(lambda at=cursor: channel.fetch_listings(cursor=at))  # type: ignore[misc]
        corrected += await listings.observed(
            run.id, page.listings, wanted=wanted, fence=run.fence, at=run.lease.latest()
        )
        unlinked = [shown.listing_id for shown in page.listings if shown.listing_id not in linked]
        new += len(await link_by_sku(run, unlinked))
        cursor = page.next_cursor
        if cursor is None:
            break
    await run.write(EntryKind.DRIFT_CHECK, corrected=str(corrected), linked=str(new))


async def _is_time(run: ChannelRun) -> bool:
    last = await run.storage.journal.entries(channel=run.id, kinds=[EntryKind.DRIFT_CHECK], limit=1)
    return not last or run.now() - last[0].at >= run.channel.settings.drift_check_every
