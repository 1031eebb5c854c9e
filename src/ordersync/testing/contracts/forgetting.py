"""The laws of old decisions: which are dropped, and what stays of their orders."""

from __future__ import annotations

import attrs

from ...model.ids import Fence, OrderKey
from ...model.orders import OrderState
from ...model.pages import Known, PageWork
from ...model.runs import Progress
from ...ports import OrderStore
from ..builders import NOON, SHOP, make_channel_order, make_decision, make_key, make_order
from .decisions import KEY, decide, references, refused, see
from .laws import Contract, law
from .steps import FIRST, HOUR, MARKET, MINUTE, doubt, make_document, make_watch, save, set_watches

MANY = 99


async def forget(store: OrderStore, *, hours: int = 10, limit: int = MANY) -> int:
    """Drop what was seen last more than so many hours after noon."""
    return await store.forget(SHOP, before=NOON + hours * HOUR, limit=limit, fence=FIRST)


async def swept(store: OrderStore, *, hours: int, blind: bool = False) -> None:
    """Note that a complete sweep began so many hours after noon; *blind*: with documents that name no order."""
    await store.set_progress(SHOP, Progress(swept_at=NOON + hours * HOUR, blind=blind), fence=FIRST)


async def left(store: OrderStore) -> list[str]:
    """Return the references about which anything is decided, by key."""
    return references(await store.decisions_by_key(SHOP, limit=MANY))


