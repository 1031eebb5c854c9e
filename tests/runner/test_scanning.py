"""Between sweeps only changes are read; everything is swept each hour and after a cut, and nothing is missed."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from ordersync import ChannelSettings, OrderKey, OrderPage, OrderState
from ordersync.errors import ChannelUnavailableError
from ordersync.model.runs import EntryKind
from ordersync.testing import BareMarketplace, FakeMarketplace, ManualClock
from ordersync.testing.clock import START
from runner.strange import die_at
from runner.world import SHOP, World, remarks, sightings

OVERLAP = timedelta(minutes=5, seconds=1)


class Asked(FakeMarketplace):
    """Remembers from when on it was asked for changes."""

    def __init__(self, *facts: object, **options: object) -> None:
        """Remember nothing yet."""
        super().__init__(*facts, **options)  # type: ignore[arg-type]
        self.asked: list[datetime | None] = []

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Note the question of each scan's first page."""
        if cursor is None:
            self.asked.append(updated_since)
        return await super().fetch_orders(updated_since=updated_since, cursor=cursor)

    def since_last(self) -> list[datetime | None]:
        """Return the questions since the last call."""
        asked, self.asked = self.asked, []
        return asked


@pytest.fixture
async def shop(world: World) -> Asked:
    """Open a shop that was read once."""
    shop = Asked(SHOP, clock=world.clock)
    shop.list_sku("MUG", 10)
    await world.run(shop)
    shop.since_last()
    return shop


async def test_changes_are_read_between_sweeps(world: World, shop: Asked) -> None:
    """Runs within the hour ask for what changed since the watermark less the overlap, and sweep nothing."""
    for minutes in (10, 20, 20):
        await world.run_later(shop, minutes=minutes)

    assert shop.since_last() == [START - OVERLAP] * 3


async def test_watermark_moves_with_what_was_seen(world: World, shop: Asked) -> None:
    """The next scan begins at the last change that was handled, less the overlap."""
    world.clock.advance(minutes=10)
    shop.place("1001", lines={"MUG": 1})
    await world.run_later(shop)
    shop.since_last()

    await world.run_later(shop)

    assert shop.since_last() == [START + timedelta(minutes=10) - OVERLAP]


async def test_everything_is_swept_each_hour(world: World, shop: Asked) -> None:
    """An hour after the last sweep everything is read anew, behind the changes."""
    await world.run_later(shop, minutes=59)
    assert None not in shop.since_last()

    await world.run_later(shop, minutes=1)
    assert shop.since_last() == [START - OVERLAP, None]
    windows = await world.journal(SHOP, EntryKind.WINDOW_READ)
    assert [(one.code, one.facts["scan"]) for one in windows] == [
        ("complete", "sweep"),
        ("complete", "updates"),
        ("complete", "updates"),
        ("complete", "sweep"),
    ]


async def test_everything_is_swept_after_an_error(world: World, shop: Asked) -> None:
    """A scan that was cut is made up for by a sweep in the next run."""
    shop.fail_next("fetch_orders", ChannelUnavailableError("down"))
    await world.run_later(shop)
    shop.since_last()

    await world.run_later(shop)
    assert shop.since_last() == [START - OVERLAP, None]
    await world.run_later(shop)
    assert shop.since_last() == [START - OVERLAP]


async def test_order_that_the_changes_missed_is_swept_up(world: World, shop: Asked) -> None:
    """An order that carries an old time and so is in no feed of changes is found by the sweep."""
    await world.run_later(shop)
    shop.place("1001", lines={"MUG": 1})
    shop.orders["1001"].updated_at = START - timedelta(days=2)
    shop._book.changed(shop.orders["1001"], world.clock.now(), silently=True)
    assert sightings((await world.run_later(shop)).channels[SHOP]) == {}

    report = await world.run_later(shop, minutes=60)

    assert sightings(report.channels[SHOP]) == {"new": 1}


async def test_order_that_shows_up_late_is_overlapped(world: World) -> None:
    """A channel whose feed lags by so much is asked that much further back, so nothing slips through."""
    shop = Asked(SHOP, clock=world.clock, listing_lag=timedelta(minutes=20))
    shop.list_sku("MUG", 10)
    await world.run(shop)
    world.clock.advance(minutes=10)
    shop.place("slow", lines={"MUG": 1})
    for _ in range(4):
        await world.run_later(shop)

    assert (await world.order("slow")).state is OrderState.OPEN


async def test_cancelled_order_is_seen_between_sweeps(world: World, shop: Asked) -> None:
    """A cancellation comes with the changes, though no sweep shows a cancelled order."""
    shop.place("1001", lines={"MUG": 1})
    await world.run_later(shop)
    shop.cancel("1001")

    await world.run_later(shop)

    assert (await world.order("1001")).state is OrderState.CANCELLED
    assert (await world.level()).reserved == 0


async def test_cancelled_between_the_pages_of_a_sweep(world: World) -> None:
    """An order that was cancelled while everything was swept is seen by the next scan of changes."""
    shop = world.open(SHOP)
    for number in range(5):
        shop.place(f"{number}", lines={"MUG": 1})

    async def cancel(method: str, when: str) -> None:
        if (method, when) == ("fetch_orders", "after") and shop.calls["fetch_orders"] == 3:
            world.clock.advance(minutes=1)
            shop.cancel("0")
            shop.cancel("4")

    shop.on_call = cancel
    await world.run(shop)
    await world.run_later(shop)

    states = [(await world.order(f"{number}")).state for number in (1, 2, 3)]
    assert states == [OrderState.OPEN] * 3
    assert (await world.level()).reserved == 3


