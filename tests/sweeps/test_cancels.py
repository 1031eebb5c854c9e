"""L9: a cancelled task is a cut like any other, and cancelling again while it cleans up is no worse."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from sweeps.facts import Facts
from sweeps.lines import Line
from sweeps.scenes import SCENES, at_the_desk
from sweeps.sweeping import Work, budget, ends_elsewhere, running, spread, undisturbed, verdict
from sweeps.twins import MemoryWorlds, SQLiteWorlds, Worlds
from sweeps.verbs import DESK_VERBS, at_a_desk, idling
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
            ended = await ends_elsewhere(world, [end])
            wrong += [f"after {turns} turns: {ended}"] if ended else []
    return wrong


@budget("stride", 7)
@scenes
async def test_run_that_is_cancelled_after_any_turn_is_made_up_for(scene: str, stride: int) -> None:
    """A run that is cancelled after any number of turns of the loop raises that, and later runs put it right."""
    worlds = await MemoryWorlds.after(SCENES[scene])
    whole = await undisturbed(worlds, running)

    assert await cancel_sweep(worlds, whole.end, again=None, stride=stride) == []


@budget("stride", 15)
@pytest.mark.parametrize("again", [0, 2, 5])
async def test_run_that_is_cancelled_twice_is_made_up_for(again: int, stride: int) -> None:
    """A second cancellation, while the run still cleans up after the first, changes nothing."""
    worlds = await MemoryWorlds.after(SCENES["busy_day"])
    whole = await undisturbed(worlds, running)

    assert await cancel_sweep(worlds, whole.end, again=again, stride=stride) == []


async def cancelled_in_flight(
    worlds: Worlds, work: Work, number: int, ends: Sequence[Facts], *, again: bool = False
) -> list[str]:
    """Cancel work at one moment, so that it meets the call that begins there, and perhaps again."""
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
        return await verdict(line, ends)


@budget("most", 5, None)
@scenes
async def test_run_that_is_cancelled_while_sqlite_works_is_made_up_for(
    scene: str, most: int | None, tmp_path: Path
) -> None:
    """A cancellation that meets a transaction in flight, or two of them, lets it end; later runs put the rest right."""
    worlds = await SQLiteWorlds.after(SCENES[scene], tmp_path)
    whole = await undisturbed(worlds, running)
    writes = [number for number, one in enumerate(whole.moments) if one.when == "before" and one.is_write]
    wrong = [
        await cancelled_in_flight(worlds, running, number, [whole.end], again=turn % 2 == 1)
        for turn, number in enumerate(spread(writes, most))
    ]

    assert [one for ones in wrong for one in ones] == []


@pytest.mark.parametrize("verb", DESK_VERBS)
async def test_desk_that_is_cancelled_has_done_all_or_nothing(verb: str) -> None:
    """A verb of the desk that is cancelled anywhere is finished by the next run, or was never begun."""
    worlds, work = await MemoryWorlds.after(at_the_desk), at_a_desk(DESK_VERBS[verb])
    without, whole = (await undisturbed(worlds, idling)).end, await undisturbed(worlds, work)
    ends = [without, whole.end]
    wrong = [await cancelled_in_flight(worlds, work, number, ends) for number in range(len(whole.moments))]

    assert [one for ones in wrong for one in ones] == []
