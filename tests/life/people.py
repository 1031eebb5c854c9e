"""What people may do to an order, and what it comes to."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Mapping

from ordersync import OrderState
from ordersync.model.orders import ConflictCode, Resolution

from .orders import LivingOrder, Meaning, Parcel, Place

Step = Callable[[LivingOrder], None]

KEEP, FOLLOW, PROCESS, CANCEL = Resolution.KEEP, Resolution.FOLLOW, Resolution.PROCESS, Resolution.CANCEL
CHOICES: Mapping[ConflictCode, tuple[Resolution, ...]] = {
    ConflictCode.CANCELLED_AFTER_PROCESSING: (KEEP,),
    ConflictCode.EDITED_AFTER_PROCESSING: (KEEP, FOLLOW),
    ConflictCode.SHIPPED_ELSEWHERE: (KEEP, FOLLOW, PROCESS, CANCEL),
    ConflictCode.VANISHED: (KEEP, PROCESS, CANCEL),
    ConflictCode.PARTIALLY_REFUNDED: (KEEP, CANCEL),
}
NEED_LIFE = (PROCESS, CANCEL)
MAY_HAVE_LEFT = (ConflictCode.SHIPPED_ELSEWHERE, ConflictCode.VANISHED)


class RefusedError(Exception):
    """It may not be done now."""


def may(order: LivingOrder, step: Step) -> bool:
    """Say whether a step is allowed; the order stays as it is."""
    try:
        step(copy.deepcopy(order))
    except RefusedError:
        return False
    return True


def _require(condition: bool) -> None:  # noqa: FBT001 - read as a sentence
    if not condition:
        raise RefusedError


def process(order: LivingOrder, parcel_id: str, lines: Mapping[str, int] | None, tracking: str) -> None:
    """Let a parcel leave, all that is open if no lines are named."""
    _require(order.lives and not order.held and not order.set_aside)
    _require(order.shown.waits is None and not order.shown.by_channel)
    _require(order.conflict not in MAY_HAVE_LEFT)
    rest = {line_id: line.open for line_id, line in order.lines.items() if line.open}
    taken = rest if lines is None else lines
    _require(bool(taken) and all(pieces <= rest.get(line_id, 0) for line_id, pieces in taken.items()))
    _leave(order, parcel_id, taken, tracking=tracking, told=True)


def _leave(
    order: LivingOrder, parcel_id: str, lines: Mapping[str, int], *, told: bool, tracking: str | None = None
) -> None:
    stock: Counter[Place] = Counter()
    for line_id, pieces in lines.items():
        line = order.lines[line_id]
        line.processed += pieces
        if order.reserves:
            order.add(stock, line, pieces)
    order.parcels[parcel_id] = Parcel(dict(lines), stock, tracking, told)
    order.close(by_channel=False)


def cancel(order: LivingOrder) -> None:
    """Cancel what is open."""
    _require(order.lives)
    order.state, order.ended_by_channel = OrderState.CANCELLED, False
    order.decided()


def hold(order: LivingOrder) -> None:
    """Lock it; it frees its stock."""
    _require(order.lives and not order.held)
    order.held = True


def resume(order: LivingOrder) -> None:
    """Unlock it."""
    _require(order.lives and order.held)
    order.held = False


def park(order: LivingOrder) -> None:
    """Set it aside; it keeps its stock."""
    _require(order.lives and not order.set_aside)
    order.set_aside = True


def unpark(order: LivingOrder) -> None:
    """Take it up again."""
    _require(order.lives and order.set_aside)
    order.set_aside = False


def move(order: LivingOrder, location: str) -> None:
    """Serve it from elsewhere."""
    _require(order.lives)
    order.location = location


def relink(order: LivingOrder, meaning: Meaning) -> None:
    """Let its lines mean what their SKUs mean now."""
    _require(order.lives)
    for line in order.lines.values():
        line.parts = meaning(line.sku)


def delete(order: LivingOrder) -> None:
    """Leave a tombstone."""
    _require(order.lives)
    order.state = OrderState.DELETED


def restore(order: LivingOrder) -> None:
    """Bring it back as its channel shows it by now."""
    _require(order.state is OrderState.DELETED)
    order.state, order.look_anew = OrderState.OPEN, True
    if order.shown.cancelled:
        order.cancelled_there()
    order.close(by_channel=True)


def resolve(order: LivingOrder, resolution: Resolution, parcel_id: str) -> None:
    """Decide its conflict; *parcel_id* is what the record of goods that left elsewhere is called."""
    _require(order.conflict is not None and resolution in CHOICES[order.conflict])
    _require(order.state is not OrderState.DELETED and (order.lives or resolution not in NEED_LIFE))
    if resolution is CANCEL:
        cancel(order)
    elif resolution is KEEP:
        order.decided()
    elif resolution is FOLLOW:
        _require(order.state is not OrderState.CANCELLED)
        _follow(order)
    else:
        leave_elsewhere(order, parcel_id)


def _follow(order: LivingOrder) -> None:
    order.decided()
    order.state = OrderState.OPEN
    order.take_lines(order.meant)
    order.leave_elsewhere()
    order.close(by_channel=False)


def leave_elsewhere(order: LivingOrder, parcel_id: str) -> None:
    """Take from stock what left by other hands, all that is open where the order vanished."""
    vanished = order.conflict is ConflictCode.VANISHED
    rest = {line_id: line.open for line_id, line in order.lines.items() if line.open}
    gone = rest if vanished else order.elsewhere()
    _require(bool(gone))
    order.conflict, order.let_stand = None, ConflictCode.VANISHED if vanished else None
    _leave(order, parcel_id, gone, told=False)
