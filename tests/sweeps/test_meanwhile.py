"""What people and buyers do between any two calls of a run: the end is one that some order of events explains."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from sweeps.facts import Facts
from sweeps.lines import Line
from sweeps.rest import come_to_rest
from sweeps.scenes import SCENES, Scene, busy_day, cut_off
from sweeps.sweeping import budget, running, spread, sweep, undisturbed, verdict
from sweeps.twins import MemoryWorlds, SQLiteWorlds, Worlds
from sweeps.verbs import CORE, OTHERS, VERBS, Verb, at_a_desk, attempt
from sweeps.world import World

scenes = pytest.mark.parametrize("scene", SCENES)


async def in_some_order(worlds: Worlds, verb: Verb) -> list[Facts]:
    """Return where it ends when a verb comes before a run, after it, or when all has come to rest."""

    async def first(line: Line) -> None:
        answer = await attempt(line.world.desk, verb)
        await line.run()
        await try_again(line.world, verb, answer)

    async def last(line: Line) -> None:
        await line.run()
        await attempt(line.world.desk, verb)

    async def at_rest(line: Line) -> None:
        await line.run()
        await come_to_rest(line.world)
        await attempt(line.world.desk, verb)

    return [(await undisturbed(worlds, work)).end for work in (first, last, at_rest)]


async def try_again(world: World, verb: Verb, answer: str) -> None:
    """Try once more, when all has come to rest, what was refused before."""
    if answer:
        await come_to_rest(world)
        await attempt(world.desk, verb)


async def between(worlds: Worlds, verb: Verb, number: int, ends: Sequence[Facts]) -> list[str]:
    """Let a person do something in the middle of a run; say what is wrong in the end."""
    answers: list[str] = []

    async def meanwhile(line: Line) -> None:
        answers.append(await attempt(line.world.desk, verb))

    async with worlds.one() as world:
        line = Line(world, at=number, do=meanwhile)
        await line.run()
        await try_again(world, verb, answers[0] if answers else "it was over before")
        return await verdict(line, ends)


async def before_every_call(scene: Scene) -> tuple[Worlds, list[int]]:
    """Return worlds after *scene*, and the moments before each call of a run."""
    worlds = await MemoryWorlds.after(scene)
    moments = (await undisturbed(worlds, running)).moments
    return worlds, [number for number, moment in enumerate(moments) if moment.when == "before"]


@budget("step", 7)
@pytest.mark.parametrize("number", range(len(CORE)), ids=CORE)
async def test_desk_may_work_between_any_two_calls_of_a_run(number: int, step: int) -> None:
    """Processing or cancelling an order at any moment of a run ends as if it came before it or after it."""
    worlds, moments = await before_every_call(busy_day)
    verb = list(CORE.values())[number]
    ends = await in_some_order(worlds, verb)
    wrong = [await between(worlds, verb, moment, ends) for moment in moments[2 * number % step :: step]]

    assert [one for ones in wrong for one in ones] == []


@pytest.mark.parametrize("number", range(len(OTHERS)), ids=OTHERS)
async def test_every_verb_of_the_desk_may_meet_a_run(number: int) -> None:
    """So does every other verb; between them they come before every fourth call of a run."""
    worlds, moments = await before_every_call(busy_day)
    verb = list(OTHERS.values())[number]
    ends = await in_some_order(worlds, verb)
    wrong = [await between(worlds, verb, moment, ends) for moment in moments[4 * number :: 4 * len(OTHERS)]]

    assert [one for ones in wrong for one in ones] == []


THEN = {"process": "deduct", "cancel": "due"}
"""What a desk calls once its first write has taken effect."""


@budget("step", 5)
@pytest.mark.parametrize("number", range(len(CORE)), ids=CORE)
async def test_desk_may_die_between_any_two_calls_of_a_run(number: int, step: int) -> None:
    """Rules 1 and 7: a desk that dies after its first write, wherever a run comes to orders or stock, is no matter."""
    name, verb = list(CORE.items())[number]
    worlds = await MemoryWorlds.after(busy_day)
    moments = (await undisturbed(worlds, running)).moments
    looks = [n for n, one in enumerate(moments) if one.when == "before" and one.place in ("orders", "stock")]

    async def meanwhile(line: Line) -> None:
        await cut_off(line.world, at_a_desk(verb), before=THEN[name.split()[0]])

    ends = await in_some_order(worlds, verb)
    assert await sweep(worlds, running, meanwhile, at=looks[number % step :: step], ends=ends) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("verb", VERBS)
@scenes
async def test_every_verb_of_the_desk_may_come_between_any_two_calls_of_any_run(scene: str, verb: str) -> None:
    """The same for every verb at every moment of every scene."""
    worlds, moments = await before_every_call(SCENES[scene])
    ends = await in_some_order(worlds, VERBS[verb])
    wrong = [await between(worlds, VERBS[verb], number, ends) for number in moments]

    assert [one for ones in wrong for one in ones] == []


@budget("most", 3, None)
async def test_desk_may_work_between_any_two_calls_of_a_run_on_sqlite(most: int | None, tmp_path: Path) -> None:
    """The same on SQLite."""
    worlds, verb = await SQLiteWorlds.after(busy_day, tmp_path), VERBS["process an order that is edited"]
    moments = (await undisturbed(worlds, running)).moments
    calls = [number for number, moment in enumerate(moments) if moment.when == "before"]
    ends = await in_some_order(worlds, verb)
    wrong = [await between(worlds, verb, number, ends) for number in spread(calls, most)]

    assert [one for ones in wrong for one in ones] == []


def buy(scene: str) -> Scene:
    """Return what buyers do in two seconds: they buy on both channels, and change what they bought before."""

    async def buying(world: World) -> None:
        world.clock.advance(seconds=2)
        world.shop.place("1030", lines={"MUG-S": 1, "CAP-S": 1})
        world.market.place("2030", lines={"SET-M": 1, "MUG-M": 2})
        if scene != "first_day":
            world.shop.edit("1004", {"MUG-S": 3})
            world.market.cancel("2002")
        world.clock.advance(seconds=2)

    return buying


@budget("step", 17)
@scenes
async def test_buyers_may_come_at_any_moment_of_a_run(scene: str, step: int) -> None:
    """Rules 16 to 22: whatever a push may have overwritten, the channels show in the end what they should."""
    worlds, buying = await MemoryWorlds.after(SCENES[scene]), buy(scene)

    async def work(line: Line) -> None:
        await line.run()
        await buying(line.world)

    async def meanwhile(line: Line) -> None:
        await buying(line.world)

    whole = await undisturbed(worlds, work)
    assert await sweep(worlds, running, meanwhile, at=range(0, len(whole.moments), step), ends=[whole.end]) == []
