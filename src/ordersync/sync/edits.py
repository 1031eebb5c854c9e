"""What a stored order becomes when its channel shows it differently. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import attrs

from ..admission import canonical, parking_reason, payment_refusal
from ..conflicts import SENTENCES
from ..lifecycle import OrderEvent, advance, arrow, closed
from ..model.channel_orders import ChannelOrder, FulfillmentStatus, PaymentStatus
from ..model.listings import Links
from ..model.orders import CHANNEL, LIVE, Conflict, ConflictCode, Order, OrderLine, OrderState, Reason
from ..model.settings import ChannelSettings
from .channel_lines import (
    bought_otherwise,
    edited_lines,
    moved_pieces,
    sent_otherwise,
    shipped_lines,
    sold_by_listing,
    view_of,
)

UNFINISHED = LIVE | {OrderState.DELETED}
"""The states whose orders are followed line by line, a tombstone's for when it is restored."""


@attrs.frozen(kw_only=True)
class Shown:
    """An order as its channel shows it now, translated, and what is needed to take it over."""

    seen: ChannelOrder
    settings: ChannelSettings
    links: Links
    at: datetime
    clock_skew: timedelta = timedelta(0)
    """How far the channel's clock may be ahead of ours."""
    whole_order: bool = False
    """Whether the channel can only mark whole orders as shipped."""

    @property
    def meaning(self) -> tuple[PaymentStatus, FulfillmentStatus]:
        """Return the order's canonical payment and fulfillment."""
        return canonical(self.seen, self.settings)

    @property
    def cancelled(self) -> bool:
        """Say whether the channel has cancelled it as a whole."""
        return self.meaning[1] is FulfillmentStatus.CANCELLED

    @property
    def shipped(self) -> bool:
        """Say whether the channel considers all of it shipped."""
        return self.meaning[1] is FulfillmentStatus.SHIPPED

    @property
    def updated_at(self) -> datetime:
        """Return when the channel changed it last; a time still to come would hide every later change."""
        return min(self.seen.updated_at, self.at + self.clock_skew)

    @property
    def by(self) -> Reason:
        """Return who did what the order shows."""
        return Reason(who=CHANNEL, why=self.seen.status, at=self.at)

    def conflict(self, code: ConflictCode, order: Order) -> Conflict:
        """Return a conflict of the order here with what is shown."""
        lines = shipped_lines(order, self.seen, self.links, whole=self.shipped)
        return Conflict(code=code, sentence=SENTENCES[code], at=self.at, lines=lines, view=view_of(code, lines))


def follow(order: Order, shown: Shown) -> Order:
    """Return *order* with what the channel shows now.

    While it is live, lines and cancellation are followed, and reservations with them. What can no longer
    be followed, because goods have left, becomes a named conflict for a person, never a silent change. An order
    that its channel cancelled and shows alive again is revived. Whatever its state: where the channel may have
    moved its own levels, the order is due, so that they are doubted.
    """
    if order.state in LIVE:
        return _cancelled(order, shown) if shown.cancelled else _edited(order, shown)
    if order.state is OrderState.CANCELLED and not shown.cancelled and _comes_back(order, shown):
        return _revived(order, shown)
    return _ended(order, shown)


def _cancelled(order: Order, shown: Shown) -> Order:
    processed = any(line.processed for line in order.lines)
    conflict = shown.conflict(ConflictCode.CANCELLED_AFTER_PROCESSING, order) if processed else None
    return _taken_over(
        order,
        shown,
        by_channel=True,
        state=arrow(order, OrderEvent.CANCELLED),
        ended=shown.by,
        lines=_lines_and_conflict(order, shown)[0],
        conflict=conflict,
    )


def _edited(order: Order, shown: Shown) -> Order:
    """Follow the lines of a live order, and name what left of it by other hands."""
    arrow(order, OrderEvent.EDITED)
    lines, conflict = _lines_and_conflict(order, shown)
    by_channel = lines != order.lines or bought_otherwise(order, shown.seen)
    edited = _taken_over(order, shown, by_channel=by_channel, lines=lines, conflict=conflict)
    return closed(edited, by=shown.by)


def _lines_and_conflict(order: Order, shown: Shown) -> tuple[tuple[OrderLine, ...], Conflict | None]:
    """Return the lines to take over, and what cannot be: nothing, where the channel sends out of its own stock."""
    if order.fulfilled_by_channel and not order.reserves:
        return shipped_lines(order, shown.seen, shown.links, whole=shown.shipped), None
    return edited_lines(order, shown.seen, shown.links), _conflict(order, shown)


def _comes_back(order: Order, shown: Shown) -> bool:
    """Say whether an order that its channel had cancelled, or not shown any more, would be downloaded now."""
    by_channel = order.ended is not None and order.ended.who == CHANNEL
    missed = order.reviewed == ConflictCode.VANISHED
    is_open = any(line.quantity > line.cancelled + line.shipped for line in shown.seen.lines)
    accepted = payment_refusal(shown.meaning[0], shown.settings) is None
    return (by_channel or missed) and is_open and accepted and not shown.shipped


