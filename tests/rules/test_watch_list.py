"""When an order that waits for something is looked up next, and when that ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersync.model.channel_orders import PaymentStatus
from ordersync.model.orders import Order, OrderState
from ordersync.sync.watch_list import LONGEST_WAIT, SHORTEST_WAIT, is_worth_watching, next_watch
from ordersync.testing.builders import NOON, make_decision, make_key, make_order

KEY = make_key("1001")
MONTH = timedelta(days=30)


@pytest.mark.parametrize(
    ("waited", "wait"),
    [
        (timedelta(0), timedelta(minutes=10)),
        (timedelta(minutes=9), timedelta(minutes=10)),
        (timedelta(minutes=11), timedelta(minutes=11)),
        (timedelta(hours=3), timedelta(hours=3)),
        (timedelta(hours=13), timedelta(hours=12)),
        (timedelta(days=30), timedelta(hours=12)),
    ],
)
def test_wait_grows_with_the_time_waited(waited: timedelta, wait: timedelta) -> None:
    """An order is looked up again after as long as it has been watched, within bounds."""
    watch = next_watch(KEY, since=NOON, now=NOON + waited, watch_for=MONTH)

    assert watch is not None
    assert (watch.key, watch.since, watch.look_at) == (KEY, NOON, NOON + waited + wait)


def test_watch_ends() -> None:
    """An order that has waited for longer than the settings say is not looked up any more."""
    assert next_watch(KEY, since=NOON, now=NOON + MONTH + timedelta(seconds=1), watch_for=MONTH) is None
    assert next_watch(KEY, since=NOON, now=NOON + timedelta(seconds=1), watch_for=timedelta(0)) is None


@given(st.timedeltas(timedelta(0), timedelta(days=60)))
def test_looks_are_few_and_do_end(watch_for: timedelta) -> None:
    """However long an order is watched, its looks never come closer, never stop early, and are few."""
    now, waits = NOON, []
    while (watch := next_watch(KEY, since=NOON, now=now, watch_for=watch_for)) is not None:
        waits.append(watch.look_at - now)
        now = watch.look_at

    assert waits == sorted(waits)
    assert all(SHORTEST_WAIT <= wait <= LONGEST_WAIT for wait in waits)
    assert now > NOON + watch_for
    assert len(waits) <= 10 + watch_for / LONGEST_WAIT


@pytest.mark.parametrize(
    ("order", "worth"),
    [
        (make_order(payment=PaymentStatus.PENDING), True),
        (make_order(payment=PaymentStatus.UNPAID, state=OrderState.OPEN), True),
        (make_order(payment=PaymentStatus.REFUNDED), True),
        (make_order(), False),
        (make_order(payment=PaymentStatus.AUTHORIZED), False),
        (make_order(payment=PaymentStatus.PARTIALLY_REFUNDED), False),
        (make_order(payment=PaymentStatus.UNPAID, state=OrderState.PROCESSED), False),
        (make_order(payment=PaymentStatus.UNPAID, state=OrderState.CANCELLED), False),
        (make_order(payment=PaymentStatus.UNPAID, state=OrderState.DELETED), False),
    ],
)
def test_stored_order_is_watched_for_its_payment(order: Order, *, worth: bool) -> None:
    """A live order is watched while it is not paid, whatever was decided about it; an ended one never is."""
    refused = make_decision(KEY, admitted=False, code="NOT_PAID")

    assert is_worth_watching(order, None) is worth
    assert is_worth_watching(order, refused) is worth


@pytest.mark.parametrize(
    ("code", "worth"),
    [
        ("NOT_PAID", True),
        ("STATUS_UNKNOWN", True),
        ("UNREADABLE", True),
        ("CANCELLED_ON_CHANNEL", False),
        ("SHIPPED_BEFORE_DOWNLOAD", False),
        ("DELETED_HERE", False),
        ("STATUS_IGNORED", False),
        ("NO_LOCATION", False),
    ],
)
def test_refused_order_is_watched_for_what_it_lacks(code: str, *, worth: bool) -> None:
    """An order that is not stored is watched while its payment or a known word may still come."""
    assert is_worth_watching(None, make_decision(KEY, admitted=False, code=code)) is worth


def test_order_that_nobody_decided_about_is_not_watched() -> None:
    """An admitted order, or one that was never seen, is not watched by its decision."""
    assert not is_worth_watching(None, None)
    assert not is_worth_watching(None, make_decision(KEY, code="NOT_PAID"))
