"""What becomes of cancelled and deleted orders when their channel shows something else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from ordersync.conflicts import keep, vanished
from ordersync.handling import delete, restore
from ordersync.lifecycle import cancel
from ordersync.model.channel_orders import Buyer, ChannelOrder, FulfillmentStatus, PaymentStatus
from ordersync.model.orders import CHANNEL, ConflictCode, Order, OrderLine, OrderState, Reason
from ordersync.model.settings import ChannelSettings
from ordersync.testing.builders import NOON
from rules.following import (
    ADA,
    CANCELLED,
    LATER,
    SHIPPED,
    after,
    cancelled_by,
    code_of,
    line,
    parted,
    processed,
    seen,
    stored,
)

BOB = Reason(who="Bob", why="a mistake", at=LATER)
UNPAID = PaymentStatus.UNPAID


def cancelled_there(order: Order | None = None, lines: Any = None) -> Order:  # noqa: ANN401 - as the builder takes them
    """Let the channel cancel an order of two mugs."""
    return after(order or stored({"MUG": 2}), seen(lines or {"MUG": 2}, fulfillment=CANCELLED, status="Void"))


def test_cancellation_keeps_who_did_it() -> None:
    """An order that its channel cancelled says so, in the channel's own word."""
    assert cancelled_there().ended == Reason(who=CHANNEL, why="Void", at=LATER)


def test_order_paid_after_all_is_revived() -> None:
    """An order that its channel cancelled and shows alive again is new again, and wants what is shown now."""
    order = cancelled_there()

    revived = after(order, seen([line("1", 3), line("2", 1, "LID")]))

    assert (revived.state, revived.ended, revived.conflict) == (OrderState.NEW, None, None)
    assert revived.wanted == {("MUG", "main"): 3, ("LID", "main"): 1}
    assert revived.stock_revision == revived.channel_revision == order.stock_revision + 1
    assert revived.revision == order.revision + 1


@pytest.mark.parametrize(
    ("shown", "settings"),
    [
        (seen({"MUG": 2}, payment=UNPAID), ChannelSettings()),
        (seen({"MUG": 2}, payment=PaymentStatus.REFUNDED), ChannelSettings(download_unpaid=True)),
        (seen({"MUG": 2}, fulfillment=SHIPPED), ChannelSettings()),
        (seen([line("1", 2, cancelled=2)]), ChannelSettings()),
        (seen([line("1", 2, cancelled=1, shipped=1)]), ChannelSettings()),
        (seen({"MUG": 2}, fulfillment=CANCELLED, status="Void again"), ChannelSettings()),
    ],
)
def test_order_that_would_not_be_downloaded_stays_cancelled(shown: ChannelOrder, settings: ChannelSettings) -> None:
    """A cancelled order without payment or without open pieces is not revived."""
    changed = after(cancelled_there(), shown, settings=settings)

    assert (changed.state, changed.wanted) == (OrderState.CANCELLED, {})
    assert changed.ended is not None
    assert changed.ended.who == CHANNEL


def test_unpaid_order_is_revived_where_unpaid_ones_are_wanted() -> None:
    """Where unpaid orders are downloaded an unpaid one is revived too, and waits for its payment."""
    revived = after(cancelled_there(), seen({"MUG": 2}, payment=UNPAID), settings=ChannelSettings(download_unpaid=True))

    assert (revived.state, revived.parked) == (OrderState.NEW, "not paid (unpaid)")
    assert revived.wanted == {("MUG", "main"): 2}


def test_order_cancelled_line_by_line_is_revived() -> None:
    """An order that ended because its last line was cancelled there comes back with that line."""
    order = after(stored({"MUG": 2}), seen([line("1", 2, cancelled=2)]))
    assert order.state is OrderState.CANCELLED

    assert after(order, seen({"MUG": 2})).wanted == {("MUG", "main"): 2}


def test_what_a_person_cancelled_stays_cancelled() -> None:
    """An order that a person cancelled is not revived by a channel that never did, whatever it shows."""
    order = cancelled_by(ADA)

    changed = after(order, seen({"MUG": 7}, status="Paid twice"))

    assert (changed.state, changed.ended, changed.wanted, changed.conflict) == (OrderState.CANCELLED, ADA, {}, None)
    assert (changed.status, changed.fulfillment) == ("Paid twice", FulfillmentStatus.UNSHIPPED)


