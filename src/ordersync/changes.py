"""Changing a stored order, for the desk and the run alike: compare and set, and read anew when somebody was faster."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import attrs

from .conflicts import follow_lines, keep, pieces_elsewhere, require
from .errors import ParcelConflictError, TransitionError
from .handling import relink
from .history import entry_of
from .lifecycle import OrderEvent, cancel
from .model.dispatch import Parcel, ParcelRecord
from .model.ids import Fence, OrderKey
from .model.orders import Order, Reason, Resolution
from .parcels import process
from .ports import ParcelAnswer, Storage
from .settlement import finish, settle

TRIES = 10
"""How often an order is read anew because somebody else wrote it in between."""

Step = Callable[[Order], Order]


@attrs.frozen(kw_only=True)
class Change:
    """A change that somebody makes to an order.

    *expect*: the revision that they looked at; if anything happened to the order since, the change is refused and
    they are told what. Without it the change is made to the order as it is now.
    """

    storage: Storage
    key: OrderKey
    by: Reason
    expect: int | None = None
    fence: Fence | None = None

    async def make(self, event: OrderEvent, step: Step, **facts: str) -> None:
        """Write what *step* makes of the order, with a line for its history."""
        for _ in range(TRIES):
            order = await self._read()
            if await self._replace(order, step(order), event, **facts):
                return
        raise _busy(self.key)

    async def relink(self) -> None:
        """Let every line take from stock what its channel SKU means now."""
        for _ in range(TRIES):
            order = await self._read()
            skus = sorted({line.channel_sku for line in order.lines})
            links = await self.storage.listings.links(self.key.channel, skus, fence=self.fence)
            if await self._replace(order, relink(order, links), OrderEvent.RELINKED):
                return
        raise _busy(self.key)

    async def record(self, asked: Parcel) -> ParcelRecord:
        """Record a parcel once, finishing another of the order first if its goods have not moved yet."""
        for _ in range(TRIES):
            known = await self.storage.orders.parcel(self.key, asked.id)
            if known is not None:
                return _same(known, asked)
            try:
                recorded = await self._record(await self._read(), asked)
            except TransitionError:
                if await self.storage.orders.parcel(self.key, asked.id) is None:
                    raise
                continue  # somebody recorded the very same parcel in between
            if recorded is not None:
                return recorded
        raise _busy(self.key)

    async def resolve(self, resolution: Resolution) -> ParcelRecord | None:
        """Resolve the order's conflict; what left by other hands is recorded as a parcel, still to be finished."""
        if resolution is not Resolution.PROCESS:
            steps: dict[Resolution, Step] = {
                Resolution.KEEP: keep,
                Resolution.FOLLOW: lambda order: follow_lines(order, by=self.by),
                Resolution.CANCEL: self._cancel,
            }
            await self.make(OrderEvent.RESOLVED, steps[resolution], resolution=resolution)
            return None
        for _ in range(TRIES):
            order = await self._read()
            require(order, resolution)
            asked = Parcel(id=f"elsewhere-{order.revision}", lines=pieces_elsewhere(order))
            recorded = await self._record(order, asked, elsewhere=True)
            if recorded is not None:
                return recorded
        raise _busy(self.key)

    def _cancel(self, order: Order) -> Order:
        require(order, Resolution.CANCEL)
        return cancel(order, by=self.by)

    async def _record(self, order: Order, asked: Parcel, *, elsewhere: bool = False) -> ParcelRecord | None:
        """Record a parcel of the order as it was read; None when it must be read anew."""
        orders = self.storage.orders
        after, record, note = process(order, asked, at=self.by.at, elsewhere=elsewhere)
        event = OrderEvent.PROCESSED_IN_PART if after.state is order.state else OrderEvent.PROCESSED
        entry = entry_of(order, after, event, self.by, **({"resolution": Resolution.PROCESS} if elsewhere else {}))
        answer = await orders.record_parcel(record, after, note, expect=order.revision, change=entry, fence=self.fence)
        if answer is ParcelAnswer.ANOTHER_WAITING:
            for parcel in await orders.waiting(self.key.channel, key=self.key, limit=1, fence=self.fence):
                await finish(self.storage, parcel, at=self.by.at, fence=self.fence)
        return record if answer is ParcelAnswer.RECORDED else None

    async def _replace(self, order: Order, after: Order, event: OrderEvent, **facts: str) -> bool:
        entry = entry_of(order, after, event, self.by, **facts)
        return await self.storage.orders.replace(after, expect=order.revision, change=entry, fence=self.fence)

    async def _read(self) -> Order:
        order = await self.storage.orders.get(self.key)
        if self.expect is not None and order.revision != self.expect:
            await self._require_unchanged(self.expect)
        return order

    async def _require_unchanged(self, since: int) -> None:
        """Tell the loser what happened since they looked; that stock was settled meanwhile is nothing to them."""
        history = [entry for entry in await self.storage.orders.history(self.key) if entry.revision > since]
        if history:
            told = "; ".join(f"{entry.event} {Reason(who=entry.who, why=entry.why, at=entry.at)}" for entry in history)
            raise TransitionError(f"{self.key}: changed since you looked: {told}; look at it again")


async def settled(storage: Storage, key: OrderKey, *, at: datetime) -> Order:
    """Settle what an order holds and return it as it is now."""
    dues = await storage.orders.due(key.channel, key=key, limit=1)
    if dues:
        await settle(storage, dues, at=at)
    return await storage.orders.get(key)


def _same(known: ParcelRecord, asked: Parcel) -> ParcelRecord:
    if known.asked != asked:
        raise ParcelConflictError(
            f"{known.order_key}: parcel {asked.id!r} was processed before with other content; "
            "give another parcel its own id"
        )
    return known


def _busy(key: OrderKey) -> TransitionError:
    return TransitionError(f"{key}: somebody else keeps changing it; look at it and try again")
