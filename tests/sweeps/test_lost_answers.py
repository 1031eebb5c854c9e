"""L7, L8, L9: requests that never arrive, answers that never come back, copies that land late."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ordersync.errors import ChannelAuthError, ChannelError, ChannelResponseError, ChannelUnavailableError
from sweeps.lines import Line, Moment
from sweeps.scenes import SCENES, life_goes_on
from sweeps.sweeping import Mishap, Work, spread, sweep, undisturbed
from sweeps.twins import MemoryWorlds

scenes = pytest.mark.parametrize("scene", SCENES)

LOST = {
    "silence": ChannelUnavailableError("no answer came"),
    "refusal": ChannelUnavailableError("nobody listens", applied=False),
    "nonsense": ChannelResponseError("the answer cannot be read"),
    "lockout": ChannelAuthError("the token is void"),
}
"""What a call may raise; all but a silence and nonsense say that nothing was done."""


def losing(error: ChannelError) -> Mishap:
    """Return the mishap that a call raises *error*."""

    async def lose(line: Line) -> None:
        raise error

    return lose


def going_on(scene: str) -> Work:
    """Return a run and what happens in the world afterwards; on the first day we do not know enough of it."""

    async def work(line: Line) -> None:
        await line.run()
        if scene != "first_day":
            await life_goes_on(line.world)

    return work


def happens(error: ChannelError, moment: Moment) -> bool:
    """Say whether an error can happen: one that denies an effect, only before it."""
    return moment.is_call and (moment.when == "before" or error.applied is not False)


@pytest.mark.parametrize("lost", LOST)
@scenes
async def test_calls_that_fail_are_made_up_for(scene: str, lost: str) -> None:
    """A call that fails before its effect, or whose answer is lost after it, changes nothing in the end."""
    worlds, work = await MemoryWorlds.after(SCENES[scene]), going_on(scene)
    whole = await undisturbed(worlds, work)
    calls = [number for number, moment in enumerate(whole.moments) if happens(LOST[lost], moment)]
    some = calls if lost == "silence" else spread(calls, 3)

    assert await sweep(worlds, work, losing(LOST[lost]), at=some, ends=[whole.end]) == []


def landing_late(after: timedelta) -> Mishap:
    """Return the mishap that the answer to a call is lost and its effect takes place later."""

    async def lose(line: Line) -> None:
        moment = line.moments[-1]
        market = next(market for market in line.world.marketplaces if str(market.id) == moment.place)
        market.late_copy(moment.verb, after=after)

    return lose


@pytest.mark.parametrize("minutes", [3, 10.4])
@scenes
async def test_effects_that_land_late_are_made_up_for(scene: str, minutes: float) -> None:
    """A push or a note that lands late, others behind it, leaves no level wrong and is not sent a second time."""
    worlds, work = await MemoryWorlds.after(SCENES[scene]), going_on(scene)
    whole = await undisturbed(worlds, work)
    effects = [
        number
        for number, moment in enumerate(whole.moments)
        if moment.is_call and moment.is_write and moment.when == "before"
    ]

    assert await sweep(worlds, work, landing_late(timedelta(minutes=minutes)), at=effects, ends=[whole.end]) == []


@scenes
async def test_channel_that_is_dead_stops_nothing_else(scene: str) -> None:
    """L10: while one channel fails whatever it is asked, the other ends where it would have ended anyway."""
    worlds = await MemoryWorlds.after(SCENES[scene])
    for dead in (0, 1):
        async with worlds.one() as world:
            world.marketplaces[dead].fail_next("*", LOST["silence"], times=None)
            report = await world.run()
            states = [one.status for one in report.channels.values()]
            assert states[dead] == "failed"
            assert states[1 - dead] == "done"
