"""What every storage keeps of an order that was judged: the order without personal data, and its names."""

from __future__ import annotations

import attrs

from ..model.channel_orders import ChannelOrder
from ..model.orders import Decision, search_name

PERSONAL = frozenset({"buyer", "shipping_address", "raw"})
"""The fields of an order as its channel shows it that hold personal data."""


def impersonal(seen: ChannelOrder | None) -> ChannelOrder | None:
    """Return an order as its channel showed it, without buyer, address and document."""
    if seen is None or (seen.buyer is None and seen.shipping_address is None and seen.raw is None):
        return seen
    return attrs.evolve(seen, buyer=None, shipping_address=None, raw=None)


def names_seen(decision: Decision) -> frozenset[str]:
    """Return every name that an order which is not stored is found by, in the form of ``search_name``."""
    names = [decision.key.reference]
    if decision.seen is not None:
        names += filter(None, (decision.seen.channel_order_id, decision.seen.secondary_reference))
    return frozenset(map(search_name, names))
