"""A clock and a marketplace of its own for every test."""

from __future__ import annotations

import pytest

from ordersync.testing import FakeMarketplace, ManualClock


@pytest.fixture
def clock() -> ManualClock:
    """Stand at the start."""
    return ManualClock()


@pytest.fixture
def market(clock: ManualClock) -> FakeMarketplace:
    """List two SKUs and sell nothing yet."""
    market = FakeMarketplace(clock=clock)
    market.list_sku("MUG", 10)
    market.list_sku("LID", 5)
    return market
