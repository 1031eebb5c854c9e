"""The laws of an order's history: written with the order, and only then."""

from __future__ import annotations

from ... import lifecycle
from ...model.ids import OrderKey
from ...model.orders import Order, OrderChange
from ...model.pages import ChangedOrder, PageWork
from ...ports import OrderStore, ParcelAnswer
from ..builders import NOON, SHOP, make_key, make_order
from .laws import Contract, law
from .steps import FIRST, MARKET, change, line_of_two, make_entry, save, take_out, taken_out

KEY = make_key("1001")


async def move(store: OrderStore, key: OrderKey, location: str) -> OrderChange:
    """Move a stored order, with a line for its history; return the line."""
    order = await store.get(key)
    moved = lifecycle.advance(order, location=location)
    entry = make_entry(moved, event=f"moved to {location}", who=location, why=location)
    assert await store.replace(moved, expect=order.revision, change=entry)
    return entry


def page_that_moves(order: Order, *, expect: int) -> PageWork:
    """Build a page that moves an order, with a line for its history."""
    moved = lifecycle.advance(order, location="shop")
    return PageWork(channel=SHOP, changed=(ChangedOrder(order=moved, expect=expect, change=make_entry(moved)),))


class HistoryLaws(Contract[OrderStore]):
    """What ``history`` shows, and which verbs write it."""

    @law
    async def test_entry_comes_back_equal(self, store: OrderStore) -> None:
        """Every field of an entry comes back as it was written, letters and microseconds."""
        order = make_order(KEY)
        await save(store, order)
        moved = lifecycle.advance(order, location="Lager Ä")
        entry = make_entry(
            moved,
            event="verschoben",
            who="Žofie",
            why="„Lager“ voll\n; --",
            at=NOON.replace(microsecond=1),
            details={"location": "main -> Lager Ä", "line L/1 quantity": "1 -> 2"},
        )
        assert await store.replace(moved, expect=order.revision, change=entry)

        assert list(await store.history(KEY)) == [entry]

    @law
    async def test_history_is_oldest_first(self, store: OrderStore) -> None:
        """All that happened to an order comes oldest first, past nine as well, and of this order only."""
        theirs = OrderKey(MARKET, "1001")
        await save(store, make_order(KEY), make_order("1002"))
        await save(store, make_order(theirs))
        entries = [await move(store, KEY, f"place {number:02}") for number in reversed(range(12))]
        others = [await move(store, key, "elsewhere") for key in (make_key("1002"), theirs)]

        assert list(await store.history(KEY)) == entries
        assert [list(await store.history(key)) for key in (make_key("1002"), theirs)] == [[one] for one in others]

    @law
    async def test_nothing_happened_to_a_new_order(self, store: OrderStore) -> None:
        """An order that was only saved has no history, nor has one that is not stored."""
        await save(store, make_order(KEY))

        assert list(await store.history(KEY)) == []
        assert list(await store.history(make_key("never seen"))) == []

    @law
    async def test_write_without_an_entry_tells_nothing(self, store: OrderStore) -> None:
        """Who writes an order and gives no entry leaves its history as it was."""
        await save(store, make_order(KEY))
        entry = await move(store, KEY, "shop")
        await change(store, KEY, location="main")
        order = await store.get(KEY)
        silent = ChangedOrder(order=lifecycle.advance(order, status="Edited"), expect=order.revision)
        assert await store.save_page(PageWork(channel=SHOP, changed=(silent,)), fence=FIRST, at=NOON)

        assert list(await store.history(KEY)) == [entry]

    @law
    async def test_page_tells_what_it_changed(self, store: OrderStore) -> None:
        """A page that changes an order writes the entry with it."""
        order = make_order(KEY)
        await save(store, order)
        page = page_that_moves(order, expect=order.revision)
        assert await store.save_page(page, fence=FIRST, at=NOON)

        assert list(await store.history(KEY)) == [page.changed[0].change]

    @law
    async def test_parcel_tells_what_left(self, store: OrderStore) -> None:
        """A recorded parcel writes the entry with it."""
        order = make_order(KEY)
        await save(store, order)
        recorded, after, note = taken_out(order, line_of_two("p1"))
        entry = make_entry(after, event="processed")
        answer = await store.record_parcel(recorded, after, note, expect=order.revision, change=entry)

        assert answer is ParcelAnswer.RECORDED
        assert list(await store.history(KEY)) == [entry]

    @law
    async def test_stale_change_is_not_told(self, store: OrderStore) -> None:
        """A change that was not made because somebody was faster leaves no entry."""
        order = make_order(KEY)
        await save(store, order)
        await change(store, KEY, location="north")
        moved = lifecycle.advance(order, location="south")

        assert await store.replace(moved, expect=order.revision, change=make_entry(moved)) is False
        assert await store.save_page(page_that_moves(order, expect=order.revision), fence=FIRST, at=NOON) is False
        assert list(await store.history(KEY)) == []

    @law
    async def test_refused_parcel_is_not_told(self, store: OrderStore) -> None:
        """A parcel that was not recorded, for whatever reason, leaves no entry."""
        order = make_order(KEY, {"MUG": 3})
        await save(store, order)
        await take_out(store, KEY, line_of_two("p1"))

        async def attempt(parcel_id: str, **asked: object) -> ParcelAnswer:
            recorded, after, note = taken_out(order, line_of_two(parcel_id, **asked))
            return await store.record_parcel(recorded, after, note, expect=1, change=make_entry(after))

        assert await attempt("p1") is ParcelAnswer.REPEATED
        assert await attempt("p1", carrier="DHL") is ParcelAnswer.OTHER_CONTENT
        assert await attempt("p2") is ParcelAnswer.ANOTHER_WAITING
        await store.queue(KEY, "p1")
        assert await attempt("p2") is ParcelAnswer.STALE
        assert list(await store.history(KEY)) == []
