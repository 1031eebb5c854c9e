"""Which orders a verb of the order store may have written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from ....model.dispatch import Note, ParcelRecord
from ....model.ids import OrderKey
from ....model.orders import Order
from ....model.pages import PageWork
from .commits import Commit

VANISHED = "vanished"
"""What the history says of an order that a sweep lacks."""

RECORDED = "recorded"
"""What ``record_parcel`` answers when it has written the parcel."""


def page_of(commit: Commit) -> PageWork:
    """Return the page that ``save_page`` was given."""
    return cast("PageWork", commit.argument(0, "work"))


def parcel_of(commit: Commit) -> ParcelRecord:
    """Return the parcel that ``record_parcel`` was given."""
    return cast("ParcelRecord", commit.argument(0, "parcel"))


def note_of(commit: Commit) -> Note:
    """Return the note that ``write_note`` was given."""
    return cast("Note", commit.argument(0, "note"))


def has_recorded(commit: Commit) -> bool:
    """Say whether a ``record_parcel`` has written its parcel."""
    return commit.verb == "record_parcel" and commit.answer == RECORDED


def touched_orders(commit: Commit) -> Sequence[OrderKey] | None:
    """Return the orders that a verb may have written, in an order that is always the same; None for all of them."""
    match commit.verb:
        case "save_page":
            work = page_of(commit)
            found = [order.key for order in (*work.new, *(changed.order for changed in work.changed))]
        case "replace":
            found = [cast("Order", commit.argument(0, "order")).key]
        case "record_parcel":
            found = [parcel_of(commit).order_key]
        case "reserved":
            found = list(commit.argument(0, "revisions"))
        case "rewant" | "erase":
            found = sorted(commit.argument(0, "keys"))
        case verb:
            return None if verb == "rewant_all" else []
    return found
