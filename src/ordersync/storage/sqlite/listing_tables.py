"""Reading and writing listings, a batch at a time.

Functions here run inside a transaction, on the database's own thread.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ...model.ids import ChannelId
from ...model.listings import Listing, ListingId
from .. import codec
from ..listing_rows import BELIEF_COLUMNS, LISTING_COLUMNS, MEANING_COLUMNS, belief_row, id_row, listing_of
from .connection import Connection

_COLUMNS = ", ".join(f"listings.{name}" for name in LISTING_COLUMNS)
_MEANT = (*MEANING_COLUMNS, *BELIEF_COLUMNS)

LOAD = f"""
SELECT {_COLUMNS} FROM json_each(?) AS asked
CROSS JOIN listings ON listings.channel_id = ? AND listings.channel_sku = json_extract(asked.value, '$[0]')
AND listings.place = json_extract(asked.value, '$[1]')
"""  # noqa: S608 - constants

OF_SKUS = f"""
SELECT {_COLUMNS} FROM json_each(?) AS asked
CROSS JOIN listings ON listings.channel_id = ? AND listings.channel_sku = asked.value AND components <> '{{}}'
"""  # noqa: S608 - constants

THROUGH = f"""
SELECT source, subsource, {_COLUMNS} FROM listings CROSS JOIN channels ON channels.id = listings.channel_id
WHERE listings.id IN (
  SELECT listing_id FROM json_each(?) AS asked CROSS JOIN listing_components ON sku = asked.value
  UNION SELECT listing_id FROM json_each(?) AS asked CROSS JOIN listing_kits ON sku = asked.value)
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
UPDATE listings SET ({", ".join(_MEANT)}) = ({", ".join("?" * len(_MEANT))})
WHERE channel_id = ? AND channel_sku = ? AND place = ?
"""  # noqa: S608 - constants

Listings = dict[ListingId, Listing]


def load_listings(db: Connection, channel: ChannelId, number: int | None, ids: Iterable[ListingId]) -> Listings:
    """Return the listings among these, unlinked ones included."""
    asked = codec.to_json([id_row(one) for one in ids])
    return _by_id(channel, db.execute(LOAD, (asked, number)))


def listings_of_skus(db: Connection, channel: ChannelId, number: int | None, skus: Collection[str]) -> Listings:
    """Return the linked listings of these channel SKUs, at all of the channel's locations."""
    return _by_id(channel, db.execute(OF_SKUS, (codec.to_json(list(skus)), number)))


def listings_through(db: Connection, skus: Collection[str]) -> list[Listing]:
    """Return the listings, of any channel, that have one of these SKUs as a component or are linked to it as a kit."""
    asked = codec.to_json(list(skus))
    rows = db.execute(THROUGH, (asked, asked))
    return [listing_of(ChannelId(source, subsource), row) for source, subsource, *row in rows]


def write_changed(db: Connection, number: int | None, listings: Listings, before: Listings) -> None:
    """Write what is believed of those listings that are others than before."""
    changed = (listing for one, listing in listings.items() if listing is not before[one])
    db.executemany(BELIEVE, ((*belief_row(one), number, *id_row(one.id)) for one in changed))


def _by_id(channel: ChannelId, rows: Iterable[tuple[object, ...]]) -> Listings:
    found = (listing_of(channel, row) for row in rows)
    return {listing.id: listing for listing in found}
