"""What can happen to an order on its channel, and what people can do to it; each pair of them, in both orders."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import attrs

from ordersync import ChannelSettings, OrderKey, Parcel, PaymentStatus, Storage
from ordersync.errors import TransitionError
from ordersync.model.orders import ConflictCode, OrderState
from ordersync.testing import FakeMarketplace, ManualClock
from runner.settled import adds_up_at_rest
from runner.world import SHOP, World

KEY = OrderKey(SHOP, "1001")
WHO: dict[str, Any] = {"who": "Ada", "why": "a call"}
OPENING = {("MUG", "main"): 20, ("LID", "main"): 20}

Event = Callable[[FakeMarketplace], object]
Verb = Callable[[World], Awaitable[object]]

EVENTS: Mapping[str, Sequence[Event]] = {
    "up": [lambda shop: shop.edit("1001", {"MUG": 4})],
    "down": [lambda shop: shop.edit("1001", {"MUG": 2})],
    "added": [lambda shop: shop.edit("1001", {"TEA": 1})],
    "gone": [lambda shop: shop.edit("1001", {"LID": 0})],
    "unpaid": [lambda shop: shop.pay("1001", payment=PaymentStatus.UNPAID)],
    "paid": [lambda shop: shop.pay("1001")],
    "void": [lambda shop: shop.cancel("1001")],
    "line": [lambda shop: shop.cancel_line("1001", "L2")],
    "back": [lambda shop: shop.cancel("1001"), lambda shop: shop.revive("1001")],
    "sent": [lambda shop: shop.ship_by_hand("1001")],
    "part": [lambda shop: shop.ship_by_hand("1001", lines={"L2": 1})],
    "refund": [lambda shop: shop.pay("1001", payment=PaymentStatus.PARTIALLY_REFUNDED)],
    "hold": [lambda shop: shop.hold("1001")],
    "lost": [lambda shop: shop.remove("1001")],
}
"""What happens on the channel to an order of three mugs (L1) and two lids (L2)."""

VERBS: Mapping[str, Verb] = {
    "process all": lambda world: world.desk.process(KEY),
    "process part": lambda world: world.desk.process(KEY, Parcel(id="p1", lines={"L1": 1})),
    "cancel": lambda world: world.desk.cancel(KEY, **WHO),
    "hold": lambda world: world.desk.hold(KEY, **WHO),
    "resume": lambda world: world.desk.resume(KEY, **WHO),
    "park": lambda world: world.desk.park(KEY, **WHO),
    "unpark": lambda world: world.desk.unpark(KEY, **WHO),
    "move": lambda world: world.desk.move(KEY, "hall", **WHO),
    "relink": lambda world: world.desk.relink(KEY, **WHO),
    "delete": lambda world: world.desk.delete(KEY, **WHO),
    "restore": lambda world: world.desk.restore(KEY, **WHO),
    "keep": lambda world: world.desk.resolve(KEY, "keep", **WHO),
    "follow": lambda world: world.desk.resolve(KEY, "follow", **WHO),
    "elsewhere": lambda world: world.desk.resolve(KEY, "process", **WHO),
    "give up": lambda world: world.desk.resolve(KEY, "cancel", **WHO),
}
"""What people do; the last four decide a conflict over a mug that left by other hands."""

BEFORE: Mapping[str, Verb] = {"resume": VERBS["hold"], "unpark": VERBS["park"], "restore": VERBS["delete"]}
"""What must have been done before, for a verb to be an arrow."""

LETTERS = {
    ConflictCode.CANCELLED_AFTER_PROCESSING: "c",
    ConflictCode.EDITED_AFTER_PROCESSING: "e",
    ConflictCode.SHIPPED_ELSEWHERE: "s",
    ConflictCode.VANISHED: "v",
    ConflictCode.PARTIALLY_REFUNDED: "r",
}
STATES = {OrderState.OPEN: "O", OrderState.PROCESSED: "P", OrderState.CANCELLED: "C", OrderState.DELETED: "D"}


@attrs.frozen(kw_only=True)
class Pair:
    """One event and one verb, which of them comes first, and whether a run comes between them."""

    event: str
    verb: str
    event_first: bool
    run_between: bool = True

    def __str__(self) -> str:
        """Return the pair as it happens."""
        first, second = (self.event, self.verb) if self.event_first else (self.verb, self.event)
        return f"{first}, {'run, ' if self.run_between else ''}{second}"


async def outcome_of(pair: Pair, storage: Storage, clock: ManualClock) -> str:
    """Let a pair happen in a world of its own, come to rest, see that all adds up, and return what became of it.

    That is the state's letter, then the conflict's if there is one, then x if the verb or ! if the event was refused.
    """
    world = await _opened(pair, storage, clock)
    first, second = (_events, _verb) if pair.event_first else (_verb, _events)
    refused = await first(pair, world) + await second(pair, world)
    for _ in range(3):
        await world.run_later(minutes=90)
    await adds_up_at_rest(world, OPENING)
    order = await world.order("1001")
    conflict = "" if order.conflict is None else LETTERS[order.conflict.code]
    return STATES[order.state] + conflict + refused


async def _events(pair: Pair, world: World) -> str:
    for event in EVENTS[pair.event]:
        try:
            event(world.shop)
        except ValueError:
            return "!"
        if pair.run_between:
            await world.run_later(minutes=90)
    return ""


async def _verb(pair: Pair, world: World) -> str:
    try:
        await VERBS[pair.verb](world)
    except TransitionError:
        return "x"
    if pair.run_between:
        await world.run_later(minutes=90)
    return ""


async def _opened(pair: Pair, storage: Storage, clock: ManualClock) -> World:
    """Sell three mugs and two lids on a shop that knows other orders too, and bring the order to where it begins."""
    world = World(storage, clock)
    world.shop = world.open(SHOP, ChannelSettings(download_unpaid=True), page_size=50)
    for sku in ("MUG", "LID"):
        await world.stock(sku, 20)
        await world.sell(world.shop, sku, 20)
        await world.sell(world.market, sku, 20)
    world.shop.place("1001", lines={"MUG": 3, "LID": 2}, paid=pair.event != "paid")
    for reference in ("1002", "1003"):
        world.shop.place(reference, lines={"MUG": 1})
    await world.run()
    if pair.verb in BEFORE:
        await BEFORE[pair.verb](world)
    elif pair.verb in ("keep", "follow", "elsewhere", "give up"):
        world.shop.ship_by_hand("1001", lines={"L1": 1})
    await world.run_later()
    return world
