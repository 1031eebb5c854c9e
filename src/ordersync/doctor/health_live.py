"""Health of the way to the channels: one connection test each, and whose clock is off."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from ..channel import Channel, SupportsServerClock
from ..clock import Clock
from ..errors import (
    ChannelAuthError,
    ChannelError,
    ChannelRejectedError,
    ChannelResponseError,
    ChannelUnavailableError,
)
from ..model.health import HealthArea, HealthFinding, HealthLevel
from ..model.ids import ChannelId
from ..sync.retry import RetryPolicy
from .asking import caller_of

MOST_OFF = timedelta(seconds=60)
MEASURED_TO = timedelta(seconds=2)
"""A channel tells its time in whole seconds, and its answer takes its way: less than this is no difference."""

CLASSES: tuple[tuple[type[ChannelError], HealthLevel, str, str], ...] = (
    (ChannelAuthError, HealthLevel.FAILING, "CONNECTION_AUTH", "authorize again, or correct the credentials"),
    (ChannelUnavailableError, HealthLevel.WARNING, "UNREACHABLE", "check again; if it stays, check the address"),
    (ChannelRejectedError, HealthLevel.FAILING, "CONNECTION_REJECTED", "check the address and the account's rights"),
    (ChannelResponseError, HealthLevel.FAILING, "MAPPING_WRONG", "correct the channel's reading of the answer"),
)
"""What a connection test can end with, and what to do; one that is not reached is weather until runs say otherwise."""

NEEDS_CHANNEL = "needs the channel itself, and only the storage was given"
NAME_IT = "give the channels as well; on the command line: --app module:factory"


async def connections(
    channels: Sequence[Channel], missing: Sequence[ChannelId], *, clock: Clock, retry: RetryPolicy | None
) -> Sequence[HealthFinding]:
    """Test the connection to every channel at once; of *missing* ones only the ids are known.

    Each is tested again as *retry* says; None: nobody wants the network to be used.
    """
    skipped = "was not tested, which uses the network"
    ask = "check with live=True; on the command line: --live"
    unknown = [_unknown(HealthArea.CONNECTION, str(one), "NEEDS_CHANNEL", NEEDS_CHANNEL, NAME_IT) for one in missing]
    if retry is None:
        asked = [_unknown(HealthArea.CONNECTION, str(one.id), "NOT_ASKED", skipped, ask) for one in channels]
        return [*asked, *unknown]
    async with asyncio.TaskGroup() as group:
        tests = [group.create_task(_test(channel, clock, retry)) for channel in channels]
    return [*(test.result() for test in tests), *unknown]


async def _test(channel: Channel, clock: Clock, retry: RetryPolicy) -> HealthFinding:
    """Test one connection as ``explain`` does; of what is no error of a channel only the type, for it may quote."""
    began = clock.monotonic()
    try:
        await caller_of(channel, clock=clock, retry=retry).probe(channel.test_connection)
    except ChannelError as error:
        return _failed(channel, error)
    except Exception as bug:  # noqa: BLE001 - a channel's bug is a finding about that channel
        told = f"the connection test raised {type(bug).__name__}, which is a bug of {type(channel).__name__}"
        return _failed(channel, ChannelResponseError(told))
    milliseconds = (clock.monotonic() - began) * 1000
    return _finding(
        HealthArea.CONNECTION, str(channel.id), HealthLevel.OK, "CONNECTED", f"answered in {milliseconds:.0f} ms"
    )


def _failed(channel: Channel, error: ChannelError) -> HealthFinding:
    level, code, step = next(
        ((level, code, step) for kind, level, code, step in CLASSES if isinstance(error, kind)),
        (HealthLevel.FAILING, "CONNECTION_FAILED", "look at the error, and at the channel's status page"),
    )
    return _finding(HealthArea.CONNECTION, str(channel.id), level, code, str(error), step)


def clocks(channels: Sequence[Channel], missing: Sequence[ChannelId]) -> Sequence[HealthFinding]:
    """Compare this machine's clock with those that channels have told by now."""
    unknown = [_unknown(HealthArea.CLOCK, str(one), "NEEDS_CHANNEL", NEEDS_CHANNEL, NAME_IT) for one in missing]
    return [*(_clock(channel) for channel in channels), *unknown]


def _clock(channel: Channel) -> HealthFinding:
    name = str(channel.id)
    if not isinstance(channel, SupportsServerClock):
        return _unknown(HealthArea.CLOCK, name, "NO_CLOCK", "does not tell its time", "compare it by eye")
    offset = channel.clock_offset
    if offset is None:
        told, step = "has not told its time yet", "check with live=True; on the command line: --live"
        return _unknown(HealthArea.CLOCK, name, "NOT_ASKED", told, step)
    return judged_clock(channel, offset)


def judged_clock(channel: Channel, offset: timedelta) -> HealthFinding:
    """Judge how far a channel's clock is off: a minute, or what the channel allows, is too much."""
    allowed = max(min(MOST_OFF, channel.clock_skew), MEASURED_TO)
    seconds, way = abs(offset).total_seconds(), "ahead of" if offset > timedelta(0) else "behind"
    told = f"the clock of {channel.id} is {seconds:.1f} s {way} this machine's"
    if abs(offset) <= allowed:
        return _finding(HealthArea.CLOCK, str(channel.id), HealthLevel.OK, "CLOCK", told)
    step = "set this machine's clock by NTP; if it is right, raise the channel's clock_skew"
    late = f"{told}, {allowed.total_seconds():.0f} s are allowed"
    return _finding(HealthArea.CLOCK, str(channel.id), HealthLevel.WARNING, "CLOCK_OFF", late, step)


def _unknown(area: HealthArea, subject: str, code: str, sentence: str, next_step: str) -> HealthFinding:
    return _finding(area, subject, HealthLevel.UNKNOWN, code, sentence, next_step)


def _finding(
    area: HealthArea, subject: str, level: HealthLevel, code: str, sentence: str, next_step: str = "", /
) -> HealthFinding:
    return HealthFinding(area=area, subject=subject, level=level, code=code, sentence=sentence, next_step=next_step)
