"""How checkers read what is committed, between two events and without waiting."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from ....model.dispatch import Note, ParcelRecord
from ....model.ids import ChannelId, OrderKey
from ....model.listings import Listing
from ....model.orders import Decision, Order
from ....model.pages import Quarantined, Watch
from ....model.runs import ChannelLife, Progress
from ....model.stock import Claim, Movement, StockLevel


class Reader(Protocol):
    """The committed state of one storage. Every answer is complete: no page, no limit."""

    def order(self, key: OrderKey) -> Order | None:
        """Return one order in any state; None when it is not stored."""

    def orders(self, channel: ChannelId) -> Sequence[Order]:
        """Return a channel's orders in any state, by key."""

    def decision(self, key: OrderKey) -> Decision | None:
        """Return what was decided about an order; None when nothing was."""

    def decisions(self, channel: ChannelId) -> Sequence[Decision]:
        """Return a channel's decisions, by key."""

    def quarantined(self, channel: ChannelId) -> Sequence[Quarantined]:
        """Return the documents that wait in quarantine, oldest first."""

    def watch(self, key: OrderKey) -> Watch | None:
        """Return an order's place on the watch list; None when it is not on it."""

    def notes(self, key: OrderKey) -> Sequence[Note]:
        """Return all notes of an order, oldest first."""

    def parcel(self, key: OrderKey, parcel_id: str) -> ParcelRecord | None:
        """Return a parcel as it was recorded."""

    def levels(self, skus: Collection[str]) -> Sequence[StockLevel]:
        """Return the levels of *skus* at every location that knows them."""

    def held(self, key: OrderKey) -> Claim | None:
        """Return what an order holds; None when it never claimed anything."""

    def history(self, sku: str) -> Sequence[Movement]:
        """Return every movement of a SKU, newest first."""

    def listings(self, channel: ChannelId) -> Sequence[Listing]:
        """Return a channel's linked listings, by id."""

    def links_revision(self, channel: ChannelId) -> int:
        """Return how often what a channel's listings mean has changed."""

    def progress(self, channel: ChannelId) -> Progress:
        """Return how far a channel's orders are known."""

    def life(self, channel: ChannelId) -> ChannelLife:
        """Return where a channel stands."""

    def kits(self) -> Mapping[str, Mapping[str, int]]:
        """Return all kits by SKU, each with what it is made of."""
