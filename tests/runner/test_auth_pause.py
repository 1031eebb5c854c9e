"""Credentials that are refused: one connection test a run and nothing else, until they work again."""

from __future__ import annotations

from datetime import datetime

import pytest

from ordersync import ChannelId, OrderKey
from ordersync.errors import ChannelAuthError, ChannelError, ChannelResponseError, ChannelUnavailableError
from ordersync.model.events import CallFailed, Event
from ordersync.model.runs import ChannelState, EntryKind
from ordersync.testing import FakeMarketplace
from runner.world import MARKET, SHOP, World, counts, remarks, sightings

REFUSED = ChannelAuthError("Shop/north: the token is refused; authorize ordersync again")
DOWN = ChannelUnavailableError("Shop/north: down; it is tried again in the next run")


def revoke(shop: FakeMarketplace, error: ChannelError = REFUSED) -> None:
    """Let a marketplace refuse every call from now on."""
    shop.recover()
    shop.fail_next("*", error, times=None)
    shop.calls.clear()


async def revoked(world: World) -> datetime:
    """Let a channel that worked refuse our credentials in one run; return when that was."""
    await world.run()
    revoke(world.shop)
    world.clock.advance(minutes=5)
    since = world.clock.now()
    report = await world.run()
    assert report.channels[SHOP].status == "failed"
    world.shop.calls.clear()
    return since


async def codes(world: World, kind: EntryKind, channel: ChannelId = SHOP) -> list[str]:
    """Return the codes of a channel's entries of one kind, oldest first."""
    return [entry.code for entry in await world.journal(channel, kind)]


async def test_refused_credentials_fail_the_first_run(world: World) -> None:
    """The run in which credentials are refused first fails, and the channel's life names that as its trouble."""
    await world.run()
    await world.stock("MUG", 7)
    revoke(world.shop)
    world.clock.advance(minutes=5)

    report = await world.run()

    assert (report.channels[SHOP].status, report.channels[MARKET].status) == ("failed", "done")
    assert report.errors == (REFUSED,)
    assert world.shop.calls == {"fetch_orders": 1}
    life = await world.life()
    assert (life.state, life.failures, life.paused_until) == (ChannelState.ENABLED, 1, None)
    assert (life.trouble, life.trouble_since) == ("channel-auth", world.clock.now())
    assert (await world.life(MARKET)).trouble == ""


async def test_paused_channel_tries_one_connection_test_a_run(world: World) -> None:
    """While credentials are refused each run makes one call, says since when, and what a person must do."""
    since = await revoked(world)

    for number in range(1, 6):
        report = (await world.run_later(minutes=0.5)).channels[SHOP]

        assert world.shop.calls == {"fetch_orders": number}
        assert (report.status, counts(report)) == ("paused", {})
        assert remarks(report, "failed") == [("channel-auth", "channel")]
        assert f"refused since {since:%Y-%m-%d %H:%M:%SZ}; a person must authorize" in report.remarks[0].sentence
    life = await world.life()
    assert (life.state, life.trouble, life.trouble_since) == (ChannelState.ENABLED, "channel-auth", since)
    assert (life.failures, life.paused_until) == (1, None)


async def test_each_test_is_one_entry(world: World) -> None:
    """The first refusal is an error of the journal; each run after it adds one failed connection test, no more."""
    await revoked(world)
    for _ in range(3):
        await world.run_later()

    assert await codes(world, EntryKind.ERROR) == ["channel-auth"]
    assert await codes(world, EntryKind.CONNECTION_TEST) == ["ok", *["channel-auth"] * 3]
    tests = await world.journal(SHOP, EntryKind.CONNECTION_TEST)
    assert all(entry.message == "" and not entry.facts and entry.run_id for entry in tests)


async def test_credentials_that_work_again_heal_the_channel(world: World) -> None:
    """In the very run in which the test passes the channel is well again and everything goes on."""
    await revoked(world)
    await world.run_later()
    world.shop.place("1001", lines={"MUG": 1})
    world.shop.recover()

    report = await world.run_later()

    assert (report.channels[SHOP].status, report.errors) == ("done", ())
    assert report.channels[SHOP].new == 1
    assert world.market.levels == {"MUG": 9}
    life = await world.life()
    assert (life.state, life.by) == (ChannelState.ENABLED, "ordersync")
    assert (life.failures, life.paused_until, life.trouble, life.trouble_since) == (0, None, "", None)
    assert await codes(world, EntryKind.CONNECTION_TEST) == ["ok", "channel-auth", "ok"]
    assert await codes(world, EntryKind.CHANNEL_SWITCHED) == ["enabled"]
    world.shop.calls.clear()
    await world.run_later()
    assert await codes(world, EntryKind.CONNECTION_TEST) == ["ok", "channel-auth", "ok"]


