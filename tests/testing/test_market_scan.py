"""The pages in which a fake marketplace shows its orders."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from ordersync.channel import Channel
from ordersync.errors import ChannelRejectedError
from ordersync.model.channel_orders import ChannelOrder, OrderPage
from ordersync.testing import START, FakeMarketplace, ManualClock


async def pages_of(market: Channel, since: datetime | None = None) -> list[OrderPage]:
    """Read a whole scan."""
    pages = [await market.fetch_orders(updated_since=since)]
    while pages[-1].next_cursor is not None:
        pages.append(await market.fetch_orders(updated_since=since, cursor=pages[-1].next_cursor))
    return pages


async def references(market: Channel, since: datetime | None = None) -> list[list[str]]:
    """Return the references in a scan, page by page."""
    return [[order.reference for order in page.orders] for page in await pages_of(market, since)]


async def test_sweep_shows_what_is_not_done(market: FakeMarketplace) -> None:
    """A complete sweep holds unpaid, held and part shipped orders, and none that is shipped or cancelled."""
    for reference in ("unpaid", "held", "part", "shipped", "cancelled"):
        market.place(reference, lines={"MUG": 2}, paid=reference != "unpaid")
    market.hold("held")
    market.ship_by_hand("part", lines={"L1": 1})
    market.ship_by_hand("shipped")
    market.cancel("cancelled")

    assert await references(market) == [["part", "held"], ["unpaid"]]


async def test_scan_by_time_shows_all_that_changed(market: FakeMarketplace, clock: ManualClock) -> None:
    """A scan by time holds every order changed at that time or later, shipped and cancelled ones included."""
    for reference in ("old", "shipped", "cancelled"):
        market.place(reference, lines={"MUG": 1})
    clock.advance(60)
    market.ship_by_hand("shipped")
    market.cancel("cancelled")
    market.place("new", lines={"MUG": 1})

    assert await references(market, clock.now()) == [["new", "cancelled"], ["shipped"]]
    assert await references(market, clock.now() + timedelta(seconds=1)) == [[]]


async def test_pages_in_update_order_come_oldest_first(clock: ManualClock) -> None:
    """Orders come by last change and reference, in a sweep too, and ties at a page's edge lose nobody."""
    market = FakeMarketplace(clock=clock, pages_in_update_order=True)
    for reference in ("5", "1", "4", "2", "3"):
        market.place(reference, lines={"MUG": 1})
    clock.advance(1)
    market.hold("1")

    assert await references(market) == [["2", "3"], ["4", "5"], ["1"]]


async def test_order_changed_while_it_is_paged_comes_again_at_the_end(clock: ManualClock) -> None:
    """In update order a change moves an order behind all others, and nobody else is lost by it."""
    market = FakeMarketplace(clock=clock, pages_in_update_order=True)
    for reference in "1234":
        market.place(reference, lines={"MUG": 1})
    first = await market.fetch_orders(updated_since=None)
    clock.advance(1)
    market.hold("1")
    market.ship_by_hand("2")

    second = await market.fetch_orders(updated_since=None, cursor=first.next_cursor)
    third = await market.fetch_orders(updated_since=None, cursor=second.next_cursor)

    assert [order.reference for page in (first, second, third) for order in page.orders] == [
        "1", "2", "3", "4", "1",
    ]  # fmt: skip
    assert third.next_cursor is None


async def test_offset_pages_lose_an_order_when_the_set_shrinks(market: FakeMarketplace) -> None:
    """Where pages count from the start, as in most shops, an order that leaves lets another slip past."""
    for reference in "1234":
        market.place(reference, lines={"MUG": 1})
    first = await market.fetch_orders(updated_since=None)
    market.ship_by_hand("4")

    second = await market.fetch_orders(updated_since=None, cursor=first.next_cursor)

    assert [order.reference for page in (first, second) for order in page.orders] == ["4", "3", "1"]


@pytest.mark.parametrize("in_update_order", [True, False])
async def test_cursor_is_good_in_its_own_scan_only(clock: ManualClock, *, in_update_order: bool) -> None:
    """A cursor of another scan, or one made up, is refused and never taken for the start."""
    market = FakeMarketplace(clock=clock, pages_in_update_order=in_update_order)
    for reference in "123":
        market.place(reference, lines={"MUG": 1})
    cursor = (await market.fetch_orders(updated_since=None)).next_cursor

    for since, token in ((START, cursor), (None, "made up"), (None, "")):
        with pytest.raises(ChannelRejectedError, match="not one of this scan") as caught:
            await market.fetch_orders(updated_since=since, cursor=token)
        assert caught.value.applied is False


