"""All that must be so: the orders, the shelves, and what the runs can know of their channels."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta

import attrs

from ordersync import ChannelId, OrderKey, OrderState
from ordersync.model.orders import ConflictCode, Resolution

from . import people
from .orders import LivingOrder, Meaning, Rules, saved
from .shown import Shown
from .stock import Links, Shelves


@attrs.frozen
class Sweep:
    """One complete reading: when it began, by count and by clock."""

    moment: int
    at: datetime


@attrs.define
class Sweeps:
    """What the complete readings of one channel have shown, and what was concluded."""

    began: Sweep | None = None
    complete: Sweep | None = None
    judged: Sweep | None = None
    trusted: Sweep | None = None
    known: int = 0
    missing: Collection[OrderKey] = ()
    credible: bool | None = None


@attrs.define
class ChannelModel:
    """What is decided about one channel, and what was seen of it."""

    rules: Rules
    can_look: bool
    by_settings: Mapping[ConflictCode, Resolution]
    links_read: Links = attrs.field(factory=dict)
    sweeps: Sweeps = attrs.field(factory=Sweeps)


@attrs.define
class Model:
    """What happened, in the words of a person who was there."""

    channels: dict[ChannelId, ChannelModel]
    shelves: Shelves
    orders: dict[OrderKey, LivingOrder] = attrs.field(factory=dict)
    skipped: dict[OrderKey, Shown] = attrs.field(factory=dict)
    first_seen: dict[OrderKey, int] = attrs.field(factory=dict)
    last_seen: dict[OrderKey, int] = attrs.field(factory=dict)
    blind: dict[OrderKey, list[tuple[int, int]]] = attrs.field(factory=dict)
    vanished_at: dict[OrderKey, int] = attrs.field(factory=dict)
    saved_at: dict[OrderKey, int] = attrs.field(factory=dict)
    saved_skus: dict[OrderKey, Collection[str]] = attrs.field(factory=dict)
    moment: int = 0

    def tick(self) -> int:
        """Let one more moment pass."""
        self.moment += 1
        return self.moment

    def meaning(self, channel: ChannelId) -> Meaning:
        """Return what channel SKUs mean at this moment."""
        return self.shelves.meanings(channel).get

    def read_links(self, channel: ChannelId) -> None:
        """Let a run know what the channel's SKUs mean now."""
        self.channels[channel].links_read = self.shelves.meanings(channel)

    def see(self, key: OrderKey, shown: Shown) -> None:
        """Let a run take in what a channel shows of an order."""
        channel, before = self.channels[key.channel], self.last_seen.get(key, 0)
        self.last_seen[key] = self.tick()
        self.first_seen.setdefault(key, self.moment)
        known, meaning = self.orders.get(key), channel.links_read.get
        if known is not None:
            living = known.state is not OrderState.PROCESSED
            if known.shown.pieces(living=living) == shown.pieces(living=living):
                self.blind.setdefault(key, []).append((before, self.moment))
            known.see(shown, meaning)
            return
        new = saved(key, shown, channel.rules, meaning)
        if new is None:
            self.skipped[key] = shown
        else:
            self.orders[key], self.saved_at[key] = new, self.moment
            self.saved_skus[key] = {line.sku for line in shown.lines.values()}
            self.skipped.pop(key, None)

    def was_blind(self, key: OrderKey, moment: int) -> bool:
        """Say whether nobody can know what an order did at a moment: the next look showed it as the one before."""
        return any(begin < moment < end for begin, end in self.blind.get(key, ()))

    def shown_last(self, key: OrderKey) -> Shown | None:
        """Return what was last seen of an order."""
        known = self.orders.get(key)
        return self.skipped.get(key) if known is None else known.shown

    def links_found(self, key: OrderKey) -> None:
        """Let a run look again at the lines that meant nothing yet."""
        order = self.orders[key]
        assert order.lives, f"{key} is linked, and does not live"
        for line in order.lines.values():
            if line.parts is None:
                line.parts = self.channels[key.channel].links_read.get(line.sku)

    def of_channel(self, channel: ChannelId) -> Iterator[LivingOrder]:
        """Return the stored orders of a channel."""
        return (order for key, order in self.orders.items() if key.channel == channel)

    def judge(self, channel: ChannelId) -> tuple[int, int]:
        """Begin to judge the last sweep: say how many orders it should have shown, and how many of them it did not."""
        sweeps = self.channels[channel].sweeps
        assert sweeps.complete is not None
        expected = [order.key for order in self.of_channel(channel) if order.is_expected]
        expected = [key for key in expected if self.first_seen[key] < sweeps.complete.moment]
        sweeps.known, sweeps.credible = len(expected), None
        sweeps.missing = [key for key in expected if self.last_seen[key] < sweeps.complete.moment]
        return sweeps.known, len(sweeps.missing)

    def is_credible(self, channel: ChannelModel) -> bool:
        """Say whether the sweep proves anything: it left out no more than half, or none has been better for a day.

        Orders that were looked up and have ended are missing with good reason.
        """
        sweeps = channel.sweeps
        if sweeps.credible is None:
            assert sweeps.complete is not None
            ended = sum(not self.orders[key].is_expected for key in sweeps.missing) if channel.can_look else 0
            stale = sweeps.trusted is not None and sweeps.complete.at - sweeps.trusted.at >= timedelta(days=1)
            sweeps.credible = (len(sweeps.missing) - ended) * 2 <= sweeps.known or stale
        return sweeps.credible

    def judged(self, channel: ChannelId) -> None:
        """Be done with the last sweep."""
        known = self.channels[channel]
        if known.sweeps.judged != known.sweeps.complete:
            known.sweeps.trusted = known.sweeps.complete if self.is_credible(known) else known.sweeps.trusted
            known.sweeps.judged = known.sweeps.complete

    def vanish(self, key: OrderKey, *, looked_up: bool) -> None:
        """Let a run conclude that the channel does not know an order any more."""
        order, channel = self.orders[key], self.channels[key.channel]
        assert order.is_expected, f"{key} was not expected to be shown, and is said to have vanished"
        if channel.can_look:
            assert looked_up, f"{key} is said to have vanished, and nobody looked"
        else:
            trusted = channel.sweeps.trusted
            assert self.is_credible(channel), f"{key} is said to have vanished by a sweep that proves nothing"
            assert trusted is not None, f"{key} is said to have vanished after a single sweep"
            assert self.last_seen[key] < trusted.moment, f"{key} is said to have vanished, and was seen since"
        order.conflict = ConflictCode.VANISHED
        self.vanished_at[key] = self.tick()

    def by_settings(self, key: OrderKey) -> Resolution | None:
        """Return how the settings decide an order's conflict."""
        order, channel = self.orders[key], self.channels[key.channel]
        if order.conflict is None or not order.lives:
            return None
        if order.conflict is ConflictCode.SHIPPED_ELSEWHERE and order.shown.by_channel:
            return Resolution.PROCESS
        resolution = channel.by_settings.get(order.conflict)
        return resolution if resolution in people.CHOICES[order.conflict] else None

    def resolve_by_settings(self, key: OrderKey, parcel_id: str = "") -> None:
        """Let a run decide a conflict as the settings say."""
        resolution = self.by_settings(key)
        assert resolution is not None, f"{key} was decided by settings that say nothing of {self.orders[key].conflict}"
        people.resolve(self.orders[key], resolution, parcel_id)
