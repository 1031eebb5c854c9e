"""Links and kits: what listings mean, and how that is written.

Functions here run inside a transaction, on the database's own thread.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from ... import beliefs
from ...kits import Kits, around, defined, flatten
from ...model.ids import ChannelId
from ...model.listings import Listing, ListingId, checked_components
from ...model.stock import StockRule
from .. import codec
from ..listing_rows import belief_row, id_row, listing_id, meaning_row, named_kits
from .connection import Connection
from .keys import channel_number, own_channel_number
from .listing_tables import ADD, MEAN, Listings, listings_through, load_listings

RAISE_LINKS_REVISION = """
INSERT INTO channel_links (channel_id, revision) VALUES (?, 1)
ON CONFLICT (channel_id) DO UPDATE SET revision = revision + 1
"""

KNOWN_OF_SKUS = """
SELECT channel_sku, place, components = '{}' FROM json_each(?) AS asked
CROSS JOIN listings ON listings.channel_id = ? AND listings.channel_sku = asked.value
"""

_ITS_ID = "(SELECT id FROM listings WHERE channel_id = ? AND channel_sku = ? AND place = ?)"

ADD_COMPONENT = f"INSERT INTO listing_components (sku, listing_id) VALUES (?, {_ITS_ID})"  # noqa: S608 - constants

DROP_COMPONENT = f"DELETE FROM listing_components WHERE sku = ? AND listing_id = {_ITS_ID}"  # noqa: S608 - constants

ADD_KIT_OF = f"INSERT INTO listing_kits (sku, listing_id) VALUES (?, {_ITS_ID})"  # noqa: S608 - constants

DROP_KIT_OF = f"DELETE FROM listing_kits WHERE sku = ? AND listing_id = {_ITS_ID}"  # noqa: S608 - constants

KITS_AMONG = "SELECT sku, components FROM json_each(?) AS asked CROSS JOIN kits ON sku = asked.value"

KITS = "SELECT sku, components FROM kits ORDER BY sku"

DEFINE_KIT = """
INSERT INTO kits (sku, components) VALUES (?, ?)
ON CONFLICT (sku) DO UPDATE SET components = excluded.components
"""

FORGET_KIT = "DELETE FROM kits WHERE sku = ?"


def link(
    db: Connection, channel: ChannelId, one: ListingId, components: str | Mapping[str, int], *, rule: StockRule | None
) -> None:
    """Link a listing, known or new."""
    linked_to = checked_components(components)
    parts = flatten(linked_to, _kits_within(db, linked_to))
    known = load_listings(db, channel, channel_number(db, channel), [one])
    if one in known:
        after = beliefs.linked(known[one], linked_to, parts, rule=rule)
    else:
        after = Listing(channel=channel, id=one, linked_to=linked_to, components=parts, rule=rule)
    _mean(db, channel, [after], known)


def unlink(db: Connection, channel: ChannelId, one: ListingId) -> None:
    """Unlink a listing if it is linked."""
    known = load_listings(db, channel, channel_number(db, channel), [one])
    if one in known and known[one].components:
        _mean(db, channel, [beliefs.unlinked(known[one])], known)


def link_new(db: Connection, channel: ChannelId, links: Mapping[ListingId, str]) -> Collection[ListingId]:
    """Link what was never heard of; return that."""
    skus = {one.channel_sku for one in links}
    rows = db.execute(KNOWN_OF_SKUS, (codec.to_json(list(skus)), channel_number(db, channel))).fetchall()
    known = {listing_id(channel_sku, place) for channel_sku, place, _ in rows}
    unlinked = {channel_sku for channel_sku, _, is_unlinked in rows if is_unlinked}
    kits = _kits_within(db, links.values())
    new: list[Listing] = []
    for one, sku in links.items():
        if one not in known and one.channel_sku not in unlinked:
            linked_to = checked_components(sku)
            parts = flatten(linked_to, kits)
            new.append(Listing(channel=channel, id=one, linked_to=linked_to, components=parts))
    _mean(db, channel, new, {})
    return [listing.id for listing in new]


def load_kits(db: Connection) -> Kits:
    """Return all kits by SKU."""
    return {sku: codec.components_of(components) or {} for sku, components in db.execute(KITS)}


def define_kit(db: Connection, sku: str, components: Mapping[str, int] | None) -> None:
    """Define or forget a kit, and take apart anew what is linked to it or to a kit around it."""
    before = load_kits(db)
    after = defined(before, sku, components)
    if after == before:
        return
    if sku in after:
        db.execute(DEFINE_KIT, (sku, codec.components(after[sku])))
    else:
        db.execute(FORGET_KIT, (sku,))
    known: dict[ChannelId, Listings] = defaultdict(dict)
    for listing in listings_through(db, around(sku, after)):
        known[listing.channel][listing.id] = listing
    for channel, listings in known.items():
        regrouped = [
            beliefs.linked(one, one.linked_to, flatten(one.linked_to, after), rule=one.rule)
            for one in listings.values()
        ]
        _mean(db, channel, regrouped, listings)


def _kits_within(db: Connection, skus: Iterable[str]) -> Kits:
    """Return the kits among these SKUs and all kits within them, level by level."""
    kits: dict[str, Mapping[str, int]] = {}
    ahead = set(skus)
    while ahead:
        rows = db.execute(KITS_AMONG, (codec.to_json(sorted(ahead)),))
        found = {sku: codec.components_of(components) or {} for sku, components in rows}
        kits |= found
        ahead = {part for parts in found.values() for part in parts} - kits.keys()
    return kits


def _mean(db: Connection, channel: ChannelId, listings: Sequence[Listing], before: Listings) -> None:
    """Write what listings of one channel mean now; other components raise the channel's links revision, once."""
    written = [one for one in listings if one is not before.get(one.id)]
    if not written:
        return
    number = own_channel_number(db, channel)
    new = [one for one in written if one.id not in before]
    known = [one for one in written if one.id in before]
    former = [before[one.id] for one in known]
    db.executemany(ADD, ((number, *id_row(one.id), *meaning_row(one), *belief_row(one)) for one in new))
    db.executemany(MEAN, ((*meaning_row(one), *belief_row(one), number, *id_row(one.id)) for one in known))
    components, components_before = _by_id(written, _components), _by_id(former, _components)
    kits, kits_before = _by_id(written, named_kits), _by_id(former, named_kits)
    db.executemany(DROP_COMPONENT, _names(number, components_before, less=components))
    db.executemany(ADD_COMPONENT, _names(number, components, less=components_before))
    db.executemany(DROP_KIT_OF, _names(number, kits_before, less=kits))
    db.executemany(ADD_KIT_OF, _names(number, kits, less=kits_before))
    if any(one.id not in before or before[one.id].components != one.components for one in written):
        db.execute(RAISE_LINKS_REVISION, (number,))


Named = Mapping[ListingId, set[str]]


def _components(listing: Listing) -> set[str]:
    return set(listing.components)


def _by_id(listings: Iterable[Listing], names: Callable[[Listing], set[str]]) -> Named:
    return {listing.id: names(listing) for listing in listings}


def _names(number: int, named: Named, *, less: Named) -> Iterator[tuple[object, ...]]:
    """Return a row for each SKU that a listing names, without those that it names in *less* as well."""
    for one, skus in named.items():
        yield from ((sku, number, *id_row(one)) for sku in sorted(skus - less.get(one, set())))
