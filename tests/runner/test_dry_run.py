"""A dry run looks at everything and changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from ordersync import ChannelSettings, OrderKey, RunReport, StatusMapping
from ordersync.errors import ChannelUnavailableError, OrderNotFoundError
from runner.strange import Looping
from runner.world import MARKET, SHOP, World, adds_up, counts, remarks


async def preview(world: World, *channels: Any) -> RunReport:  # noqa: ANN401 - marketplaces
    """Run without writing anything, and see that nothing was written."""
    markets = channels or (world.shop, world.market)
    before = await everything(world)
    sent = [(one.levels, len(one.levels_applied), len(one.notes_received)) for one in markets]

    report = await world.runner(*channels).run_once(dry_run=True)

    adds_up(report)
    assert report.dry_run
    assert await everything(world) == before
    assert [(one.levels, len(one.levels_applied), len(one.notes_received)) for one in markets] == sent
    assert all(one.calls["push_stock"] == one.calls["send_dispatch"] == 0 for one in markets)
    return report


async def everything(world: World) -> list[object]:
    """Return all that a storage remembers of both channels."""
    storage = world.storage
    known: list[object] = [await world.journal(), await storage.stock.levels(["MUG"])]
    for channel in (SHOP, MARKET):
        known += [
            await storage.orders.progress(channel),
            await storage.orders.decisions(channel),
            await storage.orders.quarantined(channel),
            await storage.orders.note_counts(channel),
            await storage.orders.due(channel, limit=100),
            await storage.listings.of_channel(channel),
            await world.life(channel),
        ]
    return known


async def test_downloads_are_decided_and_not_saved(world: World) -> None:
    """A dry run says which orders it would save and which it would not, and saves none."""
    world.shop.place("1001", lines={"MUG": 2})
    world.shop.place("1002", lines={"MUG": 1}, paid=False)
    world.shop.place("1003", lines={"MUG": 1})
    world.shop.spoil("1003")

    report = await preview(world)

    assert counts(report.channels[SHOP]) == {"new": 1, "skipped": 1, "quarantined": 1}
    assert remarks(report.channels[SHOP], "skipped") == [("NOT_PAID", "1002")]
    with pytest.raises(OrderNotFoundError):
        await world.order("1001")


async def test_dry_run_before_any_run(world: World) -> None:
    """A dry run is the first thing that one may do with a new storage and draft channels."""
    report = await preview(world)

    assert remarks(report.channels[SHOP], "due") == [("PUSH", "MUG")]
    assert report.channels[SHOP].remarks[0].sentence == "unknown -> 10"


async def test_pushes_that_are_due_are_shown(world: World) -> None:
    """A dry run shows the level that a run would push now, beside what the channel is believed to show."""
    await world.run()
    await world.stock("MUG", 7)
    await world.storage.listings.mark(["MUG"])

    report = await preview_after(world)

    assert remarks(report.channels[MARKET], "due") == [("PUSH", "MUG")]
    assert report.channels[MARKET].remarks[0].sentence == "10 -> 7"


async def test_settled_listing_is_not_shown(world: World) -> None:
    """A listing that shows what it should is not due, also where something may have changed."""
    await world.run()
    await world.storage.listings.mark(["MUG"])

    report = await preview_after(world)

    assert [one.remarks for one in report.channels.values()] == [(), ()]


async def preview_after(world: World) -> RunReport:
    """Preview once the marketplaces forgot how often they were called."""
    for market in (world.shop, world.market):
        market.calls.clear()
    return await preview(world)


async def test_notes_that_are_due_are_shown(world: World) -> None:
    """A dry run shows the notes that a run would send now."""
    world.shop.place("1001", lines={"MUG": 2})
    await world.run()
    await world.process("1001")

    report = await preview_after(world)

    assert remarks(report.channels[SHOP], "due") == [("NOTE", "Shop/north/1001")]
    assert report.channels[SHOP].remarks[0].sentence == "parcel all: queued"
    assert "due         Shop/north Shop/north/1001  parcel all: queued" in str(report)


async def test_sent_note_is_not_due(world: World) -> None:
    """A note that was sent is only looked after, and a dry run shows nothing of it."""
    world.shop.place("1001", lines={"MUG": 2})
    await world.run()
    await world.process("1001")
    world.shop.fail_next("fetch_order", ChannelUnavailableError("down"))
    await world.run()
    assert await world.statuses("1001") == ["sent"]
    world.clock.advance(hours=1)

    assert remarks((await preview_after(world)).channels[SHOP], "due") == []


async def test_dead_channel_is_told(world: World) -> None:
    """A channel that does not answer fails in the dry run's report, and the others are previewed."""
    world.shop.fail_next("fetch_orders", ChannelUnavailableError("Shop/north: down; try later"))
    world.market.place("2001", lines={"MUG": 1})

    report = await preview(world)

    assert (report.channels[SHOP].status, report.channels[MARKET].status) == ("failed", "done")
    assert [str(error) for error in report.errors] == ["Shop/north: down; try later"]
    assert counts(report.channels[MARKET]) == {"new": 1}


async def test_disabled_channel_is_not_called(world: World) -> None:
    """A disabled channel is not read in a dry run either."""
    await world.storage.journal.disable(SHOP, by="Ada", cause="holidays", at=world.clock.now())

    report = await preview(world)

    assert report.channels[SHOP].status == "disabled"
    assert world.shop.calls.total() == 0
    assert report.channels[MARKET].status == "done"


async def test_missing_mapping_disables_nothing(world: World) -> None:
    """A channel without the mapping that it needs is told to be disabled, and is not switched."""
    shop = world.open(SHOP, requires_status_mapping=True)

    report = await preview(world, shop)

    assert report.channels[SHOP].status == "disabled"
    assert shop.calls.total() == 0


async def test_running_run_is_not_disturbed(world: World) -> None:
    """A dry run needs no lease, so it works while another runner holds the channel."""
    lease = await world.storage.journal.lease(SHOP, holder="other", duration=world.shop.late_window)
    assert lease is not None

    report = await preview(world)

    assert report.channels[SHOP].status == "done"


async def test_looping_pages_end(world: World) -> None:
    """A channel whose pages run in a circle fails the preview, as it fails a run."""
    mapping = StatusMapping(version="1", paid=frozenset({"Ready"}))
    shop = Looping(
        SHOP, clock=world.clock, settings=ChannelSettings(status_mapping=mapping), requires_status_mapping=True
    )
    shop.place("1001", lines={"MUG": 1})

    report = await preview(world, shop)

    assert report.channels[SHOP].status == "failed"
    assert "came twice" in str(report.errors[0])
    assert shop.calls["fetch_orders"] < 5
    assert OrderKey(SHOP, "1001") not in await world.storage.orders.load([OrderKey(SHOP, "1001")])


async def test_order_that_two_scans_show_is_new_once(world: World) -> None:
    """An order that both the changes and the sweep show counts as new once, as in the run that saves it."""
    await world.run()
    world.shop.place("1001", lines={"MUG": 2})
    world.clock.advance(minutes=61)

    foretold, done = await preview(world), await world.run()

    for report in (foretold, done):
        one = report.channels[SHOP]
        assert (one.seen, one.new, one.same) == (2, 1, 1)
