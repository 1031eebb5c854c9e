"""Directed schedules for planted bugs that no test of the protocols meets: orders, stock and notes."""

from __future__ import annotations

from datetime import timedelta

from ordersync import Claim, OrderState, Parcel, RetryPolicy
from ordersync.errors import ChannelRejectedError, ChannelResponseError, ChannelUnavailableError
from ordersync.model.dispatch import NoteStatus
from ordersync.model.ids import OrderKey
from ordersync.sync.lease import START_WINDOW_S
from ordersync.testing import BareMarketplace
from protocols.world import MARKET, SKU, Calls, key
from simulator.opened import bought, desk_that_dies, opened

LOST = ChannelResponseError("the answer was lost")
DHL = Parcel(carrier="DHL", tracking_number="JD01")


async def test_restored_order_is_reserved() -> None:
    """An order that was deleted and is restored holds what it wants again."""
    async with opened() as world:
        await bought(world)
        await world.desk().delete(key(), who="Ada", why="a test order")

        await world.desk().restore(key(), who="Ada")
        await world.run()

        assert await world.reserved() == 2


async def test_restored_order_keeps_its_revision() -> None:
    """The stock revision of an order that is restored is above the one under which it was deleted."""
    async with opened() as world:
        await bought(world)
        deleted = await world.desk().delete(key(), who="Ada", why="a test order")
        calls = Calls()
        pause = calls.pause("orders.due")
        world.start(world.desk(calls).restore(key(), who="Ada"))

        await pause.reached()

        assert (await world.order(key())).stock_revision > deleted.stock_revision


async def test_claim_that_comes_late_reserves_nothing() -> None:
    """A claim that was read before an order was cancelled changes nothing when it reaches the ledger afterwards."""
    async with opened() as world:
        world.shop.place("1001", lines={SKU: 2})
        calls = Calls()
        pause = calls.pause("stock.reserve")
        slow = world.start(world.runner(calls, channels=(world.shop,)).run_once())
        await pause.reached()
        await world.desk().cancel(key())

        pause.go_on()
        await slow
        await world.run()

        assert await world.reserved() == 0


async def test_claim_replaces_the_one_before() -> None:
    """An order whose quantity is edited reserves what is bought now, and no more."""
    async with opened() as world:
        await bought(world, 2)
        world.clock.advance(minutes=5)
        world.shop.edit("1001", {SKU: 3})

        await world.run()

        assert await world.reserved() == 3


async def test_held_order_reserves_nothing() -> None:
    """An order that a person has locked leaves its pieces to others."""
    async with opened() as world:
        await bought(world)

        await world.desk().hold(key(), who="Ada", why="asks the buyer")
        await world.run()

        assert (await world.reserved(), await world.available()) == (0, 10)


async def test_cancelled_order_reserves_nothing() -> None:
    """An order that its channel cancels frees what it held."""
    async with opened() as world:
        await bought(world)
        world.clock.advance(minutes=5)
        world.shop.cancel("1001")

        await world.run()

        assert (await world.reserved(), (await world.order(key())).wanted) == (0, {})


async def test_goods_that_left_are_in_the_history() -> None:
    """On-hand is the sum of the movements after a parcel has left."""
    async with opened() as world:
        await bought(world)

        await world.desk().process(key())

        moved = [one.quantity for one in await world.storage.stock.history(SKU)]  # type: ignore[attr-defined]
        assert (await world.on_hand(), sum(moved)) == (8, 8)


async def test_order_and_parcel_are_written_together() -> None:
    """A desk that dies before it has recorded a parcel has processed nothing."""
    async with opened() as world:
        await bought(world)
        await desk_that_dies(world, "orders.record_parcel")

        await world.drain(times=1)

        order, notes = await world.order(key()), await world.notes(key())
        assert (order.state, notes, await world.on_hand()) == (OrderState.OPEN, {}, 10)


async def test_note_waits_for_its_deduction() -> None:
    """A parcel whose goods have not moved yet is not told to the channel."""
    async with opened() as world:
        await bought(world)

        await desk_that_dies(world, "stock.deduct")

        assert await world.notes(key()) == {"all": NoteStatus.WAITING}


async def test_note_goes_to_its_own_channel() -> None:
    """A run of another channel leaves a queued note alone, though an order there has the same number."""
    async with opened() as world:
        for market in (world.shop, world.market):
            market.place("1001", lines={SKU: 1})
        await world.run()
        await world.desk().process(key())

        await world.run(world.market)

        assert (world.market.shipments, await world.notes(key())) == ([], {"all": NoteStatus.QUEUED})
        assert (await world.order(OrderKey(MARKET, "1001"))).state is OrderState.OPEN


async def test_note_is_not_sent_under_an_old_claim() -> None:
    """A claim that is older than the start window sends nothing, though its lease lasts."""
    async with opened() as world:
        await bought(world, 1)
        await world.desk().process(key(), DHL)
        calls = Calls()
        pause = calls.pause("orders.write_note", when="after")
        slow = world.start(world.runner(calls, channels=(world.shop,)).run_once())
        await pause.reached()
        world.clock.advance(START_WINDOW_S + 5)

        pause.go_on()
        await slow

        assert world.shop.notes_received == []


