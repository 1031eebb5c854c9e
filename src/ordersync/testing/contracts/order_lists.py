"""The laws of lists of orders: by state, by channel, those in conflict, page by page."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import product
from typing import Any

import attrs

from ...model.ids import ChannelId, OrderKey
from ...model.orders import LIVE, ConflictCode, Order, OrderState
from ...ports import OrderStore
from ..builders import SHOP, make_key, make_order
from .laws import Contract, law, paged
from .settling import ORDERED
from .steps import MARKET, change, save
from .sweeps import conflict

OTHER = ChannelId("Other", "3")
"""A channel that nothing is stored of, between the other two."""

ELSEWHERE = conflict(ConflictCode.SHIPPED_ELSEWHERE)
CHOICES: Collection[Collection[OrderState] | None] = (
    None,
    (),
    *([state] for state in OrderState),
    LIVE,
    [OrderState.DELETED, OrderState.CANCELLED],
    list(OrderState),
)


async def stock_up(store: OrderStore) -> list[Order]:
    """Save an order of each state on two channels, in conflict and not; return them by key."""
    orders = [
        make_order(OrderKey(channel, f"{state}{at_odds}"), state=state, conflict=ELSEWHERE if at_odds else None)
        for channel, state, at_odds in product((SHOP, MARKET), OrderState, ("", " at odds"))
    ]
    for channel in (SHOP, MARKET):
        await save(store, *(order for order in orders if order.key.channel == channel))
    return sorted(orders, key=lambda order: order.key)


@attrs.frozen(kw_only=True)
class Asked:
    """What a list is asked for."""

    states: Collection[OrderState] | None
    channel: ChannelId | None
    conflicts: bool

    def matches(self, order: Order) -> bool:
        """Say whether an order belongs on the list."""
        return (
            (self.states is None or order.state in self.states)
            and self.channel in (None, order.key.channel)
            and (order.conflict is not None or not self.conflicts)
        )

    @property
    def arguments(self) -> dict[str, Any]:
        """Return what ``listed`` is given."""
        return {"states": self.states, "channel": self.channel, "conflicts": self.conflicts}


class ListLaws(Contract[OrderStore]):
    """What ``listed`` shows."""

    @law
    async def test_list_holds_what_was_asked_for(self, store: OrderStore) -> None:
        """Whatever states, channel and conflicts are asked for, just those orders are listed, by key."""
        orders = await stock_up(store)

        for states, channel, conflicts in product(CHOICES, (None, SHOP, OTHER), (False, True)):
            asked = Asked(states=states, channel=channel, conflicts=conflicts)
            expected = [order for order in orders if asked.matches(order)]
            assert list(await store.listed(**asked.arguments)) == expected, asked

    @law
    async def test_list_goes_on_behind_a_key(self, store: OrderStore) -> None:
        """A list goes on from behind any key, over the end of a channel, no longer than asked for."""
        orders = await stock_up(store)
        places = [*(order.key for order in orders), OrderKey(SHOP, "never seen"), OrderKey(OTHER, "1")]

        for states, channel, conflicts in product((None, LIVE, [OrderState.DELETED]), (None, SHOP), (False, True)):
            asked = Asked(states=states, channel=channel, conflicts=conflicts)
            for after in places:
                behind = [order for order in orders if asked.matches(order) and order.key > after]
                found = await store.listed(**asked.arguments, after=after, limit=3)
                assert list(found) == behind[:3], (asked, after)

    @law
    async def test_list_is_in_order_of_keys(self, store: OrderStore) -> None:
        """Read page by page, all orders of all channels come once, in order of their keys."""
        keys = [OrderKey(channel, reference) for channel in (MARKET, SHOP) for reference in ORDERED]
        for channel in (SHOP, MARKET):
            await save(store, *(make_order(key) for key in reversed(keys) if key.channel == channel))

        async def page(last: Order | None) -> Sequence[Order]:
            return await store.listed(limit=2, after=None if last is None else last.key)

        assert [order.key for order in await paged(page, limit=2)] == keys

    @law
    async def test_list_follows_the_orders(self, store: OrderStore) -> None:
        """An order is on the lists that it belongs on now, however it came there."""
        key = make_key("1001")
        await save(store, make_order(key))
        at_odds = await change(store, key, conflict=ELSEWHERE)
        assert list(await store.listed(conflicts=True)) == [at_odds]
        assert list(await store.listed(states=[OrderState.DELETED])) == []

        deleted = await change(store, key, conflict=None, state=OrderState.DELETED)
        assert list(await store.listed(conflicts=True)) == []
        assert list(await store.listed(states=[OrderState.DELETED])) == [deleted]
        assert list(await store.listed(states=LIVE)) == []