async def test_stamps_are_whole_seconds_rounded_down(market: FakeMarketplace, clock: ManualClock) -> None:
    """A stamp never lies behind the moment it was made, whatever its resolution."""
    clock.advance(1.9)
    market.place("1", lines={"MUG": 1})
    fine = FakeMarketplace(clock=clock, stamp_granularity=timedelta(milliseconds=1))
    fine.place("1", lines={"MUG": 1})

    rounded, exact = await market.fetch_order("1"), await fine.fetch_order("1")
    assert isinstance(rounded, ChannelOrder)
    assert isinstance(exact, ChannelOrder)
    assert rounded.updated_at == START + timedelta(seconds=1)
    assert exact.updated_at == START + timedelta(seconds=1.9)


async def test_lag_hides_a_change_for_a_while(clock: ManualClock) -> None:
    """With a lag, orders, changes of orders and levels show later, under the stamp of the moment they were made."""
    market = FakeMarketplace(clock=clock, listing_lag=timedelta(minutes=2))
    market.list_sku("MUG", 3)
    market.place("1", lines={"MUG": 1})
    clock.advance(119)
    hidden = await references(market), await market.fetch_order("1"), (await market.fetch_listings()).listings
    clock.advance(1)
    visible = await references(market)
    market.ship_by_hand("1")

    page = await market.fetch_orders(updated_since=START)
    shown = await market.fetch_listings()
    clock.advance(minutes=2)

    assert (hidden, visible) == (([[]], None, ()), [["1"]])
    assert [(order.status, order.updated_at) for order in page.orders] == [("Ready", START)]
    assert [one.quantity for one in shown.listings] == [2]
    assert await references(market) == [[]]


async def test_lag_shows_each_change_after_the_same_while(clock: ManualClock) -> None:
    """A reader who is two minutes behind sees every level in its turn, however quickly they followed."""
    market = FakeMarketplace(clock=clock, listing_lag=timedelta(minutes=2))
    shown: list[int | None] = []
    for quantity in range(6):
        market.list_sku("MUG", quantity)
        shown += [one.quantity for one in (await market.fetch_listings()).listings]
        clock.advance(50)

    assert shown == [0, 1, 2]


async def test_present_is_shown_whatever_the_wall_clock_does(market: FakeMarketplace, clock: ManualClock) -> None:
    """Without a lag the latest facts are shown, also when somebody sets the clock back."""
    market.place("1", lines={"MUG": 1})
    clock.jump(timedelta(hours=-1))
    market.hold("1")
    market.list_sku("MUG", 4)

    order = await market.fetch_order("1")
    listings = (await market.fetch_listings()).listings
    assert isinstance(order, ChannelOrder)
    assert order.status == "On hold"
    assert [one.quantity for one in listings] == [5, 4]


async def test_state_alone_tells_where_no_change_moves_a_stamp(clock: ManualClock) -> None:
    """A shop that is scanned by state shows what changed under the old stamp."""
    market = FakeMarketplace(clock=clock, scan="state")
    market.place("1", lines={"MUG": 2})
    clock.advance(60)

    market.ship_by_hand("1", lines={"L1": 1})

    order = await market.fetch_order("1")
    assert isinstance(order, ChannelOrder)
    assert (order.status, order.updated_at) == ("Part shipped", START)


async def test_pages_tell_the_marketplaces_own_time(market: FakeMarketplace, clock: ManualClock) -> None:
    """Every page carries the time at which it was made."""
    clock.advance(7)

    assert (await market.fetch_orders(updated_since=None)).server_time == START + timedelta(seconds=7)


async def test_scan_of_many_orders_is_read_once_a_page(clock: ManualClock) -> None:
    """Five thousand orders come in pages of two, each once."""
    market = FakeMarketplace(clock=clock, pages_in_update_order=True)
    for _ in range(5000):
        market.place(lines={"MUG": 1})

    pages = await references(market)

    assert len(pages) == 2500
    assert [reference for page in pages for reference in page] == [str(1001 + n) for n in range(5000)]
