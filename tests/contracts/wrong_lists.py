"""Order stores with one mistake each about lists of orders and their histories, and the law that must find it."""

# ruff: noqa: ANN401, ARG002 - what is wrong may well be that an argument is ignored

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import attrs

from ordersync.model.dispatch import Note, ParcelRecord
from ordersync.model.ids import ChannelId, Fence, OrderKey
from ordersync.model.orders import Order, OrderChange, OrderState
from ordersync.model.pages import PageWork
from ordersync.ports import ParcelAnswer
from ordersync.storage.memory import MemoryOrderStore


class ListsAnyState(MemoryOrderStore):
    """Ignores which states were asked for."""

    async def listed(self, *, states: Collection[OrderState] | None = None, **asked: Any) -> Sequence[Order]:
        """Forget the states."""
        return await super().listed(**asked)


class ListsAllForNone(MemoryOrderStore):
    """Takes no state for every state."""

    async def listed(self, *, states: Collection[OrderState] | None = None, **asked: Any) -> Sequence[Order]:
        """Confuse them."""
        return await super().listed(states=states or None, **asked)


class ListsTheUndisputed(MemoryOrderStore):
    """Lists orders in conflict only when they are asked for."""

    async def listed(self, *, conflicts: bool = False, limit: int = 1000, **asked: Any) -> Sequence[Order]:
        """Leave the others out."""
        found = await super().listed(conflicts=conflicts, limit=limit, **asked)
        return [order for order in found if conflicts or order.conflict is None]


class ListsEveryChannel(MemoryOrderStore):
    """Ignores the channel."""

    async def listed(self, *, channel: ChannelId | None = None, **asked: Any) -> Sequence[Order]:
        """Forget it."""
        return await super().listed(**asked)


class ListsFromTheStart(MemoryOrderStore):
    """Shows the first page again and again."""

    async def listed(self, *, after: OrderKey | None = None, **asked: Any) -> Sequence[Order]:
        """Forget where to go on."""
        return await super().listed(**asked)


class ListsBehindTheNumber(MemoryOrderStore):
    """Goes on behind an order number, whatever its channel."""

    async def listed(self, *, after: OrderKey | None = None, limit: int = 1000, **asked: Any) -> Sequence[Order]:
        """Compare numbers."""
        found = await super().listed(limit=9999, **asked)
        return [order for order in found if after is None or order.key.reference > after.reference][:limit]


class ListsByNumber(MemoryOrderStore):
    """Sorts the orders of all channels by their numbers."""

    async def listed(self, *, limit: int = 1000, **asked: Any) -> Sequence[Order]:
        """Sort otherwise."""
        found = await super().listed(limit=9999, **asked)
        return sorted(found, key=lambda order: order.key.reference)[:limit]


class ListsWhatWasInConflict(MemoryOrderStore):
    """Goes on listing an order that is in conflict no more."""

    def __init__(self) -> None:
        super().__init__()
        self._disputed: set[OrderKey] = set()

    async def listed(self, *, conflicts: bool = False, **asked: Any) -> Sequence[Order]:
        """Remember them."""
        self._disputed |= {key for key, order in self._orders.items() if order.conflict is not None}
        if conflicts:
            return [self._orders[key] for key in sorted(self._disputed)]
        return await super().listed(**asked)


class TellsNoDetails(MemoryOrderStore):
    """Keeps no details of what happened."""

    async def history(self, key: OrderKey) -> Sequence[OrderChange]:
        """Leave them out."""
        return [attrs.evolve(entry, details={}) for entry in await super().history(key)]


class TellsTheNewestFirst(MemoryOrderStore):
    """Turns the history around."""

    async def history(self, key: OrderKey) -> Sequence[OrderChange]:
        """Turn it."""
        return list(reversed(await super().history(key)))


class TellsByTheText(MemoryOrderStore):
    """Sorts the history by revisions as text."""

    async def history(self, key: OrderKey) -> Sequence[OrderChange]:
        """Sort it."""
        return sorted(await super().history(key), key=lambda entry: str(entry.revision))


class TellsOfSaving(MemoryOrderStore):
    """Writes an entry for every new order."""

    async def save_page(self, work: PageWork, *, fence: Fence, at: datetime) -> bool:
        """Tell of it."""
        saved = await super().save_page(work, fence=fence, at=at)
        for order in work.new if saved else ():
            entry = OrderChange(revision=1, event="saved", who="a run", at=at)
            self._changes.setdefault(order.key, []).append(entry)
        return saved


class TellsOfSilence(MemoryOrderStore):
    """Writes an entry of its own where none is given."""

    def _write_over(self, order: Order, change: OrderChange | None) -> None:
        entry = OrderChange(revision=order.revision, event="changed", who="somebody", at=order.updated_at)
        super()._write_over(order, change or entry)


class PageTellsNothing(MemoryOrderStore):
    """Forgets what a page changed."""

    async def save_page(self, work: PageWork, *, fence: Fence, at: datetime) -> bool:
        """Leave it out."""
        silent = tuple(attrs.evolve(changed, change=None) for changed in work.changed)
        return await super().save_page(attrs.evolve(work, changed=silent), fence=fence, at=at)


class ParcelTellsNothing(MemoryOrderStore):
    """Forgets what a parcel changed."""

    async def record_parcel(
        self, parcel: ParcelRecord, order: Order, note: Note, *, change: OrderChange | None = None, **options: Any
    ) -> ParcelAnswer:
        """Leave it out."""
        return await super().record_parcel(parcel, order, note, **options)


class TellsWhatWasNotDone(MemoryOrderStore):
    """Writes the entry of a change that was not made."""

    async def replace(self, order: Order, *, change: OrderChange | None = None, **options: Any) -> bool:
        """Tell of it first."""
        if change is not None:
            self._changes.setdefault(order.key, []).append(change)
        return await super().replace(order, **options)


class TellsWhatDidNotLeave(MemoryOrderStore):
    """Writes the entry of a parcel that was not recorded."""

    async def record_parcel(
        self, parcel: ParcelRecord, order: Order, note: Note, *, change: OrderChange | None = None, **options: Any
    ) -> ParcelAnswer:
        """Tell of it first."""
        if change is not None:
            self._changes.setdefault(order.key, []).append(change)
        return await super().record_parcel(parcel, order, note, **options)


WRONG_LISTS = {
    ListsAnyState: "test_list_holds_what_was_asked_for",
    ListsAllForNone: "test_list_holds_what_was_asked_for",
    ListsTheUndisputed: "test_list_holds_what_was_asked_for",
    ListsEveryChannel: "test_list_holds_what_was_asked_for",
    ListsFromTheStart: "test_list_goes_on_behind_a_key",
    ListsBehindTheNumber: "test_list_goes_on_behind_a_key",
    ListsByNumber: "test_list_is_in_order_of_keys",
    ListsWhatWasInConflict: "test_list_follows_the_orders",
    TellsNoDetails: "test_entry_comes_back_equal",
    TellsTheNewestFirst: "test_history_is_oldest_first",
    TellsByTheText: "test_history_is_oldest_first",
    TellsOfSaving: "test_nothing_happened_to_a_new_order",
    TellsOfSilence: "test_write_without_an_entry_tells_nothing",
    PageTellsNothing: "test_page_tells_what_it_changed",
    ParcelTellsNothing: "test_parcel_tells_what_left",
    TellsWhatWasNotDone: "test_stale_change_is_not_told",
    TellsWhatDidNotLeave: "test_refused_parcel_is_not_told",
}
