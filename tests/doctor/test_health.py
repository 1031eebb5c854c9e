"""What a check of an installation finds, on real files."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from ordersync import ChannelId, ChannelSettings, OrderKey
from ordersync.channel import Channel
from ordersync.doctor.health import HealthFinding, check
from ordersync.errors import (
    ChannelAuthError,
    ChannelRejectedError,
    ChannelResponseError,
    ChannelUnavailableError,
    StorageUnavailableError,
)
from ordersync.model.health import Fact
from ordersync.storage.memory import MemoryStorage
from ordersync.storage.sqlite import SQLiteJournal, SQLiteStorage
from ordersync.testing import FakeMarketplace, ManualClock
from runner.world import MARKET, SHOP, World
from storage.foreign_ledger import DictLedger
from storage.spoiling import lose_hold


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name the file of the storage."""
    return tmp_path / "shop.db"


@pytest.fixture
async def world(path: Path) -> AsyncIterator[World]:
    """Put ten mugs on the shelf that both marketplaces sell, in a real file."""
    clock = ManualClock()
    async with SQLiteStorage(path, clock=clock) as storage:
        world = World(storage, clock)
        async with world.shop, world.market:
            await world.stock("MUG", 10)
            await world.sell(world.shop, "MUG", 10)
            await world.sell(world.market, "MUG", 10)
            yield world


async def looked_at(world: World, *channels: Channel, live: bool = False) -> dict[tuple[str, str], HealthFinding]:
    """Check, and return the findings by subject and code."""
    given = channels or (world.shop, world.market)
    health = await check(world.storage, given, clock=world.clock, live=live)
    return {(finding.subject, finding.code): finding for finding in health.findings}


def bad(found: dict[tuple[str, str], HealthFinding]) -> dict[str, str]:
    """Return the levels of what is not well by code."""
    return {code: str(one.level) for (_, code), one in found.items() if one.level not in ("ok", "unknown")}


async def test_installation_that_is_well_says_so(world: World) -> None:
    """After a run nothing is wrong, every area was looked at, and no channel was called for it."""
    world.shop.place("1001", lines={"MUG": 1})
    await world.run()
    calls = world.shop.calls.copy()
    health = await check(world.storage, [world.shop, world.market], clock=world.clock)

    assert (health.level, health.exit_code) == ("ok", 0)
    assert world.shop.calls == calls
    assert {str(finding.area) for finding in health.findings} == {
        *("versions", "storage", "schema", "ledger", "channel", "reading", "quarantine", "notes"),
        *("listings", "conflicts", "connection", "clock"),
    }
    assert all(finding.next_step for finding in health.findings if finding.level != "ok")


async def test_sqlite_tells_of_itself(world: World) -> None:
    """The storage names its schema, journal mode, size, what a quick check finds, and SQLite's version."""
    told = {fact.name: fact for fact in await world.storage.inspect()}
    newest, _, most = told["schema"].value.partition(" of ")

    assert newest == most
    assert told["journal mode"].value == "wal"
    assert told["quick check"].value == "ok"
    assert told["SQLite"].value == sqlite3.sqlite_version
    assert int(told["size"].value.removesuffix(" bytes")) > 4096
    assert all(fact.well for fact in told.values())
    assert await world.storage.replace(stock=DictLedger()).inspect() == await world.storage.inspect()


async def test_storage_that_says_nothing_of_itself_is_unknown() -> None:
    """A storage need not tell anything; then it is unknown and no fault."""
    async with MemoryStorage() as storage:
        found = (await check(storage, [], clock=ManualClock())).findings

    assert await MemoryStorage().inspect() == ()
    assert [finding.code for finding in found if finding.area in ("storage", "schema")] == ["NOT_TOLD", "NOT_TOLD"]


async def test_defect_of_the_file_fails(world: World, path: Path) -> None:
    """A file that SQLite's own check finds wrong fails, and what is found is said."""
    await world.run()
    await world.storage.aclose()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA writable_schema = ON")
        database.execute("UPDATE sqlite_master SET rootpage = 2 WHERE name = 'journal_by_channel'")
    database.close()
    await world.storage.open()
    found = await looked_at(world)

    assert bad(found)["STORAGE_DEFECT"] == "failing"
    assert "quick check ok" not in found["SQLiteStorage", "STORAGE_DEFECT"].sentence


async def test_storage_that_cannot_answer_is_a_finding(world: World, path: Path) -> None:
    """Where one table is gone the check of it fails, and all others are made."""
    await world.run()
    with sqlite3.connect(path) as database:
        database.execute("ALTER TABLE quarantine RENAME TO elsewhere")
    database.close()
    found = await looked_at(world)

    assert bad(found) == {"STORAGE_FAILED": "failing"}
    assert found["storage", "STORAGE_FAILED"].area == "quarantine"
    assert (str(SHOP), "NO_CONFLICTS") in found


