"""Sweeps that suddenly show less than half of what was open (F17): reported, and nothing is concluded from them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ordersync import Event, OrderState, RunReport
from ordersync.model.events import SweepSuspicious
from ordersync.model.orders import ConflictCode
from ordersync.model.runs import EntryKind
from ordersync.sync.watch import SUSPECT_LOOKS
from ordersync.testing import FakeMarketplace
from runner.looking import REFERENCES, Blurred, Forgetful, ForgetfulBare, by_state, conflict_of, four_open, levels
from runner.world import SHOP, World, remarks

GONE = [("VANISHED", "Shop/north/1001")]
SUSPICIOUS = [("SWEEP_SUSPICIOUS", "sweep")]


async def all_facts(world: World) -> Sequence[object]:
    """Return every order, level and note that there is."""
    orders = await world.storage.orders.listed()
    notes = [await world.notes(order.key.reference) for order in orders]
    return [*orders, *notes, await world.level()]


async def suspected(world: World, shop: Forgetful | ForgetfulBare) -> tuple[RunReport, list[Event]]:
    """Let the channel answer with an empty list; nothing may come of it."""
    before, shown, told = await all_facts(world), dict(shop.levels), list[Event]()
    shop.hidden = REFERENCES
    report = await world.run_later(shop, world.market, observers=[told.append])
    assert await all_facts(world) == before
    assert shop.levels == world.market.levels == shown
    return report, told


@pytest.mark.parametrize("kind", [Forgetful, ForgetfulBare])
async def test_empty_sweep_releases_nothing(world: World, kind: type[Forgetful | ForgetfulBare]) -> None:
    """An empty answer where four were open (F17) is reported and written down; every order and level stays."""
    shop = by_state(kind, world)
    await four_open(world, shop)
    await world.run_later(shop, world.market)

    for _ in range(3):
        report, told = await suspected(world, shop)

        assert remarks(report.channels[SHOP], "suspicious") == SUSPICIOUS
        assert [(one.known, one.missing) for one in told if isinstance(one, SweepSuspicious)] == [(4, 4)]
        entry = (await world.journal(SHOP, EntryKind.SWEEP_JUDGED))[-1]
        assert (entry.code, entry.run_id) == ("SWEEP_SUSPICIOUS", report.run_id)
        assert "did not show 4 of 4 open orders" in entry.message
    shop.hidden = ()
    report = await world.run_later(shop, world.market)
    assert remarks(report.channels[SHOP], "suspicious") == remarks(report.channels[SHOP], "conflict") == []


@pytest.mark.parametrize("gone", [2, 3])
async def test_sweep_is_suspicious_without_more_than_half(world: World, gone: int) -> None:
    """Of four open orders two may be gone, each is named; without three of them the sweep is not believed."""
    shop: FakeMarketplace = by_state(FakeMarketplace, world)
    await four_open(world, shop)
    for reference in REFERENCES[:gone]:
        shop.remove(reference)

    report = await world.run_later(shop)

    assert remarks(report.channels[SHOP], "suspicious") == (SUSPICIOUS if gone == 3 else [])
    assert len(remarks(report.channels[SHOP], "conflict")) == (0 if gone == 3 else 2)
    assert report.channels[SHOP].looked_up == gone


async def test_orders_that_looks_find_ended_are_not_held_against_a_sweep(memory_world: World) -> None:
    """Where three of four were shipped or cancelled at once, the looks find them, and the sweep was right."""
    shop: FakeMarketplace = by_state(FakeMarketplace, memory_world)
    await four_open(memory_world, shop)
    shop.cancel("1001")
    shop.cancel("1002")
    shop.ship_by_hand("1003")

    report = await memory_world.run_later(shop)

    assert remarks(report.channels[SHOP], "suspicious") == []
    assert [(await memory_world.order(one)).state.value for one in REFERENCES] == [
        "cancelled",
        "cancelled",
        "open",
        "open",
    ]
    assert await conflict_of(memory_world, "1003") is ConflictCode.SHIPPED_ELSEWHERE
    report = await memory_world.run_later(shop)
    assert remarks(report.channels[SHOP], "suspicious") == []


async def test_suspicious_sweep_costs_few_looks(memory_world: World) -> None:
    """When more than half is missing only a few orders are looked up, and those that are gone are not named."""
    world = memory_world
    shop: FakeMarketplace = by_state(FakeMarketplace, world)
    for number in range(SUSPECT_LOOKS + 10):
        shop.place(f"{number:02}", lines={"MUG": 1})
    await world.run(shop)
    for number in range(SUSPECT_LOOKS + 10):
        shop.remove(f"{number:02}")

    report = await world.run_later(shop)

    assert report.channels[SHOP].looked_up == SUSPECT_LOOKS
    assert remarks(report.channels[SHOP], "suspicious") == SUSPICIOUS
    assert await world.desk.conflicts() == []


async def test_suspicious_sweep_between_two_others_does_not_count(world: World) -> None:
    """Where no order can be looked up, a sweep that is not believed neither names an order nor clears it."""
    shop: ForgetfulBare = by_state(ForgetfulBare, world)
    await four_open(world, shop)
    found = []

    for hidden in (["1001"], REFERENCES, ["1001"], ["1001"]):
        shop.hidden = hidden
        found.append(remarks((await world.run_later(shop)).channels[SHOP], "conflict"))

    assert found == [[], [], GONE, []]


async def test_suspicious_sweep_confirms_no_note(memory_world: World) -> None:
    """Where only sweeps tell that a parcel is known, an empty one confirms nothing; the next good one does."""
    shop: ForgetfulBare = by_state(ForgetfulBare, memory_world)
    await four_open(memory_world, shop)
    await memory_world.process("1001")
    await memory_world.run_later(shop)
    assert await memory_world.statuses("1001") == ["sent"]
    shop.hidden = REFERENCES

    report = await memory_world.run_later(shop)

    assert remarks(report.channels[SHOP], "suspicious") == SUSPICIOUS
    assert await memory_world.statuses("1001") == ["sent"]
    shop.hidden = ()
    await memory_world.run_later(shop)
    await memory_world.run_later(shop)
    assert await memory_world.statuses("1001") == ["confirmed"]


async def test_setting_touches_no_suspected_order(memory_world: World) -> None:
    """Whatever the settings say, an empty sweep cancels nothing."""
    shop: Forgetful = by_state(Forgetful, memory_world, vanished="cancel")
    await four_open(memory_world, shop)
    for reference in REFERENCES:
        shop.remove(reference)

    for _ in range(3):
        await memory_world.run_later(shop)

    assert {(await memory_world.order(one)).state for one in REFERENCES} == {OrderState.OPEN}
    assert await levels(memory_world) == (10, 8)


async def test_suspicion_ends_after_a_day(world: World) -> None:
    """Where all that was open is gone for a day, the sweeps are believed, and a person is asked."""
    shop: FakeMarketplace = by_state(FakeMarketplace, world)
    await four_open(world, shop)
    for reference in REFERENCES:
        shop.remove(reference)
    await world.run_later(shop)
    assert await world.desk.conflicts() == []

    report = await world.run_later(shop, minutes=25 * 60)

    assert remarks(report.channels[SHOP], "suspicious") == []
    assert [order.key.reference for order in await world.desk.conflicts()] == list(REFERENCES)
    assert await levels(world) == (10, 8)


@pytest.mark.parametrize(("seconds", "named"), [(-1, 0), (0, 4)])
async def test_day_of_suspicion_ends_to_the_second(memory_world: World, seconds: int, named: int) -> None:
    """A sweep that is a day younger than the last credible one is believed, one that is a second less is not."""
    shop: FakeMarketplace = by_state(FakeMarketplace, memory_world)
    await four_open(memory_world, shop)
    for reference in REFERENCES:
        shop.remove(reference)
    memory_world.clock.advance(hours=24, seconds=seconds)

    await memory_world.run(shop)

    assert len(await memory_world.desk.conflicts()) == named


async def test_order_that_may_be_among_unreadable_ones_has_not_vanished(memory_world: World) -> None:
    """Where documents cannot be told apart from any order, nobody concludes that one of the orders is not there."""
    shop: Blurred = by_state(Blurred, memory_world)
    await four_open(memory_world, shop)
    shop.blurred = ["1001"]
    for _ in range(3):
        await memory_world.run_later(shop)
    assert await memory_world.desk.conflicts() == []

    shop.blurred, shop.hidden = [], ["1001"]
    found = [remarks((await memory_world.run_later(shop)).channels[SHOP], "conflict") for _ in range(2)]

    assert found == [GONE, []]
