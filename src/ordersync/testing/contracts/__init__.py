"""The laws of ports and channels as test classes: subclass one, provide what it asks for, and pytest does the rest.

A law that begins with ``L`` or ``Rule`` and a number is the architecture page's law, or rule between the ports, of
that number.
"""

# ruff: noqa: E402 - pytest must know where assertions stand before the modules are imported

from __future__ import annotations

import pkgutil

import pytest

pytest.register_assert_rewrite(*(f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__)))

from .channel import ChannelContract
from .channel_harness import ChannelHarness
from .journal import JournalContract
from .listings import ListingBookContract
from .orders import OrderStoreContract
from .stock import StockLedgerContract

__all__ = [
    "ChannelContract",
    "ChannelHarness",
    "JournalContract",
    "ListingBookContract",
    "OrderStoreContract",
    "StockLedgerContract",
]
