"""What buyers and staff do to a fake marketplace, and what its orders then show."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ordersync.model.channel_orders import (
    Buyer,
    ChannelOrder,
    FulfillmentStatus,
    PaymentStatus,
    UnreadableOrder,
)
from ordersync.testing import START, FakeMarketplace, ManualClock


async def look(market: FakeMarketplace, reference: str) -> ChannelOrder:
    """Return what the marketplace shows of one order."""
    order = await market.fetch_order(reference)
    assert isinstance(order, ChannelOrder)
    return order


async def test_placed_order_is_shown_with_all_that_was_bought(market: FakeMarketplace) -> None:
    """A paid order shows its lines, its buyer, its money and the time at which it was placed."""
    reference = market.place(lines={"MUG": 2, "LID": 1}, buyer=Buyer(name="Ada"))

    order = await look(market, reference)
    assert reference == "1001"
    assert [(line.line_id, line.channel_sku, line.quantity) for line in order.lines] == [
        ("L1", "MUG", 2),
        ("L2", "LID", 1),
    ]
    assert (order.status, order.payment, order.fulfillment) == (
        "Ready",
        PaymentStatus.PAID,
        FulfillmentStatus.UNSHIPPED,
    )
    assert (order.placed_at, order.updated_at, order.paid_at) == (START, START, START)
    assert order.buyer == Buyer(name="Ada")
    assert str(order.total) == "37.50 EUR"


def test_references_count_up_and_are_unique(market: FakeMarketplace) -> None:
    """Orders get numbers in a row, and no number is given twice."""
    assert [market.place(lines={"MUG": 1}) for _ in range(2)] == ["1001", "1002"]
    with pytest.raises(ValueError, match="already has an order '1001'"):
        market.place("1001", lines={"MUG": 1})
    assert market.levels["MUG"] == 8


async def test_order_may_carry_an_earlier_time(market: FakeMarketplace) -> None:
    """An order placed last week shows up today: its placement is old and its last change is now."""
    market.place("1", lines={"MUG": 1}, at=START - timedelta(days=7))

    order = await look(market, "1")
    assert (order.placed_at, order.updated_at) == (START - timedelta(days=7), START)


def test_sale_lowers_the_shops_own_level(market: FakeMarketplace) -> None:
    """The selling shop takes what it sold off its own listing, below zero if need be."""
    market.place(lines={"MUG": 12, "LID": 1})

    assert market.levels == {"LID": 4, "MUG": -2}


def test_sale_leaves_levels_alone_where_the_shop_does_not_decrement(clock: ManualClock) -> None:
    """A shop that does not decrement on sale shows the old level until it is told another."""
    market = FakeMarketplace(clock=clock, decrements_on_sale=False)
    market.list_sku("MUG", 10)

    market.cancel(market.place(lines={"MUG": 3}))

    assert market.levels == {"MUG": 10}


def test_careful_shop_sells_only_what_it_shows(clock: ManualClock) -> None:
    """A shop that does not oversell refuses the buyer, and no order and no level comes of it."""
    market = FakeMarketplace(clock=clock, oversells=False)
    market.list_sku("MUG", 2)

    for lines in ({"MUG": 3}, {"MUG": 1, "NEVER-LISTED": 1}):
        with pytest.raises(ValueError, match="does not oversell"):
            market.place(lines=lines)

    assert market.levels == {"MUG": 2}
    assert not market.orders
    market.place(lines={"MUG": 2})
    assert market.levels == {"MUG": 0}


def test_sale_at_a_location_lowers_that_locations_listing(market: FakeMarketplace) -> None:
    """An order at one of the shop's locations is taken off that location's listing where there is one."""
    market.list_sku("MUG", 7, location="berlin")

    market.place(lines={"MUG": 2, "LID": 1}, location="berlin")

    assert market.levels == {"LID": 4, "MUG": 10, "MUG@berlin": 5}


async def test_unpaid_order_waits_for_its_payment(market: FakeMarketplace, clock: ManualClock) -> None:
    """A payment turns the word and moves the order's stamp."""
    market.place("1", lines={"MUG": 1}, paid=False)
    waiting = await look(market, "1")
    clock.advance(60)

    market.pay("1")

    paid = await look(market, "1")
    assert (waiting.status, waiting.payment) == ("Awaiting payment", PaymentStatus.UNPAID)
    assert (paid.status, paid.payment) == ("Ready", PaymentStatus.PAID)
    assert paid.updated_at == paid.paid_at == START + timedelta(seconds=60)


