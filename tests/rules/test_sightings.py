"""What one sighting of an order comes to, by what was known of it before."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest

from ordersync.model.channel_orders import (
    Address,
    Buyer,
    ChannelOrder,
    ChannelOrderLine,
    FulfillmentStatus,
    PaymentStatus,
)
from ordersync.model.ids import OrderKey
from ordersync.model.money import Money
from ordersync.model.orders import Order, OrderState, Outcome
from ordersync.model.pages import Known, Watch
from ordersync.model.settings import ChannelSettings, StatusMapping
from ordersync.sync.digests import order_digest, payload_hash
from ordersync.sync.sightings import Sighting, judge_unreadable
from ordersync.testing import FakeMarketplace
from ordersync.testing.builders import NOON, SHOP, make_channel_order
from rules.sighted import known, scene, see, stored, unreadable

CANCELLED = FulfillmentStatus.CANCELLED


def test_scene_knows_who_is_on_the_watch_list() -> None:
    """A page is told each order's place on the watch list; what has no number, or is not known, has none."""
    watched = Watch(key=OrderKey(SHOP, "1001"), since=NOON, look_at=NOON + timedelta(hours=1))

    assert scene(known(watch=watched)).watch("1001") == watched
    assert scene(known()).watch("1001") is None
    assert scene(known(watch=watched)).watch("1002") is None
    assert scene(known(watch=watched)).watch(None) is None


def test_new_order_is_saved_with_all_that_it_shows() -> None:
    """An admitted order is saved as NEW, with its lines resolved, its wants and its sale beside it."""
    seen = make_channel_order(
        lines={"MUG": 2, "LID": 1}, channel_order_id="gid", paid_at=NOON, shipping_service="Express", raw=b"{}"
    )

    found = see(scene(), seen)

    order = found.new
    assert order is not None
    assert found.outcome is Outcome.NEW
    assert found.refusal is None
    assert (order.key, order.state, order.location) == (OrderKey(SHOP, "1001"), OrderState.NEW, "main")
    assert [(line.channel_sku, line.quantity, line.components) for line in order.lines] == [
        ("MUG", 2, {"CUP": 1}),
        ("LID", 1, None),
    ]
    assert (order.wanted, order.sold) == ({("CUP", "main"): 2}, {("MUG", None): 2, ("LID", None): 1})
    assert (order.stock_revision, order.channel_revision, order.links_revision) == (1, 0, 3)
    assert (order.channel_order_id, order.shipping_service, order.saved_at) == (
        "gid",
        "Express",
        NOON + timedelta(hours=1),
    )
    assert order.taken_at == NOON - timedelta(seconds=1)


def test_nothing_that_an_order_shows_is_lost() -> None:
    """Every fact that an order and its channel's record both have is taken over as it is."""
    full: dict[str, Any] = {
        "channel_order_id": "gid",
        "secondary_reference": "PO",
        "paid_at": NOON,
        "total": Money(Decimal(3), "EUR"),
        "buyer": Buyer(name="Ada"),
        "shipping_address": Address(city="Berlin"),
        "shipping_service": "Express",
        "dispatch_by": NOON,
        "channel_location": "north",
        "fulfilled_by_channel": True,
    }
    seen = make_channel_order(**full)
    order = see(scene(), seen).new

    assert order is not None
    both = {one.name for one in attrs.fields(Order)} & {one.name for one in attrs.fields(ChannelOrder)}
    shared = both - {"lines", "state"}  # the state of an order here is no word of its channel
    assert shared > full.keys()
    assert {name: getattr(order, name) for name in shared} == {name: getattr(seen, name) for name in shared}


def test_decision_says_what_was_judged() -> None:
    """The decision keeps the word, the run, the page and the fingerprint that it was made by."""
    seen = make_channel_order(status="Ready")

    decision = see(scene(), seen).decision

    assert decision is not None
    assert (decision.key, decision.admitted, decision.code) == (OrderKey(SHOP, "1001"), True, "ADMITTED")
    assert (decision.status, decision.run_id, decision.page) == ("Ready", "run", 2)
    assert (decision.digest, decision.placed_at, decision.final) == (order_digest(seen), NOON, False)


