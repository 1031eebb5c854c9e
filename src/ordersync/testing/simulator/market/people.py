"""What buyers and the shop's own staff do at a marketplace."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from ....model.channel_orders import PaymentStatus
from .documents import STRANGE_WORD
from .facts import MarketFacts
from .orders import TrueLine, TrueOrder, TrueShipment

FIRST = 1001
"""Order numbers count from here, at each marketplace: two of them have the same ones."""


class People(MarketFacts):
    """A marketplace with people in it: each verb is one thing that somebody does there.

    Every verb raises ``ValueError`` for what nobody could do there, such as editing an order that is gone.
    """

    def buy(self, lines: Mapping[str, int] | None = None, *, paid: bool = True) -> str | None:
        """Buy *lines* (quantity by SKU), or a few things that are on show; return the order's reference.

        None: not that much is shown. The listings fall at once where the marketplace lowers them by itself.
        """
        wanted = self._something() if lines is None else lines
        if not wanted or any(self.levels.get(sku, 0) < quantity for sku, quantity in wanted.items()):
            return None
        now = self._now()
        number = FIRST + len(self.orders)
        placed_at = self._stamp(now + self._placing())
        order = TrueOrder(
            reference=str(number),
            number=number,
            taken_at=now,
            placed_at=placed_at,
            updated_at=self._stamp(now) if self.traits.moves_stamps else placed_at,
            lines=[TrueLine(line_id=f"L{n}", sku=sku, quantity=q) for n, (sku, q) in enumerate(wanted.items(), 1)],
            lines_ever=len(wanted),
            payment=PaymentStatus.PAID if paid else PaymentStatus.UNPAID,
            paid_at=placed_at if paid else None,
            buyer=f"CANARY-{self.name}-{number}",
        )
        self.orders[order.reference] = order
        for sku, quantity in wanted.items():
            self._move(sku, -quantity)
        self._changed(order, "people buy")
        return order.reference

    def pay(self, reference: str, payment: PaymentStatus = PaymentStatus.PAID) -> None:
        """Let the payment become *payment*."""
        order = self._find(reference)
        order.payment = payment
        if payment is PaymentStatus.PAID:
            order.paid_at = self._stamp(self._now())
        self._changed(order, f"people pay {payment.value}")

    def refund(self, reference: str, *, partly: bool = False) -> None:
        """Pay the money back, or a part of it; nothing else changes."""
        self.pay(reference, PaymentStatus.PARTIALLY_REFUNDED if partly else PaymentStatus.REFUNDED)

    def hold(self, reference: str) -> None:
        """Put the order on hold in the shop."""
        order = self._find(reference)
        order.held = True
        self._changed(order, "people hold")

    def resume(self, reference: str) -> None:
        """Lift the hold."""
        order = self._find(reference)
        order.held = False
        self._changed(order, "people resume")

    def edit(self, reference: str, lines: Mapping[str, int]) -> None:
        """Change how much was bought of the SKUs in *lines*; new ones become new lines, 0 drops a line.

        What is bought less goes back on sale. ``ValueError``: less than what is shipped or cancelled of it, or
        nothing left at all.
        """
        order = self._find(reference)
        known = {line.sku: line for line in order.lines}
        left = {**{sku: line.quantity for sku, line in known.items()}, **lines}
        gone = {sku: line.cancelled + line.shipped for sku, line in known.items()}
        if not any(left.values()) or any(quantity < gone.get(sku, 0) for sku, quantity in lines.items()):
            raise ValueError(f"{self.name}, order {reference}: it cannot come to {left}")
        before = sum(line.quantity for line in order.lines)
        for sku, quantity in lines.items():
            if sku not in known:
                order.lines_ever += 1
                known[sku] = TrueLine(line_id=f"L{order.lines_ever}", sku=sku, quantity=0)
            self._move(sku, known[sku].quantity - quantity)
            known[sku].quantity = quantity
        order.lines = [line for line in known.values() if line.quantity]
        order.direction = 1 if sum(line.quantity for line in order.lines) > before else -1
        order.moved = order.version + 1
        self._changed(order, "people edit")

    def cancel(self, reference: str, *, restock: bool = True) -> None:
        """Cancel all that is still to ship; *restock* puts it back on sale."""
        order = self._find(reference)
        for line in order.lines:
            self._take_back(line, max(0, line.open), restock=restock)
        order.ended = order.version + 1
        self._changed(order, "people cancel restocked" if restock else "people cancel")

    def cancel_line(self, reference: str, line_id: str, quantity: int | None = None, *, restock: bool = True) -> None:
        """Cancel pieces of one line, all that is still to ship if *quantity* is omitted."""
        order = self._find(reference)
        line = order.line(line_id)
        pieces = 0 if line is None else line.open if quantity is None else quantity
        if line is None or not 0 <= pieces <= line.open:
            raise ValueError(f"{self.name}, order {reference}: {pieces} of line {line_id} cannot be cancelled")
        self._take_back(line, pieces, restock=restock)
        order.ended = order.version + 1
        self._changed(order, "people cancel_line restocked" if restock else "people cancel_line")

    def revive(self, reference: str) -> None:
        """Take back every cancellation: the pieces are sold again, whether or not they are on show."""
        order = self._find(reference)
        for line in order.lines:
            self._move(line.sku, -line.cancelled)
            line.cancelled = 0
        order.ended = order.version + 1
        self._changed(order, "people revive")

    def ship_by_hand(
        self,
        reference: str,
        lines: Mapping[str, int] | None = None,
        *,
        carrier: str | None = None,
        tracking: str | None = None,
    ) -> None:
        """Mark *lines* (quantity by line id, all that is open if omitted) as shipped, in the back office."""
        order = self._find(reference)
        sent = order.open_lines if lines is None else dict(lines)
        if not sent or any((line := order.line(line_id)) is None or q > line.open for line_id, q in sent.items()):
            raise ValueError(f"{self.name}, order {reference}: {sent} cannot be shipped")
        shipment = TrueShipment(
            at=self._now(),
            reference=reference,
            note_id=None,
            lines=sent,
            carrier=carrier,
            tracking_number=tracking,
        )
        self._ship(order, shipment, "people ship_by_hand")

    def vanish(self, reference: str, *, restock: bool = False) -> None:
        """Delete or archive the order: no list and no look-up finds it; *restock* puts what is open back on sale."""
        order = self._find(reference)
        if restock:
            for line in order.lines:
                self._move(line.sku, max(0, line.open))
        order.removed = True
        self._changed(order, "people vanish")

    def block(self) -> None:
        """Let a listing take no level from programs any more, or every one again where some take none."""
        blocked = self._shelf.blocked
        if blocked:
            blocked.clear()
        elif self.levels:
            blocked.add(self._chance.choice(sorted(self.levels)))
        self._trace.event("people block", self.name, *sorted(blocked))

    def misspell(self, reference: str, word: str = STRANGE_WORD) -> None:
        """Give the order a status word that nobody knows, until ``mend``."""
        order = self._find(reference)
        order.word = word
        self._changed(order, "people misspell")

    def spoil(self, reference: str, *, anonymous: bool = False) -> None:
        """Show a document that nobody can read, until ``mend``; *anonymous*: nor can they tell whose it is."""
        order = self._find(reference)
        order.spoiled, order.anonymous = True, anonymous
        self._changed(order, "people spoil")

    def mend(self, reference: str) -> None:
        """Let the order have its own word and a document that can be read."""
        order = self._find(reference)
        order.word, order.spoiled, order.anonymous = None, False, False
        self._changed(order, "people mend")

    def _something(self) -> Mapping[str, int]:
        """Choose one or two of the things on show, a few pieces each."""
        on_show = [sku for sku, quantity in self.levels.items() if quantity > 0]
        chosen = self._chance.sample(on_show, min(len(on_show), 1 + (self._chance.random() < 0.3)))
        return {sku: self._chance.randint(1, min(3, self.levels[sku])) for sku in chosen}

    def _placing(self) -> timedelta:
        return self.traits.placing * self._chance.uniform(-1, 1) if self.traits.placing else timedelta(0)

    def _take_back(self, line: TrueLine, pieces: int, *, restock: bool) -> None:
        line.cancelled += pieces
        if restock:
            self._move(line.sku, pieces)