def test_what_both_cancelled_the_channel_may_revive() -> None:
    """An order that its channel cancelled too, after a person did, is the channel's to revive."""
    order = after(cancelled_by(ADA), seen({"MUG": 2}, fulfillment=CANCELLED))
    assert (order.ended, order.state) == (Reason(who=CHANNEL, why="Paid", at=LATER), OrderState.CANCELLED)

    assert after(order, seen({"MUG": 2})).state is OrderState.NEW


def test_what_was_given_up_as_vanished_the_channel_may_show_again() -> None:
    """An order that a person cancelled because its channel did not show it comes back when it is shown alive."""
    given_up = cancel(vanished(stored({"MUG": 2}), at=NOON), by=ADA)
    assert (given_up.state, given_up.ended) == (OrderState.CANCELLED, ADA)

    assert after(given_up, seen({"MUG": 2})).state is OrderState.NEW
    assert after(given_up, seen({"MUG": 2}, payment=UNPAID)).state is OrderState.CANCELLED


def test_cancelled_order_keeps_up_with_what_its_channel_sells() -> None:
    """Every change of what an ended order buys leaves its listings in doubt, also one back to what it was."""
    order = cancelled_by(ADA)

    less = after(order, seen([line("1", 2, cancelled=1)]))
    back = after(less, seen({"MUG": 2}))
    same = after(back, seen({"MUG": 2}, status="Other"))

    assert [one.stock_revision - order.stock_revision for one in (less, back, same)] == [1, 2, 2]
    assert back.channel_revision == back.stock_revision


def test_processed_order_that_is_edited_back_is_in_doubt() -> None:
    """A processed order whose edit was let stand leaves its listings in doubt when the edit is taken back."""
    order = keep(after(processed(stored({"MUG": 2})), seen({"MUG": 3})))

    back = after(order, seen({"MUG": 2}))
    same = after(back, seen({"MUG": 2}, status="Other"))
    again = after(same, seen({"MUG": 3}))

    assert [one.stock_revision - order.stock_revision for one in (back, same, again)] == [1, 1, 2]
    assert (back.conflict, back.reviewed) == (None, None)
    assert code_of(again) is ConflictCode.EDITED_AFTER_PROCESSING


def test_first_cancellation_of_the_channel_is_kept() -> None:
    """A channel that shows a cancelled order again does not cancel it anew."""
    order = cancelled_there()

    again = after(order, seen({"MUG": 2}, fulfillment=CANCELLED), at=LATER + timedelta(days=1))

    assert again.ended == order.ended
    assert again.stock_revision == order.stock_revision


def test_revived_order_knows_what_has_left() -> None:
    """A revived order wants what has not left yet, and if all of it has it is processed."""
    order = cancelled_there(parted(stored({"MUG": 2})))
    assert code_of(order) is ConflictCode.CANCELLED_AFTER_PROCESSING

    rest, nothing = after(order, seen({"MUG": 2})), after(order, seen({"MUG": 1}))

    assert (rest.state, rest.wanted, rest.conflict) == (OrderState.NEW, {("MUG", "main"): 1}, None)
    assert (nothing.state, nothing.wanted, nothing.ended) == (OrderState.PROCESSED, {}, None)


def test_revived_order_that_left_in_part_elsewhere_is_in_question() -> None:
    """An order that comes back with pieces shipped by other hands says so at once."""
    revived = after(cancelled_there(), seen([line("1", 2, shipped=1)], fulfillment=FulfillmentStatus.PARTIAL))

    assert (revived.state, code_of(revived)) == (OrderState.NEW, ConflictCode.SHIPPED_ELSEWHERE)


def test_cancelled_order_shipped_all_the_same_is_in_question() -> None:
    """An order that a person cancelled here and the channel ships is a conflict, and wants nothing."""
    changed = after(cancelled_by(ADA), seen({"MUG": 2}, fulfillment=SHIPPED))

    assert (changed.state, code_of(changed), changed.wanted) == (
        OrderState.CANCELLED,
        ConflictCode.SHIPPED_ELSEWHERE,
        {},
    )


def deleted(order: Order | None = None) -> Order:
    """Let Ada delete an order of two mugs."""
    return delete(order or stored({"MUG": 2}), by=ADA)


