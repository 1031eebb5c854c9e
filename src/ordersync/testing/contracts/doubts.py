"""The laws of orders that were never stored and put listings in doubt, and of unlinked lines."""

from __future__ import annotations

from collections.abc import Sequence

from ...model.ids import Fence, OrderKey
from ...model.orders import Order, OrderLine, OrderState
from ...model.pages import PageWork
from ...model.stock import Sale
from ...ports import OrderStore
from ..builders import NOON, SHOP, make_decision, make_key, make_order, make_sale
from .laws import Contract, law, paged
from .steps import FIRST, MARKET, change, doubt, save


async def save_doubts(store: OrderStore, *doubts: Sale) -> None:
    """Save the doubts of orders of one channel, which are skipped."""
    decisions = tuple(make_decision(sale.order_key, admitted=False, code="CANCELLED_ON_CHANNEL") for sale in doubts)
    channel = doubts[0].order_key.channel
    page = PageWork(channel=channel, decisions=decisions, doubts=doubts)
    assert await store.save_page(page, fence=Fence(channel, 1), at=NOON)


class DoubtLaws(Contract[OrderStore]):
    """What ``doubts``, ``doubted`` and ``unlinked`` show."""

    @law
    async def test_doubt_stays_until_it_is_told(self, store: OrderStore) -> None:
        """A doubt is shown as it was saved until the listing book knows of it, and to its channel only."""
        sale = doubt("1001")
        await save_doubts(store, sale)
        assert list(await store.doubts(SHOP, limit=10)) == [sale]
        assert list(await store.doubts(MARKET, limit=10)) == []

        await store.doubted([sale])
        await store.doubted([sale])
        assert list(await store.doubts(SHOP, limit=10)) == []

    @law
    async def test_newer_doubt_stays(self, store: OrderStore) -> None:
        """A doubt that was raised again while the earlier one was told stays."""
        await save_doubts(store, doubt("1001"))
        await save_doubts(store, doubt("1001", revision=2))

        await store.doubted([doubt("1001")])
        assert list(await store.doubts(SHOP, limit=10)) == [doubt("1001", revision=2)]

    @law
    async def test_doubt_is_told_by_its_revision(self, store: OrderStore) -> None:
        """A doubt is the one that was told when its order and its revision are, whatever else is said of it."""
        await save_doubts(store, doubt("1001", revision=2))

        await store.doubted([make_sale("1001", {"LID": 9}, revision=3), doubt("1002", revision=2)])
        assert list(await store.doubts(SHOP, limit=10)) == [doubt("1001", revision=2)]
        await store.doubted([make_sale("1001", {"LID": 9}, revision=2)])
        assert list(await store.doubts(SHOP, limit=10)) == []

    @law
    async def test_doubts_are_counted_after_they_are_told(self, store: OrderStore) -> None:
        """How often an order raised a doubt is known also after the listing book was told."""
        await save_doubts(store, doubt("1001", revision=2))
        await store.doubted([doubt("1001", revision=2)])

        assert (await store.known(SHOP, ["1001"]))["1001"].doubt_revision == 2

    @law
    async def test_doubt_comes_back_equal(self, store: OrderStore) -> None:
        """A doubt's quantities by listing, its revisions and its time come back as they were saved."""
        sold = {("MUG-ÄÖ", None): 1, ("MUG-ÄÖ", "Lager 1"): 2}
        sale = make_sale("№ 7", sold, revision=3, channel_revision=2, taken_at=NOON.replace(microsecond=7))
        await save_doubts(store, sale)

        assert list(await store.doubts(SHOP, limit=10)) == [sale]

    @law
    async def test_doubts_are_limited(self, store: OrderStore) -> None:
        """No more doubts than asked for are shown, and in the end all of them."""
        await save_doubts(store, doubt("1001"), doubt("1002"), doubt("1003"))

        async def tell(_: Sale | None) -> Sequence[Sale]:
            page = await store.doubts(SHOP, limit=2)
            await store.doubted(page)
            return page

        told = await paged(tell, limit=2)
        assert sorted(sale.order_key.reference for sale in told) == ["1001", "1002", "1003"]

    @law
    async def test_unlinked_orders_are_live_and_resolved_earlier(self, store: OrderStore) -> None:
        """To be linked are live orders with a line linked to nothing, resolved under an older revision."""
        lines = [OrderLine(line_id="1", channel_sku="ODD", quantity=1)]
        await save(
            store,
            make_order("older", lines, links_revision=1),
            make_order("newer", lines, links_revision=2),
            make_order("linked", links_revision=1),
            make_order("cancelled", lines, links_revision=1, state=OrderState.CANCELLED),
            make_order("open", lines, links_revision=1, state=OrderState.OPEN),
        )
        await save(store, make_order(OrderKey(MARKET, "theirs"), lines, links_revision=1))

        found = await store.unlinked(SHOP, before=2, limit=10)
        assert sorted(order.key.reference for order in found) == ["older", "open"]
        assert await store.get(make_key("older")) in found

    @law
    async def test_line_linked_to_nothing_is_linked(self, store: OrderStore) -> None:
        """A line whose components are known to be none is not the same as one that nobody has linked."""
        lines = [OrderLine(line_id="1", channel_sku="GIFT", quantity=1, components={})]
        await save(store, make_order("1001", lines))

        assert list(await store.unlinked(SHOP, before=9, limit=10)) == []
        (line,) = (await store.get(make_key("1001"))).lines
        assert line.components == {}

    @law
    async def test_unlinked_orders_are_limited(self, store: OrderStore) -> None:
        """No more unlinked orders than asked for are shown, and a resolved one is not shown again."""
        lines = [OrderLine(line_id="1", channel_sku="ODD", quantity=1)]
        await save(store, *(make_order(reference, lines) for reference in ("1001", "1002", "1003")))

        async def resolve(_: Order | None) -> Sequence[Order]:
            page = await store.unlinked(SHOP, before=1, limit=2, fence=FIRST)
            for order in page:
                await change(store, order.key, links_revision=1)
            return page

        resolved = await paged(resolve, limit=2)
        assert sorted(order.key.reference for order in resolved) == ["1001", "1002", "1003"]
