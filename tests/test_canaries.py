"""Nothing that speaks ever says who bought, and what was erased is nowhere."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import attrs
import pytest

from canaries import KINDS, Words
from canaries_hearing import Hearing, hear_commands, hear_everything
from canaries_story import BY, FATES, Story, bytes_of, leaves
from ordersync.errors import ChannelRejectedError
from ordersync.model.ids import OrderKey
from ordersync.model.orders import OrderState
from ordersync.model.runs import EntryKind
from ordersync.storage.memory import MemoryStorage
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.testing import ManualClock
from runner.world import MARKET, SHOP

REFERENCES = [f"{fate}-{number}" for fate in FATES for number in (1, 2)]

SPEAKERS = {
    "report", "event", "error", "stored", "history", "decision", "notes", "quarantine", "progress", "listings",
    "journal", "life", "storage", "OrderPage", "ChannelOrder", "UnreadableOrder", "Marked", "ChannelSettings",
    "page-work", "market-order", "refusal", "explain", "timeline", "simulate", "lint", "reconcile", "why-quantity",
    "replay", "stock-history", "health", "bundle",
}  # fmt: skip


@pytest.fixture(params=["memory", "sqlite"])
async def story(
    request: pytest.FixtureRequest, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Story]:
    """Tell the story on a storage, and let the database's own client tell all it can."""
    caplog.set_level(logging.DEBUG, logger="aiosqlite")
    clock = ManualClock()
    storage = MemoryStorage(clock=clock) if request.param == "memory" else SQLiteStorage(tmp_path / "s.db", clock=clock)
    async with storage:
        story = Story(storage, clock)
        async with story.world.shop, story.world.market:
            await story.tell()
            assert any(isinstance(error, asyncio.CancelledError) for error in story.errors)
            yield story


def told_of(story: Story, hearing: Hearing) -> dict[str, list[str]]:
    """Return who named a canary, and of which orders."""
    told = {who: story.marks.found(text, REFERENCES) for who, text in hearing.said.items()}
    ours = Words(KINDS)
    told |= {who: told[who] + ours.found(text) for who, text in hearing.said.items()}
    return {who: orders for who, orders in told.items() if orders}


async def test_nobody_says_who_bought(story: Story, caplog: pytest.LogCaptureFixture) -> None:
    """No report, event, error, record, journal, answer of the doctor or bundle holds a word of a buyer."""
    hearing = await hear_everything(story)
    hearing.hear("log", caplog.text)

    assert hearing.kinds() >= SPEAKERS
    assert told_of(story, hearing) == {}


async def test_loop_that_tells_of_its_callbacks_tells_nobody() -> None:
    """A loop in debug mode, which logs each callback with its arguments, says no word of a buyer; the guard listens."""
    clock, loop = ManualClock(), asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0
    async with MemoryStorage(clock=clock) as storage:
        story = Story(storage, clock)
        async with story.world.shop, story.world.market:
            await story.tell()

    assert story.reports


async def test_command_line_does_not_say_who_bought(tmp_path: Path) -> None:
    """Neither ``ordersync doctor`` with its bundle nor ``ordersync explain`` prints a word of a buyer."""
    clock, path, hearing = ManualClock(), tmp_path / "s.db", Hearing()
    async with SQLiteStorage(path, clock=clock) as storage:
        story = Story(storage, clock)
        async with story.world.shop, story.world.market:
            await story.tell()
    await hear_commands(path, hearing)

    assert len(hearing.said) == 4
    assert "unreadable-later-1" in hearing.said["1 command"]
    assert told_of(story, hearing) == {}


def kept_of(story: Story, folder: Path, number: int) -> list[str]:
    """Return the first, or the second, of each pair of orders of which anything is kept that must not be said."""
    everything = "\n".join([*leaves(vars(story.storage.orders)), bytes_of(folder)])
    return story.marks.found(everything, dict.fromkeys(key.reference for key in story.keys(number)))


