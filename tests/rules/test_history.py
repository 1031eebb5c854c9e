"""What an order's history tells of each step, and what it never tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersync.conflicts import vanished
from ordersync.handling import delete, hold, move, park
from ordersync.history import entry_of
from ordersync.model.channel_orders import Address, Buyer, FulfillmentStatus, PaymentStatus
from ordersync.model.dispatch import Parcel
from ordersync.model.orders import Order, OrderChange, OrderLine, OrderState, Reason
from ordersync.parcels import process
from ordersync.testing.builders import NOON
from rules.following import ADA, CANCELLED, after, line, seen, stored

BY = Reason(who="Ada", why="a call", at=NOON)


def told(before: Order, then: Order) -> dict[str, str]:
    """Return the details of one step."""
    return dict(entry_of(before, then, "changed", BY).details)


def test_entry_says_who_when_and_why() -> None:
    """An entry carries the revision that it led to, the event, and who made it when and why."""
    order = stored()

    entry = entry_of(order, attrs.evolve(order, revision=7), "held", BY)

    assert entry == OrderChange(revision=7, event="held", who="Ada", why="a call", at=NOON, details={})


@pytest.mark.parametrize(
    ("changes", "details"),
    [
        ({"state": OrderState.CANCELLED}, {"state": "open -> cancelled"}),
        ({"location": "hall"}, {"location": "main -> hall"}),
        ({"status": "Sent"}, {"status": "Paid -> Sent"}),
        ({"payment": PaymentStatus.REFUNDED}, {"payment": "paid -> refunded"}),
        ({"fulfillment": CANCELLED}, {"fulfillment": "unshipped -> cancelled"}),
        ({"parked": "not paid (unpaid)"}, {"parked": "none -> not paid (unpaid)"}),
        ({"shipping_service": "Express"}, {"shipping_service": "none -> Express"}),
        ({"dispatch_by": NOON}, {"dispatch_by": "none -> 2024-05-06 12:00:00+00:00"}),
        ({"buyer": Buyer(name="Ada")}, {"buyer": "changed"}),
        ({"shipping_address": Address(city="Berlin")}, {"shipping_address": "changed"}),
        ({"reserved_revision": 9, "links_revision": 9, "updated_at": NOON}, {}),
    ],
)
def test_each_fact_is_told(changes: dict[str, Any], details: dict[str, str]) -> None:
    """Each fact that changed is told as it was and as it is, personal ones only as changed."""
    assert told(stored(), attrs.evolve(stored(), **changes)) == details


def test_lines_are_told_one_by_one() -> None:
    """Of each line it is told what changed of it, what came and what went."""
    before = stored({"MUG": 2, "LID": 1})
    mug, _ = before.lines
    more = attrs.evolve(mug, quantity=3, cancelled=1, components={"CUP": 1, "BAG": 2})
    tea = OrderLine(line_id="3", channel_sku="TEA", quantity=4)

    assert told(before, attrs.evolve(before, lines=(more, tea))) == {
        "line 1 quantity": "2 -> 3",
        "line 1 cancelled": "0 -> 1",
        "line 1 components": "1 MUG -> 2 BAG, 1 CUP",
        "line 2": "gone",
        "line 3": "new: 4 of TEA",
    }


def steps() -> Iterator[tuple[Order, dict[str, str]]]:
    """Give what people and the channel do to an order of two mugs, and what is told of it."""
    order = stored({"MUG": 2})
    yield hold(order, by=ADA), {}
    yield park(order, by=ADA), {}
    yield move(order, "hall"), {"location": "main -> hall"}
    yield delete(order, by=ADA), {"state": "open -> deleted"}
    yield vanished(order, at=NOON), {"conflict": "VANISHED"}
    part = process(order, Parcel(id="p1", lines={"1": 1}), at=NOON)[0]
    yield part, {"line 1 processed": "0 -> 1"}
    shipped = after(order, seen([line("1", 2, shipped=1)], fulfillment=FulfillmentStatus.PARTIAL))
    yield shipped, {"fulfillment": "unshipped -> partial", "conflict": "SHIPPED_ELSEWHERE"}


@pytest.mark.parametrize(("then", "details"), list(steps()))
def test_each_step_is_told(then: Order, details: dict[str, str]) -> None:
    """What a step changed is told, and a conflict by its code, not by what it holds."""
    assert told(stored({"MUG": 2}), then) == details


def test_conflict_that_goes_on_is_told_once() -> None:
    """A conflict that was told is not told again while nothing of it changes."""
    gone = vanished(stored(), at=NOON)

    assert told(gone, hold(gone, by=ADA)) == {}


MARK = "\N{SNOWMAN}"
"""A letter that stands in personal data and nowhere else."""

secrets = st.text(min_size=1, max_size=8, alphabet="abc 12").map(lambda word: f"{MARK}{word}")
buyers = st.none() | st.builds(Buyer, name=secrets, email=secrets, phone=secrets)
addresses = st.none() | st.builds(
    Address,
    name=secrets,
    company=secrets,
    lines=st.tuples(secrets),
    city=secrets,
    region=secrets,
    postcode=secrets,
    phone=secrets,
)
quantities = st.dictionaries(st.sampled_from(["MUG", "LID"]), st.integers(1, 3), min_size=1)


@given(buyers, buyers, addresses, addresses, quantities, st.sampled_from(FulfillmentStatus))
def test_personal_data_is_never_told(
    buyer: Buyer | None,
    other_buyer: Buyer | None,
    address: Address | None,
    other_address: Address | None,
    bought: dict[str, int],
    fulfillment: FulfillmentStatus,
) -> None:
    """Whoever buys, wherever it goes and whatever changes, no value of buyer or address is in an entry."""
    before = stored({"MUG": 1}, buyer=buyer, shipping_address=address)
    shown = seen(bought, buyer=other_buyer, shipping_address=other_address, fulfillment=fulfillment)

    then = after(before, shown)
    entry = entry_of(before, then, "edited", BY)

    assert MARK not in str(attrs.asdict(entry))
    assert MARK not in repr((before, then, then.conflict))
    assert ("buyer" in entry.details) == (buyer != other_buyer)
    assert ("shipping_address" in entry.details) == (address != other_address)