def test_order_partly_cancelled_before_it_was_seen_is_in_doubt() -> None:
    """What a channel put back on sale before we saw the order nobody knows, so its listings are doubted."""
    lines = [ChannelOrderLine(line_id="1", channel_sku="MUG", quantity=3, cancelled=1)]

    order = see(scene(), make_channel_order(lines=lines)).new

    assert order is not None
    assert (order.channel_revision, order.wanted, order.sold) == (1, {("CUP", "main"): 2}, {("MUG", None): 3})


@pytest.mark.parametrize("facts", [{"decrements_on_sale": False}, {}])
def test_what_a_channel_took_off(facts: dict[str, Any]) -> None:
    """Only a channel that takes sold pieces off by itself has its belief lowered, and only by our own goods."""
    ours = see(scene(shop=FakeMarketplace(SHOP, **facts)), make_channel_order()).new
    theirs = see(scene(shop=FakeMarketplace(SHOP, **facts)), make_channel_order(fulfilled_by_channel=True)).new

    assert ours is not None
    assert theirs is not None
    assert ours.sold == ({} if facts else {("MUG", None): 1})
    assert (theirs.sold, theirs.wanted) == ({}, {})


def test_lines_of_one_sku_are_one_sale() -> None:
    """Two lines of one listing take their sum off it, at the order's own location."""
    lines = [ChannelOrderLine(line_id=one, channel_sku="MUG", quantity=2) for one in "ab"]

    order = see(scene(), make_channel_order(lines=lines, channel_location="north")).new

    assert order is not None
    assert order.sold == {("MUG", "north"): 4}


def test_unpaid_order_is_saved_parked_where_it_is_wanted() -> None:
    """With unpaid orders downloaded, one is saved, parked, and reserves."""
    shop = FakeMarketplace(SHOP, settings=ChannelSettings(download_unpaid=True))

    order = see(scene(shop=shop), make_channel_order(payment=PaymentStatus.PENDING)).new

    assert order is not None
    assert (order.parked, order.wanted) == ("not paid (pending)", {("CUP", "main"): 1})


def test_refused_order_is_skipped_with_its_reason() -> None:
    """A refused order leaves a decision, and nothing in quarantine."""
    found = see(scene(), make_channel_order(payment=PaymentStatus.UNPAID))

    assert (found.outcome, found.quarantined, found.doubt) == (Outcome.SKIPPED, None, None)
    assert found.refusal is not None
    assert found.decision is not None
    assert (found.decision.code, found.decision.admitted) == ("NOT_PAID", False)
    assert found.decision.sentence == found.refusal.sentence


def test_unknown_word_is_quarantined_with_its_document() -> None:
    """An order whose word nobody knows is kept with its document until somebody does."""
    found = see(scene(), make_channel_order(fulfillment=None, status="Limbo", raw=b'{"status": "Limbo"}'))

    assert found.outcome is Outcome.QUARANTINED
    assert found.quarantined is not None
    assert (found.quarantined.code, found.quarantined.reference) == ("STATUS_UNKNOWN", "1001")
    assert found.quarantined.payload == b'{"status": "Limbo"}'
    assert found.quarantined.payload_hash == payload_hash(b'{"status": "Limbo"}')


def test_orders_without_documents_are_kept_apart() -> None:
    """Two orders of a channel that gives no documents do not share a place in quarantine."""
    hashes = {
        see(scene(), make_channel_order(one, fulfillment=None)).quarantined.payload_hash  # type: ignore[union-attr]
        for one in ("1", "2")
    }

    assert len(hashes) == 2


