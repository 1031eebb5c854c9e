"""The facts of a marketplace: its clock, its orders, its listings, and every effect that ever took place."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import attrs

from ....model.channel_orders import ChannelOrder
from ..trace import Trace
from .documents import render
from .orders import Shown, TrueOrder, TrueShipment
from .shelf import AppliedLevel, Shelf
from .traits import MarketTraits

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@attrs.frozen(kw_only=True)
class AppliedNote:
    """One dispatch note that took effect, whether or not anybody heard of it; ``by`` is who sent it.

    ``lines`` are those of the note; what the marketplace marked as sent is in its ``TrueShipment``.
    """

    at: datetime
    reference: str
    note_id: str
    lines: Mapping[str, int]
    carrier: str | None
    tracking_number: str | None
    by: str = ""


Applied = AppliedLevel | AppliedNote


class MarketFacts:
    """What is true at one marketplace.

    ``orders`` by reference; ``levels`` by SKU: what each listing shows; ``applied`` and ``notes``: every level and
    every dispatch note that took effect, late copies included; ``shipments``: all goods marked as sent, by hand too;
    ``shown``: the readable documents of each order that somebody was answered; ``writes``: how many pushes and notes
    arrived. Effects carry true time, orders and shipments the market's own.
    ``on_applied``, if set, is called with each effect once it has taken place, and ``on_sold`` with the SKU and the
    number of pieces that are being sold, before the listing shows fewer.
    """

    def __init__(
        self, name: str, traits: MarketTraits, *, now: Callable[[], datetime], chance: random.Random, trace: Trace
    ) -> None:
        """Open a marketplace that sells nothing yet; *now* is its own clock, skew and all."""
        self.name, self.traits = name, traits
        self.orders: dict[str, TrueOrder] = {}
        self.notes: list[AppliedNote] = []
        self.shipments: list[TrueShipment] = []
        self.shown: dict[str, list[ChannelOrder]] = {}
        self.writes = 0
        self.on_applied: Callable[[Applied], None] | None = None
        self.on_sold: Callable[[str, int], None] | None = None
        self._shelf = Shelf()
        self._now, self._chance, self._trace = now, chance, trace

    @property
    def levels(self) -> dict[str, int]:
        """Return what each listing shows now, by SKU."""
        return self._shelf.levels

    @property
    def applied(self) -> list[AppliedLevel]:
        """Return every level that was ever applied, in order."""
        return self._shelf.applied

    def now(self) -> datetime:
        """Return the time on the marketplace's own clock."""
        return self._now()

    def true_now(self) -> datetime:
        """Return true time, which nobody at the marketplace knows."""
        return self._now() - self.traits.skew

    def offer(self, sku: str, quantity: int) -> None:
        """List a SKU, or set by hand what its listing shows."""
        self._show(sku, quantity)
        self._trace.event("people offer", self.name, sku, quantity)

    def last_shown(self, reference: str) -> Shown | None:
        """Return the form in which an order was last answered to somebody; None if it never was."""
        order = self.orders.get(reference)
        return None if order is None else order.told

    def told(self, forms: Sequence[Shown]) -> None:
        """Note that an answer with these forms of orders has arrived at whoever asked."""
        now = self._now()
        for form in forms:
            order = self.orders[form.reference]
            if order.told is None or form.version > order.told.version:
                order.former, order.told, order.told_at = order.told, form, now
            document, answered = form.document, self.shown.setdefault(form.reference, [])
            if isinstance(document, ChannelOrder) and not any(document is known for known in answered):
                answered.append(document)

    def _find(self, reference: str) -> TrueOrder:
        order = self.orders.get(reference)
        if order is None or order.removed:
            raise ValueError(f"{self.name} has no order {reference!r}")
        return order

    def _show(self, sku: str, quantity: int) -> None:
        self._shelf.show(sku, quantity, seen_from=self._seen_from(self._now()))

    def _move(self, sku: str, by: int) -> None:
        """Lower or raise what a listing shows, where the marketplace does so by itself."""
        if by < 0 and self.on_sold is not None:
            self.on_sold(sku, -by)
        if by and self.traits.decrements_on_sale and sku in self.levels:
            self._show(sku, self.levels[sku] + by)

    def _changed(self, order: TrueOrder, what: str) -> None:
        """Show the order anew, once something has happened to it."""
        now = self._now()
        order.version += 1
        if self.traits.moves_stamps:
            order.updated_at = self._stamp(now)
        form = None if order.removed else render(order, words_only=self.traits.words_only)
        order.sight.put(form, seen_from=self._seen_from(now))
        self._trace.event(what, self.name, order.reference)

    def _ship(self, order: TrueOrder, shipment: TrueShipment, what: str) -> None:
        for line in order.lines:
            line.shipped += shipment.lines.get(line.line_id, 0)
        order.shipments.append(shipment)
        self.shipments.append(shipment)
        self._changed(order, what)

    def _stamp(self, at: datetime) -> datetime:
        return at - (at - EPOCH) % self.traits.granularity if self.traits.granularity else at

    def _seen_from(self, now: datetime) -> datetime:
        return now + self.traits.lag * self._chance.random() if self.traits.lag else now
