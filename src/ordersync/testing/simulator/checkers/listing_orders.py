"""What orders must say for the listings that they were bought by, worked out once more from the documents shown."""

from __future__ import annotations

from collections.abc import Mapping

from ....model.channel_orders import ChannelOrder
from ....model.ids import OrderKey
from ....model.orders import Decision, Order, OrderChange, Outcome
from ....model.pages import PageWork
from ....model.stock import Sale
from ..trace import Violation
from .commits import Commit
from .touched import VANISHED
from .world import World

Bought = Mapping[str, tuple[str, int, int]]
"""What is bought, by line id: SKU, quantity, and how many of them are cancelled."""


class OrderedPieces:
    """Follows in which form each order was taken over last, and whether what its channel moved since is a doubt."""

    def __init__(self, world: World) -> None:
        """Begin before any order is seen."""
        self._world = world
        self._taken: dict[OrderKey, tuple[Bought, int]] = {}
        self._final: set[OrderKey] = set()

    def committed(self, commit: Commit) -> None:
        """Check one verb of the order store."""
        if commit.port != "orders" or not commit.answer:
            return
        if commit.verb == "save_page":
            self._check_page(commit.argument(0, "work"))
        elif commit.verb == "replace":
            _check_vanished(commit.argument(0, "order"), commit.argument(1, "change"))

    def check_first(self, sale: Sale) -> None:
        """See that a sale that is told first tells gross what some form of its order has shown."""
        key = sale.order_key
        market = self._world.markets[key.channel]
        forms = market.shown.get(key.reference, ()) if market.traits.decrements_on_sale else ()
        told = {sku: quantity for (sku, _), quantity in sale.sold.items()}
        if forms and not sale.channel_revision and told not in map(_gross, forms):
            raise Violation("R17", f"{key}: it is told as {told} sold, and no form of it that was shown says so")

    def _check_page(self, work: PageWork) -> None:
        stored = {order.key: order for order in (*work.new, *(one.order for one in work.changed))}
        doubted = {sale.order_key for sale in work.doubts}
        for decision in work.decisions:
            key, order = decision.key, stored.get(decision.key)
            if order is not None and decision.seen is not None and decision.outcome is not Outcome.QUARANTINED:
                self._check_moved(order, decision.seen)
            elif self._has_ended_unstored(decision) and key not in doubted:
                raise Violation("R20", f"{key}: it has ended and was never stored, and its listings are not doubted")
            self._final.discard(key)
            if decision.final:
                self._final.add(key)

    def _check_moved(self, order: Order, seen: ChannelOrder) -> None:
        """See that an order that its channel shows otherwise than before is changed by the channel."""
        bought, before = _bought(seen), self._taken.get(order.key)
        self._taken[order.key] = bought, order.channel_revision
        moved = before is not None and before[0] != bought and self._decrements(order.key)
        if before is not None and moved and order.channel_revision <= before[1]:
            raise Violation("R17", f"{order.key}: its channel has moved pieces of it, and nothing doubts its listings")

    def _has_ended_unstored(self, decision: Decision) -> bool:
        ended = decision.final and decision.key not in self._final and decision.seen is not None
        return ended and decision.key not in self._taken and self._decrements(decision.key)

    def _decrements(self, key: OrderKey) -> bool:
        return self._world.markets[key.channel].traits.decrements_on_sale


def _check_vanished(order: Order, change: OrderChange | None) -> None:
    """See that an order that vanished is changed by its channel, which may have put the pieces back on sale."""
    if change is not None and change.event == VANISHED and order.channel_revision != order.stock_revision:
        raise Violation("R17", f"{order.key}: it has vanished, and nothing doubts its listings")


def _bought(seen: ChannelOrder) -> Bought:
    lines = (line for line in seen.lines if line.quantity > line.cancelled)
    return {line.line_id: (line.channel_sku, line.quantity, line.cancelled) for line in lines}


def _gross(form: ChannelOrder) -> Mapping[str, int]:
    pieces: dict[str, int] = {}
    for line in form.lines:
        pieces[line.channel_sku] = pieces.get(line.channel_sku, 0) + line.quantity
    return pieces
