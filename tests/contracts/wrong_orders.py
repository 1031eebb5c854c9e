"""Order stores with one mistake each, and the law that must find it."""

# ruff: noqa: ARG002 - what is wrong may well be that an argument is ignored

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from ordersync import lifecycle
from ordersync.errors import LeaseLostError
from ordersync.model.ids import ChannelId, Fence, OrderKey
from ordersync.model.orders import LIVE, Decision, Order, OrderChange, OrderState
from ordersync.model.pages import PageWork
from ordersync.model.runs import Progress
from ordersync.model.stock import Due, Sale
from ordersync.storage.memory import MemoryOrderStore


class Tolerant:
    """Fences that refuse nobody."""

    def check(self, fence: Fence | None) -> None:
        """Let everybody pass."""


class NoFence(MemoryOrderStore):
    """Does not compare tokens."""

    def __init__(self) -> None:
        super().__init__()
        self._fences: Any = Tolerant()


class FenceNotRaised(MemoryOrderStore):
    """Compares tokens, but only ``fence`` raises the highest one seen."""

    async def fence(self, fence: Fence) -> None:
        """Raise."""
        self._fences.check(fence)
        self._fences.check = self._compare  # type: ignore[method-assign]

    def _compare(self, fence: Fence | None) -> None:
        if fence is not None and fence.token < self._fences._highest.get(fence.channel, 0):
            raise LeaseLostError(str(fence.channel))


class OneFence(MemoryOrderStore):
    """Keeps one highest token for all channels."""

    async def fence(self, fence: Fence) -> None:
        """Forget which channel it was."""
        for channel in (ChannelId("Shop", "one"), ChannelId("Market", "two")):
            self._fences.check(Fence(channel, fence.token))


class FenceAfterwards(MemoryOrderStore):
    """Compares tokens when it has written already."""

    async def reserved(
        self,
        revisions: Mapping[OrderKey, int],
        *,
        held: Mapping[OrderKey, int] | None = None,
        fence: Fence | None = None,
    ) -> None:
        """Write, then compare."""
        await super().reserved(revisions, held=held)
        self._fences.check(fence)


class TellsPersonalData(MemoryOrderStore):
    """Says whose order it was when it refuses."""

    async def save_page(self, work: PageWork, *, fence: Fence, at: datetime) -> bool:
        """Quote the page."""
        try:
            return await super().save_page(work, fence=fence, at=at)
        except LeaseLostError as exc:
            buyers = [order.buyer and order.buyer.name for order in work.new]
            raise LeaseLostError(f"{exc} {buyers}") from exc


class StoresTwice(MemoryOrderStore):
    """Writes a new order over a stored one."""

    async def save_page(self, work: PageWork, *, fence: Fence, at: datetime) -> bool:
        """Forget what is stored."""
        for order in work.new:
            self._orders.pop(order.key, None)
        return await super().save_page(work, fence=fence, at=at)


class SavesInPart(MemoryOrderStore):
    """Keeps a stale page's decisions."""

    async def save_page(self, work: PageWork, *, fence: Fence, at: datetime) -> bool:
        """Write decisions anyway."""
        saved = await super().save_page(work, fence=fence, at=at)
        if not saved:
            for decision in work.decisions:
                self._decide(decision, at)
        return saved


class MovesWatermark(MemoryOrderStore):
    """Moves the watermark past a page that was stale."""

    async def save_page(self, work: PageWork, *, fence: Fence, at: datetime) -> bool:
        """Write progress anyway."""
        saved = await super().save_page(work, fence=fence, at=at)
        if work.progress is not None:
            self._progress[work.channel] = work.progress
        return saved


class ForgetsFirstSighting(MemoryOrderStore):
    """Takes every sighting of an order for the first."""

    def _decide(self, decision: Decision, at: datetime) -> None:
        self._decisions.pop(decision.key, None)
        super()._decide(decision, at)


class TouchesSeenOrders(MemoryOrderStore):
    """Raises the revision of an order that was only seen."""

    async def save_page(self, work: PageWork, *, fence: Fence, at: datetime) -> bool:
        """Touch what was seen."""
        saved = await super().save_page(work, fence=fence, at=at)
        for key in work.seen:
            self._orders[key] = lifecycle.advance(self._orders[key])
        return saved


class DueWhileWaiting(MemoryOrderStore):
    """Lets a run reserve what a waiting parcel still holds."""

    def _has_waiting(self, key: OrderKey) -> bool:
        return False


class DueWhenLive(MemoryOrderStore):
    """Forgets what the ledger still holds for orders that are over."""

    async def due(
        self,
        channel: ChannelId,
        *,
        limit: int,
        key: OrderKey | None = None,
        after: OrderKey | None = None,
        fence: Fence | None = None,
    ) -> Sequence[Due]:
        """Leave out what is over."""
        found = await super().due(channel, limit=limit, key=key, after=after, fence=fence)
        return [due for due in found if self._orders[due.claim.order_key].state in LIVE]


