"""What keeps an order out of the store, told from the facts of its shop and its host, in plain words."""

from __future__ import annotations

from datetime import timedelta

import attrs

from ordersync import OrderState, PaymentStatus
from ordersync.model.runs import ChannelState
from ordersync.testing.market_orders import (
    AWAITING_PAYMENT,
    CANCELLED,
    ON_HOLD,
    PART_SHIPPED,
    READY,
    SHIPPED,
    MarketOrder,
)

from .law_world import BOX, FIRST_DAY, NO_BOXES, Setup, Wishes, World

FIXED = dict.fromkeys((AWAITING_PAYMENT, READY, ON_HOLD, PART_SHIPPED), "paid") | {
    SHIPPED: "shipped",
    CANCELLED: "cancelled",
}
"""What the words of a shop with fixed ones say; of the payment it speaks beside them."""

A_MOMENT = timedelta(seconds=2)
"""So long after a change a reading must show it, whatever the stamps of the shop round off."""


@attrs.frozen(kw_only=True)
class Truth:
    """What is true of an order that is not stored.

    ``causes`` must all be named, and those in ``perhaps`` may be. ``behind`` is what only shows once the document can
    be read, or its word is known. Nobody can know of an order that is not ``knowable`` what it is now.
    """

    causes: frozenset[str]
    perhaps: frozenset[str] = frozenset()
    behind: frozenset[str] = frozenset()
    knowable: bool = True


async def truth_of(world: World, reference: str) -> Truth:
    """Return what keeps an order out of the store."""
    if await world.state(reference) is OrderState.DELETED:
        return Truth(causes=frozenset({"DELETED_HERE"}))
    order, channel = world.shop.orders[reference], await _channel(world)
    asked = world.setup.lookup and world.link == "up"
    if order.removed:
        return Truth(causes=channel | {"NOT_ON_CHANNEL"}, perhaps=DRAFT, knowable=asked)
    refused = _refused(order, world.wishes, world.setup)
    owed = refused & {"NOT_PAID"} if "STATUS_UNKNOWN" in refused else frozenset()
    refused -= owed
    last_shown, form = world.shop.memory.shown.get(reference), world.shop.form(reference)
    hidden, knowable = reference in world.shop.memory.hidden, asked or last_shown == form
    if order.spoiled is not None:
        behind = refused | owed | ({"UNEXPLAINED"} if hidden else set())
        return Truth(causes=channel | {"UNREADABLE"}, perhaps=DRAFT, behind=behind, knowable=knowable)
    if hidden:
        causes = channel | refused | {"UNEXPLAINED"}
        return Truth(causes=causes, perhaps=DRAFT, behind=owed, knowable=asked and _is_left_out(world, reference))
    reading = {"NOT_READ_YET"}
    if last_shown is None or not refused:
        known = knowable and not _may_have_been_left_out(world, reference)
        return Truth(causes=channel | refused | reading, perhaps=DRAFT, behind=owed, knowable=known)
    perhaps = DRAFT if last_shown == form else DRAFT | reading
    return Truth(causes=channel | refused, perhaps=perhaps, behind=owed, knowable=knowable)


async def nothing_is_new(world: World, reference: str) -> bool:
    """Say whether the shop, if it were asked, would say nothing that the last run has not seen."""
    form, well = world.shop.form(reference), world.link == "up" and not (await world.life()).failures
    return well and form is not None and form == world.shop.memory.shown.get(reference)


DRAFT = frozenset({"CHANNEL_DRAFT"})
"""A channel that was never read is a draft; where that is not the worst of it, it need not be said."""


async def _channel(world: World) -> frozenset[str]:
    """Return what keeps all orders of the channel away."""
    life, causes = await world.life(), set()
    if life.state is ChannelState.DISABLED:
        causes.add("CHANNEL_DISABLED")
    if world.setup.words and world.wishes.words is None:
        causes.add("STATUS_MAPPING_MISSING")
    elif life.state is ChannelState.DRAFT:
        causes.add("CHANNEL_DRAFT")
    if world.link != "up":
        causes.add("NOT_CONNECTED" if world.link == "down" else "AUTH_FAILED")
    if life.paused_until is not None and life.paused_until > world.clock.now():
        causes.add("CHANNEL_RESTING")
    return frozenset(causes)


def _is_left_out(world: World, reference: str) -> bool:
    """Say whether the lists have left the order out as it is now."""
    at, form = world.shop.memory.withheld.get(reference, (world.clock.now(), None))
    return form == world.shop.form(reference) and at > world.shop.orders[reference].updated_at + A_MOMENT


def _may_have_been_left_out(world: World, reference: str) -> bool:
    """Say whether an order looks as if the last reading had left it out: its stamp does not tell when it came back."""
    memory, order = world.shop.memory, world.shop.orders[reference]
    if world.setup.scan == "updated" or reference in memory.shown or order.done:
        return False
    return memory.read_at is not None and memory.read_at > order.updated_at


def _refused(order: MarketOrder, wishes: Wishes, setup: Setup) -> frozenset[str]:
    """Return what the host does not want, or cannot judge, of an order that can be read."""
    word = (wishes.words or {} if setup.words else FIXED).get(order.status)
    told = {None: "STATUS_UNKNOWN", "ignored": "STATUS_IGNORED"}
    ended = {"shipped": "SHIPPED_BEFORE_DOWNLOAD", "cancelled": "CANCELLED_ON_CHANNEL"}
    wanted = {"shipped": wishes.shipped, "cancelled": wishes.cancelled}
    causes = {
        told.get(word): True,
        ended.get(word or ""): not wanted.get(word or "", False),
        "NOT_PAID": word not in ended and _owes(order, word, wishes, setup),
        "BEFORE_INITIAL_FROM": wishes.late and order.placed_at < FIRST_DAY,
        "NO_LOCATION": wishes.places is not None and order.location not in wishes.places,
        NO_BOXES: not wishes.boxes and any(line.sku == BOX for line in order.lines),
    }
    return frozenset(code for code, holds in causes.items() if holds and code is not None)


def _owes(order: MarketOrder, word: str | None, wishes: Wishes, setup: Setup) -> bool:
    """Say whether money that the host waits for has not come; a shop with words of its own says that by its word."""
    if setup.words:
        return word == "unpaid" and not wishes.unpaid
    if order.payment is PaymentStatus.UNPAID:
        return not wishes.unpaid
    return order.payment is PaymentStatus.REFUNDED
