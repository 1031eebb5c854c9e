"""Listings and opening stock from CSV, written: what is new, and what a second import does."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ordersync import ChannelId, StockRule, Storage
from ordersync.errors import ConfigurationError
from ordersync.imports import read_listings, read_opening_stock
from ordersync.model.listings import ListingId
from ordersync.storage.memory import MemoryStorage
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.testing.builders import NOON, make_claim, make_deduction
from runner.watching import watched
from storage.foreign_ledger import DictLedger

SHOP = ChannelId("Shop", "north")
MARKET = ChannelId("Market", "uk")

LISTINGS = """\
source,subsource,channel_sku,channel_location,sku,quantity
Shop,north,MUG-BLUE,,MUG,
Market,uk,SET,,MUG,2
Market,uk,SET,,LID,1
Shop,north,MUG-BLUE,Nord,MUG,1
"""

STOCK = "sku,location,quantity\nMUG,main,10\nLID,main,0\nMUG,store,3\n"


@pytest.fixture(params=["memory", "sqlite"])
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    """Open an empty storage of each kind."""
    opened = MemoryStorage() if request.param == "memory" else SQLiteStorage(tmp_path / "shop.db")
    async with opened as storage:
        yield storage


async def test_reading_writes_nothing(storage: Storage) -> None:
    """A preview leaves the storage as it is until it is applied."""
    read_listings(LISTINGS)
    read_opening_stock(STOCK)

    assert list(await storage.listings.of_channel(SHOP)) == []
    assert list(await storage.stock.levels(["MUG", "LID"])) == []


async def test_listings_are_linked(storage: Storage) -> None:
    """Applying links each good listing, on every channel, and says that it was new; the bad ones are not touched."""
    answer = await read_listings(LISTINGS + "Shop,north,CUP,,CUP,x\n").apply(storage)

    shop, market = await storage.listings.of_channel(SHOP), await storage.listings.of_channel(MARKET)
    assert {one.id: one.components for one in shop} == {
        ListingId("MUG-BLUE"): {"MUG": 1},
        ListingId("MUG-BLUE", "Nord"): {"MUG": 1},
    }
    assert {one.id: one.components for one in market} == {ListingId("SET"): {"MUG": 2, "LID": 1}}
    assert str(answer) == "listings: 3 new, 0 changed, 0 as before, 0 refused"


async def test_second_import_of_listings_changes_nothing(storage: Storage) -> None:
    """The same listings imported again are all as before; one that is linked otherwise is changed, and told."""
    await read_listings(LISTINGS).apply(storage)
    before = await storage.listings.of_channel(SHOP), await storage.listings.of_channel(MARKET)

    again = await read_listings(LISTINGS).apply(storage)
    assert (len(again.new), len(again.changed), len(again.same)) == (0, 0, 3)
    assert (await storage.listings.of_channel(SHOP), await storage.listings.of_channel(MARKET)) == before

    other = await read_listings(LISTINGS.replace("LID,1", "LID,2")).apply(storage)
    assert [row.id for row in other.changed] == [ListingId("SET")]
    (found,) = await storage.listings.of_channel(MARKET)
    assert found.components == {"MUG": 2, "LID": 2}


async def test_import_keeps_a_listings_own_rule(storage: Storage) -> None:
    """A listing that is linked anew by an import keeps the rule that a person gave it."""
    await storage.listings.link(MARKET, "SET", "MUG", rule=StockRule(cap=3))
    await read_listings(LISTINGS).apply(storage)

    (found,) = await storage.listings.of_channel(MARKET)
    assert (found.rule, found.components) == (StockRule(cap=3), {"MUG": 2, "LID": 1})


async def test_import_names_kits(storage: Storage) -> None:
    """A listing imported for a kit follows the kit, and one that kits make impossible is refused without the others."""
    await storage.listings.define_kit("PAIR", {"MUG": 2})
    text = "source,subsource,channel_sku,sku,quantity\nShop,north,A,PAIR,600000\nShop,north,B,PAIR,1\n"

    answer = await read_listings(text).apply(storage)
    assert [row.id for row in answer.new] == [ListingId("B")]
    assert [(one.line, "MUG" in one.problem) for one in answer.refused] == [(2, True)]
    assert [(one.id, one.components) for one in await storage.listings.of_channel(SHOP)] == [
        (ListingId("B"), {"MUG": 2})
    ]
    again = await read_listings(text).apply(storage)
    assert [row.id for row in again.same] == [ListingId("B")]


async def test_unlinked_listing_is_linked_again_by_an_import(storage: Storage) -> None:
    """A person's import outranks that the listing was unlinked before."""
    await read_listings(LISTINGS).apply(storage)
    await storage.listings.unlink(MARKET, "SET")

    answer = await read_listings(LISTINGS).apply(storage)
    assert [row.id for row in answer.new] == [ListingId("SET")]
    assert [one.id for one in await storage.listings.of_channel(MARKET)] == [ListingId("SET")]