def _revived(order: Order, shown: Shown) -> Order:
    state = arrow(order, OrderEvent.REVIVED)
    lines, conflict = _lines_and_conflict(attrs.evolve(order, state=state, conflict=None), shown)
    revived = _taken_over(
        order,
        shown,
        by_channel=True,
        state=state,
        ended=None,
        lines=lines,
        conflict=conflict,
    )
    return closed(revived, by=shown.by)


def _ended(order: Order, shown: Shown) -> Order:
    """Keep the facts of an order that has ended; unless it is processed, its lines are kept up to date, too."""
    lines, conflict = _lines_and_conflict(order, shown)
    changes: dict[str, Any] = {"conflict": conflict}
    if order.state is not OrderState.PROCESSED:
        changes["lines"] = lines
    if order.state is OrderState.CANCELLED and shown.cancelled:
        changes["ended"] = shown.by if order.ended is None or order.ended.who != CHANNEL else order.ended
    return _taken_over(order, shown, by_channel=_has_moved_levels(order, shown), **changes)


def _has_moved_levels(order: Order, shown: Shown) -> bool:
    """Say whether the channel may have moved its own levels for an ended order since it was last seen.

    The lines of a processed order are not followed: one that was shown otherwise may be back at them.
    """
    otherwise = order.conflict is not None or (order.reviewed is not None and not _is_let_stand(order, shown))
    followed = order.state is not OrderState.PROCESSED
    return moved_pieces(order, shown.seen, cancelled=shown.cancelled) or (otherwise and not followed)


def _taken_over(order: Order, shown: Shown, *, by_channel: bool, **changes: Any) -> Order:  # noqa: ANN401 - fields
    """Take the channel's facts over, and *changes* with them."""
    sold = {**order.sold, **sold_by_listing(shown.seen)} if order.sold and by_channel else order.sold
    reviewed = order.reviewed if _is_let_stand(order, shown) else None
    return advance(order, by_channel=by_channel, **facts_of(shown), sold=sold, reviewed=reviewed, **changes)


def facts_of(shown: Shown) -> dict[str, Any]:
    """Return the fields of an order that are taken over from its channel each time it is seen."""
    payment, fulfillment = shown.meaning
    seen = shown.seen
    return {
        "status": seen.status,
        "payment": payment,
        "fulfillment": fulfillment,
        "parked": parking_reason(payment, fulfillment),
        "updated_at": shown.updated_at,
        "paid_at": seen.paid_at,
        "total": seen.total,
        "buyer": seen.buyer,
        "shipping_address": seen.shipping_address,
        "shipping_service": seen.shipping_service,
        "dispatch_by": seen.dispatch_by,
        "channel_order_id": seen.channel_order_id,
        "secondary_reference": seen.secondary_reference,
    }


def _conflict(order: Order, shown: Shown) -> Conflict | None:
    """Return the conflict of an order with what is shown; the same one keeps its time, and one let stand is none.

    One that is not decided yet stays, whatever is shown afterwards, and is about what is shown by now.
    """
    found = (shown.conflict(code, order) for code in _contradictions(order, shown))
    worst = next((one for one in found if one.view != order.reviewed), None)
    before = order.conflict
    if before is None or before.code is ConflictCode.VANISHED:
        return worst
    if worst is None or worst.code in (ConflictCode.PARTIALLY_REFUNDED, before.code):
        return attrs.evolve(shown.conflict(before.code, order), at=before.at)
    return worst


def _is_let_stand(order: Order, shown: Shown) -> bool:
    """Say whether what is shown contradicts the order just as it did when somebody let that stand."""
    if order.reviewed is None:
        return False
    return any(shown.conflict(code, order).view == order.reviewed for code in _contradictions(order, shown))


def _contradictions(order: Order, shown: Shown) -> Iterator[ConflictCode]:
    """Yield what the channel shows that cannot be followed, the gravest first."""
    processed = any(line.processed for line in order.lines)
    if shown.cancelled:
        if processed:
            yield ConflictCode.CANCELLED_AFTER_PROCESSING
        return
    if order.state is OrderState.PROCESSED:
        if bought_otherwise(order, shown.seen):
            yield ConflictCode.EDITED_AFTER_PROCESSING
        return
    if _left_elsewhere(order, shown) and not (shown.whole_order and processed):
        yield ConflictCode.SHIPPED_ELSEWHERE
    if sent_otherwise(order, shown.seen):
        yield ConflictCode.EDITED_AFTER_PROCESSING
    newly = PaymentStatus.PARTIALLY_REFUNDED is shown.meaning[0] is not order.payment
    if newly and order.state in UNFINISHED:
        yield ConflictCode.PARTIALLY_REFUNDED


def _left_elsewhere(order: Order, shown: Shown) -> bool:
    """Say whether pieces that are open here have left by other hands; what is cancelled with the rest has not."""
    seen, links = shown.seen, shown.links
    return shipped_lines(order, seen, links, whole=shown.shipped) != edited_lines(order, seen, links)
