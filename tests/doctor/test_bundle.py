"""The bundle for a support desk: what is in it, and what never is."""

from __future__ import annotations

import io
import json
import logging
import zipfile
from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

from ordersync import ChannelId, ChannelSettings, OrderKey, StatusMapping, StockRule, SyncRunner
from ordersync.doctor.evidence import Question, gather
from ordersync.doctor.health import check
from ordersync.doctor.health_bundle import JOURNAL_TAIL, SETTINGS, collect, contents, pack
from ordersync.doctor.support_bundle import bundle_of
from ordersync.model.channel_orders import Buyer
from ordersync.model.runs import EntryKind, JournalEntry
from ordersync.model.settings import HostCheck
from ordersync.storage.memory import MemoryStorage
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.testing import FakeMarketplace, ManualClock
from ordersync.testing.builders import NOON
from runner.world import SHOP, World

CANARY = "CANARY-7f3c"
"""Begins everything that must not come out."""


@attrs.frozen(kw_only=True)
class OwnSettings(ChannelSettings):
    """Settings to which a host has added what is nobody's business."""

    password: str = f"{CANARY}-password"


class OwnShop(FakeMarketplace):
    """A shop that carries its credentials about, as a channel does, and has words of its own."""

    statuses = frozenset()
    api_key = f"{CANARY}-class"

    def __init__(self, channel_id: ChannelId, **options: Any) -> None:  # noqa: ANN401 - of the marketplace
        super().__init__(channel_id, **options)
        self.token = f"{CANARY}-token"

    async def test_connection(self) -> None:
        """Fail with a bug that quotes a credential."""
        raise LookupError(self.token)


SECRETIVE = OwnSettings(
    location={"DE": "berlin"},
    carriers={f"{CANARY} carrier": f"{CANARY} account 17"},
    checks=(HostCheck(code="TOO_HEAVY", refuses=lambda _: None),),
    stock_rule=StockRule(buffer=2, percentage=Decimal("50.0")),
)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Let a shop sell to somebody whose name must not come out, and show one order that cannot be read."""
    clock = ManualClock()
    async with SQLiteStorage(tmp_path / "shop.db", clock=clock) as storage:
        world = World(storage, clock)
        world.shop = OwnShop(SHOP, clock=clock, settings=SECRETIVE)
        async with world.shop:
            buyer = Buyer(name=f"{CANARY} Grete", email=f"{CANARY}@example.org")
            for reference in ("1001", "1002"):
                world.shop.place(reference, lines={"MUG": 1}, buyer=buyer, location="DE")
            world.shop.spoil("1002", payload=f"{CANARY}-payload".encode())
            await storage.journal.enable(SHOP, by="Ann", at=clock.now())
            await world.run(world.shop)
            yield world


async def bundled(world: World) -> Mapping[str, str]:
    """Check live, make the bundle, and return its files as they are in the zip."""
    health = await check(world.storage, [world.shop], clock=world.clock, live=True)
    files = await collect(health, world.storage, [world.shop])
    with zipfile.ZipFile(io.BytesIO(pack(files, at=health.checked_at))) as bundle:
        assert bundle.testzip() is None
        return {name: bundle.read(name).decode() for name in bundle.namelist()}


async def test_no_secret_and_no_buyer_comes_out(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Neither health nor bundle nor log holds a credential, a setting of the host's own, a buyer or a payload."""
    caplog.set_level(logging.DEBUG)
    health = await check(world.storage, [world.shop], clock=world.clock, live=True)
    files = await bundled(world)

    assert (await world.storage.orders.quarantined(SHOP))[0].payload == f"{CANARY}-payload".encode()
    assert "LookupError" in str(health)
    for text in (str(health), health.to_json(), repr(health), caplog.text, *files.values()):
        assert CANARY not in text


async def test_bundle_has_what_a_support_desk_asks_for(world: World) -> None:
    """It holds the health, facts of the storage, the journal, each channel's life and settings, and its decisions."""
    files = await bundled(world)
    read = {name: json.loads(text) for name, text in files.items() if name.endswith(".json")}

    assert [*files] == ["contents.txt", *read]
    assert files["contents.txt"] == contents({name: text for name, text in files.items() if name in read}) + "\n"
    assert [line.split()[0] for line in files["contents.txt"].splitlines()] == [*read]
    assert read["health.json"]["schema"] == "ordersync.health/1"
    assert read["storage.json"]["facts"][0]["name"] == "schema"
    assert read["storage.json"]["ports"]["stock"] == "SQLiteStockLedger"
    assert {entry["kind"] for entry in read["journal.json"]["entries"]} >= {"run-started", "window-read"}
    assert read["decisions.json"]["channels"] == {"Shop/north": {"ADMITTED": 1, "UNREADABLE": 1}}
    (channel,) = read["channels.json"]["channels"]
    assert (channel["source"], channel["state"], channel["by"]) == ("Shop", "enabled", "Ann")
    assert channel["progress"]["swept_at"] == "2026-01-05T09:00:00+00:00"


