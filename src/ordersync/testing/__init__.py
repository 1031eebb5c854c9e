"""What a host needs to test with: a marketplace in memory, a clock that obeys, records to start from.

Needs neither pytest nor a network. The laws for whoever writes a channel or a storage are in
``ordersync.testing.contracts``, the same marketplace behind HTTP is in ``ordersync.testing.server``.
"""

from __future__ import annotations

from .builders import make_channel_order, make_order
from .clock import START, ManualClock
from .market import BareMarketplace, FakeMarketplace, MarketplaceWithLookup, MarketplaceWithReadBack

__all__ = [
    "START",
    "BareMarketplace",
    "FakeMarketplace",
    "ManualClock",
    "MarketplaceWithLookup",
    "MarketplaceWithReadBack",
    "make_channel_order",
    "make_order",
]
