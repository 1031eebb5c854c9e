"""Who does something at a marketplace next: one weighted, random thing at a time."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from ....model.channel_orders import ChannelOrder, PaymentStatus
from .documents import is_ordinary
from .market import TrueMarket
from .orders import Shown, TrueLine, TrueOrder

WEIGHTS: Mapping[str, float] = {
    "buy": 10.0,
    "pay": 3.0,
    "hold": 0.6,
    "resume": 1.0,
    "edit": 1.5,
    "cancel": 1.5,
    "cancel_line": 1.0,
    "revive": 0.8,
    "ship_by_hand": 0.8,
    "refund": 0.4,
    "vanish": 0.3,
    "misspell": 0.5,
    "spoil": 0.5,
    "block": 0.15,
}
"""What people do, and how often in proportion. Who misspells and spoils also mends, sooner or later."""

EDITS: Mapping[str, Sequence[str]] = {"edit": ("raise", "lower", "add_line", "drop_line")}
"""What a thing that people do may come to."""

Act = Callable[[TrueOrder], bool]


class Crowd:
    """The people at one marketplace.

    They keep to what a host can follow. What was changed is taken back only after a reader was told the changed form
    and ``undo_pause`` has passed; a line is dropped, and an order deleted, only once *stored* says so of its last form
    that was told, which the host's storage can answer better than the default: it was paid and its word known. Where
    no change moves a stamp, orders leave the list of open ones only once they were told.
    """

    def __init__(
        self,
        market: TrueMarket,
        chance: random.Random,
        weights: Mapping[str, float] = WEIGHTS,
        *,
        stored: Callable[[Shown], bool] | None = None,
    ) -> None:
        """Let people do things at *market*, by *weights*; ``ValueError`` for a thing that nobody does."""
        self._market, self._chance = market, chance
        self._names = [name for name in WEIGHTS if weights.get(name, 0.0) > 0]
        self._weights = [weights[name] for name in self._names]
        self._stored = is_ordinary if stored is None else stored
        unknown = sorted(set(weights) - set(WEIGHTS))
        if unknown:
            raise ValueError(f"nobody does {', '.join(unknown)}")
        self._acts: Mapping[str, tuple[Act, Act]] = {
            "pay": (self._owes, self._pay),
            "hold": (lambda order: not order.held and not order.done, self._plainly("hold")),
            "resume": (lambda order: order.held, self._plainly("resume")),
            "raise": (self._may_grow, self._raise),
            "lower": (self._may_shrink, self._lower),
            "add_line": (self._may_grow, self._add_line),
            "drop_line": (self._may_shrink, self._drop_line),
            "cancel": (self._may_end, self._cancel),
            "cancel_line": (self._may_end, self._cancel_line),
            "revive": (self._may_revive, self._plainly("revive")),
            "ship_by_hand": (self._may_leave, self._ship_by_hand),
            "refund": (lambda order: order.payment is PaymentStatus.PAID, self._refund),
            "vanish": (self._is_settled, self._vanish),
            "misspell": (self._may_be_misspelt, self._plainly("misspell")),
            "spoil": (lambda order: not order.spoiled, self._spoil),
            "mend": (is_broken, self._plainly("mend")),
        }

    def act(self) -> str | None:
        """Let somebody do one thing by chance; return its name, or None when nobody could do it."""
        if not self._names:
            return None
        name = self._chance.choices(self._names, self._weights)[0]
        if name in EDITS:
            name = self._chance.choice(EDITS[name])
        if name in ("misspell", "spoil") and self._chance.random() < 0.6:
            name = "mend" if any(map(is_broken, self._market.orders.values())) else name
        return name if self.do(name) else None

    def do(self, name: str, reference: str | None = None) -> bool:
        """Let somebody do the named thing, to a random order that allows it unless one is named; say whether."""
        if name == "buy":
            return self._market.buy(paid=self._chance.random() < 0.75) is not None
        if name == "block":
            self._market.block()
            return True
        allowed, act = self._acts[name]
        orders = self._market.orders
        those = orders.values() if reference is None else [orders[reference]]
        able = [order for order in those if not order.removed and allowed(order)]
        return bool(able) and act(self._chance.choice(able))

    def mend_all(self) -> None:
        """Mend every order that nobody can read or whose word nobody knows."""
        for order in self._market.orders.values():
            if is_broken(order):
                self._market.mend(order.reference)

    def _plainly(self, verb: str) -> Act:
        method = getattr(self._market, verb)

        def act(order: TrueOrder) -> bool:
            method(order.reference)
            return True

        return act

    def _known(self, order: TrueOrder, version: int) -> bool:
        """Say whether a reader was told, long enough ago, a form that shows the change of that version."""
        told, at = order.told, order.told_at
        if told is None or at is None or told.version < version or not isinstance(told.document, ChannelOrder):
            return False
        return self._market.now() - at >= self._market.traits.undo_pause

    def _is_settled(self, order: TrueOrder) -> bool:
        """Say whether the host has the order with all its lines."""
        told = order.told
        return told is not None and self._known(order, max(order.moved, order.ended)) and self._stored(told)

    def _owes(self, order: TrueOrder) -> bool:
        return order.payment in (PaymentStatus.UNPAID, PaymentStatus.PENDING) and not order.done

    def _may_grow(self, order: TrueOrder) -> bool:
        turns = order.moved and order.direction < 0 and not self._known(order, order.moved)
        return not order.done and not turns

    def _may_shrink(self, order: TrueOrder) -> bool:
        turns = order.moved and order.direction > 0 and not self._known(order, order.moved)
        return not order.done and not turns

    def _may_leave(self, order: TrueOrder) -> bool:
        """Say whether it may leave the list of open orders, where that alone tells a reader what became of it."""
        return not order.done and (self._market.traits.moves_stamps or self._is_settled(order))

    def _may_end(self, order: TrueOrder) -> bool:
        """Say whether pieces may be cancelled; after a revival that nobody was told of, it would be undone unseen."""
        return self._may_leave(order) and (not order.ended or self._known(order, order.ended))

    def _may_revive(self, order: TrueOrder) -> bool:
        pieces = {line.sku: line.cancelled for line in order.lines if line.cancelled}
        return bool(pieces) and self._known(order, order.ended) and self._on_show(pieces)

    def _may_be_misspelt(self, order: TrueOrder) -> bool:
        return self._market.traits.strange_words and order.word is None

    def _on_show(self, pieces: Mapping[str, int]) -> bool:
        return all(self._market.levels.get(sku, 0) >= quantity for sku, quantity in pieces.items())

    def _pay(self, order: TrueOrder) -> bool:
        late = self._chance.random() < 0.2
        self._market.pay(order.reference, PaymentStatus.AUTHORIZED if late else PaymentStatus.PAID)
        return True

    def _refund(self, order: TrueOrder) -> bool:
        self._market.refund(order.reference, partly=self._chance.random() < 0.5)
        return True

    def _raise(self, order: TrueOrder) -> bool:
        line = self._chance.choice(order.lines)
        if not self._on_show({line.sku: 1}):
            return False
        self._market.edit(order.reference, {line.sku: line.quantity + 1})
        return True

    def _lower(self, order: TrueOrder) -> bool:
        lines = [line for line in order.lines if line.open > 0 and line.quantity > 1]
        if not lines:
            return False
        line = self._chance.choice(lines)
        self._market.edit(order.reference, {line.sku: line.quantity - self._chance.randint(1, _most(line))})
        return True

    def _add_line(self, order: TrueOrder) -> bool:
        has = [line.sku for line in order.lines]
        others = [sku for sku, level in self._market.levels.items() if level > 0 and sku not in has]
        if not others:
            return False
        self._market.edit(order.reference, {self._chance.choice(others): 1})
        return True

    def _drop_line(self, order: TrueOrder) -> bool:
        lines = [line for line in order.lines if line.open == line.quantity]
        if len(order.lines) < 2 or not lines or not self._is_settled(order):
            return False
        self._market.edit(order.reference, {self._chance.choice(lines).sku: 0})
        return True

    def _cancel(self, order: TrueOrder) -> bool:
        self._market.cancel(order.reference, restock=self._restocks())
        return True

    def _cancel_line(self, order: TrueOrder) -> bool:
        line = self._open_line(order)
        pieces = self._chance.randint(1, line.open)
        self._market.cancel_line(order.reference, line.line_id, pieces, restock=self._restocks())
        return True

    def _ship_by_hand(self, order: TrueOrder) -> bool:
        line = self._open_line(order)
        part = {line.line_id: self._chance.randint(1, line.open)} if self._chance.random() < 0.4 else None
        number = f"HAND-{order.reference}-{len(order.shipments)}" if self._chance.random() < 0.7 else None
        self._market.ship_by_hand(order.reference, part, carrier="DHL", tracking=number)
        return True

    def _vanish(self, order: TrueOrder) -> bool:
        self._market.vanish(order.reference, restock=self._restocks())
        return True

    def _spoil(self, order: TrueOrder) -> bool:
        self._market.spoil(order.reference, anonymous=self._chance.random() < 0.15)
        return True

    def _open_line(self, order: TrueOrder) -> TrueLine:
        lines: Sequence[TrueLine] = [line for line in order.lines if line.open > 0]
        return self._chance.choice(lines)

    def _restocks(self) -> bool:
        return self._chance.random() < 0.7


def is_broken(order: TrueOrder) -> bool:
    """Say whether readers can make nothing of the order's document or word."""
    return not order.removed and (order.spoiled or order.word is not None)


def _most(line: TrueLine) -> int:
    return min(line.open, line.quantity - 1)
