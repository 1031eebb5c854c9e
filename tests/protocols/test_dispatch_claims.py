"""Rules 10 to 12: when a note may be sent, and when it may be looked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import pytest

from ordersync import ChannelSettings, OrderKey, Parcel
from ordersync.errors import ChannelUnavailableError
from ordersync.model.dispatch import NoteStatus
from ordersync.sync.channel_run import ChannelRun
from ordersync.sync.lease import START_WINDOW_S, HeldLease
from ordersync.sync.retry import Caller, RetryPolicy, _is_unapplied
from ordersync.testing import ManualClock
from protocols.conftest import MakeWorld
from protocols.world import SKU, Calls, World, breaks, kept_and_taken_out, key

T = TypeVar("T")
TWICE = "the channel ships the parcel twice"


async def processed(world: World, parcel: Parcel | None = None, quantity: int = 1) -> OrderKey:
    """Let an order be bought, downloaded and processed; its note is queued."""
    await world.open()
    world.shop.place("1001", lines={SKU: quantity})
    await world.run()
    await world.desk().process(key(), parcel or Parcel(carrier="DHL", tracking_number="JD01"))
    return key()


def send_whenever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant: nobody looks at the time between a claim and its call."""
    monkeypatch.setattr(HeldLease, "may_start", lambda _lease, _claimed_at: True)


class Nap(ManualClock):
    """A clock that lets something happen while somebody first sleeps."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        await super().sleep(seconds)
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()


@kept_and_taken_out
async def test_rule_10_paused_claimer_does_not_send(
    *, taken_out: bool, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A runner that wakes long after its claim leaves the note to its successor, who has looked and sent it."""
    if taken_out:
        send_whenever(monkeypatch)
    world = make_world(refuses_overshipping=False)
    await processed(world)
    calls = Calls()
    pause = calls.pause("orders.write_note", when="after")
    sleeper = world.start(world.runner(calls, channels=(world.shop,)).run_once())
    await pause.reached()
    world.clock.advance(minutes=20)
    await world.run()

    pause.go_on()
    await sleeper

    with breaks(taken_out, TWICE):
        assert len(world.shop.shipments) == 1, TWICE
    assert await world.notes(key()) == {"all": NoteStatus.CONFIRMED}