async def test_payment_may_move_no_stamp(market: FakeMarketplace, clock: ManualClock) -> None:
    """A silent payment is found by a look-up and not by asking for what changed since."""
    market.place("1", lines={"MUG": 1}, paid=False)
    clock.advance(60)

    market.pay("1", silently=True)

    page = await market.fetch_orders(updated_since=START + timedelta(seconds=1))
    assert page.orders == ()
    assert (await look(market, "1")).payment is PaymentStatus.PAID


async def test_cancelled_order_goes_back_on_sale_or_not(market: FakeMarketplace) -> None:
    """A cancellation restocks what was sold unless it is told not to."""
    market.place("1", lines={"MUG": 2})
    market.place("2", lines={"LID": 2})

    market.cancel("1")
    market.cancel("2", restock=False)

    assert market.levels == {"LID": 3, "MUG": 10}
    assert (await look(market, "1")).fulfillment is FulfillmentStatus.CANCELLED
    assert (await look(market, "2")).status == "Cancelled"


async def test_revived_order_is_sold_again(market: FakeMarketplace) -> None:
    """A cancellation that is taken back lowers the level a second time."""
    market.place("1", lines={"MUG": 2})
    market.cancel("1")

    market.revive("1")

    assert market.levels["MUG"] == 8
    assert (await look(market, "1")).status == "Ready"


async def test_part_of_a_line_may_be_cancelled(market: FakeMarketplace) -> None:
    """A line keeps its gross quantity and says how much of it is cancelled."""
    market.place("1", lines={"MUG": 3, "LID": 1})

    market.cancel_line("1", "L1", 2)
    market.cancel_line("1", "L2")

    order = await look(market, "1")
    assert [(line.quantity, line.cancelled) for line in order.lines] == [(3, 2), (1, 1)]
    assert str(order.total) == "12.50 EUR"
    assert market.levels == {"LID": 5, "MUG": 9}
    with pytest.raises(ValueError, match="1 may be cancelled, not 2"):
        market.cancel_line("1", "L1", 2)


async def test_edited_order_moves_the_level_by_the_difference(market: FakeMarketplace) -> None:
    """A buyer changes a quantity, adds a line and drops one, and no line id is used twice."""
    market.place("1", lines={"MUG": 3, "LID": 1})

    market.edit("1", {"MUG": 5, "LID": 0})
    market.edit("1", {"LID": 2})

    order = await look(market, "1")
    assert [(line.line_id, line.channel_sku, line.quantity) for line in order.lines] == [
        ("L1", "MUG", 5),
        ("L3", "LID", 2),
    ]
    assert market.levels == {"LID": 3, "MUG": 5}


def test_edit_cannot_undo_what_has_left(market: FakeMarketplace) -> None:
    """No quantity falls below what is shipped, and a refused edit changes nothing."""
    market.place("1", lines={"MUG": 3})
    market.ship_by_hand("1", lines={"L1": 2})

    with pytest.raises(ValueError, match="2 are shipped"):
        market.edit("1", {"LID": 1, "MUG": 1})

    assert market.levels == {"LID": 5, "MUG": 7}
    assert len(market.orders["1"].lines) == 1


