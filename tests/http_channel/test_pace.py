"""The rate limit: a first guess, corrected by what the answers say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from http_channel.serving import ACME, QUICK, Acme, asking, saying, with_headers
from ordersync.errors import ChannelUnavailableError
from ordersync.http import Allowance, Limits, Rate, Transport
from ordersync.testing import ManualClock


def patient(clock: ManualClock, slot: timedelta = timedelta(hours=1)) -> Transport:
    """Return a way to the API on which *clock* decides how time passes."""
    return Transport(limits=Limits(slot=slot), clock=clock)


async def test_class_rate_is_kept() -> None:
    """Requests beyond the burst wait until the rate of the class allows them."""

    class Slow(Acme):
        rate = Rate(2, timedelta(seconds=0.2))

    async with asking(saying({}), kind=Slow, transport=Transport()) as (channel, _):
        started = time.monotonic()
        for _ in range(4):
            await channel.request("GET", "/orders")

    assert 0.19 < time.monotonic() - started < 1


async def test_host_sets_the_rate() -> None:
    """A host whose account has another limit gives its own rate."""
    fast = Transport(rate=Rate(1, timedelta(milliseconds=1)))
    async with asking(saying({}), transport=fast) as (channel, server):
        await asyncio.gather(*(channel.request("GET", "/orders") for _ in range(20)))

    assert len(server.asked) == 20


async def test_no_slot_in_time_is_no_effect() -> None:
    """A request that gets no slot in time is not sent, and its effect is known not to have taken place."""
    transport = Transport(limits=QUICK, rate=Rate(1, timedelta(seconds=60)))
    async with asking(saying({}), transport=transport) as (channel, server):
        await channel.request("POST", "/orders")
        with pytest.raises(ChannelUnavailableError, match="not sent") as caught:
            await channel.request("POST", "/orders")

    assert caught.value.applied is False
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("reset", "pause"),
    [("20", 20), (str(int(datetime(2026, 1, 5, 9, 0, 40, tzinfo=UTC).timestamp())), 40), ("7200", 900)],
)
async def test_used_up_limit_is_waited_for(reset: str, pause: int) -> None:
    """Once an answer says that nothing remains, the next request waits for the reset, at most 15 minutes."""
    clock = ManualClock()
    date = "Mon, 05 Jan 2026 09:00:00 GMT"
    used_up = saying({}, X_RateLimit_Remaining="0", X_RateLimit_Reset=reset, Date=date)
    async with asking(used_up, saying({}), transport=patient(clock)) as (channel, _):
        await channel.request("GET", "/orders")
        await channel.request("GET", "/orders")
        assert clock.monotonic() == pytest.approx(pause)
        await channel.request("GET", "/orders")
        assert clock.monotonic() == pytest.approx(pause)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-RateLimit-Remaining": "1", "X-RateLimit-Reset": "20"},
        {"X-RateLimit-Remaining": "0"},
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "-20"},
        {"X-RateLimit-Remaining": "nothing", "X-RateLimit-Reset": "20"},
        {"X-RateLimit-Remaining": "9" * 5000, "X-RateLimit-Reset": "20"},
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "99999999999999999999"},
        {"Retry-After": "20"},
    ],
)
async def test_nonsense_about_the_limit_is_ignored(headers: Mapping[str, str]) -> None:
    """Headers that say nothing, or nonsense, let the next request go at once."""
    clock = ManualClock()
    async with asking(with_headers(headers), transport=patient(clock)) as (channel, _):
        await channel.request("GET", "/orders")
        await channel.request("GET", "/orders")

    assert clock.monotonic() == 0


async def test_long_pause_is_told_and_not_waited_for() -> None:
    """A pause longer than a request may wait is an outage without an effect, which says how long it lasts."""
    clock = ManualClock()
    transport = patient(clock, slot=timedelta(seconds=5))
    used_up = saying({}, X_RateLimit_Remaining="0", X_RateLimit_Reset="30")
    async with asking(used_up, saying({}), transport=transport) as (channel, server):
        await channel.request("GET", "/orders")
        clock.advance(10)
        with pytest.raises(ChannelUnavailableError, match="not sent") as caught:
            await channel.request("POST", "/shipments")
        assert caught.value.retry_after == pytest.approx(20)
        assert caught.value.applied is False
        assert len(server.asked) == 1

        clock.advance(20)
        await channel.request("POST", "/shipments")


async def test_retry_after_is_left_to_the_runner() -> None:
    """A channel does not sleep: what an answer asks to wait is told, and the next request goes when it is asked for."""
    clock = ManualClock()
    busy = saying({}, status=429, Retry_After="30")
    async with asking(busy, saying({}), transport=patient(clock)) as (channel, _):
        with pytest.raises(ChannelUnavailableError) as caught:
            await channel.request("GET", "/orders")
        await channel.request("GET", "/orders")

    assert caught.value.retry_after == 30
    assert clock.monotonic() == 0


async def test_channel_reads_its_own_headers() -> None:
    """A channel whose headers tell the rate itself says how to read them, and slows down at once."""

    class Bucket(Acme):
        rate = Rate(1000)

        def allowance(self, headers: Mapping[str, str], now: datetime | None) -> Allowance:
            """Read the size of the bucket where the server tells its time."""
            assert now is not None
            return Allowance(rate=Rate(int(headers["X-Size"]), timedelta(seconds=0.2)))

    async with asking(saying({}, X_Size="1"), kind=Bucket, transport=Transport()) as (channel, _):
        await channel.request("GET", "/orders")
        started = time.monotonic()
        for _ in range(3):
            await channel.request("GET", "/orders")

    assert time.monotonic() - started > 0.3


async def test_cancelled_wait_gives_its_slot_back() -> None:
    """A request cancelled while it waits for a slot keeps nobody else from getting one."""
    transport = Transport(rate=Rate(1, timedelta(seconds=0.2)))
    async with asking(saying({}), transport=transport) as (channel, _):
        await channel.request("GET", "/orders")
        waiting = asyncio.ensure_future(channel.request("GET", "/orders"))
        await asyncio.sleep(0.01)
        waiting.cancel()
        started = time.monotonic()
        await channel.request("GET", "/orders")

    assert time.monotonic() - started < 0.5
    assert channel.id == ACME
