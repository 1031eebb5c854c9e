"""Every order that a channel ever showed is stored, or has a decision that says why not; and the counts say so."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from ordersync import OrderKey, OrderState
from ordersync.errors import ChannelUnavailableError
from ordersync.storage.memory import MemoryStorage
from ordersync.testing import FakeMarketplace, ManualClock
from runner.world import SHOP, World, sightings

KINDS: Mapping[str, str] = {
    "good": "ADMITTED",
    "unlinked": "ADMITTED",
    "unpaid": "NOT_PAID",
    "limbo": "STATUS_UNKNOWN",
    "spoiled": "UNREADABLE",
    "held": "ADMITTED",
}
"""What an order may be like, and the decision that it gets."""

WATCHED = ("unpaid", "limbo", "spoiled")
"""What is looked up again and again, one order at a time."""

worlds = st.lists(st.sampled_from(sorted(KINDS)), max_size=9)


def buy(shop: FakeMarketplace, reference: str, kind: str) -> None:
    """Let somebody buy, and something be the matter with the order."""
    shop.place(reference, lines={"MUG" if kind != "unlinked" else "NEW": 1}, paid=kind != "unpaid")
    if kind == "limbo":
        shop.set_status(reference, "Limbo")
    elif kind == "spoiled":
        shop.spoil(reference)
    elif kind == "held":
        shop.hold(reference)


async def check(kinds: list[str], page_size: int, dies_at: int) -> None:
    """Run over a shop with these orders that dies once, then until nothing is due; compare with what it showed."""
    clock = ManualClock()
    async with MemoryStorage(clock=clock) as storage:
        world = World(storage, clock)
        await world.stock("MUG", 5)
        shop = world.open(SHOP, page_size=page_size)
        await world.sell(shop, "MUG", 5)
        await world.run(shop)
        clock.advance(minutes=1)
        for number, kind in enumerate(kinds):
            buy(shop, f"{number}", kind)
        shop.on_call = dying(shop, shop.calls["fetch_orders"] + dies_at)
        await world.run_later(shop)
        shop.on_call = None
        report = await world.run_later(shop, minutes=120)

        looks = report.channels[SHOP].looked_up
        assert sum(sightings(report.channels[SHOP]).values()) == report.channels[SHOP].seen == 2 * len(kinds) + looks
        assert looks <= sum(kind in WATCHED for kind in kinds)
        for number, kind in enumerate(kinds):
            decision = await storage.orders.decision(OrderKey(SHOP, f"{number}"))
            assert decision is not None
            assert decision.code == KINDS[kind]
            if decision.admitted:
                assert (await world.order(f"{number}")).state is OrderState.OPEN
        quarantined = {one.reference for one in await storage.orders.quarantined(SHOP)}
        assert quarantined == {f"{number}" for number, kind in enumerate(kinds) if kind in ("limbo", "spoiled")}
        level = await world.level()
        assert level.reserved == sum(kind in ("good", "held") for kind in kinds)
        if all(KINDS[kind] == "ADMITTED" for kind in kinds):  # what is not stored yet was taken off by the shop alone
            assert shop.levels["MUG"] == max(0, level.available)


def dying(shop: FakeMarketplace, call: int) -> Callable[[str, str], Awaitable[None]]:
    """Return a hook that lets one page be lost."""

    async def on_call(method: str, when: str) -> None:
        if (method, when) == ("fetch_orders", "after") and shop.calls[method] == call:
            raise ChannelUnavailableError("lost")

    return on_call


@settings(max_examples=30)
@given(worlds, st.integers(1, 4), st.integers(1, 9))
def test_nothing_is_unseen(kinds: list[str], page_size: int, dies_at: int) -> None:
    """Whatever is the matter with orders, and wherever a page is lost, each has its one outcome and none is missing."""
    asyncio.run(check(kinds, page_size, dies_at))
