"""Orders that change in a real shop: each change is seen, and dealt with, in the next run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ordersync import FulfillmentStatus, OrderKey, OrderState, Parcel, PaymentStatus
from ordersync.errors import TransitionError
from ordersync.model.dispatch import NoteStatus
from ordersync.model.orders import CHANNEL, ConflictCode, Resolution
from vendure.engine import SHOP
from vendure.modifying import edit, modify, move_order, pay_more, refund
from vendure.running import VendureServer
from vendure.stage import Stage, remarks, staged

pytestmark = pytest.mark.vendure


@pytest.fixture
async def stage(changing_shop: VendureServer, tmp_path: Path) -> AsyncIterator[Stage]:
    """Bring ordersync in step with the shop."""
    async with staged(changing_shop, tmp_path / "shop.db") as opened:
        yield opened


async def test_order_that_is_cancelled_there_is_cancelled_here(stage: Stage) -> None:
    """What it reserved is free on both channels, and the shop's own stock is what the shop made of it."""
    before = await stage.shows("MUG")
    code = await stage.buy({"MUG": 3})
    assert await stage.shows("MUG") == before - 3
    await stage.seller.cancel_order(code)
    theirs, written = await stage.seller.stock_facts(), len(stage.sync.mutations.writes)

    await stage.run()

    order = await stage.order(code)
    assert (order.state, order.status, order.ended and order.ended.who) == (OrderState.CANCELLED, "Cancelled", CHANNEL)
    assert await stage.shows("MUG") == before
    assert await stage.ours("MUG") == await stage.theirs("MUG")
    assert await stage.seller.stock_facts() == theirs
    assert len(stage.sync.mutations.writes) == written


async def test_one_line_cancelled_there_frees_its_pieces(stage: Stage) -> None:
    """The reservation follows the lines, and what is left of the order is shipped as a whole."""
    before = await stage.shows("LID")
    code = await stage.buy({"MUG": 2, "LID": 3})
    await stage.seller.cancel_line(code, "LID", 2)

    await stage.run()

    order = await stage.order(code)
    assert {line.channel_sku: (line.quantity, line.cancelled, line.open) for line in order.lines} == {
        "MUG": (2, 0, 2),
        "LID": (3, 2, 1),
    }
    assert order.conflict is None
    assert await stage.shows("LID") == before - 1
    assert await stage.ours("LID") == await stage.theirs("LID")
    facts = await stage.ship(code, Parcel(tracking_number="REST"))
    assert (facts.state, [dict(one.lines) for one in facts.fulfillments]) == ("Shipped", [{"MUG": 2, "LID": 1}])


async def test_last_line_cancelled_there_ends_the_order(stage: Stage) -> None:
    """An order of which piece by piece was cancelled is cancelled here, too."""
    before = await stage.shows("MUG")
    code = await stage.buy({"MUG": 2})
    await stage.seller.cancel_line(code, "MUG", 1)
    await stage.seller.cancel_line(code, "MUG", 1)

    await stage.run()

    assert (await stage.seller.order_facts(code)).state == "Cancelled"
    assert (await stage.order(code)).state is OrderState.CANCELLED
    assert await stage.shows("MUG") == before


@pytest.mark.parametrize("gone", [2, 1])
async def test_shipped_there_by_hand_waits_for_a_person(stage: Stage, gone: int) -> None:
    """Until somebody decides, nothing is deducted nor sent; then the goods leave our books, and nobody is told."""
    code = await stage.buy({"MUG": 2})
    key, before, ours = OrderKey(SHOP, code), await stage.shows("MUG"), await stage.ours("MUG")
    await stage.seller.ship_by_hand(code, {"MUG": gone}, "HAND")

    report = await stage.run()

    assert remarks(report, "conflict") == [("SHIPPED_ELSEWHERE", str(key))]
    assert (await stage.order(code)).state is OrderState.OPEN
    assert (await stage.shows("MUG"), await stage.ours("MUG")) == (before, ours)
    with pytest.raises(TransitionError, match="resolve that first"):
        await stage.sync.desk.process(key, Parcel(tracking_number="OURS"))
    await stage.sync.desk.resolve(key, Resolution.PROCESS, who="Ann")
    assert await stage.ours("MUG") == await stage.theirs("MUG") == (ours[0] - gone, ours[1] - gone)
    await stage.run()
    assert await stage.seller.count_fulfillments(code) == 1


