"""From a packed parcel to a note that the channel is known to show, on channels of every kind."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ordersync import ChannelSettings, OrderKey
from ordersync.errors import (
    ChannelRejectedError,
    ChannelResponseError,
    ChannelUnavailableError,
    OrderNotFoundError,
    TransitionError,
)
from ordersync.model.channel_orders import FulfillmentStatus
from ordersync.model.runs import EntryKind
from ordersync.testing import BareMarketplace, FakeMarketplace
from runner.world import SHOP, World, counts, remarks

LOST = ChannelUnavailableError("Shop/north: the answer was lost")
KEY = OrderKey(SHOP, "1001")


async def sold(world: World, shop: BareMarketplace, quantity: int = 3) -> None:
    """Sell mugs on a shop, and download the order."""
    shop.list_sku("MUG", 10)
    shop.place("1001", lines={"MUG": quantity})
    await world.run(shop)


def open_shop(world: World, settings: ChannelSettings | None = None, **traits: Any) -> FakeMarketplace:  # noqa: ANN401
    """Open the shop with traits of its own."""
    return world.open(SHOP, settings, **traits)


async def test_whole_orders_only(world: World) -> None:
    """Where only whole orders can be marked the first parcel marks it, and the others are kept without a call."""
    shop = open_shop(world, whole_order_dispatch=True)
    await sold(world, shop)

    await world.process("1001", id="p1", lines={"L1": 1})
    await world.run(shop)
    assert shop.orders["1001"].status == "Shipped"
    await world.process("1001", id="p2", tracking_number="JD02")
    await world.run_later(shop)

    assert len(shop.notes_received) == len(shop.shipments) == 1
    assert await world.statuses("1001") == ["confirmed", "confirmed"]
    assert (await world.level()).on_hand == 7


async def test_whole_order_marked_and_the_answer_lost(world: World) -> None:
    """Where only whole orders can be marked, a mark of which nobody heard is found by its number."""
    shop = open_shop(world, whole_order_dispatch=True)
    await sold(world, shop)
    await world.process("1001", id="p1", lines={"L1": 1})
    shop.fail_next("send_dispatch", LOST, when="after")
    await world.run(shop)
    assert await world.statuses("1001") == ["claimed"]

    await world.run_later(shop, minutes=30)

    assert await world.statuses("1001") == ["confirmed"]
    assert len(shop.notes_received) == 1


async def test_channel_that_demands_tracking(world: World) -> None:
    """A note without a number waits, is reported as lacking one, and goes out once it has it."""
    shop = open_shop(world, requires_tracking=True)
    await sold(world, shop)
    await world.process("1001", tracking_number=None)

    report = await world.run(shop)

    assert remarks(report.channels[SHOP], "lacking") == [("DISPATCH_LACKING", "Shop/north/1001")]
    assert (await world.notes("1001"))[0].message == "parcel 'all' needs a tracking number: OrderDesk.set_tracking(...)"
    assert report.channels[SHOP].notes_waiting == 1
    assert shop.notes_received == []

    await world.desk.set_tracking(KEY, carrier="DHL", tracking_number="JD07")
    await world.run(shop)

    assert [(one.carrier, one.tracking_number) for one in shop.shipments] == [("DHL", "JD07")]
    assert await world.statuses("1001") == ["confirmed"]


async def test_tracking_comes_too_late(world: World) -> None:
    """A number cannot be changed once the channel was told, and the error says where the note stands."""
    await sold(world, world.shop)
    await world.process("1001")
    await world.run()

    with pytest.raises(TransitionError, match="parcel 'all' is confirmed and cannot be given a tracking number"):
        await world.desk.set_tracking(KEY, carrier="DHL", tracking_number="JD99")
    with pytest.raises(TransitionError, match="has no parcel 'p9'; it has all"):
        await world.desk.set_tracking(KEY, parcel_id="p9", carrier="DHL", tracking_number="JD99")
    with pytest.raises(OrderNotFoundError):
        await world.desk.set_tracking(OrderKey(SHOP, "9"), carrier="DHL", tracking_number="JD99")


async def test_order_without_parcels_has_no_note(world: World) -> None:
    """An order that nobody packed has no note to change."""
    await sold(world, world.shop)

    with pytest.raises(TransitionError, match="has no parcel 'all'; it has none"):
        await world.desk.requeue(KEY)


async def test_carriers_are_translated(world: World) -> None:
    """Our carrier names become the channel's codes; one that is not mapped is named, and its note waits."""
    shop = open_shop(world, ChannelSettings(carriers={"DHL": "dhl-de"}))
    await sold(world, shop)
    await world.process("1001", id="p1", lines={"L1": 1}, carrier="DHL", tracking_number="A")
    await world.process("1001", id="p2", lines={"L1": 1}, carrier="Pigeon", tracking_number="B")
    await world.process("1001", id="p3", carrier=None, tracking_number="C")

    report = await world.run(shop)

    assert [(one.carrier, one.tracking_number) for one in shop.shipments] == [("dhl-de", "A"), (None, "C")]
    assert await world.statuses("1001") == ["confirmed", "queued", "confirmed"]
    (remark,) = [one for one in report.channels[SHOP].remarks if one.kind == "lacking"]
    assert remark.sentence == "carrier 'Pigeon' is not in settings.carriers; map it to the channel's code"

    mapped = shop.with_settings(ChannelSettings(carriers={"DHL": "dhl-de", "Pigeon": "other"}))
    await world.run_later(mapped)
    assert shop.shipments[-1].carrier == "other"
    assert await world.statuses("1001") == ["confirmed"] * 3


