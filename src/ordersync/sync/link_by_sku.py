"""Link by SKU: what a channel calls exactly as we do is linked without being asked; a guess never is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ..model.listings import Links, ListingId
from .channel_run import ChannelRun


async def links_of(run: ChannelRun, channel_skus: Collection[str]) -> Links:
    """Return what channel SKUs mean, once those that are called as ours are have been linked.

    Where nothing is unlinked, or the channel does not link by SKU, this asks no more than the links.
    """
    links = await run.storage.listings.links(run.id, channel_skus, fence=run.read_fence)
    if run.channel.settings.link_by_sku:
        linked = {listing.channel_sku for listing in links.components}
        new = await link_by_sku(run, [ListingId(sku) for sku in channel_skus if sku not in linked])
        if new:
            return await run.storage.listings.links(run.id, channel_skus, fence=run.read_fence)
    return links


async def link_by_sku(run: ChannelRun, unlinked: Collection[ListingId]) -> Collection[ListingId]:
    """Link those of these listings whose channel SKU is a SKU of ours; return the ones that were linked.

    SKUs of ours are those that the ledger keeps a level of, and kits. Only the exact name is taken for the same.
    One that differs from ours by case or surrounding blanks alone is a guess, and two such guesses are a riddle: both
    are left to a person and reported, as is a name that we do not have at all. A ledger answers exact names only, so
    of its SKUs these spellings are looked for: as given, without surrounding blanks, in capitals, in small letters.
    A dry run links nothing and reports what it would.
    """
    if not unlinked or not run.channel.settings.link_by_sku:
        return ()
    ours = await _ours(run, {listing.channel_sku for listing in unlinked})
    exact = {listing: listing.channel_sku for listing in unlinked if listing.channel_sku in ours[listing.channel_sku]}
    new: Collection[ListingId] = ()
    if run.read_fence is None:
        for listing in exact:
            run.remark("due", "LINK", str(listing), f"to {listing.channel_sku}")
    elif exact:
        new = await run.storage.listings.link_new(run.id, exact, fence=run.fence)
    for listing in unlinked:
        if listing not in exact:
            _report(run, listing, ours[listing.channel_sku])
    return new


async def _ours(run: ChannelRun, channel_skus: Collection[str]) -> Mapping[str, Sequence[str]]:
    """Return for each channel SKU the SKUs of ours that are spelt like it."""
    spellings = sorted({spelling for sku in channel_skus for spelling in _spellings(sku)})
    kits = await run.storage.listings.kits()
    known = {level.sku for level in await run.storage.stock.levels(spellings)} | kits.keys()
    alike: dict[str, list[str]] = {}
    for sku in sorted(known):
        alike.setdefault(_plain(sku), []).append(sku)
    return {sku: alike.get(_plain(sku), []) for sku in channel_skus}


def _spellings(sku: str) -> Collection[str]:
    bare = sku.strip()
    return {sku, bare, bare.upper(), bare.lower()}


def _plain(sku: str) -> str:
    return sku.strip().casefold()


def _report(run: ChannelRun, listing: ListingId, alike: Sequence[str]) -> None:
    if alike:
        names = " and ".join(repr(sku) for sku in alike)
        text = f"is not quite {names}; link it to the one that is meant, or give both the same name"
        run.remark("unlinked", "AMBIGUOUS_SKU", str(listing), text)
    else:
        run.remark("unlinked", "UNLINKED_SKU", str(listing), "no SKU of ours has this name; link it to what it sells")
