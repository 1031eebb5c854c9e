"""Directed schedules for planted bugs about what is promised of the whole: logs, erasure, sales, speed, isolation."""

from __future__ import annotations

import logging

import pytest

from ordersync import Buyer
from ordersync.errors import ChannelUnavailableError
from ordersync.testing.simulator.hearing import listening
from protocols.world import MARKET, OPENING, SHOP, SKU, key
from simulator.opened import opened

NAME = "Canary Kanarek"
CANARY = Buyer(name=NAME)


async def test_log_names_no_buyer() -> None:
    """No record that is logged of an order holds its buyer, not even beside the message."""
    said: list[str] = []
    async with opened() as world:
        world.shop.place("1001", lines={SKU: 1}, buyer=CANARY)
        with listening(said.append):
            logging.getLogger("ordersync").debug("begin")
            await world.run()

    assert said[0].startswith("begin")
    assert NAME not in "".join(said)


async def test_erased_order_that_is_shown_again_stays_erased() -> None:
    """An order that was erased and then changes on its channel is stored without its buyer."""
    async with opened() as world:
        world.shop.place("1001", lines={SKU: 2}, buyer=CANARY)
        await world.run()
        await world.desk().erase(key(), who="Ada", why="asked by the buyer")
        world.clock.advance(minutes=20)
        world.shop.edit("1001", {SKU: 3})
        await world.run()

        order = await world.order(key())

        assert order.lines[0].quantity == 3
        assert order.buyer is None


async def test_what_is_reserved_is_not_for_sale() -> None:
    """The other channel shows what is left beside what an order holds."""
    async with opened() as world:
        world.shop.place("1001", lines={SKU: 3})
        await world.run()

        assert world.market.levels[SKU] == OPENING - 3


async def test_sale_is_told_everywhere_in_the_same_run() -> None:
    """A sale on a channel that answers late is told to the other one in the run that found it."""
    async with opened() as world:
        world.market.place("1001", lines={SKU: 3})
        await world.run()

        assert (await world.listing(SHOP)).believed == OPENING - 3
        assert world.shop.levels[SKU] == OPENING - 3


@pytest.mark.parametrize("failing", ["fetch_orders", "push_stock"])
async def test_channel_that_fails_stops_only_itself(failing: str) -> None:
    """While one channel does not answer, the other is worked on to the end."""
    async with opened() as world:
        world.market.place("1001", lines={SKU: 2})
        world.shop.fail_next(failing, ChannelUnavailableError("no answer", applied=None), times=None)

        report = await world.run()

        assert report.channels[SHOP].status == "failed"
        assert report.channels[MARKET].status == "done"
        assert await world.order(key("1001", MARKET))