async def test_opening_stock_is_set(storage: Storage) -> None:
    """Applying sets on-hand by a movement whose id is made of SKU and location, and says what was new."""
    text = STOCK + "🎁/1 a,Süd,4\n"
    answer = await read_opening_stock(text).apply(storage, at=NOON)

    found = {(one.sku, one.location): one.on_hand for one in await storage.stock.levels(["MUG", "LID", "🎁/1 a"])}
    assert found == {("MUG", "main"): 10, ("MUG", "store"): 3, ("LID", "main"): 0, ("🎁/1 a", "Süd"): 4}
    assert str(answer) == "opening stock: 4 new, 0 as before"
    (movement,) = await storage.stock.history("🎁/1 a")  # type: ignore[attr-defined]
    assert (movement.id, movement.at) == ("opening/%F0%9F%8E%81%2F1 a/S%C3%BCd", NOON)


async def test_second_import_of_stock_moves_nothing(storage: Storage) -> None:
    """Opening stock imported again, after goods have left and with another quantity, does not bring them back."""
    await read_opening_stock(STOCK).apply(storage)
    taken = make_deduction("1001", "p", {("MUG", "main"): 4}, make_claim("1001", {}, revision=2))
    await storage.stock.deduct(taken, at=NOON)

    answer = await read_opening_stock(STOCK.replace("10", "12") + "TEA,main,1\n").apply(storage)
    assert [row.sku for row in answer.new] == ["TEA"]
    assert [level.on_hand for level in await storage.stock.levels(["MUG"])] == [6, 3]


async def test_goods_that_leave_during_an_import_are_no_news(storage: Storage) -> None:
    """Goods that leave while an import that was done before is repeated do not pass for what the import has set."""
    await read_opening_stock(STOCK).apply(storage)
    taken = make_deduction("1001", "p", {("MUG", "main"): 4}, make_claim("1001", {}, revision=2))

    async def pack(verb: str) -> None:
        if verb == "set_on_hand":
            await storage.stock.deduct(taken, at=NOON)

    answer = await read_opening_stock(STOCK).apply(watched(storage, Counter(), before=pack))
    assert answer.new == ()
    assert [level.on_hand for level in await storage.stock.levels(["MUG"])] == [6, 3]


async def test_import_that_was_cut_off_is_finished_by_the_next(storage: Storage) -> None:
    """An import of which only a part was written before the process ended is completed by importing again."""
    await read_opening_stock("sku,location,quantity\nMUG,main,10\n").apply(storage)

    answer = await read_opening_stock(STOCK).apply(storage)
    assert [row.place for row in answer.new] == [("LID", "main"), ("MUG", "store")]
    assert [row.place for row in answer.same] == [("MUG", "main")]


async def test_foreign_ledger_without_movements_says_so() -> None:
    """Opening stock for a ledger that takes no movements is a configuration error which says what to do instead."""
    async with MemoryStorage().replace(stock=DictLedger()) as storage:
        with pytest.raises(ConfigurationError, match="DictLedger takes no movements"):
            await read_opening_stock(STOCK).apply(storage)
