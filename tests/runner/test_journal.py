"""What runs leave in the journal is found by time, by channel and by order."""

from __future__ import annotations

from datetime import datetime

import pytest

from ordersync import ChannelId, OrderKey
from ordersync.errors import ChannelRejectedError, ChannelResponseError, ChannelUnavailableError
from ordersync.model.runs import EntryKind, JournalEntry
from runner.world import MARKET, SHOP, World, remarks

KEY, OTHER = OrderKey(SHOP, "1001"), OrderKey(SHOP, "1002")


def told(entries: list[JournalEntry]) -> list[tuple[EntryKind, str, OrderKey | None]]:
    """Return what entries are about."""
    return [(entry.kind, entry.code, entry.order) for entry in entries]


async def of_order(world: World, key: OrderKey) -> list[tuple[EntryKind, str, OrderKey | None]]:
    """Return what the journal has about one order, oldest first."""
    return told(list(await world.storage.journal.entries(order=key, oldest_first=True)))


async def packed(world: World) -> None:
    """Let two orders come in, and both be packed."""
    for key in (KEY, OTHER):
        world.shop.place(key.reference, lines={"MUG": 1})
    await world.run()
    for key in (KEY, OTHER):
        await world.process(key.reference)


async def test_refused_dispatch_is_found_by_its_order(world: World) -> None:
    """A dispatch note that the channel refuses is an error about its order, and about no other."""
    await packed(world)
    world.shop.fail_next("send_dispatch", ChannelRejectedError("Shop/north: unknown carrier"))

    await world.run_later()

    assert await world.statuses("1001") == ["rejected"]
    assert await of_order(world, KEY) == [(EntryKind.ERROR, "DISPATCH_REJECTED", KEY)]
    assert await of_order(world, OTHER) == []
    assert await of_order(world, OrderKey(MARKET, "1001")) == []


async def test_failed_call_about_an_order_names_it(world: World) -> None:
    """A call for one order whose answer makes no sense is an error about that order, in journal and report."""
    await packed(world)
    world.shop.fail_next("send_dispatch", ChannelResponseError("Shop/north: HTML"))

    report = await world.run_later()

    assert remarks(report.channels[SHOP], "failed") == [("channel-response", str(KEY))]
    assert await of_order(world, KEY) == [(EntryKind.ERROR, "channel-response", KEY)]
    assert await of_order(world, OTHER) == []


async def test_failed_look_up_names_its_order(world: World) -> None:
    """A look-up that fails for one order is an error about it."""
    await world.run()
    world.shop.fail_next("fetch_order", ChannelRejectedError("Shop/north: no such thing"))

    await world.runner().hint(KEY)

    assert await of_order(world, KEY) == [(EntryKind.ERROR, "channel-rejected", KEY)]


async def test_outage_is_about_no_order(world: World) -> None:
    """An outage that shows in a call about one order concerns the whole channel, and names no order."""
    await packed(world)
    world.shop.fail_next("send_dispatch", ChannelUnavailableError("Shop/north: down", applied=False))

    await world.run_later()

    assert await of_order(world, KEY) == []
    errors = await world.journal(SHOP, EntryKind.ERROR)
    assert told(list(errors)) == [(EntryKind.ERROR, "channel-unavailable", None)]


async def test_given_time_is_shown_channel_by_channel(world: World) -> None:
    """What happened on a channel in some hour is found, oldest first, and nothing of another hour or channel."""
    hours: list[datetime] = []
    for _ in range(3):
        hours.append(world.clock.now())
        await world.run()
        world.clock.advance(minutes=60)
    journal = world.storage.journal

    found = await journal.entries(channel=SHOP, since=hours[1], until=hours[1], oldest_first=True)

    assert found
    assert {(entry.channel, entry.at) for entry in found} == {(SHOP, hours[1])}
    windows = await journal.entries(channel=MARKET, kinds=[EntryKind.WINDOW_READ], oldest_first=True, since=hours[1])
    assert [entry.at for entry in windows] == sorted(entry.at for entry in windows)
    assert {entry.at for entry in windows} == set(hours[1:])
    (last,) = await journal.entries(channel=MARKET, kinds=[EntryKind.WINDOW_READ], limit=1, until=hours[1])
    assert last.at == hours[1]


@pytest.mark.parametrize("channel", [SHOP, MARKET])
async def test_switches_are_found_with_who_and_why(world: World, channel: ChannelId) -> None:
    """Who switched a channel, when and why is found by channel, the newest first."""
    journal = world.storage.journal
    await world.run()
    world.clock.advance(minutes=5)
    await journal.disable(channel, by="Ada", cause="holidays", at=world.clock.now())
    world.clock.advance(minutes=5)
    await journal.enable(channel, by="Grace", why="back again", at=world.clock.now())

    switches = await journal.entries(channel=channel, kinds=[EntryKind.CHANNEL_SWITCHED])

    assert [(entry.code, entry.facts["by"], entry.message) for entry in switches] == [
        ("enabled", "Grace", "back again"),
        ("disabled", "Ada", "holidays"),
        ("enabled", "ordersync", "the connection test passed"),
    ]
    assert [world.clock.now() - entry.at for entry in switches] == sorted(world.clock.now() - e.at for e in switches)


async def test_channels_of_all_runs_are_known(world: World) -> None:
    """Every channel that a run has worked on is known to the storage, without its settings."""
    await world.run()

    assert list(await world.storage.journal.channels()) == sorted([MARKET, SHOP])