@pytest.mark.parametrize("fulfillment", [CANCELLED, FulfillmentStatus.SHIPPED])
def test_order_that_ended_unseen_doubts_its_listings_once(fulfillment: FulfillmentStatus) -> None:
    """An order that ended before it was stored puts what its listings show in doubt, once."""
    seen = make_channel_order(fulfillment=fulfillment)
    first = see(scene(), seen)
    assert first.doubt is not None
    assert first.decision is not None
    assert (first.doubt.revision, first.doubt.channel_revision, first.doubt.sold) == (1, 1, {("MUG", None): 1})
    assert first.doubt.taken_at == NOON - timedelta(seconds=1)
    assert first.decision.final

    facts = {"admitted": False, "code": first.decision.code, "final": True, "doubt_revision": 1}
    again = see(scene(known(seen, **facts)), seen)
    edited = see(scene(known(make_channel_order(), **facts)), seen)

    assert (again.doubt, again.decision, again.outcome) == (None, None, Outcome.SKIPPED)
    assert edited.doubt is None
    assert edited.decision is not None


def test_unpaid_order_doubts_when_it_is_cancelled() -> None:
    """An order that was waited for and is then cancelled doubts its listings under the next revision."""
    waiting = known(make_channel_order(payment=PaymentStatus.UNPAID), admitted=False, code="NOT_PAID", doubt_revision=2)

    found = see(scene(waiting), make_channel_order(fulfillment=CANCELLED))

    assert found.doubt is not None
    assert found.doubt.revision == 3


def test_channel_that_takes_nothing_off_is_not_doubted() -> None:
    """Where a sale lowers no level, an order that ended unseen doubts nothing."""
    shop = FakeMarketplace(SHOP, decrements_on_sale=False)

    assert see(scene(shop=shop), make_channel_order(fulfillment=CANCELLED)).doubt is None


@pytest.mark.parametrize("doubts", [1, 2])
def test_order_that_doubted_and_is_paid_after_all_stays_in_doubt(doubts: int) -> None:
    """An order that ended once and is admitted later is saved above the revisions that doubted."""
    was = known(admitted=False, code="CANCELLED_ON_CHANNEL", final=True, digest=b"other", doubt_revision=doubts)

    order = see(scene(was), make_channel_order()).new

    assert order is not None
    assert (order.stock_revision, order.channel_revision) == (doubts + 1, doubts + 1)


def test_same_refusal_writes_nothing() -> None:
    """An order refused as before is counted and reported again, and nothing is written."""
    seen = make_channel_order(payment=PaymentStatus.UNPAID)
    before = known(seen, admitted=False, code="NOT_PAID")

    found = see(scene(before), seen)

    assert (found.outcome, found.decision, found.quarantined) == (Outcome.SKIPPED, None, None)
    assert found.refusal is not None


def test_other_mapping_decides_anew() -> None:
    """An order that was judged by another mapping is judged again, and the new version is kept."""
    mapping = StatusMapping(version="2", unpaid=["Paid"])
    shop = FakeMarketplace(SHOP, settings=ChannelSettings(status_mapping=mapping), requires_status_mapping=True)
    seen = make_channel_order(payment=None, fulfillment=None)

    found = see(scene(known(seen, admitted=False, code="NOT_PAID", mapping_version="1"), shop=shop), seen)

    assert found.decision is not None
    assert (found.decision.code, found.decision.mapping_version) == ("NOT_PAID", "2")


def test_tombstone_blocks_a_second_download() -> None:
    """An order that a person deleted here is skipped, and says so."""
    found = see(scene(known(state=OrderState.DELETED, revision=4, digest=b"other")), make_channel_order())

    assert found.refusal is not None
    assert (found.outcome, found.refusal.code, found.new) == (Outcome.SKIPPED, "DELETED_HERE", None)


def test_stored_order_unchanged_is_the_same() -> None:
    """A stored order that shows what it showed is counted as same, and nothing is written."""
    assert see(scene(known(state=OrderState.OPEN, revision=4)), make_channel_order()) == Sighting(outcome=Outcome.SAME)


