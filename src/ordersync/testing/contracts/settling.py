"""The laws of what orders want of stock: due, reserved, replace."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import attrs

from ... import lifecycle
from ...model.dispatch import NoteStatus
from ...model.ids import OrderKey
from ...model.orders import OrderState
from ...model.pages import ChangedOrder, PageWork
from ...model.stock import Due
from ...ports import OrderStore
from ..builders import NOON, SHOP, make_key, make_order
from .laws import Contract, law, paged
from .steps import BY, FIRST, MARKET, change, is_due, line_of_two, move_note, save, settle, take_out

ORDERED = ("#2", "1", "10", "9", "Z", "a", "ä", "\uff5e", "😀")
"""References in the order of their keys, that of code points."""


class SettlingLaws(Contract[OrderStore]):
    """An order is due while the ledger is not known to hold what it wants."""

    @law
    async def test_new_order_is_due_until_reserved(self, store: OrderStore) -> None:
        """A saved order is due with its claim and its sale, and is OPEN and no longer due once that is held."""
        order = make_order("1001", {"MUG": 2, "LID": 1}, channel_location="L1", channel_revision=0)
        await save(store, order)
        assert list(await store.due(SHOP, limit=10)) == [lifecycle.due_of(order)]

        await store.reserved({order.key: 1})
        held = await store.get(order.key)
        assert (held.state, held.reserved_revision) == (OrderState.OPEN, 1)
        assert held.revision > order.revision
        assert list(await store.due(SHOP, limit=10)) == []

    @law
    async def test_reserved_is_conditional(self, store: OrderStore) -> None:
        """Rule 1: what is known of another revision than the order's own changes nothing."""
        order = make_order("1001")
        await save(store, order)
        changed = await change(store, order.key, location="shop")

        await store.reserved({order.key: order.stock_revision}, held={order.key: order.stock_revision})
        assert await store.get(order.key) == changed
        await store.reserved({order.key: changed.stock_revision + 1})
        assert (await store.get(order.key)).state is OrderState.NEW
        assert await is_due(store, order.key)

    @law
    async def test_reserved_is_conditional_for_each(self, store: OrderStore) -> None:
        """In a batch each order is judged by itself, and an order that is not stored is passed over."""
        good, stale = make_order("1001"), make_order("1002")
        await save(store, good, stale)
        await change(store, stale.key, location="shop")

        await store.reserved({stale.key: 1, good.key: 1, make_key("1003"): 1})
        assert not await is_due(store, good.key)
        assert await is_due(store, stale.key)
        assert (await store.get(stale.key)).state is OrderState.NEW

    @law
    async def test_reserved_opens_only_new_orders(self, store: OrderStore) -> None:
        """Rule 5: the revision is recorded in any state, and no other state than NEW is changed by it."""
        states = [state for state in OrderState if state is not OrderState.NEW]
        await save(store, *(make_order(state.value, state=state, stock_revision=4) for state in states))

        await store.reserved({make_key(state.value): 4 for state in states})
        for state in states:
            order = await store.get(make_key(state.value))
            assert (order.state, order.reserved_revision) == (state, 4)

    @law
    async def test_reserved_raises_the_revision(self, store: OrderStore) -> None:
        """Rule 8: a person who read the order before it was reserved must read it again."""
        order = make_order("1001")
        await save(store, order)
        await settle(store, order.key)

        assert await store.replace(lifecycle.cancel(order, by=BY), expect=order.revision) is False

    @law
    async def test_ledger_that_holds_more_is_overtaken(self, store: OrderStore) -> None:
        """Rule 7: where the ledger holds a higher revision the order's own rises past it and stays due."""
        order = make_order("1001", {"MUG": 2})
        await save(store, order)

        await store.reserved({order.key: 1}, held={order.key: 7})
        raised = await store.get(order.key)
        assert raised.stock_revision > 7
        assert raised.revision > order.revision
        assert (raised.state, raised.wanted, raised.channel_revision) == (OrderState.NEW, order.wanted, 0)
        assert list(await store.due(SHOP, limit=10)) == [lifecycle.due_of(raised)]

        await settle(store, order.key)
        assert not await is_due(store, order.key)

    @law
    async def test_late_answer_raises_too(self, store: OrderStore) -> None:
        """Also the answer to an older claim tells that the ledger holds more than the order claims by now."""
        order = make_order("1001")
        await save(store, order)
        await change(store, order.key, location="shop")

        await store.reserved({order.key: 1}, held={order.key: 7})
        assert (await store.get(order.key)).stock_revision > 7

    @law
    async def test_held_as_claimed_is_reserved(self, store: OrderStore) -> None:
        """A ledger that answers with the order's own revision holds it."""
        await save(store, make_order("1001"))

        await store.reserved({make_key("1001"): 1}, held={make_key("1001"): 1})
        assert not await is_due(store, make_key("1001"))

    @law
    async def test_every_state_is_due(self, store: OrderStore) -> None:
        """Rule 6: also what is processed, cancelled or deleted is due until the ledger knows of it."""
        await save(store, *(make_order(state.value, state=state) for state in OrderState))

        due = await store.due(SHOP, limit=10)
        assert {one.claim.order_key.reference for one in due} == {state.value for state in OrderState}
        wanted = {one.claim.order_key.reference: one.claim.wanted for one in due}
        assert wanted["cancelled"] == wanted["deleted"] == wanted["processed"] == {}

    @law
    async def test_waiting_parcel_is_finished_first(self, store: OrderStore) -> None:
        """Rule 1: an order with a WAITING note is not due; once that is QUEUED the order is due again."""
        key = make_key("1001")
        await save(store, make_order(key, {"MUG": 2}), make_order("1002"))
        await settle(store, key)
        await take_out(store, key, line_of_two("p1"))
        assert [one.claim.order_key.reference for one in await store.due(SHOP, limit=10)] == ["1002"]
        assert not await is_due(store, key)

        await store.queue(key, "p1")
        assert await is_due(store, key)
        await settle(store, key)
        assert not await is_due(store, key)
        await move_note(store, key, "p1", NoteStatus.SENT)
        assert not await is_due(store, key)

    @law
    async def test_due_comes_in_order_of_keys(self, store: OrderStore) -> None:
        """Due orders of one channel come in order of their keys, from behind the last one, no more than asked for."""
        await save(store, *(make_order(reference) for reference in reversed(ORDERED)))
        await save(store, make_order(OrderKey(MARKET, "5")))
        assert [one.claim.order_key.reference for one in await store.due(SHOP, limit=99)] == list(ORDERED)

        async def due(last: Due | None) -> Sequence[Due]:
            after = None if last is None else last.claim.order_key
            return await store.due(SHOP, limit=2, after=after, fence=FIRST)

        assert [one.claim.order_key.reference for one in await paged(due, limit=2)] == list(ORDERED)

    @law
    async def test_one_order_can_be_asked_for(self, store: OrderStore) -> None:
        """Asked for one order, only that is shown, and only when it is due."""
        await save(store, make_order("1001"), make_order("1002"))
        await settle(store, make_key("1001"))

        due = await store.due(SHOP, limit=10, key=make_key("1002"))
        assert [one.claim.order_key for one in due] == [make_key("1002")]
        assert list(await store.due(SHOP, limit=10, key=make_key("1001"))) == []

    @law
    async def test_replace_is_compare_and_set(self, store: OrderStore) -> None:
        """Rule 8: of two who change the same reading of an order one wins, and the other is told."""
        order = make_order("1001")
        await save(store, order)
        rivals = [lifecycle.advance(order, location=location) for location in ("north", "south")]

        answers = await asyncio.gather(*(store.replace(rival, expect=order.revision) for rival in rivals))
        assert sorted(answers) == [False, True]
        assert await store.get(order.key) == rivals[answers.index(True)]

    @law
    async def test_parking_stops_a_stale_writer(self, store: OrderStore) -> None:
        """Rule 8: also a change that leaves the wanted stock alone makes earlier readings stale."""
        order = make_order("1001")
        await save(store, order)
        parked = await change(store, order.key, parked="not paid (pending)")
        assert parked.stock_revision == order.stock_revision

        assert await store.replace(lifecycle.advance(order, location="shop"), expect=order.revision) is False
        assert await store.get(order.key) == parked

    @law
    async def test_replace_of_an_order_not_stored_is_stale(self, store: OrderStore) -> None:
        """An order that is not stored cannot be replaced."""
        assert await store.replace(make_order("1001", revision=2), expect=1) is False
        assert await store.load([make_key("1001")]) == {}

    @law
    async def test_changed_order_is_due_again(self, store: OrderStore) -> None:
        """An order whose wanted stock changed is due again with the new list, however it was written."""
        key = make_key("1001")
        await save(store, make_order(key, {"MUG": 2}))
        await settle(store, key)
        await change(store, key, location="shop")
        assert [one.claim.wanted for one in await store.due(SHOP, limit=9)] == [{("MUG", "shop"): 2}]

        await settle(store, key)
        order = await store.get(key)
        edited = lifecycle.advance(order, by_channel=True, state=OrderState.CANCELLED)
        page = PageWork(channel=SHOP, changed=(ChangedOrder(order=edited, expect=order.revision),))
        assert await store.save_page(page, fence=FIRST, at=NOON)
        assert list(await store.due(SHOP, limit=9)) == [lifecycle.due_of(edited)]

    @law
    async def test_rewant_all_makes_everything_due(self, store: OrderStore) -> None:
        """Rule 7: after the ledger was replaced every order is due, and no stock revision falls."""
        keys = [make_key(state.value) for state in OrderState] + [OrderKey(MARKET, "1001")]
        await save(store, *(make_order(state.value, state=state, stock_revision=3) for state in OrderState))
        await save(store, make_order(keys[-1]))
        await settle(store, *keys)
        before = await store.load(keys)

        await store.rewant_all()
        assert [await is_due(store, key) for key in keys] == [True] * len(keys)
        after = await store.load(keys)
        assert all(after[key].stock_revision >= before[key].stock_revision for key in keys)
        assert all(after[key].revision > before[key].revision for key in keys)
        assert all(after[key].wanted == before[key].wanted for key in keys)

    @law
    async def test_rewant_makes_some_orders_due(self, store: OrderStore) -> None:
        """Rule 7: the orders named are due under a higher stock revision, and those not stored are left out."""
        keys = [make_key(state.value) for state in OrderState]
        await save(store, *(make_order(key, state=OrderState(key.reference)) for key in keys), make_order("other"))
        await settle(store, *keys, make_key("other"))
        before = await store.load([*keys, make_key("other")])

        await store.rewant([*keys, make_key("never seen")])
        after = await store.load([*keys, make_key("other"), make_key("never seen")])
        assert [await is_due(store, key) for key in keys] == [True] * len(keys)
        assert all(after[key].stock_revision > before[key].stock_revision for key in keys)
        assert all(after[key].revision > before[key].revision for key in keys)
        assert {k: (o.state, o.wanted) for k, o in after.items()} == {k: (o.state, o.wanted) for k, o in before.items()}
        assert after[make_key("other")] == before[make_key("other")]
        assert await store.known(SHOP, ["never seen"]) == {}

    @law
    async def test_rewant_knows_channels_apart(self, store: OrderStore) -> None:
        """Of two orders with one number only that of the channel named becomes due; naming none makes none due."""
        theirs = OrderKey(MARKET, "1001")
        await save(store, make_order("1001"))
        await save(store, make_order(theirs))
        await settle(store, make_key("1001"), theirs)
        await store.rewant([])
        assert not await is_due(store, theirs)

        await store.rewant([theirs])
        assert await is_due(store, theirs)
        assert not await is_due(store, make_key("1001"))

    @law
    async def test_stock_revision_never_falls(self, store: OrderStore) -> None:
        """Rule 6: whoever writes an order over with a lower stock revision is refused, or does not lower it."""
        key = make_key("1001")
        await save(store, make_order(key, stock_revision=5))
        lower = attrs.evolve(await store.get(key), stock_revision=1, revision=2)

        with suppress(ValueError):
            await store.replace(lower, expect=1)
        with suppress(ValueError):
            page = PageWork(channel=SHOP, changed=(ChangedOrder(order=lower, expect=1),))
            await store.save_page(page, fence=FIRST, at=NOON)
        assert (await store.get(key)).stock_revision >= 5

    @law
    async def test_page_with_a_falling_stock_revision_writes_nothing(self, store: OrderStore) -> None:
        """L3: a page is refused as a whole when one of its changes would lower a stock revision."""
        orders = [make_order("1001"), make_order("1002", stock_revision=5)]
        await save(store, *orders)
        lower = [attrs.evolve(order, stock_revision=1, revision=2, status="Edited") for order in orders]

        with suppress(ValueError):
            changed = tuple(ChangedOrder(order=order, expect=1) for order in lower)
            await store.save_page(PageWork(channel=SHOP, changed=changed), fence=FIRST, at=NOON)
        after = await store.load([order.key for order in orders])
        assert after[make_key("1002")].stock_revision >= 5
        assert len({order.status for order in after.values()}) == 1
