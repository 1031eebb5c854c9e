"""The laws of what a complete sweep should have shown: which open orders are missing from it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import product

from ...conflicts import SENTENCES, is_expected
from ...model.channel_orders import FulfillmentStatus
from ...model.ids import Fence, OrderKey
from ...model.orders import Conflict, ConflictCode, Order, OrderState
from ...model.pages import PageWork
from ...ports import OrderStore
from ..builders import NOON, SHOP, make_key, make_order
from .laws import Contract, law, paged
from .settling import ORDERED
from .steps import FIRST, HOUR, MARKET, change, save

SWEEP = NOON + HOUR
MICROSECOND = NOON.resolution


def conflict(code: ConflictCode) -> Conflict:
    """Build a conflict."""
    return Conflict(code=code, sentence=SENTENCES[code], at=NOON, view=code.value)


async def missing(store: OrderStore) -> list[str]:
    """Return the references of the orders that the sweep did not show."""
    return [order.key.reference for order in await store.missing(SHOP, before=SWEEP, limit=999, fence=FIRST)]


async def counts(store: OrderStore) -> tuple[int, int]:
    """Return how many orders the sweep should have shown, and how many of them it did not."""
    expected, unseen = await store.missing_counts(SHOP, before=SWEEP, fence=FIRST)
    return expected, unseen


async def see(store: OrderStore, reference: str, *, at: datetime) -> None:
    """Show an order again."""
    key = make_key(reference)
    assert await store.save_page(PageWork(channel=SHOP, seen=(key,)), fence=FIRST, at=at)


class SweepLaws(Contract[OrderStore]):
    """What ``missing`` shows, and ``missing_counts`` counts."""

    @law
    async def test_order_not_seen_since_is_missing(self, store: OrderStore) -> None:
        """Missing is an open order that was last seen before the sweep began, as it is stored."""
        order = make_order("1001")
        await save(store, order)

        assert list(await store.missing(SHOP, before=SWEEP, limit=9)) == [order]
        assert await counts(store) == (1, 1)

    @law
    async def test_order_seen_since_is_not_missing(self, store: OrderStore) -> None:
        """An order that the sweep showed is expected and not missing, from its very first moment on."""
        for hours, at in enumerate((SWEEP - MICROSECOND, SWEEP, SWEEP + HOUR)):
            await save(store, make_order(f"{hours}"))
            await see(store, f"{hours}", at=at)

        assert await missing(store) == ["0"]
        assert await counts(store) == (3, 1)

    @law
    async def test_order_first_seen_since_is_not_expected(self, store: OrderStore) -> None:
        """An order that was first seen when the sweep began, or later, says nothing about the sweep."""
        for hours, at in enumerate((SWEEP - MICROSECOND, SWEEP, SWEEP + HOUR)):
            await save(store, make_order(f"{hours}"), at=at)

        assert await missing(store) == ["0"]
        assert await counts(store) == (1, 1)

    @law
    async def test_ended_orders_are_not_expected(self, store: OrderStore) -> None:
        """Not expected is what is over here, what was over on its channel, and what has vanished already."""
        await save(
            store,
            make_order("open", state=OrderState.OPEN),
            make_order("parked", fulfillment=FulfillmentStatus.ON_HOLD),
            make_order("elsewhere", conflict=conflict(ConflictCode.SHIPPED_ELSEWHERE), reviewed="a1b2"),
            make_order("shipped", fulfillment=FulfillmentStatus.SHIPPED),
            make_order("cancelled there", fulfillment=FulfillmentStatus.CANCELLED),
            make_order("vanished", conflict=conflict(ConflictCode.VANISHED)),
            make_order("let stand", reviewed=ConflictCode.VANISHED.value),
            *(make_order(state, state=state) for state in OrderState if state not in ("new", "open")),
        )

        assert await missing(store) == ["elsewhere", "open", "parked"]
        assert await counts(store) == (3, 3)

    @law
    async def test_expected_is_what_the_rule_says(self, store: OrderStore) -> None:
        """In every mixture of state, fulfillment, conflict and review the same is expected as by ``is_expected``."""
        codes = (None, ConflictCode.VANISHED, ConflictCode.PARTIALLY_REFUNDED)
        mixtures = product(OrderState, FulfillmentStatus, codes, (None, "VANISHED", "vanished", ""))
        orders = [
            make_order(
                f"{number:03}",
                state=state,
                fulfillment=fulfillment,
                conflict=None if code is None else conflict(code),
                reviewed=reviewed,
            )
            for number, (state, fulfillment, code, reviewed) in enumerate(mixtures)
        ]
        await save(store, *orders)

        expected = [order.key.reference for order in orders if is_expected(order)]
        assert await missing(store) == expected
        assert await counts(store) == (len(expected), len(expected))

    @law
    async def test_order_that_changes_is_judged_anew(self, store: OrderStore) -> None:
        """What an order became by a person's hand counts, not what it was when the sweep began."""
        await save(store, make_order("1001"), make_order("1002"))
        await change(store, make_key("1001"), conflict=conflict(ConflictCode.VANISHED))
        assert await missing(store) == ["1002"]

        await change(store, make_key("1001"), conflict=None)
        await change(store, make_key("1002"), state=OrderState.CANCELLED)
        assert await missing(store) == ["1001"]
        assert await counts(store) == (1, 1)

    @law
    async def test_other_channels_sweeps_are_their_own(self, store: OrderStore) -> None:
        """Orders of other channels are neither expected nor missing."""
        await save(store, make_order(OrderKey(MARKET, "1001")))

        assert await missing(store) == []
        assert await counts(store) == (0, 0)
        theirs = await store.missing(MARKET, before=SWEEP, limit=9, fence=Fence(MARKET, 1))
        assert [order.key for order in theirs] == [OrderKey(MARKET, "1001")]

    @law
    async def test_missing_orders_come_by_key(self, store: OrderStore) -> None:
        """Missing orders come in order of their keys, from behind the last one, no more than asked for."""
        await save(store, *(make_order(reference) for reference in reversed(ORDERED)))
        assert await missing(store) == list(ORDERED)

        async def page(last: Order | None) -> Sequence[Order]:
            return await store.missing(SHOP, before=SWEEP, limit=2, after=None if last is None else last.key)

        assert [order.key.reference for order in await paged(page, limit=2)] == list(ORDERED)
