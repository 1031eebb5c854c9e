"""The laws of erasure: what is personal goes for good, and all else stays."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs

from ... import lifecycle
from ...model.channel_orders import Address, Buyer
from ...model.dispatch import NoteStatus
from ...model.ids import Fence, OrderKey
from ...model.orders import Order, OrderState
from ...model.pages import ChangedOrder, PageWork, Quarantined
from ...ports import OrderStore
from ..builders import NOON, SHOP, make_decision, make_key, make_order
from .laws import Contract, law
from .steps import (
    BY,
    FIRST,
    HOUR,
    MARKET,
    change,
    everything,
    line_of_two,
    make_document,
    move_note,
    save,
    take_out,
)

KEY = make_key("1001")
GRETE = Buyer(name="Grete Findewirth", email="grete@example.org")
HOME = Address(name="Grete Findewirth", lines=("Am Bach 3",), city="Ulm")


def personal(key: OrderKey | str = KEY, **changes: object) -> Order:
    """Build an order of two pieces with buyer and address."""
    return make_order(key, {"MUG": 2}, buyer=GRETE, shipping_address=HOME, **changes)


def bare(order: Order) -> Order:
    """Return an order without buyer and address."""
    return attrs.evolve(order, buyer=None, shipping_address=None)


async def quarantine(store: OrderStore, *documents: Quarantined) -> None:
    """Let a page bring documents that were not understood."""
    (channel,) = {document.channel for document in documents}
    page = PageWork(channel=channel, quarantined=documents)
    assert await store.save_page(page, fence=Fence(channel, 1), at=NOON)


async def payloads(store: OrderStore) -> dict[str, bytes]:
    """Return what is in quarantine, by hash."""
    return {document.payload_hash: document.payload for document in await store.quarantined(SHOP)}


async def erasable(store: OrderStore, *, before: datetime = NOON + HOUR, limit: int = 99) -> list[str]:
    """Return the references of the orders to erase."""
    return [key.reference for key in await store.erasable(before=before, limit=limit)]


class ErasureLaws(Contract[OrderStore]):
    """What is left of an order that was erased, and of what is written of it later."""

    @law
    async def test_erased_order_has_no_person(self, store: OrderStore) -> None:
        """L13: an erased order has neither buyer nor address; all else of it stays, under the next revision."""
        order, other = personal(), personal("1002")
        await save(store, order, other)
        await store.erase([KEY], at=NOON + HOUR)

        assert await store.get(KEY) == bare(attrs.evolve(order, revision=order.revision + 1))
        assert await store.get(other.key) == other

    @law
    async def test_erasure_is_remembered(self, store: OrderStore) -> None:
        """Which orders are erased is known with the time of the first erasure, stored or not, on their channel only."""
        await save(store, personal())
        await store.erase([KEY, make_key("unheard")], at=NOON)
        await store.erase([KEY], at=NOON + HOUR)

        asked = [KEY, make_key("unheard"), make_key("1002"), OrderKey(MARKET, "1001")]
        assert await store.erased(asked) == {KEY: NOON, make_key("unheard"): NOON}
        assert await store.erased([]) == {}

    @law
    async def test_repeated_erasure_changes_nothing(self, store: OrderStore) -> None:
        """An erasure that is repeated changes nothing, and one of nobody neither."""
        await save(store, personal())
        await quarantine(store, make_document("h1"))
        await store.erase([KEY, KEY], at=NOON)
        before = await everything(store, "1001")
        await store.erase([KEY], at=NOON + HOUR)
        await store.erase([], at=NOON + HOUR)

        assert await everything(store, "1001") == before

    @law
    async def test_erased_documents_leave_quarantine_empty(self, store: OrderStore) -> None:
        """Of an erased order's documents in quarantine the reasons stay, without payload; others keep theirs."""
        documents = [
            make_document("h1"),
            make_document("other", reference="1002"),
            make_document("nobody", reference=None),
        ]
        await quarantine(store, *documents)
        theirs = make_document("h1", channel=MARKET)
        await quarantine(store, theirs)
        await store.erase([KEY], at=NOON)

        assert list(await store.quarantined(SHOP)) == [attrs.evolve(documents[0], payload=b""), *documents[1:]]
        assert list(await store.quarantined(MARKET)) == [theirs]

    @law
    async def test_page_brings_nobody_back(self, store: OrderStore) -> None:
        """What a page brings of an erased order, new, changed or not understood, is kept without persons."""
        await save(store, personal())
        await store.erase([KEY, make_key("1002"), make_key("1003")], at=NOON)
        stored = await store.get(KEY)
        cancelled = personal("1002", state=OrderState.CANCELLED, ended=BY)
        edited = lifecycle.advance(stored, status="Edited", buyer=GRETE, shipping_address=HOME)
        page = PageWork(
            channel=SHOP,
            new=(cancelled, personal("1004")),
            changed=(ChangedOrder(order=edited, expect=stored.revision),),
            decisions=tuple(make_decision(make_key(name)) for name in ("1002", "1004")),
            quarantined=(make_document("h3", reference="1003"), make_document("h4", reference="1004")),
            raw=dict.fromkeys([KEY, make_key("1002")], b"Grete Findewirth"),
        )
        assert await store.save_page(page, fence=FIRST, at=NOON)

        assert await store.get(KEY) == bare(edited)
        assert await store.get(cancelled.key) == bare(cancelled)
        assert await erasable(store) == []  # also its document was not kept
        assert await store.get(make_key("1004")) == personal("1004")
        assert await payloads(store) == {"h3": b"", "h4": make_document("h4").payload}

    @law
    async def test_desk_brings_nobody_back(self, store: OrderStore) -> None:
        """What a person writes of an erased order is kept without persons, and so is what a parcel writes."""
        await save(store, personal())
        await store.erase([KEY], at=NOON)
        replaced = await change(store, KEY, buyer=GRETE, shipping_address=HOME, location="shop")
        assert await store.get(KEY) == bare(replaced)

        at_hand = attrs.evolve(replaced, state=OrderState.OPEN)
        assert await store.replace(lifecycle.advance(at_hand), expect=at_hand.revision)
        await take_out(store, KEY, line_of_two("p"))
        after = await store.get(KEY)
        assert (after.buyer, after.shipping_address) == (None, None)
        assert after.lines[0].processed == 1

    @law
    async def test_parcel_of_an_older_copy_brings_nobody_back(self, store: OrderStore) -> None:
        """Who read the order before it was erased is too late to write it, as after every other write."""
        order = personal()
        await save(store, order)
        await store.erase([KEY], at=NOON)

        assert await store.replace(lifecycle.advance(order, location="shop"), expect=order.revision) is False


