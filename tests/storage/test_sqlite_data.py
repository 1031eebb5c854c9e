"""What stands in the tables: personal data apart, levels that add up, histories without an index."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from random import Random

import attrs
import pytest

from ordersync.model.channel_orders import Address, Buyer
from ordersync.model.listings import Answer, ListingId, Push, StockOutcome
from ordersync.model.pages import ChangedOrder, PageWork
from ordersync.storage import codec
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.storage.sqlite.connection import Connection
from ordersync.testing.builders import NOON, SHOP, make_claim, make_deduction, make_order, make_sale
from ordersync.testing.contracts.steps import FIRST, make_document

Levels = dict[tuple[str, str], tuple[int, int]]

PEOPLE = {
    ("order_people", "buyer"),
    ("order_people", "shipping_address"),
    ("order_documents", "document"),
    ("quarantine_payloads", "payload"),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a database may be."""
    return tmp_path / "shop.db"


def columns_with(path: Path, word: bytes) -> set[tuple[str, str]]:
    """Return which columns of which tables hold a word."""
    found: set[tuple[str, str]] = set()
    db = sqlite3.connect(path)
    for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        rows = db.execute(f"SELECT * FROM {table}")  # noqa: S608 - its own tables
        names = [column[0] for column in rows.description]
        for row in rows:
            cells = [cell.encode() if isinstance(cell, str) else cell for cell in row]
            found |= {
                (table, n) for n, cell in zip(names, cells, strict=True) if isinstance(cell, bytes) and word in cell
            }
    db.close()
    return found


async def test_personal_data_stands_in_few_columns(path: Path) -> None:
    """Buyer, address and documents stand in the columns named for them, and nowhere else."""
    canary = Address(name="CANARY", company="CANARY", lines=("CANARY",), city="CANARY", phone="CANARY")
    order = make_order("1001", buyer=Buyer(name="CANARY", email="CANARY", phone="CANARY"), shipping_address=canary)
    document = attrs.evolve(make_document("hash"), payload=b"CANARY", reference="1002")
    async with SQLiteStorage(path) as storage:
        page = PageWork(channel=SHOP, new=(order,), raw={order.key: b"CANARY"}, quarantined=(document,))
        await storage.orders.save_page(page, fence=FIRST, at=NOON)
        assert await storage.orders.get(order.key) == order

    assert columns_with(path, b"CANARY") == PEOPLE


async def test_erased_people_are_gone(path: Path) -> None:
    """When an order is written without its buyer and address, nothing of them stays in its row."""
    order = make_order("1001", buyer=Buyer(name="CANARY"), shipping_address=Address(city="CANARY"))
    erased = attrs.evolve(order, buyer=None, shipping_address=None, revision=2)
    async with SQLiteStorage(path) as storage:
        await storage.orders.save_page(PageWork(channel=SHOP, new=(order,)), fence=FIRST, at=NOON)
        assert await storage.orders.replace(erased, expect=1)
        assert await storage.orders.get(order.key) == erased

    assert columns_with(path, b"CANARY") == set()


async def test_new_document_replaces_the_one_before(path: Path) -> None:
    """Of an order that the channel changed, the newest document is kept."""
    order = make_order("1001")
    changed = ChangedOrder(order=attrs.evolve(order, revision=2), expect=1)
    async with SQLiteStorage(path) as storage:
        for page in (
            PageWork(channel=SHOP, new=(order,), raw={order.key: b"FIRST"}),
            PageWork(channel=SHOP, changed=(changed,), raw={order.key: b"SECOND"}),
        ):
            assert await storage.orders.save_page(page, fence=FIRST, at=NOON)

    assert columns_with(path, b"FIRST") == set()
    assert columns_with(path, b"SECOND") == {("order_documents", "document")}


async def test_stored_order_leaves_quarantine(path: Path) -> None:
    """When an order is stored or changed at last, what was in quarantine under its reference goes, payload included."""
    order, other = make_order("1001"), attrs.evolve(make_document("other"), reference="1002", payload=b"OTHER")
    changed = ChangedOrder(order=attrs.evolve(order, revision=2), expect=1)
    async with SQLiteStorage(path) as storage:
        for stored in ({"new": (order,)}, {"changed": (changed,)}):
            document = attrs.evolve(make_document("hash"), reference="1001", payload=b"UNDERSTOOD")
            for page in (PageWork(channel=SHOP, quarantined=(document, other)), PageWork(channel=SHOP, **stored)):
                assert await storage.orders.save_page(page, fence=FIRST, at=NOON)
            assert list(await storage.orders.quarantined(SHOP)) == [other]

    assert columns_with(path, b"UNDERSTOOD") == set()
    assert columns_with(path, b"OTHER") == {("quarantine_payloads", "payload")}


