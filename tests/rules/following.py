"""Stored orders, what their channel shows a minute later, and what they become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from ordersync.lifecycle import cancel
from ordersync.model.channel_orders import ChannelOrder, ChannelOrderLine, FulfillmentStatus
from ordersync.model.dispatch import Parcel
from ordersync.model.listings import Links, ListingId
from ordersync.model.orders import ConflictCode, Order, OrderLine, OrderState, Reason
from ordersync.model.settings import ChannelSettings
from ordersync.parcels import process
from ordersync.sync.edits import Shown, follow
from ordersync.testing.builders import NOON, make_channel_order, make_order

LINKS = Links(revision=1, components={ListingId("MUG"): {"MUG": 1}, ListingId("LID"): {"LID": 1}})
CANCELLED, SHIPPED = FulfillmentStatus.CANCELLED, FulfillmentStatus.SHIPPED
ADA = Reason(who="Ada", why="a twin", at=NOON)
LATER = NOON + timedelta(hours=1)


def stored(lines: Mapping[str, int] | Sequence[OrderLine] | None = None, **changes: Any) -> Order:  # noqa: ANN401
    """Build an open order at its second revision."""
    return make_order(lines=lines, state=OrderState.OPEN, **({"revision": 2, "stock_revision": 5} | changes))


def seen(lines: Mapping[str, int] | Sequence[ChannelOrderLine] | None = None, **changes: Any) -> ChannelOrder:  # noqa: ANN401
    """Build what the channel shows a minute later."""
    return make_channel_order(lines=lines, **({"updated_at": NOON + timedelta(minutes=1)} | changes))


def line(line_id: str, quantity: int, sku: str = "MUG", **facts: Any) -> ChannelOrderLine:  # noqa: ANN401
    """Build a line as the channel shows it."""
    return ChannelOrderLine(line_id=line_id, channel_sku=sku, quantity=quantity, **facts)


def shown(what: ChannelOrder, **changes: Any) -> Shown:  # noqa: ANN401 - settings, and whole_order
    """Put what the channel shows beside the settings and the links."""
    known: dict[str, Any] = {"settings": ChannelSettings(), "links": LINKS, "at": LATER}
    return Shown(seen=what, **(known | changes))


def after(order: Order, what: ChannelOrder, **changes: Any) -> Order:  # noqa: ANN401
    """Follow the channel."""
    return follow(order, shown(what, **changes))


def parted(order: Order, pieces: int = 1) -> Order:
    """Take some pieces of the first line out of an order."""
    return process(order, Parcel(id=f"p{order.revision}", lines={"1": pieces}), at=NOON)[0]


def processed(order: Order) -> Order:
    """Take all that is open out of an order."""
    return process(order, Parcel(), at=NOON)[0]


def cancelled_by(who: Reason, order: Order | None = None) -> Order:
    """Cancel an order."""
    return cancel(stored({"MUG": 2}) if order is None else order, by=who)


def code_of(order: Order) -> ConflictCode | None:
    """Return what an order is in conflict about."""
    return None if order.conflict is None else order.conflict.code
