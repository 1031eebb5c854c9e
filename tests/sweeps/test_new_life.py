"""L9, L11: runs that meet everything that may become of an order end where an undisturbed one does, wherever cut."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from ordersync import OrderKey, OrderState
from ordersync.model.dispatch import NoteStatus
from ordersync.model.orders import ConflictCode
from sweeps.facts import Facts
from sweeps.life_laws import who_waits_is_watched
from sweeps.lines import Line, Moment
from sweeps.new_life import HINTED, hinting, key_of, lives_at_rest, strange_day
from sweeps.rest import come_to_rest
from sweeps.sweeping import (
    Undisturbed,
    broken_law,
    budget,
    cut,
    live_through,
    running,
    spread,
    states,
    sweep,
    undisturbed,
    verdict,
)
from sweeps.test_cancels import cancelled
from sweeps.test_crashes import die_and_die_again
from sweeps.test_late_runners import sleeping_at, telling
from sweeps.test_lost_answers import LOST, losing
from sweeps.test_two_runners import joined_at
from sweeps.twins import MemoryWorlds, SQLiteWorlds, Worlds
from sweeps.world import World, of_market, of_shop


async def worlds_and_run() -> tuple[Worlds, Undisturbed]:
    """Return worlds after the strange day, and how a run goes there."""
    worlds = await MemoryWorlds.after(strange_day)
    return worlds, await undisturbed(worlds, running)


async def test_strange_day_ends_as_it_should() -> None:
    """The end that others are compared with is the right one, as far as it can be told in a few words."""
    _, whole = await worlds_and_run()
    end = whole.end

    numbers = ("1106", "1107", "1109", "1110", "1112", "1115", "1121", "2101", "2102", "2104", "2105", "2120")
    states_of = {one: end[key_of(one), "state"] for one in numbers}
    assert {one for one, state in states_of.items() if state is OrderState.DELETED} == {"1106", "1115", "2104"}
    assert {one for one, state in states_of.items() if state is OrderState.CANCELLED} == {"1121", "2120"}
    assert {one for one, state in states_of.items() if state is OrderState.PROCESSED} == {"1109", "1112", "2101"}
    assert {one for one, state in states_of.items() if state is OrderState.OPEN} == {"1107", "1110", "2102", "2105"}
    for reference, code in CONFLICTS.items():
        conflict = end[key_of(reference), "conflict"]
        assert isinstance(conflict, tuple)
        assert conflict[0] is code
    assert end[of_market("2101"), "elsewhere", "status"] is NoteStatus.CONFIRMED
    assert end[of_market("2001"), "holds"] == {}
    assert end[of_market("2102"), "holds"] == {("MUG", "depot"): 1, ("LID", "depot"): 2}
    assert end[of_shop("1130"), "holds"] == {("LID", "main"): 1}


CONFLICTS = {
    "1112": ConflictCode.EDITED_AFTER_PROCESSING,
    "1114": ConflictCode.VANISHED,
    "1115": ConflictCode.SHIPPED_ELSEWHERE,
    "2006": ConflictCode.CANCELLED_AFTER_PROCESSING,
    "2106": ConflictCode.EDITED_AFTER_PROCESSING,
    "2107": ConflictCode.PARTIALLY_REFUNDED,
}
"""What is left to people."""


@budget("most", 6, None)
async def test_run_that_dies_on_a_strange_day_is_made_up_for(most: int | None) -> None:
    """A run killed wherever it has written something leaves nothing behind that later runs do not put right."""
    worlds, whole = await worlds_and_run()

    at = spread(states(whole.moments), most)
    assert await sweep(worlds, running, cut, at=at, ends=[whole.end]) == []


def looks(moments: Sequence[Moment]) -> list[int]:
    """Return the moments around looks at single orders."""
    return [number for number, moment in enumerate(moments) if moment.verb == "fetch_order"]


@budget("step", 7)
async def test_look_that_is_not_answered_is_made_up_for(step: int) -> None:
    """A look at an order that finds nobody there changes nothing in the end: the next run looks again."""
    worlds, whole = await worlds_and_run()

    at = looks(whole.moments)[::step]
    assert await sweep(worlds, running, losing(LOST["silence"]), at=at, ends=[whole.end]) == []


@budget("step", 5)
async def test_look_that_is_not_understood_concludes_nothing(step: int) -> None:
    """An order is not taken for vanished because its channel's answer could not be read."""
    worlds, whole = await worlds_and_run()
    wrong: list[str] = []
    for number in looks(whole.moments)[1::step]:
        async with worlds.one() as world:
            line = Line(world, at=number, do=losing(LOST["nonsense"]))
            await line.run()
            broken = await broken_law(world)
            wrong += [f"{line.where}: {broken}"] if broken else []

    assert wrong == []