async def test_bookkeeping_goes_on_meanwhile(world: World) -> None:
    """While the network pauses parcels are deducted, and the other channels show what is left."""
    world.shop.place("1001", lines={"MUG": 2})
    await world.run()
    revoke(world.shop)
    await world.run_later()
    await world.process("1001")
    await world.stock("MUG", 5)

    await world.run_later()

    assert await world.statuses("1001") == ["queued"]
    assert world.market.levels == {"MUG": 5}
    assert world.shop.orders["1001"].status != "Shipped"
    world.shop.recover()
    await world.run_later()
    assert world.shop.orders["1001"].status == "Shipped"
    assert world.shop.levels == {"MUG": 5}


async def test_refusal_in_the_middle_of_a_run_pauses_the_next(world: World) -> None:
    """Credentials that may read and not write are named as well; the next test passes, and the run tries again."""
    await world.run()
    await world.stock("MUG", 7)
    world.shop.fail_next("push_stock", REFUSED)

    assert (await world.run_later()).channels[SHOP].status == "failed"
    assert (await world.life()).trouble == "channel-auth"

    assert (await world.run_later()).channels[SHOP].status == "done"
    assert world.shop.levels == {"MUG": 7}


@pytest.mark.parametrize("error", [DOWN, ChannelResponseError("Shop/north: HTML")], ids=lambda error: error.code)
async def test_outage_while_refused_is_an_outage(world: World, error: ChannelError) -> None:
    """A test that fails for another reason is a failed run with that cause, and nothing else is called."""
    await revoked(world)
    revoke(world.shop, error)

    report = await world.run_later()

    assert (report.channels[SHOP].status, report.errors) == ("failed", (error,))
    assert world.shop.calls == {"fetch_orders": 1}
    life = await world.life()
    assert (life.failures, life.trouble, life.trouble_since) == (2, error.code, world.clock.now())
    assert await codes(world, EntryKind.ERROR) == ["channel-auth", error.code]
    assert await codes(world, EntryKind.CONNECTION_TEST) == ["ok", error.code]


async def test_rest_does_not_delay_the_test(world: World) -> None:
    """A channel that rested and then refuses our credentials is tested in every run, and rests no more."""
    await world.run()
    revoke(world.shop, DOWN)
    for _ in range(2):
        await world.run_later(minutes=0)
    revoke(world.shop)
    await world.run_later(minutes=0)
    until = (await world.life()).paused_until
    await world.storage.journal.set_health(
        SHOP,
        at=world.clock.now(),
        failures=3,
        paused_until=world.clock.now().replace(year=2100),
        trouble="channel-auth",
    )

    await world.run_later(minutes=0)

    assert until is None
    assert world.shop.calls == {"fetch_orders": 2}
    world.shop.recover()
    assert (await world.run_later(minutes=0)).channels[SHOP].status == "done"


async def test_outage_still_rests(world: World) -> None:
    """A channel that is down in its tests rests as any other, and is not tested while it does."""
    await revoked(world)
    revoke(world.shop, DOWN)
    for _ in range(2):
        await world.run_later(minutes=0)
    calls = dict(world.shop.calls)

    assert (await world.run_later(minutes=0)).channels[SHOP].status == "paused"

    assert world.shop.calls == calls
    assert remarks((await world.run_later(minutes=0)).channels[SHOP], "failed") == [("PAUSED", "channel")]


async def test_outage_is_named_until_a_good_run(world: World) -> None:
    """Trouble of every kind is named with its beginning, and is gone after a run that went well."""
    await world.run()
    revoke(world.shop, DOWN)
    since = (await world.run_later()).started_at
    await world.run_later()

    life = await world.life()
    assert (life.trouble, life.trouble_since) == ("channel-unavailable", since)
    world.shop.recover()
    await world.run_later()
    life = await world.life()
    assert (life.trouble, life.trouble_since) == ("", None)


