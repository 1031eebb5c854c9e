"""What becomes of dispatch notes that a fake marketplace receives."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ordersync.errors import ChannelRejectedError
from ordersync.model.channel_orders import ChannelOrder
from ordersync.model.dispatch import DispatchNote
from ordersync.model.ids import ChannelId, OrderKey
from ordersync.testing import START, FakeMarketplace, ManualClock


def note_for(
    market: FakeMarketplace,
    lines: Mapping[str, int],
    *,
    note_id: str = "n1",
    reference: str = "1",
    tracking: str | None = "JD01",
) -> DispatchNote:
    """Build a note about a parcel of order 1."""
    return DispatchNote(
        id=note_id,
        order_key=OrderKey(market.id, reference),
        channel_order_id=None,
        lines=lines,
        carrier="DHL",
        service=None,
        tracking_number=tracking,
        tracking_url=None,
        dispatched_at=START,
    )


async def test_note_ships_its_lines(market: FakeMarketplace) -> None:
    """A parcel becomes a shipment with lines, carrier and tracking, on the order and among the effects."""
    market.place("1", lines={"MUG": 2, "LID": 1})

    await market.send_dispatch(note_for(market, {"L1": 2}))

    order = await market.fetch_order("1")
    assert isinstance(order, ChannelOrder)
    assert (order.status, [line.shipped for line in order.lines]) == ("Part shipped", [2, 0])
    assert [(dict(one.lines), one.carrier, one.tracking_number) for one in order.shipments] == [
        ({"L1": 2}, "DHL", "JD01")
    ]
    assert [(one.reference, one.note_id, one.at) for one in market.shipments] == [("1", "n1", START)]


async def test_repeated_part_is_shipped_again(market: FakeMarketplace) -> None:
    """A marketplace that does not know our ids ships the rest of the order for a repeated part."""
    market.place("1", lines={"MUG": 4})
    note = note_for(market, {"L1": 2})

    await market.send_dispatch(note)
    await market.send_dispatch(note)

    assert [dict(one.lines) for one in market.shipments] == [{"L1": 2}, {"L1": 2}]
    assert market.notes_received == [note, note]


async def test_more_than_is_open_is_refused(market: FakeMarketplace) -> None:
    """A note for more pieces than are still to ship has no effect and says so."""
    market.place("1", lines={"MUG": 3})
    await market.send_dispatch(note_for(market, {"L1": 2}))

    with pytest.raises(ChannelRejectedError, match="more pieces than are still to ship") as caught:
        await market.send_dispatch(note_for(market, {"L1": 2}))

    assert caught.value.applied is False
    assert len(market.shipments) == 1
    assert len(market.notes_received) == 2


async def test_naive_shop_ships_six_of_four(clock: ManualClock) -> None:
    """A shop that does not count ships more than was bought, and shows no more than was bought."""
    market = FakeMarketplace(clock=clock, refuses_overshipping=False)
    market.place("1", lines={"MUG": 5})
    market.cancel_line("1", "L1", 1)

    for number in range(3):
        await market.send_dispatch(note_for(market, {"L1": 2}, note_id=f"n{number}"))

    order = await market.fetch_order("1")
    assert isinstance(order, ChannelOrder)
    assert sum(one.lines["L1"] for one in market.shipments) == 6
    assert (order.status, order.lines[0].shipped, order.lines[0].cancelled) == ("Shipped", 4, 1)


async def test_shop_that_knows_note_ids_ships_once(clock: ManualClock) -> None:
    """Where a note's id is its idempotency key, repeating the note changes nothing."""
    market = FakeMarketplace(clock=clock, knows_note_ids=True)
    market.place("1", lines={"MUG": 4})

    for _ in range(2):
        await market.send_dispatch(note_for(market, {"L1": 2}))
    await market.send_dispatch(note_for(market, {"L1": 2}, note_id="n2"))

    assert [(one.note_id, dict(one.lines)) for one in market.shipments] == [("n1", {"L1": 2}), ("n2", {"L1": 2})]


async def test_shop_may_demand_tracking(clock: ManualClock) -> None:
    """A note without a tracking number is refused where one is needed."""
    market = FakeMarketplace(clock=clock, requires_tracking=True)
    market.place("1", lines={"MUG": 1})

    with pytest.raises(ChannelRejectedError, match="a tracking number is needed"):
        await market.send_dispatch(note_for(market, {"L1": 1}, tracking=None))
    await market.send_dispatch(note_for(market, {"L1": 1}))

    assert len(market.shipments) == 1


async def test_whole_orders_only(clock: ManualClock) -> None:
    """Where only whole orders can be shipped, the first note marks all that is open, and a second is refused."""
    market = FakeMarketplace(clock=clock, whole_order_dispatch=True)
    market.place("1", lines={"MUG": 2, "LID": 1, "PEN": 1})
    market.cancel_line("1", "L3")

    await market.send_dispatch(note_for(market, {"L1": 7}))

    assert [dict(one.lines) for one in market.shipments] == [{"L1": 2, "L2": 1}]
    with pytest.raises(ChannelRejectedError, match="more pieces"):
        await market.send_dispatch(note_for(market, {"L2": 1}, note_id="n2"))


async def test_note_must_fit_its_order(market: FakeMarketplace) -> None:
    """Unknown orders, other channels' orders, unknown lines and cancelled orders are refused by name."""
    market.place("1", lines={"MUG": 1})
    market.place("2", lines={"MUG": 1})
    market.cancel("2")
    elsewhere = FakeMarketplace(ChannelId("Fake", "elsewhere"))

    for note, reason in (
        (note_for(market, {"L1": 1}, reference="3"), "no such order"),
        (note_for(elsewhere, {"L1": 1}), "no such order"),
        (note_for(market, {"L9": 1}), "a line that the order does not have"),
        (note_for(market, {"L1": 1}, reference="2"), "the order is cancelled"),
    ):
        with pytest.raises(ChannelRejectedError, match=reason):
            await market.send_dispatch(note)

    assert market.shipments == []
