"""The laws of what was decided about an order: what is kept of it, and how it is found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import attrs

from ...model.channel_orders import (
    Address,
    Buyer,
    ChannelOrder,
    ChannelOrderLine,
    FulfillmentStatus,
    PaymentStatus,
    Shipment,
)
from ...model.ids import ChannelId, Fence, OrderKey
from ...model.money import Money
from ...model.orders import Decision
from ...model.pages import PageWork
from ...model.runs import Progress
from ...ports import OrderStore
from ..builders import NOON, SHOP, make_channel_order, make_decision, make_key, make_order
from .laws import Contract, law, paged
from .steps import FIRST, HOUR, MARKET, MINUTE, change, save

KEY = make_key("1001")


def full_sighting() -> ChannelOrder:
    """Build an order as a channel shows it, with every field filled, and what is hard to keep."""
    return ChannelOrder(
        reference="№ 7 ✓",
        status="bezahlt „sofort“",
        payment=PaymentStatus.PARTIALLY_REFUNDED,
        fulfillment=FulfillmentStatus.PARTIAL,
        placed_at=NOON.replace(microsecond=1),
        updated_at=NOON.replace(microsecond=2),
        currency="EUR",
        lines=(
            ChannelOrderLine(
                line_id="L/1",
                channel_sku="TASSE-ÄÖ 🫖",
                quantity=5,
                title="Tasse „groß“\nblau",
                unit_price=Money(Decimal("1234567890123456789012345.670"), "EUR"),
                cancelled=1,
                shipped=2,
            ),
            ChannelOrderLine(line_id="L/2", channel_sku="LID", quantity=1),
        ),
        channel_order_id="gid://Order/7",
        secondary_reference="PO 12",
        paid_at=NOON.replace(microsecond=3),
        total=Money(Decimal("0.10"), "EUR"),
        buyer=Buyer(name="Grete Findewirth"),
        shipping_address=Address(name="Grete Findewirth"),
        shipping_service="express",
        dispatch_by=NOON.replace(microsecond=4),
        channel_location="Lager 2",
        fulfilled_by_channel=True,
        shipments=(
            Shipment(lines={"L/1": 2}, carrier="DHL", tracking_number="JD ✓", shipped_at=NOON.replace(microsecond=5)),
            Shipment(lines={}),
        ),
        raw=b'{"buyer": "Grete Findewirth"}',
        payment_method="Rechnung",
        state="processing",
    )


def refused(key: OrderKey | str = KEY, **changes: object) -> Decision:
    """Build the decision not to download an order."""
    fields: dict[str, object] = {"admitted": False, "code": "NOT_PAID", "sentence": "It is not paid."}
    return make_decision(make_key(key), **(fields | changes))


async def decide(store: OrderStore, *decisions: Decision, at: datetime = NOON) -> None:
    """Let a page of one channel write decisions, and nothing else."""
    (channel,) = {decision.key.channel for decision in decisions}
    page = PageWork(channel=channel, decisions=decisions)
    assert await store.save_page(page, fence=Fence(channel, 1), at=at)


async def see(store: OrderStore, *keys: OrderKey, at: datetime) -> None:
    """Let a page show orders of which nothing is new."""
    assert await store.save_page(PageWork(channel=SHOP, seen=keys), fence=FIRST, at=at)


def references(decisions: Sequence[Decision]) -> list[str]:
    """Return the references of the orders that were decided about."""
    return [decision.key.reference for decision in decisions]


class DecisionLaws(Contract[OrderStore]):
    """What is kept of a decision, now and before."""

    @law
    async def test_judged_order_comes_back_without_persons(self, store: OrderStore) -> None:
        """Of the order that was judged every field comes back as it was, but buyer, address and document."""
        seen = full_sighting()
        await decide(store, refused(seen.reference, seen=seen))

        found = await store.decision(make_key(seen.reference))
        assert found is not None
        assert found.seen == attrs.evolve(seen, buyer=None, shipping_address=None, raw=None)
        assert found.seen is not None
        assert str(found.seen.lines[0].unit_price) == "1234567890123456789012345.670 EUR"

    @law
    async def test_sparse_judged_order_comes_back_equal(self, store: OrderStore) -> None:
        """What a judged order does not say stays unsaid, and an order that could not be read is None."""
        sparse = make_channel_order("sparse", payment=None, fulfillment=None, shipping_service="")
        await decide(store, refused("sparse", seen=sparse), refused("unreadable"))

        found = await store.decision(make_key("sparse"))
        assert found is not None
        assert found.seen == sparse
        unreadable = await store.decision(make_key("unreadable"))
        assert unreadable is not None
        assert unreadable.seen is None

    @law
    async def test_earlier_decisions_stay(self, store: OrderStore) -> None:
        """All that was decided about an order comes oldest first, each with its own sightings, the current one last."""
        first, second = refused(page=1, seen=full_sighting()), refused(page=2, code="CANCELLED_ON_CHANNEL", final=True)
        third = make_decision(KEY, page=3, seen=make_channel_order())
        await decide(store, first)
        await see(store, KEY, at=NOON + MINUTE)
        await decide(store, second, refused("1002"), at=NOON + HOUR)
        await decide(store, third, at=NOON + 2 * HOUR)
        await see(store, KEY, at=NOON + 3 * HOUR)

        bare = attrs.evolve(first, seen=attrs.evolve(full_sighting(), buyer=None, shipping_address=None, raw=None))
        times = (
            (bare, NOON, NOON + MINUTE),
            (second, NOON + HOUR, NOON + HOUR),
            (third, NOON + 2 * HOUR, NOON + 3 * HOUR),
        )
        assert list(await store.decision_history(KEY)) == [
            attrs.evolve(one, first_seen_at=NOON, decided_at=decided_at, last_seen_at=last_seen_at)
            for one, decided_at, last_seen_at in times
        ]
        assert await store.decision(KEY) == (await store.decision_history(KEY))[-1]
        assert [one.page for one in await store.decision_history(make_key("1002"))] == [0]
        assert list(await store.decision_history(make_key("1003"))) == []

    @law
    async def test_repeated_decision_is_one(self, store: OrderStore) -> None:
        """A page that is written again decides nothing new: the decision keeps its time, and is not its own past."""
        await decide(store, refused(seen=full_sighting()))
        await decide(store, refused(seen=full_sighting()), at=NOON + HOUR)

        history = await store.decision_history(KEY)
        assert [(one.decided_at, one.last_seen_at) for one in history] == [(NOON, NOON + HOUR)]

    @law
    async def test_history_holds_what_one_page_decided_last(self, store: OrderStore) -> None:
        """Of two decisions of one page about the same order the last one counts."""
        await decide(store, refused(page=1))
        await decide(store, refused(page=2), refused(page=3), at=NOON + HOUR)

        assert [decision.page for decision in await store.decision_history(KEY)] == [1, 3]

    @law
    async def test_page_that_is_not_written_decides_nothing(self, store: OrderStore) -> None:
        """L3: a stale page leaves the decision and its history alone, and gives an order no names."""
        await save(store, make_order("stored"))
        await decide(store, refused())
        before = await store.decision_history(KEY)
        other = refused(page=2, seen=make_channel_order(channel_order_id="7000"))
        page = PageWork(channel=SHOP, new=(make_order("stored"),), decisions=(other,))

        assert await store.save_page(page, fence=FIRST, at=NOON + HOUR) is False
        assert await store.decision_history(KEY) == before
        assert list(await store.decided("7000")) == []

    @law
    async def test_decisions_come_by_key(self, store: OrderStore) -> None:
        """A channel's decisions come page by page in order of their keys, admitted or not as asked for."""
        await decide(store, *(refused(reference) for reference in ("10", "9", "ä", "a", "B")))
        await save(store, make_order("5"), make_order("Z"))
        await save(store, make_order(OrderKey(MARKET, "7")))

        async def listed(limit: int, *, admitted: bool | None = None) -> list[str]:
            async def read(last: Decision | None) -> Sequence[Decision]:
                after = None if last is None else last.key
                return await store.decisions_by_key(SHOP, admitted=admitted, limit=limit, after=after)

            return references(await paged(read, limit=limit))

        assert await listed(2) == ["10", "5", "9", "B", "Z", "a", "ä"]
        assert await listed(3, admitted=False) == ["10", "9", "B", "a", "ä"]
        assert await listed(1, admitted=True) == ["5", "Z"]
        assert list(await store.decisions_by_key(ChannelId("No", "body"), limit=9)) == []

    @law
    async def test_refused_order_is_found_by_all_its_names(self, store: OrderStore) -> None:
        """What was decided of a never stored order is found by its reference, channel id and secondary reference."""
        seen = make_channel_order("AB-1", channel_order_id="7000", secondary_reference="#PO Ünit")
        await decide(store, refused("AB-1", seen=seen), refused("AB-2"))

        for name in ("ab-1", " #AB-1", "7000", "po ünit"):
            assert references(await store.decided(name)) == ["AB-1"], name
        assert references(await store.decided("AB-2")) == ["AB-2"]
        for name in ("AB", "70_0", "%", "", "AB-3"):
            assert list(await store.decided(name)) == [], name

    @law
    async def test_decision_follows_the_names(self, store: OrderStore) -> None:
        """A never stored order whose names changed is found by the new ones and its reference only."""
        await decide(store, refused(seen=make_channel_order(channel_order_id="7000", secondary_reference="PO 12")))
        await decide(store, refused(page=2, seen=make_channel_order(channel_order_id="8000")), at=NOON + HOUR)

        assert [(name, len(await store.decided(name))) for name in ("1001", "8000", "7000", "PO 12")] == [
            ("1001", 1),
            ("8000", 1),
            ("7000", 0),
            ("PO 12", 0),
        ]

    @law
    async def test_stored_orders_decision_is_found_as_it_is(self, store: OrderStore) -> None:
        """What was decided of a stored order is found by the names that ``find`` knows, also once it was refused."""
        seen = make_channel_order(channel_order_id="old")
        await decide(store, refused(seen=seen))
        await save(store, make_order(KEY, channel_order_id="7000", secondary_reference="PO 12"), at=NOON + HOUR)
        await change(store, KEY, channel_order_id="8000")
        judged = refused(page=2, seen=make_channel_order(channel_order_id="judged"))
        await decide(store, judged, at=NOON + 2 * HOUR)

        for name in ("1001", "8000", "po 12", "7000", "old", "judged"):
            found = {order.key for order in await store.find(name)}
            assert {decision.key for decision in await store.decided(name)} == found, name
        (decision,) = await store.decided("8000")
        assert decision == await store.decision(KEY)

    @law
    async def test_decided_tells_channels_apart(self, store: OrderStore) -> None:
        """A name that several channels use gives the decisions of all, by key, or of the one that is asked for."""
        theirs = OrderKey(MARKET, "1001")
        await decide(store, refused(KEY))
        await decide(store, refused(theirs))
        await save(store, make_order("0999", secondary_reference="1001"))

        assert [decision.key for decision in await store.decided("1001")] == [theirs, make_key("0999"), KEY]
        assert [decision.key for decision in await store.decided("1001", channel=MARKET)] == [theirs]

    @law
    async def test_admission_of_progress_is_kept(self, store: OrderStore) -> None:
        """The fingerprint of the settings under which refused orders were judged comes back, also by a page."""
        await store.set_progress(SHOP, Progress(admission="a1b2 ✓"), fence=FIRST)
        assert (await store.progress(SHOP)).admission == "a1b2 ✓"

        page = PageWork(channel=SHOP, progress=Progress(watermark=NOON))
        assert await store.save_page(page, fence=FIRST, at=NOON)
        assert (await store.progress(SHOP)).admission == ""
