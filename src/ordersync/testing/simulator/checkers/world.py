"""What checkers know of the world beside the storage: the markets' truth, and the settings in force."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

import attrs

from ....model.channel_orders import ChannelOrder, PaymentStatus, UnreadableOrder
from ....model.ids import ChannelId
from ....model.listings import ListingId
from ....model.runs import ChannelState
from ....model.settings import ChannelSettings
from ....model.stock import StockRule
from .reader import Reader


class TraitsView(Protocol):
    """What a market is like, as far as checkers have to know."""

    @property
    def decrements_on_sale(self) -> bool:
        """Say whether a sale lowers what the listing shows."""

    @property
    def requires_tracking(self) -> bool:
        """Say whether a note without tracking is refused."""

    @property
    def whole_order_dispatch(self) -> bool:
        """Say whether an order is shipped in one."""

    @property
    def can_look_up(self) -> bool:
        """Say whether one order can be asked for."""

    @property
    def moves_stamps(self) -> bool:
        """Say whether every change moves ``updated_at``."""

    @property
    def in_update_order(self) -> bool:
        """Say whether pages come in the order of their stamps."""

    @property
    def paging(self) -> str:
        """Return how lists are cut into pages: ``keyset``, ``token`` or ``offset``."""

    @property
    def lag(self) -> timedelta:
        """Return how long a change takes to show, at most."""

    @property
    def granularity(self) -> timedelta:
        """Return what stamps are rounded down to."""

    @property
    def call_timeout(self) -> timedelta:
        """Return how long a call may take."""

    @property
    def skew(self) -> timedelta:
        """Return how far its clock is ahead."""

    @property
    def late_window(self) -> timedelta:
        """Return how long after its time-out a request may still take effect."""


class TrueLineView(Protocol):
    """One line of an order as it truly is; ``quantity`` is gross."""

    @property
    def line_id(self) -> str:
        """Return the market's id of the line."""

    @property
    def sku(self) -> str:
        """Return the listing that it was bought by."""

    @property
    def quantity(self) -> int:
        """Return how many were bought, gross."""

    @property
    def cancelled(self) -> int:
        """Return how many of them were cancelled."""

    @property
    def shipped(self) -> int:
        """Return how many of them left."""


class TrueOrderView(Protocol):
    """An order as it truly is on its market."""

    @property
    def reference(self) -> str:
        """Return its order number."""

    @property
    def lines(self) -> Sequence[TrueLineView]:
        """Return its lines."""

    @property
    def done(self) -> bool:
        """Say whether nothing is left to ship."""

    @property
    def cancelled(self) -> bool:
        """Say whether it was cancelled as a whole, or in all that had not left."""

    @property
    def payment(self) -> PaymentStatus:
        """Return how it stands with its money."""

    @property
    def held(self) -> bool:
        """Say whether the market holds it."""

    @property
    def word(self) -> str | None:
        """Return the status word that somebody gave it by hand, which nobody may know."""

    @property
    def spoiled(self) -> bool:
        """Say whether its document cannot be read just now."""

    @property
    def anonymous(self) -> bool:
        """Say whether a document that cannot be read does not say either whose it is."""

    @property
    def removed(self) -> bool:
        """Say whether it vanished."""

    @property
    def buyer(self) -> str:
        """Return who bought it, by a name that occurs nowhere else."""

    @property
    def taken_at(self) -> datetime:
        """Return when the market's own levels fell for it, by the market's clock."""

    @property
    def placed_at(self) -> datetime:
        """Return when it was bought, by the market's clock."""

    @property
    def updated_at(self) -> datetime:
        """Return when it changed last, by the market's clock."""


class ShownView(Protocol):
    """One form of an order, as readers see it from one change to the next."""

    @property
    def version(self) -> int:
        """Return how many changes it had."""

    @property
    def updated_at(self) -> datetime:
        """Return its stamp, by the market's clock."""

    @property
    def done(self) -> bool:
        """Say whether nothing was left to ship, which takes it out of sweeps."""

    @property
    def document(self) -> ChannelOrder | UnreadableOrder:
        """Return what was answered."""


