"""What buyers and the staff of a marketplace may do to an order there, as far as the marketplace lets them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hypothesis import strategies as st

from ordersync import PaymentStatus
from ordersync.testing.market_orders import MarketOrder

from .world import LINKS, UNLINKED, Watched

Act = Callable[[Watched, MarketOrder, st.DataObject], None]


def skus_of(market: Watched) -> list[str]:
    """Return what the marketplace sells."""
    return [*LINKS[market.id], UNLINKED[market.id]]


def _pay(market: Watched, order: MarketOrder, data: st.DataObject) -> None:
    market.pay(order.reference, silently=data.draw(st.booleans(), "silently"))


def _refund_in_part(market: Watched, order: MarketOrder, _: st.DataObject) -> None:
    market.pay(order.reference, payment=PaymentStatus.PARTIALLY_REFUNDED)


def _edit(market: Watched, order: MarketOrder, data: st.DataObject) -> None:
    """Buy more of something, less, something else, or something no more."""
    known = {line.sku: line for line in order.lines}
    sku = data.draw(st.sampled_from(skus_of(market)), "SKU")
    least = known[sku].quantity - known[sku].open if sku in known else 0
    lines = {sku: data.draw(st.integers(max(0, least), max(3, least)), "quantity")}
    if any(line.quantity for line in order.lines if line.sku != sku) or lines[sku]:
        market.edit(order.reference, lines)


def _cancel(market: Watched, order: MarketOrder, data: st.DataObject) -> None:
    market.cancel(order.reference, restock=data.draw(st.booleans(), "restock"))


def _cancel_line(market: Watched, order: MarketOrder, data: st.DataObject) -> None:
    line = data.draw(st.sampled_from([line for line in order.lines if line.open > 0]), "line")
    pieces = data.draw(st.integers(1, line.open), "pieces")
    market.cancel_line(order.reference, line.line_id, pieces, restock=data.draw(st.booleans(), "restock"))


def _revive(market: Watched, order: MarketOrder, _: st.DataObject) -> None:
    market.revive(order.reference)


def _ship(market: Watched, order: MarketOrder, data: st.DataObject) -> None:
    """Send all, or a part, by other hands than ours."""
    lines: Mapping[str, int] | None = None
    if data.draw(st.booleans(), "in part"):
        line = data.draw(st.sampled_from([line for line in order.lines if line.open > 0]), "line")
        lines = {line.line_id: data.draw(st.integers(1, line.open), "pieces")}
    market.ship_by_hand(order.reference, lines=lines, tracking=f"HAND-{len(market.shipments)}")


def _hold(market: Watched, order: MarketOrder, _: st.DataObject) -> None:
    (market.resume if order.held else market.hold)(order.reference)


def _vanish(market: Watched, order: MarketOrder, _: st.DataObject) -> None:
    market.remove(order.reference)


def _come_back(market: Watched, order: MarketOrder, _: st.DataObject) -> None:
    market.come_back(order.reference)


CONTRADICT = ("ship", "cancel", "edit", "refund in part", "vanish")
"""What may contradict something that was done here."""


def acts(order: MarketOrder) -> dict[str, Act]:
    """Return what may be done to an order now, by name."""
    if order.removed:
        return {"come back": _come_back}
    found: dict[str, Act] = {"edit": _edit, "vanish": _vanish}
    if order.payment is PaymentStatus.UNPAID:
        found["pay"] = _pay
    if order.payment is PaymentStatus.PAID:
        found["refund in part"] = _refund_in_part
    if not order.done:
        found |= {"cancel": _cancel, "cancel a line": _cancel_line, "ship": _ship, "hold": _hold}
    if any(line.cancelled for line in order.lines):
        found["revive"] = _revive
    return found