@pytest.mark.parametrize(
    "shown",
    [
        seen({"MUG": 5, "LID": 1}),
        seen({"MUG": 2}, fulfillment=CANCELLED),
        seen({"MUG": 2}, fulfillment=SHIPPED),
        seen([line("1", 2, shipped=1)]),
        seen([line("1", 2, cancelled=2)]),
        seen({"MUG": 2}, payment=UNPAID),
    ],
)
def test_tombstone_stays_one(shown: ChannelOrder) -> None:
    """Whatever its channel shows, a deleted order stays deleted, by whom it was, and wants nothing."""
    changed = after(deleted(), shown)

    assert (changed.state, changed.ended, changed.wanted) == (OrderState.DELETED, ADA, {})


def test_tombstone_keeps_up_with_its_channel() -> None:
    """A deleted order takes over lines and facts, so that it can be restored as it is by then."""
    changed = after(deleted(), seen({"MUG": 5, "LID": 1}, status="Changed", buyer=Buyer(name="Ada")))

    assert [(one.channel_sku, one.open) for one in changed.lines] == [("MUG", 5), ("LID", 1)]
    assert (changed.status, changed.buyer) == ("Changed", Buyer(name="Ada"))
    assert restore(changed, by=BOB).wanted == {("MUG", "main"): 5, ("LID", "main"): 1}


def test_restored_order_is_new_again() -> None:
    """A restored order is new, nobody has ended it, and its stock revision has gone on rising."""
    tombstone = deleted()

    order = restore(tombstone, by=BOB)

    assert (order.state, order.ended, order.wanted) == (OrderState.NEW, None, {("MUG", "main"): 2})
    assert order.stock_revision == tombstone.stock_revision + 1 == stored().stock_revision + 2


def test_order_cancelled_meanwhile_is_restored_as_cancelled() -> None:
    """An order that its channel cancelled while it was deleted comes back cancelled, and may be revived there."""
    order = restore(after(deleted(), seen({"MUG": 2}, fulfillment=CANCELLED)), by=BOB)

    assert (order.state, order.wanted) == (OrderState.CANCELLED, {})
    assert order.ended == attrs.evolve(BOB, who=CHANNEL)
    assert after(order, seen({"MUG": 2})).state is OrderState.NEW


def test_order_cancelled_meanwhile_whose_goods_have_left_is_in_question() -> None:
    """An order that was cancelled while it was deleted, and had left in part before, comes back as a conflict."""
    order = restore(after(deleted(parted(stored({"MUG": 2}))), seen({"MUG": 2}, fulfillment=CANCELLED)), by=BOB)

    assert (order.state, code_of(order)) == (OrderState.CANCELLED, ConflictCode.CANCELLED_AFTER_PROCESSING)


def test_order_cancelled_line_by_line_meanwhile_is_restored_as_cancelled() -> None:
    """An order of which its channel left nothing open ends as it is restored, and may be revived there."""
    order = restore(after(deleted(), seen([line("1", 2, cancelled=2)])), by=BOB)

    assert (order.state, order.wanted, order.ended) == (OrderState.CANCELLED, {}, attrs.evolve(BOB, who=CHANNEL))
    assert after(order, seen({"MUG": 2})).state is OrderState.NEW


def test_order_whose_rest_was_cancelled_meanwhile_is_restored_as_processed() -> None:
    """An order of which all that is left has left comes back processed."""
    order = restore(after(deleted(parted(stored({"MUG": 2}))), seen({"MUG": 1})), by=BOB)

    assert (order.state, order.wanted, order.ended) == (OrderState.PROCESSED, {}, None)


def test_order_shipped_meanwhile_is_restored_in_question() -> None:
    """An order that was shipped by other hands while it was deleted comes back as a conflict."""
    order = restore(after(deleted(), seen({"MUG": 2}, fulfillment=SHIPPED)), by=BOB)

    assert (order.state, code_of(order)) == (OrderState.NEW, ConflictCode.SHIPPED_ELSEWHERE)


def test_restored_order_is_still_held() -> None:
    """An order that was held when it was deleted comes back held, and reserves nothing."""
    order = restore(deleted(stored({"MUG": 2}, held=ADA)), by=BOB)

    assert (order.held, order.wanted) == (ADA, {})


def test_line_that_came_while_it_was_deleted_is_resolved() -> None:
    """A line that came to a deleted order has its components when the order is restored."""
    mug = OrderLine(line_id="1", channel_sku="MUG", quantity=2, components={"OLD": 1})

    order = restore(after(deleted(stored([mug])), seen([line("1", 2), line("2", 1, "LID")])), by=BOB)

    assert order.wanted == {("OLD", "main"): 2, ("LID", "main"): 1}
    assert order.updated_at == NOON + timedelta(minutes=1)
