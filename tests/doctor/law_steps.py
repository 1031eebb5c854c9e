"""What can happen to a shop, its orders and its host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, Literal

import attrs

from ordersync import PaymentStatus
from ordersync.errors import ChannelAuthError, ChannelUnavailableError, OrderNotFoundError, TransitionError
from ordersync.testing.market_orders import MarketOrder

from .law_world import BOX, FIRST_DAY, GIFT, SHOP, TEST, LawShop, World

ADA = "Ada"
WHY = "she says so"


@attrs.frozen
class Place:
    """Somebody buys a mug, and a box with it."""

    paid: bool = True
    box: bool = False
    place: str | None = None
    old: bool = False
    hidden: bool = False

    async def do(self, world: World) -> None:
        """Place the order; one that is old was taken over from another shop."""
        shop = world.shop
        reference = f"{1001 + len(shop.orders)}"
        if self.hidden:
            shop.memory.hidden.add(reference)
        shop.place(
            reference,
            lines={"MUG": 1, BOX: 1} if self.box else {"MUG": 2},
            paid=self.paid,
            at=FIRST_DAY - timedelta(days=1) if self.old else None,
            location=self.place,
        )


@attrs.frozen
class Act:
    """Something happens to an order in its shop, if it can."""

    order: int
    what: str

    async def do(self, world: World) -> None:
        """Let it happen."""
        key = world.key(self.order)
        if key is not None:
            ACTS[self.what](world.shop, world.shop.orders[key.reference])


def _ship(shop: LawShop, order: MarketOrder) -> None:
    if not order.done:
        shop.ship_by_hand(order.reference)


def _ship_some(shop: LawShop, order: MarketOrder) -> None:
    still = [line.line_id for line in order.lines if line.open > 0]
    if still:
        shop.ship_by_hand(order.reference, lines={still[0]: 1})


def _cancel(shop: LawShop, order: MarketOrder) -> None:
    if not order.done:
        shop.cancel(order.reference)


def _add_box(shop: LawShop, order: MarketOrder) -> None:
    shop.edit(order.reference, {BOX: 1 + sum(line.quantity for line in order.lines if line.sku == BOX)})


def _drop_box(shop: LawShop, order: MarketOrder) -> None:
    boxes = [line for line in order.lines if line.sku == BOX]
    if len(order.lines) > 1 and all(line.open == line.quantity for line in boxes):
        shop.edit(order.reference, {BOX: 0})


def _say(word: str | None) -> Callable[[LawShop, MarketOrder], None]:
    return lambda shop, order: shop.set_status(order.reference, word)


ACTS: Mapping[str, Callable[[LawShop, MarketOrder], None]] = {
    "pay": lambda shop, order: shop.pay(order.reference),
    "pay silently": lambda shop, order: shop.pay(order.reference, silently=True),
    "refund": lambda shop, order: shop.pay(order.reference, payment=PaymentStatus.REFUNDED),
    "ship": _ship,
    "ship some": _ship_some,
    "cancel": _cancel,
    "revive": lambda shop, order: shop.revive(order.reference),
    "add a box": _add_box,
    "drop the box": _drop_box,
    "remove": lambda shop, order: shop.remove(order.reference),
    "spoil": lambda shop, order: shop.spoil(order.reference),
    "mend": lambda shop, order: shop.mend(order.reference),
    "say gift": _say(GIFT),
    "say test": _say(TEST),
    "say ready": _say("Ready"),
    "say what is": _say(None),
    "show": lambda shop, order: shop.memory.hidden.discard(order.reference),
}


@attrs.frozen
class Run:
    """The host runs; *cut*: the connection breaks on the second page."""

    cut: bool = False

    async def do(self, world: World) -> None:
        """Run once."""
        channel = world.channel
        if self.cut:
            pages = 0

            async def cut(method: str, when: Literal["before", "after"]) -> None:
                nonlocal pages
                pages += method == "fetch_orders" and when == "before" and channel.memory.listens
                if pages > 1:
                    raise ChannelUnavailableError(f"{SHOP}: the connection broke")

            channel.on_call = cut
        await world.runner(channel).run_once()


@attrs.frozen
class Hint:
    """Somebody asks for one order; only who has been told so knows of a hidden one."""

    order: int
    told: bool = False

    async def do(self, world: World) -> None:
        """Look at it."""
        key = world.key(self.order)
        if key is not None and (self.told or key.reference not in world.shop.memory.hidden):
            world.asked_for.add(key.reference)
            await world.runner().hint(key)


@attrs.frozen
class Link:
    """The connection breaks, or the shop refuses our credentials, or all is well again."""

    how: Literal["up", "down", "refused"]

    async def do(self, world: World) -> None:
        """Let it be so until it is otherwise."""
        world.link = self.how
        world.shop.recover()
        if self.how == "down":
            world.shop.fail_next("*", ChannelUnavailableError(f"{SHOP}: does not answer"), times=None)
        if self.how == "refused":
            world.shop.fail_next("*", ChannelAuthError(f"{SHOP}: refuses our credentials"), times=None)


@attrs.frozen
class Switch:
    """The host switches the channel on or off."""

    on: bool

    async def do(self, world: World) -> None:
        """Switch."""
        journal, now = world.storage.journal, world.clock.now()
        if self.on:
            await journal.enable(SHOP, by=ADA, why=WHY, at=now)
        else:
            await journal.disable(SHOP, by=ADA, cause="stock count", at=now)


@attrs.frozen
class Decide:
    """The host decides something anew."""

    what: str
    value: Any

    async def do(self, world: World) -> None:
        """Let it be in force from now on."""
        world.wishes = attrs.evolve(world.wishes, **{self.what: self.value})


@attrs.frozen
class Desk:
    """A person does something to an order, if it can be done."""

    order: int
    verb: Literal["delete", "restore", "process", "cancel"]

    async def do(self, world: World) -> None:
        """Do it."""
        key = world.key(self.order)
        if key is None:
            return
        with suppress(OrderNotFoundError, TransitionError):
            match self.verb:
                case "delete":
                    await world.desk.delete(key, who=ADA, why=WHY)
                case "restore":
                    await world.desk.restore(key, who=ADA, why=WHY)
                case "process":
                    await world.desk.process(key)
                case "cancel":
                    await world.desk.cancel(key)


@attrs.frozen
class Wait:
    """Time passes."""

    minutes: float

    async def do(self, world: World) -> None:
        """Let it pass."""
        world.clock.advance(minutes=self.minutes)
