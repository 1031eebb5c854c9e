"""Listings and opening stock from CSV text: read, looked at, then written.

Reading writes nothing. It gives a preview, and that writes its good rows when it is told to::

    preview = read_listings(Path("listings.csv").read_text(encoding="utf-8-sig"))
    print(preview)                          # what would be linked, and what is wrong with the other rows
    answer = await preview.apply(storage)   # may be repeated

The first line names the columns, in any order and case. Commas, semicolons or tabs separate cells, as they do in the
first line. Quotes, Windows line ends and a byte order mark are understood; blanks around a cell do not count.
A file whose columns or quotes cannot be made out is not read at all.
"""

from __future__ import annotations

from .cells import BadRow
from .listings import ListingImport, ListingRow, ListingsApplied, read_listings
from .stock import StockApplied, StockImport, StockRow, read_opening_stock

__all__ = [
    "BadRow",
    "ListingImport",
    "ListingRow",
    "ListingsApplied",
    "StockApplied",
    "StockImport",
    "StockRow",
    "read_listings",
    "read_opening_stock",
]