class ShipmentView(Protocol):
    """Goods that a market marked as sent."""

    @property
    def reference(self) -> str:
        """Return the order that they are of."""

    @property
    def note_id(self) -> str | None:
        """Return the note that said so; None for what was marked by hand."""

    @property
    def lines(self) -> Mapping[str, int]:
        """Return what left, by line id."""


@runtime_checkable
class AppliedLevelView(Protocol):
    """A level that a market took over."""

    @property
    def at(self) -> datetime:
        """Return when, by the true clock."""

    @property
    def sku(self) -> str:
        """Return which listing shows it."""

    @property
    def quantity(self) -> int:
        """Return what it shows."""

    @property
    def attempt_id(self) -> str:
        """Return the attempt it came with."""


class AppliedNoteView(Protocol):
    """An effect of a dispatch note on a market."""

    @property
    def at(self) -> datetime:
        """Return when, by the true clock."""

    @property
    def reference(self) -> str:
        """Return the order that it shipped."""

    @property
    def note_id(self) -> str:
        """Return the note it came with."""

    @property
    def lines(self) -> Mapping[str, int]:
        """Return what left, by line id."""

    @property
    def carrier(self) -> str | None:
        """Return who carries it."""

    @property
    def tracking_number(self) -> str | None:
        """Return its tracking number."""

    @property
    def by(self) -> str:
        """Return who sent it."""


class MarketView(Protocol):
    """What checkers read of a market."""

    @property
    def traits(self) -> TraitsView:
        """Return what it is like."""

    @property
    def orders(self) -> Mapping[str, TrueOrderView]:
        """Return every order there ever was, by reference."""

    @property
    def levels(self) -> Mapping[str, int]:
        """Return what each listing shows."""

    @property
    def applied(self) -> Sequence[AppliedLevelView]:
        """Return every level ever applied."""

    @property
    def notes(self) -> Sequence[AppliedNoteView]:
        """Return every effect of a note, by whom ever."""

    @property
    def shipments(self) -> Sequence[ShipmentView]:
        """Return all that was marked as sent, by hand too."""

    @property
    def shown(self) -> Mapping[str, Sequence[ChannelOrder]]:
        """Return the readable documents of each order that were answered to somebody, oldest first."""

    def last_shown(self, reference: str) -> ShownView | None:
        """Return the newest form of an order that was answered to somebody, readable or not; None if none was."""

    def now(self) -> datetime:
        """Return the market's own clock."""


@attrs.frozen(kw_only=True)
class World:
    """The markets and what people decided about them. The mappings may be living ones: settings change.

    ``links``: what listings are linked to, as people last said; ``rules``: listings' own rules. ``locations``: every
    place where stock lies. ``broken``: channels that no run can reach in the end.
    ``doubles``: the net may apply one request twice, so that two effects need not be of two calls.
    """

    markets: Mapping[ChannelId, MarketView]
    settings: Mapping[ChannelId, ChannelSettings]
    links: Mapping[ChannelId, Mapping[ListingId, Mapping[str, int]]] = attrs.field(factory=dict)
    rules: Mapping[ChannelId, Mapping[ListingId, StockRule]] = attrs.field(factory=dict)
    locations: Sequence[str] = ("main",)
    broken: Collection[ChannelId] = ()
    doubles: bool = False

    def is_worked_on(self, channel: ChannelId, reader: Reader) -> bool:
        """Say whether runs do a channel's work in the end."""
        return channel not in self.broken and reader.life(channel).state is ChannelState.ENABLED

    @property
    def traits(self) -> Mapping[ChannelId, TraitsView]:
        """Return what each market is like."""
        return {channel: market.traits for channel, market in self.markets.items()}