async def test_order_is_found_by_the_names_it_has_now(path: Path) -> None:
    """An order whose second reference changed is found by the new one and by its own, and no more by the old one."""
    order = make_order("#A-1", secondary_reference="OLD")
    async with SQLiteStorage(path) as storage:
        await storage.orders.save_page(PageWork(channel=SHOP, new=(order,)), fence=FIRST, at=NOON)
        renamed = attrs.evolve(order, secondary_reference=" New ", revision=2)
        assert await storage.orders.replace(renamed, expect=1)

        assert [len(await storage.orders.find(name)) for name in ("new", "a-1", " #A-1", "old")] == [1, 1, 1, 0]


async def test_two_sales_of_one_listing_are_both_accounted_for(path: Path) -> None:
    """An order that took pieces off one listing in two places lowers the belief by both."""
    sale = make_sale("1001", {("MUG", "here"): 2, ("MUG", None): 3})
    push = Push(listing=ListingId("MUG"), wanted=1, quantity=10)
    hour = timedelta(hours=1)
    async with SQLiteStorage(path) as storage:
        await storage.listings.link(SHOP, "MUG", "MUG")
        before = NOON - hour
        (attempt,) = await storage.listings.begin(SHOP, [push], window=hour, fence=FIRST, at=before)
        answer = Answer(attempt=attempt, outcome=StockOutcome.ACCEPTED)
        await storage.listings.finish(SHOP, [answer], window=hour, fence=FIRST, at=before)
        await storage.listings.sold([sale])
        (listing,) = await storage.listings.of_channel(SHOP)

    assert listing.believed == 5


def kept(db: Connection) -> Levels:
    """Return the levels as they are kept."""
    rows = db.execute("SELECT sku, location, on_hand, reserved FROM levels")
    return {(sku, location): (on_hand, reserved) for sku, location, on_hand, reserved in rows}


def counted(db: Connection) -> Levels:
    """Count the levels anew, from the movements and from what orders hold."""
    on_hand: dict[tuple[str, str], int] = defaultdict(int)
    reserved: dict[tuple[str, str], int] = defaultdict(int)
    for sku, location, quantity in db.execute("SELECT sku, location, quantity FROM movement_lines"):
        on_hand[sku, location] += quantity
    for (wanted,) in db.execute("SELECT wanted FROM holds"):
        for place, quantity in codec.quantities_of(wanted).items():
            reserved[place] += quantity
    return {place: (on_hand[place], reserved[place]) for place in {*on_hand, *reserved}}


async def test_levels_are_what_movements_and_holds_add_up_to(path: Path) -> None:
    """L4: after every verb of a long mixed day, on-hand is the sum of movements and reserved the sum of holds."""
    chance = Random(4)  # noqa: S311 - the same day each time
    places = [(f"SKU-{number}", location) for number in range(4) for location in ("main", "shop")]
    async with SQLiteStorage(path) as storage:
        for step in range(300):
            order, revision = f"{chance.randrange(12)}", chance.randrange(1, 6)
            wanted = {place: chance.randrange(1, 5) for place in chance.sample(places, chance.randrange(4))}
            claim = make_claim(order, wanted, revision=revision)
            match chance.randrange(3):
                case 0:
                    others = [make_claim("x", wanted, revision=step + 1)]
                    await storage.stock.reserve([claim, *others], at=NOON)
                case 1:
                    taken = dict.fromkeys(chance.sample(places, 2), 1)
                    await storage.stock.deduct(make_deduction(order, f"{step % 40}", taken, claim), at=NOON)
                case _:
                    sku, location = chance.choice(places)
                    quantity = chance.randrange(50)
                    await storage.stock.set_on_hand(
                        sku, location=location, quantity=quantity, movement_id=f"count/{step % 70}"
                    )
            found, expected = await storage._database.read(lambda db: (kept(db), counted(db)))
            assert {place: level for place, level in found.items() if level != (0, 0)} == {
                place: level for place, level in expected.items() if level != (0, 0)
            }


async def test_history_follows_its_pointers(path: Path) -> None:
    """The history of a SKU is every movement of it at every location, newest first, each with what it left."""
    async with SQLiteStorage(path) as storage:
        for number, (sku, location) in enumerate([("MUG", "main"), ("LID", "main"), ("MUG", "shop")] * 20):
            await storage.stock.set_on_hand(sku, location=location, quantity=number, movement_id=f"{number}")
        movements = await storage.stock.history("MUG", limit=1000)
        in_shop = await storage.stock.history("MUG", location="shop", limit=3)

    assert [movement.id for movement in movements] == [f"{number}" for number in range(59, -1, -1) if number % 3 != 1]
    assert [movement.on_hand_after for movement in movements] == [int(movement.id) for movement in movements]
    assert [(movement.id, movement.quantity) for movement in in_shop] == [("59", 3), ("56", 3), ("53", 3)]
