"""What must be so of orders once all is quiet: none is lost, and each is as its market shows it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ....model.channel_orders import PaymentStatus
from ....model.ids import ChannelId, OrderKey
from ....model.orders import CHANNEL, ConflictCode, Order, OrderState
from ....model.runs import ChannelState
from ..trace import Violation
from .reader import Reader
from .world import MarketView, TrueOrderView, World

NOT_PAID = "NOT_PAID"
"""The code of an order that is not stored until it is paid."""

LIVE = frozenset({OrderState.NEW, OrderState.OPEN})
FOLLOWED = LIVE | {OrderState.DELETED}
"""The states in which an order's lines are those of its market, piece by piece."""


def all_accounted_for(world: World, known: Mapping[OrderKey, Order], reader: Reader) -> None:
    """Check every order of every market that is worked on, and every order that is stored."""
    for channel, market in world.markets.items():
        stored = {order.key: order for order in reader.orders(channel)}
        mine = [key for key in known if key.channel == channel]
        if len(stored) != len(reader.orders(channel)) or set(stored) != set(mine):
            raise Violation("O1", f"{channel}: {len(stored)} orders are listed, and {len(mine)} were stored")
        if not world.is_worked_on(channel, reader):
            _books_are_kept(channel, stored.values(), reader)
            continue
        _are_watched(channel, market, reader)
        for key in _lost(channel, market, reader):
            raise Violation("O2", f"{key} is to be shipped on its market, and neither stored nor decided about")
        for order in stored.values():
            _is_settled(order)
            _is_as_shown(order, market.orders[order.key.reference], market)


def _lost(channel: ChannelId, market: MarketView, reader: Reader) -> Iterator[OrderKey]:
    """Yield the orders that a sweep must have shown, and of which nothing is known."""
    references = {document.reference for document in reader.quarantined(channel)}
    for reference, order in market.orders.items():
        if order.removed or order.done or (order.spoiled and order.anonymous):
            continue
        key = OrderKey(channel, reference)
        if reader.order(key) is None and reader.decision(key) is None and reference not in references:
            yield key


def _books_are_kept(channel: ChannelId, orders: Iterable[Order], reader: Reader) -> None:
    """Check that what needs no call is done for a channel that nobody can call (L10)."""
    if reader.life(channel).state is not ChannelState.ENABLED:
        return
    for order in orders:
        if order.state is OrderState.NEW or order.stock_revision != order.reserved_revision:
            raise Violation("L10", f"{order.key} stays due, and its channel cannot be called: that needs no call")


def _are_watched(channel: ChannelId, market: MarketView, reader: Reader) -> None:
    """Check that nobody has to wait for a scan to learn that an order was paid, where that can be asked (L2)."""
    if not market.traits.can_look_up:
        return
    for decision in reader.decisions(channel):
        waits = not decision.admitted and decision.code == NOT_PAID
        if waits and reader.order(decision.key) is None and reader.watch(decision.key) is None:
            raise Violation("L2", f"{decision.key} is not paid, and nobody looks whether it is by now")


def _is_settled(order: Order) -> None:
    if order.state is OrderState.NEW:
        raise Violation("L9", f"{order.key} was never reserved")
    if order.stock_revision != order.reserved_revision:
        raise Violation("L9", f"{order.key} stays due: {order.stock_revision} is not {order.reserved_revision}")


def _is_as_shown(order: Order, truth: TrueOrderView, market: MarketView) -> None:
    """Check a stored order against the truth, as far as its market lets anybody see that."""
    if truth.removed or truth.spoiled or truth.word is not None or not _is_visible(order, truth, market):
        return
    if order.state in LIVE and truth.cancelled:
        raise Violation("O5", f"{order.key} is {order.state}, and its market has cancelled it")
    if order.state in FOLLOWED and not _is_named(order):
        _lines_agree(order, truth)
    if order.state in LIVE and truth.done and not _is_named(order) and not market.traits.whole_order_dispatch:
        raise Violation("O5", f"{order.key} is {order.state}, nothing of it is left to ship, and nobody is told")
    if not truth.done:
        _is_not_taken_for_gone(order, truth)


def _is_visible(order: Order, truth: TrueOrderView, market: MarketView) -> bool:
    """Say whether runs come to see how the order stands: by its stamp, in a sweep, or by a look at what a sweep lacks.

    A sweep shows nothing that is done, and nobody looks for an order that ended here. One that ended there before the
    first sweep came to its end counts as vanished where nobody can look it up, which a person is told.
    """
    if not truth.done:
        return True
    if ConflictCode.VANISHED in (order.reviewed, order.conflict and order.conflict.code):
        return False
    return market.traits.moves_stamps or (market.traits.can_look_up and order.state in LIVE)


def _is_named(order: Order) -> bool:
    """Say whether somebody is told, or has let stand, that here and there differ."""
    return order.conflict is not None or order.reviewed is not None


def _lines_agree(order: Order, truth: TrueOrderView) -> None:
    """Check that what is bought here is what is bought there, in lines of which nothing has left."""
    there = {line.line_id: line for line in truth.lines}
    for line in order.lines:
        true = there.pop(line.line_id, None)
        if line.processed or line.shipped or (true is not None and true.shipped):
            continue
        ours = line.quantity - line.cancelled
        bought = 0 if true is None else true.quantity - true.cancelled
        if ours != bought or (true is not None and bought and true.sku != line.channel_sku):
            text = f"{ours} of {line.channel_sku} in line {line.line_id}, its market sells {bought}"
            raise Violation("O5", f"{order.key} holds {text}")
    for line_id, true in there.items():
        if true.quantity > true.cancelled:
            raise Violation("O5", f"{order.key} lacks line {line_id}, of which its market sells {true.quantity}")


def _is_not_taken_for_gone(order: Order, truth: TrueOrderView) -> None:
    """Check that nothing counts as vanished or cancelled that its market shows as open."""
    if order.state in LIVE and order.conflict is not None and order.conflict.code is ConflictCode.VANISHED:
        raise Violation("O5", f"{order.key} counts as vanished, and its market shows it")
    by_channel = order.ended is not None and order.ended.who == CHANNEL
    accepted = truth.payment in (PaymentStatus.PAID, PaymentStatus.AUTHORIZED)
    if order.state is OrderState.CANCELLED and by_channel and accepted and not _is_named(order):
        raise Violation("O5", f"{order.key} was cancelled by its channel, which shows it open again")
