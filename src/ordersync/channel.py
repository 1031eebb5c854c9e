"""The Channel base class, and what a channel may offer beyond it."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, ClassVar, Literal, Protocol, Self, runtime_checkable

from .admission import taken_codes
from .authoring import check_class
from .errors import ConfigurationError
from .model.channel_orders import ChannelOrder, Diagnosis, OrderPage, UnreadableOrder
from .model.dispatch import DispatchNote
from .model.ids import ChannelId, OrderKey
from .model.listings import ListingPage, StockResult, StockUpdate
from .model.settings import ChannelSettings, StatusMapping

SCANS = ("updated", "state", "both")


class Channel(ABC):
    """One place that sells: an account on a marketplace, or a web shop.

    An implementation must keep these laws (``ChannelContract`` checks them):

    * every method may be called again with the same arguments, and then changes nothing more;
    * it raises ``ChannelError`` and nothing else when the outside world misbehaves, with ``applied=False``
      only where the effect certainly did not take place;
    * it neither retries nor sleeps: the runner does, honouring ``ChannelUnavailableError.retry_after``;
    * one call is one request or a few, never a loop over pages;
    * it may be cancelled at any await and stays usable;
    * times are aware and in UTC, money is ``Decimal`` made from text;
    * a malformed order becomes an ``UnreadableOrder`` with its payload, not an exception.

    Class attributes say what kind of channel it is:

    * ``statuses``: its fixed status words; empty where shops define their own;
    * ``requires_status_mapping``: nothing is downloaded until the settings map its words;
    * ``stock_batch_size``: how many levels one ``push_stock`` takes;
    * ``decrements_on_sale``: it lowers what it shows by itself when it sells;
    * ``requires_tracking``: it refuses a dispatch note without a tracking number;
    * ``whole_order_dispatch``: it can only mark whole orders as shipped;
    * ``scan``: ``"updated"`` where ``updated_at`` can be trusted, ``"state"`` where it says nothing, ``"both"`` where
      it tells of some changes, such as cancellations, and sweeps must find the others;
    * ``pages_in_update_order``: pages come oldest update first, also with ``updated_since=None``;
    * ``listing_lag``: how long a change may take to show in what it answers;
    * ``stamp_granularity``: the resolution of its timestamps;
    * ``clock_skew``: how far ``placed_at`` may lie from the moment it lowered its own level;
    * ``compare_and_set``: it applies a level only if it shows ``StockUpdate.expected`` (None: unconditionally);
    * ``call_timeout``: the longest that one call may take;
    * ``late_window``: how long after that a copy of a request may still take effect;
    * ``downloads_unpaid``: its unpaid orders are downloaded too, parked, unless the settings say otherwise: as is
      usual for Amazon and eBay, whose pending orders have taken their goods off sale;
    * ``default_mapping``: what its shops' words mean unless the settings map them; not beside fixed ``statuses``.
    """

    statuses: ClassVar[frozenset[str]] = frozenset()
    requires_status_mapping: ClassVar[bool] = False
    stock_batch_size: ClassVar[int] = 100
    decrements_on_sale: ClassVar[bool] = True
    requires_tracking: ClassVar[bool] = False
    whole_order_dispatch: ClassVar[bool] = False
    scan: ClassVar[Literal["updated", "state", "both"]] = "updated"
    pages_in_update_order: ClassVar[bool] = False
    listing_lag: ClassVar[timedelta] = timedelta(0)
    stamp_granularity: ClassVar[timedelta] = timedelta(seconds=1)
    clock_skew: ClassVar[timedelta] = timedelta(seconds=30)
    compare_and_set: ClassVar[bool] = False
    call_timeout: ClassVar[timedelta] = timedelta(seconds=60)
    late_window: ClassVar[timedelta] = timedelta(minutes=10)
    downloads_unpaid: ClassVar[bool] = False
    default_mapping: ClassVar[StatusMapping | None] = None

    def __init_subclass__(cls, **options: Any) -> None:  # noqa: ANN401 - of other bases
        """Check what the author of a channel wrote."""
        super().__init_subclass__(**options)
        check_class(cls, base=Channel, offers=OFFERS)
        _check_offers(cls)
        _check_defaults(cls)

    def __init__(self, channel_id: ChannelId, *, settings: ChannelSettings = ChannelSettings()) -> None:  # noqa: B008
        """Name the channel and take its settings, filled in with what its class decides; opens nothing."""
        if not isinstance(channel_id, ChannelId):
            raise ConfigurationError(
                f"{type(self).__name__}: the first argument must be a ChannelId(source, subsource), "
                f"not {type(channel_id).__name__}"
            )
        self.id = channel_id
        self.settings = self.settings_in_force(settings)
        self._entered = False

    def settings_in_force(self, settings: ChannelSettings) -> ChannelSettings:
        """Return what *settings* come to on this channel; ``ConfigurationError`` for what it cannot have."""
        if settings.status_mapping is not None and self.statuses:
            raise ConfigurationError(
                f"{self.id}: settings.status_mapping is given, but {type(self).__name__} has fixed statuses; "
                "remove the mapping"
            )
        taken = taken_codes(settings)
        if taken:
            raise ConfigurationError(
                f"{self.id}: settings.checks: {', '.join(taken)} means a check of ordersync; choose another code"
            )
        return settings.for_channel(downloads_unpaid=self.downloads_unpaid, default_mapping=self.default_mapping)

    @abstractmethod
    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Return one page of orders.

        With ``updated_since=None``: a complete sweep of everything that is not shipped. With a time: every order
        changed at that time or later, shipped and cancelled ones included. *cursor* is the last page's
        ``next_cursor`` and good only within one scan.
        """

    @abstractmethod
    async def push_stock(self, updates: Sequence[StockUpdate]) -> Sequence[StockResult]:
        """Make listings show these absolute levels; return what became of each.

        At most ``stock_batch_size`` updates. A batch refused as a whole raises ``ChannelRejectedError``.
        """

    @abstractmethod
    async def send_dispatch(self, note: DispatchNote) -> None:
        """Tell the channel that a parcel has left."""

    async def test_connection(self) -> None:
        """Raise a ``ChannelError`` unless the channel can be reached with our credentials."""
        await self.fetch_orders(updated_since=None)

    @property
    def is_open(self) -> bool:
        """Say whether the channel was entered and not left yet."""
        return self._entered

    async def open(self) -> None:  # noqa: B027 - a hook: a channel may need nothing
        """Acquire what the channel needs, such as an HTTP session."""

    async def aclose(self) -> None:  # noqa: B027 - as open
        """Release it; may be called twice."""

    async def __aenter__(self) -> Self:
        """Open the channel."""
        await self.open()
        self._entered = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the channel."""
        self._entered = False
        await self.aclose()

    def __repr__(self) -> str:
        """Return class and id; settings may hold more than a log should."""
        return f"<{type(self).__name__} {self.id}>"


@runtime_checkable
class SupportsOrderLookup(Protocol):
    """A channel that can be asked for one order by its reference."""

    async def fetch_order(self, reference: str) -> ChannelOrder | UnreadableOrder | None:
        """Return the order as it stands now, in any state; None when the channel does not know it."""
        ...


@runtime_checkable
class SupportsListings(Protocol):
    """A channel whose listings can be read back."""

    async def fetch_listings(self, *, cursor: str | None = None) -> ListingPage:
        """Return one page of what the channel's listings show now."""
        ...


