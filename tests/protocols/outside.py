"""Buyers, the marketplaces' staff, and whoever counts the stock, in a schedule drawn by chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from ordersync import OrderKey, PaymentStatus
from ordersync.testing import FakeMarketplace
from ordersync.testing.market_orders import CANCELLED, MarketOrder
from protocols.scene import Scene


class Outside:
    """Buyers, the marketplaces' staff, and whoever counts the stock: each a budget of moves."""

    def __init__(self, scene: Scene) -> None:
        self._scene, self._chance = scene, scene.schedule.chance
        self._left = Counter(buys=self._chance.choice([1, 2, 3]), staff=self._chance.choice([0, 0, 1, 2]))
        self._left["counts"] = self._chance.choice([0, 1, 2])
        self._left["deaths"] = self._chance.choice([0, 1])
        self._left["sleeps"] = self._chance.choice([0, 1, 2])

    def moves(self) -> list[tuple[str, Callable[[], None]]]:
        """Return what may happen now."""
        every = {"buys": self._buy, "staff": self._staff, "counts": self._count, "deaths": self._death}
        every["sleeps"] = self._sleep
        mine = [(name, self._spend(name, move)) for name, move in every.items() if self._left[name]]
        return [*mine, ("clock", self._scene.schedule.tick)]

    def _spend(self, name: str, move: Callable[[], None]) -> Callable[[], None]:
        def spend() -> None:
            self._left[name] -= 1
            move()

        return spend

    def _say(self, text: str) -> None:
        self._scene.schedule.trace.append(f"   {text}")

    def _buy(self) -> None:
        market = self._chance.choice(self._scene.markets)
        lines = self._chance.choice([{"MUG": 1}, {"MUG": 2}, {"SET": 1}, {"MUG": 1, "SET": 1}])
        self._scene.placed += 1
        reference = market.place(f"{self._scene.placed}", lines=lines, paid=self._chance.random() < 0.8)
        self._say(f"{market.id.source} sells {lines} as {reference}, shows {market.levels}")

    def _staff(self) -> None:
        every = [(market, one) for market in self._scene.markets for one in market.orders.values()]
        known = [(market, one) for market, one in every if not one.removed]
        if not known:
            return
        market, order = self._chance.choice(known)
        deed = self._chance.choice(["cancel", "keep", "part", "edit", "revive", "pay", "relink", "ship", "remove"])
        if deed == "revive":
            if not self._was_seen_cancelled(market, order.reference):
                return
            market.revive(order.reference)
        elif deed == "pay":
            market.pay(order.reference)
        elif deed == "relink":
            run_now(relink(self._scene, market))
        elif order.done:
            return
        else:
            self._change_pieces(market, order, deed)
        self._say(f"{market.id.source} {deed}s {order.reference}, shows {market.levels}")

    def _change_pieces(self, market: FakeMarketplace, order: MarketOrder, deed: str) -> None:
        """Edit an order, cancel it or a piece of it, send a piece, or hide it; then a note for it may be refused."""
        line = self._chance.choice([line for line in order.lines if line.open > 0])
        if deed == "edit":
            market.edit(order.reference, {line.sku: line.quantity + 1})
            return
        self._scene.cut_down.add(OrderKey(market.id, order.reference))
        if deed == "part":
            market.cancel_line(order.reference, line.line_id, 1)
        elif deed == "remove":
            if self._is_known(market, order):
                market.remove(order.reference)
        elif deed == "ship":
            pieces = None if market.whole_order_dispatch else {line.line_id: 1}
            market.ship_by_hand(order.reference, lines=pieces)
        else:
            market.cancel(order.reference, restock=deed == "cancel")

    def _is_known(self, market: FakeMarketplace, order: MarketOrder) -> bool:
        """Say whether we know all that ever happened to an order: nobody can see what is hidden before that."""
        ours = cast("Any", self._scene.storage.orders)._orders.get(OrderKey(market.id, order.reference))
        return ours is not None and ours.updated_at == order.updated_at

    def _was_seen_cancelled(self, market: FakeMarketplace, reference: str) -> bool:
        """Say whether the last sighting was a cancelled one: nobody can see what is undone before it is looked at."""
        key = OrderKey(market.id, reference)
        decision = cast("Any", self._scene.storage.orders)._decisions.get(key)
        return decision is not None and decision.status == CANCELLED

    def _count(self) -> None:
        self._scene.clock.advance(1)
        sku, by = self._chance.choice(["MUG", "LID"]), self._chance.choice([-2, -1, 1, 2])
        ledger = cast("Any", self._scene.storage.stock)
        by = max(by, -ledger._on_hand[sku, "main"])
        run_now(self._scene.count(sku, ledger._on_hand[sku, "main"] + by))
        self._scene.on_hand[sku] += by
        self._say(f"{sku} {by:+}")

    def _sleep(self) -> None:
        self._scene.schedule.sleep(self._chance.choice(["R1", "R1", "R2", "desk"]))

    def _death(self) -> None:
        self._scene.schedule.kill(self._chance.choice(["R1", "R2", "desk"]))


async def relink(scene: Scene, market: FakeMarketplace) -> None:
    """Do what an operator does to have a listing pushed anew."""
    await scene.storage.listings.unlink(market.id, "MUG")
    await scene.storage.listings.link(market.id, "MUG", "MUG")


def pay_all(markets: Sequence[FakeMarketplace]) -> None:
    """Let every order be paid: an unpaid one keeps back what nobody reserves."""
    for market in markets:
        for order in market.orders.values():
            if order.payment is PaymentStatus.UNPAID:
                market.pay(order.reference)


def run_now(work: Awaitable[None]) -> None:
    """Do at once what waits for nothing."""
    for _ in work.__await__():
        raise AssertionError("it waits")
