"""L11, rules 10 to 12: a runner that is overtaken and goes on changes nothing and starts nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
import pytest

from ordersync.model.ids import ChannelId
from sweeps.facts import Facts, differences, state_of
from sweeps.lines import Line, Moment
from sweeps.rest import come_to_rest
from sweeps.scenes import SCENES, Scene, life_goes_on
from sweeps.sweeping import budget, running, undisturbed, verdict
from sweeps.twins import MemoryWorlds, Worlds
from sweeps.world import World

scenes = pytest.mark.parametrize("scene", SCENES)


async def nothing_else(world: World) -> None:
    """Let nothing else happen."""


@attrs.define
class Overtaken:
    """A runner that sleeps at one moment while another finishes its work, and what was so when it woke."""

    line: Line
    slept_at: int
    state: Facts
    woke_at: int

    @property
    def held(self) -> frozenset[ChannelId]:
        """Return the channels that it had begun on when it fell asleep."""
        before = self.line.moments[: self.slept_at]
        return frozenset(moment.fence.channel for moment in before if moment.fence is not None)

    @property
    def later(self) -> list[Moment]:
        """Return what it still did on these channels."""
        names = {str(channel) for channel in self.held}
        return [
            moment
            for moment in self.line.moments[self.woke_at :]
            if moment.place in names or (moment.fence is not None and moment.fence.channel in self.held)
        ]

    async def wrong(self) -> list[str]:
        """Say what it should not have done."""
        wrong = differences(self.state, await state_of(self.line.world)) if len(self.held) == 2 else []
        wrong += [f"it started {moment}" for moment in self.later if moment.is_call and moment.when == "before"]
        (report,) = self.line.reports
        found_out = {moment.fence.channel for moment in self.later if moment.fence is not None}
        wrong += [
            f"{channel} is reported as {report.channels[channel].status}"
            for channel in found_out
            if report.channels[channel].status not in ("lost", "busy")
        ]
        return wrong


async def sleeping_at(world: World, number: int, *, meanwhile: Scene) -> Overtaken:
    """Let a runner sleep at one moment beyond its lease, while others do all there is to do; then let it go on."""
    woken: list[tuple[Facts, int]] = []

    async def sleep(line: Line) -> None:
        world.clock.advance(minutes=6)
        await meanwhile(world)
        await come_to_rest(world)
        woken.append((await state_of(world), len(line.moments)))

    line = Line(world, at=number, do=sleep)
    await line.run()
    ((state, woke_at),) = woken
    return Overtaken(line, number, state, woke_at)


def telling(moments: Sequence[Moment]) -> list[int]:
    """Return the moments before what must have no effect any more: verbs that write, and calls to channels."""
    begun = [(number, one) for number, one in enumerate(moments) if one.when == "before"]
    return [number - one.is_call for number, one in begun if one.is_write or one.is_call]


def anywhere(moments: Sequence[Moment]) -> list[int]:
    """Return all moments at which no request of the runner is on its way."""
    return [number for number, one in enumerate(moments) if not one.is_call or one.when == "after"]


async def overtaken_at(worlds: Worlds, meanwhile: Scene, moments: Callable[[Sequence[Moment]], list[int]]) -> list[str]:
    """Let a runner be overtaken at each of these moments of a run; say what was wrong."""

    async def work(line: Line) -> None:
        await line.run()
        await meanwhile(line.world)

    whole = await undisturbed(worlds, work)
    wrong: list[str] = []
    for number in moments(whole.moments):
        async with worlds.one() as world:
            late = await sleeping_at(world, number, meanwhile=meanwhile)
            wrong += [f"{late.line.where}: {one}" for one in await late.wrong()]
            wrong += await verdict(late.line, [whole.end])
    return wrong


@budget("step", 3)
@scenes
async def test_runner_that_is_overtaken_changes_nothing(scene: str, step: int) -> None:
    """One that sleeps before any of its writes or calls while another finishes changes no state and starts no call."""

    def some(moments: Sequence[Moment]) -> list[int]:
        return telling(moments)[::step]

    assert await overtaken_at(await MemoryWorlds.after(SCENES[scene]), nothing_else, some) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("meanwhile", [nothing_else, life_goes_on])
@pytest.mark.parametrize("scene", ["busy_day", "day_after"])
async def test_runner_that_is_overtaken_anywhere_changes_nothing(scene: str, meanwhile: Scene) -> None:
    """The same at every moment, also when orders were bought, edited and cancelled while it slept."""
    assert await overtaken_at(await MemoryWorlds.after(SCENES[scene]), meanwhile, anywhere) == []


async def test_runner_that_is_overtaken_by_events_changes_nothing() -> None:
    """What it still believes of orders that were changed while it slept is old, and is told to nobody."""

    def some(moments: Sequence[Moment]) -> list[int]:
        return telling(moments)[::3]

    assert await overtaken_at(await MemoryWorlds.after(SCENES["busy_day"]), life_goes_on, some) == []


@pytest.mark.parametrize("minutes", [4.6, 8.0])
@scenes
async def test_request_that_is_on_its_way_when_its_runner_is_overtaken_lands_late(scene: str, minutes: float) -> None:
    """L7, L8: what had left when the runner fell asleep lands beside what its successor sends, and is noticed."""
    worlds = await MemoryWorlds.after(SCENES[scene])
    whole = await undisturbed(worlds, running)

    async def sleep(line: Line) -> None:
        line.world.clock.advance(minutes=minutes)
        await line.world.run()

    on_the_way = [n for n, one in enumerate(whole.moments) if one.is_call and one.when == "before" and one.is_write]
    wrong: list[str] = []
    for number in on_the_way:
        async with worlds.one() as world:
            line = Line(world, at=number, do=sleep)
            await line.run()
            wrong += await verdict(line, [whole.end])
    assert wrong == []