async def answers_of(story: Story, number: int) -> list[object]:
    """Return all that the order store answers about these orders, hidden from a repr or not."""
    orders, keys = story.storage.orders, story.keys(number)
    answers: list[object] = [await orders.load(keys)]
    for key in keys:
        answers += [await orders.find(key.reference), await orders.history(key), await orders.decision_history(key)]
        answers += [await orders.notes(key), await orders.decided(key.reference)]
    for channel in (SHOP, MARKET):
        answers += [await orders.quarantined(channel), await orders.decisions(channel)]
        answers += [await orders.listed(states=[state], channel=channel) for state in OrderState]
    return answers


async def told(story: Story, number: int) -> list[str]:
    """Return which of these orders any answer of the order store tells something personal of."""
    answers = "\n".join(leaves(await answers_of(story, number)))
    return story.marks.found(answers, dict.fromkeys(key.reference for key in story.keys(number)))


def erasable_keys(story: Story, number: int) -> list[OrderKey]:
    """Return those that their channel has shown under their names."""
    return [key for key in story.keys(number) if not key.reference.startswith("never-read")]


async def facts(story: Story, keys: list[OrderKey]) -> list[object]:
    """Return what an erasure leaves: all of an order but its people and its revision, and all that was decided."""
    orders = story.storage.orders
    stored = await orders.load(keys)
    bare = [attrs.evolve(order, buyer=None, shipping_address=None, revision=0) for order in stored.values()]
    reasons = [(one.reference, one.code, one.error, one.at) for one in await orders.quarantined(SHOP)]
    decided = [await orders.decision_history(key) for key in keys]
    return [bare, decided, [await orders.history(key) for key in keys], reasons]


async def erase_all(story: Story) -> None:
    """Erase the first of each pair."""
    for key in erasable_keys(story, 1):
        await story.world.desk.erase(key, **BY)


NEVER_READ = ["never-read-1"]
"""An order whose documents name nobody: no erasure can find them, and only a purge drops them."""


async def test_nothing_is_left_of_what_was_erased(story: Story, tmp_path: Path) -> None:
    """After an erasure no byte, answer or record holds a word of the buyer; all else stays, and so do other orders."""
    keys, others = erasable_keys(story, 1), story.keys(2)
    references = [f"{fate}-2" for fate in FATES]
    before = await facts(story, keys)
    untouched = [*leaves(await story.storage.orders.load(others))]
    assert kept_of(story, tmp_path, 1) == [f"{fate}-1" for fate in FATES]
    await erase_all(story)

    assert kept_of(story, tmp_path, 1) == NEVER_READ
    assert await told(story, 1) == NEVER_READ
    assert await facts(story, keys) == before
    assert kept_of(story, tmp_path, 2) == references
    assert [*leaves(await story.storage.orders.load(others))] == untouched
    assert {*await story.storage.orders.erased(keys + others)} == {*keys}
    entries = await story.storage.journal.entries(kinds=[EntryKind.ERASED], limit=1000)
    assert {(entry.order, entry.message, entry.facts["by"]) for entry in entries} == {
        (key, BY["why"], BY["who"]) for key in keys
    }
    await reopen(story, tmp_path)
    assert kept_of(story, tmp_path, 1) == NEVER_READ
    assert kept_of(story, tmp_path, 2) == references


async def reopen(story: Story, folder: Path) -> None:
    """Close a database and look at its files, then open it again."""
    if isinstance(story.storage, SQLiteStorage):
        await story.storage.aclose()
        assert story.marks.found(bytes_of(folder), ["open-1", "deleted-1", "unreadable-1"]) == []
        await story.storage.open()


