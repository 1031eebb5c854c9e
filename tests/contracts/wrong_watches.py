"""Order stores with one mistake each about the watch list and sweeps, and the law that must find it."""

# ruff: noqa: ANN401, ARG002 - what is wrong may well be that an argument is ignored

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from ordersync.conflicts import is_expected
from ordersync.model.channel_orders import FulfillmentStatus
from ordersync.model.ids import ChannelId, Fence, OrderKey
from ordersync.model.orders import Order
from ordersync.model.pages import PageWork, Watch, WatchChange
from ordersync.storage.memory import MemoryOrderStore
from ordersync.testing.builders import make_decision

MICROSECOND = timedelta(microseconds=1)


class WatchesNothing(MemoryOrderStore):
    """Puts no order on the watch list."""

    def _watch(self, changes: Collection[WatchChange]) -> None:
        """Ignore them."""


class LooksTooEarly(MemoryOrderStore):
    """Shows a watch a moment before its look."""

    async def watched(self, channel: ChannelId, *, at: datetime, limit: int, **options: Any) -> Sequence[Watch]:
        """Be early."""
        return await super().watched(channel, at=at + MICROSECOND, limit=limit, **options)


class LooksTooLate(MemoryOrderStore):
    """Shows a watch a moment after its look."""

    async def watched(self, channel: ChannelId, *, at: datetime, limit: int, **options: Any) -> Sequence[Watch]:
        """Be late."""
        return await super().watched(channel, at=at - MICROSECOND, limit=limit, **options)


class RenewsNothing(MemoryOrderStore):
    """Keeps the first watch of an order."""

    def _watch(self, changes: Collection[WatchChange]) -> None:
        super()._watch([change for change in changes if change.after is None or change.key not in self._watches])


class RenewsToSoonerOnly(MemoryOrderStore):
    """Keeps the soonest look of an order, as for a hint."""

    def _watch(self, changes: Collection[WatchChange]) -> None:
        before = dict(self._watches)
        super()._watch(changes)
        for key, watch in before.items():
            if key in self._watches and watch.look_at < self._watches[key].look_at:
                self._watches[key] = watch


class TakesNothingOff(MemoryOrderStore):
    """Leaves every order on the watch list."""

    def _watch(self, changes: Collection[WatchChange]) -> None:
        super()._watch([change for change in changes if change.after is not None])


class OverwritesHints(MemoryOrderStore):
    """Changes the watch list whatever stands on it by now."""

    def _watch(self, changes: Collection[WatchChange]) -> None:
        super()._watch([attrs.evolve(change, before=self._watches.get(change.key)) for change in changes])


class EmptiesTheList(MemoryOrderStore):
    """Keeps only what the last page watches."""

    def _watch(self, changes: Collection[WatchChange]) -> None:
        self._watches = {change.key: change.before for change in changes if change.before is not None}
        super()._watch(changes)


class WatchesForStalePages(MemoryOrderStore):
    """Writes the watches of a page that is stale."""

    async def save_page(self, work: PageWork, *, fence: Fence, at: datetime) -> bool:
        """Watch first."""
        self._watch(work.watches)
        return await super().save_page(work, fence=fence, at=at)


class ByKey(MemoryOrderStore):
    """Shows watches in order of keys."""

    async def watched(self, channel: ChannelId, *, at: datetime, limit: int, **options: Any) -> Sequence[Watch]:
        """Sort otherwise."""
        found = await super().watched(channel, at=at, limit=99, **options)
        return sorted(found, key=lambda watch: watch.key)[:limit]


class WatchesOfEverybody(MemoryOrderStore):
    """Shows the watches of all channels."""

    async def watched(self, channel: ChannelId, *, at: datetime, limit: int, **options: Any) -> Sequence[Watch]:
        """Forget the channel."""
        await super().watched(channel, at=at, limit=limit, **options)
        due = [watch for watch in self._watches.values() if watch.look_at <= at]
        return sorted(due, key=lambda watch: watch.look_at)[:limit]


class HintsOfTheStored(MemoryOrderStore):
    """Listens to hints of stored orders only."""

    async def hint(self, key: OrderKey, *, at: datetime) -> None:
        """Ignore the others."""
        if key in self._orders:
            await super().hint(key, at=at)


class HintDecides(MemoryOrderStore):
    """Takes a hint for a sighting."""

    async def hint(self, key: OrderKey, *, at: datetime) -> None:
        """Decide."""
        await super().hint(key, at=at)
        self._decide(make_decision(key), at)


class HintTouches(MemoryOrderStore):
    """Raises the revision of an order that was hinted at."""

    async def hint(self, key: OrderKey, *, at: datetime) -> None:
        """Raise it."""
        await super().hint(key, at=at)
        if key in self._orders:
            self._orders[key] = attrs.evolve(self._orders[key], revision=self._orders[key].revision + 1)


