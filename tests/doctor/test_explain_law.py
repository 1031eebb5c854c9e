"""What a true answer is: the causes that it names keep the order out of the store, all of them, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest
from hypothesis import HealthCheck, currently_in_test_context, given, note, settings
from hypothesis import strategies as st

from ordersync import Storage
from ordersync.storage.memory import MemoryStorage
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.testing import ManualClock

from .law_cures import CANNOT_BE_LEFT, Patient, cure, next_run
from .law_oracle import Truth, nothing_is_new, truth_of
from .law_steps import ACTS, Act, Decide, Desk, Hint, Link, Place, Run, Switch, Wait
from .law_world import GIFT, TEST, WORDS, OpenStorage, Script, Setup, Step, Wishes, lived

MOST_ORDERS = 4

orders = st.integers(0, MOST_ORDERS - 1)
places = st.sampled_from([None, "north", "south"])
mappings = st.sampled_from([None, WORDS, {**WORDS, GIFT: "paid"}, {**WORDS, TEST: "paid", GIFT: "unpaid"}])
seldom = st.sampled_from([False, False, False, True])
mostly = st.sampled_from([True, True, True, False])
served = st.sampled_from([None, None, None, frozenset({"north"}), frozenset({"north", "south"})])
decisions = st.one_of(
    st.builds(Decide, st.sampled_from(["unpaid", "shipped", "cancelled", "late", "boxes"]), st.booleans()),
    st.builds(Decide, st.just("places"), served),
    st.builds(Decide, st.just("words"), mappings),
)
placing = st.builds(Place, paid=mostly, box=seldom, place=places, old=seldom, hidden=seldom)
happening: st.SearchStrategy[Step] = st.one_of(
    placing,
    st.builds(Act, orders, st.sampled_from(sorted({*ACTS} - {"show"}))),
    st.builds(Act, orders, st.sampled_from(["pay", "pay silently", "ship", "ship", "cancel", "spoil"])),
    st.builds(Run, seldom),
    st.just(Run()),
    st.just(Run()),
    st.builds(Hint, orders),
    st.builds(Link, st.sampled_from(["up", "down", "refused"])),
    st.builds(Switch, mostly),
    decisions,
    decisions,
    st.builds(Desk, orders, st.just("delete")),
    st.builds(Desk, orders, st.sampled_from(["delete", "restore", "process", "cancel"])),
    st.builds(Wait, st.sampled_from([0.5, 2, 15, 90, 60 * 20, 60 * 24 * 4])),
)
wishes = st.builds(
    Wishes,
    unpaid=seldom,
    shipped=seldom,
    cancelled=seldom,
    late=seldom,
    boxes=mostly,
    places=served,
    words=mappings,
)
setups = st.builds(
    Setup,
    lookup=st.sampled_from([True, True, False]),
    scan=st.sampled_from(["updated", "updated", "state", "both"]),
    words=st.booleans(),
    in_order=st.booleans(),
)


@st.composite
def scripts(draw: st.DrawFn, most: int) -> Script:
    """Draw a world and what happens in it."""
    setup, wanted = draw(setups), draw(wishes)
    first = draw(st.lists(placing, min_size=1, max_size=2))
    steps = draw(st.lists(happening, min_size=3, max_size=most))
    if not setup.words:
        wanted = attrs.evolve(wanted, words=None)
        steps = [step for step in steps if not (isinstance(step, Decide) and step.what == "words")]
    return Script(setup=setup, wishes=wanted, steps=(*first, *steps))


async def holds(script: Script, open_storage: OpenStorage) -> None:
    """See that what the doctor says of every order of a script is true."""
    async with lived(script, open_storage) as world:
        placed = len(world.shop.orders)
    for number in range(placed):
        await holds_for(script, number, open_storage)


async def holds_for(script: Script, number: int, open_storage: OpenStorage, *, again: bool = True) -> None:
    """See that what the doctor says of one order is true."""
    async with lived(script, open_storage) as world:
        reference = list(world.shop.orders)[number]
        patient, stored = Patient.of(world, number), await world.is_stored(reference)
        by_heart = await world.explain(reference, live=False)
        told = await world.explain(reference, live=True)
        if currently_in_test_context():
            note(f"{reference}: {told}")
        assert by_heart.stored == told.stored == stored
        if stored:
            assert not told.causes
            return
        truth, same = await truth_of(world, reference), await nothing_is_new(world, reference)
    assert not same or (by_heart.complete, set(by_heart.causes)) == (True, set(told.causes))
    if truth.knowable:
        assert told.complete
        await _is_true(script, patient, frozenset(told.causes), truth, open_storage)
    elif again:
        seen = script.then([*cure(patient, truth.causes & CHANNEL_WIDE), *next_run(patient, ())])
        await holds_for(seen, number, open_storage, again=False)


CHANNEL_WIDE = frozenset({"CHANNEL_DISABLED", "STATUS_MAPPING_MISSING", "NOT_CONNECTED", "AUTH_FAILED"})


async def _is_true(
    script: Script, patient: Patient, told: frozenset[str], truth: Truth, open_storage: OpenStorage
) -> None:
    """Compare what was told with the truth, then remove the causes: all of them, and all but one."""
    if "NOT_ON_CHANNEL" in truth.causes:
        assert truth.causes <= told <= truth.causes | truth.perhaps
        assert not await _stored(script, patient, truth.causes, open_storage)
        return
    causes = truth.causes | truth.behind
    by_itself = await _stored(script, patient, causes, open_storage)
    if not by_itself or ("NOT_SHOWN" in told and patient.may_be_read_beside):
        if patient.fixed and patient.out_of_sight and "STATUS_UNKNOWN" in causes:
            return
        causes = causes - {"NOT_READ_YET", "UNEXPLAINED"} | {"NOT_SHOWN"}
        assert await _stored(script, patient, causes, open_storage), f"{sorted(causes)} were removed, and it is out"
    unseen = truth.behind | ({"NOT_SHOWN"} if "UNREADABLE" in causes else set())
    expected = causes - unseen
    assert expected <= told <= expected | truth.perhaps, f"{sorted(told)} was told, {sorted(expected)} is true"
    for left in sorted(told - CANNOT_BE_LEFT):
        kept_out = not await _stored(script, patient, causes - {left}, open_storage, rested=left != "CHANNEL_RESTING")
        assert kept_out, f"{left} was left, and the order is in the store"


async def _stored(
    script: Script, patient: Patient, causes: frozenset[str], open_storage: OpenStorage, *, rested: bool = True
) -> bool:
    """Live through a script, remove some causes, run, and say whether the order is stored then."""
    steps = [*cure(patient, causes), *next_run(patient, causes, rested=rested)]
    async with lived(script.then(steps), open_storage) as world:
        return await world.is_stored(list(world.shop.orders)[patient.number])


@contextlib.asynccontextmanager
async def in_memory(clock: ManualClock) -> AsyncIterator[Storage]:
    """Open a storage in memory."""
    async with MemoryStorage(clock=clock) as storage:
        yield storage


@contextlib.asynccontextmanager
async def on_sqlite(clock: ManualClock) -> AsyncIterator[Storage]:
    """Open a fresh file."""
    with tempfile.TemporaryDirectory() as folder:
        async with SQLiteStorage(Path(folder) / "law.db", clock=clock) as storage:
            yield storage


def budget(examples: int) -> settings:
    """Return so many worlds, the same in every run of the suite."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