async def test_refused_note_may_be_requeued(world: World) -> None:
    """A note that was refused is tried again when a person says so, and looked for first."""
    await sold(world, world.shop)
    await world.process("1001")
    world.shop.fail_next("send_dispatch", ChannelRejectedError("Shop/north/1001: not now"))
    report = await world.run()
    assert remarks(report.channels[SHOP], "refused") == [("DISPATCH_REJECTED", "Shop/north/1001")]
    await world.run_later()
    assert (await world.statuses("1001"), world.shop.shipments) == (["rejected"], [])
    looks = world.shop.calls["fetch_order"]

    await world.desk.requeue(KEY)
    await world.run_later()

    assert world.shop.calls["fetch_order"] > looks
    assert (await world.statuses("1001"), len(world.shop.shipments)) == (["confirmed"], 1)
    with pytest.raises(TransitionError, match="is confirmed and cannot be requeued"):
        await world.desk.requeue(KEY)


async def test_requeued_note_that_arrived_is_not_sent(world: World) -> None:
    """A person who requeues a note that the channel has shipped meanwhile causes no second parcel."""
    await sold(world, world.shop)
    await world.process("1001")
    world.shop.fail_next("send_dispatch", ChannelRejectedError("Shop/north/1001: not now"))
    await world.run()
    world.shop.ship_by_hand("1001", carrier="DHL", tracking="JD01")

    await world.desk.requeue(KEY)
    await world.run_later()

    assert (await world.statuses("1001"), len(world.shop.shipments)) == (["confirmed"], 1)


async def test_lost_answer_is_looked_up(world: World) -> None:
    """A note of which nobody heard whether it arrived is looked for, after a late copy must have landed."""
    await sold(world, world.shop)
    await world.process("1001")
    world.shop.fail_next("send_dispatch", LOST, when="after")
    await world.run()
    assert await world.statuses("1001") == ["claimed"]

    await world.run_later(minutes=5)
    assert await world.statuses("1001") == ["claimed"]
    await world.run_later(minutes=10)

    assert await world.statuses("1001") == ["confirmed"]
    assert len(world.shop.notes_received) == 1


async def test_lost_request_is_sent_again(world: World) -> None:
    """A note that the channel is seen not to have is sent again."""
    await sold(world, world.shop)
    await world.process("1001")
    world.shop.fail_next("send_dispatch", LOST, when="before")
    await world.run()

    await world.run_later(minutes=30)

    assert (await world.statuses("1001"), len(world.shop.shipments)) == (["confirmed"], 1)


async def test_shipped_by_other_hands_meanwhile(world: World) -> None:
    """A note of unknown fate whose goods somebody else has shipped is a conflict for a person."""
    await sold(world, world.shop)
    await world.process("1001")
    world.shop.fail_next("send_dispatch", LOST, when="before")
    await world.run()
    world.shop.ship_by_hand("1001", tracking="ELSE")

    report = await world.run_later(minutes=30)

    assert (await world.notes("1001"))[0].message == "the channel shows it shipped with other tracking"
    assert remarks(report.channels[SHOP], "refused") == [("DISPATCH_REJECTED", "Shop/north/1001")]
    assert len(world.shop.shipments) == 1


async def test_refusal_of_what_is_there_already_is_success(world: World) -> None:
    """A channel that refuses a note because it has the parcel already has the parcel."""
    await sold(world, world.shop)
    world.shop.ship_by_hand("1001", carrier="DHL", tracking="JD01")
    await world.process("1001")

    await world.run_later()

    assert await world.statuses("1001") == ["confirmed"]
    assert len(world.shop.shipments) == 1


