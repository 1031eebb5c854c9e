"""How checkers read a storage whose verbs never wait: at once, between two events."""

from __future__ import annotations

from collections.abc import Collection, Coroutine, Mapping, Sequence
from typing import Any, TypeVar, cast

from ...errors import OrderNotFoundError
from ...model.dispatch import Note, ParcelRecord
from ...model.ids import ChannelId, OrderKey
from ...model.listings import Listing
from ...model.orders import Decision, Order
from ...model.pages import Quarantined, Watch
from ...model.runs import ChannelLife, Progress
from ...model.stock import Claim, Movement, StockLevel
from ...ports import OwnStockLedger, Storage

T = TypeVar("T")
ALL = 1_000_000


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine that never waits."""
    try:
        work.send(None)
    except StopIteration as done:
        return cast("T", done.value)
    work.close()
    raise RuntimeError("a verb of the storage waits, and the simulator cannot read between two events")


class StorageReader:
    """The committed state of one storage."""

    def __init__(self, storage: Storage) -> None:
        """Read from *storage*, past all faults."""
        self._orders, self._listings, self._journal = storage.orders, storage.listings, storage.journal
        self._stock = cast("OwnStockLedger", storage.stock)

    def order(self, key: OrderKey) -> Order | None:
        """Return one order in any state; None when it is not stored."""
        try:
            return at_once(self._orders.get(key))
        except OrderNotFoundError:
            return None

    def orders(self, channel: ChannelId) -> Sequence[Order]:
        """Return a channel's orders in any state, by key."""
        return at_once(self._orders.listed(channel=channel, limit=ALL))

    def decision(self, key: OrderKey) -> Decision | None:
        """Return what was decided about an order; None when nothing was."""
        return at_once(self._orders.decision(key))

    def decisions(self, channel: ChannelId) -> Sequence[Decision]:
        """Return a channel's decisions, by key."""
        return at_once(self._orders.decisions_by_key(channel, limit=ALL))

    def quarantined(self, channel: ChannelId) -> Sequence[Quarantined]:
        """Return the documents that wait in quarantine, oldest first."""
        return at_once(self._orders.quarantined(channel, limit=ALL))

    def watch(self, key: OrderKey) -> Watch | None:
        """Return an order's place on the watch list; None when it is not on it."""
        return at_once(self._orders.watch(key))

    def notes(self, key: OrderKey) -> Sequence[Note]:
        """Return all notes of an order, oldest first."""
        return at_once(self._orders.notes(key))

    def parcel(self, key: OrderKey, parcel_id: str) -> ParcelRecord | None:
        """Return a parcel as it was recorded."""
        return at_once(self._orders.parcel(key, parcel_id))

    def levels(self, skus: Collection[str]) -> Sequence[StockLevel]:
        """Return the levels of *skus* at every location that knows them."""
        return at_once(self._stock.levels(list(skus)))

    def held(self, key: OrderKey) -> Claim | None:
        """Return what an order holds; None when it never claimed anything."""
        return at_once(self._stock.held(key))

    def history(self, sku: str) -> Sequence[Movement]:
        """Return every movement of a SKU, newest first."""
        return at_once(self._stock.history(sku, limit=ALL))

    def changed(self) -> Mapping[str, int] | None:
        """Return the changed SKUs that are not acknowledged yet; None where the ledger keeps no such list."""
        return at_once(self._stock.changed(limit=ALL))

    def listings(self, channel: ChannelId) -> Sequence[Listing]:
        """Return a channel's linked listings, by id."""
        return at_once(self._listings.of_channel(channel))

    def links_revision(self, channel: ChannelId) -> int:
        """Return how often what a channel's listings mean has changed."""
        return at_once(self._listings.links(channel, [])).revision

    def progress(self, channel: ChannelId) -> Progress:
        """Return how far a channel's orders are known."""
        return at_once(self._orders.progress(channel))

    def life(self, channel: ChannelId) -> ChannelLife:
        """Return where a channel stands."""
        return at_once(self._journal.life([channel]))[channel]

    def kits(self) -> Mapping[str, Mapping[str, int]]:
        """Return all kits by SKU, each with what it is made of."""
        return at_once(self._listings.kits())
