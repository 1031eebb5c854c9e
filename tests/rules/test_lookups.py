"""What a channel may answer when it is asked for one order."""

from __future__ import annotations

import pytest

from ordersync.errors import ChannelResponseError
from ordersync.model.channel_orders import ChannelOrder, UnreadableOrder
from ordersync.model.ids import OrderKey
from ordersync.sync.lookups import looked_up, require_same
from ordersync.testing.builders import SHOP, make_channel_order
from rules.sighted import unreadable

KEY = OrderKey(SHOP, "1001")


@pytest.mark.parametrize("found", [None, make_channel_order(), unreadable()])
def test_order_document_or_nothing_is_an_answer(found: ChannelOrder | UnreadableOrder | None) -> None:
    """A channel answers with an order, with a document that could not be read, or with None."""
    assert looked_up(KEY, found) is found


def test_anything_else_is_no_answer() -> None:
    """Whatever else a channel returns is refused by its kind, and the author told what to return."""
    with pytest.raises(ChannelResponseError) as caught:
        looked_up(KEY, [make_channel_order()])

    expected = "Shop/one/1001: fetch_order returned a list; return a ChannelOrder, or None if there is none"
    assert str(caught.value) == expected


@pytest.mark.parametrize("found", [make_channel_order("1001"), unreadable(), unreadable(reference=None)])
def test_answer_is_of_the_order_that_was_asked_for(found: ChannelOrder | UnreadableOrder) -> None:
    """An answer with the number that was asked for, or without one, is taken."""
    require_same(KEY, found)


@pytest.mark.parametrize("found", [make_channel_order("1002"), unreadable(reference="1002")])
def test_another_order_says_nothing_of_this_one(found: ChannelOrder | UnreadableOrder) -> None:
    """An answer about another order is refused, and both are named."""
    with pytest.raises(ChannelResponseError) as caught:
        require_same(KEY, found)

    assert str(caught.value) == (
        "Shop/one/1001: fetch_order answered with order '1002'; return the order asked for, or None"
    )
