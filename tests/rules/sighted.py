"""Sightings of order 1001: the scene, what was known of it, and what it comes to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ordersync.model.channel_orders import (
    ChannelOrder,
    UnreadableOrder,
)
from ordersync.model.listings import Links, ListingId
from ordersync.model.orders import Order, OrderState
from ordersync.model.pages import Known
from ordersync.sync.digests import order_digest
from ordersync.sync.sightings import Scene, Sighting, judge
from ordersync.testing import FakeMarketplace
from ordersync.testing.builders import NOON, SHOP, make_channel_order, make_order

LINKS = Links(revision=3, components={ListingId("MUG"): {"CUP": 1}})


def scene(*known: tuple[str, Known], stored: Order | None = None, shop: FakeMarketplace | None = None) -> Scene:
    """Set the scene for a page of one channel."""
    return Scene(
        channel=shop or FakeMarketplace(SHOP),
        known=dict(known),
        run_id="run",
        page=2,
        at=NOON + timedelta(hours=1),
        stored={} if stored is None else {stored.key: stored},
        links=LINKS,
    )


def known(seen: ChannelOrder | None = None, **changes: Any) -> tuple[str, Known]:  # noqa: ANN401 - fields of the record
    """Say what was known of order 1001, the same document unless *changes* say otherwise."""
    facts: dict[str, Any] = {
        "digest": order_digest(seen or make_channel_order()),
        "code": "ADMITTED",
        "mapping_version": "",
        "admitted": True,
        "final": False,
    }
    return "1001", Known(**(facts | changes))


def see(at: Scene, seen: ChannelOrder) -> Sighting:
    """Judge one order."""
    return judge(at, seen, order_digest(seen))


def stored(**changes: Any) -> Order:  # noqa: ANN401 - fields of the record
    """Build the stored order."""
    return make_order("1001", state=OrderState.OPEN, revision=4, **changes)


def unreadable(payload: bytes = b"{", reference: str | None = "1001") -> UnreadableOrder:
    """Build a document that could not be read."""
    return UnreadableOrder(payload=payload, error="lines: is missing", reference=reference)