@pytest.mark.parametrize(
    ("policy", "status", "sent"), [("ask", "unknown", 1), ("never", "gave-up", 1), ("resend", "sent", 2)]
)
async def test_channel_that_cannot_be_looked_at(world: World, policy: str, status: str, sent: int) -> None:
    """Where nobody can look, a note of unknown fate is what the settings say: asked about, dropped or sent again."""
    settings = ChannelSettings(unknown_dispatch=policy)
    shop = BareMarketplace(SHOP, clock=world.clock, settings=settings, refuses_overshipping=False)
    await sold(world, shop)
    await world.process("1001", id="p1", lines={"L1": 1})
    shop.fail_next("send_dispatch", LOST, when="after")
    await world.run(shop)

    report = await world.run_later(shop, minutes=30)

    assert (await world.statuses("1001"), len(shop.notes_received)) == ([status], sent)
    if policy == "ask":
        assert remarks(report.channels[SHOP], "refused") == [("DISPATCH_UNKNOWN", "Shop/north/1001")]
        await world.desk.requeue(KEY, parcel_id="p1")
        await world.run_later(shop, minutes=30)
        assert len(shop.notes_received) == 2


async def test_confirmed_by_what_the_feed_shows(world: World) -> None:
    """Where nobody can look, a sent note is confirmed once the feed shows the order as shipped."""
    shop = BareMarketplace(SHOP, clock=world.clock)
    await sold(world, shop)
    await world.process("1001")
    await world.run(shop)
    assert await world.statuses("1001") == ["sent"]

    await world.run_later(shop)

    assert (await world.order("1001")).fulfillment is FulfillmentStatus.SHIPPED
    assert await world.statuses("1001") == ["confirmed"]


async def test_confirmed_by_a_sweep_without_it(world: World) -> None:
    """Where only states are read, a sent note is confirmed once a later sweep shows its order no more."""
    shop = BareMarketplace(SHOP, clock=world.clock, scan="state")
    await sold(world, shop)
    await world.process("1001")
    await world.run(shop)
    assert await world.statuses("1001") == ["sent"]

    await world.run_later(shop)
    await world.run_later(shop)

    assert await world.statuses("1001") == ["confirmed"]


async def test_note_that_is_not_shown_yet_is_looked_for_less_and_less(memory_world: World) -> None:
    """A channel that shows a shipment late is looked at again after as long as was waited already."""
    world = memory_world
    shop = open_shop(world, listing_lag=timedelta(hours=5))
    shop.list_sku("MUG", 10)
    shop.place("1001", lines={"MUG": 1})
    world.clock.advance(hours=6)
    await world.run(shop)
    await world.process("1001")
    await world.run(shop)
    looks = shop.calls["fetch_order"]

    for _ in range(40):
        await world.run_later(shop)

    assert await world.statuses("1001") == ["confirmed"]
    assert shop.calls["fetch_order"] - looks <= 12


async def test_note_is_given_up_after_its_window(memory_world: World) -> None:
    """A note that the channel never takes is given up after a day, and a person may requeue it."""
    world = memory_world
    await sold(world, world.shop)
    await world.process("1001")
    refused = ChannelUnavailableError("Shop/north: closed", applied=False)
    world.shop.fail_next("send_dispatch", refused, times=None)
    for _ in range(30):
        await world.run_later(minutes=60)

    assert await world.statuses("1001") == ["gave-up"]
    codes = [entry.code for entry in await world.journal(SHOP, EntryKind.ERROR)]
    assert codes[-1] == "DISPATCH_GAVE_UP"
    world.shop.recover()
    await world.desk.requeue(KEY)
    await world.run_later(minutes=60)
    assert (await world.statuses("1001"), len(world.shop.shipments)) == (["confirmed"], 1)


async def test_look_that_makes_no_sense_stops_only_itself(world: World) -> None:
    """An order that cannot be looked at keeps its note as it is, and other notes go out."""
    for reference in ("1001", "1002"):
        world.shop.place(reference, lines={"MUG": 1})
    await world.run()
    await world.process("1001")
    world.shop.fail_next("send_dispatch", LOST, when="after")
    await world.run()
    await world.process("1002")
    world.shop.fail_next("fetch_order", ChannelResponseError("Shop/north/1001: HTML"))

    report = await world.run_later(minutes=30)

    assert counts(report.channels[SHOP])["failed"] == 1
    assert (await world.statuses("1001"), await world.statuses("1002")) == (["claimed"], ["confirmed"])
    await world.run_later(minutes=30)
    assert await world.statuses("1001") == ["confirmed"]


async def test_parked_order_is_sent_once_it_is_paid(world: World) -> None:
    """An unpaid order reserves and is parked, the desk says why, and payment lifts it."""
    shop = open_shop(world, ChannelSettings(download_unpaid=True))
    shop.list_sku("MUG", 10)
    shop.place("1001", lines={"MUG": 1}, paid=False)
    await world.run(shop)

    with pytest.raises(TransitionError, match=r"Shop/north/1001: is parked \(not paid \(unpaid\)\)"):
        await world.process("1001")

    world.clock.advance(minutes=1)
    shop.pay("1001")
    await world.run_later(shop)
    await world.process("1001")
    await world.run(shop)
    assert shop.orders["1001"].status == "Shipped"