async def test_fact_that_is_not_well_fails(world: World) -> None:
    """What a storage of the host's own says is wrong fails; its schema is a finding of its own."""

    class Torn(MemoryStorage):
        async def inspect(self) -> list[Fact]:
            return [Fact("replicas", "0 of 2", well=False), Fact("schema", "4 of 5", well=False)]

    async with Torn() as storage:
        found = {one.code: one for one in (await check(storage, [], clock=world.clock)).findings}

    assert found["STORAGE_DEFECT"].sentence == "replicas 0 of 2"
    assert found["SCHEMA_DEFECT"].sentence == "schema 4 of 5"
    assert found["SCHEMA_DEFECT"].level == "failing"


async def test_books_that_differ_fail(world: World) -> None:
    """An order whose hold is lost fails; being short is a warning beside it."""
    world.shop.place("1001", lines={"MUG": 12})
    await world.run()
    assert bad(await looked_at(world)) == {"SHORT": "warning"}

    await lose_hold(world.storage.stock, OrderKey(SHOP, "1001"))
    found = await looked_at(world)

    assert bad(found) == {"LEDGER_DIFFERS": "failing"}
    assert "LEDGER_BEHIND 1: Shop/north/1001" in found["books", "LEDGER_DIFFERS"].sentence


async def test_foreign_ledger_is_unknown(world: World) -> None:
    """A ledger that cannot be audited is unknown, and told so."""
    health = await check(world.storage.replace(stock=DictLedger()), [world.shop], clock=world.clock)

    assert {str(one.level) for one in health.findings if one.area == "ledger"} == {"unknown"}


async def test_work_that_waits_for_people_is_named(world: World) -> None:
    """What was not understood, contradicts, or was refused is a warning each, with its number and codes."""
    for reference in ("1001", "1002", "1003"):
        world.shop.place(reference, lines={"MUG": 1})
    world.shop.spoil("1003")
    await world.storage.listings.link(MARKET, "GONE", "MUG")
    await world.run()
    await world.process("1001")
    await world.process("1002")
    world.clock.advance(minutes=1)
    world.shop.cancel("1002")
    world.shop.fail_next("send_dispatch", ChannelRejectedError("no such parcel"), times=None)
    await world.run_later()
    found = await looked_at(world)

    assert bad(found).keys() == {"QUARANTINED", "NOTES_REFUSED", "LISTINGS_FAILED", "CONFLICTS"}
    assert set(bad(found).values()) == {"warning"}
    assert found[str(SHOP), "QUARANTINED"].sentence == "1: UNREADABLE 1"
    assert found[str(SHOP), "NOTES_REFUSED"].sentence == "2 rejected"
    assert found[str(SHOP), "CONFLICTS"].sentence == "1: CANCELLED_AFTER_PROCESSING 1"
    assert found[str(MARKET), "LISTINGS_FAILED"].sentence == "1 of 2 were refused by the channel: GONE"


async def test_note_may_wait_for_an_hour(world: World) -> None:
    """A note that is under way is well, and one that runs have passed over for more than an hour is not."""
    world.shop.place("1001", lines={"MUG": 1})
    await world.run()
    await world.process("1001")
    world.clock.advance(hours=1)
    found = await looked_at(world)
    assert bad(found) == {}
    assert found[str(SHOP), "NOTES"].sentence == "1 under way, the oldest since 2026-01-05 09:00Z"

    world.clock.advance(seconds=1)
    assert bad(await looked_at(world)) == {"NOTES_LATE": "warning"}


async def test_channel_is_judged_by_its_journal(world: World) -> None:
    """A draft, a channel switched off and refused credentials are told with cause, by whom and since when."""
    assert bad(await looked_at(world, world.shop)) == {"DRAFT": "warning"}

    await world.run()
    await world.storage.journal.disable(SHOP, by="Ann", cause="holidays", at=world.clock.now())
    found = await looked_at(world)
    assert found[str(SHOP), "DISABLED"].sentence == "disabled since 2026-01-05 09:00Z by Ann: holidays"

    await world.storage.journal.enable(SHOP, by="Ann", at=world.clock.now())
    world.shop.fail_next("*", ChannelAuthError("Shop/north: answered 401"), times=None)
    await world.run_later()
    found = await looked_at(world)
    assert bad(found)["TROUBLE_AUTH"] == "failing"
    assert found[str(SHOP), "TROUBLE_AUTH"].sentence.startswith("channel-auth since 2026-01-05 09:10Z")


async def test_cut_readings_are_counted_from_the_journal(world: World) -> None:
    """Readings that runs did not finish are told with their rate and the class of their errors."""
    await world.run(world.shop)
    for _ in range(2):
        world.shop.fail_next("fetch_orders", ChannelUnavailableError("Shop/north: no answer"))
        await world.run_later(world.shop)
    found = await looked_at(world, world.shop)

    assert found[str(SHOP), "READINGS_CUT"].sentence == (
        "2 of the last 3 readings were cut, 2 of them in a row until now; errors: channel-unavailable 2"
    )
    assert found[str(SHOP), "LAST_READ"].sentence == "read to its end at 2026-01-05 09:00Z"


