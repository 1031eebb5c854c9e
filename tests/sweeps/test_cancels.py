"""L9: a cancelled task is a cut like any other, and cancelling again while it cleans up is no worse."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from sweeps.facts import Facts
from sweeps.lines import Line, Moment
from sweeps.scenes import SCENES, at_the_desk
from sweeps.sweeping import Work, ends_elsewhere, running, spread, undisturbed
from sweeps.twins import MemoryWorlds, SQLiteWorlds, Worlds
from sweeps.verbs import DESK_VERBS
from sweeps.world import World

scenes = pytest.mark.parametrize("scene", SCENES)


async def cancelled(world: World, turns: int, again: int | None) -> bool:
    """Cancel a run after so many turns of the loop, and once more *again* turns later; False when it was over."""
    line = Line(world, checked=False)
    run = asyncio.create_task(line.run())
    for _ in range(turns):
        await asyncio.sleep(0)
    if run.done():
        return False
    run.cancel()
    for _ in range(again or 0):
        await asyncio.sleep(0)
    if again is not None:
        run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    return True


async def cancel_sweep(worlds: Worlds, end: Facts, *, again: int | None, stride: int) -> list[str]:
    """Cancel runs after more and more turns, until one is over before it is cancelled."""
    wrong: list[str] = []
    for turns in count(0, stride):
        async with worlds.one() as world:
            if not await cancelled(world, turns, again):
                assert turns
                return wrong
            wrong += [f"after {turns} turns: {one}" for one in [await ends_elsewhere(world, [end])] if one]
    return wrong


@scenes
async def test_run_that_is_cancelled_after_any_turn_is_made_up_for(scene: str) -> None:
    """A run that is cancelled after any number of turns of the loop raises that, and later runs put it right."""
    worlds = await MemoryWorlds.after(SCENES[scene])
    whole = await undisturbed(worlds, running)

    assert await cancel_sweep(worlds, whole.end, again=None, stride=1 if scene == "busy_day" else 5) == []


@pytest.mark.parametrize("stride", [pytest.param(9), pytest.param(1, marks=[pytest.mark.slow, pytest.mark.timeout(600)])])
@pytest.mark.parametrize("again", [0, 1, 2, 5])
async def test_run_that_is_cancelled_twice_is_made_up_for(again: int, stride: int) -> None:
    """A second cancellation, while the run still cleans up after the first, changes nothing."""
    worlds = await MemoryWorlds.after(SCENES["busy_day"])
    whole = await undisturbed(worlds, running)

    assert await cancel_sweep(worlds, whole.end, again=again, stride=stride) == []


async def cancelled_in_flight(worlds: Worlds, work: Work, number: int, ends: Sequence[Facts], *, again: bool) -> str:
    """Cancel work at one moment, so that it meets the call under way, and perhaps again; say what is wrong in the end."""
    async with worlds.one() as world:

        async def cancel(line: Line) -> None:
            task.cancel()
            if again:
                asyncio.get_running_loop().call_later(0.0002, task.cancel)

        line = Line(world, at=number, do=cancel)
        task = asyncio.ensure_future(work(line))
        with suppress(asyncio.CancelledError):
            await task
        assert task.cancelled() or not line.happened
        wrong = await ends_elsewhere(world, ends)
        return f"{line.where}: {wrong}" if wrong else ""


def writes(moments: Sequence[Moment]) -> list[int]:
    """Return the moments before calls that write: there it matters whether one is wholly done."""
    return [number for number, moment in enumerate(moments) if moment.when == "before" and moment.is_write]


@pytest.mark.parametrize("most", [pytest.param(5), pytest.param(1000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
@pytest.mark.parametrize("again", [False, True])
@scenes
async def test_run_that_is_cancelled_while_sqlite_works_is_made_up_for(
    scene: str, most: int, again: bool, tmp_path: Path
) -> None:
    """A cancellation that meets a transaction in flight lets it end; later runs put the rest right."""
    worlds = await SQLiteWorlds.after(SCENES[scene], tmp_path)
    whole = await undisturbed(worlds, running)
    some = spread(writes(whole.moments), most)
    wrong = [await cancelled_in_flight(worlds, running, number, [whole.end], again=again) for number in some]

    assert [one for one in wrong if one] == []


@pytest.mark.parametrize("verb", DESK_VERBS)
async def test_desk_that_is_cancelled_has_done_all_or_nothing(verb: str) -> None:
    """A verb of the desk that is cancelled anywhere is finished by the next run, or was never begun."""
    worlds = await MemoryWorlds.after(at_the_desk)

    async def nothing(line: Line) -> None:
        """Let nobody do anything."""

    async def work(line: Line) -> None:
        await DESK_VERBS[verb](line.desk)

    without, whole = (await undisturbed(worlds, nothing)).end, await undisturbed(worlds, work)
    wrong = [
        await cancelled_in_flight(worlds, work, number, [without, whole.end], again=False)
        for number in range(len(whole.moments))
    ]

    assert [one for one in wrong if one] == []
