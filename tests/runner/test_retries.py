"""One retry layer: reads are tried again, effects only where nothing took place, and never for long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersync import RetryPolicy
from ordersync.errors import (
    ChannelAuthError,
    ChannelError,
    ChannelRejectedError,
    ChannelResponseError,
    ChannelUnavailableError,
    LeaseLostError,
)
from ordersync.sync.retry import Caller, TooLateError
from ordersync.testing import ManualClock
from runner.world import SHOP, World, counts, sightings

UNKNOWN = ChannelUnavailableError("timed out")
REFUSED = ChannelUnavailableError("connection refused", applied=False)


class Flaky:
    """A call that fails some times before it goes well."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.calls = list(errors), 0

    async def __call__(self) -> str:
        """Fail or go well."""
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def caller(clock: ManualClock, **policy: float) -> Caller:
    """Return the retry layer of a channel."""
    return Caller(policy=RetryPolicy(**policy), clock=clock, timeout_s=60, name="Shop/north")  # type: ignore[arg-type]


def effect(one: Caller, call: Callable[[], Awaitable[str]]) -> Awaitable[str]:
    """Let a call do something that may start at any time."""
    return one.effect(call, may_start=lambda: True)


async def test_read_is_tried_again(clock: ManualClock) -> None:
    """A read that failed is asked again whether or not it may have been heard, up to so many times."""
    call = Flaky(UNKNOWN, REFUSED, UNKNOWN)

    assert await caller(clock, attempts=4).read(call) == "done"
    assert call.calls == 4


async def test_last_error_comes_out(clock: ManualClock) -> None:
    """After the last try the channel's own error comes out."""
    call = Flaky(*[UNKNOWN] * 9)

    with pytest.raises(ChannelUnavailableError, match="timed out"):
        await caller(clock, attempts=3).read(call)

    assert call.calls == 3


@pytest.mark.parametrize(
    "error", [ChannelAuthError("no"), ChannelRejectedError("no"), ChannelResponseError("no"), ZeroDivisionError()]
)
async def test_what_does_not_pass_is_not_tried_again(clock: ManualClock, error: Exception) -> None:
    """Only a channel that is unavailable is asked again."""
    call = Flaky(error)

    with pytest.raises(type(error)):
        await caller(clock).read(call)

    assert (call.calls, clock.monotonic()) == (1, 0)


async def test_effect_is_tried_again_only_where_nothing_took_place(clock: ManualClock) -> None:
    """An effect of unknown fate is never repeated here; one that was certainly not applied is."""
    refused, unknown = Flaky(REFUSED, REFUSED), Flaky(UNKNOWN)

    assert await effect(caller(clock, first_wait_s=0.1, longest_wait_s=1), refused) == "done"
    with pytest.raises(ChannelUnavailableError, match="timed out"):
        await effect(caller(clock), unknown)

    assert (refused.calls, unknown.calls) == (3, 1)


async def test_effect_never_starts_too_late(clock: ManualClock) -> None:
    """Before each try the claim is looked at again, and past it nothing is sent."""
    call, allowed = Flaky(REFUSED), [True, False]

    with pytest.raises(TooLateError):
        await caller(clock, first_wait_s=0.1).effect(call, may_start=lambda: allowed.pop(0))

    assert call.calls == 1


async def test_channel_says_how_long_to_wait(clock: ManualClock) -> None:
    """A wait that the channel asks for is kept to the second, and counted for the report."""
    one = caller(clock)

    await one.read(Flaky(ChannelUnavailableError("429", retry_after=7), ChannelUnavailableError("429", retry_after=0)))

    assert one.waited_s == clock.monotonic() == 7


@pytest.mark.parametrize("retry_after", [61, 86_400])
async def test_wait_that_does_not_fit_is_not_begun(clock: ManualClock, retry_after: float) -> None:
    """A channel that asks for more than the time that is left is not waited for."""
    call = Flaky(ChannelUnavailableError("429", retry_after=retry_after))

    with pytest.raises(ChannelUnavailableError):
        await caller(clock, total_s=60).read(call)

    assert (call.calls, clock.monotonic()) == (1, 0)


@given(
    attempts=st.integers(1, 12),
    total=st.floats(0, 300),
    first=st.floats(0, 30),
    longest=st.floats(0, 60),
    asked=st.lists(st.none() | st.floats(0, 120), min_size=20, max_size=20),
)
def test_tries_and_time_are_capped(
    attempts: int, total: float, first: float, longest: float, asked: list[float | None]
) -> None:
    """No policy and no channel make a call that fails be tried more often, or for longer, than the policy allows."""
    clock = ManualClock()
    call = Flaky(*(ChannelUnavailableError("down", retry_after=wait) for wait in asked))
    one = caller(clock, attempts=attempts, total_s=total, first_wait_s=first, longest_wait_s=longest)

    async def run() -> None:
        with pytest.raises(ChannelUnavailableError):
            await one.read(call)

    asyncio.run(run())

    assert call.calls <= attempts
    assert clock.monotonic() <= total + 1e-3
    assert one.waited_s == pytest.approx(clock.monotonic(), abs=1e-3)


