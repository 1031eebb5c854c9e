"""When an order that waits for something is looked up next. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from ..admission import PAID, WATCHED
from ..model.ids import OrderKey
from ..model.orders import LIVE, Decision, Order
from ..model.pages import Watch

SHORTEST_WAIT = timedelta(minutes=10)
LONGEST_WAIT = timedelta(hours=12)


def next_watch(key: OrderKey, *, since: datetime, now: datetime, watch_for: timedelta) -> Watch | None:
    """Return the next look at an order: after as long as it has been watched, within bounds; None when that is over."""
    waited = now - since
    if waited > watch_for:
        return None
    return Watch(key=key, since=since, look_at=now + min(max(waited, SHORTEST_WAIT), LONGEST_WAIT))


def is_worth_watching(order: Order | None, decision: Decision | None) -> bool:
    """Say whether an order waits for something that its channel may not announce: its payment, or a known word."""
    if order is not None:
        return waits_for_payment(order)
    return decision is not None and not decision.admitted and decision.code in WATCHED


def waits_for_payment(order: Order) -> bool:
    """Say whether a stored order waits for its payment."""
    return order.state in LIVE and order.payment not in PAID
