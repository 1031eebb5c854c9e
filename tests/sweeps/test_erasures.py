"""Rule of erasure: whatever runs write meanwhile, nobody's name comes back, and nothing else is otherwise."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from ordersync import OrderKey
from sweeps.erasures import but_for_erasures, erase_all, is_left
from sweeps.facts import Facts, differences, facts_of
from sweeps.lines import Line
from sweeps.new_life import key_of, lives_at_rest, strange_day
from sweeps.rest import come_to_rest
from sweeps.sweeping import Undisturbed, Work, broken_law, budget, cut, live_through, running, spread, undisturbed
from sweeps.test_cancels import cancelled_in_flight
from sweeps.test_late_runners import sleeping_at, telling
from sweeps.twins import MemoryWorlds, SQLiteWorlds, Worlds
from sweeps.verbs import at_a_desk, erase, idling, purge
from sweeps.world import World

REFERENCES = (
    *("1120", "1121", "1130", "2130"),  # new to us, when the run begins
    *("1001", "1101", "1102", "1103", "2001", "2102"),  # open, held, locked at a desk that died, parked, in parcels
    *("1106", "1107", "2104"),  # tombstones, one being restored
    *("1108", "1109", "1110", "1112", "2101", "2106"),  # lose pieces, sent by others, edited after they left
    *("1114", "2120", "1901", "2901", "2006", "2003"),  # vanished, sent by the channel itself, refused, untracked
    *("1002", "1003", "2004", "2005"),  # waiting for money, mended just now, still in quarantine
)
"""Orders in every place that there is, by their numbers."""


def keys_of(world: World) -> list[OrderKey]:
    """Return the orders that are erased, as far as a channel has them."""
    shown = {OrderKey(market.id, reference) for market in world.marketplaces for reference in market.orders}
    return [key for key in map(key_of, REFERENCES) if key in shown]


async def what_is_wrong(world: World, keys: Collection[OrderKey], end: Facts) -> list[str]:
    """Come to rest, say what is left of erased orders, and what is otherwise than without the erasure."""
    broken = await broken_law(world)
    left = [one for key in keys for one in await is_left(world, key)]
    differ = differences(but_for_erasures(end), but_for_erasures(await facts_of(world)))
    return [*([broken] if broken else []), *left, *differ]


async def half_a_day_passes(world: World) -> None:
    """Let sweeps and looks come once more: what a run would conclude of an order that is written meanwhile waits."""
    world.clock.advance(hours=13)
    await come_to_rest(world)


async def a_long_run(line: Line) -> None:
    """Run until nothing is due, and once more when half a day has passed."""
    await line.run()
    await come_to_rest(line.world)
    await half_a_day_passes(line.world)


async def the_run_and_its_end(worlds: Worlds) -> Undisturbed:
    """Return the moments of one run, and how things stand half a day later when nobody erases anything."""
    whole = await undisturbed(worlds, a_long_run)
    return Undisturbed((await undisturbed(worlds, running)).moments, whole.end)


async def erased_at(worlds: Worlds, number: int, end: Facts, *, every: int = 1) -> list[str]:
    """Erase orders, or every so many of them, at one moment of a run, and once more when all is at rest."""

    async def meanwhile(line: Line) -> None:
        await erase_all(line.world, keys_of(line.world)[::every])

    async with worlds.one() as world:
        line = Line(world, at=number, do=meanwhile)
        await line.run()
        wrong = [broken] if (broken := await broken_law(world)) else []
        await half_a_day_passes(world)
        keys = keys_of(world)[::every]
        await erase_all(world, keys)
        wrong += await what_is_wrong(world, keys, end)
        return [f"{line.where}: {one}" for one in wrong]


@budget("most", 5, None)
async def test_orders_may_be_erased_at_any_moment_of_a_run(most: int | None) -> None:
    """What a run has read before the erasure brings no buyer back when it is written, and all else goes its way."""
    worlds = await MemoryWorlds.after(strange_day)
    whole = await the_run_and_its_end(worlds)
    before = [number for number, one in enumerate(whole.moments) if one.when == "before" and one.place == "orders"]
    wrong = [await erased_at(worlds, number, whole.end) for number in spread(before, most)]

    assert [one for ones in wrong for one in ones] == []


@budget("most", 1, 12)
async def test_orders_may_be_erased_in_the_middle_of_a_run_on_sqlite(most: int, tmp_path: Path) -> None:
    """The same on SQLite."""
    worlds = await SQLiteWorlds.after(strange_day, tmp_path)
    whole = await the_run_and_its_end(worlds)
    pages = [number for number, one in enumerate(whole.moments) if one.when == "before" and one.verb == "save_page"]
    some = spread(pages, most) if most > 1 else pages[1:2]
    wrong = [await erased_at(worlds, number, whole.end, every=1 if most > 1 else 6) for number in some]

    assert [one for ones in wrong for one in ones] == []


@budget("most", 2, 30)
async def test_runner_that_wakes_late_brings_no_buyer_back(most: int) -> None:
    """A runner that was overtaken, and wakes after orders were erased, writes nothing of their buyers."""
    worlds = await MemoryWorlds.after(strange_day)
    whole = await undisturbed(worlds, running)
    wrong: list[str] = []

    async def meanwhile(world: World) -> None:
        await come_to_rest(world)
        await erase_all(world, keys_of(world))

    for number in spread(telling(whole.moments), most):
        async with worlds.one() as world:
            late = await sleeping_at(world, number, meanwhile=meanwhile)
            found = [*await late.wrong(), *await what_is_wrong(world, keys_of(world), whole.end)]
            wrong += [f"{late.line.where}: {one}" for one in found]

    assert wrong == []


async def test_channels_may_show_erased_orders_again() -> None:
    """An order that its channel changes after it was erased is followed, and stays nobody's."""
    worlds = await MemoryWorlds.after(lives_at_rest)

    async def life(world: World, *, erased: bool) -> Facts:
        if erased:
            await erase_all(world, keys_of(world))
        world.clock.advance(minutes=7)
        world.shop.edit("1001", {"MUG-S": 1})
        world.shop.pay("1002")
        world.shop.cancel("1103")
        world.market.set_status("2005", None)
        world.market.spoil("2004")
        world.market.set_status("2001", "Odd")
        world.clock.advance(minutes=2)
        await come_to_rest(world)
        return await facts_of(world)

    async with worlds.one() as other:
        without = await life(other, erased=False)
    async with worlds.one() as world:
        await life(world, erased=True)
        assert await what_is_wrong(world, keys_of(world), without) == []


