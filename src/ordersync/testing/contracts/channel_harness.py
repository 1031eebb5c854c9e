"""What the author of a channel provides, so that its laws can be tried: the channel, and a world behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import aiohttp
import pytest

from ...channel import Channel
from ...model.channel_orders import ChannelOrder, OrderPage, Shipment, UnreadableOrder
from ...model.dispatch import DispatchNote
from ...model.ids import OrderKey
from ...model.listings import StockUpdate
from ..builders import NOON
from ..network import BadNetwork

MOST_PAGES = 200
"""A scan with more pages than this never ends."""

Seen = ChannelOrder | UnreadableOrder


class ChannelHarness(ABC):
    """An open channel, wired to a stub of its API (or to a real server) in which the laws can act.

    * ``channel``: the channel, open; let it page by few, so that paging is tried;
    * ``skus``: three SKUs that the marketplace lists, each with at least ten pieces to sell;
    * ``place_order``: a buyer buys and pays;
    * ``known_levels`` and ``known_dispatches``: what the marketplace itself knows, not what the channel says.

    What follows is optional, and a law that lacks it is skipped with that as its reason:

    * ``network``: a ``BadNetwork`` whose middleware stands before the stub;
    * ``spoil_order``: an order's document becomes malformed, as after a change of the API;
    * ``borrowing``: another channel to the same stub that uses the session it is given.
    """

    skus: ClassVar[tuple[str, str, str]] = ("MUG", "LID", "TEE")
    network: BadNetwork | None = None

    def __init__(self, channel: Channel) -> None:
        self.channel = channel

    @abstractmethod
    async def place_order(self, lines: Mapping[str, int]) -> str:
        """Let a buyer buy and pay these quantities by SKU; return the order's reference."""

    @abstractmethod
    async def known_levels(self) -> Mapping[str, int]:
        """Return what the marketplace offers for sale now, by SKU."""

    @abstractmethod
    async def known_dispatches(self, reference: str) -> Sequence[Shipment]:
        """Return the parcels of an order that the marketplace counts as shipped."""

    async def spoil_order(self, reference: str) -> None:
        """Make the document of an order malformed."""
        raise NotImplementedError

    def borrowing(self, session: aiohttp.ClientSession) -> Channel:
        """Return a channel that uses *session*; it is not open."""
        raise NotImplementedError


async def scan(channel: Channel) -> list[Seen]:
    """Read a whole sweep; fail when it does not end."""
    found: list[Seen] = []
    for page in await pages(channel):
        found += page.orders
        found += page.unreadable
    return found


async def pages(channel: Channel) -> list[OrderPage]:
    """Read the pages of a sweep; fail when it does not end."""
    found: list[OrderPage] = []
    cursors: list[str] = []
    while len(found) < MOST_PAGES:
        found.append(await channel.fetch_orders(updated_since=None, cursor=cursors[-1] if cursors else None))
        cursor = found[-1].next_cursor
        if cursor is None:
            return found
        assert cursor not in cursors, f"page token {cursor!r} came twice: the scan would never end"
        cursors.append(cursor)
    pytest.fail(f"a sweep of a few orders has more than {MOST_PAGES} pages")


async def find(channel: Channel, reference: str) -> ChannelOrder:
    """Return one order as a sweep shows it."""
    found = [order for order in await scan(channel) if order.reference == reference]
    assert found, f"the sweep does not show order {reference!r}"
    assert isinstance(found[0], ChannelOrder), f"order {reference!r} cannot be read: {found[0]}"
    return found[0]


def note_for(channel: Channel, order: ChannelOrder, quantity: int | None = None) -> DispatchNote:
    """Build a note for the whole order, or for so many pieces of its first line."""
    lines = {line.line_id: line.quantity - line.cancelled - line.shipped for line in order.lines}
    if quantity is not None:
        lines = {order.lines[0].line_id: quantity}
    key = OrderKey(channel.id, order.reference)
    return DispatchNote(
        id=key.dispatch_id("all" if quantity is None else str(quantity)),
        order_key=key,
        channel_order_id=order.channel_order_id,
        lines=lines,
        carrier="DHL",
        service="Parcel",
        tracking_number=f"JD{order.reference[:20]}{quantity or 0}",
        tracking_url=None,
        dispatched_at=NOON,
    )


def update(sku: str, quantity: int, attempt: int = 1) -> StockUpdate:
    """Build a level to show."""
    return StockUpdate(channel_sku=sku, quantity=quantity, attempt_id=f"attempt-{attempt}")
