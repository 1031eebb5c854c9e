"""The laws of dispatch: a parcel is told once, to the piece, and the channel then knows it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import attrs
import pytest

from ...admission import canonical
from ...channel import SupportsOrderLookup
from ...errors import ChannelRejectedError
from ...model.channel_orders import ChannelOrder, FulfillmentStatus
from ...model.ids import OrderKey
from .channel_harness import ChannelHarness, find, note_for
from .laws import Contract, law


class DispatchLaws(Contract[ChannelHarness]):
    """What ``send_dispatch`` does."""

    @law
    async def test_parcel_arrives_to_the_piece(self, harness: ChannelHarness) -> None:
        """The marketplace knows one parcel with the note's lines and tracking number, and no other order's."""
        mug, lid, _ = harness.skus
        reference = await harness.place_order({mug: 2, lid: 1})
        neighbour = await harness.place_order({mug: 1})
        note = note_for(harness.channel, await find(harness.channel, reference))
        await harness.channel.send_dispatch(note)

        (known,) = await harness.known_dispatches(reference)
        assert dict(known.lines) == dict(note.lines)
        assert known.tracking_number == note.tracking_number
        assert list(await harness.known_dispatches(neighbour)) == []

    @law
    async def test_shipment_can_be_looked_up(self, harness: ChannelHarness) -> None:
        """Asked for afterwards, the order shows the shipment: that is how an unknown outcome is settled."""
        channel = harness.channel
        if not isinstance(channel, SupportsOrderLookup):
            pytest.skip("the channel offers no look-up")
        reference = await harness.place_order({harness.skus[0]: 2})
        note = note_for(channel, await find(channel, reference))
        await channel.send_dispatch(note)

        found = await channel.fetch_order(reference)
        assert isinstance(found, ChannelOrder)
        assert [line.shipped for line in found.lines] == [2]
        assert canonical(found, channel.settings)[1] is FulfillmentStatus.SHIPPED
        assert [(dict(one.lines), one.tracking_number) for one in found.shipments] == [
            (dict(note.lines), note.tracking_number)
        ]

    @law
    async def test_part_of_an_order_is_shipped(self, harness: ChannelHarness) -> None:
        """A note for a part ships that part, the rest stays to be shipped, and a second note ships it."""
        if harness.channel.whole_order_dispatch:
            pytest.skip("the channel ships whole orders only")
        reference = await harness.place_order({harness.skus[0]: 3})
        order = await find(harness.channel, reference)
        await harness.channel.send_dispatch(note_for(harness.channel, order, 1))

        part = await find(harness.channel, reference)
        assert [line.quantity - line.cancelled - line.shipped for line in part.lines] == [2]
        assert canonical(part, harness.channel.settings)[1] is FulfillmentStatus.PARTIAL
        await harness.channel.send_dispatch(note_for(harness.channel, part))
        assert sorted(_sizes(await _shipped(harness, reference))) == [1, 2]

    @law
    async def test_note_of_a_whole_order_is_one_parcel(self, harness: ChannelHarness) -> None:
        """The same note twice is one parcel, whether the second is passed over or refused."""
        reference = await harness.place_order({harness.skus[0]: 2})
        note = note_for(harness.channel, await find(harness.channel, reference))
        await harness.channel.send_dispatch(note)
        with contextlib.suppress(ChannelRejectedError):
            await harness.channel.send_dispatch(note)

        assert _sizes(await _shipped(harness, reference)) == [2]

    @law
    async def test_refused_note_says_that_it_had_no_effect(self, harness: ChannelHarness) -> None:
        """A note for an order that does not exist is refused, and known not to have had an effect."""
        order = await find(harness.channel, await harness.place_order({harness.skus[0]: 1}))
        note = note_for(harness.channel, order)
        stranger = attrs.evolve(note, order_key=OrderKey(harness.channel.id, "999999999"), channel_order_id="999999999")
        with pytest.raises(ChannelRejectedError) as caught:
            await harness.channel.send_dispatch(stranger)

        assert caught.value.applied is False
        assert list(await harness.known_dispatches(order.reference)) == []


async def _shipped(harness: ChannelHarness, reference: str) -> list[Mapping[str, int]]:
    return [one.lines for one in await harness.known_dispatches(reference)]


def _sizes(parcels: list[Mapping[str, int]]) -> list[int]:
    return [sum(lines.values()) for lines in parcels]
