"""Orders that wait for something: looked up one by one, later and later, until there is nothing to wait for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from ordersync import ChannelOrder, ChannelSettings, Event, OrderKey, OrderState, UnreadableOrder
from ordersync.errors import ChannelRejectedError, ChannelUnavailableError
from ordersync.model.events import PhaseStarted
from ordersync.sync.watch import LOOKS, SUSPECT_LOOKS
from ordersync.testing import BareMarketplace, FakeMarketplace, MarketplaceWithReadBack
from runner.looking import by_state, conflict_of, levels, watched, watches
from runner.test_constant_work import CHANGES
from runner.watching import watched as counting
from runner.world import SHOP, World, remarks, sightings

SELDOM = timedelta(days=100)

BEHIND = 6
"""After so many minutes the feed of changes shows an order no more, unless something moves its timestamp."""


async def code_of(world: World, reference: str) -> str:
    """Return by which check an order was decided."""
    decision = await world.storage.orders.decision(OrderKey(SHOP, reference))
    assert decision is not None
    return decision.code


async def test_paid_late_is_found_in_the_feed(world: World) -> None:
    """An order that is paid later and says so is downloaded by the next run, which looks nothing up."""
    world.shop.place("1001", lines={"MUG": 1}, paid=False)
    await world.run()
    assert await watched(world) == ["1001"]

    world.clock.advance(minutes=1)
    world.shop.pay("1001")
    report = await world.run()

    assert sightings(report.channels[SHOP]) == {"new": 1}
    assert await watched(world) == []
    assert await levels(world) == (10, 1)
    await world.run_later()
    assert world.shop.calls["fetch_order"] == 0


async def test_payment_that_moves_no_timestamp_is_found_by_a_look(world: World) -> None:
    """An order that is paid later in silence is looked up after ten minutes, reserved, and told to the others."""
    world.shop.place("1001", lines={"MUG": 1}, paid=False)
    await world.run_later(minutes=BEHIND)
    world.shop.pay("1001", silently=True)

    await world.run_later(minutes=9)
    assert world.shop.calls["fetch_order"] == 0
    report = await world.run_later(minutes=1)

    assert sightings(report.channels[SHOP]) == {"new": 1}
    assert report.channels[SHOP].looked_up == world.shop.calls["fetch_order"] == 1
    assert (await world.order("1001")).state is OrderState.OPEN
    assert await levels(world) == (10, 1)
    assert world.market.levels == {"MUG": 9}
    assert await watched(world) == []


async def look_times(world: World, shop: FakeMarketplace, *, most: int) -> list[float]:
    """Run whenever a look is due and a minute before; return after how many minutes the channel was asked."""
    began, times = world.clock.now(), list[float]()
    while len(times) < most and (waiting := await watches(world)):
        wait = waiting[0].look_at - world.clock.now()
        asked = shop.calls["fetch_order"]
        await world.run_later(shop, minutes=wait.total_seconds() / 60 - 1)
        assert shop.calls["fetch_order"] == asked
        await world.run_later(shop, minutes=1)
        assert shop.calls["fetch_order"] == asked + 1
        times.append((world.clock.now() - began).total_seconds() / 60)
    return times


async def test_looks_come_later_and_later(world: World) -> None:
    """An unpaid order is looked up after as long as it has been watched, within ten minutes and half a day."""
    shop = world.open(SHOP, ChannelSettings(sweep_every=SELDOM))
    shop.place("1001", lines={"MUG": 1}, paid=False)
    await world.run_later(shop, minutes=BEHIND)

    assert await look_times(world, shop, most=9) == [10, 20, 40, 80, 160, 320, 640, 1280, 1280 + 720]
    assert await watched(world) == ["1001"]


async def test_looks_end_with_patience(world: World) -> None:
    """An order that is not paid within ``watch_for`` is looked up no more; a sweep still finds it when it is."""
    shop = world.open(SHOP, ChannelSettings(watch_for=timedelta(hours=2), sweep_every=timedelta(hours=12)))
    shop.place("1001", lines={"MUG": 1}, paid=False)
    await world.run_later(shop, minutes=BEHIND)

    assert await look_times(world, shop, most=9) == [10, 20, 40, 80, 160]
    assert await watched(world) == []
    shop.pay("1001", silently=True)
    await world.run_later(shop, minutes=60)
    assert await code_of(world, "1001") == "NOT_PAID"
    await world.run_later(shop, minutes=12 * 60)
    assert await code_of(world, "1001") == "ADMITTED"
    assert shop.calls["fetch_order"] == 5


ENDS: dict[str, tuple[Callable[[FakeMarketplace], None], str]] = {
    "cancelled": (lambda shop: shop.cancel("1001"), "CANCELLED_ON_CHANNEL"),
    "shipped": (lambda shop: shop.ship_by_hand("1001"), "SHIPPED_BEFORE_DOWNLOAD"),
}


@pytest.mark.parametrize("end", ENDS)
async def test_order_that_ends_unpaid_leaves_the_list(world: World, end: str) -> None:
    """An unpaid order that is cancelled or shipped leaves the sweep; a look finds out why, and it is the last one."""
    act, code = ENDS[end]
    shop: FakeMarketplace = by_state(FakeMarketplace, world)
    shop.place("1001", lines={"MUG": 1}, paid=False)
    await world.run(shop)
    act(shop)

    report = await world.run_later(shop)

    assert remarks(report.channels[SHOP], "skipped") == [(code, "1001")]
    assert await code_of(world, "1001") == code
    assert await watched(world) == []
    await world.run_later(shop, minutes=60)
    assert shop.calls["fetch_order"] == 1


async def test_unpaid_order_that_is_gone_is_waited_for(memory_world: World) -> None:
    """An unpaid order that its channel does not know any more is no error; it may come back while it is watched."""
    shop = memory_world.open(SHOP)
    shop.place("1001", lines={"MUG": 1}, paid=False)
    await memory_world.run_later(shop, minutes=BEHIND)
    shop.remove("1001")

    report = await memory_world.run_later(shop)

    assert report.errors == ()
    assert report.channels[SHOP].looked_up == 1
    assert await code_of(memory_world, "1001") == "NOT_PAID"
    assert await watched(memory_world) == ["1001"]


async def test_stored_unpaid_order_is_watched_until_it_is_paid(world: World) -> None:
    """Where unpaid orders are downloaded, a silent payment is found by a look; then the order is parked no more."""
    shop = world.open(SHOP, ChannelSettings(download_unpaid=True))
    await world.sell(shop, "MUG", 10)
    shop.place("1001", lines={"MUG": 1}, paid=False)
    await world.run_later(shop, minutes=BEHIND)
    assert (await world.order("1001")).parked == "not paid (unpaid)"
    assert await watched(world) == ["1001"]
    assert await levels(world) == (10, 1)
    shop.pay("1001", silently=True)

    await world.run_later(shop)

    assert (await world.order("1001")).parked is None
    assert await watched(world) == []
    assert (await world.process("1001")).state is OrderState.PROCESSED


async def test_stored_unpaid_order_that_is_gone_is_named_once(world: World) -> None:
    """A stored unpaid order that its channel does not know is one conflict, however often it is looked for."""
    shop = world.open(SHOP, ChannelSettings(download_unpaid=True, sweep_every=SELDOM))
    shop.place("1001", lines={"MUG": 1}, paid=False)
    await world.run_later(shop, minutes=BEHIND)
    shop.remove("1001")

    first = await world.run_later(shop)
    named = await world.order("1001")
    again = await world.run_later(shop)

    assert remarks(first.channels[SHOP], "conflict") == [("VANISHED", "Shop/north/1001")]
    assert again.channels[SHOP].looked_up == 1
    assert remarks(again.channels[SHOP], "conflict") == []
    assert await world.order("1001") == named
    await world.desk.resolve(OrderKey(SHOP, "1001"), "keep", who="Ada")
    await world.run_later(shop, minutes=60)
    assert shop.calls["fetch_order"] == 3
    assert await conflict_of(world, "1001") is None


async def test_unknown_word_is_watched(world: World) -> None:
    """An order of unknown status is quarantined and looked up again; when its word is known it is downloaded."""
    shop = world.open(SHOP, ChannelSettings(sweep_every=SELDOM))
    shop.place("1001", lines={"MUG": 1})
    shop.set_status("1001", "Limbo")
    await world.run_later(shop, minutes=BEHIND)
    assert await watched(world) == ["1001"]

    report = await world.run_later(shop)
    assert sightings(report.channels[SHOP]) == {"quarantined": 1}
    shop.orders["1001"].word = None
    shop.pay("1001", silently=True)
    report = await world.run_later(shop)

    assert sightings(report.channels[SHOP]) == {"new": 1}
    assert await watched(world) == []
    assert await world.storage.orders.quarantined(SHOP) == []


async def test_unreadable_order_is_watched(world: World) -> None:
    """A document that could not be read is asked for again; when it can be, the order is there and quarantine empty."""
    shop = world.open(SHOP, ChannelSettings(sweep_every=SELDOM))
    shop.place("1001", lines={"MUG": 1})
    shop.spoil("1001")
    await world.run_later(shop, minutes=BEHIND)
    assert await watched(world) == ["1001"]

    report = await world.run_later(shop)
    assert sightings(report.channels[SHOP]) == {"quarantined": 1}
    shop.orders["1001"].spoiled = None
    shop.pay("1001", silently=True)
    report = await world.run_later(shop)

    assert sightings(report.channels[SHOP]) == {"new": 1}
    assert await watched(world) == []
    assert await world.storage.orders.quarantined(SHOP) == []


async def test_unreadable_order_without_a_reference_cannot_be_watched(memory_world: World) -> None:
    """A document that does not say whose it is waits in quarantine, and nothing is asked for."""
    memory_world.shop.place("1001", lines={"MUG": 1})
    memory_world.shop.spoil("1001", anonymous=True)
    await memory_world.run()

    assert await watched(memory_world) == []
    assert len(await memory_world.storage.orders.quarantined(SHOP)) == 1


@pytest.mark.parametrize("kind", [BareMarketplace, MarketplaceWithReadBack])
async def test_channel_without_look_up_is_read_by_scans_alone(memory_world: World, kind: type[BareMarketplace]) -> None:
    """Where no single order can be asked for nothing is watched, and the next sweep finds a silent payment."""
    shop = kind(SHOP, clock=memory_world.clock)
    shop.place("1001", lines={"MUG": 1}, paid=False)
    await memory_world.run_later(shop, minutes=BEHIND)
    assert await watched(memory_world) == []
    shop.pay("1001", silently=True)

    await memory_world.run_later(shop, minutes=30)
    assert await code_of(memory_world, "1001") == "NOT_PAID"
    await memory_world.run_later(shop, minutes=30)

    assert await code_of(memory_world, "1001") == "ADMITTED"
    assert shop.calls["fetch_order"] == 0


async def test_looks_of_one_run_are_bounded(memory_world: World) -> None:
    """Of many orders that are due, the longest overdue are looked up, and the rest in the next run."""
    world, most = memory_world, LOOKS - SUSPECT_LOOKS
    shop = world.open(SHOP, ChannelSettings(sweep_every=SELDOM), page_size=most + 30)
    for number in range(most + 30):
        shop.place(f"{number:03}", lines={"MUG": 1}, paid=False)
    await world.run_later(shop, minutes=BEHIND)
    world.clock.advance(minutes=20)

    first = await world.run(shop)
    second = await world.run(shop)
    third = await world.run(shop)

    looks = [report.channels[SHOP].looked_up for report in (first, second, third)]
    assert looks == [most, 30, 0]
    assert len(await watched(world)) == most + 30


async def test_long_watch_list_leaves_looks_for_missing_orders(memory_world: World) -> None:
    """However many orders are due on the watch list, an open order that a sweep missed is looked up in the same run."""
    world = memory_world
    shop: FakeMarketplace = by_state(FakeMarketplace, world)
    for number in range(LOOKS + 30):
        shop.place(f"{number:03}", lines={"MUG": 1}, paid=False)
    for reference in ("open", "gone"):
        shop.place(reference, lines={"MUG": 1})
    await world.run(shop)
    shop.remove("gone")

    report = await world.run_later(shop)

    assert report.channels[SHOP].looked_up == LOOKS - SUSPECT_LOOKS + 1
    assert remarks(report.channels[SHOP], "conflict") == [("VANISHED", "Shop/north/gone")]


async def two_paid_in_silence(world: World) -> FakeMarketplace:
    """Let two orders be downloaded as unpaid, and be paid in silence; a look at each is due."""
    shop = world.open(SHOP, ChannelSettings(sweep_every=SELDOM))
    for reference in ("1001", "1002"):
        shop.place(reference, lines={"MUG": 1}, paid=False)
    await world.run_later(shop, minutes=BEHIND)
    for reference in ("1001", "1002"):
        shop.pay(reference, silently=True)
    world.clock.advance(minutes=10)
    return shop


async def test_look_that_fails_stops_only_itself(world: World) -> None:
    """A look-up that the channel refuses is reported and tried again later; the next order is looked up as ever."""
    shop = await two_paid_in_silence(world)
    shop.fail_next("fetch_order", ChannelRejectedError("Shop/north: refused"))

    report = await world.run(shop)

    assert sightings(report.channels[SHOP]) == {"new": 1}
    assert remarks(report.channels[SHOP], "failed") == [("channel-rejected", "Shop/north/1001")]
    assert [await code_of(world, one) for one in ("1001", "1002")] == ["NOT_PAID", "ADMITTED"]
    assert await watched(world) == ["1001"]
    await world.run_later(shop)
    assert await code_of(world, "1001") == "ADMITTED"


async def test_look_in_an_outage_stays_due(memory_world: World) -> None:
    """An outage in the middle of the looks ends them; all that are due are made up for by the next run."""
    shop = await two_paid_in_silence(memory_world)
    shop.fail_next("fetch_order", ChannelUnavailableError("Shop/north: down"))

    report = await memory_world.run(shop)

    assert report.channels[SHOP].status == "failed"
    assert shop.calls["fetch_order"] == 1
    assert await watched(memory_world) == ["1001", "1002"]
    await memory_world.run(shop)
    assert [await code_of(memory_world, one) for one in ("1001", "1002")] == ["ADMITTED", "ADMITTED"]


class Confused(FakeMarketplace):
    """Answers every question for one order with another one."""

    async def fetch_order(self, reference: str) -> ChannelOrder | UnreadableOrder | None:
        """Return an order that nobody asked for."""
        return await super().fetch_order("1002" if reference == "1001" else "1001")


async def test_look_that_answers_with_another_order_concludes_nothing(world: World) -> None:
    """A channel that answers with another order is named as wrong; the order that was asked for is left as it is."""
    shop = Confused(SHOP, clock=world.clock, settings=ChannelSettings(vanished="cancel"))
    shop.list_sku("MUG", 10)
    shop.place("1001", lines={"MUG": 1})
    await world.run(shop)
    shop.place("1002", lines={"MUG": 2}, at=datetime(2026, 1, 1, tzinfo=world.clock.now().tzinfo))

    report = await world.runner(shop).hint(OrderKey(SHOP, "1001"))

    assert sightings(report.channels[SHOP]) == {"new": 1}
    assert remarks(report.channels[SHOP], "failed") == [("channel-response", "Shop/north/1001")]
    assert "1002" in str(report.errors[0])
    assert (await world.order("1001")).state is OrderState.OPEN
    assert await conflict_of(world, "1001") is None
    assert await levels(world) == (10, 3)


class Loose(FakeMarketplace):
    """Answers a question for one order with whatever came over the wire."""

    async def fetch_order(self, reference: str) -> ChannelOrder | UnreadableOrder | None:
        """Return what is no order."""
        await super().fetch_order(reference)
        return {"reference": reference}  # type: ignore[return-value]


async def test_look_that_answers_with_no_order_is_named(memory_world: World) -> None:
    """A channel whose look-up returns something else than an order is told what to return, and nothing else stops."""
    shop = Loose(SHOP, clock=memory_world.clock)
    shop.place("1001", lines={"MUG": 1})
    await memory_world.run(shop)
    before = await memory_world.order("1001")

    report = await memory_world.runner(shop).hint(OrderKey(SHOP, "1001"))

    assert [error.code for error in report.errors] == ["channel-response"]
    assert "Shop/north/1001: fetch_order returned a dict; return a ChannelOrder, or None" in str(report.errors[0])
    assert await memory_world.order("1001") == before


async def test_idle_run_looks_up_nothing(world: World) -> None:
    """With nothing due on the list and nothing in conflict, a run asks the storage three short questions."""
    shop = world.open(SHOP, ChannelSettings(sweep_every=SELDOM))
    await world.sell(shop, "MUG", 10)
    shop.place("1001", lines={"MUG": 1}, paid=False)
    await world.run_later(shop, minutes=BEHIND)
    shop.place("1002", lines={"MUG": 1})
    await world.run_later(shop)
    calls, phases = Counter[str](), list[tuple[str, int]]()

    def note(event: Event) -> None:
        if isinstance(event, PhaseStarted):
            phases.append((event.phase, calls.total()))

    again = World(counting(world.storage, calls), world.clock)
    report = await again.run_later(shop, minutes=9, observers=[note])

    began = dict(phases)
    assert began["resolve"] - began["watch"] == 2  # what is due of the list, and whether a sweep is to be judged
    assert began["reserve"] - began["resolve"] == 1  # what is in conflict
    assert calls["orders.watched"] == calls["orders.listed"] == 1
    assert calls["orders.missing_counts"] == calls["orders.missing"] == calls["orders.set_progress"] == 0
    assert {verb for verb in calls if verb in CHANGES} == {"orders.save_page"}
    assert report.channels[SHOP].looked_up == 0
