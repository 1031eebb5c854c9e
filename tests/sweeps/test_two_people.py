"""Two people at two desks do something to one order at once: it ends as if one had come after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import attrs
import pytest

from sweeps.facts import Facts
from sweeps.lines import Line
from sweeps.scenes import at_the_desk
from sweeps.sweeping import Work, budget, undisturbed, verdict
from sweeps.twins import MemoryWorlds, Worlds
from sweeps.verbs import PAIRS, Verb, attempt

pairs = pytest.mark.parametrize("pair", PAIRS)


@attrs.frozen
class Course:
    """How two people were answered, and what was so in the end."""

    answers: tuple[str, str]
    end: Facts


async def one_after_the_other(worlds: Worlds, one: Verb, other: Verb) -> Course:
    """Let one come after the other."""
    answers: list[str] = []

    async def work(line: Line) -> None:
        answers.append(await attempt(line.desk, one))
        answers.append(await attempt(line.desk, other))

    end = (await undisturbed(worlds, work)).end
    return Course((answers[0], answers[1]), end)


async def orders_of(worlds: Worlds, pair: tuple[Verb, Verb]) -> Sequence[Course]:
    """Return both orders in which two people may come; answers by person."""
    one, other = pair
    swapped = await one_after_the_other(worlds, other, one)
    return await one_after_the_other(worlds, one, other), Course(swapped.answers[::-1], swapped.end)


def answered(verb: Verb, answers: list[str]) -> Work:
    """Return a verb as work, whose answer is kept."""

    async def work(line: Line) -> None:
        answers.append(await attempt(line.desk, verb))

    return work


async def at_once(
    worlds: Worlds, pair: tuple[Verb, Verb], first: int, second: int, courses: Sequence[Course]
) -> list[str]:
    """Let one stop at a moment, the other come as far as a moment of theirs, the one finish, then the other."""
    mine: list[str] = []
    theirs: list[str] = []
    stopped, go_on = asyncio.Event(), asyncio.Event()
    others: list[asyncio.Future[object]] = []

    async def wait(line: Line) -> None:
        stopped.set()
        await go_on.wait()

    async def let_other_begin(line: Line) -> None:
        others.append(asyncio.ensure_future(answered(pair[1], theirs)(Line(world, at=second, do=wait))))
        others[0].add_done_callback(lambda _: stopped.set())
        await stopped.wait()

    async with worlds.one() as world:
        line = Line(world, at=first, do=let_other_begin)
        await answered(pair[0], mine)(line)
        go_on.set()
        await others[0]
        answers = (mine[0], theirs[0])
        alike = [course.end for course in courses if course.answers == answers]
        wrong = await verdict(line, alike) if alike else [f"{line.where}: they were answered {answers}"]
        return [f"the other at {second}, the one at {one}" for one in wrong]


@budget("step", 23)
@pairs
async def test_two_people_may_do_something_to_one_order_at_once(pair: str, step: int) -> None:
    """However the calls of two verbs interleave, answers and end are those of one verb after the other."""
    worlds = await MemoryWorlds.after(at_the_desk)
    courses = await orders_of(worlds, PAIRS[pair])
    lengths = [len((await undisturbed(worlds, answered(verb, []))).moments) for verb in PAIRS[pair]]
    places = [(first, second) for first in range(lengths[0]) for second in (*range(lengths[1]), 10**6)]
    wrong = [await at_once(worlds, PAIRS[pair], first, second, courses) for first, second in places[::step]]

    assert [one for ones in wrong for one in ones] == []
