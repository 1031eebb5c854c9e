"""The laws of what a page writes: orders, decisions, quarantine, doubts, watches and progress together."""

from __future__ import annotations

import asyncio

import attrs
import pytest

from ... import lifecycle
from ...errors import OrderNotFoundError
from ...model.ids import Fence, OrderKey
from ...model.orders import Conflict, ConflictCode, OrderState
from ...model.pages import ChangedOrder, Known, PageWork
from ...model.runs import Progress
from ...ports import OrderStore
from ..builders import NOON, SHOP, make_decision, make_key, make_order
from .laws import Contract, law
from .steps import FIRST, HOUR, MARKET, MINUTE, change, doubt, everything, full_page, make_document, save


class PageLaws(Contract[OrderStore]):
    """What ``save_page`` writes, and that it writes it wholly or not at all."""

    @law
    async def test_order_is_stored_once(self, store: OrderStore) -> None:
        """An order that is stored already is not stored again as new, and the first one stays."""
        first = make_order("1001", {"MUG": 1})
        await save(store, first)

        again = PageWork(channel=SHOP, new=(make_order("1001", {"LID": 5}),))
        assert await store.save_page(again, fence=FIRST, at=NOON) is False
        assert await store.get(first.key) == first

    @law
    async def test_one_of_two_savers_wins(self, store: OrderStore) -> None:
        """Of two that save the same order at once, one is told that it did and the other that it did not."""
        pages = [PageWork(channel=SHOP, new=(make_order("1001", {sku: 1}),)) for sku in ("MUG", "LID")]
        answers = await asyncio.gather(*(store.save_page(page, fence=FIRST, at=NOON) for page in pages))

        assert sorted(answers) == [False, True]
        assert await store.get(make_key("1001")) == pages[answers.index(True)].new[0]

    @law
    async def test_same_reference_on_two_channels_is_two_orders(self, store: OrderStore) -> None:
        """An order number belongs to its channel; the same on another channel is another order."""
        ours, theirs = make_order("1001", {"MUG": 1}), make_order(OrderKey(MARKET, "1001"), {"LID": 2})
        await save(store, ours)
        await save(store, theirs)

        assert await store.get(ours.key) == ours
        assert await store.get(theirs.key) == theirs

    @law
    async def test_unknown_key_is_an_error(self, store: OrderStore) -> None:
        """Asking for an order that is not stored raises OrderNotFoundError."""
        with pytest.raises(OrderNotFoundError, match="1001"):
            await store.get(make_key("1001"))

    @law
    async def test_page_with_a_stored_new_order_writes_nothing(self, store: OrderStore) -> None:
        """When one new order of a page is stored already, nothing of the page is written."""
        await save(store, make_order("1001"))
        before = await everything(store, "1001", "1002", "skipped")

        page = full_page(make_order("1002"), make_order("1001", {"LID": 1}))
        assert await store.save_page(page, fence=FIRST, at=NOON + HOUR) is False
        assert await everything(store, "1001", "1002", "skipped") == before

    @law
    async def test_page_with_a_stale_change_writes_nothing(self, store: OrderStore) -> None:
        """When one changed order no longer has the revision it was read with, nothing of the page is written."""
        read = make_order("1001", {"MUG": 1})
        await save(store, read, make_order("1003"))
        await change(store, read.key, location="shop")
        other = make_order("1003")
        before = await everything(store, "1001", "1002", "1003", "skipped")

        changed = tuple(
            ChangedOrder(order=lifecycle.advance(order, status="Edited"), expect=order.revision)
            for order in (other, read)
        )
        page = full_page(make_order("1002"), changed=changed, seen=(other.key,))
        assert await store.save_page(page, fence=FIRST, at=NOON + HOUR) is False
        assert await everything(store, "1001", "1002", "1003", "skipped") == before

    @law
    async def test_change_of_an_order_not_stored_writes_nothing(self, store: OrderStore) -> None:
        """A change of an order that is not stored is stale."""
        before = await everything(store, "1001", "skipped")

        page = full_page(changed=(ChangedOrder(order=make_order("1001", revision=2), expect=1),))
        assert await store.save_page(page, fence=FIRST, at=NOON) is False
        assert await everything(store, "1001", "skipped") == before

    @law
    async def test_page_changes_orders(self, store: OrderStore) -> None:
        """A changed order that still has the revision it was read with is written over."""
        read = make_order("1001", {"MUG": 1})
        await save(store, read)
        edited = lifecycle.advance(read, by_channel=True, status="Edited", location="shop")

        page = PageWork(channel=SHOP, changed=(ChangedOrder(order=edited, expect=read.revision),))
        assert await store.save_page(page, fence=FIRST, at=NOON) is True
        assert await store.get(read.key) == edited

    @law
    async def test_page_is_written_together(self, store: OrderStore) -> None:
        """A page's orders, decisions, quarantine, doubts, watches and progress are all there once it is saved."""
        order = make_order("1001")
        page = full_page(order)
        assert await store.save_page(page, fence=FIRST, at=NOON) is True

        assert await store.get(order.key) == order
        assert {decision.key for decision in await store.decisions(SHOP)} == {order.key, make_key("skipped")}
        assert list(await store.quarantined(SHOP)) == list(page.quarantined)
        assert list(await store.doubts(SHOP, limit=10)) == list(page.doubts)
        assert list(await store.watched(SHOP, at=NOON + HOUR, limit=10)) == [change.after for change in page.watches]
        assert await store.progress(SHOP) == page.progress

    @law
    async def test_decision_keeps_its_first_sighting(self, store: OrderStore) -> None:
        """A decision takes the first sighting of the one it replaces, and its last sighting is the page's."""
        key = make_key("1001")
        skipped = make_decision(key, admitted=False, code="NOT_PAID", page=1)
        for hours, decision in enumerate((skipped, make_decision(key, page=2), make_decision(key, page=3))):
            work = PageWork(channel=SHOP, decisions=(decision,))
            assert await store.save_page(work, fence=FIRST, at=NOON + hours * HOUR)

        later = NOON + 2 * HOUR
        expected = make_decision(key, page=3, first_seen_at=NOON, decided_at=later, last_seen_at=later)
        assert await store.decision(key) == expected

    @law
    async def test_decision_comes_back_equal(self, store: OrderStore) -> None:
        """Every field of a decision comes back as it was written."""
        key = make_key("№ 7 ✓")
        full = make_decision(
            key,
            admitted=False,
            code="CANCELLED_ON_CHANNEL",
            sentence="Über „Kasse“ storniert.",
            digest=bytes(range(256)),
            status="storniert",
            mapping_version="3",
            run_id="run-1",
            page=12,
            final=True,
            placed_at=NOON.replace(microsecond=1),
        )
        assert await store.save_page(PageWork(channel=SHOP, decisions=(full,)), fence=FIRST, at=NOON)

        assert await store.decision(key) == attrs.evolve(full, first_seen_at=NOON, decided_at=NOON, last_seen_at=NOON)

    @law
    async def test_seen_moves_only_the_last_sighting(self, store: OrderStore) -> None:
        """Of an order that a page only shows again, nothing but its decision's last sighting changes."""
        order = make_order("1001")
        await save(store, order)
        decided = await store.decision(order.key)
        assert decided is not None

        page = PageWork(channel=SHOP, seen=(order.key,))
        assert await store.save_page(page, fence=FIRST, at=NOON + HOUR) is True
        assert await store.decision(order.key) == attrs.evolve(decided, last_seen_at=NOON + HOUR)
        assert await store.get(order.key) == order

    @law
    async def test_progress_of_a_new_channel_is_empty(self, store: OrderStore) -> None:
        """A channel that nothing was read from has an empty progress."""
        await store.set_progress(SHOP, Progress(watermark=NOON), fence=FIRST)

        assert await store.progress(MARKET) == Progress()

    @law
    async def test_progress_is_replaced_whole(self, store: OrderStore) -> None:
        """The progress that is set comes back equal, and nothing of the one before stays."""
        full = Progress(
            watermark=NOON.replace(microsecond=123456),
            swept_at=NOON - HOUR,
            sweep_began_at=NOON - MINUTE,
            sweep_position=NOON - 2 * MINUTE,
            interrupted=True,
            judged_at=NOON - 3 * MINUTE,
            trusted_at=NOON - 4 * MINUTE,
        )
        await store.set_progress(SHOP, full, fence=FIRST)
        assert await store.progress(SHOP) == full

        await store.set_progress(SHOP, Progress(swept_at=NOON), fence=FIRST)
        assert await store.progress(SHOP) == Progress(swept_at=NOON)

    @law
    async def test_page_without_progress_leaves_it(self, store: OrderStore) -> None:
        """A page that says nothing of progress leaves it as it was."""
        await store.set_progress(SHOP, Progress(watermark=NOON), fence=FIRST)
        await save(store, make_order("1001"))

        assert await store.progress(SHOP) == Progress(watermark=NOON)

    @law
    async def test_quarantine_keeps_one_row_per_payload(self, store: OrderStore) -> None:
        """The same payload seen again stays one document of its channel, and is another's on another channel."""
        for hours, channel in enumerate((SHOP, SHOP, MARKET)):
            document = make_document("h1", channel=channel, at=NOON + hours * HOUR)
            page = PageWork(channel=channel, quarantined=(document,))
            assert await store.save_page(page, fence=Fence(channel, 1), at=document.at)

        assert [found.payload_hash for found in await store.quarantined(SHOP)] == ["h1"]
        assert list(await store.quarantined(MARKET)) == [make_document("h1", channel=MARKET, at=NOON + 2 * HOUR)]

    @law
    async def test_quarantine_is_oldest_first_and_limited(self, store: OrderStore) -> None:
        """Quarantined documents come back with their payloads, oldest first, no more than asked for."""
        documents = [make_document(f"h{n}", at=NOON + n * HOUR) for n in (1, 2, 3)]
        for document in documents:
            page = PageWork(channel=SHOP, quarantined=(document,))
            assert await store.save_page(page, fence=FIRST, at=document.at)

        assert list(await store.quarantined(SHOP)) == documents
        assert list(await store.quarantined(SHOP, limit=2)) == documents[:2]

    @law
    async def test_known_tells_everything(self, store: OrderStore) -> None:
        """What is known of an order is its decision, where it stands if it is stored, and its doubts."""
        stored, skipped = make_key("1001"), make_key("1002")
        decisions = (
            make_decision(stored, digest=b"one", mapping_version="7"),
            make_decision(skipped, admitted=False, code="CANCELLED_ON_CHANNEL", final=True, digest=b"two"),
        )
        page = PageWork(channel=SHOP, new=(make_order(stored),), decisions=decisions, doubts=(doubt("1002"),))
        assert await store.save_page(page, fence=FIRST, at=NOON)
        at_odds = Conflict(code=ConflictCode.CANCELLED_AFTER_PROCESSING, sentence="Look at it.", at=NOON)
        changed = await change(store, stored, state=OrderState.CANCELLED, conflict=at_odds)

        known = await store.known(SHOP, ["1001", "1002", "1003"])
        assert known == {
            "1001": Known(
                digest=b"one",
                code="ADMITTED",
                mapping_version="7",
                admitted=True,
                final=False,
                state=OrderState.CANCELLED,
                revision=changed.revision,
                conflict=ConflictCode.CANCELLED_AFTER_PROCESSING,
            ),
            "1002": Known(
                digest=b"two",
                code="CANCELLED_ON_CHANNEL",
                mapping_version="",
                admitted=False,
                final=True,
                doubt_revision=1,
            ),
        }

    @law
    async def test_never_seen_orders_are_not_known(self, store: OrderStore) -> None:
        """A reference that only another channel showed is not known."""
        await save(store, make_order("1001"))

        assert await store.known(MARKET, ["1001"]) == {}
        assert await store.known(SHOP, []) == {}

    @law
    async def test_load_returns_the_stored_ones(self, store: OrderStore) -> None:
        """Of the keys asked for, those that are stored come back with their orders."""
        orders = [make_order("1001"), make_order("1002", {"LID": 3})]
        await save(store, *orders)

        assert await store.load([*(order.key for order in orders), make_key("1003")]) == {o.key: o for o in orders}
        assert await store.load([]) == {}
