"""Every verb of the desk at any moment of a run, and itself cut anywhere: done or refused, and the laws hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from ordersync import OrderDesk
from sweeps.deeds import DEEDS, Deed, Done, do, is_allowed, what_is_wrong
from sweeps.facts import Facts
from sweeps.lines import Line, Moment
from sweeps.new_life import lives_at_rest, strange_day
from sweeps.scenes import cut_off
from sweeps.sweeping import (
    Undisturbed,
    Work,
    broken_law,
    budget,
    cut,
    live_through,
    running,
    spread,
    undisturbed,
    verdict,
)
from sweeps.test_cancels import cancelled_in_flight
from sweeps.test_late_runners import sleeping_at, telling
from sweeps.test_two_people import at_once, orders_of
from sweeps.twins import MemoryWorlds, SQLiteWorlds, Worlds
from sweeps.verbs import Verb, at_a_desk, attempt, idling
from sweeps.world import World

NO_VERBS = frozenset({"conflicts", "deleted"})
"""What only shows something."""


PIECEMEAL = "purge"
"""What is done order by order, and may have come to any of them."""


def sample(moments: Sequence[int], step: int, number: int) -> Sequence[int]:
    """Return every so many of the moments, for each deed others."""
    return moments[number * 7 % step :: step]


def test_every_verb_is_a_deed() -> None:
    """The table of deeds leaves out no verb of the desk."""
    called: set[str] = set()
    desk = type("Desk", (), {"__getattr__": lambda _, name: lambda *_, **__: called.add(name)})()
    for deed in DEEDS.values():
        deed.verb(desk)

    assert called == {name for name in vars(OrderDesk) if not name.startswith("_")} - NO_VERBS


async def meet(worlds: Worlds, deeds: Sequence[Deed], number: int) -> list[str]:
    """Let a person do something at one moment of a run; say what is wrong afterwards."""
    done: list[Done] = []

    async def meanwhile(line: Line) -> None:
        done.extend(await do(line.world, deeds))

    async with worlds.one() as world:
        line = Line(world, at=number, do=meanwhile)
        await line.run()
        broken = await broken_law(world)
        wrong = [broken] if broken else []
        return [f"{line.where}: {one}" for one in wrong + await what_is_wrong(world, done)]


async def before_each_call(worlds: Worlds) -> Sequence[int]:
    """Return the moments before each call of a run."""
    moments = (await undisturbed(worlds, running)).moments
    return [number for number, moment in enumerate(moments) if moment.when == "before"]


def before_orders_are_written(moments: Sequence[Moment]) -> Sequence[int]:
    """Return the moments at which what a run has read of orders is about to be written."""
    writes = ("save_page", "replace", "record_parcel", "reserved")
    return [n for n, one in enumerate(moments) if one.when == "before" and one.verb in writes]


@budget("step", 7)
async def test_all_deeds_may_be_done_between_any_two_calls_of_a_run(step: int) -> None:
    """Each verb takes effect in the middle of a run, or is refused because the order does not allow it any more."""
    worlds, deeds = await MemoryWorlds.after(strange_day), list(DEEDS.values())
    whole = await undisturbed(worlds, running)
    some = before_orders_are_written(whole.moments)[1::step] if step > 1 else await before_each_call(worlds)
    wrong: list[str] = []
    for number in some:
        first = number * 7 % len(deeds)  # of two that exclude each other, sometimes the one comes first
        wrong += await meet(worlds, [*deeds[first:], *deeds[:first]], number)

    assert wrong == []


@pytest.mark.slow
async def test_all_deeds_may_be_done_in_the_middle_of_a_run_on_sqlite(tmp_path: Path) -> None:
    """The same on SQLite, where orders are about to be written."""
    worlds, deeds = await SQLiteWorlds.after(strange_day, tmp_path), list(DEEDS.values())
    whole = await undisturbed(worlds, running)
    some = spread(before_orders_are_written(whole.moments), 16)
    wrong = [await meet(worlds, [*deeds[turn * 2 :], *deeds[: turn * 2]], number) for turn, number in enumerate(some)]

    assert [one for ones in wrong for one in ones] == []


async def test_all_deeds_may_be_done_when_all_is_at_rest() -> None:
    """The same between two runs."""
    worlds = await MemoryWorlds.after(lives_at_rest)
    async with worlds.one() as world:
        done = await do(world, DEEDS.values())
        assert await broken_law(world) == ""
        assert await what_is_wrong(world, done) == []


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(DEEDS)), ids=DEEDS)
async def test_every_deed_may_come_between_any_two_calls_of_a_run(number: int) -> None:
    """The same for one verb alone, before many calls of a run."""
    worlds = await MemoryWorlds.after(strange_day)
    moments, deed = await before_each_call(worlds), list(DEEDS.values())[number]
    wrong = [await meet(worlds, [deed], moment) for moment in sample(moments, 12, number)]

    assert [one for ones in wrong for one in ones] == []


async def dies_in_a_run(worlds: Worlds, deed: Deed, number: int) -> list[str]:
    """Let a desk die behind its first write, in the middle of a run."""
    async with worlds.one() as world:

        async def meanwhile(line: Line) -> None:
            if await is_allowed(line.world, deed):
                await cut_off(line.world, at_a_desk(deed.verb), before=_then(deed))

        line = Line(world, at=number, do=meanwhile)
        await line.run()
        broken = await broken_law(world)
        return [f"{line.where}: {broken}"] if broken else []


def _then(deed: Deed) -> str:
    """Return what a desk calls once its first write has taken effect."""
    return "deduct" if "processed" in deed.told else "due"


SETTLED = {name: deed for name, deed in DEEDS.items() if deed.told}
"""What is to be settled after its first write."""


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(SETTLED)), ids=SETTLED)
async def test_desk_may_die_in_any_deed_between_any_two_calls_of_a_run(number: int) -> None:
    """Rules 1 and 7: a desk that dies after its first write, wherever a run is, leaves nothing that is not finished."""
    worlds = await MemoryWorlds.after(strange_day)
    moments, deed = await before_each_call(worlds), list(SETTLED.values())[number]
    wrong = [await dies_in_a_run(worlds, deed, moment) for moment in sample(moments, 30, number)]

    assert [one for ones in wrong for one in ones] == []


async def possible_at_rest(worlds: Worlds, without: Facts, *, every: int) -> Mapping[str, tuple[Verb, Undisturbed]]:
    """Return every so many of the verbs that change something when all is at rest, and how each goes."""
    possible: dict[str, tuple[Verb, Undisturbed]] = {}
    for name, deed in [(name, deed) for name, deed in DEEDS.items() if name != PIECEMEAL][::every]:
        whole = await undisturbed(worlds, attempting(deed.verb))
        if whole.end != without:
            possible[name] = deed.verb, whole
    assert len(possible) * every > len(DEEDS) // 2
    return possible


def attempting(verb: Verb) -> Work:
    """Return a verb as work that may be refused."""

    async def work(line: Line) -> None:
        await attempt(line.desk, verb)

    return work


async def cut_and_repeated(worlds: Worlds, verb: Verb, number: int, ends: Sequence[Facts]) -> list[str]:
    """Kill a desk in the middle of a verb; runs make all or nothing of it, and repeated it is all."""
    async with worlds.one() as world:
        line = Line(world, at=number, do=cut, checked=False)
        await live_through(line, at_a_desk(verb))
        wrong = await verdict(line, ends)
        await attempt(world.desk, verb)
        return wrong + await verdict(line, ends[1:])


@budget("every", 7)
async def test_deed_that_dies_is_done_or_was_never_begun(every: int) -> None:
    """Whichever call a verb dies at, the next runs finish it or know nothing of it; repeated, it is done once."""
    worlds = await MemoryWorlds.after(lives_at_rest)
    without = (await undisturbed(worlds, idling)).end
    wrong: list[str] = []
    for turn, (name, (verb, whole)) in enumerate((await possible_at_rest(worlds, without, every=every)).items()):
        moments = range(len(whole.moments))
        for number in moments if every == 1 else [moments[(5 + 3 * turn) % len(moments)]]:
            found = await cut_and_repeated(worlds, verb, number, [without, whole.end])
            wrong += [f"{name}: {one}" for one in found]

    assert wrong == []


@budget("every", 7)
async def test_deed_that_is_cancelled_is_done_or_was_never_begun(every: int) -> None:
    """A verb whose task is cancelled at any await is finished by the next runs, or was never begun."""
    worlds = await MemoryWorlds.after(lives_at_rest)
    without = (await undisturbed(worlds, idling)).end
    wrong: list[str] = []
    for turn, (name, (verb, whole)) in enumerate((await possible_at_rest(worlds, without, every=every)).items()):
        moments = range(len(whole.moments))
        for number in moments if every == 1 else [moments[(8 + 3 * turn) % len(moments)]]:
            found = await cancelled_in_flight(worlds, at_a_desk(verb), number, [without, whole.end])
            wrong += [f"{name}: {one}" for one in found]

    assert wrong == []


async def overtaken_by(worlds: Worlds, deeds: Sequence[Deed], number: int) -> list[str]:
    """Let a runner be overtaken at one moment, and a person do something while it sleeps."""
    done: list[Done] = []

    async def meanwhile(world: World) -> None:
        done.extend(await do(world, deeds))

    async with worlds.one() as world:
        late = await sleeping_at(world, number, meanwhile=meanwhile)
        wrong = await late.wrong()
        broken = await broken_law(world)
        wrong += [broken] if broken else []
        return [f"{late.line.where}: {one}" for one in wrong + await what_is_wrong(world, done)]


@budget("most", 5, None)
async def test_late_runner_undoes_nothing_that_a_person_does(most: int | None) -> None:
    """A runner that wakes after people have held, moved, deleted or resolved orders changes nothing about them."""
    worlds = await MemoryWorlds.after(strange_day)
    moments, deeds = telling((await undisturbed(worlds, running)).moments), list(DEEDS.values())
    wrong: list[str] = []
    for number in spread(moments, most):
        first = number * 7 % len(deeds)
        wrong += await overtaken_by(worlds, [*deeds[first:], *deeds[:first]], number)

    assert wrong == []


PAIRS = (
    ("process what loses a piece", "hold what loses a piece"),
    ("process what loses a piece", "delete what loses a piece"),
    ("hold what loses a piece", "hold what loses a piece"),
    ("hold what loses a piece", "delete what loses a piece"),
    ("process what reserves anew", "process what reserves anew"),
    ("hold what is revived", "delete what is revived"),
    ("move back what moves", "park what was paid just now"),
    ("restore what its channel cancels", "restore what its channel cancels"),
    ("cancel what has vanished", "take off what has vanished"),
    ("take off what has vanished", "take off what has vanished"),
    ("follow an edit", "follow an edit"),
)
"""Two deeds for one order."""


@budget("step", 151, 6)
async def test_two_people_may_do_different_things_to_one_order_at_once(step: int) -> None:
    """However the calls of two verbs interleave, answers and end are those of one verb after the other."""
    worlds = await MemoryWorlds.after(lives_at_rest)
    wrong: list[str] = []
    for turn, names in enumerate(PAIRS if step < 10 else PAIRS[::4]):
        pair = (DEEDS[names[0]].verb, DEEDS[names[1]].verb)
        courses = await orders_of(worlds, pair)
        lengths = [len((await undisturbed(worlds, attempting(verb))).moments) for verb in pair]
        places = [(first, second) for first in range(lengths[0]) for second in (*range(lengths[1]), 10**6)]
        for first, second in places[turn * 17 % step :: step]:
            found = await at_once(worlds, pair, first, second, courses)
            wrong += [f"{' and '.join(names)}: {one}" for one in found]

    assert wrong == []
