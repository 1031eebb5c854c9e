"""Who an order belongs to: channels and keys."""

from __future__ import annotations

from urllib.parse import quote

import attrs

from .fields import is_a, text

LONGEST_ID = 10_000
"""Enough for the longest id that is derived from an order or a listing: quoting makes up to twelve of one letter."""


@attrs.frozen(order=True, cache_hash=True)
class ChannelId:
    """One account on a marketplace or one web shop, such as ``ChannelId("EKM", "my-shop")``."""

    source: str = text(longest=80)
    subsource: str = text(longest=160)

    def __str__(self) -> str:
        """Return ``source/subsource`` with awkward characters quoted, so that two never look alike."""
        return f"{quote(self.source, safe=' ')}/{quote(self.subsource, safe=' ')}"


@attrs.frozen(order=True, cache_hash=True)
class OrderKey:
    """The identity of an order everywhere: its channel and its order number there."""

    channel: ChannelId = attrs.field(validator=is_a(ChannelId))
    reference: str = text()

    def __str__(self) -> str:
        """Return ``source/subsource/reference``; the start of every id derived from an order."""
        return f"{self.channel}/{quote(self.reference, safe=' #')}"

    def parcel_id(self, parcel: str) -> str:
        """Return the id of the stock movement of one parcel."""
        return f"{self}/parcel/{quote(parcel, safe=' ')}"

    def dispatch_id(self, parcel: str) -> str:
        """Return the id of the dispatch note of one parcel."""
        return f"{self}/dispatch/{quote(parcel, safe=' ')}"


@attrs.frozen
class Fence:
    """The proof that a runner held a channel: its lease's rising number.

    A storage that has seen a higher token of the channel refuses the verb with
    ``LeaseLostError`` and changes nothing.
    """

    channel: ChannelId
    token: int