async def test_note_that_may_have_arrived_is_not_tried_again() -> None:
    """A note whose call timed out is left for a later look, however patient the policy is."""
    async with opened(refuses_overshipping=False) as world:
        await bought(world, 1)
        await world.desk().process(key(), DHL)
        world.shop.fail_next("send_dispatch", ChannelUnavailableError("no answer"), when="after")

        await world.runner(channels=(world.shop,), retry=RetryPolicy(attempts=3)).run_once()

        assert len(world.shop.shipments) == 1


async def test_note_whose_answer_was_lost_is_looked_for() -> None:
    """A note that arrived, and whose answer did not, is found on the channel and not sent again."""
    async with opened(refuses_overshipping=False) as world:
        await bought(world, 1)
        await world.desk().process(key(), DHL)
        world.shop.fail_next("send_dispatch", LOST, when="after")

        await world.drain(times=2)

        assert (len(world.shop.shipments), await world.notes(key())) == (1, {"all": NoteStatus.CONFIRMED})


async def test_note_of_unknown_fate_is_left_to_a_person() -> None:
    """Where the channel cannot be looked at, a note whose answer was lost is not sent a second time."""
    async with opened(kind=BareMarketplace, refuses_overshipping=False) as world:
        await bought(world, 1)
        await world.desk().process(key(), DHL)
        world.shop.fail_next("send_dispatch", LOST, when="after")

        await world.drain(times=2)

        assert (len(world.shop.shipments), await world.notes(key())) == (1, {"all": NoteStatus.UNKNOWN})


async def test_refused_note_is_not_sent() -> None:
    """A note that the channel refuses is known as refused."""
    async with opened() as world:
        await bought(world, 1)
        await world.desk().process(key(), DHL)
        world.shop.fail_next("send_dispatch", ChannelRejectedError("no such order"))

        await world.run()

        assert (await world.notes(key()), world.shop.shipments) == ({"all": NoteStatus.REJECTED}, [])


async def test_note_is_confirmed_by_what_the_channel_shows() -> None:
    """A note that was accepted and is not shown yet is not confirmed."""
    async with opened(listing_lag=timedelta(minutes=5)) as world:
        world.clock.advance(minutes=6)
        world.shop.place("1001", lines={SKU: 1})
        world.clock.advance(minutes=6)
        await world.run()
        await world.desk().process(key(), DHL)

        await world.run()

        assert await world.notes(key()) == {"all": NoteStatus.SENT}


async def test_shipment_of_other_hands_is_not_ours() -> None:
    """A shipment of the same lines under another number does not answer for a note that was lost."""
    async with opened() as world:
        await bought(world, 2)
        await world.desk().process(key(), Parcel(id="p1", lines={"L1": 1}, tracking_number="JD01"))
        world.shop.fail_next("send_dispatch", LOST)
        await world.run()
        world.shop.ship_by_hand("1001", lines={"L1": 1}, tracking="XX99")

        await world.drain(times=2)

        assert [one.tracking_number for one in world.shop.shipments] == ["XX99", "JD01"]


async def test_lease_is_counted_from_when_it_was_asked_for() -> None:
    """A lease whose answer was long on its way is renewed before anything is sent under it."""
    async with opened() as world:
        await bought(world, 1)
        await world.desk().process(key(), DHL)
        calls = Calls()
        pause = calls.pause("journal.lease", when="after")
        run = world.start(world.runner(calls, channels=(world.shop,)).run_once())
        await pause.reached()
        world.clock.advance(100)

        pause.go_on()
        await run

        assert "journal.renew" in calls.made
        assert len(world.shop.shipments) == 1


async def test_order_that_changes_is_one_order() -> None:
    """An order that its channel shows otherwise later is the one order that it was."""
    async with opened() as world:
        await bought(world)
        world.clock.advance(minutes=5)
        world.shop.edit("1001", {SKU: 3})

        await world.run()

        assert [one.key for one in await world.storage.orders.listed()] == [key()]


async def test_page_is_not_written_over_what_a_person_did() -> None:
    """An order that a person holds between a page's decision and its commit is decided anew, and stays held."""
    async with opened() as world:
        await bought(world)
        world.clock.advance(minutes=5)
        world.shop.edit("1001", {SKU: 3})
        calls = Calls()

        async def hold() -> None:
            await world.desk().hold(key(), who="Ada", why="asks the buyer")

        calls.at("orders.save_page", hold)
        await world.runner(calls, channels=(world.shop,)).run_once()

        order = await world.order(key())
        assert (order.held is None, [line.quantity for line in order.lines]) == (False, [3])


async def test_deleted_order_stays_deleted() -> None:
    """A deleted order that its channel changes is not downloaded again."""
    async with opened() as world:
        await bought(world)
        await world.desk().delete(key(), who="Ada", why="a test order")
        world.clock.advance(minutes=5)
        world.shop.edit("1001", {SKU: 3})

        await world.run()

        assert ((await world.order(key())).state, await world.reserved()) == (OrderState.DELETED, 0)


async def test_late_claim_of_a_restored_backup_is_ignored() -> None:
    """A claim under a revision that the ledger knows already changes nothing."""
    async with opened() as world:
        await bought(world)
        order = await world.order(key())

        again = Claim(order_key=key(), revision=order.stock_revision, wanted={(SKU, "main"): 9})
        await world.storage.stock.reserve([again], at=world.clock.now())

        assert await world.reserved() == 2