BASE: tuple[Step, ...] = (Place(), Wait(2))
STATE = Setup(scan="state")
LATER = Wait(20)
ANOTHER: tuple[Step, ...] = (LATER, Place(), Run())
MORE: tuple[Step, ...] = (Place(), Place(), Place())

FOUND: dict[str, Script] = {
    "mended where stamps tell nothing": Script(
        setup=STATE, wishes=Wishes(), steps=(*BASE, Act(0, "spoil"), Run(), Wait(2), Act(0, "mend"))
    ),
    "left out once where stamps tell nothing": Script(
        setup=STATE, wishes=Wishes(), steps=(*BASE, Act(0, "cancel"), Run(), Wait(2), Act(0, "revive"))
    ),
    "cancelled under a word that nobody knows": Script(
        setup=Setup(words=True), wishes=Wishes(), steps=(Place(), Act(0, "cancel"), Run(), Wait(90))
    ),
    "seen before the first reading, and cancelled": Script(
        setup=Setup(), wishes=Wishes(boxes=False), steps=(Place(box=True), Hint(0), Act(0, "cancel"))
    ),
    "hidden, and shipped long before it was asked for": Script(
        setup=Setup(), wishes=Wishes(), steps=(Place(hidden=True), Wait(2), Act(0, "ship"), *ANOTHER, *ANOTHER, Wait(2))
    ),
    "refused by a look under settings that are given up again": Script(
        setup=Setup(),
        wishes=Wishes(shipped=True),
        steps=(
            *BASE,
            Act(0, "ship"),
            *ANOTHER,
            LATER,
            Run(),
            Decide("shipped", value=False),
            Hint(0),
            LATER,
            Decide("shipped", value=True),
        ),
    ),
    "refused by a reading that was cut, under settings that are given up again": Script(
        setup=Setup(in_order=True),
        wishes=Wishes(shipped=True),
        steps=(
            *BASE,
            Run(),
            Decide("shipped", value=False),
            LATER,
            Place(),
            Act(1, "ship"),
            LATER,
            *MORE,
            Run(cut=True),
            Decide("shipped", value=True),
            LATER,
        ),
    ),
    "shipped before it was seen, and overtaken": Script(
        setup=Setup(), wishes=Wishes(), steps=(*BASE, Run(), LATER, Place(), Act(1, "ship"), Run(), *ANOTHER, *ANOTHER)
    ),
    "shipped before it was seen, and looked up where stamps tell nothing": Script(
        setup=STATE, wishes=Wishes(), steps=(*BASE, Act(0, "ship"), Run(), Hint(0), LATER)
    ),
    "shipped before it was seen, by a check refused, and overtaken": Script(
        setup=Setup(),
        wishes=Wishes(shipped=True, boxes=False),
        steps=(*BASE, Run(), LATER, Place(box=True), Act(1, "ship"), Run(), *ANOTHER, *ANOTHER),
    ),
    "shipped before it was seen, too old, and overtaken": Script(
        setup=Setup(),
        wishes=Wishes(shipped=True, late=True),
        steps=(*BASE, Run(), LATER, Place(old=True), Act(1, "ship"), Run(), *ANOTHER, *ANOTHER),
    ),
    "resting, and still away": Script(
        setup=Setup(), wishes=Wishes(), steps=(Place(paid=False), Wait(2), Run(), Link("down"), Run(), Run(), Run())
    ),
}
"""Worlds in which an answer was not true once."""


@pytest.mark.parametrize("name", FOUND)
async def test_it_is_true_where_it_was_not_once(name: str) -> None:
    """Each world of this list has shown a wrong answer, or an order that no run came back to."""
    await holds(FOUND[name], in_memory)


@budget(40)
@given(script=scripts(14))
def test_what_the_doctor_says_is_true(script: Script) -> None:
    """Causes that are named keep an order out, each of them, and once all are removed it is stored."""
    asyncio.run(holds(script, in_memory))


@budget(5)
@given(script=scripts(10))
def test_it_is_true_on_sqlite(script: Script) -> None:
    """The same holds on SQLite."""
    asyncio.run(holds(script, on_sqlite))


@pytest.mark.slow
@pytest.mark.timeout(600)
@budget(1500)
@given(script=scripts(30))
def test_it_is_true_of_long_histories(script: Script) -> None:
    """The same holds after long histories."""
    asyncio.run(holds(script, in_memory))
