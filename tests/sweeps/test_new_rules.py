"""L9, L11: reading back after the settings changed, replays, forgetting and refused credentials, cut anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import attrs
import pytest

from ordersync import OrderState
from sweeps.facts import Facts, differences
from sweeps.lines import Line, Moment
from sweeps.new_life import key_of
from sweeps.new_rules import (
    COURSES,
    Course,
    changed,
    credentials_are_renewed,
    former,
    old_decisions,
    rules_are_strict,
    rules_change,
    set_up,
)
from sweeps.rest import come_to_rest
from sweeps.sweeping import (
    Mishap,
    Undisturbed,
    Work,
    budget,
    cut,
    live_through,
    running,
    spread,
    states,
    undisturbed,
    verdict,
)
from sweeps.test_late_runners import sleeping_at, telling
from sweeps.twins import MemoryWorlds, SQLiteWorlds, Worlds
from sweeps.world import MARKET, SHOP, World, of_shop

courses = pytest.mark.parametrize("name", COURSES)


async def whole_course(worlds: Worlds, course: Course) -> Undisturbed:
    """Go a course undisturbed; the moments are those of its work alone."""
    length: list[int] = []

    async def work(line: Line) -> None:
        await course.work(line)
        length.append(len(line.moments))
        await course.then(line.world)

    whole = await undisturbed(worlds, work)
    return Undisturbed(whole.moments[: length[0]], whole.end)


async def disturbed(worlds: Worlds, course: Course, number: int, mishap: Mishap, end: Facts) -> list[str]:
    """Let something happen to the work at one moment; say what is wrong in the end."""
    async with worlds.one() as world:
        line = Line(world, at=number, do=mishap, checked=mishap is not cut)
        await live_through(line, course.work)
        await course.then(world)
        return await verdict(line, [end])


async def cancelled(worlds: Worlds, course: Course, number: int, end: Facts) -> list[str]:
    """Cancel the work at one moment, so that it meets the call that begins there."""
    async with worlds.one() as world:

        async def cancel(line: Line) -> None:
            task.cancel()

        line = Line(world, at=number, do=cancel)
        task = asyncio.ensure_future(course.work(line))
        with suppress(asyncio.CancelledError):
            await task
        assert task.cancelled() or not line.happened
        await course.then(world)
        return await verdict(line, [end])


TURNS = frozenset({"set_progress", "hint", "forget", "set_health"})
"""The writes behind which something is no more to be done."""


def around_turns(moments: Sequence[Moment]) -> list[int]:
    """Return the moments before and after these writes."""
    return [number for number, moment in enumerate(moments) if moment.verb in TURNS]


@budget("most", 3, None)
@courses
async def test_work_that_dies_is_made_up_for(name: str, most: int | None) -> None:
    """Killed wherever it has written something, it leaves nothing behind that later runs do not put right."""
    course = COURSES[name]
    worlds = await MemoryWorlds.after(course.scene)
    whole = await whole_course(worlds, course)
    at = {*spread(states(whole.moments), most), *spread(around_turns(whole.moments), most)}
    wrong = [await disturbed(worlds, course, number, cut, whole.end) for number in sorted(at)]

    assert [one for ones in wrong for one in ones] == []


async def dying_twice(worlds: Worlds, course: Course, first: int, second: int, end: Facts) -> list[str]:
    """Kill the work, and kill what makes up for it when the lease is over; say what is wrong in the end."""
    async with worlds.one() as world:
        await live_through(Line(world, at=first, do=cut, checked=False), course.work)
        world.clock.advance(minutes=5)
        line = Line(world, at=second, do=cut, checked=False)
        await live_through(line, course.work)
        await course.then(world)
        return [f"{first}, then {wrong}" for wrong in await verdict(line, [end])]


@budget("deaths", 2, 14)
@courses
async def test_work_that_dies_twice_is_made_up_for(name: str, deaths: int) -> None:
    """So does what is killed while it makes up for what another killed one has left."""
    course = COURSES[name]
    worlds = await MemoryWorlds.after(course.scene)
    whole = await whole_course(worlds, course)
    moments = spread(states(whole.moments)[4:-4], deaths)
    wrong = [await dying_twice(worlds, course, first, second, whole.end) for first in moments for second in moments]

    assert [one for ones in wrong for one in ones] == []


@pytest.mark.slow
@courses
async def test_work_that_dies_on_sqlite_is_made_up_for(name: str, tmp_path: Path) -> None:
    """What killed work had written to SQLite is there, what it had not is not, and later runs put it right."""
    course = COURSES[name]
    worlds = await SQLiteWorlds.after(course.scene, tmp_path)
    whole = await whole_course(worlds, course)
    wrong = [await disturbed(worlds, course, n, cut, whole.end) for n in spread(states(whole.moments), 25)]

    assert [one for ones in wrong for one in ones] == []


@budget("most", 3, None)
@courses
async def test_work_that_is_cancelled_is_made_up_for(name: str, most: int | None) -> None:
    """Cancelled in front of any call, it is as good as killed there."""
    course = COURSES[name]
    worlds = await MemoryWorlds.after(course.scene)
    whole = await whole_course(worlds, course)
    wrong = [await cancelled(worlds, course, number, whole.end) for number in spread(range(len(whole.moments)), most)]

    assert [one for ones in wrong for one in ones] == []


RUNS = ("settings that changed", "decisions that grew old", "credentials that are renewed")
"""What a runner does that can be overtaken by another, and that the other can finish."""


@budget("most", 3, 60)
@pytest.mark.parametrize("name", RUNS)
async def test_runner_that_is_overtaken_changes_nothing(name: str, most: int) -> None:
    """A runner that sleeps before a write or a call while another finishes changes no state and starts no call."""
    course = COURSES[name]
    worlds = await MemoryWorlds.after(course.scene)
    whole = await whole_course(worlds, course)
    wrong: list[str] = []
    for number in spread(telling(whole.moments), most):
        async with worlds.one() as world:
            late = await sleeping_at(world, number, meanwhile=nothing)
            wrong += [f"{late.line.where}: {one}" for one in await late.wrong()]
            await course.then(world)
            wrong += await verdict(late.line, [whole.end])

    assert wrong == []


async def nothing(_world: World) -> None:
    """Let nothing else happen."""


async def there_and_back(worlds: Worlds, number: int, end: Facts) -> list[str]:
    """Kill the first run under new settings, run under the former ones, and then under the new ones again."""
    async with worlds.one() as world:
        settings = world.shop.settings, world.market.settings
        line = Line(world, at=number, do=cut, checked=False)
        await live_through(line, running)
        world.clock.advance(minutes=5)
        before = former(world)
        set_up(world, (attrs.evolve(before[0], initial_from=world.clock.now() - timedelta(hours=4)), before[1]))
        await world.run()
        await world.run()
        world.clock.advance(minutes=1)
        set_up(world, settings)
        return await verdict(line, [end])


@budget("most", 5, None)
async def test_settings_may_change_back_and_forth(most: int | None) -> None:
    """Where settings return before all was read back under them, nothing that they would download is left out."""
    worlds = await MemoryWorlds.after(rules_change)
    whole = await undisturbed(worlds, running)
    at = {*spread(states(whole.moments), most), *spread(around_turns(whole.moments), most)}
    wrong = [await there_and_back(worlds, number, whole.end) for number in sorted(at)]

    assert [one for ones in wrong for one in ones] == []


async def strict_for_once(worlds: Worlds, number: int, end: Facts) -> list[str]:
    """Kill a run under strict settings, and let others run under the lenient ones, which had judged all before."""
    async with worlds.one() as world:
        line = Line(world, at=number, do=cut, checked=False)
        await live_through(line, running)
        world.clock.advance(minutes=30)
        set_up(world, changed(world))
        return await verdict(line, [end])


@budget("most", 5, None)
async def test_settings_may_be_strict_for_one_run_that_dies(most: int | None) -> None:
    """What a run has refused that died under other settings is downloaded under those that had judged all before it."""
    worlds = await MemoryWorlds.after(rules_are_strict)
    async with worlds.one() as world:
        line = Line(world)
        await running(line)
        moments = line.moments

    async def lenient(line: Line) -> None:
        line.world.clock.advance(minutes=30)
        set_up(line.world, changed(line.world))
        await line.run()

    whole = await undisturbed(worlds, lenient)
    assert whole.end[key_of("1047"), "state"] is OrderState.OPEN
    at = {*spread(states(moments), most), *spread(around_turns(moments), most)}
    wrong = [await strict_for_once(worlds, number, whole.end) for number in sorted(at)]

    assert [one for ones in wrong for one in ones] == []


async def test_replay_comes_to_what_runs_come_to() -> None:
    """What a replay takes out of quarantine is what the next runs would find, only sooner."""
    worlds = await MemoryWorlds.after(rules_change)
    replayed = await whole_course(worlds, COURSES["documents that are replayed"])
    run = await undisturbed(worlds, running)

    assert differences(run.end, replayed.end) == []
    async with worlds.one() as world:
        waiting = {one.reference for one in await world.storage.orders.quarantined(MARKET)}
        line = Line(world)
        await line.replay()
        left = {one.reference for one in await world.storage.orders.quarantined(MARKET)}
    assert waiting - left == {"2001", "2003", "2006", "2007", "2042"}
    assert left == {"2004", "2005", None}


async def test_settings_that_changed_end_as_they_should() -> None:
    """All that was refused is downloaded once nothing refuses it, also what no sweep and no scan shows any more."""
    end = (await undisturbed(await MemoryWorlds.after(rules_change), running)).end

    expected = dict.fromkeys(("1002", "1040", "1041", "1044", "2001", "2002", "2007", "2042"), OrderState.OPEN)
    expected |= {"1042": OrderState.PROCESSED, "1043": OrderState.CANCELLED, "2041": OrderState.CANCELLED}
    assert {reference: end[key_of(reference), "state"] for reference in expected} == expected
    assert {end[key_of(reference), "state"] for reference in ("2004", "2005")} == {None}


async def test_old_decisions_are_dropped() -> None:
    """A sweep forgets what was decided long ago about orders that are over, and what counted before it."""
    worlds = await MemoryWorlds.after(old_decisions)
    async with worlds.one() as world:
        orders = world.storage.orders
        before = [len(await orders.decision_history(key_of(one))) for one in ("1002", "1003", "1007", "1001")]
        await come_to_rest(world)
        after = [len(await orders.decision_history(key_of(one))) for one in ("1002", "1003", "1007", "1001")]

    assert (before[0] > 1, before[1:3], after) == (True, [1, 1], [1, 0, 0, 1])


async def hinting(line: Line) -> None:
    """Look at one order of the shop."""
    await line.hint(of_shop("1001"))


@pytest.mark.parametrize("work", [running, hinting])
async def test_credentials_that_are_renewed_are_no_trouble_any_more(work: Work) -> None:
    """The first run, or look at an order, in which the shop takes them works, and nothing tells of the trouble."""
    worlds = await MemoryWorlds.after(credentials_are_renewed)
    async with worlds.one() as world:
        line = Line(world)
        before = (await world.storage.journal.life([SHOP]))[SHOP]
        await work(line)
        after = (await world.storage.journal.life([SHOP]))[SHOP]

    assert (before.trouble, before.failures) == ("channel-auth", 1)
    assert (after.trouble, after.trouble_since, after.failures) == ("", None, 0)
    assert line.reports[0].channels[SHOP].status == "done"