@pytest.mark.parametrize("gone", [2, 1])
async def test_shipped_there_by_hand_is_taken_off_stock_by_setting(
    changing_shop: VendureServer, tmp_path: Path, gone: int
) -> None:
    """With shipped_elsewhere=process the run itself deducts it, and the shop is told nothing that it knows."""
    async with staged(changing_shop, tmp_path / "shop.db", shipped_elsewhere="process") as stage:
        code = await stage.buy({"MUG": 2})
        before, (on_hand, reserved) = await stage.shows("MUG"), await stage.ours("MUG")
        await stage.seller.ship_by_hand(code, {"MUG": gone}, "HAND")
        written = len(stage.sync.mutations.writes)

        report = await stage.run()

        assert remarks(report, "resolved") == [("process", str(OrderKey(SHOP, code)))]
        assert await stage.ours("MUG") == await stage.theirs("MUG") == (on_hand - gone, reserved - gone)
        assert await stage.shows("MUG") == before
        assert len(stage.sync.mutations.writes) == written
        order = await stage.order(code)
        if gone == 2:
            assert order.state is OrderState.PROCESSED
        else:
            facts = await stage.ship(code, Parcel(id="rest", tracking_number="OURS"))
            assert facts.state == "Shipped"
            assert [one.tracking_code for one in facts.fulfillments] == ["HAND", "OURS"]
        await stage.run()
        assert await stage.seller.count_fulfillments(code) == (1 if gone == 2 else 2)


async def test_order_modified_there_is_parked_until_all_is_paid(stage: Stage) -> None:
    """More pieces and a new line are reserved at once; while the order is changed and paid it cannot be processed."""
    mugs, lids = await stage.shows("MUG"), await stage.shows("LID")
    code = await stage.buy({"MUG": 2})
    await move_order(stage.seller, code, "Modifying")
    await edit(stage.seller, code, {"MUG": 4}, add={"LID": 3})

    for state in ("Modifying", "ArrangingAdditionalPayment"):
        if state != "Modifying":
            await move_order(stage.seller, code, state)
        await stage.run()
        order = await stage.order(code)
        assert (order.status, order.payment, order.parked) == (state, PaymentStatus.PAID, "on hold on the channel")
        assert {line.channel_sku: line.open for line in order.lines} == {"MUG": 4, "LID": 3}
        assert (await stage.shows("MUG"), await stage.shows("LID")) == (mugs - 4, lids - 3)
        with pytest.raises(TransitionError, match="is parked"):
            await stage.sync.desk.process(order.key, Parcel())

    await pay_more(stage.seller, code)
    await move_order(stage.seller, code, "PaymentSettled")
    await stage.run()
    order = await stage.order(code)
    assert (order.status, order.parked, order.conflict) == ("PaymentSettled", None, None)
    facts = await stage.ship(code, Parcel(tracking_number="ALL"))
    assert (facts.state, [dict(one.lines) for one in facts.fulfillments]) == ("Shipped", [{"MUG": 4, "LID": 3}])
    assert await stage.ours("LID") == await stage.theirs("LID")


async def test_order_modified_there_to_fewer_pieces_is_followed(stage: Stage) -> None:
    """Pieces that were modified away are free; the money given back for them is no conflict."""
    before = await stage.shows("MUG")
    code = await stage.buy({"MUG": 3})
    await modify(stage.seller, code, {"MUG": 1})

    report = await stage.run()

    assert list((await stage.seller.order_facts(code)).refunds.values()) == ["Settled"]
    order = await stage.order(code)
    assert [(line.quantity, line.cancelled, line.open) for line in order.lines] == [(3, 2, 1)]
    assert (order.payment, order.parked, remarks(report, "conflict")) == (PaymentStatus.PAID, None, [])
    assert await stage.shows("MUG") == before - 1
    facts = await stage.ship(code, Parcel(tracking_number="ONE"))
    assert (facts.state, [dict(one.lines) for one in facts.fulfillments]) == ("Shipped", [{"MUG": 1}])


async def test_order_first_seen_while_more_is_to_be_paid_is_downloaded(stage: Stage) -> None:
    """Its first payment was taken and the shop holds its pieces, so they are reserved here; it is parked."""
    before = await stage.shows("MUG")
    code = await stage.seller.place_order({"MUG": 1})
    await move_order(stage.seller, code, "Modifying")
    await edit(stage.seller, code, {"MUG": 2})
    await move_order(stage.seller, code, "ArrangingAdditionalPayment")

    report = await stage.run()

    order = await stage.order(code)
    assert (report.new, order.state, order.fulfillment) == (1, OrderState.OPEN, FulfillmentStatus.ON_HOLD)
    assert order.parked == "on hold on the channel"
    assert await stage.shows("MUG") == before - 2
    assert await stage.ours("MUG") == await stage.theirs("MUG")


async def test_order_modified_after_it_was_shipped_sends_the_rest(stage: Stage) -> None:
    """A piece added to a processed order is a conflict; followed, it is reserved and leaves in a second parcel."""
    code = await stage.buy({"MUG": 2})
    await stage.ship(code, Parcel(tracking_number="FIRST"))
    before, key = await stage.shows("MUG"), OrderKey(SHOP, code)
    await modify(stage.seller, code, {"MUG": 3}, then="PartiallyShipped")

    report = await stage.run()

    assert remarks(report, "conflict") == [("EDITED_AFTER_PROCESSING", str(key))]
    assert (await stage.order(code)).state is OrderState.PROCESSED
    order = await stage.sync.desk.resolve(key, Resolution.FOLLOW, who="Ann")
    assert (order.state, [line.open for line in order.lines]) == (OrderState.OPEN, [1])
    await stage.run()
    assert await stage.shows("MUG") == before - 1
    facts = await stage.ship(code, Parcel(id="second", tracking_number="SECOND"))
    assert facts.state == "Shipped"
    assert [(one.tracking_code, dict(one.lines)) for one in facts.fulfillments] == [
        ("FIRST", {"MUG": 2}),
        ("SECOND", {"MUG": 1}),
    ]
    assert (await stage.order(code)).state is OrderState.PROCESSED
    assert await stage.ours("MUG") == await stage.theirs("MUG")


