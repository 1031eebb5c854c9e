"""A walk that calls every verb of a run and of the desk on SQLite, and notes the statements of each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs

from ordersync import lifecycle, parcels
from ordersync.model.channel_orders import Buyer
from ordersync.model.dispatch import Parcel
from ordersync.model.ids import OrderKey
from ordersync.model.listings import Answer, ChannelListing, ListingId, Push, StockOutcome
from ordersync.model.orders import LIVE, Order, OrderLine, OrderState
from ordersync.model.pages import ChangedOrder, PageWork
from ordersync.model.runs import EntryKind, JournalEntry, Progress
from ordersync.testing.builders import (
    NOON,
    SHOP,
    make_channel_order,
    make_decision,
    make_deduction,
    make_key,
    make_order,
)
from ordersync.testing.contracts.decisions import refused
from ordersync.testing.contracts.steps import FIRST, HOUR, doubt, make_document, make_entry, newly_watched, taken_off
from storage.watching import WatchedStorage

WINDOW = timedelta(minutes=10)

LISTS: dict[str, dict[str, Any]] = {
    "all": {},
    "behind": {"after": OrderKey(SHOP, "00001"), "limit": 2},
    "processed": {"states": [OrderState.PROCESSED], "channel": SHOP},
    "deleted": {"states": [OrderState.DELETED]},
    "live": {"states": LIVE, "channel": SHOP},
    "open": {"states": [OrderState.OPEN], "channel": SHOP},
    "conflicts": {"conflicts": True},
    "live conflicts": {"conflicts": True, "states": LIVE, "channel": SHOP, "after": OrderKey(SHOP, "00001")},
}
"""The lists of orders that runs and people ask for."""


class Walk:
    """Calls every verb of a run, and of the desk, with as many rows as it is told to."""

    def __init__(self, storage: WatchedStorage, size: int) -> None:
        self.storage = storage
        self.orders = [self.order(number) for number in range(size)]
        self.skus = [f"SKU-{number}" for number in range(size)]
        self.statements: dict[str, list[str]] = {}

    def order(self, number: int) -> Order:
        """Build an order of three lines, one of them linked to nothing."""
        lines = [
            OrderLine(line_id=f"{line}", channel_sku=f"SKU-{number + line}", quantity=2, components=parts)
            for line, parts in enumerate(({f"SKU-{number}": 1}, {f"SKU-{number + 1}": 2}, None))
        ]
        return make_order(f"{number:05}", lines, channel_order_id=f"gid/{number}")

    @property
    def keys(self) -> list[OrderKey]:
        """Return the keys of all orders."""
        return [order.key for order in self.orders]

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Note the statements of one verb."""
        self.storage.taken()
        yield
        self.statements[name] = self.storage.taken()

    async def walk(self) -> dict[str, list[str]]:
        """Take every step."""
        for sku in self.skus:
            await self.storage.listings.link(SHOP, sku, sku)
        await self.pages()
        await self.looking()
        await self.settling()
        await self.publishing()
        await self.parcels()
        await self.questions()
        await self.more_questions()
        await self.deciding()
        await self.erasing()
        return self.statements

    async def pages(self) -> None:
        """Save pages of new orders, of seen ones and of changed ones."""
        store = self.storage.orders
        page = PageWork(
            channel=SHOP,
            new=tuple(self.orders),
            decisions=tuple(make_decision(order) for order in self.orders),
            raw=dict.fromkeys(self.keys, b"{}"),
            quarantined=tuple(make_document(f"h{number}") for number in range(len(self.keys))),
            doubts=tuple(doubt(f"doubt-{number}") for number in range(len(self.keys))),
            watches=newly_watched(*self.keys),
            progress=Progress(watermark=NOON),
        )
        with self.step("save new"):
            assert await store.save_page(page, fence=FIRST, at=NOON)
        with self.step("known"):
            known = await store.known(SHOP, [key.reference for key in self.keys], fence=FIRST)
        assert len(known) == len(self.keys)
        with self.step("save seen"):
            assert await store.save_page(PageWork(channel=SHOP, seen=tuple(self.keys)), fence=FIRST, at=NOON)
        understood = PageWork(channel=SHOP, understood=tuple(self.keys))
        with self.step("save understood"):
            assert await store.save_page(understood, fence=FIRST, at=NOON)
        with self.step("load"):
            stored = await store.load(self.keys, fence=FIRST)
        edited = [lifecycle.advance(order, secondary_reference="two") for order in stored.values()]
        changed = tuple(
            ChangedOrder(order=order, expect=order.revision - 1, change=make_entry(order)) for order in edited
        )
        with self.step("save changed"):
            assert await store.save_page(PageWork(channel=SHOP, changed=changed), fence=FIRST, at=NOON)

    async def looking(self) -> None:
        """Ask which orders are to be looked up, and what a sweep left out."""
        store, size = self.storage.orders, len(self.keys)
        with self.step("hint"):
            await store.hint(self.keys[0], at=NOON)
        with self.step("watched"):
            assert len(await store.watched(SHOP, at=NOON + HOUR, limit=size, fence=FIRST)) == size
        with self.step("unwatch"):
            await store.save_page(PageWork(channel=SHOP, watches=taken_off(*self.keys)), fence=FIRST, at=NOON)
        with self.step("missing"):
            assert len(await store.missing(SHOP, before=NOON + HOUR, limit=size, fence=FIRST)) == size
        with self.step("more missing"):
            rest = await store.missing(SHOP, before=NOON + HOUR, limit=size, after=self.keys[0], fence=FIRST)
        assert len(rest) == size - 1
        with self.step("missing_counts"):
            assert await store.missing_counts(SHOP, before=NOON + HOUR, fence=FIRST) == (size, size)
        with self.step("rewant"):
            await store.rewant(self.keys)

    async def settling(self) -> None:
        """Let the ledger hold what orders want, and tell the listing book."""
        store, ledger, size = self.storage.orders, self.storage.stock, len(self.keys)
        with self.step("due"):
            dues = await store.due(SHOP, limit=size, fence=FIRST)
        assert len(dues) == size
        with self.step("reserve"):
            held = await ledger.reserve([due.claim for due in dues], at=NOON)
        with self.step("sold"):
            await self.storage.listings.sold([due.sale for due in dues], fence=FIRST)
        with self.step("reserved"):
            await store.reserved({due.claim.order_key: due.claim.revision for due in dues}, held=held, fence=FIRST)
        assert await store.due(SHOP, limit=size, fence=FIRST) == []
        with self.step("doubts"):
            doubts = await store.doubts(SHOP, limit=size, fence=FIRST)
        with self.step("doubted"):
            await store.doubted(doubts, fence=FIRST)
        with self.step("unlinked"):
            assert len(await store.unlinked(SHOP, before=1, limit=size, fence=FIRST)) == size
        with self.step("changed"):
            versions = await ledger.changed(limit=size)
        assert versions is not None
        with self.step("mark"):
            await self.storage.listings.mark(versions)
        with self.step("acknowledge"):
            await ledger.acknowledge(versions)

    async def publishing(self) -> None:
        """Push, hear and read back levels."""
        book = self.storage.listings
        with self.step("links"):
            await book.links(SHOP, self.skus, fence=FIRST)
        with self.step("adopt_rule"):
            await book.adopt_rule(SHOP, "rule", hold=WINDOW, fence=FIRST, at=NOON)
        with self.step("listings due"):
            due = await book.due(SHOP, window=WINDOW, at=NOON, limit=len(self.skus), fence=FIRST)
        assert len(due) == len(self.skus)
        pushes = [Push(listing=listing.id, wanted=listing.wanted, quantity=3) for listing in due]
        with self.step("begin"):
            attempts = await book.begin(SHOP, pushes, window=WINDOW, fence=FIRST, at=NOON)
        answers = [Answer(attempt=attempt, outcome=StockOutcome.ACCEPTED) for attempt in attempts]
        assert len(answers) == len(self.skus)
        with self.step("finish"):
            await book.finish(SHOP, answers, window=WINDOW, fence=FIRST, at=NOON)
        wanted = {ListingId(push.listing.channel_sku): push.wanted for push in pushes}
        shown = [ChannelListing(channel_sku=sku, quantity=2) for sku in self.skus]
        with self.step("observed"):
            assert await book.observed(SHOP, shown, wanted=wanted, fence=FIRST, at=NOON) == len(shown)
        await self.linking()
        with self.step("mark_channel"):
            await book.mark_channel(SHOP)
        with self.step("of_channel"):
            await book.of_channel(SHOP)

    async def linking(self) -> None:
        """Link what was never heard of, and define what it is linked to."""
        book = self.storage.listings
        links = {ListingId(f"NEW-{number}"): "KIT" for number in range(len(self.skus))}
        with self.step("link_new"):
            assert len(await book.link_new(SHOP, links, fence=FIRST)) == len(links)
        with self.step("define"):
            await book.define_kit("KIT", {"MUG": 2})
        with self.step("define around"):
            await book.define_kit("MUG", {"CLAY": 3})
        with self.step("link"):
            await book.link(SHOP, self.skus[0], {"KIT": 1, "LID": 1})
        with self.step("unlink"):
            await book.unlink(SHOP, self.skus[0])
        with self.step("kits"):
            assert len(await book.kits()) == 2

    async def parcels(self) -> None:
        """Let goods leave."""
        store = self.storage.orders
        with self.step("deduct"):
            (due,) = [lifecycle.due_of(self.orders[0])]
            taken = {(sku, "main"): 1 for sku in self.skus}
            await self.storage.stock.deduct(make_deduction("any", "p", taken, due.claim), at=NOON)
        with self.step("adjust"):
            await self.storage.stock.adjust(self.skus[0], location="main", quantity=-1, movement_id="broken", at=NOON)
        with self.step("transfer"):
            await self.storage.stock.transfer(
                self.skus[0], source="main", destination="shop", quantity=1, movement_id="van", at=NOON
            )
        for key in self.keys:
            order = await store.get(key)
            after, parcel, note = parcels.process(order, Parcel(), at=NOON)
            with self.step("record_parcel"):
                await store.record_parcel(parcel, after, note, expect=order.revision)
        with self.step("waiting"):
            assert len(await store.waiting(SHOP, limit=len(self.keys), fence=FIRST)) == len(self.keys)
        for key in self.keys:
            with self.step("queue"):
                await store.queue(key, "all", fence=FIRST)
        with self.step("notes_due"):
            notes = await store.notes_due(SHOP, at=NOON, limit=len(self.keys), fence=FIRST)
        assert len(notes) == len(self.keys)
        with self.step("write_note"):
            assert await store.write_note(attrs.evolve(notes[0], tries=1), expect=notes[0], fence=FIRST)

    async def questions(self) -> None:
        """Ask what people ask of the orders."""
        key = self.keys[0]
        with self.step("get"):
            await self.storage.orders.get(key)
        with self.step("find"):
            assert len(await self.storage.orders.find(key.reference)) == 1
        for name, asked in LISTS.items():
            with self.step(f"listed {name}"):
                await self.storage.orders.listed(**asked)
        with self.step("history of an order"):
            assert len(await self.storage.orders.history(key)) == 1
        with self.step("decision"):
            assert await self.storage.orders.decision(key) is not None
        with self.step("parcel"):
            assert await self.storage.orders.parcel(key, "all") is not None
        with self.step("notes"):
            assert len(await self.storage.orders.notes(key)) == 1

    async def deciding(self) -> None:
        """Decide twice about orders that are not stored, ask about them, and forget them."""
        store, names = self.storage.orders, [f"refused-{key.reference}" for key in self.keys]
        for page in (1, 2):
            seen = [make_channel_order(name, channel_order_id=f"id/{name}") for name in names]
            decisions = tuple(refused(one.reference, seen=one, page=page, final=True) for one in seen)
            with self.step(f"decide {page}"):
                assert await store.save_page(PageWork(channel=SHOP, decisions=decisions), fence=FIRST, at=NOON)
        with self.step("decided"):
            assert len(await store.decided("id/refused-00000")) == 1
        with self.step("decided stored"):
            assert len(await store.decided("gid/0")) == 1
        with self.step("decision_history"):
            assert len(await store.decision_history(make_key(names[0]))) == 2
        with self.step("decisions_by_key"):
            assert len(await store.decisions_by_key(SHOP, admitted=False, limit=999)) == len(names)
        await store.set_progress(SHOP, Progress(swept_at=NOON + HOUR), fence=FIRST)
        with self.step("forget"):
            assert await store.forget(SHOP, before=NOON + HOUR, limit=9999, fence=FIRST) == 2 * len(names)

    async def erasing(self) -> None:
        """Erase all orders, one of whose buyers is known, and empty the quarantine."""
        store = self.storage.orders
        order = make_order("personal", buyer=Buyer(name="Grete"), state=OrderState.CANCELLED)
        assert await store.save_page(PageWork(channel=SHOP, new=(order,)), fence=FIRST, at=NOON)
        with self.step("erasable"):
            assert list(await store.erasable(before=NOON + HOUR, limit=9999)) == [order.key]
        with self.step("erase"):
            await store.erase([order.key, *self.keys], at=NOON)
        with self.step("erased"):
            assert len(await store.erased(self.keys)) == len(self.keys)
        with self.step("save erased"):
            page = PageWork(channel=SHOP, raw={order.key: b"Grete"}, quarantined=(make_document("h", reference="x"),))
            assert await store.save_page(page, fence=FIRST, at=NOON)
        with self.step("empty_quarantine"):
            assert await store.empty_quarantine(before=NOON + HOUR) > 0

    async def more_questions(self) -> None:
        """Ask what people ask of stock and of the journal."""
        key = self.keys[0]
        with self.step("levels"):
            await self.storage.stock.levels(self.skus)
        with self.step("history"):
            await self.storage.stock.history(self.skus[0])
        with self.step("held"):
            await self.storage.stock.held(key)
        with self.step("holds"):
            assert len(await self.storage.stock.holds(limit=len(self.keys))) == len(self.keys)
        with self.step("more holds"):
            await self.storage.stock.holds(after=key, limit=len(self.keys))
        with self.step("write"):
            entry = JournalEntry(at=NOON, kind=EntryKind.ERROR, channel=SHOP, run_id="run")
            await self.storage.journal.write([entry] * len(self.keys))
        with self.step("entries of a channel"):
            await self.storage.journal.entries(channel=SHOP)
        with self.step("entries of a run"):
            await self.storage.journal.entries(run_id="run")


async def walk(path: Path, size: int) -> dict[str, list[str]]:
    """Take every step on a fresh file; return the statements of each."""
    async with WatchedStorage(path) as storage:
        return await Walk(storage, size).walk()
