"""The laws of how orders and decisions are kept and found."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import attrs

from ...model.channel_orders import Address, Buyer, FulfillmentStatus, PaymentStatus
from ...model.ids import ChannelId, OrderKey
from ...model.money import Money
from ...model.orders import Conflict, ConflictCode, Order, OrderLine, OrderState, Reason
from ...model.pages import PageWork
from ...ports import OrderStore
from ..builders import NOON, SHOP, make_decision, make_key, make_order
from .laws import Contract, law
from .steps import FIRST, HOUR, MARKET, change, save

DIGITS = Decimal("1234567890123456789012345.678")
ODD_CHANNEL = ChannelId("Händler/„Süd“", "konto %_1")


def full_lines() -> list[OrderLine]:
    """Build lines with every field filled, and linked to all, to nothing yet, and to nothing ever."""
    return [
        OrderLine(
            line_id="L/1",
            channel_sku="TASSE-ÄÖ 🫖",
            quantity=5,
            title="Tasse „groß“\nblau",
            unit_price=Money(DIGITS, "EUR"),
            cancelled=1,
            shipped=1,
            processed=1,
            components={"MUG": 1, "LID": 2},
        ),
        OrderLine(line_id="L/2", channel_sku="GIFT", quantity=1, unit_price=Money(Decimal("0.10"), "EUR")),
        OrderLine(line_id="L/3", channel_sku="NOTHING", quantity=1, components={}),
    ]


def full_conflict() -> Conflict:
    """Build a conflict with every field filled."""
    return Conflict(
        code=ConflictCode.SHIPPED_ELSEWHERE,
        sentence="„Elsewhere“ ✓",
        at=NOON.replace(microsecond=11),
        lines=tuple(reversed(full_lines())),
        view="a1b2 ✓",
    )


def full_order() -> Order:
    """Build an order with every field filled, with what is hard to keep."""
    return make_order(
        OrderKey(ODD_CHANNEL, "№ 7 / '; --"),
        full_lines(),
        state=OrderState.OPEN,
        status="bezahlt ✓",
        payment=PaymentStatus.PARTIALLY_REFUNDED,
        fulfillment=FulfillmentStatus.PARTIAL,
        placed_at=NOON.replace(microsecond=1),
        updated_at=NOON.replace(microsecond=999999),
        location="Lager Ä",
        parked="on hold on the channel",
        set_aside=Reason(who="Žofie", why="„gift“ wrapping", at=NOON.replace(microsecond=9)),
        held=Reason(who="Grete", why="address unclear", at=NOON.replace(microsecond=123456)),
        ended=Reason(who="the channel", why="", at=NOON.replace(microsecond=10)),
        conflict=full_conflict(),
        reviewed="c3d4",
        channel_order_id="gid://shop/Order/7",
        secondary_reference="PO 7",
        paid_at=NOON + timedelta(microseconds=5),
        total=Money(Decimal("-0.00"), "EUR"),
        buyer=Buyer(name="Žofie Nováková", email="z@example.org", phone="+420 1"),
        shipping_address=Address(name="Žofie", lines=("Ulice 1", ""), city="Brno", postcode="602 00", country="CZ"),
        shipping_service="DHL Päckchen",
        dispatch_by=NOON + HOUR,
        channel_location="Lager 1",
        fulfilled_by_channel=True,
        reserves=False,
        links_revision=3,
        revision=2**40,
        stock_revision=2**40 - 1,
        reserved_revision=2**40 - 2,
        channel_revision=2**40 - 3,
        wanted={("MUG", "Lager Ä"): 2, ("MUG", "main"): 1},
        sold={("TASSE-ÄÖ 🫖", "Lager 1"): 4, ("GIFT", None): 1},
        taken_at=NOON.replace(microsecond=7),
        saved_at=NOON.replace(microsecond=8),
    )


class LookUpLaws(Contract[OrderStore]):
    """How orders come back, and by which names."""

    @law
    async def test_order_comes_back_equal(self, store: OrderStore) -> None:
        """Every field of an order comes back as it was saved, letters, digits and microseconds."""
        order = full_order()
        await save(store, order)

        found = await store.get(order.key)
        assert found == order
        assert [str(line.unit_price) for line in found.lines] == [str(line.unit_price) for line in order.lines]
        assert str(found.total) == "-0.00 EUR"
        assert found.placed_at.utcoffset() == timedelta(0)
        assert [line.components for line in found.lines] == [{"MUG": 1, "LID": 2}, None, {}]
        assert found.conflict is not None
        assert [line.components for line in found.conflict.lines] == [{}, None, {"MUG": 1, "LID": 2}]
        prices = [str(line.unit_price) for line in found.conflict.lines]
        assert prices == ["None", "0.10 EUR", f"{DIGITS} EUR"]

    @law
    async def test_every_conflict_comes_back_equal(self, store: OrderStore) -> None:
        """A conflict of each code comes back as it was saved, without lines as well, and is known by its code."""
        conflicts = {code.value: Conflict(code=code, sentence="Look at it.", at=NOON) for code in ConflictCode}
        await save(store, *(make_order(reference, conflict=conflict) for reference, conflict in conflicts.items()))

        found = {reference: (await store.get(make_key(reference))).conflict for reference in conflicts}
        assert found == conflicts
        known = await store.known(SHOP, list(conflicts))
        assert {reference: one.conflict for reference, one in known.items()} == {c.value: c for c in ConflictCode}

    @law
    async def test_known_tells_that_it_had_vanished(self, store: OrderStore) -> None:
        """Of an order whose vanishing was decided about that is still known, until its channel shows it again."""
        vanished = ConflictCode.VANISHED
        await save(store, make_order("1001", reviewed=vanished.value), make_order("1002", reviewed="a1b2"))

        known = await store.known(SHOP, ["1001", "1002"])
        assert {reference: one.conflict for reference, one in known.items()} == {"1001": vanished, "1002": None}

    @law
    async def test_what_people_did_is_taken_back(self, store: OrderStore) -> None:
        """What was said of an order and is so no more is gone: lock, reasons, conflict and review."""
        order = full_order()
        await save(store, order)
        gone = dict.fromkeys(("parked", "set_aside", "held", "ended", "conflict", "reviewed"))
        after = await change(store, order.key, reserves=True, **gone)

        assert await store.get(order.key) == after
        assert (after.reserves, after.ended, after.conflict) == (True, None, None)

    @law
    async def test_empty_order_comes_back_equal(self, store: OrderStore) -> None:
        """What an order does not say stays unsaid: None is not empty text, and not a time."""
        order = make_order("1001", taken_at=None, saved_at=None, sold={}, wanted={})
        blank = make_order("1002", buyer=Buyer(name=""), shipping_address=Address(), shipping_service="")
        await save(store, order, blank)

        assert await store.get(order.key) == order
        assert await store.get(blank.key) == blank

    @law
    async def test_lines_keep_their_order(self, store: OrderStore) -> None:
        """The lines of an order come back in the order of the channel."""
        lines = [OrderLine(line_id=line_id, channel_sku="MUG", quantity=1) for line_id in ("9", "10", "a", "1")]
        await save(store, make_order("1001", lines))

        assert [line.line_id for line in (await store.get(make_key("1001"))).lines] == ["9", "10", "a", "1"]

    @law
    async def test_what_was_returned_stays(self, store: OrderStore) -> None:
        """What a verb returned does not change with later writes."""
        order = make_order("1001", {"MUG": 1})
        await save(store, order)
        got, found, due = await store.get(order.key), await store.find("1001"), await store.due(SHOP, limit=9)
        decisions, loaded = await store.decisions(SHOP), await store.load([order.key])

        await change(store, order.key, location="shop")
        await store.save_page(PageWork(channel=SHOP, seen=(order.key,)), fence=FIRST, at=NOON + HOUR)
        assert got == order
        assert list(found) == [order]
        assert loaded == {order.key: order}
        assert [one.claim.wanted for one in due] == [{("MUG", "main"): 1}]
        assert [decision.last_seen_at for decision in decisions] == [NOON]

    @law
    async def test_what_was_written_is_the_stores_own(self, store: OrderStore) -> None:
        """Who changes a mapping that an order was made from, or that was returned, does not change what is stored."""
        components = {"MUG": 1}
        wanted = {("MUG", "main"): 2}
        line = OrderLine(line_id="1", channel_sku="MUG", quantity=2, components=components)
        await save(store, make_order("1001", [line], wanted=wanted))
        components["MUG"] = wanted["MUG", "main"] = 9
        with suppress(TypeError):
            (await store.get(make_key("1001"))).wanted["MUG", "main"] = 9  # type: ignore[index]

        stored = await store.get(make_key("1001"))
        assert stored.wanted == {("MUG", "main"): 2}
        assert stored.lines[0].components == {"MUG": 1}

    @law
    async def test_order_is_found_by_all_its_names(self, store: OrderStore) -> None:
        """An order is found by its reference, the channel's own id and the secondary reference."""
        order = make_order("AB-1", channel_order_id="7000", secondary_reference="PO 12")
        await save(store, order, make_order("AB-2", channel_order_id="7001"))

        for name in ("AB-1", "7000", "PO 12"):
            assert list(await store.find(name)) == [order], name
        assert list(await store.find("AB")) == []

    @law
    async def test_find_follows_the_names(self, store: OrderStore) -> None:
        """An order whose names changed is found by the new ones and its reference, and by the old ones no more."""
        await save(store, make_order("AB-1", channel_order_id="7000", secondary_reference="PO 12"))
        renamed = await change(store, make_key("AB-1"), channel_order_id="8000", secondary_reference=None)
        for name, found in (("AB-1", [renamed]), ("8000", [renamed]), ("7000", []), ("PO 12", [])):
            assert list(await store.find(name)) == found, name

        back = await change(store, renamed.key, secondary_reference="po 12", channel_order_id=None)
        for name, found in (("AB-1", [back]), ("8000", []), ("PO 12", [back])):
            assert list(await store.find(name)) == found, name

    @law
    async def test_find_forgives(self, store: OrderStore) -> None:
        """Case, surrounding blanks and a leading # are forgiven, on both sides."""
        await save(store, make_order("#Ünit-1"), make_order("1001"))

        for typed in ("Ünit-1", "  #üNIT-1 ", "# ünit-1"):
            assert [order.key.reference for order in await store.find(typed)] == ["#Ünit-1"], typed
        for typed in ("#1001", " 1001\t"):
            assert [order.key.reference for order in await store.find(typed)] == ["1001"], typed

    @law
    async def test_find_knows_no_wildcards(self, store: OrderStore) -> None:
        """What a person types is a name, not a pattern."""
        await save(store, make_order("1001"))

        for typed in ("1_01", "1%", "10.1", "*", "", "#"):
            assert list(await store.find(typed)) == [], typed

    @law
    async def test_find_looks_in_every_state_and_channel(self, store: OrderStore) -> None:
        """Orders of every state and channel are found, unless some are asked for."""
        theirs = make_order(OrderKey(MARKET, "1001"))
        orders = [make_order(state.value, secondary_reference="1001", state=state) for state in OrderState]
        await save(store, *orders)
        await save(store, theirs)

        keys = {order.key for order in orders}
        assert {order.key for order in await store.find("1001")} == keys | {theirs.key}
        assert {order.key for order in await store.find("1001", channel=SHOP)} == keys
        asked = {OrderState.DELETED, OrderState.PROCESSED}
        assert {order.state for order in await store.find("1001", states=asked)} == asked
        assert list(await store.find("1001", states=[])) == []

    @law
    async def test_never_seen_order_has_no_decision(self, store: OrderStore) -> None:
        """Of an order that its channel never showed nothing was decided."""
        await save(store, make_order("1001"))

        assert await store.decision(make_key("1002")) is None
        assert await store.decision(OrderKey(MARKET, "1001")) is None

    @law
    async def test_decisions_are_newest_sighting_first(self, store: OrderStore) -> None:
        """A channel's decisions come newest sighting first, no more than asked for, admitted or not as asked for."""
        for hours, (reference, admitted) in enumerate((("b", True), ("a", False), ("c", True), ("b", True))):
            decision = make_decision(make_key(reference), admitted=admitted)
            page = PageWork(channel=SHOP, decisions=(decision,))
            assert await store.save_page(page, fence=FIRST, at=NOON + hours * HOUR)
        await save(store, make_order(OrderKey(MARKET, "theirs")))

        async def listed(*, admitted: bool | None = None, limit: int = 1000) -> list[str]:
            found = await store.decisions(SHOP, admitted=admitted, limit=limit)
            return [decision.key.reference for decision in found]

        assert await listed() == ["b", "c", "a"]
        assert await listed(limit=2) == ["b", "c"]
        assert await listed(admitted=True) == ["b", "c"]
        assert await listed(admitted=False) == ["a"]
        assert await listed(admitted=True, limit=1) == ["b"]

    @law
    async def test_erasure_reaches_the_order(self, store: OrderStore) -> None:
        """An order that is written over without its buyer has none any more, and stays findable."""
        order = full_order()
        await save(store, order)
        await change(store, order.key, buyer=None, shipping_address=None)

        found = await store.get(order.key)
        assert (found.buyer, found.shipping_address) == (None, None)
        assert attrs.evolve(found, buyer=order.buyer) != found
