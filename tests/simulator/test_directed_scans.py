"""Directed schedules for planted bugs about reading a channel, and about who may read it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import attrs

from ordersync import OrderPage
from ordersync.clock import Clock
from ordersync.sync.lease import WORK, HeldLease
from ordersync.testing import ManualClock, MarketplaceWithLookup
from protocols.world import SHOP, SKU, Calls, World, key
from simulator.opened import bought, opened


class OneByOne(MarketplaceWithLookup):
    """Shows one order a page."""

    def __init__(self, *args: Any, **facts: Any) -> None:  # noqa: ANN401 - passed on
        """Be like any other in everything else."""
        super().__init__(*args, page_size=1, **facts)


async def stored(world: World) -> list[str]:
    """Return the references of all stored orders."""
    return [one.key.reference for one in await world.storage.orders.listed()]


async def test_watermark_is_never_ahead_of_the_orders() -> None:
    """A runner that dies before it has saved a page leaves the watermark where it was."""
    async with opened() as world:
        before = (await world.storage.orders.progress(SHOP)).watermark
        world.clock.advance(minutes=30)
        world.shop.place("1001", lines={SKU: 1})
        calls = Calls()
        pause = calls.pause("orders.save_page")
        world.start(world.runner(calls, channels=(world.shop,)).run_once())

        await pause.reached()

        assert (await world.storage.orders.progress(SHOP)).watermark == before


async def test_order_of_the_same_second_is_seen_in_the_next_scan() -> None:
    """An order with the stamp of the last one that was seen is found, whole seconds or not."""
    async with opened() as world:
        await bought(world, 1)
        world.shop.place("1002", lines={SKU: 1})

        await world.run()

        assert await stored(world) == ["1001", "1002"]


async def test_order_that_shows_up_late_is_overlapped() -> None:
    """An order that the feed shows minutes after its stamp is found by a scan of changes."""
    async with opened(listing_lag=timedelta(minutes=5)) as world:
        world.clock.advance(minutes=20)
        world.shop.place("1001", lines={SKU: 1})
        world.clock.advance(minutes=6)
        await world.run()
        world.shop.place("1002", lines={SKU: 1})
        world.clock.advance(minutes=1)
        await world.run()
        world.clock.advance(minutes=5)

        await world.run()

        assert await stored(world) == ["1001", "1002"]


async def test_watermark_goes_by_the_channels_clock() -> None:
    """A machine whose clock is an hour ahead misses nothing that is placed by the channel's own time."""
    async with opened() as world:
        ahead = Ahead(world.clock)
        await world.runner(channels=(world.shop,), clock=ahead).run_once()
        world.clock.advance(minutes=10)
        world.shop.place("1001", lines={SKU: 1})

        await world.runner(channels=(world.shop,), clock=ahead).run_once()

        progress = await world.storage.orders.progress(SHOP)
        assert progress.watermark is not None
        assert progress.watermark <= world.clock.now()
        assert await stored(world) == ["1001"]


async def test_two_machines_agree_on_the_time() -> None:
    """What a machine whose clock is ahead writes down of a scan is the storage's time."""
    async with opened() as world:
        world.clock.advance(minutes=70)

        await world.runner(channels=(world.shop,), clock=Ahead(world.clock)).run_once()

        assert (await world.storage.orders.progress(SHOP)).swept_at == world.clock.now()


class Ahead(ManualClock):
    """The clock of a machine that is half an hour ahead of another."""

    def __init__(self, right: Clock) -> None:
        """Go by *right*."""
        super().__init__()
        self._right = right

    def now(self) -> datetime:
        """Return a time to come."""
        return self._right.now() + timedelta(minutes=30)


async def test_bad_order_stops_only_itself() -> None:
    """The neighbours of an order that cannot be read are stored."""
    async with opened() as world:
        for reference in ("1001", "1002", "1003"):
            world.shop.place(reference, lines={SKU: 1})
        world.shop.spoil("1002")

        await world.run()

        assert await stored(world) == ["1001", "1003"]


