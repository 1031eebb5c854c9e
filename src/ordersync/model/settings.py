"""A channel's settings: what is downloaded, where it goes, and what the channel shows of our stock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Self

import attrs

from .channel_orders import ChannelOrder
from .fields import as_tuple, complain, each, frozen_mapping, is_a, is_mapping, is_text, maybe_moment, optional, text
from .orders import Resolution
from .stock import StockRule


class MappedStatus(StrEnum):
    """What a shop's own status word can mean for the download."""

    PAID = "paid"
    UNPAID = "unpaid"
    PENDING = "pending"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"
    IGNORED = "ignored"


class StatusWord(StrEnum):
    """Which of an order's two words a mapping looks up: the one its shop defines, or the fixed one beside it."""

    STATUS = "status"
    STATE = "state"


def _words(value: Iterable[str]) -> frozenset[str]:
    words = as_tuple(value)
    return frozenset(words) if isinstance(words, tuple) else words


def _form(word: str) -> str:
    """Return what two spellings of one word have in common."""
    return word.strip().casefold()


def _forms(words: Iterable[str]) -> frozenset[str]:
    return frozenset(map(_form, words))


@attrs.frozen(kw_only=True)
class StatusMapping:
    """The settings that translate a shop's own status words and so decide what is downloaded.

    A word in none of the groups is unknown and quarantined; ``ignored`` words are skipped on purpose. Case and
    surrounding blanks do not count: shops show one word in several spellings, such as EKM, whose orders say
    PENDING where its settings page says Pending. ``version`` is kept with every decision.

    * ``by``: which word of an order is looked up, its ``status`` or its ``state``;
    * ``pending``: words of orders whose money is yet to come. They count as authorized if their ``payment_method``
      is among ``payment_methods``, such as Magento's "checkmo", else as pending;
    * ``confirm_payment``: a word mapped to paid is not enough. It counts as paid only if what the channel says of
      the payment itself says so too, and as unpaid where it says nothing; EKM asks for a transaction id.
    """

    version: str = text(longest=40)
    by: StatusWord = attrs.field(default=StatusWord.STATUS, converter=StatusWord, validator=is_a(StatusWord))
    paid: frozenset[str] = attrs.field(default=frozenset(), converter=_words, validator=each(is_text()))
    unpaid: frozenset[str] = attrs.field(default=frozenset(), converter=_words, validator=each(is_text()))
    pending: frozenset[str] = attrs.field(default=frozenset(), converter=_words, validator=each(is_text()))
    shipped: frozenset[str] = attrs.field(default=frozenset(), converter=_words, validator=each(is_text()))
    cancelled: frozenset[str] = attrs.field(default=frozenset(), converter=_words, validator=each(is_text()))
    ignored: frozenset[str] = attrs.field(default=frozenset(), converter=_words, validator=each(is_text()))
    payment_methods: frozenset[str] = attrs.field(default=frozenset(), converter=_words, validator=each(is_text()))
    confirm_payment: bool = attrs.field(default=False, validator=is_a(bool))

    @pending.validator
    def _some_may_match(self, attribute: attrs.Attribute[object], pending: frozenset[str]) -> None:
        if pending and not self.payment_methods:
            raise complain(self, attribute, "needs payment_methods, or no pending order could ever be downloaded")

    @payment_methods.validator
    def _are_asked_for(self, attribute: attrs.Attribute[object], methods: frozenset[str]) -> None:
        if methods and not self.pending:
            raise complain(self, attribute, "count only for the words in pending, and there are none")

    def __attrs_post_init__(self) -> None:
        """Refuse a word that is mapped twice."""
        forms = [form for group in self.groups.values() for form in group]
        words: list[str] = [word for status in MappedStatus for word in getattr(self, status.value)]
        twice = sorted({word for word in words if forms.count(_form(word)) > 1})
        if twice:
            raise ValueError(f"StatusMapping: mapped more than once: {', '.join(map(repr, twice))}")

    @cached_property
    def groups(self) -> Mapping[MappedStatus, frozenset[str]]:
        """Return the words of each group as they are compared."""
        return {status: _forms(getattr(self, status.value)) for status in MappedStatus}

    @cached_property
    def _meanings(self) -> Mapping[str, MappedStatus]:
        return {word: status for status, group in self.groups.items() for word in group}

    @cached_property
    def methods(self) -> frozenset[str]:
        """Return the payment methods as they are compared."""
        return _forms(self.payment_methods)

    def word_of(self, order: ChannelOrder) -> str | None:
        """Return the word of an order that is looked up; None for an order without one."""
        return order.state if self.by is StatusWord.STATE else order.status

    def meaning(self, word: str | None) -> MappedStatus | None:
        """Return what *word* is mapped to, None when it is unknown."""
        return None if word is None else self._meanings.get(_form(word))

    def expects(self, payment_method: str | None) -> bool:
        """Say whether the money of a pending order that is paid in this way will come."""
        return payment_method is not None and _form(payment_method) in self.methods


@attrs.frozen(kw_only=True)
class HostCheck:
    """A host's own condition for a download; ``refuses`` returns a sentence for an order to skip, else None.

    ``code`` stands in the decision about the order. ``version`` is raised when the rule changes under the same code:
    orders that it refused before are then judged anew.
    """

    code: str = text(longest=80)
    refuses: Callable[[ChannelOrder], str | None]
    version: str = text(default="", longest=40, empty=True)


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

    ``download_unpaid``: unpaid orders are stored too, parked; None does as the channel's marketplace does.
    ``status_mapping``: what the shop's words mean; None takes the channel's default, if it has one.
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
    ``fulfillment_reserves``, for who keeps that stock here too. ``keep_decisions``: how long decisions about orders
    that are over are kept.
    """

    download_unpaid: bool | None = attrs.field(default=None, validator=optional(is_a(bool)))
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
    keep_decisions: timedelta = attrs.field(default=timedelta(days=365), validator=is_a(timedelta))
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

    @checks.validator
    def _have_codes_of_their_own(self, attribute: attrs.Attribute[object], checks: tuple[HostCheck, ...]) -> None:
        codes = [check.code for check in checks]
        twice = sorted({code for code in codes if codes.count(code) > 1})
        if twice:
            raise complain(self, attribute, f"several have the code {', '.join(map(repr, twice))}")

    @keep_decisions.validator
    def _is_a_time(self, attribute: attrs.Attribute[object], kept: timedelta) -> None:
        if kept < timedelta(0):
            raise complain(self, attribute, "is negative")

    def for_channel(self, *, downloads_unpaid: bool, default_mapping: StatusMapping | None) -> Self:
        """Return the settings in force on a channel whose class says so: what is left open here is as there."""
        unpaid = downloads_unpaid if self.download_unpaid is None else self.download_unpaid
        mapping = default_mapping if self.status_mapping is None else self.status_mapping
        if (unpaid, mapping) == (self.download_unpaid, self.status_mapping):
            return self
        return attrs.evolve(self, download_unpaid=unpaid, status_mapping=mapping)

    def location_of(self, channel_location: str | None) -> str | None:
        """Return where an order from *channel_location* is saved to; None when the map does not say."""
        if isinstance(self.location, str):
            return self.location
        return None if channel_location is None else self.location.get(channel_location)