async def test_call_that_hangs_is_given_up(clock: ManualClock) -> None:
    """A call without an answer is given up after the channel's time-out, with an unknown outcome."""
    one = Caller(policy=RetryPolicy(attempts=1), clock=clock, timeout_s=0.01, name="Shop/north")

    with pytest.raises(ChannelUnavailableError, match=r"Shop/north: no answer within 0\.01 s") as caught:
        await one.read(asyncio.Event().wait)

    assert caught.value.applied is None


async def test_time_out_of_somebody_else_is_a_bug(clock: ManualClock) -> None:
    """A bare TimeoutError that a channel lets out is not taken for ours."""
    with pytest.raises(TimeoutError):
        await caller(clock).read(Flaky(TimeoutError()))


@pytest.mark.parametrize("field", ["attempts", "total_s", "first_wait_s", "longest_wait_s"])
def test_policy_without_sense_is_refused(field: str) -> None:
    """A policy with negative numbers, or without a single try, is no policy."""
    with pytest.raises(ValueError, match=field):
        RetryPolicy(**{field: -1})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="attempts"):
        RetryPolicy(attempts=0)


async def test_run_tries_reads_again(memory_world: World) -> None:
    """A page that fails twice is read in the same run, without anybody waiting, and the report says how long."""
    memory_world.shop.place("1001", lines={"MUG": 1})
    memory_world.shop.fail_next("fetch_orders", REFUSED, times=2)

    report = await memory_world.run(retry=RetryPolicy())

    assert sightings(report.channels[SHOP]) == {"new": 1}
    assert report.channels[SHOP].failed == 0
    assert report.channels[SHOP].waited_s > 0


@pytest.mark.parametrize(("error", "sent"), [(REFUSED, 2), (UNKNOWN, 1)], ids=["not applied", "unknown"])
async def test_run_repeats_a_dispatch_only_where_nothing_took_place(
    memory_world: World, error: ChannelError, sent: int
) -> None:
    """A note whose call certainly failed goes out in the same run; one of unknown fate does not."""
    memory_world.shop.place("1001", lines={"MUG": 1})
    await memory_world.run()
    await memory_world.process("1001")
    memory_world.shop.fail_next("send_dispatch", error)

    report = await memory_world.run(retry=RetryPolicy(first_wait_s=0.1, longest_wait_s=1))

    assert memory_world.shop.calls["send_dispatch"] == sent
    assert counts(report.channels[SHOP]).get("dispatched", 0) == sent - 1
    assert len(memory_world.shop.shipments) == sent - 1


async def test_run_repeats_a_push_only_where_nothing_took_place(memory_world: World) -> None:
    """A push whose call certainly failed is tried again, one of unknown fate opens a window."""
    await memory_world.run()
    await memory_world.stock("MUG", 6)
    memory_world.shop.fail_next("push_stock", REFUSED)
    memory_world.market.fail_next("push_stock", UNKNOWN, when="after")

    await memory_world.run(retry=RetryPolicy(first_wait_s=0.1, longest_wait_s=1))

    assert memory_world.shop.calls["push_stock"] == 2
    assert memory_world.market.calls["push_stock"] == 1
    assert memory_world.shop.levels == memory_world.market.levels == {"MUG": 6}
    assert (await memory_world.listings())["MUG"].unresolved_until is not None


async def test_retries_fit_into_the_claim(memory_world: World) -> None:
    """However patient the policy is, an effect is not begun so late that a successor may look and miss it."""
    memory_world.shop.place("1001", lines={"MUG": 1})
    await memory_world.run()
    await memory_world.process("1001")
    memory_world.shop.fail_next("send_dispatch", REFUSED, times=None)
    began = memory_world.clock.now()

    await memory_world.run(retry=RetryPolicy(attempts=100, total_s=3600, first_wait_s=5, longest_wait_s=5))

    assert memory_world.clock.now() - began <= timedelta(seconds=20)
    assert await memory_world.statuses("1001") == ["queued"]
    assert memory_world.shop.shipments == []


async def test_waits_are_spread_by_the_chance_that_was_passed_in(clock: ManualClock) -> None:
    """The same chance gives the same waits: half of a bound that doubles with each try."""
    one = Caller(policy=RetryPolicy(chance=lambda: 0.5), clock=clock, timeout_s=60, name="Shop/north")

    await one.read(Flaky(ChannelUnavailableError("down"), ChannelUnavailableError("down")))

    assert one.waited_s == 0.25 + 0.5


@pytest.mark.parametrize("verb", ["read", "probe"])
async def test_nothing_is_asked_once_the_lease_is_over(verb: str) -> None:
    """A question that could outlive the lease is not asked: the channel is another runner's by then."""
    one = Caller(policy=RetryPolicy(), clock=ManualClock(), timeout_s=60, name="Shop/north", lasts=lambda: False)
    asked: list[str] = []

    async def ask() -> None:
        asked.append(verb)

    with pytest.raises(LeaseLostError, match="the lease ran out"):
        await getattr(one, verb)(ask)
    assert asked == []
