"""What all sweeps share: letting something happen at every moment of some work, and comparing where the world ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence

import attrs
import pytest

from .facts import Facts, differences, facts_of
from .laws import all_is_well, stock_adds_up
from .lines import Killed, Line, Moment
from .rest import come_to_rest
from .twins import Worlds
from .world import World

Work = Callable[[Line], Awaitable[object]]
"""What a runner or a desk does on a line."""

Mishap = Callable[[Line], Awaitable[None]]
"""What happens to it at one moment."""


async def running(line: Line) -> None:
    """Run once."""
    await line.run()


async def live_through(line: Line, work: Work) -> None:
    """Do the work until it is done or dead."""
    try:
        await work(line)
    except (Killed, BaseExceptionGroup):
        if not line.dead:
            raise


@attrs.frozen
class Undisturbed:
    """How it goes when nothing happens: the moments of the work, and what is so in the end."""

    moments: Sequence[Moment]
    end: Facts


async def undisturbed(worlds: Worlds, work: Work) -> Undisturbed:
    """Do the work undisturbed; the laws hold after every commit and in the end."""
    async with worlds.one() as world:
        line = Line(world)
        await work(line)
        await come_to_rest(world)
        await all_is_well(world)
        return Undisturbed(line.moments, await facts_of(world))


async def broken_law(world: World) -> str:
    """Bring the world to rest and say which law does not hold; nothing when all do."""
    try:
        await stock_adds_up(world)
        await come_to_rest(world)
        await all_is_well(world)
    except AssertionError as broken:
        return str(broken).splitlines()[0]
    return ""


async def ends_elsewhere(world: World, ends: Iterable[Facts]) -> str:
    """Bring the world to rest and say what is wrong with its end; nothing when it is one of *ends*."""
    broken = await broken_law(world)
    if broken:
        return broken
    end = await facts_of(world)
    wrong = [differences(one, end) for one in ends]
    least = min(wrong, key=len)
    return "; ".join(least)


async def verdict(line: Line, ends: Iterable[Facts]) -> list[str]:
    """Bring the world of a line to rest and say what is wrong, and after what had happened where."""
    wrong = await ends_elsewhere(line.world, ends)
    return [f"{line.where}: {wrong}"] if wrong else []


async def sweep(
    worlds: Worlds, work: Work, mishap: Mishap, *, at: Collection[int], ends: Collection[Facts]
) -> list[str]:
    """Let *mishap* happen at each of these moments, each time in a world of its own; say which end elsewhere."""
    wrong: list[str] = []
    happened = 0
    for number in at:
        async with worlds.one() as world:
            line = Line(world, at=number, do=mishap, checked=mishap is not cut)
            await live_through(line, work)
            happened += line.happened
            wrong += await verdict(line, ends)
    assert happened > len(at) // 2  # on SQLite, tasks take turns as the disk will have it: some works are shorter
    return wrong


async def cut(line: Line) -> None:
    """Let the process die."""
    line.die()


def budget(name: str, quick: int, full: int | None = 1) -> pytest.MarkDecorator:
    """Return a parameter that is *quick* in the suite that always runs, and *full* in the long one."""
    marks = [pytest.mark.slow, pytest.mark.timeout(900)]
    return pytest.mark.parametrize(name, [pytest.param(quick), pytest.param(full, marks=marks)])


def spread(moments: Sequence[int], most: int | None) -> Sequence[int]:
    """Return *most* of the moments, evenly spread, the first and the last among them; None: all."""
    if most is None or len(moments) <= most:
        return moments
    return [moments[round(place * (len(moments) - 1) / (most - 1))] for place in range(most)]


def states(moments: Sequence[Moment]) -> list[int]:
    """Return one moment for each state in which dying work can leave the world: between two writes all are alike."""
    found, changed = [], True
    for number, moment in enumerate(moments):
        if changed:
            found.append(number)
        changed = moment.when == "after" and moment.is_write
    return found
