"""The laws of parcels: recorded once, frozen, and finished one after another."""

from __future__ import annotations

import asyncio

import attrs

from ...model.dispatch import Parcel
from ...model.ids import ChannelId, OrderKey
from ...model.orders import OrderState
from ...ports import OrderStore, ParcelAnswer
from ..builders import NOON, SHOP, make_key, make_order
from .laws import Contract, law
from .steps import (
    FIRST,
    MARKET,
    MINUTE,
    attempt_parcel,
    change,
    everything,
    line_of_two,
    save,
    settle,
    take_out,
    taken_out,
)

KEY = make_key("1001")
SPLIT = Parcel(
    id="p1",
    lines={"1": 1},
    carrier="DHL",
    service="Päckchen",
    tracking_number="JD01",
    tracking_url="https://example.org/JD01",
    dispatched_at=NOON.replace(microsecond=5),
)


class ParcelLaws(Contract[OrderStore]):
    """What ``record_parcel`` writes, and in which order it refuses."""

    @law
    async def test_parcel_is_recorded_with_order_and_note(self, store: OrderStore) -> None:
        """A recorded parcel, what its order became and its WAITING note are there together, each as it was given."""
        order = make_order(KEY, {"MUG": 2, "LID": 1}, channel_order_id="7000")
        await save(store, order)
        recorded, after, note = taken_out(order, SPLIT, at=NOON.replace(microsecond=6))

        answer = await store.record_parcel(recorded, after, note, expect=order.revision)
        assert answer is ParcelAnswer.RECORDED
        assert await store.parcel(KEY, "p1") == recorded
        assert await store.get(KEY) == after
        assert list(await store.notes(KEY)) == [note]

    @law
    async def test_parcel_that_asks_for_the_rest_comes_back_as_asked(self, store: OrderStore) -> None:
        """Rule 9: "all that is open" stays that, also once it is known which lines those were."""
        await save(store, make_order(KEY, {"MUG": 2}))
        recorded = await take_out(store, KEY, Parcel())

        assert (recorded.asked, recorded.lines) == (Parcel(), {"1": 2})
        assert recorded.deduction.taken == {("MUG", "main"): 2}

    @law
    async def test_unknown_parcel_is_none(self, store: OrderStore) -> None:
        """A parcel that was never recorded is None, and an order without parcels has no notes."""
        await save(store, make_order(KEY))

        assert await store.parcel(KEY, "p1") is None
        assert list(await store.notes(KEY)) == []

    @law
    async def test_repeated_parcel_is_recognized_first(self, store: OrderStore) -> None:
        """Rule 9: a parcel asked for again is REPEATED, whatever has become of the order or of other parcels."""
        order = make_order(KEY, {"MUG": 3})
        await save(store, order)
        first = taken_out(order, SPLIT)
        await take_out(store, KEY, SPLIT)
        assert await store.record_parcel(*first, expect=1) is ParcelAnswer.REPEATED

        await store.queue(KEY, "p1")
        await take_out(store, KEY, line_of_two("p2"))
        await change(store, KEY, state=OrderState.CANCELLED)
        before = await everything(store, "1001")
        for expect in (1, 99, (await store.get(KEY)).revision):
            assert await store.record_parcel(*first, expect=expect) is ParcelAnswer.REPEATED
        assert await everything(store, "1001") == before

    @law
    async def test_used_id_with_other_content_is_refused(self, store: OrderStore) -> None:
        """Rule 9: other lines, carrier, service, tracking or time under a used parcel id is OTHER_CONTENT."""
        order = make_order(KEY, {"MUG": 3})
        await save(store, order)
        await take_out(store, KEY, SPLIT)
        before = await everything(store, "1001")

        for others in (
            {"lines": {"1": 2}},
            {"lines": None},
            {"carrier": None},
            {"service": "Paket"},
            {"tracking_number": "JD02"},
            {"tracking_url": None},
            {"dispatched_at": NOON},
        ):
            parcel = attrs.evolve(SPLIT, **others)
            answer = await store.record_parcel(*taken_out(order, parcel), expect=1)
            assert answer is ParcelAnswer.OTHER_CONTENT, others
        assert await everything(store, "1001") == before

    @law
    async def test_rest_named_line_by_line_is_other_content(self, store: OrderStore) -> None:
        """Rule 9: the parcel is compared as asked, so the same goods asked for in other words are another."""
        order = make_order(KEY, {"MUG": 2})
        await save(store, order)
        await take_out(store, KEY, Parcel(id="p1"))

        named = taken_out(order, Parcel(id="p1", lines={"1": 2}))
        assert await store.record_parcel(*named, expect=1) is ParcelAnswer.OTHER_CONTENT

    @law
    async def test_second_waiting_parcel_is_refused(self, store: OrderStore) -> None:
        """Rule 2: while one parcel of an order waits no second is recorded, and that is said before staleness."""
        order = make_order(KEY, {"MUG": 3})
        await save(store, order)
        await take_out(store, KEY, line_of_two("p1"))
        before = await everything(store, "1001")

        assert await attempt_parcel(store, KEY, line_of_two("p2")) is ParcelAnswer.ANOTHER_WAITING
        stale = taken_out(order, line_of_two("p2"))
        assert await store.record_parcel(*stale, expect=1) is ParcelAnswer.ANOTHER_WAITING
        assert await everything(store, "1001") == before
        assert await store.parcel(KEY, "p2") is None

        await store.queue(KEY, "p1")
        assert await attempt_parcel(store, KEY, line_of_two("p2")) is ParcelAnswer.RECORDED

    @law
    async def test_stale_parcel_is_refused(self, store: OrderStore) -> None:
        """Rule 8: a parcel worked out from an earlier reading of its order is STALE and not recorded."""
        order = make_order(KEY, {"MUG": 2})
        await save(store, order)
        await change(store, KEY, parked="on hold on the channel")
        before = await everything(store, "1001")

        stale = taken_out(order, SPLIT)
        assert await store.record_parcel(*stale, expect=order.revision) is ParcelAnswer.STALE
        assert await everything(store, "1001") == before
        assert await store.parcel(KEY, "p1") is None

    @law
    async def test_one_of_two_processors_wins(self, store: OrderStore) -> None:
        """Of two that process the same order at once one records its parcel and the other does not."""
        order = make_order(KEY, {"MUG": 2})
        await save(store, order)
        parcels = [taken_out(order, line_of_two(parcel_id)) for parcel_id in ("p1", "p2")]

        answers = await asyncio.gather(*(store.record_parcel(*parcel, expect=order.revision) for parcel in parcels))
        assert sorted(answers) == [ParcelAnswer.ANOTHER_WAITING, ParcelAnswer.RECORDED]
        assert [note.parcel_id for note in await store.notes(KEY)] == [
            parcels[answers.index(ParcelAnswer.RECORDED)][0].id
        ]

    @law
    async def test_same_parcel_id_in_two_orders_is_two_parcels(self, store: OrderStore) -> None:
        """A parcel id belongs to its order."""
        await save(store, make_order("1001", {"MUG": 2}), make_order("1002", {"LID": 1}))
        first, second = await take_out(store, KEY, Parcel()), await take_out(store, make_key("1002"), Parcel())

        assert await store.parcel(KEY, "all") == first
        assert await store.parcel(make_key("1002"), "all") == second

    @law
    async def test_widest_names_go_all_the_way(self, store: OrderStore) -> None:
        """An order of the longest names and the widest letters is reserved, processed, and its note is due."""
        key = OrderKey(ChannelId("🫖" * 80, "🫖" * 160), "🫖" * 255)
        await save(store, make_order(key))
        await settle(store, key)
        recorded = await take_out(store, key, Parcel(id="🫖" * 255))
        await store.queue(key, recorded.id)

        assert await store.parcel(key, recorded.id) == recorded
        assert [note.parcel_id for note in await store.notes_due(key.channel, at=NOON, limit=9)] == [recorded.id]

    @law
    async def test_recorded_parcel_is_frozen(self, store: OrderStore) -> None:
        """Rule 4: movements and claim stay as recorded when the order is moved, cancelled and deleted since."""
        await save(store, make_order(KEY, {"MUG": 2}))
        recorded = await take_out(store, KEY, line_of_two("p1"))
        await change(store, KEY, location="shop")
        await change(store, KEY, state=OrderState.DELETED)

        assert recorded.deduction.taken == {("MUG", "main"): 1}
        assert await store.parcel(KEY, "p1") == recorded
        assert list(await store.waiting(SHOP, limit=9)) == [recorded]

    @law
    async def test_waiting_parcels_come_oldest_claim_first(self, store: OrderStore) -> None:
        """Rule 1: parcels with WAITING notes come by the revision of their claims, of one channel or one order."""
        for revision, reference in enumerate(("c", "a", "b"), start=1):
            await save(store, make_order(reference, {"MUG": 2}, stock_revision=revision))
            await take_out(store, make_key(reference), line_of_two("p"), at=NOON + revision * MINUTE)
        theirs = OrderKey(MARKET, "d")
        await save(store, make_order(theirs))
        await take_out(store, theirs, Parcel())

        async def listed(*, limit: int = 9, key: OrderKey | None = None) -> list[str]:
            found = await store.waiting(SHOP, limit=limit, key=key, fence=FIRST)
            return [parcel.order_key.reference for parcel in found]

        assert await listed() == ["c", "a", "b"]
        assert await listed(limit=2) == ["c", "a"]
        assert await listed(key=make_key("b")) == ["b"]
        await store.queue(make_key("c"), "p")
        assert await listed() == ["a", "b"]
        assert await listed(key=make_key("c")) == []
