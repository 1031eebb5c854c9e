"""The facts of a fake marketplace: its orders, what its listings show, and every effect that took place."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import attrs

from ..clock import Clock
from ..errors import ChannelRejectedError
from ..model.dispatch import DispatchNote
from ..model.ids import ChannelId
from ..model.listings import ListingId, StockOutcome
from .market_book import OrderBook
from .market_orders import MarketOrder, MarketShipment
from .market_shelf import AppliedLevel, Shelf, Trouble
from .timeline import Timeline

Effect = Callable[[datetime], object]
"""Something that a request does, given the moment at which it takes place."""


@attrs.frozen(kw_only=True)
class Habits:
    """What kind of marketplace it is; ``FakeMarketplace`` says what each means."""

    decrements_on_sale: bool
    requires_tracking: bool
    whole_order_dispatch: bool
    requires_status_mapping: bool
    compare_and_set: bool
    stock_batch_size: int
    scan: str
    listing_lag: timedelta
    stamp_granularity: timedelta
    oversells: bool
    refuses_overshipping: bool
    knows_note_ids: bool


class MarketFacts:
    """Orders by reference, the level that each listing shows, and every effect that ever took place."""

    def __init__(self, channel: ChannelId, *, clock: Clock, habits: Habits) -> None:
        """Begin with no order and no listing."""
        self.clock = clock
        self.habits = habits
        self._channel = channel
        self._shipments: list[MarketShipment] = []
        self._notes: list[DispatchNote] = []
        self._shelf = Shelf(
            channel=channel,
            compare_and_set=habits.compare_and_set,
            batch_size=habits.stock_batch_size,
            timeline=lambda: Timeline(habits.listing_lag),
        )
        self._book = OrderBook(
            channel=channel,
            lag=habits.listing_lag,
            granularity=habits.stamp_granularity,
            moves_stamps=habits.scan == "updated",
            words_only=habits.requires_status_mapping,
        )
        self._late: list[tuple[datetime, int, Effect]] = []
        self._late_numbers = itertools.count()

    @property
    def orders(self) -> Mapping[str, MarketOrder]:
        """Return the orders by reference, as the marketplace keeps them."""
        self.now()
        return self._book.orders

    @property
    def levels(self) -> dict[str, int]:
        """Return what each listing shows now, by SKU or ``SKU@location``."""
        self.now()
        return {str(listing): quantity for listing, quantity in self._shelf.levels().items()}

    @property
    def levels_applied(self) -> list[AppliedLevel]:
        """Return every level that ever took effect, in order."""
        self.now()
        return self._shelf.applied

    @property
    def shipments(self) -> list[MarketShipment]:
        """Return every dispatch that ever took effect, in order, those by hand included."""
        self.now()
        return self._shipments

    @property
    def notes_received(self) -> list[DispatchNote]:
        """Return every note that ever arrived, in order, refused ones included."""
        self.now()
        return self._notes

    def now(self) -> datetime:
        """Return the marketplace's time, once everything has landed that was due until then."""
        now = self.clock.now()
        while self._late and self._late[0][0] <= now:
            due, _, effect = heapq.heappop(self._late)
            effect(due)
        return now

    def land_later(self, due: datetime, effect: Effect) -> None:
        """Let *effect* take place when the clock passes *due*."""
        heapq.heappush(self._late, (due, next(self._late_numbers), effect))

    def list_sku(self, sku: str, quantity: int = 0, *, location: str | None = None) -> None:
        """List a SKU, or set by hand what its listing shows."""
        self._shelf.set(ListingId(sku, location), quantity, self.now())

    def unlist_sku(self, sku: str, *, location: str | None = None) -> None:
        """Take a listing down: its SKU is unknown from now on. ``KeyError`` if there is none."""
        self.now()
        self._shelf.drop(ListingId(sku, location))

    def refuse_sku(
        self,
        sku: str,
        *,
        outcome: StockOutcome = StockOutcome.REJECTED,
        message: str = "this listing is blocked",
    ) -> None:
        """Answer every level of *sku* with *outcome* and apply none, until ``forgive_sku``."""
        self._shelf.troubles[sku] = Trouble(outcome=outcome, message=message)

    def poison_sku(self, sku: str) -> None:
        """Refuse every batch that contains *sku* as a whole, until ``forgive_sku``."""
        self._shelf.poisoned.add(sku)

    def mute_sku(self, sku: str) -> None:
        """Apply the levels of *sku* and leave it out of every answer, until ``forgive_sku``."""
        self._shelf.muted.add(sku)

    def forgive_sku(self, sku: str) -> None:
        """Make no trouble with *sku* any more."""
        self._shelf.troubles.pop(sku, None)
        self._shelf.poisoned.discard(sku)
        self._shelf.muted.discard(sku)

    def receive(self, note: DispatchNote, at: datetime) -> None:
        """Take in a dispatch note; ``ChannelRejectedError`` when the marketplace refuses it."""
        self._notes.append(note)
        order = self._book.orders.get(note.order_key.reference)
        if order is None or note.order_key.channel != self._channel:
            raise ChannelRejectedError(f"{note.order_key}: {self._channel} has no such order; check whose it is")
        if self.habits.knows_note_ids and any(known.note_id == note.id for known in order.shipments):
            return
        refusal = self._refusal(note, order)
        if refusal is not None:
            raise ChannelRejectedError(f"{note.order_key}: {refusal}")
        lines = {line.line_id: line.open for line in order.lines if line.open > 0}
        if not self.habits.whole_order_dispatch or not lines:
            lines = dict(note.lines)
        shipment = MarketShipment(
            reference=order.reference,
            note_id=note.id,
            lines=lines,
            carrier=note.carrier,
            tracking_number=note.tracking_number,
            at=at,
        )
        self._ship(order, shipment)

    def _ship(self, order: MarketOrder, shipment: MarketShipment) -> None:
        for line_id, quantity in shipment.lines.items():
            order.line(line_id).shipped += quantity
        order.shipments.append(shipment)
        self._shipments.append(shipment)
        self._book.changed(order, shipment.at)

    def _refusal(self, note: DispatchNote, order: MarketOrder) -> str | None:
        if self.habits.requires_tracking and not note.tracking_number:
            return "a tracking number is needed; add one"
        lines = {line.line_id: line for line in order.lines}
        if any(line_id not in lines for line_id in note.lines):
            return "the note names a line that the order does not have; read the order again"
        if all(line.cancelled == line.quantity for line in order.lines):
            return "the order is cancelled; do not ship it"
        if self._ships_too_much(note, order):
            return "more pieces than are still to ship; look at the order's shipments"
        return None

    def _ships_too_much(self, note: DispatchNote, order: MarketOrder) -> bool:
        if not self.habits.refuses_overshipping:
            return False
        if self.habits.whole_order_dispatch:
            return order.done
        return any(quantity > order.line(line_id).open for line_id, quantity in note.lines.items())
