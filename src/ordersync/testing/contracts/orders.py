"""The contract of every order store."""

from __future__ import annotations

from .decisions import DecisionLaws
from .doubts import DoubtLaws
from .erasure import ErasableLaws, ErasureLaws
from .forgetting import ForgettingLaws
from .histories import HistoryLaws
from .lookups import LookUpLaws
from .notes import NoteLaws
from .order_cuts import OrderCancellationLaws
from .order_fences import OrderFenceLaws
from .order_lists import ListLaws
from .pages import PageLaws
from .parcels import ParcelLaws
from .quarantine import QuarantineLaws
from .settling import SettlingLaws
from .sweeps import SweepLaws
from .watching import WatchLaws


class OrderStoreContract(
    PageLaws,
    QuarantineLaws,
    DoubtLaws,
    LookUpLaws,
    ListLaws,
    WatchLaws,
    SweepLaws,
    SettlingLaws,
    ParcelLaws,
    NoteLaws,
    HistoryLaws,
    DecisionLaws,
    ForgettingLaws,
    ErasureLaws,
    ErasableLaws,
    OrderFenceLaws,
    OrderCancellationLaws,
):
    """The laws of ``OrderStore``; a subclass provides ``open``, which yields a fresh, empty store.

    ::

        class TestMyOrders(OrderStoreContract):
            @asynccontextmanager
            async def open(self):
                async with MyStorage() as storage:
                    yield storage.orders

    The law that fails says which promise is broken.
    """