async def test_settings_are_shown_by_a_list(world: World) -> None:
    """Simple values are shown, of others how many there are, and of a field that is not on the list nothing."""
    (channel,) = json.loads((await bundled(world))["channels.json"])["channels"]
    shown = channel["settings"]

    assert shown["sweep_every"] == "1:00:00"
    assert shown["location"] == "1 entries"
    assert shown["carriers"] == "1 entries"
    assert shown["checks"] == ["TOO_HEAVY"]
    assert shown["stock_rule"]["percentage"] == "50.0"
    assert "password" not in shown


def test_list_of_settings_has_each_field() -> None:
    """Every field of our own settings is on the list, or shown in a form of its own."""
    own_form = {"stock_rule", "checks", "status_mapping"}

    assert {field.name for field in attrs.fields(ChannelSettings)} == {*SETTINGS} | own_form


async def test_status_words_are_counted(world: World) -> None:
    """Of a status mapping its version is shown, and how many words each group has."""
    mapping = StatusMapping(version="7", paid={"Paid", "Settled"})
    world.shop = OwnShop(SHOP, clock=world.clock, settings=ChannelSettings(status_mapping=mapping))
    (channel,) = json.loads((await bundled(world))["channels.json"])["channels"]

    assert channel["settings"]["status_mapping"]["version"] == "7"
    assert channel["settings"]["status_mapping"]["paid"] == "2 entries"


async def test_journal_is_cut(world: World) -> None:
    """Only the newest entries are in the bundle, with their messages."""
    entries = [
        JournalEntry(at=world.clock.now(), kind=EntryKind.ERROR, message=f"message {number}")
        for number in range(JOURNAL_TAIL + 5)
    ]
    await world.storage.journal.write(entries)
    told = json.loads((await bundled(world))["journal.json"])["entries"]

    assert len(told) == JOURNAL_TAIL
    assert told[0]["message"] == f"message {JOURNAL_TAIL + 4}"


def test_same_files_make_the_same_zip() -> None:
    """A bundle depends on its files and its time alone, and its files are private."""
    packed = pack({"a.txt": "a"}, at=NOON)

    assert packed == pack({"a.txt": "a"}, at=NOON)
    with zipfile.ZipFile(io.BytesIO(packed)) as bundle:
        assert bundle.infolist()[0].external_attr >> 16 == 0o600


async def support_facts(storage: MemoryStorage, reference: str) -> Mapping[str, Any]:
    """Return what a support desk is told of an order."""
    question = Question(key=OrderKey(SHOP, reference), now=NOON)
    return await bundle_of(storage, await gather(storage, question))


async def test_support_learns_of_orders_stored_before_many_refused_ones() -> None:
    """However many orders were refused since, the bundle tells that some were stored, and when the newest was seen."""
    clock = ManualClock()
    storage = MemoryStorage(clock=clock)
    shop = FakeMarketplace(SHOP, clock=clock, page_size=100)
    shop.place("1", lines={"MUG": 1})
    stored_at = clock.now()
    await SyncRunner([shop], storage, clock=clock).run_once()
    shop.remove("1")
    clock.advance(minutes=10)
    for number in range(250):
        shop.place(f"U{number}", lines={"MUG": 1}, paid=False)
    await SyncRunner([shop], storage, clock=clock).run_once()
    told = await support_facts(storage, "9999")

    assert (told["others_seen"], told["others_refused"]) == (200, 200)
    assert told["any_stored"]
    assert told["newest_stored_first_seen_at"] == stored_at.isoformat()


async def test_support_learns_whether_this_order_stands_alone() -> None:
    """Unpaid orders wait as they should; one that cannot be read is what others suffer too, and not by itself."""
    clock = ManualClock()
    storage = MemoryStorage(clock=clock)
    shop = FakeMarketplace(SHOP, clock=clock)
    shop.place("1", lines={"MUG": 1}, paid=False)
    shop.place("2", lines={"MUG": 1})
    shop.spoil("2")
    await SyncRunner([shop], storage, clock=clock).run_once()
    of_another, of_itself = await support_facts(storage, "9999"), await support_facts(storage, "2")

    names = ("others_seen", "others_refused", "others_quarantined")
    assert [of_another[name] for name in names] == [2, 2, 1]
    assert [of_itself[name] for name in names] == [1, 1, 0]
    assert not of_another["any_stored"]
    assert of_another["newest_stored_first_seen_at"] is None
