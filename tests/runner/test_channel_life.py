"""Draft, enabled, disabled: which channels a run works on, and who switched them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ordersync import ChannelSettings, StatusMapping, SyncRunner
from ordersync.errors import (
    ChannelAuthError,
    ChannelError,
    ChannelRejectedError,
    ChannelResponseError,
    ChannelUnavailableError,
    ConfigurationError,
)
from ordersync.model.runs import ChannelState, EntryKind
from runner.strange import BareList
from runner.world import MARKET, SHOP, World, counts, remarks, sightings

DOWN = ChannelUnavailableError("Shop/north: down; it is tried again in the next run")


async def test_draft_is_tested_then_enabled(world: World) -> None:
    """A channel that nobody switched is tested, enabled and worked on in its first run, and it is journaled."""
    assert (await world.life()).state is ChannelState.DRAFT
    world.shop.place("1001", lines={"MUG": 1})

    report = await world.run()

    life = await world.life()
    assert (life.state, life.by, life.cause) == (ChannelState.ENABLED, "ordersync", "the connection test passed")
    assert life.since == world.clock.now()
    assert sightings(report.channels[SHOP]) == {"new": 1}
    entries = await world.journal(SHOP, EntryKind.CONNECTION_TEST, EntryKind.CHANNEL_SWITCHED)
    assert [(entry.kind, entry.code) for entry in entries] == [
        (EntryKind.CONNECTION_TEST, "ok"),
        (EntryKind.CHANNEL_SWITCHED, "enabled"),
    ]


@pytest.mark.parametrize(
    "error",
    [DOWN, ChannelAuthError("no"), ChannelResponseError("html"), ChannelRejectedError("no")],
    ids=lambda error: error.code,
)
async def test_failing_test_leaves_a_draft(world: World, error: ChannelError) -> None:
    """A channel whose connection test fails stays a draft: nothing is downloaded or pushed until it passes."""
    world.shop.place("1001", lines={"MUG": 1})
    world.shop.fail_next("fetch_orders", error)

    report = await world.run()

    assert (report.channels[SHOP].status, counts(report.channels[SHOP])) == ("failed", {"failed": 1})
    assert (await world.life()).state is ChannelState.DRAFT
    assert await world.storage.orders.decisions(SHOP) == []
    assert world.shop.calls["push_stock"] == world.shop.calls["fetch_listings"] == 0

    report = await world.run_later()
    assert sightings(report.channels[SHOP]) == {"new": 1}
    assert (await world.life()).state is ChannelState.ENABLED


async def test_disabled_channel_is_left_alone(world: World) -> None:
    """A disabled channel is not called at all, and says why in the journal and the report."""
    await world.run()
    world.shop.calls.clear()
    await world.storage.journal.disable(SHOP, by="Ada", cause="holidays", at=world.clock.now())

    report = await world.run_later()

    assert world.shop.calls.total() == 0
    assert (report.channels[SHOP].status, report.channels[MARKET].status) == ("disabled", "done")
    life = await world.life()
    assert (life.state, life.by, life.cause) == (ChannelState.DISABLED, "Ada", "holidays")
    entry = (await world.journal(SHOP, EntryKind.CHANNEL_SWITCHED))[-1]
    assert (entry.code, entry.message, entry.facts) == ("disabled", "holidays", {"by": "Ada"})


async def test_disabled_channel_catches_up(world: World) -> None:
    """What happens while a channel is disabled waits for it: its notes, its orders, and what it should show."""
    world.shop.place("1001", lines={"MUG": 1})
    await world.run()
    await world.process("1001")
    await world.storage.journal.disable(SHOP, by="Ada", cause="holidays", at=world.clock.now())
    world.clock.advance(minutes=5)
    world.shop.place("1002", lines={"MUG": 1})
    world.market.place("2001", lines={"MUG": 3})
    for _ in range(2):
        await world.run_later()
    assert await world.statuses("1001") == ["queued"]
    assert world.shop.levels == {"MUG": 8}

    await world.storage.journal.enable(SHOP, by="Ada", at=world.clock.now(), why="back again")
    report = await world.run_later()

    assert counts(report.channels[SHOP])["dispatched"] == 1
    assert world.shop.orders["1001"].status == "Shipped"
    assert (await world.level()).available == 5
    await world.run_later()
    assert world.shop.levels == world.market.levels == {"MUG": 5}


async def test_person_may_disable_a_draft(world: World) -> None:
    """A draft that a person disables is not tested."""
    await world.storage.journal.disable(SHOP, by="Ada", cause="not yet", at=world.clock.now())

    await world.run()

    assert world.shop.calls.total() == 0


MAPPINGS: list[Any] = [
    (None, "it needs settings.status_mapping: its shop defines its own status words"),
    (StatusMapping(version="1", shipped=["Shipped"]), "settings.status_mapping maps nothing to paid"),
    (StatusMapping(version="1", unpaid=["Ready"]), "settings.status_mapping maps nothing to paid"),
]


@pytest.mark.parametrize(("mapping", "cause"), MAPPINGS)
async def test_missing_mapping_disables(world: World, mapping: StatusMapping | None, cause: str) -> None:
    """A channel that can download nothing for lack of a mapping is disabled with that cause, and not called."""
    shop = world.open(SHOP, ChannelSettings(status_mapping=mapping), requires_status_mapping=True)

    report = await world.run(shop, world.market)

    life = await world.life()
    assert (life.state, life.by) == (ChannelState.DISABLED, "ordersync")
    assert life.cause.startswith(cause)
    assert [str(error) for error in report.errors] == [f"Shop/north: {life.cause}"]
    assert isinstance(report.errors[0], ConfigurationError)
    assert (report.channels[SHOP].status, report.channels[MARKET].status) == ("disabled", "done")
    assert shop.calls.total() == 0
    assert (await world.run(shop, world.market)).errors == ()


@pytest.mark.parametrize(
    ("mapping", "download_unpaid"),
    [(StatusMapping(version="1", paid=["Ready"]), False), (StatusMapping(version="1", unpaid=["Ready"]), True)],
)
async def test_mapping_downloads(*, world: World, mapping: StatusMapping, download_unpaid: bool) -> None:
    """With a mapping that lets something in, the shop's own words decide; the mapping's version is kept."""
    settings = ChannelSettings(status_mapping=mapping, download_unpaid=download_unpaid)
    shop = world.open(SHOP, settings, requires_status_mapping=True)
    shop.place("1001", lines={"MUG": 1})

    report = await world.run(shop)

    assert sightings(report.channels[SHOP]) == {"new": 1}
    order = await world.order("1001")
    assert order.parked == ("not paid (unpaid)" if download_unpaid else None)
    decision = await world.storage.orders.decision(order.key)
    assert decision is not None
    assert (decision.status, decision.mapping_version) == ("Ready", "1")


def test_mapping_on_fixed_words_is_a_mistake(memory_world: World) -> None:
    """A mapping for a channel that has its own fixed words contradicts it."""
    settings = ChannelSettings(status_mapping=StatusMapping(version="1", paid=["Ready"]))

    with pytest.raises(
        ConfigurationError, match=r"Shop/north: settings\.status_mapping is given, but FakeMarketplace has"
    ):
        memory_world.open(SHOP, settings)


def test_two_channels_with_one_id_are_a_mistake(memory_world: World) -> None:
    """Each channel of a runner has an id of its own."""
    with pytest.raises(ConfigurationError, match="two channels have the same id: Shop/north"):
        SyncRunner([memory_world.shop, memory_world.market, memory_world.open(SHOP)], memory_world.storage)


def test_channel_needs_an_id(memory_world: World) -> None:
    """A channel that is named by text is told what to write."""
    with pytest.raises(ConfigurationError, match=r"must be a ChannelId\(source, subsource\), not str"):
        memory_world.open("Shop/north")  # type: ignore[arg-type]


async def test_channel_that_returns_no_page(world: World) -> None:
    """A channel that returns something else than a page is told what to return, and stays a draft or fails."""
    shop = BareList(SHOP, clock=world.clock)
    await world.storage.journal.enable(SHOP, by="Ada", at=world.clock.now())

    report = await world.run(shop, world.market)

    assert report.channels[SHOP].status == "failed"
    assert "fetch_orders returned a list; return OrderPage(orders=[...], next_cursor=...)" in str(report.errors[0])
    assert report.channels[MARKET].status == "done"


async def fail(world: World, *, times: int, error: ChannelError = DOWN, minutes: float = 0) -> list[str]:
    """Run some times against a dead shop; return how each run ended."""
    world.shop.fail_next("*", error, times=None)
    return [(await world.run_later(minutes=minutes)).channels[SHOP].status for _ in range(times)]


async def test_failures_in_a_row_are_counted(world: World) -> None:
    """Each failed run counts once, however many of its calls fail, and a good one starts anew."""
    await world.run()

    assert await fail(world, times=2) == ["failed", "failed"]

    life = await world.life()
    assert (life.failures, life.paused_until) == (2, None)
    world.shop.recover()
    await world.run_later()
    assert (await world.life()).failures == 0


async def test_dead_channel_rests_longer_and_longer(memory_world: World) -> None:
    """From the third failure on a channel rests, twice as long each time, and half an hour at most."""
    world = memory_world
    await world.run()
    await fail(world, times=2)
    rests = []
    for _ in range(7):
        await world.run()
        until = (await world.life()).paused_until
        assert until is not None
        rests.append((until - world.clock.now()) / timedelta(minutes=1))
        world.clock.advance((until - world.clock.now()).total_seconds())

    assert rests == [1, 2, 4, 8, 16, 30, 30]


async def test_resting_channel_is_not_called(world: World) -> None:
    """While it rests its network is left alone and its bookkeeping is done, and the report says until when."""
    world.shop.place("1001", lines={"MUG": 1})
    await world.run()
    await fail(world, times=3)
    world.shop.recover()
    world.shop.calls.clear()
    await world.process("1001")

    report = await world.run()

    assert world.shop.calls.total() == 0
    assert report.channels[SHOP].status == "paused"
    assert remarks(report.channels[SHOP], "failed") == [("PAUSED", "channel")]
    assert (await world.level()).on_hand == 9
    assert (await world.life()).failures == 3
    report = await world.run_later(minutes=1)
    assert report.channels[SHOP].status == "done"
    life = await world.life()
    assert (life.failures, life.paused_until) == (0, None)


async def test_channel_that_answers_nonsense_does_not_rest(memory_world: World) -> None:
    """Where only some calls are broken the others go on in every run, and the failures are counted."""
    world = memory_world
    await world.run()
    await world.stock("MUG", 7)
    world.shop.fail_next("fetch_orders", ChannelResponseError("Shop/north: HTML"), times=None)

    statuses = [(await world.run_later()).channels[SHOP].status for _ in range(4)]

    assert statuses == ["failed"] * 4
    life = await world.life()
    assert (life.failures, life.paused_until) == (4, None)
    assert world.shop.levels == {"MUG": 7}


async def test_channel_may_ask_for_a_rest(world: World) -> None:
    """A channel that says when to come back is not called before, at its first failure already."""
    await world.run()
    await fail(world, times=1, error=ChannelUnavailableError("slow down", retry_after=90))
    world.shop.recover()

    assert (await world.life()).paused_until == world.clock.now() + timedelta(seconds=90)
    assert (await world.run_later(minutes=1)).channels[SHOP].status == "paused"
    assert (await world.run_later(minutes=1)).channels[SHOP].status == "done"


async def test_rest_that_is_asked_for_is_bounded(world: World) -> None:
    """No channel is left alone for more than half an hour, whatever it asks for."""
    await world.run()

    await fail(world, times=1, error=ChannelUnavailableError("tomorrow", retry_after=86_400))

    assert (await world.life()).paused_until == world.clock.now() + timedelta(minutes=30)


async def test_health_outlasts_the_process(world: World) -> None:
    """A new runner on the same storage knows that a channel rests."""
    await world.run()
    await fail(world, times=3)

    report = await world.runner(world.open(SHOP)).run_once()

    assert report.channels[SHOP].status == "paused"


async def test_enabling_starts_anew(world: World) -> None:
    """A person who enables a resting channel ends its rest."""
    await world.run()
    await fail(world, times=3)
    world.shop.recover()
    await world.storage.journal.enable(SHOP, by="Ada", at=world.clock.now(), why="mended")

    report = await world.run()

    assert report.channels[SHOP].status == "done"
