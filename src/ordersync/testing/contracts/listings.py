"""The contract of every listing book."""

from __future__ import annotations

from .kits import KitLaws, NewLinkLaws
from .linking import LinkLaws, MarkLaws
from .listing_fences import ListingCancellationLaws, ListingFenceLaws
from .pushes import PushLaws, WindowLaws
from .readbacks import ReadBackLaws
from .sales import SaleLaws


class ListingBookContract(
    LinkLaws,
    MarkLaws,
    KitLaws,
    NewLinkLaws,
    SaleLaws,
    PushLaws,
    WindowLaws,
    ReadBackLaws,
    ListingFenceLaws,
    ListingCancellationLaws,
):
    """The laws of ``ListingBook``; a subclass provides ``open``, which yields a fresh, empty book."""