async def cut_and_repeated(worlds: Worlds, work: Work, number: int, ends: Sequence[Facts]) -> list[str]:
    """Let a desk die in an erasure, and another do it again: nothing is told twice, and nothing is left."""
    without, whole = ends
    async with worlds.one() as world:
        line = Line(world, at=number, do=cut, checked=False)
        await live_through(line, work)
        wrong = differences(but_for_erasures(without), but_for_erasures(await facts_of(world)))
        again = Line(world)
        await work(again)
        wrong += differences(whole, await facts_of(world))
        gone = [
            name[0] for name, value in whole.items() if isinstance(name, tuple) and name[1:] == ("erased",) and value
        ]
        wrong += [one for key in gone if isinstance(key, OrderKey) for one in await is_left(world, key)]
        assert gone
        return [f"{line.where}: {one}" for one in wrong]


ERASURES = {"erase": erase("1001"), "erase what waits in quarantine": erase("2005"), "purge": purge}


@pytest.mark.parametrize("name", ERASURES)
async def test_erasure_that_dies_and_is_repeated_is_told_once(name: str) -> None:
    """A desk may die between the journal and the store: repeated, all is gone, and each order is told of once."""
    worlds, work = await MemoryWorlds.after(lives_at_rest), at_a_desk(ERASURES[name])
    without, whole = await undisturbed(worlds, idling), await undisturbed(worlds, work)
    moments = range(len(whole.moments))
    wrong = [await cut_and_repeated(worlds, work, number, [without.end, whole.end]) for number in moments]

    assert [one for ones in wrong for one in ones] == []


@pytest.mark.parametrize("name", ["erase", "erase what waits in quarantine"])
async def test_erasure_that_is_cancelled_is_done_or_was_never_begun(name: str) -> None:
    """An erasure whose task is cancelled anywhere leaves an order as it was, or nobody's."""
    worlds, work = await MemoryWorlds.after(lives_at_rest), at_a_desk(ERASURES[name])
    without, whole = await undisturbed(worlds, idling), await undisturbed(worlds, work)
    moments = range(len(whole.moments))
    wrong = [await cancelled_in_flight(worlds, work, number, [without.end, whole.end]) for number in moments]

    assert without.end != whole.end
    assert [one for ones in wrong for one in ones] == []


async def test_purge_of_all_leaves_nobody_who_has_ended() -> None:
    """A purge without any delay erases every order that has ended, empties the quarantine, and asks for no other."""
    worlds = await MemoryWorlds.after(lives_at_rest)
    async with worlds.one() as world:
        world.clock.advance(minutes=1)
        number = await world.desk.purge(older_than=timedelta(0))
        end = await facts_of(world)

        told = {name[0]: value for name, value in end.items() if isinstance(name, tuple) and name[1:] == ("erased",)}
        live = {key for key, erased in told.items() if erased and end[key, "state"] in ("new", "open", None)}
        assert (number, live) == (sum(map(bool, told.values())), set())
        assert number > 5
        for market in world.marketplaces:
            assert {one.payload for one in await world.storage.orders.quarantined(market.id)} <= {b""}
        assert await world.desk.purge(older_than=timedelta(0)) == 0
