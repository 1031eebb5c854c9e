"""A channel's settings: what is downloaded, where it goes, and what the channel shows of our stock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import attrs

from .channel_orders import ChannelOrder
from .fields import as_tuple, complain, each, frozen_mapping, is_a, is_mapping, is_text, maybe_moment, optional, text
from .orders import Resolution
from .stock import StockRule


class MappedStatus(StrEnum):
    """What a shop's own status word can mean for the download."""

    PAID = "paid"
    UNPAID = "unpaid"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"
    IGNORED = "ignored"


def _words(value: Iterable[str]) -> frozenset[str]:
    words = as_tuple(value)
    return frozenset(words) if isinstance(words, tuple) else words


@attrs.frozen(kw_only=True)
class StatusMapping:
    """The settings that translate a shop's own status words and so decide what is downloaded.

    A word in none of the groups is unknown and quarantined; ``ignored`` words are skipped on purpose.
    ``version`` is kept with every decision.
    """

    version: str = text(longest=40)
    paid: frozenset[str] = attrs.field(default=frozenset(), converter=_words, validator=each(is_text()))
    unpaid: frozenset[str] = attrs.field(default=frozenset(), converter=_words, validator=each(is_text()))
    shipped: frozenset[str] = attrs.field(default=frozenset(), converter=_words, validator=each(is_text()))
    cancelled: frozenset[str] = attrs.field(default=frozenset(), converter=_words, validator=each(is_text()))
    ignored: frozenset[str] = attrs.field(default=frozenset(), converter=_words, validator=each(is_text()))

    def __attrs_post_init__(self) -> None:
        """Refuse a word that is mapped twice."""
        words = [word for group in MappedStatus for word in self._group(group)]
        twice = sorted({word for word in words if words.count(word) > 1})
        if twice:
            raise ValueError(f"StatusMapping: mapped more than once: {', '.join(map(repr, twice))}")

    def _group(self, status: MappedStatus) -> frozenset[str]:
        group: frozenset[str] = getattr(self, status.value)
        return group

    def meaning(self, word: str) -> MappedStatus | None:
        """Return what *word* is mapped to, None when it is unknown."""
        return next((status for status in MappedStatus if word in self._group(status)), None)


@attrs.frozen(kw_only=True)
class HostCheck:
    """A host's own condition for a download; ``refuses`` returns a sentence for an order to skip, else None."""

    code: str = text(longest=80)
    refuses: Callable[[ChannelOrder], str | None]


class UnknownDispatch(StrEnum):
    """What to do with a note of unknown fate on a channel that cannot be looked at."""

    ASK = "ask"
    RESEND = "resend"
    NEVER = "never"


def _maybe_resolution(value: Resolution | str | None) -> Resolution | None:
    return None if value is None else Resolution(value)


def _place(value: object) -> object:
    return frozen_mapping(value) if isinstance(value, Mapping) else value


@attrs.frozen(kw_only=True)
class ChannelSettings:
    """What a host decides about one channel.

    ``location``: where its orders are saved to, or a map from the channel's own locations.
    ``initial_from``: orders placed earlier are skipped; None takes every order unshipped now.
    ``carriers``: our carrier names → the channel's codes; a carrier missing from a non-empty map is
    reported and its note waits. ``overlap``: how far each scan reaches back behind the watermark.
    ``sweep_every``: how often everything unshipped is read anew. ``dispatch_window``: how long a note is tried.
    ``link_by_sku``: a channel SKU that is linked to nothing means our SKU of exactly the same name.
    ``import_shipped``, ``import_cancelled``: orders that ended before they were first seen are stored as
    processed or cancelled, moving no stock, instead of being skipped. ``shipped_elsewhere``, ``vanished``: how
    these conflicts are resolved without asking; None leaves them to a person. ``watch_for``: how long an order
    that waits for its payment is looked up again and again. ``fulfillment_location``: where orders are
    saved to that the channel fulfils itself, which never dispatches them; they reserve there only with
    ``fulfillment_reserves``, for who keeps that stock here too.
    """

    download_unpaid: bool = attrs.field(default=False, validator=is_a(bool))
    status_mapping: StatusMapping | None = attrs.field(default=None, validator=optional(is_a(StatusMapping)))
    location: str | Mapping[str, str] = attrs.field(default="main", converter=_place)
    initial_from: datetime | None = maybe_moment()
    stock_rule: StockRule = attrs.field(factory=StockRule, validator=is_a(StockRule))
    link_by_sku: bool = attrs.field(default=False, validator=is_a(bool))
    carriers: Mapping[str, str] = attrs.field(factory=dict, converter=frozen_mapping, validator=is_mapping)
    checks: tuple[HostCheck, ...] = attrs.field(default=(), converter=as_tuple, validator=each(is_a(HostCheck)))
    overlap: timedelta = attrs.field(default=timedelta(minutes=5), validator=is_a(timedelta))
    sweep_every: timedelta = attrs.field(default=timedelta(hours=1), validator=is_a(timedelta))
    drift_check_every: timedelta = attrs.field(default=timedelta(hours=12), validator=is_a(timedelta))
    dispatch_window: timedelta = attrs.field(default=timedelta(hours=24), validator=is_a(timedelta))
    import_shipped: bool = attrs.field(default=False, validator=is_a(bool))
    import_cancelled: bool = attrs.field(default=False, validator=is_a(bool))
    shipped_elsewhere: Resolution | None = attrs.field(default=None, converter=_maybe_resolution)
    vanished: Resolution | None = attrs.field(default=None, converter=_maybe_resolution)
    watch_for: timedelta = attrs.field(default=timedelta(days=30), validator=is_a(timedelta))
    fulfillment_location: str = text(default="fulfilled by the channel")
    fulfillment_reserves: bool = attrs.field(default=False, validator=is_a(bool))
    unknown_dispatch: UnknownDispatch = attrs.field(
        default=UnknownDispatch.ASK, converter=UnknownDispatch, validator=is_a(UnknownDispatch)
    )

    @location.validator
    def _names_locations(self, attribute: attrs.Attribute[object], value: object) -> None:
        names = [*value.keys(), *value.values()] if isinstance(value, Mapping) else [value]
        if not names:
            raise complain(self, attribute, "is empty; name a location, or map the channel's own")
        for name in names:
            is_text()(self, attribute, name)

    def location_of(self, channel_location: str | None) -> str | None:
        """Return where an order from *channel_location* is saved to; None when the map does not say."""
        if isinstance(self.location, str):
            return self.location
        return None if channel_location is None else self.location.get(channel_location)
