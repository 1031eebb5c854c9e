"""What holds for any stored order and whatever its channel shows of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

from ordersync.conflicts import follow_lines, possible
from ordersync.lifecycle import wanted
from ordersync.model.channel_orders import ChannelOrder, ChannelOrderLine, FulfillmentStatus, PaymentStatus
from ordersync.model.orders import (
    CHANNEL,
    LIVE,
    Conflict,
    ConflictCode,
    Order,
    OrderLine,
    OrderState,
    Reason,
    Resolution,
)
from ordersync.model.settings import ChannelSettings
from ordersync.sync.edits import Shown, follow
from ordersync.testing.builders import NOON, make_channel_order, make_order
from rules.following import ADA, LINKS, code_of

SKUS = ("MUG", "LID", "NEW")
ENDED = {OrderState.CANCELLED, OrderState.DELETED}
THERE = Reason(who=CHANNEL, why="Void", at=NOON)
REVISIONS = ("revision", "stock_revision", "channel_revision")


@st.composite
def stored_lines(draw: st.DrawFn) -> tuple[OrderLine, ...]:
    """Draw lines as they are stored, of each some pieces cancelled, shipped and processed."""
    lines = []
    for number in draw(st.sets(st.integers(1, 4), min_size=1)):
        quantity = draw(st.integers(1, 5))
        cancelled = draw(st.integers(0, quantity))
        shipped = draw(st.integers(0, quantity - cancelled))
        lines.append(
            OrderLine(
                line_id=str(number),
                channel_sku=draw(st.sampled_from(SKUS)),
                quantity=quantity,
                cancelled=cancelled,
                shipped=shipped,
                processed=draw(st.integers(0, quantity - cancelled - shipped)),
                components=draw(st.sampled_from([None, {"MUG": 1}, {"CUP": 2, "LID": 1}])),
            )
        )
    return tuple(lines)


@st.composite
def stored_orders(draw: st.DrawFn) -> Order:
    """Draw an order in any state, with any flags."""
    state = draw(st.sampled_from(OrderState))
    fulfilled_by_channel, reserves = draw(st.sampled_from([(False, True), (True, True), (True, False)]))
    lines = draw(stored_lines())
    if state is OrderState.PROCESSED:
        lines = tuple(attrs.evolve(line, processed=line.processed + line.open) for line in lines)
    if not reserves:
        lines = tuple(attrs.evolve(line, shipped=line.shipped + line.processed, processed=0) for line in lines)
    conflicts = st.builds(
        Conflict, code=st.sampled_from(ConflictCode), sentence=st.just("so"), at=st.just(NOON), lines=st.just(lines)
    )
    return make_order(
        lines=lines,
        state=state,
        revision=7,
        stock_revision=draw(st.integers(1, 5)),
        payment=draw(st.sampled_from(PaymentStatus)),
        fulfillment=draw(st.sampled_from(FulfillmentStatus)),
        held=draw(st.sampled_from([None, ADA])),
        ended=draw(st.sampled_from([ADA, THERE])) if state in ENDED else None,
        conflict=draw(st.none() | conflicts),
        reviewed=draw(st.sampled_from([None, "VANISHED"])),
        fulfilled_by_channel=fulfilled_by_channel,
        reserves=reserves,
    )


@st.composite
def shown_lines(draw: st.DrawFn) -> tuple[ChannelOrderLine, ...]:
    """Draw lines as a channel shows them."""
    lines = []
    for number in draw(st.sets(st.integers(1, 5), min_size=1)):
        cancelled, shipped, left = draw(st.integers(0, 3)), draw(st.integers(0, 3)), draw(st.integers(0, 3))
        lines.append(
            ChannelOrderLine(
                line_id=str(number),
                channel_sku=draw(st.sampled_from(SKUS)),
                quantity=max(1, cancelled + shipped + left),
                cancelled=cancelled,
                shipped=shipped,
            )
        )
    return tuple(lines)


known_words = [one for one in FulfillmentStatus if one is not FulfillmentStatus.UNKNOWN]

shown_orders = st.builds(
    make_channel_order,
    lines=shown_lines(),
    payment=st.sampled_from([one for one in PaymentStatus if one is not PaymentStatus.UNKNOWN]),
    fulfillment=st.sampled_from(known_words),
    updated_at=st.just(NOON + timedelta(minutes=1)),
)


def shown_as(seen: ChannelOrder, *, whole: bool) -> Shown:
    """Put what is shown beside its settings."""
    settings = ChannelSettings(download_unpaid=True)
    return Shown(seen=seen, settings=settings, links=LINKS, at=NOON + timedelta(hours=1), whole_order=whole)


def without(order: Order, *names: str) -> dict[str, Any]:
    """Return the fields of an order but these."""
    return {name: value for name, value in attrs.asdict(order, recurse=False).items() if name not in names}


@given(order=stored_orders(), seen=shown_orders, whole=st.booleans())
def test_following_keeps_the_order_whole(order: Order, seen: ChannelOrder, *, whole: bool) -> None:
    """Whatever is shown, no revision falls, the order wants what it should, and what left here stays so."""
    after = follow(order, shown_as(seen, whole=whole))

    assert after.revision == order.revision + 1
    assert after.stock_revision >= order.stock_revision
    assert after.stock_revision > order.stock_revision or after.wanted == order.wanted
    assert after.channel_revision in (order.channel_revision, after.stock_revision)
    assert after.wanted == wanted(after)
    ours = {line.line_id: line.processed for line in order.lines if line.processed}
    assert {line.line_id: line.processed for line in after.lines if line.processed} == ours
    assert {line.line_id for line in order.lines} <= {line.line_id for line in after.lines}
    assert (after.held, after.location, after.set_aside) == (order.held, order.location, order.set_aside)


@given(order=stored_orders(), seen=shown_orders, whole=st.booleans())
def test_following_twice_is_following_once(order: Order, seen: ChannelOrder, *, whole: bool) -> None:
    """The same document followed again changes nothing but revisions."""
    once = follow(order, shown_as(seen, whole=whole))

    twice = follow(once, shown_as(seen, whole=whole))

    assert without(twice, *REVISIONS) == without(once, *REVISIONS)


@given(order=stored_orders(), seen=shown_orders, whole=st.booleans())
def test_states_follow_the_table(order: Order, seen: ChannelOrder, *, whole: bool) -> None:
    """Tombstones and processed orders stay so, and what a person cancelled comes back only if its channel ended it."""
    after = follow(order, shown_as(seen, whole=whole))

    if order.state in (OrderState.DELETED, OrderState.PROCESSED):
        assert after.state is order.state
    if order.state is OrderState.PROCESSED:
        assert after.lines == order.lines
    if order.state is OrderState.DELETED:
        assert after.ended == order.ended
    if order.state is OrderState.CANCELLED and order.ended == ADA and order.reviewed != "VANISHED":
        assert after.state is OrderState.CANCELLED
        assert (after.ended == ADA) == (seen.fulfillment is not FulfillmentStatus.CANCELLED)
    if seen.fulfillment is FulfillmentStatus.CANCELLED and order.state in LIVE:
        assert (after.state, after.ended and after.ended.who) == (OrderState.CANCELLED, CHANNEL)
        assert (after.conflict is not None) == any(line.processed for line in order.lines)
    if after.state in LIVE:
        assert any(line.open for line in after.lines)
        assert after.ended is None


@given(stored_orders(), shown_orders)
def test_conflict_holds_what_is_shown(order: Order, seen: ChannelOrder) -> None:
    """Every conflict left by a look is about that look, and can be decided unless the order is deleted."""
    after = follow(order, shown_as(seen, whole=False))

    if after.conflict is not None:
        shown = {line.line_id: (line.channel_sku, line.quantity, line.cancelled) for line in seen.lines}
        held = {line.line_id: (line.channel_sku, line.quantity, line.cancelled) for line in after.conflict.lines}
        assert shown.items() <= held.items()
        assert after.conflict.code is not ConflictCode.VANISHED
        assert bool(possible(after)) == (after.state is not OrderState.DELETED)


@given(stored_orders(), shown_orders)
def test_followed_lines_are_those_of_the_channel(order: Order, seen: ChannelOrder) -> None:
    """An order whose conflict is followed buys what its channel shows, and is not asked the same again."""
    after = follow(order, shown_as(seen, whole=False))
    if Resolution.FOLLOW not in possible(after):
        return

    followed = follow_lines(after, by=ADA)

    bought = {line.line_id: (line.channel_sku, line.quantity, line.cancelled) for line in followed.lines}
    assert {
        line.line_id: (line.channel_sku, line.quantity, line.cancelled) for line in seen.lines
    }.items() <= bought.items()
    assert followed.wanted == wanted(followed)
    assert followed.stock_revision >= after.stock_revision
    if followed.state in LIVE:
        assert code_of(follow(followed, shown_as(seen, whole=False))) != code_of(after)
