"""A stub of Vendure, and the channel before it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from channels.vendure_harness import connected
from channels.vendure_shop import VendureShop
from channels.vendure_stub import VendureStub
from ordersync.channels.vendure import VendureChannel


@pytest.fixture
def stub() -> VendureStub:
    """Open a shop with two SKUs, behind its admin API."""
    shop = VendureShop()
    for sku in ("MUG", "LID"):
        shop.list_sku(sku, 20)
    return VendureStub(shop)


@pytest.fixture
async def channel(stub: VendureStub) -> AsyncIterator[VendureChannel]:
    """Connect to the stub."""
    async with connected(stub) as channel:
        yield channel
