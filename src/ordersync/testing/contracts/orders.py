"""The contract of every order store."""

from __future__ import annotations

from .doubts import DoubtLaws
from .lookups import LookUpLaws
from .notes import NoteLaws
from .order_cuts import OrderCancellationLaws
from .order_fences import OrderFenceLaws
from .pages import PageLaws
from .parcels import ParcelLaws
from .settling import SettlingLaws


class OrderStoreContract(
    PageLaws,
    DoubtLaws,
    LookUpLaws,
    SettlingLaws,
    ParcelLaws,
    NoteLaws,
    OrderFenceLaws,
    OrderCancellationLaws,
):
    """The laws of ``OrderStore``; a subclass provides ``open``, which yields a fresh, empty store.

    ```python
    class TestMyOrders(OrderStoreContract):
        @asynccontextmanager
        async def open(self):
            async with MyStorage() as storage:
                yield storage.orders
    ```
    """
