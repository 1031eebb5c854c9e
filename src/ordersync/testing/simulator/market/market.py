"""A marketplace that is independent of the code under test: the side of it that programs talk to."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime

import attrs

from ....errors import ChannelRejectedError
from ....model.channel_orders import ChannelOrder, UnreadableOrder
from ....model.dispatch import DispatchNote
from ....model.listings import ChannelListing, StockOutcome, StockResult, StockUpdate
from ..trace import Trace
from .documents import is_ordinary
from .facts import AppliedNote
from .orders import Shown, TrueOrder, TrueShipment
from .paging import Pager
from .people import People
from .shelf import AppliedLevel, result_of
from .traits import MarketTraits

Document = ChannelOrder | UnreadableOrder


@attrs.frozen
class Answer:
    """One page of orders as the marketplace answers it, with its own time."""

    forms: Sequence[Shown]
    next_cursor: str | None
    server_time: datetime

    @property
    def documents(self) -> Sequence[Document]:
        """Return what of it travels."""
        return [form.document for form in self.forms]


class TrueMarket(People):
    """A marketplace: ``MarketFacts`` says what it knows, ``People`` what happens there, this what it answers.

    Nothing here waits, and nothing goes wrong but what a marketplace refuses: that is ``ChannelRejectedError``.
    """

    def __init__(
        self, name: str, traits: MarketTraits, *, now: Callable[[], datetime], chance: random.Random, trace: Trace
    ) -> None:
        """Open a marketplace that sells nothing yet; *now* is its own clock, skew and all."""
        super().__init__(name, traits, now=now, chance=chance, trace=trace)
        self._pager = Pager(name, traits)

    def list_orders(
        self, since: datetime | None, cursor: str | None = None
    ) -> tuple[Sequence[Document], str | None, datetime]:
        """Return one page of orders, the cursor of the next, and the market's time; whoever asks is told at once.

        With *since*: all that changed then or later, else all that is not shipped or cancelled as a whole.
        """
        answer = self.read_orders(since, cursor)
        self.told(answer.forms)
        return answer.documents, answer.next_cursor, answer.server_time

    def read_orders(self, since: datetime | None, cursor: str | None, *, limit: int | None = None) -> Answer:
        """Return one page as ``list_orders`` does, before anybody has been told; at most *limit* orders."""
        now = self._now()
        found = [form for form in self._visible(now) if _matches(form, since)]
        forms, next_cursor = self._pager.page(found, since=since, cursor=cursor, now=now, limit=limit)
        if forms and self.traits.repeats and self._chance.random() < self.traits.repeats:
            self._trace.sometimes("a page shows an order twice")
            forms = [*forms, self._chance.choice(forms)]
        return Answer(forms, next_cursor, self._stamp(now))

    def read_stale(self, since: datetime | None, cursor: str | None) -> Answer:
        """Return one page as ``read_orders`` does, with one order more on it if there is one: as it was before.

        A copy of the marketplace's data that lags behind shows such forms, and only after what replaced them was told.
        """
        answer = self.read_orders(since, cursor)
        former = [form for form in map(_former, self.orders.values()) if form is not None and _matches(form, since)]
        if not former:
            return answer
        self._trace.sometimes("a page shows an order as it was before")
        return attrs.evolve(answer, forms=[*answer.forms, self._chance.choice(former)])

    def find_order(self, reference: str) -> Document | None:
        """Return an order as a reader sees it now, in any state; whoever asks is told at once."""
        form = self.read_order(reference)
        if form is None:
            return None
        self.told([form])
        return form.document

    def read_order(self, reference: str) -> Shown | None:
        """Return an order as ``find_order`` does, before anybody has been told."""
        order = self.orders.get(reference)
        return None if order is None else order.sight.seen(self._now())

    def list_levels(self, cursor: str | None = None) -> tuple[Sequence[ChannelListing], str | None]:
        """Return one page of what the listings show, and the cursor of the next."""
        seen = self._shelf.seen(self._now())
        start = int(cursor or 0)
        end = start + self.traits.page_size
        page = [ChannelListing(channel_sku=sku, quantity=quantity) for sku, quantity in seen[start:end]]
        return page, str(end) if end < len(seen) else None

    def set_levels(self, updates: Sequence[StockUpdate], *, by: str = "") -> Sequence[StockResult]:
        """Let listings show these levels where nothing speaks against it; *by* is whoever sent them.

        ``ChannelRejectedError`` for more than one call may hold, and where one that is blocked spoils the batch.
        """
        self.writes += 1
        if len(updates) > self.traits.stock_batch_size:
            raise ChannelRejectedError(
                f"{self.name}: {len(updates)} levels in one call, at most {self.traits.stock_batch_size} are taken; "
                "send smaller batches"
            )
        blocked = [update.channel_sku for update in updates if update.channel_sku in self._shelf.blocked]
        if blocked and self.traits.refuses_batches:
            self._trace.sometimes("a batch is refused for one listing")
            raise ChannelRejectedError(f"{self.name}: {blocked[0]} is blocked; leave it out", applied=False)
        return [result_of(update, self._set_level(update, by)) for update in updates]

    def ship(self, note: DispatchNote, *, by: str = "") -> None:
        """Mark a parcel as sent; ``ChannelRejectedError`` when the marketplace refuses it."""
        self.writes += 1
        order = self.orders.get(note.order_key.reference)
        if order is None or order.removed:
            raise ChannelRejectedError(f"{note.order_key}: {self.name} has no such order; check whose it is")
        if self.traits.knows_note_ids and any(known.note_id == note.id for known in order.shipments):
            self._trace.event("note again", self.name, note.id)
            return
        refusal = self._refusal(note, order)
        if refusal is not None:
            self._trace.event("note refused", self.name, note.id)
            raise ChannelRejectedError(f"{note.order_key}: {refusal}")
        self._mark_sent(note, order, by)

    def _visible(self, now: datetime) -> Sequence[Shown]:
        seen = (order.sight.seen(now) for order in self.orders.values())
        return [form for form in seen if form is not None]

    def _set_level(self, update: StockUpdate, by: str) -> StockOutcome:
        outcome = self._shelf.outcome(update, compare=self.traits.compare_and_set)
        self._trace.event(f"apply push_stock {outcome.value}", self.name, update.channel_sku, update.quantity, by)
        if outcome is StockOutcome.ACCEPTED:
            self._show(update.channel_sku, update.quantity)
            level = AppliedLevel(
                at=self.true_now(),
                sku=update.channel_sku,
                quantity=update.quantity,
                attempt_id=update.attempt_id,
                by=by,
            )
            self.applied.append(level)
            if self.on_applied is not None:
                self.on_applied(level)
        return outcome

    def _mark_sent(self, note: DispatchNote, order: TrueOrder, by: str) -> None:
        whole = order.open_lines if self.traits.whole_order_dispatch else {}
        shipment = TrueShipment(
            at=self._now(),
            reference=order.reference,
            note_id=note.id,
            lines=whole or dict(note.lines),
            carrier=note.carrier,
            tracking_number=note.tracking_number,
        )
        applied = AppliedNote(
            at=self.true_now(),
            reference=order.reference,
            note_id=note.id,
            lines=dict(note.lines),
            carrier=note.carrier,
            tracking_number=note.tracking_number,
            by=by,
        )
        self._ship(order, shipment, "shipped by note")
        self._trace.event("apply send_dispatch", self.name, order.reference, note.id, by)
        self.notes.append(applied)
        if self.on_applied is not None:
            self.on_applied(applied)

    def _refusal(self, note: DispatchNote, order: TrueOrder) -> str | None:
        if self.traits.requires_tracking and not note.tracking_number:
            return "a tracking number is needed; add one"
        if any(order.line(line_id) is None for line_id in note.lines):
            return "the note names a line that the order does not have; read the order again"
        if all(line.cancelled == line.quantity for line in order.lines):
            return "the order is cancelled; do not ship it"
        if self.traits.refuses_overshipping and self._ships_too_much(note, order):
            return "more pieces than are still to ship; look at the order's shipments"
        return None

    def _ships_too_much(self, note: DispatchNote, order: TrueOrder) -> bool:
        if self.traits.whole_order_dispatch:
            return order.done
        still = order.open_lines
        return any(quantity > still.get(line_id, 0) for line_id, quantity in note.lines.items())


def _former(order: TrueOrder) -> Shown | None:
    """Return an older form than the last one told, of the same lists, where its stamp says that it is older."""
    before, told = order.former, order.told
    if before is None or told is None or order.removed or not is_ordinary(before) or told.done:
        return None
    return before if before.updated_at < told.updated_at else None


def _matches(form: Shown, since: datetime | None) -> bool:
    return not form.done if since is None else form.updated_at >= since