@kept_and_taken_out
async def test_rule_10_claimer_counts_by_its_own_monotonic_clock(
    *, taken_out: bool, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wall clock that is set back makes nobody believe that his claim is fresh."""
    fact = "a stale claim was used"
    if taken_out:
        monkeypatch.setattr(ManualClock, "monotonic", lambda clock: clock.now().timestamp())
    world = make_world()
    await processed(world)
    calls = Calls()
    pause = calls.pause("orders.write_note", when="after")
    sleeper = world.start(world.runner(calls, channels=(world.shop,)).run_once())
    await pause.reached()
    world.clock.advance(START_WINDOW_S + 5)
    world.clock.jump(timedelta(hours=-1))

    pause.go_on()
    await sleeper

    with breaks(taken_out, fact):
        assert world.shop.notes_received == [], fact


@kept_and_taken_out
async def test_rule_10_look_waits_for_late_copies(
    *, taken_out: bool, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A note of unknown fate is looked for only when a late copy of it must have landed."""
    if taken_out:
        monkeypatch.setattr(ChannelRun, "window", property(lambda _run: timedelta(0)))
    world = make_world(refuses_overshipping=False)
    await processed(world)
    world.shop.late_copy("send_dispatch", after=timedelta(minutes=9))
    await world.run()

    for _ in range(5):
        world.clock.advance(minutes=4)
        await world.run()

    with breaks(taken_out, TWICE):
        assert len(world.shop.shipments) == 1, TWICE
    assert await world.notes(key()) == {"all": NoteStatus.CONFIRMED}


@kept_and_taken_out
async def test_rule_11_every_try_is_held_against_the_claim(
    *, taken_out: bool, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first try that was refused is not followed by a second one once the claim is old."""
    if taken_out:

        async def checks_once(caller: Caller, call: Callable[[], Awaitable[T]], *, may_start: Callable[[], bool]) -> T:
            allowed = may_start()
            return await caller._retrying(call, again=_is_unapplied, may_start=lambda: allowed, within_s=60)

        monkeypatch.setattr(Caller, "effect", checks_once)
    clock = Nap()
    world = make_world(clock=clock, refuses_overshipping=False)
    await processed(world)
    busy = ChannelUnavailableError("busy", applied=False, retry_after=5)
    world.shop.fail_next("send_dispatch", busy)

    async def overslept() -> None:
        clock.advance(minutes=20)
        await world.run()

    clock.meanwhile = overslept
    await world.runner(channels=(world.shop,), retry=RetryPolicy(attempts=3)).run_once()

    with breaks(taken_out, TWICE):
        assert len(world.shop.shipments) == 1, TWICE


@kept_and_taken_out
async def test_rule_11_wait_that_outlasts_the_claim_is_not_begun(
    *, taken_out: bool, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A channel that asks for a longer pause than a claim lasts is left alone at once, and rests that long."""
    fact = "the runner slept for nothing"
    if taken_out:
        monkeypatch.setattr("ordersync.sync.retry.START_WINDOW_S", 3600.0)
    world = make_world()
    await processed(world)
    world.shop.fail_next("send_dispatch", ChannelUnavailableError("busy", applied=False, retry_after=45))

    report = await world.runner(channels=(world.shop,), retry=RetryPolicy(attempts=3)).run_once()

    with breaks(taken_out, fact):
        assert report.channels[world.shop.id].waited_s == 0, fact
    life = (await world.storage.journal.life([world.shop.id]))[world.shop.id]
    assert (life.paused_until is None) == taken_out
    assert await world.notes(key()) == {"all": NoteStatus.QUEUED}


@kept_and_taken_out
async def test_rule_12_nothing_starts_that_may_outlive_the_lease(
    *, taken_out: bool, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A runner that is slow before its claim sends nothing so late that its lease may end meanwhile."""
    fact = "an effect began that may outlive the lease"
    if taken_out:

        def forgets_the_lease(lease: HeldLease, claimed_at: float) -> bool:
            return lease._clock.monotonic() - claimed_at < START_WINDOW_S

        monkeypatch.setattr(HeldLease, "may_start", forgets_the_lease)
    world = make_world()
    await processed(world)
    calls = Calls()
    before_claim, after_claim = calls.pause("orders.notes"), calls.pause("orders.write_note", when="after")
    run = world.start(world.runner(calls, channels=(world.shop,)).run_once())
    await before_claim.reached()
    world.clock.advance(170)
    before_claim.go_on()
    await after_claim.reached()
    world.clock.advance(15)

    after_claim.go_on()
    await run

    with breaks(taken_out, fact):
        assert world.shop.notes_received == [], fact
    assert set((await world.notes(key())).values()) <= {NoteStatus.QUEUED, NoteStatus.CONFIRMED}


@kept_and_taken_out
async def test_rule_12_lease_is_counted_from_before_it_was_asked_for(
    *, taken_out: bool, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lease whose answer was long on its way is renewed before anything is sent under it."""
    fact = "the lease was taken for fresh"
    if taken_out:

        def counts_from_now(lease: HeldLease) -> float:
            return lease._clock.monotonic()

        monkeypatch.setattr(HeldLease, "_asked_at", property(counts_from_now, lambda _lease, _at: None), raising=False)
    world = make_world()
    await processed(world)
    calls = Calls()
    pause = calls.pause("journal.lease", when="after")
    run = world.start(world.runner(calls, channels=(world.shop,)).run_once())
    await pause.reached()
    world.clock.advance(100)

    pause.go_on()
    await run

    with breaks(taken_out, fact):
        assert "journal.renew" in calls.made, fact
    assert len(world.shop.shipments) == 1


async def test_rule_12_runner_overtaken_before_its_fence_leaves_the_channel(make_world: MakeWorld) -> None:
    """A runner that loses its lease before it has raised the fence reports the channel as busy and touches nothing."""
    world = make_world(settings=ChannelSettings())
    await processed(world)
    calls = Calls()
    pause = calls.pause("orders.fence")
    sleeper = world.start(world.runner(calls, channels=(world.shop,)).run_once())
    await pause.reached()
    world.clock.advance(minutes=10)
    await world.run()

    pause.go_on()
    report = await sleeper

    assert report.channels[world.shop.id].status == "busy"
    assert len(world.shop.shipments) == 1
