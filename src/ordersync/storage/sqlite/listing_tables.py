"""Reading and writing listings, a batch at a time.

Functions here run inside a transaction, on the database's own thread.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from ...model.ids import ChannelId
from ...model.listings import Listing, ListingId
from .. import codec
from ..listing_rows import BELIEF_COLUMNS, LISTING_COLUMNS, MEANING_COLUMNS, belief_row, id_row, listing_of, meaning_row
from .connection import Connection

_COLUMNS = ", ".join(f"listings.{name}" for name in LISTING_COLUMNS)

LOAD = f"""
SELECT {_COLUMNS} FROM json_each(?) AS asked
CROSS JOIN listings ON listings.channel_id = ? AND listings.channel_sku = json_extract(asked.value, '$[0]')
AND listings.place = json_extract(asked.value, '$[1]')
"""  # noqa: S608 - constants

OF_SKUS = f"""
SELECT {_COLUMNS} FROM json_each(?) AS asked
CROSS JOIN listings ON listings.channel_id = ? AND listings.channel_sku = asked.value AND components <> '{{}}'
"""  # noqa: S608 - constants

OF_CHANNEL = f"""
SELECT {_COLUMNS} FROM listings WHERE channel_id = ? AND components <> '{{}}' ORDER BY channel_sku, place
"""  # noqa: S608 - constants

MAYBE_DUE = f"""
SELECT {_COLUMNS} FROM listings WHERE channel_id = ? AND components <> '{{}}' AND (
  wanted > settled OR believed IS NULL OR attempt_began IS NOT NULL OR unresolved_until IS NOT NULL)
AND (channel_sku, place) > (?, ?) ORDER BY channel_sku, place
"""  # noqa: S608 - constants

ADD = f"""
INSERT INTO listings (channel_id, {", ".join(LISTING_COLUMNS)})
VALUES (?, {", ".join("?" * len(LISTING_COLUMNS))})
"""  # noqa: S608 - constants

BELIEVE = f"""
UPDATE listings SET ({", ".join(BELIEF_COLUMNS)}) = ({", ".join("?" * len(BELIEF_COLUMNS))})
WHERE channel_id = ? AND channel_sku = ? AND place = ?
"""  # noqa: S608 - constants

MEAN = f"""
UPDATE listings SET ({", ".join(MEANING_COLUMNS)}) = ({", ".join("?" * len(MEANING_COLUMNS))})
WHERE channel_id = ? AND channel_sku = ? AND place = ? RETURNING id
"""  # noqa: S608 - constants

ADD_COMPONENT = "INSERT INTO listing_components (sku, listing_id) VALUES (?, ?)"

DROP_COMPONENT = "DELETE FROM listing_components WHERE sku = ? AND listing_id = ?"

Listings = dict[ListingId, Listing]


def load_listings(db: Connection, channel: ChannelId, number: int | None, ids: Iterable[ListingId]) -> Listings:
    """Return the listings among these, unlinked ones included."""
    asked = codec.to_json([id_row(one) for one in ids])
    return _by_id(channel, db.execute(LOAD, (asked, number)))


def listings_of_skus(db: Connection, channel: ChannelId, number: int | None, skus: Collection[str]) -> Listings:
    """Return the linked listings of these channel SKUs, at all of the channel's locations."""
    return _by_id(channel, db.execute(OF_SKUS, (codec.to_json(list(skus)), number)))


def write_changed(db: Connection, number: int | None, listings: Listings, before: Listings) -> None:
    """Write what is believed of those listings that are others than before."""
    changed = (listing for one, listing in listings.items() if listing is not before[one])
    db.executemany(BELIEVE, ((*belief_row(one), number, *id_row(one.id)) for one in changed))


def link_listing(db: Connection, number: int, after: Listing, before: Listing | None) -> None:
    """Write a listing that means something else than before."""
    own_id = id_row(after.id)
    old: Mapping[str, int] = {}
    if before is None:
        row = (number, *own_id, *meaning_row(after), *belief_row(after))
        listing = db.execute(ADD, row).lastrowid
    else:
        old = before.components
        db.execute(BELIEVE, (*belief_row(after), number, *own_id))
        (listing,) = db.execute(MEAN, (*meaning_row(after), number, *own_id)).fetchone()
    db.executemany(DROP_COMPONENT, ((sku, listing) for sku in old.keys() - after.components.keys()))
    db.executemany(ADD_COMPONENT, ((sku, listing) for sku in after.components.keys() - old.keys()))


def _by_id(channel: ChannelId, rows: Iterable[tuple[object, ...]]) -> Listings:
    found = (listing_of(channel, row) for row in rows)
    return {listing.id: listing for listing in found}
