"""Every cause of a missing order, alone and beside every other: the first in order is the verdict, all are listed."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator

import pytest

from doctor.causes import CAUSES, KEY, REFERENCE, Cause, Scene, take
from ordersync import OrderState
from ordersync.testing import ManualClock
from runner.conftest import OpenStorage


@pytest.fixture
async def scene(clock: ManualClock, open_storage: OpenStorage) -> AsyncIterator[Scene]:
    """Open a shop whose first run has found nothing."""
    async with open_storage(clock) as storage:
        yield Scene(storage, clock)


async def bring_about(scene: Scene, *causes: Cause) -> None:
    """Let order 1001 be placed, and be missing for these causes.

    What happens to the channel comes before the order is read, unless something else needs it read.
    """
    kinds = {kind: [cause.step for cause in causes if cause.kind == kind] for kind in KINDS}
    if any(cause.words for cause in causes):
        scene.speak_words()
    await scene.run()
    scene.clock.advance(minutes=5)
    scene.shop.place(REFERENCE, lines={"MUG": 1})
    scene.placed_at = scene.clock.now()
    needs_reading = bool(kinds["order"] or kinds["person"] or kinds["screen"])
    first, last = ([], kinds["channel"]) if needs_reading else (kinds["channel"], [])
    for step in (*kinds["order"], *kinds["reading"], *first):
        await take(scene, step)
    if not any(cause.code == "NOT_READ_YET" for cause in causes):
        await scene.run()
    for step in (*kinds["person"], *kinds["screen"], *last):
        await take(scene, step)


KINDS = ("screen", "person", "channel", "order", "reading")


def fit(one: Cause, other: Cause) -> bool:
    """Say whether two causes can be at once."""
    if one.code in other.alone or other.code in one.alone:
        return False
    if other.code == "NOT_ON_CHANNEL" and one.kind == "order":
        return False
    stored = {"screen", "person"}
    kinds = {one.kind, other.kind}
    if kinds == {"screen", "person"}:
        return "DELETED_HERE" not in (one.code, other.code)
    return not (kinds & stored and kinds & {"order", "reading"})


PAIRS = [pair for pair in itertools.combinations(CAUSES, 2) if fit(*pair)]


def test_table_is_the_whole_of_it() -> None:
    """Nearly all pairs can be at once, and are tried."""
    assert len(PAIRS) > 100


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.code)
async def test_each_cause_is_named(scene: Scene, cause: Cause) -> None:
    """The verdict is the cause, with a sentence and a next step; only what hides a stored order leaves it stored."""
    await bring_about(scene, cause)

    found = await scene.explain()

    assert found.code == cause.code
    assert found.sentence
    assert found.next_step
    assert found.stored is (cause.kind in ("screen", "person") and cause.code != "DELETED_HERE")
    assert (found.bundle is not None) == (cause.code == "UNEXPLAINED")


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda cause: cause.code)
async def test_of_two_causes_the_first_wins(scene: Scene, one: Cause, other: Cause) -> None:
    """Of two causes at once the first in the order of the checks is the verdict, and the other is listed."""
    await bring_about(scene, one, other)

    found = await scene.explain()

    listed = [code for check in found.checks for code in check.codes]
    assert found.code == one.code
    assert other.code in listed
    assert set(found.causes) <= set(listed)


async def test_order_without_a_cause_is_here(scene: Scene) -> None:
    """An order that is open, and hidden by nothing, is said to be here."""
    await bring_about(scene)

    found = await scene.explain()

    assert (found.code, found.stored, found.causes, found.complete) == ("HERE", True, (), True)
    assert (await scene.storage.orders.get(KEY)).state is OrderState.OPEN
