"""What a channel may answer when it is asked for one order. Pure."""

from __future__ import annotations

from ..errors import ChannelResponseError
from ..model.channel_orders import ChannelOrder, UnreadableOrder
from ..model.ids import OrderKey


def looked_up(key: OrderKey, found: object) -> ChannelOrder | UnreadableOrder | None:
    """Return what a look-up answered; ``ChannelResponseError`` for what is no order."""
    if found is None or isinstance(found, ChannelOrder | UnreadableOrder):
        return found
    kind = type(found).__name__
    raise ChannelResponseError(f"{key}: fetch_order returned a {kind}; return a ChannelOrder, or None if there is none")


def require_same(key: OrderKey, found: ChannelOrder | UnreadableOrder) -> None:
    """Raise ``ChannelResponseError`` for another order than the one that was asked for: it says nothing of that one."""
    if found.reference not in (None, key.reference):
        text = f"{key}: fetch_order answered with order {found.reference!r}; return the order asked for, or None"
        raise ChannelResponseError(text)
