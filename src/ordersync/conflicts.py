"""Where an order here and its channel contradict each other, and what can be done about it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs

from .errors import TransitionError
from .lifecycle import OrderEvent, advance, arrow, closed, let_stand
from .model.channel_orders import FulfillmentStatus
from .model.orders import LIVE, Conflict, ConflictCode, Order, OrderLine, OrderState, Reason, Resolution
from .model.settings import ChannelSettings

RESOLUTIONS: Mapping[ConflictCode, frozenset[Resolution]] = {
    ConflictCode.CANCELLED_AFTER_PROCESSING: frozenset({Resolution.KEEP}),
    ConflictCode.EDITED_AFTER_PROCESSING: frozenset({Resolution.KEEP, Resolution.FOLLOW}),
    ConflictCode.SHIPPED_ELSEWHERE: frozenset(Resolution),
    ConflictCode.VANISHED: frozenset({Resolution.KEEP, Resolution.PROCESS, Resolution.CANCEL}),
    ConflictCode.PARTIALLY_REFUNDED: frozenset({Resolution.KEEP, Resolution.CANCEL}),
}
"""What each conflict leaves to choose from."""

OF_LINES = frozenset({ConflictCode.EDITED_AFTER_PROCESSING, ConflictCode.SHIPPED_ELSEWHERE})
"""The conflicts that are about lines."""

BLOCKING = frozenset({ConflictCode.SHIPPED_ELSEWHERE, ConflictCode.VANISHED})
"""The conflicts that must be resolved before anything of the order is processed: it may have left already."""

SENTENCES: Mapping[ConflictCode, str] = {
    ConflictCode.CANCELLED_AFTER_PROCESSING: "cancelled on the channel after goods were processed here",
    ConflictCode.EDITED_AFTER_PROCESSING: "edited on the channel after it was processed here",
    ConflictCode.SHIPPED_ELSEWHERE: "shipped on the channel by other hands while open here",
    ConflictCode.VANISHED: "the channel does not show it any more, neither shipped nor cancelled",
    ConflictCode.PARTIALLY_REFUNDED: "refunded in part on the channel; look at what is still to be sent",
}


def possible(order: Order) -> frozenset[Resolution]:
    """Return how the order's conflict can be resolved; an ended order can only be kept or followed, a tombstone not."""
    if order.conflict is None or order.state is OrderState.DELETED:
        return frozenset()
    found = RESOLUTIONS[order.conflict.code]
    if (
        order.conflict.code in OF_LINES and not order.conflict.lines
    ):  # from before lines were kept; the next look adds them
        found -= {Resolution.FOLLOW, Resolution.PROCESS}
    if order.state in LIVE:
        return found
    ended = {Resolution.KEEP, Resolution.FOLLOW} if order.state is OrderState.PROCESSED else {Resolution.KEEP}
    return found & ended


def vanished(order: Order, *, at: datetime) -> Order:
    """Note that the channel does not show the order any more; it may have put the pieces back on sale."""
    code, state = ConflictCode.VANISHED, arrow(order, OrderEvent.VANISHED)
    conflict = Conflict(code=code, sentence=SENTENCES[code], at=at, view=code.value)
    return advance(order, by_channel=True, state=state, conflict=conflict)


def is_expected(order: Order) -> bool:
    """Say whether a complete sweep should show the order: it is open here, and was when its channel last showed it."""
    ended = order.fulfillment in (FulfillmentStatus.SHIPPED, FulfillmentStatus.CANCELLED)
    return order.state in LIVE and not ended and not has_vanished(order)


def has_vanished(order: Order) -> bool:
    """Say whether the channel did not show the order when it was last looked for, whatever was decided about that."""
    return ConflictCode.VANISHED in (order.reviewed, order.conflict and order.conflict.code)


def conflict_known(order: Order) -> ConflictCode | None:
    """Return the code of the order's conflict; that it had vanished also when that was resolved, until it is seen."""
    if has_vanished(order):
        return ConflictCode.VANISHED
    return None if order.conflict is None else order.conflict.code


def by_settings(order: Order, settings: ChannelSettings) -> Resolution | None:
    """Return how an order's conflict is resolved without asking; None leaves it to a person.

    What the channel itself sends out of stock that is kept here leaves that stock when it is shipped.
    """
    if order.conflict is None or order.state not in LIVE:
        return None
    resolution = None
    match order.conflict.code:
        case ConflictCode.SHIPPED_ELSEWHERE:
            resolution = Resolution.PROCESS if order.fulfilled_by_channel else settings.shipped_elsewhere
        case ConflictCode.VANISHED:
            resolution = settings.vanished
    return resolution if resolution in possible(order) else None


def require(order: Order, resolution: Resolution) -> Conflict:
    """Return the order's conflict; ``TransitionError`` if there is none, or it cannot be resolved this way."""
    arrow(order, OrderEvent.RESOLVED)
    if order.conflict is None:
        raise TransitionError(f"{order.key}: is in no conflict; somebody may have resolved it already")
    if resolution not in possible(order):
        choices = ", ".join(sorted(possible(order)))
        raise TransitionError(
            f"{order.key}: {order.conflict.code} cannot be resolved by {resolution}, but by {choices}"
        )
    return order.conflict


def keep(order: Order) -> Order:
    """Leave the order as it is; what the channel shows is no conflict until it shows something else."""
    require(order, Resolution.KEEP)
    return advance(order, state=arrow(order, OrderEvent.RESOLVED), conflict=None, reviewed=let_stand(order))


def follow_lines(order: Order, *, by: Reason) -> Order:
    """Take over the lines as the channel shows them; no stock is moved, and what is open then is wanted."""
    conflict = require(order, Resolution.FOLLOW)
    mine = {line.line_id: line for line in order.lines}
    lines = tuple(_as_handled(line, mine.get(line.line_id)) for line in conflict.lines)
    more = order.state is OrderState.PROCESSED and any(line.open for line in lines)
    state = arrow(order, OrderEvent.REOPENED if more else OrderEvent.RESOLVED)
    return closed(advance(order, state=state, lines=lines, conflict=None, reviewed=let_stand(order)), by=by)


def _as_handled(shown: OrderLine, mine: OrderLine | None) -> OrderLine:
    """Return a line as the channel shows it, with what was done to it here since."""
    if mine is None:
        return shown
    same = mine.channel_sku == shown.channel_sku
    return attrs.evolve(shown, processed=mine.processed, components=mine.components if same else shown.components)


def pieces_elsewhere(order: Order) -> Mapping[str, int]:
    """Return the pieces that left by other hands, by line id; all that is open where the order vanished."""
    if order.conflict is None or order.conflict.code is not ConflictCode.SHIPPED_ELSEWHERE:
        return {line.line_id: line.open for line in order.lines if line.open}
    shown = {line.line_id: line.shipped for line in order.conflict.lines}
    gone = {line.line_id: min(line.open, shown.get(line.line_id, 0) - line.shipped) for line in order.lines}
    return {line_id: quantity for line_id, quantity in gone.items() if quantity > 0}
