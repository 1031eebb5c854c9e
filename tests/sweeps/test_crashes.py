"""L9: whatever dies, and wherever: runs that follow end where an undisturbed one does."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeps.facts import Facts
from sweeps.lines import Line
from sweeps.scenes import SCENES, at_the_desk
from sweeps.sweeping import cut, ends_elsewhere, live_through, running, spread, states, sweep, undisturbed
from sweeps.twins import MemoryWorlds, SQLiteWorlds, Worlds
from sweeps.verbs import DESK_VERBS, Verb, attempt

scenes = pytest.mark.parametrize("scene", SCENES)
verbs = pytest.mark.parametrize("verb", DESK_VERBS)


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


@scenes
async def test_run_that_dies_on_sqlite_is_made_up_for(scene: str, tmp_path: Path) -> None:
    """What a killed run had written to SQLite is there, what it had not is not, and later runs put it right."""
    worlds = await SQLiteWorlds.after(SCENES[scene], tmp_path)
    whole = await undisturbed(worlds, running)

    assert await sweep(worlds, running, cut, at=spread(states(whole.moments), 6), ends=[whole.end]) == []


@pytest.mark.slow
@pytest.mark.timeout(600)
@scenes
async def test_run_that_dies_in_any_state_on_sqlite_is_made_up_for(scene: str, tmp_path: Path) -> None:
    """The same for every state in which a run can leave an SQLite file."""
    worlds = await SQLiteWorlds.after(SCENES[scene], tmp_path)
    whole = await undisturbed(worlds, running)

    assert await sweep(worlds, running, cut, at=states(whole.moments), ends=[whole.end]) == []


async def die_and_die_again(worlds: Worlds, first: int, second: int, end: Facts) -> str:
    """Kill a run, and kill the one that follows when the lease is over; say what is wrong in the end."""
    async with worlds.one() as world:
        await live_through(Line(world, at=first, do=cut, checked=False), running)
        world.clock.advance(minutes=5)
        await live_through(Line(world, at=second, do=cut, checked=False), running)
        wrong = await ends_elsewhere(world, [end])
        return f"{first}, then {second}: {wrong}" if wrong else ""


@pytest.mark.parametrize("deaths", [pytest.param(5), pytest.param(40, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
@scenes
async def test_run_that_dies_while_it_makes_up_for_another_is_made_up_for(scene: str, deaths: int) -> None:
    """A run killed while it puts right what another killed run has left is no worse than one death."""
    worlds = await MemoryWorlds.after(SCENES[scene])
    whole = await undisturbed(worlds, running)
    moments = spread(states(whole.moments), deaths)
    wrong = [await die_and_die_again(worlds, first, second, whole.end) for first in moments for second in moments]

    assert [one for one in wrong if one] == []


async def cut_off_and_repeated(worlds: Worlds, verb: Verb, *, most: int | None = None) -> list[str]:
    """Kill a desk in the middle of a verb; what runs make of it is all or nothing, and repeated it is all."""

    async def nothing(line: Line) -> None:
        """Let nobody do anything."""

    async def work(line: Line) -> None:
        await verb(line.desk)

    without, whole = (await undisturbed(worlds, nothing)).end, await undisturbed(worlds, work)
    assert without != whole.end
    wrong: list[str] = []
    for number in spread(range(len(whole.moments)), most or len(whole.moments)):
        async with worlds.one() as world:
            await live_through(Line(world, at=number, do=cut, checked=False), work)
            ends = [await ends_elsewhere(world, [without, whole.end])]
            await attempt(world.desk, verb)
            ends.append(await ends_elsewhere(world, [whole.end]))
            wrong += [f"{number}, {whole.moments[number]}: {end}" for end in ends if end]
    return wrong


@verbs
async def test_desk_that_dies_has_done_all_or_nothing(verb: str) -> None:
    """A verb of a desk that is killed is finished by the next run or was never begun; repeated, it is done once."""
    assert await cut_off_and_repeated(await MemoryWorlds.after(at_the_desk), DESK_VERBS[verb]) == []


@pytest.mark.parametrize("most", [pytest.param(2), pytest.param(None, marks=[pytest.mark.slow, pytest.mark.timeout(600)])])
@pytest.mark.parametrize("verb", ["process an order", "cancel"])
async def test_desk_that_dies_on_sqlite_has_done_all_or_nothing(verb: str, most: int | None, tmp_path: Path) -> None:
    """The same on SQLite."""
    assert await cut_off_and_repeated(await SQLiteWorlds.after(at_the_desk, tmp_path), DESK_VERBS[verb], most=most) == []
