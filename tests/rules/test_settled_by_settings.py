"""Conflicts that the settings of a channel resolve, so that nobody is asked."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from ordersync.conflicts import SENTENCES, by_settings, conflict_known, possible
from ordersync.model.orders import Conflict, ConflictCode, Order, OrderState, Resolution
from ordersync.model.settings import ChannelSettings
from ordersync.testing.builders import NOON, make_order

C, R, S = ConflictCode, Resolution, OrderState


def in_conflict(code: ConflictCode, state: OrderState = S.OPEN, **changes: Any) -> Order:  # noqa: ANN401 - of an order
    """Build an order in conflict, shown with as many mugs as it has."""
    lines = make_order().lines
    conflict = Conflict(code=code, sentence=SENTENCES[code], at=NOON, lines=lines, view="v")
    return make_order(state=state, conflict=conflict, **changes)


SHIPPED, VANISHED = ChannelSettings(shipped_elsewhere=R.FOLLOW), ChannelSettings(vanished=R.CANCEL)


@pytest.mark.parametrize(
    ("order", "settings", "expected"),
    [
        (in_conflict(C.SHIPPED_ELSEWHERE), SHIPPED, R.FOLLOW),
        (in_conflict(C.SHIPPED_ELSEWHERE), VANISHED, None),
        (in_conflict(C.VANISHED), VANISHED, R.CANCEL),
        (in_conflict(C.VANISHED), SHIPPED, None),
        (in_conflict(C.PARTIALLY_REFUNDED), SHIPPED, None),
        (in_conflict(C.SHIPPED_ELSEWHERE, fulfilled_by_channel=True), SHIPPED, R.PROCESS),
        (in_conflict(C.SHIPPED_ELSEWHERE, S.PROCESSED), SHIPPED, None),
        (make_order(state=S.OPEN), SHIPPED, None),
    ],
)
def test_each_setting_resolves_its_own_conflict(
    order: Order, settings: ChannelSettings, expected: Resolution | None
) -> None:
    """A setting speaks for one conflict of a live order; what the channel sends out of our stock has left it."""
    assert by_settings(order, settings) is expected


@pytest.mark.parametrize(
    ("code", "left"), [(C.SHIPPED_ELSEWHERE, {R.KEEP, R.CANCEL}), (C.EDITED_AFTER_PROCESSING, {R.KEEP})]
)
def test_lines_that_were_not_kept_can_not_be_taken_over(code: ConflictCode, left: set[Resolution]) -> None:
    """A conflict about lines that remembers none can only be kept or cancelled, and no setting does more."""
    order = in_conflict(code)
    assert order.conflict is not None
    order = attrs.evolve(order, conflict=attrs.evolve(order.conflict, lines=()))

    assert possible(order) == left
    assert by_settings(order, SHIPPED) is None


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (make_order(), None),
        (in_conflict(C.SHIPPED_ELSEWHERE), C.SHIPPED_ELSEWHERE),
        (in_conflict(C.VANISHED), C.VANISHED),
        (make_order(reviewed=C.VANISHED.value), C.VANISHED),
        (in_conflict(C.SHIPPED_ELSEWHERE, reviewed=C.VANISHED.value), C.VANISHED),
    ],
)
def test_vanished_order_is_known_as_such_until_it_is_seen(order: Order, code: ConflictCode | None) -> None:
    """That an order had vanished is known also when that was resolved; else its conflict is what it is in."""
    assert conflict_known(order) is code
