"""Kits and links in the tables: what was written before there were kits, and indexes that follow the listings."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from random import Random

import pytest

from ordersync.model.listings import ListingId
from ordersync.ports import ListingBook
from ordersync.storage import codec
from ordersync.storage.memory import MemoryStorage
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.storage.sqlite.migrating import MIGRATIONS, migrate
from ordersync.testing.builders import SHOP
from ordersync.testing.contracts.steps import MARKET

SKUS = ["MUG", "LID", "PAIR", "SET", "HAMPER"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a database may be."""
    return tmp_path / "shop.db"


def create_before_kits(path: Path) -> None:
    """Create a database of the first schema, with one listing linked and one unlinked."""
    path.touch(mode=0o600)
    db = sqlite3.connect(path, isolation_level=None)
    migrate(db, MIGRATIONS[:1])
    db.execute("INSERT INTO channels (id, source, subsource) VALUES (1, ?, ?)", (SHOP.source, SHOP.subsource))
    for number, (sku, components) in enumerate((("MUG-BLUE", '{"PAIR":2}'), ("OLD", "{}")), start=1):
        db.execute(
            "INSERT INTO listings (id, channel_id, channel_sku, place, components, state, wanted, settled, believed,"
            " doubts, attempts, attempt_doubts, failures) VALUES (?, 1, ?, '', ?, 'active', 4, 4, 7, 0, 1, 0, 0)",
            (number, sku, components),
        )
    db.execute("INSERT INTO listing_components (sku, listing_id) VALUES ('PAIR', 1)")
    db.execute("INSERT INTO channel_links (channel_id, revision) VALUES (1, 3)")
    db.close()


async def test_listings_from_before_kits_follow_them(path: Path) -> None:
    """A listing that was linked before there were kits is linked to its components, and follows them into kits."""
    create_before_kits(path)
    async with SQLiteStorage(path) as storage:
        (listing,) = await storage.listings.of_channel(SHOP)
        assert (listing.linked_to, listing.components, listing.believed) == ({"PAIR": 2}, {"PAIR": 2}, 7)

        await storage.listings.define_kit("PAIR", {"MUG": 2})
        (listing,) = await storage.listings.of_channel(SHOP)
        assert (listing.linked_to, listing.components, listing.wanted) == ({"PAIR": 2}, {"MUG": 4}, 5)
        assert (await storage.listings.links(SHOP, [])).revision == 4
        assert list(await storage.listings.link_new(SHOP, {ListingId("OLD"): "MUG"})) == []


async def do_anything(book: ListingBook, chance: Random) -> object:
    """Link, unlink or define something, and return what came of it."""
    channel, channel_sku = chance.choice([SHOP, MARKET]), chance.choice("ABCDEF")
    parts = {sku: chance.randint(1, 3) for sku in chance.sample(SKUS, chance.randint(1, 3))}
    new = {ListingId(sku, place): chance.choice(SKUS) for sku in "ABC" for place in (None, "Nord")}
    try:
        match chance.randrange(8):
            case 0 | 1 | 2:
                await book.link(channel, channel_sku, parts)
            case 3:
                await book.unlink(channel, channel_sku)
            case 4:
                return list(await book.link_new(channel, new))
            case 5:
                await book.define_kit(chance.choice(SKUS), None)
            case _:
                await book.define_kit(chance.choice(SKUS), parts)
    except ValueError as error:
        return type(error)
    return None


async def state_of(book: ListingBook) -> object:
    """Return all that a book tells."""
    listings = [await book.of_channel(channel) for channel in (SHOP, MARKET)]
    revisions = [(await book.links(channel, [])).revision for channel in (SHOP, MARKET)]
    return listings, revisions, await book.kits()


def indexes(path: Path) -> tuple[set[tuple[str, int]], set[tuple[str, int]]]:
    """Return which SKUs and kits the tables name for which listing."""
    db = sqlite3.connect(path)
    tables = [set(db.execute(f"SELECT sku, listing_id FROM {name}")) for name in ("listing_components", "listing_kits")]  # noqa: S608
    db.close()
    return tables[0], tables[1]


def expected_indexes(path: Path) -> tuple[set[tuple[str, int]], set[tuple[str, int]]]:
    """Return what the tables should name, by what the listings themselves say."""
    db = sqlite3.connect(path)
    rows = db.execute("SELECT id, components, linked_to FROM listings").fetchall()
    db.close()
    components = {(sku, number) for number, parts, _ in rows for sku in codec.from_json(parts)}
    named = {(sku, number) for number, parts, linked_to in rows for sku in codec.from_json(linked_to or parts)}
    return components, named - components


@pytest.mark.parametrize("seed", range(4))
async def test_books_agree_and_indexes_follow(path: Path, seed: int) -> None:
    """Whatever is linked and defined, both storages tell the same, and the tables that find listings fit them."""
    ours, theirs = Random(seed), Random(seed)  # noqa: S311 - repeatable
    refused = 0
    async with SQLiteStorage(path) as storage, MemoryStorage() as memory:
        for _ in range(120):
            done = await do_anything(storage.listings, ours)
            assert done == await do_anything(memory.listings, theirs)
            refused += done is ValueError
        assert await state_of(storage.listings) == await state_of(memory.listings)

    assert indexes(path) == expected_indexes(path)
    assert 0 < refused < 100
