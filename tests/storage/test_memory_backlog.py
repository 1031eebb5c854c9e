"""A long backlog is read from memory page by page, and no order is looked at for every page anew."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence

import pytest

from ordersync import Storage
from ordersync.model.ids import ChannelId, OrderKey
from ordersync.model.orders import Order
from ordersync.settlement import settle
from ordersync.storage.memory import MemoryJournal, MemoryListingBook, MemoryOrderStore, MemoryStockLedger
from ordersync.storage.memory.orders_by_key import OrdersByKey
from ordersync.testing import ManualClock
from ordersync.testing.builders import NOON, SHOP, make_order
from ordersync.testing.contracts.steps import HOUR, save

SIZE = 10_000
PAGE = 500


class CountingOrders(OrdersByKey[Order]):
    """Counts how often an order is looked at on the way through."""

    looks = 0

    def of(self, channel: ChannelId, *, after: OrderKey | None = None) -> Iterator[Order]:
        """Yield and count."""
        for order in super().of(channel, after=after):
            self.looks += 1
            yield order


class CountingStore(MemoryOrderStore):
    """Keeps orders that are counted."""

    def __init__(self) -> None:
        super().__init__()
        self._orders: CountingOrders = CountingOrders()

    @property
    def looks(self) -> int:
        """Return how often orders were looked at."""
        return self._orders.looks


@pytest.fixture
def storage() -> Storage:
    """Build a storage in memory that counts."""
    journal = MemoryJournal(clock=ManualClock())
    return Storage(orders=CountingStore(), stock=MemoryStockLedger(), listings=MemoryListingBook(), journal=journal)


async def fill(storage: Storage) -> None:
    """Save new orders, a page at a time, the last ones first."""
    references = [f"{number:06}" for number in reversed(range(SIZE))]
    for start in range(0, SIZE, PAGE):
        await save(storage.orders, *(make_order(reference) for reference in references[start : start + PAGE]))


def looks(storage: Storage) -> int:
    """Return how often orders were looked at."""
    assert isinstance(storage.orders, CountingStore)
    return storage.orders.looks


async def test_backlog_is_reserved_in_one_pass(storage: Storage) -> None:
    """Ten thousand new orders are settled page by page, and each is looked at once or twice."""
    await fill(storage)
    settled, after = 0, None
    while dues := await storage.orders.due(SHOP, limit=PAGE, after=after):
        after = dues[-1].claim.order_key
        await settle(storage, dues, at=NOON)
        settled += len(dues)

    assert settled == SIZE
    assert looks(storage) <= 2 * SIZE


@pytest.mark.parametrize("verb", ["listed", "missing"])
async def test_list_is_read_in_one_pass(storage: Storage, verb: str) -> None:
    """Ten thousand orders are listed page by page, and each is looked at once or twice."""
    store = storage.orders
    verbs: dict[str, Callable[[OrderKey | None], Awaitable[Sequence[Order]]]] = {
        "listed": lambda after: store.listed(limit=PAGE, after=after),
        "missing": lambda after: store.missing(SHOP, before=NOON + HOUR, limit=PAGE, after=after),
    }
    await fill(storage)
    read, after = 0, None
    while page := await verbs[verb](after):
        after = page[-1].key
        read += len(page)

    assert read == SIZE
    assert looks(storage) <= 2 * SIZE


async def test_one_order_is_asked_for_without_the_others(storage: Storage) -> None:
    """Whether one order is due is known without a look at the others."""
    await fill(storage)

    assert len(await storage.orders.due(SHOP, limit=1, key=OrderKey(SHOP, "000007"))) == 1
    assert looks(storage) == 0


def test_orders_can_be_taken_out() -> None:
    """An order that was taken out is not read any more, and one that was put back is read once."""
    orders, order = OrdersByKey[Order](), make_order("1001")
    for _ in range(2):
        orders[order.key] = order
        assert list(orders.of(SHOP)) == [order]
        del orders[order.key]
        assert list(orders.of(SHOP)) == []
    assert order.key not in orders
    assert len(orders) == 0