class HintPutsOff(MemoryOrderStore):
    """Takes the time of the last hint."""

    async def hint(self, key: OrderKey, *, at: datetime) -> None:
        """Replace the look."""
        await super().hint(key, at=at)
        self._watches[key] = attrs.evolve(self._watches[key], look_at=at)


class HintBegins(MemoryOrderStore):
    """Begins a watch anew with each hint."""

    async def hint(self, key: OrderKey, *, at: datetime) -> None:
        """Begin."""
        await super().hint(key, at=at)
        self._watches[key] = attrs.evolve(self._watches[key], since=at)


class HintTakesTheKey(MemoryOrderStore):
    """Takes an order that was hinted at for stored."""

    async def save_page(self, work: PageWork, *, fence: Fence, at: datetime) -> bool:
        """Refuse it."""
        if any(order.key in self._watches for order in work.new):
            return False
        return await super().save_page(work, fence=fence, at=at)


class HintIsCut(MemoryOrderStore):
    """May be cancelled between the two halves of a hint."""

    async def hint(self, key: OrderKey, *, at: datetime) -> None:
        """Pause with a watch that is not the right one."""
        await super().hint(key, at=at - MICROSECOND)
        await asyncio.sleep(0)
        self._watches[key] = attrs.evolve(self._watches[key], look_at=at)


class WatchedByAnybody(MemoryOrderStore):
    """Compares no token."""

    async def watched(self, channel: ChannelId, *, at: datetime, limit: int, **_: Any) -> Sequence[Watch]:
        """Show it anyway."""
        return await super().watched(channel, at=at, limit=limit)


class MissingForAnybody(MemoryOrderStore):
    """Compares no token."""

    async def missing(
        self, channel: ChannelId, *, before: datetime, limit: int, after: OrderKey | None = None, **_: Any
    ) -> Sequence[Order]:
        """Show it anyway."""
        return await super().missing(channel, before=before, limit=limit, after=after)


class CountsForAnybody(MemoryOrderStore):
    """Compares no token."""

    async def missing_counts(self, channel: ChannelId, *, before: datetime, **_: Any) -> tuple[int, int]:
        """Count anyway."""
        return await super().missing_counts(channel, before=before)


class ShowsTheKeysOfMissing(MemoryOrderStore):
    """Shows missing orders without their lines."""

    async def missing(self, channel: ChannelId, *, before: datetime, limit: int, **options: Any) -> Sequence[Order]:
        """Leave the lines out."""
        found = await super().missing(channel, before=before, limit=limit, **options)
        return [attrs.evolve(order, lines=()) for order in found]


class AllAreMissing(MemoryOrderStore):
    """Never minds what a sweep showed."""

    def _unseen_since(self, order: Order, moment: datetime) -> bool:
        return True


class SeenAtOnceIsMissing(MemoryOrderStore):
    """Takes what the sweep showed in its first moment for missing."""

    def _unseen_since(self, order: Order, moment: datetime) -> bool:
        return super()._unseen_since(order, moment + MICROSECOND)


class ExpectsTheNewest(MemoryOrderStore):
    """Expects of a sweep what was first seen in its first moment."""

    def _expected(self, channel: ChannelId, before: datetime, *, after: OrderKey | None = None) -> Iterator[Order]:
        return super()._expected(channel, before + MICROSECOND, after=after)


class CountsExpectedOnly(MemoryOrderStore):
    """Counts what is missing as all that was expected."""

    async def missing_counts(self, channel: ChannelId, *, before: datetime, **options: Any) -> tuple[int, int]:
        """Count one thing."""
        _, missing = await super().missing_counts(channel, before=before, **options)
        return missing, missing


class ExpectsAlso(MemoryOrderStore):
    """Expects orders as if some facts of theirs were others."""

    instead: Mapping[str, object] = {}

    def _expected(self, channel: ChannelId, before: datetime, *, after: OrderKey | None = None) -> Iterator[Order]:
        return (
            order
            for order in self._orders.of(channel, after=after)
            if is_expected(attrs.evolve(order, **self.instead))  # type: ignore[arg-type]
        )


class ExpectsTheShipped(ExpectsAlso):
    """Expects what was shipped or cancelled on the channel."""

    instead = {"fulfillment": FulfillmentStatus.UNSHIPPED}  # noqa: RUF012


class ExpectsTheVanished(ExpectsAlso):
    """Expects what has vanished already."""

    instead = {"conflict": None}  # noqa: RUF012


class KnowsWatchesOfSeenOrders(MemoryOrderStore):
    """Tells the watch of an order only once it was seen."""

    async def watch(self, key: OrderKey) -> Watch | None:
        """Return a watch."""
        return await super().watch(key) if key in self._decisions else None


class ExpectsWhatWasLetStand(ExpectsAlso):
    """Expects what a person let stand as vanished."""

    instead = {"reviewed": None}  # noqa: RUF012