async def test_draft_with_bad_credentials_downloads_nothing_ever(world: World) -> None:
    """A new channel whose credentials are refused stays a draft that is tested once a run, and names its trouble."""
    world.shop.place("1001", lines={"MUG": 1})
    revoke(world.shop)
    began = world.clock.now()

    statuses = [(await world.run_later()).channels[SHOP].status for _ in range(5)]

    assert statuses == ["failed", *["paused"] * 4]
    assert world.shop.calls == {"fetch_orders": 5}
    life = await world.life()
    assert (life.state, life.trouble) == (ChannelState.DRAFT, "channel-auth")
    assert life.trouble_since is not None
    assert life.trouble_since > began
    assert await world.storage.orders.decisions(SHOP) == []
    assert await codes(world, EntryKind.CONNECTION_TEST) == ["channel-auth"] * 5
    assert await codes(world, EntryKind.ERROR) == ["channel-auth"]

    world.shop.recover()
    report = await world.run_later()
    assert sightings(report.channels[SHOP]) == {"new": 1}
    life = await world.life()
    assert (life.state, life.failures, life.trouble) == (ChannelState.ENABLED, 0, "")


async def test_failed_test_of_a_draft_is_an_entry(world: World) -> None:
    """A new channel that does not answer has a failed connection test in its journal, and the error's sentence once."""
    revoke(world.shop, DOWN)

    await world.run()

    entries = await world.journal(SHOP, EntryKind.CONNECTION_TEST, EntryKind.ERROR)
    assert [(entry.kind, entry.code, entry.message) for entry in entries] == [
        (EntryKind.CONNECTION_TEST, "channel-unavailable", ""),
        (EntryKind.ERROR, "channel-unavailable", str(DOWN)),
    ]
    assert entries[1].facts == {"phase": "connection test"}


async def test_enabling_ends_the_pause(world: World) -> None:
    """A person who enables a channel after authorizing it again starts it anew: the run downloads without a test."""
    await revoked(world)
    world.shop.recover()
    await world.storage.journal.enable(SHOP, by="Ada", at=world.clock.now(), why="authorized again")

    report = await world.run()

    assert report.channels[SHOP].status == "done"
    assert await codes(world, EntryKind.CONNECTION_TEST) == ["ok"]
    life = await world.life()
    assert (life.state, life.by, life.cause, life.trouble) == (ChannelState.ENABLED, "Ada", "authorized again", "")


async def test_disabled_channel_is_not_tested(world: World) -> None:
    """A channel that a person disables while its credentials are refused is not called at all."""
    await revoked(world)
    await world.storage.journal.disable(SHOP, by="Ada", cause="account closed", at=world.clock.now())

    report = await world.run_later()

    assert report.channels[SHOP].status == "disabled"
    assert world.shop.calls == {}
    life = await world.life()
    assert (life.state, life.by, life.cause, life.trouble) == (ChannelState.DISABLED, "Ada", "account closed", "")


async def test_person_who_disables_during_the_test_wins(world: World) -> None:
    """A channel that is disabled while its test is under way is not worked on, though the test passes."""
    await revoked(world)
    world.shop.recover()

    async def disable(method: str, when: str) -> None:
        if (method, when) == ("fetch_orders", "after"):
            await world.storage.journal.disable(SHOP, by="Ada", cause="account closed", at=world.clock.now())

    world.shop.on_call = disable
    await world.run_later()

    assert world.shop.calls == {"fetch_orders": 1}
    assert (await world.life()).state is ChannelState.DISABLED


async def test_hint_goes_by_the_same_rule(world: World) -> None:
    """A hint at a channel that refuses our credentials makes its one test; when that passes it looks."""
    await revoked(world)
    world.shop.place("1001", lines={"MUG": 1})
    runner = world.runner()

    report = await runner.hint(OrderKey(SHOP, "1001"))
    assert report.channels[SHOP].status == "paused"
    assert world.shop.calls == {"fetch_orders": 1}

    world.shop.recover()
    report = await runner.hint(OrderKey(SHOP, "1001"))
    assert report.channels[SHOP].looked_up == 1
    assert (await world.life()).trouble == ""


async def test_observers_hear_of_each_refusal(world: World) -> None:
    """Each failed connection test is told to those who watch the run."""
    await revoked(world)
    told: list[Event] = []

    await world.run_later(observers=[told.append])

    failed = [event for event in told if isinstance(event, CallFailed)]
    assert [(event.channel, event.phase, event.code) for event in failed] == [(SHOP, "connection test", "channel-auth")]


async def test_pause_outlasts_the_process(world: World) -> None:
    """A new runner on the same storage tests the channel before anything else."""
    await revoked(world)

    report = await world.runner(world.shop).run_once()

    assert report.channels[SHOP].status == "paused"
    assert world.shop.calls == {"fetch_orders": 1}
