"""L9: whatever dies, and wherever: runs that follow end where an undisturbed one does."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeps.facts import Facts
from sweeps.lines import Line
from sweeps.scenes import SCENES, at_the_desk
from sweeps.sweeping import budget, cut, live_through, running, spread, states, sweep, undisturbed, verdict
from sweeps.twins import MemoryWorlds, SQLiteWorlds, Worlds
from sweeps.verbs import DESK_VERBS, Verb, at_a_desk, attempt, idling

scenes = pytest.mark.parametrize("scene", SCENES)


@scenes
async def test_run_that_dies_in_any_state_is_made_up_for(scene: str) -> None:
    """A run killed before or after whatever it writes leaves nothing behind that later runs do not put right."""
    worlds = await MemoryWorlds.after(SCENES[scene])
    whole = await undisturbed(worlds, running)

    assert await sweep(worlds, running, cut, at=states(whole.moments), ends=[whole.end]) == []


@pytest.mark.slow
@scenes
async def test_run_that_dies_at_any_moment_is_made_up_for(scene: str) -> None:
    """The same for every single call of a port or a channel, before and after it took effect."""
    worlds = await MemoryWorlds.after(SCENES[scene])
    whole = await undisturbed(worlds, running)

    assert await sweep(worlds, running, cut, at=range(len(whole.moments)), ends=[whole.end]) == []


@budget("most", 4, None)
@scenes
async def test_run_that_dies_on_sqlite_is_made_up_for(scene: str, most: int | None, tmp_path: Path) -> None:
    """What a killed run had written to SQLite is there, what it had not is not, and later runs put it right."""
    worlds = await SQLiteWorlds.after(SCENES[scene], tmp_path)
    whole = await undisturbed(worlds, running)

    assert await sweep(worlds, running, cut, at=spread(states(whole.moments), most), ends=[whole.end]) == []


async def die_and_die_again(worlds: Worlds, first: int, second: int, end: Facts) -> list[str]:
    """Kill a run, and kill the one that follows when the lease is over; say what is wrong in the end."""
    async with worlds.one() as world:
        await live_through(Line(world, at=first, do=cut, checked=False), running)
        world.clock.advance(minutes=5)
        line = Line(world, at=second, do=cut, checked=False)
        await live_through(line, running)
        return [f"{first}, then {wrong}" for wrong in await verdict(line, [end])]


@budget("deaths", 3, 40)
@scenes
async def test_run_that_dies_while_it_makes_up_for_another_is_made_up_for(scene: str, deaths: int) -> None:
    """A run killed while it puts right what another killed run has left is no worse than one death."""
    worlds = await MemoryWorlds.after(SCENES[scene])
    whole = await undisturbed(worlds, running)
    moments = spread(states(whole.moments), deaths)
    wrong = [await die_and_die_again(worlds, first, second, whole.end) for first in moments for second in moments]

    assert [one for ones in wrong for one in ones] == []


async def cut_off_and_repeated(worlds: Worlds, verb: Verb, *, most: int | None = None) -> list[str]:
    """Kill a desk in the middle of a verb; what runs make of it is all or nothing, and repeated it is all."""
    work = at_a_desk(verb)
    without, whole = (await undisturbed(worlds, idling)).end, await undisturbed(worlds, work)
    assert without != whole.end
    wrong: list[str] = []
    for number in spread(range(len(whole.moments)), most):
        async with worlds.one() as world:
            line = Line(world, at=number, do=cut, checked=False)
            await live_through(line, work)
            wrong += await verdict(line, [without, whole.end])
            await attempt(world.desk, verb)
            wrong += await verdict(line, [whole.end])
    return wrong


@pytest.mark.parametrize("verb", DESK_VERBS)
async def test_desk_that_dies_has_done_all_or_nothing(verb: str) -> None:
    """A verb of a desk that is killed is finished by the next run or was never begun; repeated, it is done once."""
    assert await cut_off_and_repeated(await MemoryWorlds.after(at_the_desk), DESK_VERBS[verb]) == []


@budget("most", 3, None)
async def test_desk_that_dies_on_sqlite_has_done_all_or_nothing(most: int | None, tmp_path: Path) -> None:
    """The same on SQLite."""
    worlds = await SQLiteWorlds.after(at_the_desk, tmp_path)

    assert await cut_off_and_repeated(worlds, DESK_VERBS["process an order"], most=most) == []