async def test_order_on_hold_says_so_until_it_is_resumed(market: FakeMarketplace) -> None:
    """A hold shows as its own word and as its own fulfillment."""
    market.place("1", lines={"MUG": 1})

    market.hold("1")
    held = await look(market, "1")
    market.resume("1")

    assert (held.status, held.fulfillment) == ("On hold", FulfillmentStatus.ON_HOLD)
    assert (await look(market, "1")).status == "Ready"


async def test_shipping_by_hand_is_seen_in_part_and_in_whole(market: FakeMarketplace) -> None:
    """Parcels packed in the back office show as shipments without a note and turn the word."""
    market.place("1", lines={"MUG": 3, "LID": 1})

    market.ship_by_hand("1", lines={"L1": 1, "L2": 1}, carrier="DHL", tracking="JD1")
    part = await look(market, "1")
    market.ship_by_hand("1")

    whole = await look(market, "1")
    assert (part.status, part.fulfillment) == ("Part shipped", FulfillmentStatus.PARTIAL)
    assert [(dict(one.lines), one.tracking_number) for one in part.shipments] == [({"L1": 1, "L2": 1}, "JD1")]
    assert (whole.status, whole.fulfillment) == ("Shipped", FulfillmentStatus.SHIPPED)
    assert [(one.note_id, dict(one.lines)) for one in market.shipments] == [
        (None, {"L1": 1, "L2": 1}),
        (None, {"L1": 2}),
    ]


async def test_word_that_nobody_knows_has_no_meaning(market: FakeMarketplace) -> None:
    """A status word outside the vocabulary comes with an unknown fulfillment."""
    market.place("1", lines={"MUG": 1})

    market.set_status("1", "Gift wrapping")

    strange = await look(market, "1")
    market.set_status("1", None)
    assert (strange.status, strange.fulfillment) == ("Gift wrapping", FulfillmentStatus.UNKNOWN)
    assert (await look(market, "1")).status == "Ready"


async def test_shop_with_words_of_its_own_says_nothing_else(clock: ManualClock) -> None:
    """Where a status mapping decides, orders carry words only and the shop has no fixed ones."""
    market = FakeMarketplace(clock=clock, requires_status_mapping=True)
    market.place("1", lines={"MUG": 1})

    order = await look(market, "1")
    assert (order.status, order.payment, order.fulfillment) == ("Ready", None, None)
    assert market.statuses == frozenset()


async def test_spoiled_order_is_unreadable_until_it_is_mended(market: FakeMarketplace) -> None:
    """A malformed document comes beside the readable ones, with its payload and its reference if it has one."""
    market.place("1", lines={"MUG": 1})
    market.place("2", lines={"MUG": 1})
    market.spoil("1")
    market.spoil("2", payload=b'{"?": 1}', error="id: is missing", anonymous=True)

    page = await market.fetch_orders(updated_since=None)
    spoiled = await market.fetch_order("1")
    market.mend("1")

    assert page.orders == ()
    assert [(one.reference, one.error) for one in page.unreadable] == [
        (None, "id: is missing"),
        ("1", "lines[0].quantity: expected a whole number, got text"),
    ]
    assert isinstance(spoiled, UnreadableOrder)
    assert b'"quantity": "two"' in spoiled.payload
    assert isinstance(await market.fetch_order("1"), ChannelOrder)


async def test_removed_order_is_found_nowhere(market: FakeMarketplace) -> None:
    """An archived order is in no page and in no look-up."""
    market.place("1", lines={"MUG": 1})
    before = await market.fetch_orders(updated_since=START)

    market.remove("1")

    assert [order.reference for order in before.orders] == ["1"]
    assert (await market.fetch_orders(updated_since=START)).orders == ()
    assert await market.fetch_order("1") is None


def test_nobody_acts_on_what_is_not_there(market: FakeMarketplace) -> None:
    """An order or a line that the marketplace does not have is a mistake of the test."""
    market.place("1", lines={"MUG": 1})

    with pytest.raises(KeyError, match="no order '2'"):
        market.cancel("2")
    with pytest.raises(KeyError, match="no line 'L9'"):
        market.cancel_line("1", "L9")
