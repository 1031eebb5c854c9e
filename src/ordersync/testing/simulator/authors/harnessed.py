"""The marketplace of a channel's author: what is known of it through the harness, and what people do there."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import attrs

from ....clock import Clock
from ....model.channel_orders import ChannelOrder, Shipment
from ....model.dispatch import DispatchNote
from ....model.ids import OrderKey
from ...contracts.channel_harness import ChannelHarness
from ..trace import Trace

BY_HAND = "HAND"
MEDDLING = 0.15


@attrs.frozen(kw_only=True)
class Bought:
    """An order as its buyer placed it: when, by true time, and how many by SKU."""

    at: datetime
    lines: Mapping[str, int]

    @property
    def pieces(self) -> int:
        """Return how many pieces it has in all."""
        return sum(self.lines.values())


class HarnessedMarket:
    """What happened at the marketplace, by whoever did it.

    ``placed``: every order by reference; ``spoiled``: those whose documents became malformed; ``by_hand``: those that
    somebody shipped there, past ordersync; ``documents``: the last form of each that the channel returned;
    ``writes``: how many calls with an effect the channel was given; ``may_ship``: says which orders others may ship.
    """

    def __init__(self, harness: ChannelHarness, *, clock: Clock, chance: random.Random, trace: Trace) -> None:
        """Know nothing of the past."""
        self.harness, self.channel = harness, harness.channel
        self.may_ship: Callable[[str], bool] = lambda _: True
        self.placed: dict[str, Bought] = {}
        self.spoiled: set[str] = set()
        self.by_hand: set[str] = set()
        self.documents: dict[str, ChannelOrder] = {}
        self.writes: Counter[str] = Counter()
        self._clock, self._chance, self._trace = clock, chance, trace
        self._can_spoil = True

    async def levels(self) -> Mapping[str, int]:
        """Return what each listing shows in truth."""
        return await self.harness.known_levels()

    async def parcels(self, reference: str) -> Sequence[Shipment]:
        """Return what the marketplace counts as shipped of an order."""
        return await self.harness.known_dispatches(reference)

    async def is_shipped(self, reference: str) -> bool:
        """Say whether nothing of an order is left to ship."""
        gone = sum(sum(parcel.lines.values()) for parcel in await self.parcels(reference))
        return gone >= self.placed[reference].pieces

    async def buy(self) -> str | None:
        """Let a buyer buy some of what the listings show; None where they show nothing."""
        shown = await self.levels()
        offered = [sku for sku in self.harness.skus if shown.get(sku, 0) > 0]
        if not offered:
            return None
        skus = self._chance.sample(offered, self._chance.randint(1, min(2, len(offered))))
        return await self.place({sku: self._chance.randint(1, min(2, shown[sku])) for sku in skus})

    async def place(self, lines: Mapping[str, int]) -> str:
        """Let a buyer buy exactly this."""
        at = self._clock.now()
        reference = await self.harness.place_order(lines)
        self.placed[reference] = Bought(at=at, lines=lines)
        self._trace.event("bought", reference, str(dict(lines)))
        return reference

    async def spoil(self) -> str | None:
        """Let a new order's document become malformed before anybody has seen it."""
        if not self._can_spoil:
            return None
        reference = await self.buy()
        if reference is None:
            return None
        try:
            await self.harness.spoil_order(reference)
        except NotImplementedError:
            self._can_spoil = False
            return None
        self.spoiled.add(reference)
        self._trace.event("spoiled", reference)
        return reference

    async def meddle(self) -> None:
        """Sometimes let somebody ship while a list is being paged through: what stood behind it moves up."""
        if self._chance.random() < MEDDLING:
            await self.ship_by_hand()

    async def ship_by_hand(self) -> str | None:
        """Let somebody at the marketplace ship a whole order, past ordersync."""
        others = [one for one in self.documents if one not in self.by_hand and self.may_ship(one)]
        unshipped = [one for one in others if not await self.parcels(one)]
        if not unshipped:
            return None
        reference = self._chance.choice(unshipped)
        self.by_hand.add(reference)
        self._trace.event("shipped by hand", reference)
        with contextlib.suppress(Exception):  # whatever a call raises is judged where programs make it
            async with asyncio.timeout(self.channel.call_timeout.total_seconds()):
                await self.channel.send_dispatch(self._note(self.documents[reference]))
        return reference

    def _note(self, order: ChannelOrder) -> DispatchNote:
        key = OrderKey(self.channel.id, order.reference)
        left = {line.line_id: line.quantity - line.cancelled - line.shipped for line in order.lines}
        return DispatchNote(
            id=key.dispatch_id(BY_HAND),
            order_key=key,
            channel_order_id=order.channel_order_id,
            lines={line_id: pieces for line_id, pieces in left.items() if pieces},
            carrier="DHL",
            service=None,
            tracking_number=f"{BY_HAND}{order.reference}"[:40],
            tracking_url=None,
            dispatched_at=self._clock.now(),
        )