class ForgivesCase(MemoryOrderStore):
    """Compares what a person let stand without case."""

    def _expected(self, channel: ChannelId, before: datetime, *, after: OrderKey | None = None) -> Iterator[Order]:
        found = super()._expected(channel, before, after=after)
        return (order for order in found if (order.reviewed or "").upper() != "VANISHED")


class JudgesTheFirstReading(MemoryOrderStore):
    """Keeps what was expected once."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[ChannelId, list[Order]] = {}

    def _expected(self, channel: ChannelId, before: datetime, *, after: OrderKey | None = None) -> Iterator[Order]:
        return iter(self._kept.setdefault(channel, list(super()._expected(channel, before))))


class SweepsOfEverybody(MemoryOrderStore):
    """Expects the orders of all channels."""

    def _expected(self, channel: ChannelId, before: datetime, *, after: OrderKey | None = None) -> Iterator[Order]:
        return (order for one in self._orders.channels for order in super(type(self), self)._expected(one, before))


class MissingFromTheStart(MemoryOrderStore):
    """Shows the first page of what is missing again and again."""

    async def missing(
        self, channel: ChannelId, *, before: datetime, limit: int, after: OrderKey | None = None, **options: Any
    ) -> Sequence[Order]:
        """Ignore where to go on."""
        return await super().missing(channel, before=before, limit=limit, **options)


class RewantsEverything(MemoryOrderStore):
    """Makes every order due."""

    async def rewant(self, keys: Collection[OrderKey]) -> None:
        """Name them all."""
        await super().rewant(list(self._orders))


class RewantsByNumber(MemoryOrderStore):
    """Takes orders of one number for one order."""

    async def rewant(self, keys: Collection[OrderKey]) -> None:
        """Forget the channel."""
        numbers = {key.reference for key in keys}
        await super().rewant([key for key in self._orders if key.reference in numbers])


class RewantsOneByOne(MemoryOrderStore):
    """May be cancelled between two orders."""

    async def rewant(self, keys: Collection[OrderKey]) -> None:
        """Pause after each."""
        for key in keys:
            await super().rewant([key])
            await asyncio.sleep(0)


WRONG_WATCHES = {
    WatchesNothing: "test_watch_comes_back_equal",
    LooksTooEarly: "test_look_is_due_from_its_moment_on",
    LooksTooLate: "test_look_is_due_from_its_moment_on",
    RenewsNothing: "test_watch_is_renewed",
    RenewsToSoonerOnly: "test_watch_is_renewed",
    TakesNothingOff: "test_order_is_taken_off",
    OverwritesHints: "test_change_of_another_watch_is_left_out",
    EmptiesTheList: "test_page_leaves_other_watches",
    WatchesForStalePages: "test_stale_page_watches_nothing",
    ByKey: "test_longest_overdue_comes_first",
    KnowsWatchesOfSeenOrders: "test_hint_of_an_order_never_seen",
    WatchesOfEverybody: "test_longest_overdue_comes_first",
    HintsOfTheStored: "test_hint_of_an_order_never_seen",
    HintDecides: "test_hint_of_an_order_never_seen",
    HintTouches: "test_hint_changes_no_order",
    HintPutsOff: "test_hint_makes_a_look_sooner_and_never_later",
    HintBegins: "test_hint_makes_a_look_sooner_and_never_later",
    HintTakesTheKey: "test_hinted_order_is_saved",
    HintIsCut: "test_writing_verbs_are_done_or_not_done",
    WatchedByAnybody: "test_lower_token_is_refused",
    MissingForAnybody: "test_lower_token_is_refused",
    CountsForAnybody: "test_every_verb_raises_the_token",
    ShowsTheKeysOfMissing: "test_order_not_seen_since_is_missing",
    AllAreMissing: "test_order_seen_since_is_not_missing",
    SeenAtOnceIsMissing: "test_order_seen_since_is_not_missing",
    ExpectsTheNewest: "test_order_first_seen_since_is_not_expected",
    CountsExpectedOnly: "test_order_seen_since_is_not_missing",
    ExpectsTheShipped: "test_ended_orders_are_not_expected",
    ExpectsTheVanished: "test_ended_orders_are_not_expected",
    ExpectsWhatWasLetStand: "test_ended_orders_are_not_expected",
    ForgivesCase: "test_expected_is_what_the_rule_says",
    JudgesTheFirstReading: "test_order_that_changes_is_judged_anew",
    SweepsOfEverybody: "test_other_channels_sweeps_are_their_own",
    MissingFromTheStart: "test_missing_orders_come_by_key",
    RewantsEverything: "test_rewant_makes_some_orders_due",
    RewantsByNumber: "test_rewant_knows_channels_apart",
    RewantsOneByOne: "test_writing_verbs_are_done_or_not_done",
}