async def test_channel_that_is_switched_off_does_nothing_wrong(world: World) -> None:
    """What failed before a person switched the channel off is not held against it."""
    await world.run()
    world.market.fail_next("*", ChannelUnavailableError("Market/uk: no answer"), times=None)
    for _ in range(2):
        await world.run_later(world.market)
    assert bad(await looked_at(world)) == {"TROUBLE": "warning", "READINGS_CUT": "warning"}

    await world.storage.journal.disable(MARKET, by="Ann", cause="sold", at=world.clock.now())

    assert bad(await looked_at(world)) == {"DISABLED": "warning"}


async def test_channel_that_nobody_reads_is_a_warning(world: World) -> None:
    """The channel's own settings say how long it may go unread; without them it is a day."""
    quick = world.open(SHOP, ChannelSettings(sweep_every=timedelta(minutes=10)))
    await world.run()
    world.clock.advance(minutes=31)

    assert bad(await looked_at(world, quick)) == {"NOT_READ": "warning"}
    assert bad(await looked_at(world)) == {}


async def test_storage_alone_says_what_it_cannot_know(world: World) -> None:
    """Without channels those that the storage knows are looked at, and what needs the channels is unknown."""
    await world.run()
    health = await check(world.storage, [], clock=world.clock)
    unknown = {(finding.subject, str(finding.area)) for finding in health.findings if finding.level == "unknown"}

    assert health.exit_code == 0
    assert unknown == {(str(one), area) for one in (SHOP, MARKET) for area in ("connection", "clock")}
    assert all("--app" in finding.next_step for finding in health.findings if finding.level == "unknown")


async def test_storage_that_knows_no_channel_says_so(path: Path) -> None:
    """A new storage without channels has nothing to look at, and tells how to have more looked at."""
    clock = ManualClock()
    async with SQLiteStorage(path, clock=clock) as storage:
        found = {finding.code: finding for finding in (await check(storage, [], clock=clock)).findings}

    assert found["NO_CHANNEL"].level == "unknown"
    assert "--app" in found["NO_CHANNEL"].next_step


@pytest.mark.parametrize(
    ("error", "code", "level"),
    [
        (None, "CONNECTED", "ok"),
        (ChannelAuthError("it answered 401"), "CONNECTION_AUTH", "failing"),
        (ChannelUnavailableError("it did not answer"), "UNREACHABLE", "warning"),
        (ChannelRejectedError("it answered 404"), "CONNECTION_REJECTED", "failing"),
        (ChannelResponseError("it answered HTML"), "MAPPING_WRONG", "failing"),
        (KeyError("s3cret-in-a-bug"), "MAPPING_WRONG", "failing"),
    ],
)
async def test_connection_is_tested_when_asked_for(
    world: World, error: Exception | None, code: str, level: str
) -> None:
    """A live check calls each channel and tells what went wrong; of a bug only its type."""
    await world.run()
    if error is not None:
        world.shop.fail_next("fetch_orders", error, times=None)
    calls = world.shop.calls["fetch_orders"]
    found = await looked_at(world, live=True)

    assert found[str(SHOP), code].level == level
    assert found[str(MARKET), "CONNECTED"].level == "ok"
    assert (world.shop.calls["fetch_orders"] == calls + 1) == (code != "UNREACHABLE")
    assert "s3cret" not in str(found)


async def test_connection_that_fails_once_is_tried_again(world: World) -> None:
    """A check and an explanation judge a connection alike: one failure that does not last is none."""
    await world.run()
    world.shop.fail_next("fetch_orders", ChannelUnavailableError("it did not answer"))
    found = await looked_at(world, live=True)

    assert found[str(SHOP), "CONNECTED"].level == "ok"


class SilentShop(FakeMarketplace):
    """A shop that takes a call and never answers, and whose clock is 90 s ahead."""

    call_timeout = timedelta(milliseconds=20)
    clock_offset = timedelta(seconds=90)

    async def test_connection(self) -> None:
        """Wait for ever."""
        await asyncio.Event().wait()


async def test_channel_that_never_answers_holds_nobody_up(world: World) -> None:
    """The connection test ends with the channel's own time-out, and a clock that is off is told with both names."""
    silent = SilentShop(ChannelId("Silent", "shop"), clock=world.clock)
    async with asyncio.timeout(1):
        found = await looked_at(world, silent, live=True)

    assert found["Silent/shop", "UNREACHABLE"].sentence.startswith("Silent/shop: no answer within 0.02 s")
    assert found["Silent/shop", "CLOCK_OFF"].sentence == (
        "the clock of Silent/shop is 90.0 s ahead of this machine's, 2 s are allowed"
    )


async def test_busy_storage_does_not_end_the_check(world: World) -> None:
    """Where even the list of channels cannot be had, what was found until then is returned."""

    class BusyJournal(SQLiteJournal):
        async def channels(self) -> list[ChannelId]:
            raise StorageUnavailableError("shop.db is busy; run again later")

    busy = BusyJournal(world.storage.orders._database, clock=world.clock)  # type: ignore[attr-defined]
    health = await check(world.storage.replace(journal=busy), [world.shop], clock=world.clock)

    assert "shop.db is busy" in str(health)
    assert "conflicts: Shop/north: none" in str(health)
    assert health.exit_code == 2