class ForgettingLaws(Contract[OrderStore]):
    """When a decision may be dropped."""

    @law
    async def test_final_decision_is_forgotten(self, store: OrderStore) -> None:
        """What is final and was seen last before the moment is dropped, also on a channel that was never swept."""
        await decide(store, refused("old", final=True), refused("seen", final=True), refused("open"))
        await see(store, make_key("seen"), at=NOON + 10 * HOUR)

        assert await forget(store) == 1
        assert await left(store) == ["open", "seen"]
        assert await store.decision(make_key("old")) is None
        assert list(await store.decided("old")) == []
        assert await store.known(SHOP, ["old"]) == {}
        assert await forget(store) == 0

    @law
    async def test_open_order_is_not_forgotten(self, store: OrderStore) -> None:
        """What may still be open stays however old: a sweep showed it, or none was complete since it was seen."""
        await decide(store, refused("unswept"), refused("shown"))
        assert await forget(store) == 0

        await swept(store, hours=1)
        await see(store, make_key("shown"), at=NOON + HOUR)
        assert await forget(store) == 1
        assert await left(store) == ["shown"]

    @law
    async def test_vanished_order_is_kept_until_the_moment(self, store: OrderStore) -> None:
        """What the last complete sweep did not show is dropped only once it was seen last before the moment."""
        await decide(store, refused("early"), refused("late"))
        await see(store, make_key("late"), at=NOON + 2 * HOUR)
        await swept(store, hours=5)

        assert await forget(store, hours=2) == 1
        assert await left(store) == ["late"]
        assert await forget(store, hours=3) == 1

    @law
    async def test_blind_sweep_shows_no_order_gone(self, store: OrderStore) -> None:
        """What a sweep did not show may hide in a document that names no order: only what is final is dropped then."""
        await decide(store, refused("open"), refused("over", final=True))
        await swept(store, hours=5, blind=True)

        assert await forget(store) == 1
        assert await left(store) == ["open"]
        await swept(store, hours=6)
        assert await forget(store) == 1

    @law
    async def test_order_in_quarantine_is_not_forgotten(self, store: OrderStore) -> None:
        """What counts now of an order stays while a document of its reference waits in quarantine on its channel."""
        for page in (1, 2):
            await decide(store, refused("unread", page=page), refused("over", final=True, page=page))
        await decide(store, refused("theirs", final=True), refused("unshown"))
        waiting = (make_document("h1", reference="unread"), make_document("h2", reference="over"))
        nameless, theirs = make_document("h3", reference=None), make_document("h4", channel=MARKET, reference="theirs")
        page_of = {SHOP: (*waiting, nameless), MARKET: (theirs,)}
        for channel, documents in page_of.items():
            work = PageWork(channel=channel, quarantined=documents)
            assert await store.save_page(work, fence=Fence(channel, 1), at=NOON)
        await swept(store, hours=5)

        assert await forget(store) == 4  # two earlier ones, and what nothing here waits for
        assert await left(store) == ["over", "unread"]
        await store.empty_quarantine(before=NOON + HOUR)
        assert await forget(store) == 0

        released = PageWork(channel=SHOP, released=("h1", "h2"))
        assert await store.save_page(released, fence=FIRST, at=NOON + HOUR)
        assert await forget(store) == 2

    @law
    async def test_stored_orders_decision_stays(self, store: OrderStore) -> None:
        """Of a stored order in any state the current decision stays, whatever it says."""
        orders = [make_order(state.value, state=state) for state in OrderState]
        await save(store, *orders)
        final = [make_decision(order, admitted=False, code="DELETED_HERE", final=True, page=2) for order in orders]
        await decide(store, *final, at=NOON + HOUR)
        await swept(store, hours=5)

        assert await forget(store) == len(orders)  # what was decided when they were saved
        assert await left(store) == sorted(order.key.reference for order in orders)
        assert [len(await store.decision_history(order.key)) for order in orders] == [1] * len(orders)

    @law
    async def test_earlier_decisions_are_forgotten(self, store: OrderStore) -> None:
        """An earlier decision goes when its last sighting lies before the moment, and the first sighting stays."""
        await decide(store, refused(page=1))
        await see(store, KEY, at=NOON + MINUTE)
        await decide(store, refused(page=2), at=NOON + HOUR)
        await decide(store, refused(page=3), at=NOON + 2 * HOUR)
        assert await store.forget(SHOP, before=NOON + MINUTE, limit=MANY, fence=FIRST) == 0

        assert await forget(store, hours=1) == 1
        assert [decision.page for decision in await store.decision_history(KEY)] == [2, 3]
        assert [decision.first_seen_at for decision in await store.decision_history(KEY)] == [NOON, NOON]

    @law
    async def test_forgetting_is_limited(self, store: OrderStore) -> None:
        """No more are dropped at once than asked for, and in the end none are left to drop."""
        for page in range(3):
            final = [refused(f"{number}", final=True, page=page) for number in range(4)]
            await decide(store, *final, at=NOON + page * MINUTE)
        dropped: list[int] = []
        while not dropped or dropped[-1]:
            dropped.append(await forget(store, limit=5))

        assert dropped == [5, 5, 2, 0]
        assert await left(store) == []
        assert list(await store.decision_history(make_key("1"))) == []

    @law
    async def test_other_channels_remember(self, store: OrderStore) -> None:
        """What another channel showed stays, as does what its sweeps did not show."""
        theirs = OrderKey(MARKET, "1001")
        await decide(store, refused(theirs, final=True, page=1))
        await decide(store, refused(theirs, final=True, page=2))
        await swept(store, hours=5)

        assert await forget(store) == 0
        assert len(await store.decision_history(theirs)) == 2
        assert await store.forget(MARKET, before=NOON + HOUR, limit=MANY, fence=Fence(MARKET, 1)) == 2

    @law
    async def test_forgotten_order_keeps_its_doubts(self, store: OrderStore) -> None:
        """How often an order's listings were doubted is known after it was forgotten, and it is still to be told."""
        page = PageWork(channel=SHOP, decisions=(refused("1001", final=True),), doubts=(doubt("1001", revision=2),))
        assert await store.save_page(page, fence=FIRST, at=NOON)

        assert await forget(store) == 1
        forgotten = Known(digest=b"", code="", mapping_version="", admitted=False, final=False, doubt_revision=2)
        assert await store.known(SHOP, ["1001"]) == {"1001": forgotten}
        assert list(await store.doubts(SHOP, limit=9)) == [doubt("1001", revision=2)]
        await store.doubted([doubt("1001", revision=2)])
        assert await store.known(SHOP, ["1001"]) == {"1001": forgotten}

    @law
    async def test_forgetting_touches_nothing_else(self, store: OrderStore) -> None:
        """Orders, watches and quarantine stay when decisions are dropped."""
        order = make_order("stored")
        await save(store, order)
        await decide(store, refused(final=True))
        await set_watches(store, make_watch(KEY))
        page = PageWork(channel=SHOP, quarantined=(make_document("h1", reference="unread"),))
        assert await store.save_page(page, fence=FIRST, at=NOON)

        assert await forget(store) == 1
        assert await store.get(order.key) == order
        assert list(await store.watched(SHOP, at=NOON + HOUR, limit=9)) == [make_watch(KEY)]
        assert list(await store.quarantined(SHOP)) == [make_document("h1", reference="unread")]

    @law
    async def test_forgotten_order_comes_back_as_new(self, store: OrderStore) -> None:
        """An order that was forgotten and is shown again was first seen then, and is found again."""
        seen = make_channel_order(channel_order_id="7000")
        await decide(store, refused(final=True, seen=seen))
        assert await forget(store) == 1
        assert list(await store.decided("7000")) == []
        again = refused(final=True, seen=seen)
        await decide(store, again, at=NOON + 20 * HOUR)

        later = NOON + 20 * HOUR
        expected = attrs.evolve(again, first_seen_at=later, decided_at=later, last_seen_at=later)
        assert list(await store.decision_history(KEY)) == [expected]
        assert list(await store.decided("7000")) == [expected]
