"""How one marketplace for tests comes to be another kind of channel than its class."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, TypedDict

from ..channel import Channel
from ..model.settings import StatusMapping


class Traits(TypedDict, total=False):
    """The class attributes of ``Channel`` that one marketplace may have of its own."""

    requires_status_mapping: bool
    stock_batch_size: int
    decrements_on_sale: bool
    requires_tracking: bool
    whole_order_dispatch: bool
    scan: Literal["updated", "state"]
    pages_in_update_order: bool
    listing_lag: timedelta
    stamp_granularity: timedelta
    clock_skew: timedelta
    compare_and_set: bool
    call_timeout: timedelta
    late_window: timedelta
    downloads_unpaid: bool
    default_mapping: StatusMapping | None


class MarketTraits(Traits, total=False):
    """And those that only the marketplace itself has; ``FakeMarketplace`` explains them."""

    oversells: bool
    refuses_overshipping: bool
    knows_note_ids: bool


def give_traits(channel: Channel, traits: Traits) -> None:
    """Give them to one channel alone, before it is initialised; ``TypeError`` for one that does not exist.

    A channel that requires a status mapping has no fixed statuses.
    """
    unknown = [name for name in traits if name not in MarketTraits.__annotations__ or not hasattr(channel, name)]
    if unknown:
        raise TypeError(f"{type(channel).__name__} has no trait {', '.join(unknown)}")
    vars(channel).update(traits)
    if channel.requires_status_mapping:
        vars(channel)["statuses"] = frozenset()
