"""The laws of channels as a test class."""

from __future__ import annotations

from .channel_dispatch import DispatchLaws
from .channel_faults import FaultLaws
from .channel_harness import ChannelHarness
from .channel_orders import OrderLaws
from .channel_stock import StockLaws

__all__ = ["ChannelContract", "ChannelHarness"]


class ChannelContract(OrderLaws, StockLaws, DispatchLaws, FaultLaws):
    """The laws that every channel keeps; the ``Channel`` docstring states them.

    An author subclasses it and provides ``open``, which yields a ``ChannelHarness``::

        class TestMyShop(ChannelContract):
            @asynccontextmanager
            async def open(self):
                async with my_stub() as stub, MyShop(MY_ID, base_url=stub.url) as channel:
                    yield MyHarness(channel, stub)

    A law that needs what the harness does not provide is skipped with that as its reason.
    """
