"""The laws of the quarantine: what is understood by now leaves it, and nothing else does."""

from __future__ import annotations

import attrs

from ... import lifecycle
from ...model.ids import Fence, OrderKey
from ...model.pages import ChangedOrder, PageWork
from ...ports import OrderStore
from ..builders import NOON, SHOP, make_key, make_order
from .laws import Contract, law
from .steps import FIRST, HOUR, MARKET, make_document, save

KEY = make_key("1001")


async def quarantine(store: OrderStore) -> None:
    """Put two documents of the order into quarantine, and those of others."""
    documents = (
        *(make_document(name) for name in ("h1", "h2")),
        make_document("of another", reference="1002"),
        make_document("of nobody", reference=None),
    )
    assert await store.save_page(PageWork(channel=SHOP, quarantined=documents), fence=FIRST, at=NOON)
    theirs = PageWork(channel=MARKET, quarantined=(make_document("h1", channel=MARKET),))
    assert await store.save_page(theirs, fence=Fence(MARKET, 1), at=NOON)


async def left(store: OrderStore) -> list[str]:
    """Return the hashes of what is in quarantine, of all channels."""
    return [found.payload_hash for channel in (SHOP, MARKET) for found in await store.quarantined(channel)]


OTHERS = ["of another", "of nobody", "h1"]


class QuarantineLaws(Contract[OrderStore]):
    """When documents leave quarantine."""

    @law
    async def test_stored_order_leaves_quarantine(self, store: OrderStore) -> None:
        """When an order is stored at last, what was in quarantine under its reference on its channel goes."""
        await quarantine(store)
        assert await left(store) == ["h1", "h2", *OTHERS]

        await save(store, make_order(KEY))
        assert await left(store) == OTHERS

    @law
    async def test_changed_order_leaves_quarantine(self, store: OrderStore) -> None:
        """When a stored order is changed by its channel, what was in quarantine under its reference goes."""
        order = make_order(KEY)
        await save(store, order)
        await quarantine(store)

        changed = ChangedOrder(order=lifecycle.advance(order, status="Edited"), expect=order.revision)
        assert await store.save_page(PageWork(channel=SHOP, changed=(changed,)), fence=FIRST, at=NOON)
        assert await left(store) == OTHERS

    @law
    async def test_understood_order_leaves_quarantine(self, store: OrderStore) -> None:
        """An order that a page shows readable leaves quarantine, stored or not; one never in it changes nothing."""
        await quarantine(store)

        page = PageWork(channel=SHOP, understood=(KEY, make_key("never seen")))
        for _ in range(2):
            assert await store.save_page(page, fence=FIRST, at=NOON)
            assert await left(store) == OTHERS

    @law
    async def test_seen_order_stays_in_quarantine(self, store: OrderStore) -> None:
        """An order of which only the last sighting is noted may have been shown unreadable again: it stays."""
        await save(store, make_order(KEY))
        await quarantine(store)

        assert await store.save_page(PageWork(channel=SHOP, seen=(KEY,)), fence=FIRST, at=NOON)
        assert await left(store) == ["h1", "h2", *OTHERS]

    @law
    async def test_stale_page_frees_nothing(self, store: OrderStore) -> None:
        """L3: a page that is not written lets nothing out of quarantine."""
        await save(store, make_order("stored"))
        await quarantine(store)

        page = PageWork(channel=SHOP, new=(make_order("stored"),), understood=(KEY,))
        assert await store.save_page(page, fence=FIRST, at=NOON) is False
        assert await left(store) == ["h1", "h2", *OTHERS]

    @law
    async def test_document_of_the_same_page_stays(self, store: OrderStore) -> None:
        """L10: what a page itself could not read stays, also when it shows the order readable beside."""
        document = make_document("new")
        page = PageWork(channel=SHOP, understood=(KEY,), quarantined=(document,))
        assert await store.save_page(page, fence=FIRST, at=NOON)
        assert list(await store.quarantined(SHOP)) == [document]

        theirs = PageWork(channel=SHOP, understood=(OrderKey(SHOP, "1002"),))
        assert await store.save_page(theirs, fence=FIRST, at=NOON)
        assert await left(store) == ["new"]

    @law
    async def test_same_document_is_kept_once(self, store: OrderStore) -> None:
        """A document that is shown again stays where it is: with its first time, and with what is said of it now."""
        await quarantine(store)
        again = make_document("of nobody", reference="1003", at=NOON + HOUR)
        again = attrs.evolve(again, code="STATUS_UNKNOWN", error="other")
        assert await store.save_page(PageWork(channel=SHOP, quarantined=(again,)), fence=FIRST, at=NOON)

        kept = {one.payload_hash: one for one in await store.quarantined(SHOP)}["of nobody"]
        assert kept == attrs.evolve(again, at=NOON)
        assert await left(store) == ["h1", "h2", *OTHERS]

        nameless = attrs.evolve(again, reference=None)
        assert await store.save_page(PageWork(channel=SHOP, quarantined=(nameless,)), fence=FIRST, at=NOON)
        kept = {one.payload_hash: one for one in await store.quarantined(SHOP)}["of nobody"]
        assert kept.reference == "1003"

    @law
    async def test_document_is_released_by_its_hash(self, store: OrderStore) -> None:
        """A document that is released leaves quarantine, of its own channel alone, and whoever it was of."""
        await quarantine(store)

        page = PageWork(channel=SHOP, released=("h1", "of nobody", "unheard of"))
        for _ in range(2):
            assert await store.save_page(page, fence=FIRST, at=NOON)
            assert await left(store) == ["h2", "of another", "h1"]
