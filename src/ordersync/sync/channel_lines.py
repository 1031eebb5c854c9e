"""An order's lines, as its channel shows them and as they are kept here. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b

import attrs

from ..model.channel_orders import ChannelOrder, ChannelOrderLine, FulfillmentStatus
from ..model.listings import Links
from ..model.orders import ConflictCode, Order, OrderLine


def sold_by_listing(seen: ChannelOrder) -> Mapping[tuple[str, str | None], int]:
    """Return what the channel took off its own listings for an order; its own stock is not ours to follow."""
    sold: dict[tuple[str, str | None], int] = {}
    if seen.fulfilled_by_channel:
        return sold
    for line in seen.lines:
        listing = (line.channel_sku, seen.channel_location)
        sold[listing] = sold.get(listing, 0) + line.quantity
    return sold


def new_line(line: ChannelOrderLine, links: Links, channel_location: str | None) -> OrderLine:
    """Return a line as it is stored, with what it takes from stock frozen."""
    return OrderLine(
        line_id=line.line_id,
        channel_sku=line.channel_sku,
        quantity=line.quantity,
        title=line.title,
        unit_price=line.unit_price,
        cancelled=line.cancelled,
        shipped=line.shipped,
        components=links.of(line, channel_location),
    )


def edited_lines(order: Order, seen: ChannelOrder, links: Links) -> tuple[OrderLine, ...]:
    """Return the order's lines as the channel shows them now, with what we know of each kept.

    What is shipped there is not taken over: whether it has left our stock is a question of its own.
    """
    before = {line.line_id: line for line in order.lines}
    lines = [_edited(before.pop(line.line_id, None), line, links, seen.channel_location) for line in seen.lines]
    return (
        *lines,
        *(
            attrs.evolve(gone, cancelled=gone.quantity - gone.shipped - gone.processed)
            for gone in before.values()
            if gone.quantity
        ),
    )


def _edited(before: OrderLine | None, seen: ChannelOrderLine, links: Links, channel_location: str | None) -> OrderLine:
    if before is None or before.channel_sku != seen.channel_sku:
        fresh = attrs.evolve(new_line(seen, links, channel_location), shipped=0)
        return fresh if before is None else attrs.evolve(fresh, shipped=before.shipped, processed=before.processed)
    return attrs.evolve(
        before, quantity=seen.quantity, cancelled=seen.cancelled, title=seen.title, unit_price=seen.unit_price
    )


def shipped_lines(order: Order, seen: ChannelOrder, links: Links, *, whole: bool) -> tuple[OrderLine, ...]:
    """Return the lines as the channel shows them, with what left by other hands than ours counted as shipped.

    *whole*: the channel considers all of it shipped, whatever it says of single lines.
    """
    told = {line.line_id: line.shipped for line in seen.lines}
    lines = edited_lines(order, seen, links)
    return tuple(_shipped(line, line.open if whole else told.get(line.line_id, 0) - _left(line)) for line in lines)


def _shipped(line: OrderLine, more: int) -> OrderLine:
    return attrs.evolve(line, shipped=line.shipped + max(0, min(more, line.open)))


def _left(line: OrderLine) -> int:
    return line.shipped + line.processed


def moved_pieces(order: Order, seen: ChannelOrder, *, cancelled: bool) -> bool:
    """Say whether the channel took pieces of an order off its own levels, or put some back, since it was last seen.

    It may have for a line that was added, or raised, and cancelled between two looks.
    """
    if cancelled != (order.fulfillment is FulfillmentStatus.CANCELLED):
        return True
    known = {line.line_id: (line.channel_sku, line.quantity) for line in order.lines}
    sold_anew = any(known.get(line.line_id) != (line.channel_sku, line.quantity) for line in seen.lines)
    return sold_anew or (not cancelled and bought_otherwise(order, seen))


def bought_otherwise(order: Order, seen: ChannelOrder) -> bool:
    """Say whether other pieces are bought than the order here holds."""
    return _bought(seen.lines) != _bought(order.lines)


def sent_otherwise(order: Order, seen: ChannelOrder) -> bool:
    """Say whether pieces have left that are not bought any more, or of which another article is bought now."""
    bought = _bought(seen.lines)
    for line in order.lines:
        sku, quantity, cancelled = bought.get(line.line_id, (line.channel_sku, 0, 0))
        if _left(line) and (sku != line.channel_sku or _left(line) > quantity - cancelled):
            return True
    return False


def _bought(lines: Iterable[OrderLine | ChannelOrderLine]) -> Mapping[str, tuple[str, int, int]]:
    """Return what is bought in each line; a line that is cancelled as a whole may as well be gone."""
    return {
        line.line_id: (line.channel_sku, line.quantity, line.cancelled)
        for line in lines
        if line.quantity > line.cancelled
    }


def view_of(code: ConflictCode, lines: Iterable[OrderLine]) -> str:
    """Return a short text that is equal while as much is bought, cancelled and sent by other hands.

    Payment, words and our own parcels are left out: they raise no question that was answered before.
    """
    shown = sorted((line.line_id, line.channel_sku, line.quantity, line.cancelled, line.shipped) for line in lines)
    return blake2b(repr((code.value, shown)).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
