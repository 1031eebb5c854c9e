"""The two sides of a reconciliation: a channel's unshipped orders, read live, and what is here of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import count

import attrs

from ..channel import Channel, SupportsOrderLookup
from ..errors import ChannelAuthError, ChannelError, ChannelUnavailableError
from ..model.channel_orders import ChannelOrder, OrderPage, UnreadableOrder
from ..model.ids import OrderKey
from ..model.orders import LIVE, Order, OrderState
from ..model.pages import Known
from ..model.runs import ChannelState, Progress
from ..sync.channel_run import ChannelRun, RunContext
from ..sync.digests import order_digest, payload_hash
from ..sync.download import fetch_page, not_twice
from ..sync.pages import DOUBLE, Seen, decide
from ..sync.scan import ScanKind, begin
from ..sync.sightings import is_same
from ..sync.watch import LOOKS
from .differences import HEALED, PROCESSED_HERE, Difference, Pair, There, difference, left_out, standing

Document = ChannelOrder | UnreadableOrder

BATCH = 200
LOOKED_AT = HEALED | {PROCESSED_HERE}
"""The codes of differences that may only be a change that came between two readings."""


class Sides:
    """What is read of both sides, and how each shown order compares with what is here.

    Of an order that is shown twice the newest version counts. Of those that agree only the reference is kept.
    """

    def __init__(self, channel: Channel, context: RunContext) -> None:
        self._run = ChannelRun(channel, context, None)
        self._channel, self._orders = channel, context.storage.orders
        self._began_at = context.clock.now()
        self._found: dict[str, Difference | None] = {}
        self._documents: dict[str, Document] = {}
        self._nameless: dict[str, Difference] = {}
        self._looks = LOOKS if isinstance(channel, SupportsOrderLookup) else 0
        self._answers: dict[str, Document | None] = {}
        self._newest: dict[str, datetime] = {}
        self._left_out: list[Difference] = []
        self._enabled = True
        self.error: ChannelError | None = None

    @property
    def pages(self) -> int:
        """Return how many pages were read."""
        return self._run.counts["pages"]

    @property
    def shown(self) -> int:
        """Return how many orders were shown."""
        return len(self._found) + len(self._nameless)

    @property
    def agree(self) -> int:
        """Return how many of them are here just so."""
        return sum(found is None for found in self._found.values())

    @property
    def differences(self) -> Sequence[Difference]:
        """Return all that differs; nothing about orders that were not shown where the reading was cut."""
        left_out = self._left_out if self.error is None else ()
        return [*filter(None, self._found.values()), *self._nameless.values(), *left_out]

    @property
    def may_have_slipped(self) -> bool:
        """Say whether an order was left out that may only have moved to a page that was read already."""
        return any(one.details["there"] in (There.OPEN, There.UNKNOWN) for one in self._left_out)

    async def read(self) -> None:
        """Read everything unshipped, page after page, and compare each; an error that cuts this is kept."""
        life = (await self._run.storage.journal.life([self._channel.id]))[self._channel.id]
        self._enabled = life.state is not ChannelState.DISABLED
        scan = begin(self._channel, ScanKind.SWEEP, Progress(), now=self._run.now())
        cursors: set[str] = set()
        cursor: str | None = None
        try:
            for number in count(1):
                page = await fetch_page(self._run, scan, cursor)
                await self._compare(page, number)
                cursor = page.next_cursor
                if cursor is None:
                    return
                not_twice(self._run, cursor, cursors)
        except ChannelError as error:
            self.error = error

    async def look_again(self) -> None:
        """Look a second time at what differs: what was only under way agrees by now."""
        suspects = dict(self._documents)
        for reference in suspects:
            found = self._found[reference]
            if found is None or found.code not in LOOKED_AT:
                continue
            if not await self._ask(reference) and await self._was_seen_meanwhile(reference):
                self._found[reference] = None
        self._documents.clear()
        fresh = [self._answers.get(one, document) for one, document in suspects.items() if self._found[one] is not None]
        for reference in suspects.keys() & self._answers.keys():
            if self._answers[reference] is None:  # it was shown, and is gone since
                del self._found[reference]
        again = [document for document in fresh if document is not None]
        for start in range(0, len(again), BATCH):
            await self._compare(_page_of(again[start : start + BATCH]), 0)

    async def find_left_out(self) -> int:
        """Find the orders that are open here and were not shown; return how many are open here."""
        self._left_out.clear()
        here, after = 0, None
        while batch := await self._orders.listed(channel=self._channel.id, states=LIVE, limit=BATCH, after=after):
            here, after = here + len(batch), batch[-1].key
            for order in batch:
                if order.key.reference not in self._found and not self._is_told_whole(order):
                    await self._leave_out(order)
        return here

    async def _leave_out(self, order: Order) -> None:
        reference, settings = order.key.reference, self._channel.settings
        if await self._was_seen_meanwhile(reference):
            return
        there = standing(self._answers[reference], settings) if await self._ask(reference) else There.UNKNOWN
        now = (await self._orders.load([order.key])).get(order.key)
        if now is not None and now.state in LIVE:
            self._left_out.append(left_out(now, there, settings))

    async def _compare(self, page: OrderPage, number: int) -> None:
        for pair in await self._pairs(page, number):
            found = difference(pair)
            if pair.key is not None:
                self._note(pair.key.reference, pair.shown, found)
            elif found is not None and isinstance(pair.shown, UnreadableOrder):
                self._nameless[payload_hash(pair.shown.payload)] = found

    def _note(self, reference: str, shown: Document, found: Difference | None) -> None:
        if isinstance(shown, ChannelOrder):
            if shown.updated_at < self._newest.get(reference, shown.updated_at):
                return
            self._newest[reference] = shown.updated_at
        elif reference in self._newest:
            return
        self._found[reference] = found
        self._documents.pop(reference, None)
        if found is not None:
            self._documents[reference] = shown

    async def _pairs(self, page: OrderPage, number: int) -> Sequence[Pair]:
        """Put each order of a page beside what is here of it, and what a run would make of it."""
        decided = await decide(self._run, page, number)
        readable = {order.reference for order in page.orders}
        documents: Sequence[Document] = [*page.orders, *page.unreadable]
        once = [
            (seen, document)
            for seen, document in zip(decided, documents, strict=True)
            if seen.sighting is not DOUBLE and (isinstance(document, ChannelOrder) or seen.reference not in readable)
        ]
        here = await self._here({seen.reference for seen, _ in once if seen.reference is not None})
        return [await self._pair(seen, document, here) for seen, document in once]

    async def _here(self, references: Collection[str]) -> _Here:
        keys = [OrderKey(self._channel.id, reference) for reference in references]
        stored = await self._orders.load(keys)
        return _Here(
            stored=stored,
            known=await self._orders.known(self._channel.id, references),
            erased=await self._orders.erased(stored.keys()),
        )

    async def _pair(self, seen: Seen, document: Document, here: _Here) -> Pair:
        channel, reference = self._channel, seen.reference
        key = None if reference is None else OrderKey(channel.id, reference)
        order = None if key is None else here.stored.get(key)
        known = None if reference is None else here.known.get(reference)
        mapping = channel.settings.status_mapping
        same = False
        if known is not None and isinstance(document, ChannelOrder):
            same = is_same(known, order_digest(document), "" if mapping is None else mapping.version)
        processed = order is not None and order.state is OrderState.PROCESSED
        return Pair(
            shown=document,
            sighting=seen.sighting,
            order=order,
            settings=channel.settings,
            at=self._run.now(),
            key=key,
            same=same,
            erased=key in here.erased,
            enabled=self._enabled,
            whole_order=channel.whole_order_dispatch,
            notes=await self._orders.notes(key) if processed and key is not None else (),
        )

    async def _ask(self, reference: str) -> bool:
        """Look an order up, once; say whether the channel has answered."""
        channel = self._channel
        if reference in self._answers:
            return True
        if not self._looks or self.error is not None or not isinstance(channel, SupportsOrderLookup):
            return False
        self._looks -= 1
        try:
            found = await self._run.caller.read(lambda: channel.fetch_order(reference))
        except (ChannelUnavailableError, ChannelAuthError):
            self._looks = 0
            return False
        except ChannelError:
            return False
        if isinstance(found, UnreadableOrder) and found.reference is None:
            found = attrs.evolve(found, reference=reference)
        if found is not None and (not isinstance(found, Document) or found.reference != reference):
            return False  # it says nothing of the order that was asked for
        self._answers[reference] = found
        return True

    async def _was_seen_meanwhile(self, reference: str) -> bool:
        """Say whether a run has seen the order after this reading began, so that it was in no state to be compared."""
        decision = await self._orders.decision(OrderKey(self._channel.id, reference))
        return decision is not None and decision.last_seen_at is not None and decision.last_seen_at > self._began_at

    def _is_told_whole(self, order: Order) -> bool:
        """Say whether the channel took our first parcel for the whole order, which then leaves its sweeps."""
        return self._channel.whole_order_dispatch and any(line.processed for line in order.lines)


@attrs.frozen(kw_only=True)
class _Here:
    """What is here of the orders of a page."""

    stored: Mapping[OrderKey, Order]
    known: Mapping[str, Known]
    erased: Mapping[OrderKey, datetime]


def _page_of(documents: Sequence[Document]) -> OrderPage:
    return OrderPage(
        orders=[one for one in documents if isinstance(one, ChannelOrder)],
        unreadable=[one for one in documents if isinstance(one, UnreadableOrder)],
    )
