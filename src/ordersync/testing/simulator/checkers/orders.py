"""Checks what is stored of orders against what markets truly showed: O1 to O5, and that nothing is lost in the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import attrs

from ....model.channel_orders import ChannelOrder
from ....model.ids import OrderKey
from ....model.orders import LIVE, Order
from ....model.pages import PageWork
from ..trace import Violation
from . import steps
from .checker import Checker
from .commits import Commit
from .orders_at_rest import all_accounted_for
from .reader import Reader
from .touched import VANISHED, page_of, touched_orders
from .world import MarketView, World

Bought = tuple[str, str, int]
"""A line as it was shown: its id, its listing, and how many were bought."""


@attrs.define
class _Seen:
    """All that a market has shown of one order so far."""

    forms: int = 0
    bought: set[Bought] = attrs.field(factory=set)
    words: set[str] = attrs.field(factory=set)
    documents: list[ChannelOrder] = attrs.field(factory=list)

    def catch_up(self, market: MarketView, reference: str) -> None:
        """Take in what was answered since."""
        forms = market.shown.get(reference, ())
        for document in forms[self.forms :]:
            self.bought |= {(line.line_id, line.channel_sku, line.quantity) for line in document.lines}
            self.words.add(document.status)
            self.documents.append(document)
        self.forms = len(forms)


class OrdersChecker(Checker):
    """Follows every stored order from commit to commit."""

    def __init__(self, world: World) -> None:
        """Begin with an empty storage."""
        super().__init__(world)
        self._known: dict[OrderKey, Order] = {}
        self._seen: dict[OrderKey, _Seen] = {}
        self._taken: dict[OrderKey, ChannelOrder] = {}

    def committed(self, commit: Commit, reader: Reader) -> None:
        """Check the orders that a verb may have written, and what it says of where that came from."""
        if commit.port != "orders" or commit.refused is not None:
            return
        if commit.verb == "save_page" and commit.answer:
            self._page(page_of(commit))
        if commit.verb == "replace" and commit.answer:
            self._vanished(commit)
        keys = touched_orders(commit)
        for key in list(self._known) if keys is None else keys:
            self._look(key, commit, reader)
            self._hears_of_links(key, reader)
        if commit.verb == "save_page" and commit.answer:
            _decided(page_of(commit), reader)

    def ended(self, reader: Reader) -> None:
        """Check that no order is lost, none stored twice, and all are as their markets show them."""
        all_accounted_for(self._world, self._known, reader)

    def _page(self, work: PageWork) -> None:
        """Check what a page takes over: it was shown, it is not stored yet, and nothing newer is."""
        for order in work.new:
            if order.key in self._known:
                raise Violation("O1", f"{order.key} is stored already, and was saved as new")
        taken = {order.key for order in work.new} | {changed.order.key for changed in work.changed}
        for decision in work.decisions:
            if decision.seen is not None:
                self._shown(decision.key, decision.seen)
                if decision.key in taken:
                    self._newest(decision.key, decision.seen)

    def _shown(self, key: OrderKey, document: ChannelOrder) -> None:
        if document not in reversed(self._seen_of(key).documents):
            raise Violation("O3", f"{key}: a document was judged that its market never showed")

    def _newest(self, key: OrderKey, document: ChannelOrder) -> None:
        before = self._taken.get(key)
        if before is not None and document.updated_at < before.updated_at:
            text = f"a form of {document.updated_at} was taken over after one of {before.updated_at}"
            raise Violation("O5", f"{key}: {text}")
        self._taken[key] = document

    def _look(self, key: OrderKey, commit: Commit, reader: Reader) -> None:
        before, after = self._known.get(key), reader.order(key)
        if after is None:
            if before is not None:
                raise Violation("O2", f"{key} was stored, and is not any more after {commit.verb}")
            return
        if before is None:
            steps.born(after, commit)
        else:
            steps.stepped(before, after, commit)
        if before is None or after.lines != before.lines:
            self._nothing_invented(after)
        self._known[key] = after

    def _vanished(self, commit: Commit) -> None:
        """Check that what a sweep lacks is called vanished where it may be, and left to a person (L10).

        Where a market pages by offset, an order may be skipped by one sweep after the other, since rows shift.
        """
        change, order = commit.argument(1, "change"), cast("Order", commit.argument(0, "order"))
        if change is None or change.event != VANISHED:
            return
        before, market = self._known[order.key], self._world.markets[order.key.channel]
        truth, shown = market.orders[order.key.reference], market.last_shown(order.key.reference)
        if order.state is not before.state:
            raise Violation("L10", f"{order.key} was {before.state}, and is {order.state} since nobody shows it")
        if truth.removed or truth.done or truth.anonymous or shown is None or shown.done:
            return
        if market.traits.paging != "offset":
            raise Violation("L10", f"{order.key} counts as vanished, and every reader of its market would see it")

    def _hears_of_links(self, key: OrderKey, reader: Reader) -> None:
        """Check that a line without a link is not taken for newer than a link that it could have (L4)."""
        order = self._known.get(key)
        if order is None or order.state not in LIVE or not order.unlinked:
            return
        if order.links_revision < reader.links_revision(key.channel):
            return
        linked = {listing.id.channel_sku for listing in reader.listings(key.channel)}
        for line in order.unlinked:
            if line.channel_sku in linked:
                text = f"{line.channel_sku} is linked under the revision {order.links_revision} that it knows"
                raise Violation("L4", f"{key}: line {line.line_id} is unlinked, and {text}")

    def _nothing_invented(self, order: Order) -> None:
        """Check that every line was shown as it is stored."""
        seen = self._seen_of(order.key)
        names = [line.line_id for line in order.lines]
        if len(set(names)) != len(names):
            raise Violation("O1", f"{order.key} has a line twice: {', '.join(names)}")
        for line in order.lines:
            if (line.line_id, line.channel_sku, line.quantity) not in seen.bought:
                text = f"{line.quantity} of {line.channel_sku} in line {line.line_id}"
                raise Violation("O3", f"{order.key}: its market never showed {text}")
        if order.status not in seen.words:
            raise Violation("O3", f"{order.key}: its market never showed the word {order.status!r}")

    def _seen_of(self, key: OrderKey) -> _Seen:
        seen = self._seen.get(key)
        if seen is None:
            seen = self._seen[key] = _Seen()
        seen.catch_up(self._world.markets[key.channel], key.reference)
        return seen


def _decided(work: PageWork, reader: Reader) -> None:
    """Check that what a page decided and what it stored agree (L2)."""
    new = {order.key for order in work.new}
    for decision in work.decisions:
        if decision.admitted and reader.order(decision.key) is None:
            raise Violation("L2", f"{decision.key} was admitted, and is not stored")
        if not decision.admitted and decision.key in new:
            raise Violation("L2", f"{decision.key} was refused for {decision.code}, and stored")
    decisions: Mapping[OrderKey, bool] = {decision.key: decision.admitted for decision in work.decisions}
    for key in sorted(new):
        if not decisions.get(key, False):
            raise Violation("L2", f"{key} was stored, and nothing was decided about it")
