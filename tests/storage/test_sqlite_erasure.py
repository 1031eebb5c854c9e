"""What was erased stands in no byte of any file that the storage on SQLite keeps."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest

from ordersync import lifecycle
from ordersync.errors import StorageError, StorageUnavailableError
from ordersync.model.channel_orders import Address, Buyer
from ordersync.model.ids import OrderKey
from ordersync.model.orders import Order
from ordersync.model.pages import ChangedOrder, PageWork
from ordersync.ports import OrderStore
from ordersync.storage.sqlite import SQLiteStorage
from ordersync.storage.sqlite.connection import Connection
from ordersync.testing.builders import NOON, SHOP, make_channel_order, make_decision, make_key, make_order
from ordersync.testing.contracts.steps import FIRST, HOUR, make_document
from storage.watching import HastyStorage

ORDERS = 240
ROUNDS = 8


def bytes_of(folder: Path) -> bytes:
    """Return what all files of a folder hold."""
    return b"".join(file.read_bytes() for file in folder.iterdir())


class Canaries:
    """A shop whose every order has a mark of its own in all that is personal of it, changed again and again."""

    def __init__(self, store: OrderStore, seed: int) -> None:
        self.store = store
        self.random = random.Random(seed)  # noqa: S311 - no secret
        self.keys = [make_key(f"{number}") for number in range(ORDERS)]

    @staticmethod
    def mark(key: OrderKey) -> str:
        """Return the mark of an order."""
        return f"<{int(key.reference):05}>"

    def marks(self, key: OrderKey, *sizes: int) -> str:
        """Return the mark as often as one of these."""
        return self.mark(key) * self.random.choice(sizes)

    def personal(self, key: OrderKey) -> dict[str, Any]:
        """Return a buyer and an address."""
        lines = tuple(self.marks(key, 1, 5, 40) for _ in range(self.random.randrange(4)))
        address = Address(name=self.mark(key), lines=lines, city=self.marks(key, 1, 9))
        return {"buyer": Buyer(name=self.marks(key, 1, 3, 20)), "shipping_address": address}

    def document(self, key: OrderKey) -> bytes:
        """Return a document: of a few bytes, of a part of a page, of several pages."""
        return self.marks(key, 1, 10, 30, 60, 120, 300, 2000).encode()

    def decisions(self, orders: Iterable[Order]) -> PageWork:
        """Return a page that decides about orders as they were shown, with their documents."""
        keys = [order.key for order in orders]
        shown = {key: make_channel_order(key.reference, raw=self.document(key), **self.personal(key)) for key in keys}
        return PageWork(
            channel=SHOP,
            decisions=tuple(make_decision(key, seen=seen) for key, seen in shown.items()),
            raw={key: self.document(key) for key in keys},
        )

    async def live(self) -> None:
        """Save all orders, in any order, and change half of them in each round; some documents are not understood."""
        for key in self.random.sample(self.keys, ORDERS):  # so that rows come between others, and not behind them
            await self.store.hint(key, at=NOON)
        shuffled = self.random.sample(self.keys, ORDERS)
        for start in range(0, ORDERS, 20):
            new = tuple(make_order(key, **self.personal(key)) for key in shuffled[start : start + 20])
            await self.save(attrs.evolve(self.decisions(new), new=new))
        for number in range(ROUNDS):
            await self.change(number, self.random.sample(self.keys, ORDERS // 2))

    async def live_and_erase(self) -> Sequence[OrderKey]:
        """Live, and erase half of the orders; return them."""
        await self.live()
        erased = self.random.sample(self.keys, ORDERS // 2)
        await self.store.erase(erased, at=NOON)
        return erased

    async def change(self, number: int, keys: list[OrderKey]) -> None:
        """Change orders, and let some of the others be shown unreadable."""
        stored = (await self.store.load(keys)).values()
        edited = [(lifecycle.advance(order, **self.personal(order.key)), order.revision) for order in stored]
        others = [key for key in self.keys if key not in set(keys)][:20]
        documents = tuple(
            attrs.evolve(make_document(f"{number}-{key}", reference=key.reference), payload=self.document(key))
            for key in others
        )
        changed = tuple(ChangedOrder(order=order, expect=expect) for order, expect in edited)
        page = self.decisions([order for order, _ in edited])
        await self.save(attrs.evolve(page, changed=changed, quarantined=documents))

    async def save(self, page: PageWork) -> None:
        """Save a page."""
        assert await self.store.save_page(page, fence=FIRST, at=NOON)

    def found_in(self, folder: Path, keys: Iterable[OrderKey]) -> list[str]:
        """Return the orders of which any file of a folder holds the mark, or the better part of it."""
        everything = bytes_of(folder)
        return [
            key.reference
            for key in keys
            if any(part.encode() in everything for part in (self.mark(key)[1:], self.mark(key)[:-1]))
        ]


@pytest.mark.parametrize("seed", [4, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 3))])
async def test_no_byte_of_what_was_erased_stays(tmp_path: Path, seed: int) -> None:
    """L13: after an erasure no file holds anything of the erased orders, and all others are still whole."""
    async with SQLiteStorage(tmp_path / "shop.db") as storage:
        shop = Canaries(storage.orders, seed)
        await shop.live()
        erased = shop.random.sample(shop.keys, ORDERS // 2)
        others = [key for key in shop.keys if key not in set(erased)]
        before = await storage.orders.load(others)
        assert shop.found_in(tmp_path, shop.keys) == [key.reference for key in shop.keys]

        await storage.orders.erase(erased, at=NOON)
        assert shop.found_in(tmp_path, erased) == []
        await shop.change(ROUNDS, erased)
        assert shop.found_in(tmp_path, erased) == []
        assert await storage.orders.load(others) == before
    assert shop.found_in(tmp_path, erased) == []
    assert shop.found_in(tmp_path, others) == [key.reference for key in others]


async def test_no_byte_of_an_emptied_quarantine_stays(tmp_path: Path) -> None:
    """After the quarantine was emptied no file holds anything of its payloads."""
    async with SQLiteStorage(tmp_path / "shop.db") as storage:
        payloads = {name: f"<{name}>".encode() * size for name, size in (("small", 3), ("page", 400), ("big", 4000))}
        documents = tuple(attrs.evolve(make_document(name), payload=payload) for name, payload in payloads.items())
        page = PageWork(channel=SHOP, quarantined=documents)
        assert await storage.orders.save_page(page, fence=FIRST, at=NOON)
        assert await storage.orders.empty_quarantine(before=NOON + HOUR) == len(documents)

        everything = bytes_of(tmp_path)
        assert [name for name in payloads if f"<{name}>".encode() in everything] == []


@pytest.mark.parametrize("verb", ["erase", "empty_quarantine"])
async def test_copy_that_is_being_read_is_told(tmp_path: Path, verb: str) -> None:
    """While another process reads what was there before, erasing says so; repeated when it is over, it is done."""
    key = make_key("7")
    async with HastyStorage(tmp_path / "shop.db") as storage:
        shop = Canaries(storage.orders, 0)
        document = attrs.evolve(make_document("h", reference="7"), payload=shop.document(key))
        page = PageWork(channel=SHOP, quarantined=(document,))
        assert await storage.orders.save_page(page, fence=FIRST, at=NOON)
        verbs: dict[str, Callable[[], Awaitable[object]]] = {
            "erase": lambda: storage.orders.erase([key], at=NOON),
            "empty_quarantine": lambda: storage.orders.empty_quarantine(before=NOON + HOUR),
        }
        reader = sqlite3.connect(tmp_path / "shop.db", isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM quarantine").fetchone()
        with pytest.raises(StorageUnavailableError, match="while another process reads or writes; run the same again"):
            await verbs[verb]()

        assert [found.payload for found in await storage.orders.quarantined(SHOP)] == [b""]
        assert shop.found_in(tmp_path, [key]) == ["7"]
        reader.close()
        await verbs[verb]()
        assert shop.found_in(tmp_path, [key]) == []


class Interrupted(Connection):
    """Dies before it writes the file anew."""

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:  # noqa: ANN401 - not public
        """Die."""
        if sql == "VACUUM":
            raise sqlite3.OperationalError
        return super().execute(sql, parameters)


class InterruptedStorage(SQLiteStorage):
    """A storage that never comes to clear its file."""

    connection_class = Interrupted


async def test_interrupted_erasure_is_made_up_for(tmp_path: Path) -> None:
    """Where an erasure was interrupted before the files were cleared, the next one clears them, of whatever it is."""
    async with InterruptedStorage(tmp_path / "shop.db") as storage:
        with pytest.raises(StorageError):
            await Canaries(storage.orders, 4).live_and_erase()

    async with SQLiteStorage(tmp_path / "shop.db") as storage:
        shop = Canaries(storage.orders, 4)
        erased = list(await storage.orders.erased(shop.keys))
        assert len(erased) == ORDERS // 2
        assert shop.found_in(tmp_path, erased) != []
        await storage.orders.erase([], at=NOON)
        assert shop.found_in(tmp_path, erased) == []


async def test_file_of_an_older_version_is_cleared(tmp_path: Path) -> None:
    """What an older version deleted without overwriting it is gone after the first erasure as well."""
    path = tmp_path / "shop.db"
    async with SQLiteStorage(path) as storage:
        shop = Canaries(storage.orders, 0)
        order = make_order("7", **shop.personal(make_key("7")))
        await shop.save(PageWork(channel=SHOP, new=(order,), raw={order.key: b"<00009>" * 3000}))
    old = sqlite3.connect(path, isolation_level=None)
    old.execute("PRAGMA secure_delete = OFF")
    old.execute("DELETE FROM order_documents")
    old.close()
    gone = make_key("9")
    assert shop.found_in(tmp_path, [gone]) == ["9"]

    async with SQLiteStorage(path) as storage:
        await storage.orders.erase([order.key], at=NOON)
    assert shop.found_in(tmp_path, [order.key, gone]) == []