@runtime_checkable
class SupportsWebhooks(Protocol):
    """A channel that can say which orders one of its webhooks is about."""

    def parse_webhook(self, *, headers: Mapping[str, str], body: bytes) -> Sequence[OrderKey]:
        """Verify a webhook's signature and return the orders that it is about."""
        ...


@runtime_checkable
class SupportsDiagnosis(Protocol):
    """A channel that knows more reasons than ordersync why one of its orders may not come."""

    async def diagnose(self, reference: str, *, order: ChannelOrder | None, live: bool) -> Sequence[Diagnosis]:
        """Return what else may keep this order away; asks the channel only if *live*.

        *order* is what is known of the order already, None if nothing is.
        """
        ...


@runtime_checkable
class SupportsPayloads(Protocol):
    """A channel that can read again a document which was kept in quarantine."""

    def read_order(self, payload: bytes) -> ChannelOrder | UnreadableOrder:
        """Read the document of one order; asks nobody."""
        ...


@runtime_checkable
class SupportsServerClock(Protocol):
    """A channel that has seen the clock of its server."""

    @property
    def clock_offset(self) -> timedelta | None:
        """Return how far the channel's clock was ahead of ours in its last answer; None before any."""
        ...


OFFERS = (
    SupportsOrderLookup,
    SupportsListings,
    SupportsWebhooks,
    SupportsDiagnosis,
    SupportsPayloads,
    SupportsServerClock,
)
"""What a channel may have beyond what it must."""


def _check_offers(cls: type) -> None:
    """Raise ``TypeError`` for a property that was written as a verb: nobody would call it."""
    if inspect.isfunction(getattr(cls, "clock_offset", None)):
        raise TypeError(f"{cls.__name__}.clock_offset is a def, and must be a property; put @property above it")


def _check_defaults(channel: Channel | type[Channel]) -> None:
    """Raise ``TypeError`` unless what a channel decides for its settings has its type and can be in force."""
    name = channel.__name__ if isinstance(channel, type) else type(channel).__name__
    unpaid, mapping = channel.downloads_unpaid, channel.default_mapping
    if not isinstance(unpaid, bool):
        raise TypeError(f"{name}.downloads_unpaid: expected bool, got {type(unpaid).__name__}")
    if not isinstance(mapping, StatusMapping | None):
        raise TypeError(f"{name}.default_mapping: expected StatusMapping, got {type(mapping).__name__}")
    if mapping is not None and channel.statuses:
        raise TypeError(f"{name}.default_mapping is given beside fixed statuses; set statuses = frozenset()")


def check_registered(channel: object) -> None:
    """Raise ``TypeError`` unless this is a channel, initialised, and its class attributes have their types."""
    name = channel.__name__ if isinstance(channel, type) else type(channel).__name__
    if isinstance(channel, type):
        raise TypeError(f"{name} is a class; register a channel made of it: {name}(ChannelId(source, subsource), ...)")
    if not isinstance(channel, Channel):
        raise TypeError(f"{name} is no Channel; derive it from ordersync.Channel")
    if not hasattr(channel, "id") or not hasattr(channel, "settings"):
        raise TypeError(f"{name}.__init__ must call super().__init__(channel_id, settings=settings)")
    _check_defaults(channel)
    for trait in vars(Channel)["__annotations__"].keys() - {"default_mapping"}:
        kind, value = type(getattr(Channel, trait)), getattr(channel, trait)
        if not isinstance(value, kind):
            raise TypeError(f"{name}.{trait}: expected {kind.__name__}, got {type(value).__name__}")
    if channel.scan not in SCANS:
        raise TypeError(f"{name}.scan is {channel.scan!r}; write {' or '.join(map(repr, SCANS))}")