class ErasableLaws(Contract[OrderStore]):
    """Which orders are to be erased by their age, and which documents."""

    @law
    async def test_ended_orders_are_erasable(self, store: OrderStore) -> None:
        """Cancelled and deleted orders are erasable once they ended before the moment; live ones never are."""
        ended, late = BY, attrs.evolve(BY, at=NOON + HOUR)
        await save(
            store,
            personal("cancelled", state=OrderState.CANCELLED, ended=ended),
            personal("deleted", state=OrderState.DELETED, ended=ended),
            personal("late", state=OrderState.CANCELLED, ended=late),
            personal("new"),
            personal("open", state=OrderState.OPEN),
            at=NOON - HOUR,
        )

        assert await erasable(store) == ["cancelled", "deleted"]
        assert await erasable(store, before=NOON) == []
        assert await erasable(store, before=NOON + 2 * HOUR) == ["cancelled", "deleted", "late"]

    @law
    async def test_processed_order_ends_with_its_last_parcel(self, store: OrderStore) -> None:
        """A processed order is erasable from its last parcel on, or if it has none, from when it was saved."""
        saved = NOON - 9 * HOUR
        elsewhere = personal("elsewhere", state=OrderState.PROCESSED, saved_at=saved)
        await save(store, personal("here", state=OrderState.OPEN, saved_at=saved), elsewhere)
        for hours, parcel in enumerate(("p1", "p2")):
            await take_out(store, make_key("here"), line_of_two(parcel), at=NOON + hours * HOUR)
            await move_note(store, make_key("here"), parcel, NoteStatus.CONFIRMED)
        assert (await store.get(make_key("here"))).state is OrderState.PROCESSED

        assert await erasable(store, before=saved) == []
        assert await erasable(store, before=NOON - HOUR) == ["elsewhere"]
        assert await erasable(store) == ["elsewhere"]
        assert await erasable(store, before=NOON + 2 * HOUR) == ["elsewhere", "here"]

    @law
    async def test_order_with_a_note_to_send_is_not_erasable(self, store: OrderStore) -> None:
        """A processed order waits for its notes: only when none is still to be sent it is erasable."""
        found = {}
        for status in NoteStatus:
            key = make_key(status.value)
            await save(store, personal(key, state=OrderState.OPEN))
            await take_out(store, key, line_of_two("p1"))
            await move_note(store, key, "p1", NoteStatus.CONFIRMED)
            await take_out(store, key, line_of_two("p2"))
            if status is not NoteStatus.WAITING:
                await move_note(store, key, "p2", status)
            found[status] = status.value in await erasable(store)

        to_be_sent = {NoteStatus.WAITING, NoteStatus.QUEUED, NoteStatus.CLAIMED}
        assert {status for status, is_erasable in found.items() if not is_erasable} == to_be_sent

    @law
    async def test_only_personal_data_is_erasable(self, store: OrderStore) -> None:
        """Orders of which nothing personal is kept are not erasable, as if they were erased; a document is enough."""
        fields: dict[str, Any] = {"state": OrderState.CANCELLED, "ended": BY}
        orders = (
            make_order("bare", **fields),
            make_order("buyer", buyer=GRETE, **fields),
            make_order("address", shipping_address=HOME, **fields),
            make_order("document", **fields),
            personal("erased", **fields),
        )
        page = PageWork(channel=SHOP, new=orders, raw={make_key("document"): b"Grete Findewirth"})
        assert await store.save_page(page, fence=FIRST, at=NOON)
        await store.erase([make_key("erased")], at=NOON)

        assert await erasable(store) == ["address", "buyer", "document"]
        await store.erase([make_key("document"), make_key("buyer")], at=NOON)
        await change(store, make_key("address"), buyer=None, shipping_address=None)
        assert await erasable(store) == []

    @law
    async def test_erasable_orders_come_by_key(self, store: OrderStore) -> None:
        """Erasable orders of all channels come in order of their keys, no more than asked for."""
        fields: dict[str, Any] = {"state": OrderState.CANCELLED, "ended": BY}
        theirs = OrderKey(MARKET, "5")
        await save(store, *(personal(reference, **fields) for reference in ("9", "10", "a")))
        await save(store, personal(theirs, **fields))

        keys = [theirs, *map(make_key, ("10", "9", "a"))]
        assert list(await store.erasable(before=NOON + HOUR, limit=99)) == keys
        assert list(await store.erasable(before=NOON + HOUR, limit=2)) == keys[:2]

    @law
    async def test_old_quarantine_is_emptied(self, store: OrderStore) -> None:
        """Payloads from before the moment go, and are counted once; their reasons stay, and so do newer payloads."""
        documents = [
            make_document("old"),
            make_document("nobody's", reference=None),
            make_document("new", at=NOON + HOUR),
        ]
        await quarantine(store, *documents)
        await quarantine(store, make_document("theirs", channel=MARKET))
        emptied = [attrs.evolve(document, payload=b"") for document in documents[:2]]

        assert await store.empty_quarantine(before=NOON) == 0
        assert await store.empty_quarantine(before=NOON + HOUR) == 3
        assert list(await store.quarantined(SHOP)) == [*emptied, documents[2]]
        assert [document.payload for document in await store.quarantined(MARKET)] == [b""]
        assert await store.empty_quarantine(before=NOON + HOUR) == 0
        await quarantine(store, documents[0])
        assert (await payloads(store))["old"] == b""