async def test_erased_order_follows_its_channel(story: Story, tmp_path: Path) -> None:
    """Shown again, changed, cancelled or unreadable, an erased order follows its channel, and stays erased."""
    await erase_all(story)
    shop, world = story.world.shop, story.world
    shop.edit("open-1", {"MUG": 4})
    shop.cancel("edited-1")
    shop.edit("held-1", {"MUG": 1})
    shop.spoil("parked-1")
    shop.pay("unpaid-1")
    shop.mend("unreadable-1")
    shop.mend("unreadable-later-1")
    shop.set_status("strange-word-1", None)
    await story.run()
    await story.run()

    assert [line.quantity for line in (await world.order("open-1")).lines] == [4]
    assert (await world.order("edited-1")).state is OrderState.CANCELLED
    assert [line.quantity for line in (await world.order("held-1")).lines] == [1]
    for reference in ("unpaid-1", "unreadable-1", "unreadable-later-1", "strange-word-1"):
        assert (await world.order(reference)).state is OrderState.OPEN, reference
    documents = {one.reference: one.payload for one in await story.storage.orders.quarantined(SHOP)}
    assert documents["parked-1"] == b""
    assert kept_of(story, tmp_path, 1) == NEVER_READ
    assert await told(story, 1) == NEVER_READ


async def test_erased_order_is_still_sent(story: Story, tmp_path: Path) -> None:
    """An erased order that is open is processed, and its channel is told."""
    await erase_all(story)
    await story.world.process("open-1")
    await story.run()

    assert "open-1" in [note.order_key.reference for note in story.world.shop.notes_received]
    assert await story.world.statuses("open-1") == ["confirmed"]
    await story.run()
    assert kept_of(story, tmp_path, 1) == NEVER_READ


async def test_erased_order_is_explained_without_a_word(story: Story) -> None:
    """The doctor answers about erased orders as about others, and says nothing of anybody."""
    await erase_all(story)
    await story.run()
    hearing = await hear_everything(story)

    assert hearing.kinds() >= SPEAKERS
    assert told_of(story, hearing) == {}


MONTH = timedelta(days=30)
ENDED = ("cancelled", "deleted", "done", "refused-note", "conflict")
DROPPED = ("unreadable", "strange-word", "never-read")
"""What only waits in quarantine."""


@pytest.mark.parametrize(("days", "purged"), [(29, ()), (31, (*ENDED, *DROPPED))])
async def test_purge_by_age(story: Story, tmp_path: Path, days: int, purged: tuple[str, ...]) -> None:
    """What ended 31 days ago is purged, with documents as old; what ended 29 days ago stays, and what is open does."""
    keys = story.keys(1) + story.keys(2)
    before = await facts(story, keys)
    story.clock.jump(story.began_at + timedelta(days=days) - story.clock.now())
    count = await story.world.desk.purge(older_than=MONTH, who="Ann")

    kept = [fate for fate in FATES if fate not in purged]
    for number in (1, 2):
        assert kept_of(story, tmp_path, number) == [f"{fate}-{number}" for fate in kept]
    assert await facts(story, keys) == before
    assert count == len(await story.storage.journal.entries(kinds=[EntryKind.ERASED], limit=1000))
    assert count == (2 * 2 * len(ENDED) if purged else 0)
    assert await story.world.desk.purge(older_than=MONTH) == 0


async def test_purge_waits_for_notes(story: Story) -> None:
    """A processed order is purged when its note has come through, and not before, however old it is."""
    shop = story.world.shop
    await story.world.process("open-1")
    await story.world.process("moved-1")
    shop.fail_next("send_dispatch", ChannelRejectedError("Shop/north: no such order"))
    story.clock.advance(days=40)
    await story.world.desk.purge(older_than=MONTH)
    assert (await story.world.order("open-1")).buyer is not None
    assert (await story.world.order("moved-1")).buyer is not None
    await story.run()
    await story.run()
    story.clock.advance(days=31)
    await story.world.desk.purge(older_than=MONTH)

    assert (await story.world.order("open-1")).buyer is None
    assert (await story.world.order("moved-1")).buyer is None
    assert (await story.world.order("held-1")).buyer is not None