class ReservedUnseen(MemoryOrderStore):
    """Takes every revision that was reserved for the order's own."""

    async def reserved(
        self,
        revisions: Mapping[OrderKey, int],
        *,
        held: Mapping[OrderKey, int] | None = None,
        fence: Fence | None = None,
    ) -> None:
        """Ignore which revision it was."""
        await super().reserved({key: self._orders[key].stock_revision for key in revisions}, fence=fence)


class ReservedReopens(MemoryOrderStore):
    """Opens whatever was reserved."""

    async def reserved(
        self,
        revisions: Mapping[OrderKey, int],
        *,
        held: Mapping[OrderKey, int] | None = None,
        fence: Fence | None = None,
    ) -> None:
        """Open it."""
        await super().reserved(revisions, held=held, fence=fence)
        for key in revisions:
            if key in self._orders:
                self._orders[key] = attrs.evolve(self._orders[key], state=OrderState.OPEN)


class ReservedUnnoticed(MemoryOrderStore):
    """Keeps the revision of an order that was reserved."""

    async def reserved(
        self,
        revisions: Mapping[OrderKey, int],
        *,
        held: Mapping[OrderKey, int] | None = None,
        fence: Fence | None = None,
    ) -> None:
        """Lower the revision again."""
        before = {key: self._orders[key].revision for key in revisions if key in self._orders}
        await super().reserved(revisions, held=held, fence=fence)
        for key, revision in before.items():
            self._orders[key] = attrs.evolve(self._orders[key], revision=revision)


class IgnoresTheLedger(MemoryOrderStore):
    """Does not listen to what the ledger answered."""

    async def reserved(
        self,
        revisions: Mapping[OrderKey, int],
        *,
        held: Mapping[OrderKey, int] | None = None,
        fence: Fence | None = None,
    ) -> None:
        """Ignore the answer."""
        await super().reserved(revisions, fence=fence)


class ReplacesBlindly(MemoryOrderStore):
    """Writes an order over whatever is stored."""

    async def replace(
        self, order: Order, *, expect: int, change: OrderChange | None = None, fence: Fence | None = None
    ) -> bool:
        """Expect what is there."""
        return await super().replace(order, expect=self._orders[order.key].revision, change=change, fence=fence)


class ForgetsNewerDoubt(MemoryOrderStore):
    """Takes a doubt for told when an older one of its order was."""

    async def doubted(self, sales: Collection[Sale], *, fence: Fence | None = None) -> None:
        """Forget the order's doubt."""
        for sale in sales:
            self._doubts.pop(sale.order_key, None)


class HandsOutItsOwn(MemoryOrderStore):
    """Returns what it goes on to write in."""

    async def load(self, keys: Collection[OrderKey], *, fence: Fence | None = None) -> Mapping[OrderKey, Order]:
        """Hand out the orders themselves."""
        await super().load(keys, fence=fence)
        return self._orders


class HalfDone(MemoryOrderStore):
    """Saves a page order by order, and may be cancelled in between."""

    async def save_page(self, work: PageWork, *, fence: Fence, at: datetime) -> bool:
        """Pause after the first order."""
        if work.new and not any(order.key in self._orders for order in work.new):
            self._orders[work.new[0].key] = work.new[0]
            await asyncio.sleep(0)
            del self._orders[work.new[0].key]
        return await super().save_page(work, fence=fence, at=at)


class HangsWhenCancelled(MemoryOrderStore):
    """Keeps its lock when its caller is cancelled."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = asyncio.Lock()

    async def progress(self, channel: ChannelId, *, fence: Fence | None = None) -> Progress:
        """Take the lock, and never mind cancellation."""
        await self._lock.acquire()
        await asyncio.sleep(0)
        found = await super().progress(channel, fence=fence)
        self._lock.release()
        return found


WRONG_ORDER_STORES = {
    NoFence: "test_lower_token_is_refused",
    FenceNotRaised: "test_every_verb_raises_the_token",
    OneFence: "test_tokens_belong_to_their_channel",
    FenceAfterwards: "test_lower_token_is_refused",
    TellsPersonalData: "test_refusal_names_no_person",
    StoresTwice: "test_order_is_stored_once",
    SavesInPart: "test_page_with_a_stale_change_writes_nothing",
    MovesWatermark: "test_page_with_a_stored_new_order_writes_nothing",
    ForgetsFirstSighting: "test_decision_keeps_its_first_sighting",
    TouchesSeenOrders: "test_seen_moves_only_the_last_sighting",
    DueWhileWaiting: "test_waiting_parcel_is_finished_first",
    DueWhenLive: "test_every_state_is_due",
    ReservedUnseen: "test_reserved_is_conditional",
    ReservedReopens: "test_reserved_opens_only_new_orders",
    ReservedUnnoticed: "test_reserved_raises_the_revision",
    IgnoresTheLedger: "test_ledger_that_holds_more_is_overtaken",
    ReplacesBlindly: "test_replace_is_compare_and_set",
    ForgetsNewerDoubt: "test_newer_doubt_stays",
    HandsOutItsOwn: "test_what_was_returned_stays",
    HalfDone: "test_writing_verbs_are_done_or_not_done",
    HangsWhenCancelled: "test_reading_verbs_leave_the_store_usable",
}
