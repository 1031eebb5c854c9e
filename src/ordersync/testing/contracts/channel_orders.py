"""The laws of what a channel shows: every order, once and complete, as it stands."""

from __future__ import annotations

from datetime import UTC, timedelta
from decimal import Decimal

import pytest

from ...admission import canonical
from ...channel import SupportsOrderLookup
from ...model.channel_orders import ChannelOrder, FulfillmentStatus, UnreadableOrder
from ..builders import NOON
from .channel_harness import ChannelHarness, Seen, find, note_for, pages, scan
from .laws import Contract, law

AWKWARD = ("no-such-order", "0", "-1", "999999999999", "../admin", "a/b?c=d#e%20f", "' OR 1=1 --", "№ 7 ü", "#1")
"""References that no order has; some of them would be something else in an address or a query."""


class OrderLaws(Contract[ChannelHarness]):
    """What ``fetch_orders`` and ``fetch_order`` show."""

    @law
    async def test_sweep_ends_and_misses_nothing(self, harness: ChannelHarness) -> None:
        """A sweep comes to its end and shows every order that is to be shipped, wherever its pages are cut."""
        placed = [await harness.place_order({harness.skus[0]: 1}) for _ in range(7)]

        seen = [order.reference for order in await scan(harness.channel)]
        assert set(placed) <= set(seen)
        assert all(seen.count(reference) == 1 for reference in placed)

    @law
    async def test_order_shows_what_was_bought(self, harness: ChannelHarness) -> None:
        """An order shows the SKUs and quantities that were bought, as paid and not shipped."""
        mug, lid, _ = harness.skus
        reference = await harness.place_order({mug: 2, lid: 1})

        order = await find(harness.channel, reference)
        assert {line.channel_sku: line.quantity - line.cancelled for line in order.lines} == {mug: 2, lid: 1}
        assert {line.shipped for line in order.lines} == {0}
        payment, fulfillment = canonical(order, harness.channel.settings)
        assert (payment.value, fulfillment) == ("paid", FulfillmentStatus.UNSHIPPED)
        if harness.channel.statuses:
            assert order.status in harness.channel.statuses

    @law
    async def test_times_are_in_utc_and_money_is_exact(self, harness: ChannelHarness) -> None:
        """Times are aware and in UTC, and amounts are decimals that are no trace of a binary fraction."""
        order = await find(harness.channel, await harness.place_order({harness.skus[0]: 3}))

        for moment in (order.placed_at, order.updated_at, order.paid_at):
            assert moment is None or moment.tzinfo is UTC
        amounts = [order.total, *(line.unit_price for line in order.lines)]
        for amount in filter(None, amounts):
            assert isinstance(amount.amount, Decimal)
            assert len(amount.amount.as_tuple().digits) <= 15, f"{amount} looks like a binary fraction"

    @law
    async def test_order_keeps_its_document(self, harness: ChannelHarness) -> None:
        """An order carries the document that it was read from, so that it can be read again one day."""
        order = await find(harness.channel, await harness.place_order({harness.skus[0]: 1}))

        assert order.raw, "ChannelOrder.raw is empty; structuring.read_orders fills it"

    @law
    async def test_two_scans_agree(self, harness: ChannelHarness) -> None:
        """A second sweep shows the same orders, equal in every field, under the same references and line ids."""
        for quantity in (1, 2, 3):
            await harness.place_order({harness.skus[0]: quantity})

        first = {order.reference: order for order in await scan(harness.channel)}
        assert {order.reference: order for order in await scan(harness.channel)} == first

    @law
    async def test_page_can_be_read_again(self, harness: ChannelHarness) -> None:
        """The same cursor gives the same page again, as after an answer that was lost."""
        for _ in range(5):
            await harness.place_order({harness.skus[0]: 1})

        for page in await pages(harness.channel):
            if page.next_cursor is not None:
                twice = [
                    await harness.channel.fetch_orders(updated_since=None, cursor=page.next_cursor) for _ in range(2)
                ]
                assert twice[0].orders == twice[1].orders

    @law
    async def test_shipped_order_leaves_the_sweep(self, harness: ChannelHarness) -> None:
        """An order that was shipped is shown as shipped, or by a sweep no more; its neighbour stays."""
        gone = await harness.place_order({harness.skus[0]: 1})
        stays = await harness.place_order({harness.skus[0]: 1})
        await harness.channel.send_dispatch(note_for(harness.channel, await find(harness.channel, gone)))

        seen = {order.reference: order for order in await scan(harness.channel)}
        assert stays in seen
        assert gone not in seen or _is_shipped(harness, seen[gone])

    @law
    async def test_changes_are_found_by_time(self, harness: ChannelHarness) -> None:
        """With a time, every order changed then or later is shown, one that was shipped included."""
        if harness.channel.scan != "updated":
            pytest.skip("the channel is scanned by state")
        reference = await harness.place_order({harness.skus[0]: 1})
        order = await find(harness.channel, reference)
        assert reference in await _since(harness, order, timedelta(0))

        await harness.channel.send_dispatch(note_for(harness.channel, order))
        found = await _since(harness, order, timedelta(0))
        assert reference in found, "an order that was shipped since is not shown"
        assert _is_shipped(harness, found[reference])

    @law
    async def test_nothing_has_changed_in_the_future(self, harness: ChannelHarness) -> None:
        """A time that lies ahead gives no order: the filter is in force, and not ignored in silence."""
        if harness.channel.scan != "updated":
            pytest.skip("the channel is scanned by state")
        order = await find(harness.channel, await harness.place_order({harness.skus[0]: 1}))

        assert await _since(harness, order, timedelta(days=2)) == {}

    @law
    async def test_look_up_agrees_with_the_sweep(self, harness: ChannelHarness) -> None:
        """Asked for by its reference, an order is the same as in a sweep, and can be found once it is shipped."""
        channel = harness.channel
        if not isinstance(channel, SupportsOrderLookup):
            pytest.skip("the channel offers no look-up")
        reference = await harness.place_order({harness.skus[0]: 2})
        order = await find(channel, reference)
        assert await channel.fetch_order(reference) == order

        await channel.send_dispatch(note_for(channel, order))
        found = await channel.fetch_order(reference)
        assert isinstance(found, ChannelOrder)
        assert _is_shipped(harness, found)
        assert [line.line_id for line in found.lines] == [line.line_id for line in order.lines]

    @law
    async def test_unknown_reference_is_none(self, harness: ChannelHarness) -> None:
        """A reference that no order has gives None, whatever characters it is made of."""
        channel = harness.channel
        if not isinstance(channel, SupportsOrderLookup):
            pytest.skip("the channel offers no look-up")
        await harness.place_order({harness.skus[0]: 1})

        for reference in AWKWARD:
            assert await channel.fetch_order(reference) is None, reference

    @law
    async def test_malformed_order_stops_only_itself(self, harness: ChannelHarness) -> None:
        """An order whose document is malformed becomes unreadable with its payload, and its neighbours arrive."""
        placed = [await harness.place_order({harness.skus[0]: 1}) for _ in range(3)]
        try:
            await harness.spoil_order(placed[1])
        except NotImplementedError:
            pytest.skip("the harness spoils no order")

        seen = await scan(harness.channel)
        readable = {order.reference for order in seen if isinstance(order, ChannelOrder)}
        unreadable = [order for order in seen if isinstance(order, UnreadableOrder)]
        assert {placed[0], placed[2]} <= readable
        assert placed[1] not in readable
        assert len(unreadable) == 1
        assert unreadable[0].payload

    @law
    async def test_server_time_is_the_channels(self, harness: ChannelHarness) -> None:
        """The time of an answer, where the channel tells it, is aware, in UTC, and no invention."""
        page = await harness.channel.fetch_orders(updated_since=None)

        assert page.server_time is None or (page.server_time.tzinfo is UTC and page.server_time > NOON)


def _is_shipped(harness: ChannelHarness, order: Seen) -> bool:
    assert isinstance(order, ChannelOrder)
    return canonical(order, harness.channel.settings)[1] is FulfillmentStatus.SHIPPED


async def _since(harness: ChannelHarness, order: ChannelOrder, later: timedelta) -> dict[str, Seen]:
    found: dict[str, Seen] = {}
    cursor: str | None = None
    for _ in range(50):
        page = await harness.channel.fetch_orders(updated_since=order.updated_at + later, cursor=cursor)
        found |= {one.reference: one for one in page.orders}
        cursor = page.next_cursor
        if cursor is None:
            return found
    pytest.fail("a scan by time has more than 50 pages")