def test_stored_order_edited_is_followed() -> None:
    """A stored order that shows something else is written over the one that was read."""
    found = see(scene(known(state=OrderState.OPEN, revision=4), stored=stored()), make_channel_order(lines={"MUG": 5}))

    assert found.outcome is Outcome.CHANGED
    assert found.changed is not None
    assert found.decision is not None
    assert found.changed.expect == 4
    assert found.changed.order.lines[0].quantity == 5
    assert (found.decision.admitted, found.decision.outcome) == (True, Outcome.CHANGED)


def test_older_version_is_not_followed_back() -> None:
    """A page that shows an order as it was before what is stored changes nothing."""
    older = make_channel_order(lines={"MUG": 5}, updated_at=NOON - timedelta(seconds=1))

    found = see(scene(known(state=OrderState.OPEN, revision=4), stored=stored()), older)

    assert found == Sighting(outcome=Outcome.SAME)


def test_order_that_could_not_be_read_back_is_left_alone() -> None:
    """A stored order that nobody loaded is the same until it is."""
    found = see(scene(known(state=OrderState.OPEN, revision=4)), make_channel_order(lines={"MUG": 5}))

    assert found == Sighting(outcome=Outcome.SAME)


@pytest.mark.parametrize("words", [{"fulfillment": None}, {"payment": None}])
def test_unknown_word_leaves_a_stored_order_as_it_is(words: dict[str, Any]) -> None:
    """A word that nobody knows quarantines the sighting of a stored order and does not touch the order."""
    seen = make_channel_order(status="Limbo", raw=b"{}", **words)
    first = see(scene(known(state=OrderState.OPEN, revision=4), stored=stored()), seen)
    again = see(scene(known(seen, state=OrderState.OPEN, revision=4), stored=stored()), seen)

    assert (first.outcome, first.changed) == (Outcome.QUARANTINED, None)
    assert first.decision is not None
    assert first.quarantined is not None
    assert (first.decision.admitted, first.decision.code) == (True, "STATUS_UNKNOWN")
    assert (again.outcome, again.decision, again.quarantined) == (Outcome.QUARANTINED, None, None)
    assert again.refusal == first.refusal


def test_unreadable_document_is_kept_by_its_hash() -> None:
    """A document that could not be read is quarantined with its payload, and its order has a decision."""
    found = judge_unreadable(scene(), unreadable())

    assert found.outcome is Outcome.QUARANTINED
    assert found.quarantined is not None
    assert found.decision is not None
    assert (found.quarantined.payload, found.quarantined.payload_hash) == (b"{", payload_hash(b"{"))
    assert (found.quarantined.error, found.quarantined.at) == ("lines: is missing", NOON + timedelta(hours=1))
    assert (found.decision.code, found.decision.admitted, found.decision.status) == ("UNREADABLE", False, "")
    assert found.refusal is not None
    assert found.refusal.sentence == "lines: is missing"


def test_unreadable_document_of_nobody_has_no_decision() -> None:
    """A document without a reference is kept, and belongs to no order."""
    found = judge_unreadable(scene(), unreadable(reference=None))

    assert found.decision is None
    assert found.quarantined is not None
    assert found.quarantined.reference is None


@pytest.mark.parametrize(
    ("before", "decides"),
    [
        (known(digest=payload_hash(b"{").encode(), admitted=False, code="UNREADABLE"), False),
        (known(digest=b"another", admitted=False, code="UNREADABLE"), True),
        (known(state=OrderState.OPEN, revision=4), False),
    ],
)
def test_unreadable_again(*, before: tuple[str, Known], decides: bool) -> None:
    """A decision is made anew for another document only, and never over that of a stored order."""
    found = judge_unreadable(scene(before), unreadable())

    assert (found.decision is not None) is decides
    assert found.outcome is Outcome.QUARANTINED
