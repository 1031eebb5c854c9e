"""Directed schedules for planted bugs about what is told: explanations, errors, decisions."""

from __future__ import annotations

from ordersync import Buyer, Doctor
from ordersync.errors import ChannelRejectedError
from protocols.world import SHOP, SKU, key
from simulator.opened import opened

NAME = "Canary Kanarek"
CANARY = Buyer(name=NAME)


async def test_explanation_is_the_decision() -> None:
    """An unpaid order is explained by the check that skipped it."""
    async with opened() as world:
        world.shop.place("1001", lines={SKU: 1}, paid=False)
        await world.run()

        answer = await Doctor([world.shop, world.market], world.storage, clock=world.clock).explain(
            "1001", source=SHOP.source
        )

        assert answer.code == "NOT_PAID"


async def test_error_names_no_buyer() -> None:
    """A note that could not be sent is reported without the buyer's name."""
    async with opened() as world:
        world.shop.place("1001", lines={SKU: 1}, buyer=CANARY)
        await world.run()
        await world.desk().process(key())
        world.shop.fail_next("send_dispatch", ChannelRejectedError("not now", applied=None), times=None)
        world.shop.fail_next("fetch_order", ChannelRejectedError("not now"), times=None)

        report = await world.run()

        assert report.errors
        assert NAME not in report.to_json() + repr(report.errors) + str(report)


async def test_decision_names_no_buyer() -> None:
    """An order that is skipped is reported, and decided about, without the buyer's name."""
    async with opened() as world:
        world.shop.place("1001", lines={SKU: 1}, paid=False, buyer=CANARY)

        report = await world.run()

        decision = await world.storage.orders.decision(key())
        assert decision is not None
        assert NAME not in report.to_json() + decision.sentence
