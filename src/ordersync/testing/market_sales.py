"""What buyers and the shop's own staff do to the orders of a fake marketplace."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from datetime import datetime

from ..clock import Clock
from ..model.channel_orders import Buyer, PaymentStatus, UnreadableOrder
from ..model.ids import ChannelId
from .market_facts import Habits, MarketFacts
from .market_orders import BUYER, MarketLine, MarketOrder, MarketShipment, document_of


class Market(MarketFacts):
    """A marketplace with people in it: each verb is one thing that somebody does there.

    Every verb raises ``KeyError`` for an order or a line that the marketplace does not have.
    """

    def __init__(self, channel: ChannelId, *, clock: Clock, habits: Habits) -> None:
        """Begin with no order and no listing; references count from 1001."""
        super().__init__(channel, clock=clock, habits=habits)
        self._references = itertools.count(1001)

    def place(  # noqa: PLR0913 - each is a fact of its own
        self,
        reference: str | None = None,
        *,
        lines: Mapping[str, int],
        paid: bool = True,
        at: datetime | None = None,
        buyer: Buyer = BUYER,
        location: str | None = None,
        payment_method: str | None = None,
    ) -> str:
        """Buy *lines* (quantity by SKU) and return the order's reference.

        Line ids are ``L1``, ``L2`` and so on. The shop's own levels fall at once where it decrements on sale,
        also below zero, unless ``oversells=False``: then ``ValueError``. *at* is the time the order carries,
        now if omitted; the order shows up now all the same. *payment_method* is the shop's name of how it is paid.
        """
        now = self.now()
        reference = f"{next(self._references)}" if reference is None else reference
        if reference in self._book.orders:
            raise ValueError(f"{self._channel} already has an order {reference!r}")
        self._sell(lines, location, now)
        placed = self._book.stamp(now if at is None else at)
        sold = [MarketLine(line_id=f"L{number}", sku=sku, quantity=lines[sku]) for number, sku in enumerate(lines, 1)]
        order = MarketOrder(
            reference=reference,
            order_id=f"id-{reference}",
            placed_at=placed,
            updated_at=self._book.stamp(now),
            lines=sold,
            lines_ever=len(sold),
            payment=PaymentStatus.PAID if paid else PaymentStatus.UNPAID,
            paid_at=placed if paid else None,
            buyer=buyer,
            location=location,
            payment_method=payment_method,
        )
        self._book.orders[reference] = order
        self._book.changed(order, now)
        return reference

    def pay(self, reference: str, *, payment: PaymentStatus = PaymentStatus.PAID, silently: bool = False) -> None:
        """Let the payment become *payment*; *silently*: without moving the order's ``updated_at``."""
        now = self.now()
        order = self._book.find(reference)
        order.payment = payment
        order.paid_at = self._book.stamp(now) if payment is PaymentStatus.PAID else order.paid_at
        self._book.changed(order, now, silently=silently)

    def hold(self, reference: str) -> None:
        """Put the order on hold in the shop."""
        self._hold(reference, held=True)

    def resume(self, reference: str) -> None:
        """Lift the hold."""
        self._hold(reference, held=False)

    def cancel(self, reference: str, *, restock: bool = True) -> None:
        """Cancel all that is still to ship; *restock* puts it back on sale."""
        now = self.now()
        order = self._book.find(reference)
        for line in order.lines:
            self._cancel(order, line, max(0, line.open), now, restock=restock)
        self._book.changed(order, now)

    def cancel_line(self, reference: str, line_id: str, quantity: int | None = None, *, restock: bool = True) -> None:
        """Cancel pieces of one line, all that is still to ship if *quantity* is omitted."""
        now = self.now()
        order = self._book.find(reference)
        line = order.line(line_id)
        quantity = line.open if quantity is None else quantity
        if not 0 <= quantity <= line.open:
            raise ValueError(f"order {reference}, line {line_id}: {line.open} may be cancelled, not {quantity}")
        self._cancel(order, line, quantity, now, restock=restock)
        self._book.changed(order, now)

    def revive(self, reference: str) -> None:
        """Take back every cancellation: the pieces are sold again."""
        now = self.now()
        order = self._book.find(reference)
        for line in order.lines:
            self._move(order, line.sku, -line.cancelled, now)
            line.cancelled = 0
        self._book.changed(order, now)

    def edit(self, reference: str, lines: Mapping[str, int]) -> None:
        """Change how much was bought of the SKUs in *lines*; new ones become new lines, 0 drops a line."""
        now = self.now()
        order = self._book.find(reference)
        known = {line.sku: line for line in order.lines}
        for sku, quantity in lines.items():
            gone = known[sku].quantity - known[sku].open if sku in known else 0
            if quantity < gone:
                raise ValueError(f"order {reference}, {sku}: {gone} are shipped or cancelled, more than {quantity}")
        for sku, quantity in lines.items():
            if sku not in known:
                order.lines_ever += 1
                known[sku] = MarketLine(line_id=f"L{order.lines_ever}", sku=sku, quantity=0)
            self._move(order, sku, known[sku].quantity - quantity, now)
            known[sku].quantity = quantity
        order.lines = [line for line in known.values() if line.quantity]
        self._book.changed(order, now)

    def ship_by_hand(
        self,
        reference: str,
        *,
        lines: Mapping[str, int] | None = None,
        carrier: str | None = None,
        tracking: str | None = None,
    ) -> None:
        """Mark *lines* (quantity by line id, all that is open if omitted) as shipped, in the back office."""
        now = self.now()
        order = self._book.find(reference)
        open_lines = {line.line_id: line.open for line in order.lines if line.open > 0}
        shipment = MarketShipment(
            reference=reference,
            note_id=None,
            lines=open_lines if lines is None else dict(lines),
            carrier=carrier,
            tracking_number=tracking,
            at=now,
        )
        self._ship(order, shipment)

    def set_status(self, reference: str, word: str | None) -> None:
        """Show *word* as the order's status, whatever the facts are; None ends that."""
        now = self.now()
        order = self._book.find(reference)
        order.word = word
        self._book.changed(order, now)

    def set_state(self, reference: str, state: str | None) -> None:
        """Show *state* as the order's fixed word beside its status; None shows none."""
        now = self.now()
        order = self._book.find(reference)
        order.state = state
        self._book.changed(order, now)

    def transact(self, reference: str, transaction: PaymentStatus | None) -> None:
        """Say *transaction* of the payment itself, where orders carry words only; None says nothing."""
        now = self.now()
        order = self._book.find(reference)
        order.transaction = transaction
        self._book.changed(order, now)

    def spoil(
        self,
        reference: str,
        *,
        payload: bytes | None = None,
        error: str = "lines[0].quantity: expected a whole number, got text",
        anonymous: bool = False,
    ) -> None:
        """Show a malformed document in the order's place until ``mend``; *anonymous*: nobody knows whose.

        *error* is what the marketplace in memory says of it; *payload* must be JSON where the marketplace is served.
        """
        now = self.now()
        order = self._book.find(reference)
        order.spoiled = UnreadableOrder(
            payload=self._spoiled(order) if payload is None else payload,
            error=error,
            reference=None if anonymous else reference,
        )
        self._book.changed(order, now)

    def mend(self, reference: str) -> None:
        """Show the order's own document again."""
        now = self.now()
        order = self._book.find(reference)
        order.spoiled = None
        self._book.changed(order, now)

    def remove(self, reference: str) -> None:
        """Let the order vanish, as an archived or deleted one does: no page and no look-up finds it."""
        now = self.now()
        order = self._book.find(reference)
        order.removed = True
        self._book.changed(order, now)

    def _hold(self, reference: str, *, held: bool) -> None:
        now = self.now()
        order = self._book.find(reference)
        order.held = held
        self._book.changed(order, now)

    def _sell(self, lines: Mapping[str, int], location: str | None, now: datetime) -> None:
        listings = {sku: self._shelf.find(sku, location) for sku in lines}
        shown = self._shelf.levels()
        for sku, listing in listings.items():
            if not self.habits.oversells and (listing is None or shown[listing] < lines[sku]):
                raise ValueError(f"{self._channel} does not show {lines[sku]} of {sku} and does not oversell")
        for sku, listing in listings.items():
            if listing is not None and self.habits.decrements_on_sale:
                self._shelf.change(listing, -lines[sku], now)

    def _cancel(self, order: MarketOrder, line: MarketLine, quantity: int, now: datetime, *, restock: bool) -> None:
        line.cancelled += quantity
        if restock:
            self._move(order, line.sku, quantity, now)

    def _move(self, order: MarketOrder, sku: str, by: int, now: datetime) -> None:
        listing = self._shelf.find(sku, order.location)
        if listing is not None and by and self.habits.decrements_on_sale:
            self._shelf.change(listing, by, now)

    def _spoiled(self, order: MarketOrder) -> bytes:
        document = document_of(order, words_only=self.habits.requires_status_mapping)
        document["lines"][0]["quantity"] = "two"
        return json.dumps(document).encode()
