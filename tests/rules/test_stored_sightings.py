"""What a sighting of a stored, deleted or watched order comes to."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from ordersync.conflicts import vanished
from ordersync.model.channel_orders import (
    ChannelOrder,
    FulfillmentStatus,
    PaymentStatus,
)
from ordersync.model.dispatch import Parcel
from ordersync.model.orders import CHANNEL, ConflictCode, Order, OrderState, Outcome, Reason
from ordersync.model.settings import ChannelSettings
from ordersync.parcels import process
from ordersync.sync.digests import order_digest
from ordersync.sync.sightings import is_same, judge_unreadable
from ordersync.testing import FakeMarketplace
from ordersync.testing.builders import NOON, SHOP, make_channel_order
from rules.sighted import known, scene, see, stored, unreadable

CANCELLED = FulfillmentStatus.CANCELLED

TOMBSTONE: dict[str, Any] = {"state": OrderState.DELETED, "revision": 4}


def test_tombstone_follows_what_its_channel_shows() -> None:
    """A deleted order that is shown otherwise takes that over, is skipped all the same, and the decision says why."""
    tombstone = attrs.evolve(stored(), state=OrderState.DELETED, wanted={})

    found = see(scene(known(**TOMBSTONE), stored=tombstone), make_channel_order(lines={"MUG": 5}))

    assert (found.outcome, found.new, found.doubt) == (Outcome.SKIPPED, None, None)
    assert found.changed is not None
    assert (found.changed.order.state, found.changed.expect) == (OrderState.DELETED, 4)
    assert found.changed.order.lines[0].quantity == 5
    assert found.decision is not None
    assert (found.decision.code, found.decision.admitted, found.decision.final) == ("DELETED_HERE", False, False)


def test_tombstone_first_seen_unchanged_is_decided_only() -> None:
    """A deleted order that is shown as it was saved is skipped with its reason, and nothing of it is written."""
    found = see(scene(known(**TOMBSTONE)), make_channel_order())

    assert (found.outcome, found.changed) == (Outcome.SKIPPED, None)
    assert found.decision is not None


def test_tombstone_seen_again_writes_nothing() -> None:
    """A deleted order that is shown as when it was last skipped leaves no trace but the count."""
    found = see(scene(known(admitted=False, code="DELETED_HERE", **TOMBSTONE)), make_channel_order())

    assert (found.outcome, found.changed, found.decision) == (Outcome.SKIPPED, None, None)


def test_tombstone_with_an_unknown_word_is_left_as_it_is() -> None:
    """A deleted order under a word that nobody knows is skipped, and keeps what it had."""
    tombstone = attrs.evolve(stored(), state=OrderState.DELETED, wanted={})

    found = see(scene(known(**TOMBSTONE), stored=tombstone), make_channel_order(status="Limbo", fulfillment=None))

    assert (found.outcome, found.changed, found.quarantined) == (Outcome.SKIPPED, None, None)


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"digest": b"other"}, False),
        ({"mapping_version": "2"}, False),
        ({"conflict": ConflictCode.VANISHED}, False),
        ({"conflict": ConflictCode.SHIPPED_ELSEWHERE}, True),
        ({"admitted": False, "code": "DELETED_HERE"}, False),
        ({"admitted": False, "code": "DELETED_HERE", "state": OrderState.DELETED}, True),
    ],
)
def test_same_is_what_was_judged_before(changes: dict[str, Any], *, same: bool) -> None:
    """A stored order is the same while document and mapping are, unless it had vanished or was restored since."""
    facts: dict[str, Any] = {"state": OrderState.OPEN, "revision": 4}
    _, before = known(**(facts | changes))

    assert is_same(before, order_digest(make_channel_order()), "") is same


def test_restored_order_is_followed_though_nothing_changed() -> None:
    """An order that was restored is judged anew at its next sighting, by the document that it was skipped with."""
    before = known(admitted=False, code="DELETED_HERE", state=OrderState.NEW, revision=4)

    found = see(scene(before, stored=attrs.evolve(stored(), state=OrderState.NEW)), make_channel_order())

    assert (found.outcome, found.changed is not None) == (Outcome.CHANGED, True)
    assert found.decision is not None
    assert (found.decision.code, found.decision.admitted) == ("ADMITTED", True)


def test_order_that_had_vanished_is_followed_though_nothing_changed() -> None:
    """An order that is found again as it was is in no question any more."""
    lost = vanished(stored(), at=NOON)
    before = known(state=OrderState.OPEN, revision=lost.revision, conflict=ConflictCode.VANISHED)

    found = see(scene(before, stored=lost), make_channel_order())

    assert found.changed is not None
    assert found.changed.order.conflict is None


@pytest.mark.parametrize(
    ("order", "shown", "event"),
    [
        (stored(), {"lines": {"MUG": 5}}, "edited"),
        (stored(), {"fulfillment": CANCELLED}, "cancelled"),
        (
            attrs.evolve(
                stored(), state=OrderState.CANCELLED, ended=Reason(who=CHANNEL, why="", at=NOON), fulfillment=CANCELLED
            ),
            {},
            "revived",
        ),
        (
            process(stored(lines={"MUG": 2}), Parcel(id="p", lines={"1": 1}), at=NOON)[0],
            {"lines": {"MUG": 1}},
            "processed",
        ),
    ],
)
def test_history_is_told_by_what_became_of_the_order(order: Order, shown: dict[str, Any], event: str) -> None:
    """The entry of a change that the channel made is named by the state that it led to, and made by the channel."""
    before = known(state=order.state, revision=order.revision, digest=b"other")

    changed = see(scene(before, stored=order), make_channel_order(**shown)).changed

    assert changed is not None
    assert changed.change is not None
    assert (changed.change.event, changed.change.who, changed.change.why) == (event, CHANNEL, "Paid")
    assert changed.change.revision == changed.order.revision


@pytest.mark.parametrize(
    ("seen", "settings", "watched"),
    [
        (make_channel_order(), {}, False),
        (make_channel_order(payment=PaymentStatus.UNPAID), {}, True),
        (make_channel_order(payment=PaymentStatus.UNPAID), {"download_unpaid": True}, True),
        (make_channel_order(fulfillment=CANCELLED), {}, False),
        (make_channel_order(fulfillment=None), {}, True),
    ],
)
def test_what_waits_is_watched(seen: ChannelOrder, settings: dict[str, Any], *, watched: bool) -> None:
    """An order that waits for its payment or a known word is watched, stored or not; others are not."""
    shop = FakeMarketplace(SHOP, settings=ChannelSettings(**settings))

    assert see(scene(shop=shop), seen).watched is watched


def test_sighting_that_changes_nothing_says_nothing_of_the_watch() -> None:
    """A sighting that writes nothing leaves the watch list as it is."""
    assert see(scene(known(state=OrderState.OPEN, revision=4)), make_channel_order()).watched is None


def test_document_beside_a_readable_one_decides_nothing() -> None:
    """An unreadable document of an order that the same page shows readably is kept, and decides nothing."""
    found = judge_unreadable(scene(), unreadable(), readable=True)

    assert (found.outcome, found.decision) == (Outcome.QUARANTINED, None)
    assert found.quarantined is not None