async def test_cancelled_after_the_first_sweep_was_cut(world: World) -> None:
    """An order of a first sweep that was cut, cancelled before the sweep that was whole, is seen as cancelled."""
    shop = BareMarketplace(SHOP, clock=world.clock)
    for number in range(5):
        shop.place(f"{number}", lines={"MUG": 1})
    shop.on_call = die_at("fetch_orders", 3)
    await world.run(shop)
    shop.on_call = None
    world.clock.advance(minutes=1)
    shop.cancel("4")

    await world.run_later(shop, minutes=30)
    await world.run_later(shop)

    assert (await world.order("4")).state is OrderState.CANCELLED


async def test_shipped_after_the_first_page_was_lost(world: World) -> None:
    """An order that was shown to a run which died with its first page, and shipped before the next, has a decision."""
    shop = BareMarketplace(SHOP, clock=world.clock)
    shop.place("1001", lines={"MUG": 1})

    async def die_with_the_page(method: str, when: str) -> None:
        if when == "after" and shop.calls[method] == 2:
            raise asyncio.CancelledError

    shop.on_call = die_with_the_page
    await world.run(shop)
    shop.on_call = None
    world.clock.advance(minutes=1)
    shop.ship_by_hand("1001")

    await world.run_later(shop, minutes=30)
    await world.run_later(shop)

    decision = await world.storage.orders.decision(OrderKey(SHOP, "1001"))
    assert decision is not None
    assert decision.code == "SHIPPED_BEFORE_DOWNLOAD"


async def test_channel_scanned_by_state(world: World) -> None:
    """Where update times cannot be trusted every run sweeps, and a silent change is seen all the same."""
    shop = Asked(SHOP, clock=world.clock, settings=ChannelSettings(download_unpaid=True), scan="state")
    shop.place("1001", lines={"MUG": 1}, paid=False)
    await world.run(shop)
    assert (await world.order("1001")).parked is not None
    shop.pay("1001", silently=True)

    await world.run_later(shop)

    assert (await world.order("1001")).parked is None
    assert set(shop.asked) == {None}


async def test_cut_sweep_in_update_order_goes_on(world: World) -> None:
    """A sweep in update order that was cut goes on behind the pages that it saved."""
    shop = Asked(SHOP, clock=world.clock, pages_in_update_order=True)
    for number in range(6):
        shop.place(f"{number}", lines={"MUG": 1})
        world.clock.advance(minutes=30)
    await world.storage.journal.enable(SHOP, by="Ada", at=world.clock.now())
    shop.on_call = die_at("fetch_orders", 3)
    await world.run(shop)
    shop.on_call = None
    shop.since_last()

    report = await world.run(shop)

    assert shop.since_last() == [START + timedelta(minutes=90) - OVERLAP]
    assert sightings(report.channels[SHOP]) == {"new": 2, "same": 1}
    progress = await world.storage.orders.progress(SHOP)
    assert (progress.interrupted, progress.sweep_position) == (False, None)


async def test_placed_before_initial_from(world: World) -> None:
    """With a first moment set, older orders are skipped with their reason and reserve nothing."""
    shop = world.open(SHOP, ChannelSettings(initial_from=START))
    shop.place("old", lines={"MUG": 1}, at=START - timedelta(days=1))
    shop.place("new", lines={"MUG": 1})

    report = await world.run(shop)

    assert sightings(report.channels[SHOP]) == {"new": 1, "skipped": 1}
    assert remarks(report.channels[SHOP], "skipped") == [("BEFORE_INITIAL_FROM", "old")]
    assert (await world.level()).reserved == 1


async def test_clock_of_the_channel_runs_ahead(world: World) -> None:
    """A channel whose stamps lie in the future does not let the watermark pass what is still to come."""
    shop = Asked(SHOP, clock=world.clock)
    shop.list_sku("MUG", 10)
    await world.run(shop)
    shop.place("1001", lines={"MUG": 1})
    shop.orders["1001"].updated_at = START + timedelta(days=1)
    shop._book.changed(shop.orders["1001"], world.clock.now(), silently=True)
    await world.run_later(shop)

    progress = await world.storage.orders.progress(SHOP)

    assert progress.watermark == world.clock.now()


class Late(FakeMarketplace):
    """Answers with ``late`` where that is set."""

    late: OrderPage | None = None

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Answer as a copy does that lags behind."""
        return self.late or await super().fetch_orders(updated_since=updated_since, cursor=cursor)


async def test_older_version_with_a_stamp_from_a_clock_ahead_changes_nothing(world: World) -> None:
    """Whatever a clock is ahead by as its channel says, of two versions of an order the newer one holds."""
    clock = ManualClock(START + timedelta(hours=1))
    shop = Late(SHOP, clock=clock, clock_skew=timedelta(hours=2))
    shop.list_sku("MUG", 10)
    shop.place("1001", lines={"MUG": 1})
    late = await shop.fetch_orders(updated_since=None)
    clock.advance(minutes=1)
    shop.edit("1001", {"MUG": 3})
    await world.run(shop)

    shop.late = late
    await world.run_later(shop)

    assert (await world.order("1001")).lines[0].quantity == 3


async def test_decisions_may_be_kept_for_ever(memory_world: World) -> None:
    """A host may keep decisions for longer than there is time to reckon with."""
    shop = memory_world.shop.with_settings(ChannelSettings(keep_decisions=timedelta.max))
    memory_world.shop.place("1001", lines={"MUG": 1}, paid=False)

    report = await memory_world.run(shop)

    assert not report.errors
    assert await memory_world.storage.orders.decision(OrderKey(SHOP, "1001")) is not None