@pytest.mark.slow
async def test_run_that_dies_twice_on_a_strange_day_is_made_up_for() -> None:
    """So does one that is killed while it puts right what another has left."""
    worlds, whole = await worlds_and_run()
    moments = spread(states(whole.moments), 12)
    wrong = [await die_and_die_again(worlds, first, second, whole.end) for first in moments for second in moments]

    assert [one for ones in wrong for one in ones] == []


@pytest.mark.slow
async def test_run_that_dies_on_a_strange_day_on_sqlite_is_made_up_for(tmp_path: Path) -> None:
    """The same on SQLite."""
    worlds = await SQLiteWorlds.after(strange_day, tmp_path)
    whole = await undisturbed(worlds, running)

    at = spread(states(whole.moments), 40)
    assert await sweep(worlds, running, cut, at=at, ends=[whole.end]) == []


@budget("stride", 300, 4)
async def test_run_that_is_cancelled_on_a_strange_day_is_made_up_for(stride: int) -> None:
    """A run cancelled after any number of turns of the loop raises that, and later runs put it right."""
    worlds, whole = await worlds_and_run()
    wrong: list[str] = []
    turns = stride // 2
    while True:
        async with worlds.one() as world:
            if not await cancelled(world, turns, None):
                break
            wrong += await verdict(Line(world), [whole.end])
        turns += stride

    assert turns > stride
    assert wrong == []


@budget("step", 150, 9)
async def test_two_runners_on_a_strange_day_are_as_good_as_one(step: int) -> None:
    """A second runner that joins at any moment changes nothing in the end."""
    worlds, whole = await worlds_and_run()
    wrong = [await joined_at(worlds, number, whole.end) for number in range(step // 2, len(whole.moments), step)]

    assert [one for ones in wrong for one in ones] == []


@budget("most", 3, 60)
async def test_runner_that_is_overtaken_on_a_strange_day_changes_nothing(most: int) -> None:
    """One that sleeps before a write or a call while another finishes changes no state and starts no call."""
    worlds, whole = await worlds_and_run()
    wrong: list[str] = []
    for number in spread(telling(whole.moments), most):
        async with worlds.one() as world:
            late = await sleeping_at(world, number, meanwhile=_nothing)
            wrong += [f"{late.line.where}: {one}" for one in await late.wrong()]
            wrong += await verdict(late.line, [whole.end])

    assert wrong == []


async def _nothing(world: World) -> None:
    """Let nothing else happen."""


@budget("most", 4, None)
async def test_hint_that_dies_is_made_up_for(most: int | None) -> None:
    """A look that is killed anywhere, and later runs, end where runs without any hint do."""
    worlds, whole = await worlds_and_run()
    hinted = await undisturbed(worlds, hinting)

    assert hinted.end == whole.end
    at = spread(states(hinted.moments), most)
    assert await sweep(worlds, hinting, cut, at=at, ends=[whole.end]) == []


async def hinted_at(worlds: Worlds, number: int, reference: str, ends: Sequence[Facts]) -> list[str]:
    """Let somebody hint at an order in the middle of a run."""
    async with worlds.one() as world:
        looks: list[asyncio.Task[None]] = []

        async def hint(line: Line) -> None:
            looks.append(asyncio.create_task(Line(world).hint(of_market(reference))))

        line = Line(world, at=number, do=hint)
        await live_through(line, running)
        await looks[0]
        return await verdict(line, ends)


@budget("step", 200, 12)
async def test_hint_may_come_at_any_moment_of_a_run(step: int) -> None:
    """A look at an order while a run holds its channel, or has just let it go, changes nothing in the end."""
    worlds, whole = await worlds_and_run()
    wrong = [
        await hinted_at(worlds, number, HINTED[number % len(HINTED)], [whole.end])
        for number in range(step // 2, len(whole.moments), step)
    ]

    assert [one for ones in wrong for one in ones] == []


async def test_run_after_a_strange_day_is_idle() -> None:
    """Conflicts that wait for a person cost a run no write to a channel, and change nothing."""
    worlds = await MemoryWorlds.after(lives_at_rest)
    async with worlds.one() as world:
        before = [(len(market.levels_applied), len(market.notes_received)) for market in world.marketplaces]
        world.clock.advance(minutes=20)
        await come_to_rest(world)
        after = [(len(market.levels_applied), len(market.notes_received)) for market in world.marketplaces]

    assert after == before


async def test_watch_list_is_left_by_who_waits_for_nothing() -> None:
    """After the longest interval between two looks, nobody is watched who has ended or waits for nothing."""
    worlds = await MemoryWorlds.after(lives_at_rest)
    async with worlds.one() as world:
        world.clock.advance(hours=13)
        await come_to_rest(world)
        for market in world.marketplaces:
            keys = [OrderKey(market.id, reference) for reference in market.orders]
            stored = {key.reference: order for key, order in (await world.storage.orders.load(keys)).items()}
            orders, now = world.storage.orders, world.clock.now()
            assert await who_waits_is_watched(orders, market, stored, now=now) == set()