async def test_refund_in_part_is_flagged_and_stops_nothing(stage: Stage) -> None:
    """Money given back beside the lines is a conflict for a person; kept as it is, the order is shipped and quiet."""
    code = await stage.buy({"MUG": 2})
    before, key = await stage.shows("MUG"), OrderKey(SHOP, code)
    await refund(stage.seller, code, 500)

    report = await stage.run()

    assert remarks(report, "conflict") == [("PARTIALLY_REFUNDED", str(key))]
    order = await stage.order(code)
    assert (order.payment, order.parked) == (PaymentStatus.PARTIALLY_REFUNDED, None)
    assert await stage.shows("MUG") == before
    await stage.sync.desk.resolve(key, Resolution.KEEP, who="Ann")
    assert (await stage.ship(code, Parcel(tracking_number="ALL"))).state == "Shipped"
    assert remarks(await stage.run(), "conflict") == []


async def test_order_cancelled_after_we_shipped_it_is_named(stage: Stage) -> None:
    """The shop puts the goods back on its books though they have left: its level is set right in the same run."""
    code = await stage.buy({"MUG": 2})
    await stage.ship(code, Parcel(tracking_number="GONE"))
    before, (on_hand, _) = await stage.shows("MUG"), await stage.theirs("MUG")
    await stage.seller.cancel_order(code)
    assert (await stage.theirs("MUG"))[0] == on_hand + 2

    report = await stage.run()

    assert remarks(report, "conflict") == [("CANCELLED_AFTER_PROCESSING", str(OrderKey(SHOP, code)))]
    order = await stage.order(code)
    assert order.conflict is not None
    assert (order.state, order.conflict.code) == (OrderState.PROCESSED, ConflictCode.CANCELLED_AFTER_PROCESSING)
    assert await stage.shows("MUG") == before
    assert await stage.ours("MUG") == await stage.theirs("MUG")


async def test_order_cancelled_before_our_parcel_was_told_is_not_shipped(stage: Stage) -> None:
    """The note of what was processed here meanwhile is refused, and the shop gets no fulfillment."""
    code = await stage.buy({"MUG": 2})
    key = OrderKey(SHOP, code)
    await stage.sync.desk.process(key, Parcel(tracking_number="LATE"))
    await stage.seller.cancel_order(code)

    report = await stage.run()

    assert remarks(report, "conflict") == [("CANCELLED_AFTER_PROCESSING", str(key))]
    (note,) = await stage.sync.storage.orders.notes(key)
    assert (note.status, note.message and "cancelled" in note.message) == (NoteStatus.REJECTED, True)
    assert await stage.seller.count_fulfillments(code) == 0


async def test_order_that_came_and_went_between_two_runs_doubts_its_listing(stage: Stage) -> None:
    """It is skipped as cancelled; the level that somebody counted wrongly meanwhile is set right in the same run."""
    before, (on_hand, _) = await stage.shows("BAG"), await stage.theirs("BAG")
    code = await stage.seller.place_order({"BAG": 2})
    await stage.seller.cancel_order(code)
    await stage.seller.set_stock("BAG", "main", on_hand + 2)

    report = await stage.run()

    assert ("CANCELLED_ON_CHANNEL", code) in remarks(report, "skipped")
    assert not await stage.sync.storage.orders.find(code, channel=SHOP)
    assert await stage.shows("BAG") == before
    assert await stage.theirs("BAG") == await stage.ours("BAG")


async def test_order_deleted_here_and_cancelled_there_is_restored_as_cancelled(stage: Stage) -> None:
    """The tombstone goes on being compared: what is restored is what its channel shows by then."""
    before = await stage.shows("MUG")
    code = await stage.buy({"MUG": 2})
    key = OrderKey(SHOP, code)
    await stage.sync.desk.delete(key, who="Ann", why="twice")
    await stage.seller.cancel_order(code)

    await stage.run()

    assert (await stage.order(code)).state is OrderState.DELETED
    assert await stage.shows("MUG") == before
    order = await stage.sync.desk.restore(key, who="Ann")
    assert (order.state, order.ended and order.ended.who) == (OrderState.CANCELLED, CHANNEL)
    await stage.run()
    assert await stage.shows("MUG") == before
    assert await stage.ours("MUG") == await stage.theirs("MUG")