class Looping(MarketplaceWithLookup):
    """Hands out the same page token for ever."""

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Return the first page, and say that there are more."""
        page = await super().fetch_orders(updated_since=updated_since)
        return attrs.evolve(page, next_cursor=cursor or "again")


async def test_repeated_page_token_is_an_error() -> None:
    """A scan whose page points back at itself is no complete one."""
    async with opened() as world:
        swept_at = (await world.storage.orders.progress(SHOP)).swept_at
        looping = Looping(SHOP, clock=world.clock)
        world.clock.advance(minutes=70)

        report = await world.run(looping)

        progress = await world.storage.orders.progress(SHOP)
        assert (progress.swept_at, progress.interrupted) == (swept_at, True)
        assert report.channels[SHOP].status == "failed"


async def test_watermark_waits_for_the_end_where_pages_come_in_no_order() -> None:
    """A scan that is cut after a page leaves the watermark, since older orders may stand on the next."""
    async with opened(kind=OneByOne) as world:
        before = (await world.storage.orders.progress(SHOP)).watermark
        for reference in ("1001", "1002"):
            world.clock.advance(minutes=30)
            world.shop.place(reference, lines={SKU: 1})
        calls = Calls()
        pause = calls.pause("orders.save_page", when="after")
        world.start(world.runner(calls, channels=(world.shop,)).run_once())

        await pause.reached()

        assert (await world.storage.orders.progress(SHOP)).watermark == before


async def test_older_version_of_an_order_changes_nothing() -> None:
    """An order that is shown as it was before its last change stays as it is by now."""
    async with opened(kind=Stale) as world:
        await bought(world, 2)
        world.clock.advance(minutes=5)
        world.shop.edit("1001", {SKU: 3})
        await world.run()
        assert isinstance(world.shop, Stale)
        world.shop.goes_back = True

        await world.run()

        assert [line.quantity for line in (await world.order(key())).lines] == [3]


class Stale(MarketplaceWithLookup):
    """May show orders as they were."""

    goes_back = False

    async def fetch_orders(self, *, updated_since: datetime | None, cursor: str | None = None) -> OrderPage:
        """Return orders of which two pieces were bought, five minutes ago."""
        page = await super().fetch_orders(updated_since=updated_since, cursor=cursor)
        if not self.goes_back:
            return page
        orders = [
            attrs.evolve(
                order,
                updated_at=order.updated_at - timedelta(minutes=5),
                lines=[attrs.evolve(line, quantity=2) for line in order.lines],
            )
            for order in page.orders
        ]
        return attrs.evolve(page, orders=orders)


async def test_unknown_word_is_quarantined() -> None:
    """An order whose word nobody knows is not stored, and a decision says why."""
    async with opened() as world:
        world.shop.place("1001", lines={SKU: 1})
        world.shop.set_status("1001", "Paid-Pending")

        await world.run()

        decision = await world.storage.orders.decision(key())
        assert decision is not None
        assert (decision.code, await stored(world)) == ("STATUS_UNKNOWN", [])


async def test_overtaken_runner_writes_nothing() -> None:
    """What a runner reads after another has taken its channel over is not written."""
    async with opened() as world:
        world.shop.place("1001", lines={SKU: 1})
        calls = Calls()
        pause = calls.pause("orders.save_page")
        sleeper = world.start(world.runner(calls, channels=(world.shop,)).run_once())
        await pause.reached()
        world.clock.advance(minutes=10)
        await world.run(world.shop)
        progress = await world.storage.orders.progress(SHOP)

        pause.go_on()
        report = await sleeper

        assert report.channels[SHOP].status == "lost"
        assert await world.storage.orders.progress(SHOP) == progress


async def test_runner_calls_nothing_past_its_lease() -> None:
    """A runner that was slow while it read starts no call to the channel once another may hold it."""
    async with opened(kind=OneByOne) as world:
        for reference in ("1001", "1002", "1003"):
            world.shop.place(reference, lines={SKU: 1})
        calls = Calls()
        pause = calls.pause("orders.save_page", when="after")
        sleeper = world.start(world.runner(calls, channels=(world.shop,)).run_once())
        await pause.reached()
        world.clock.advance(minutes=10)
        await world.run(world.shop)
        before = world.shop.calls["fetch_orders"]

        pause.go_on()
        report = await sleeper

        assert (world.shop.calls["fetch_orders"] - before, report.channels[SHOP].status) == (0, "lost")


async def test_slow_renewal_lets_no_call_start() -> None:
    """A runner whose lease ends behind its last renewal starts no call, though nobody else has begun."""
    async with opened() as world:
        await bought(world, 1)
        await world.desk().process(key())
        calls = Calls()
        pause = calls.pause("orders.notes_due", when="after")
        sleeper = world.start(world.runner(calls, channels=(world.shop,)).run_once())
        await pause.reached()
        renewing = calls.pause("journal.renew", when="after")
        world.clock.advance(WORK.total_seconds() - 1)
        pause.go_on()
        await renewing.reached()
        world.clock.advance(minutes=10)
        await world.run(world.market)
        before = len(world.shop.notes_received)

        renewing.go_on()
        await sleeper

        assert len(world.shop.notes_received) == before


async def test_overtaken_runner_gives_nothing_back() -> None:
    """A runner that was overtaken leaves its successor's lease alone."""
    async with opened() as world:
        old = await HeldLease.take(world.storage, world.shop, holder="old", clock=world.clock)
        assert old is not None
        world.clock.advance(minutes=10)
        assert await HeldLease.take(world.storage, world.shop, holder="new", clock=world.clock) is not None

        await old.release()

        assert await HeldLease.take(world.storage, world.shop, holder="third", clock=world.clock) is None


async def test_every_order_of_a_page_is_stored() -> None:
    """All orders of one page are stored, and the run says so."""
    references = ["1001", "1002", "1003"]
    async with opened() as world:
        for reference in references:
            world.shop.place(reference, lines={SKU: 1})

        report = await world.run()

        assert (await stored(world), report.channels[SHOP].new) == (references, 3)


async def test_skipped_order_has_a_decision() -> None:
    """An order that was seen and not stored has a decision that says why."""
    async with opened() as world:
        world.shop.place("1001", lines={SKU: 1}, paid=False)

        await world.run()

        decision = await world.storage.orders.decision(key())
        assert (await stored(world), decision and decision.code) == ([], "NOT_PAID")


async def test_every_sighting_has_one_outcome() -> None:
    """What a report counts as seen is the sum of its outcomes, also when nothing is new."""
    async with opened() as world:
        await bought(world, 1)

        one = (await world.run()).channels[SHOP]

        assert (one.seen, one.new + one.changed + one.same + one.skipped + one.quarantined) == (1, 1)
