"""Values that fit no record, documents that break and heal, and times and references at their limits."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from ordersync import OrderKey, OrderState
from runner.bad_shop import Answer, BadShop, bad_shop, compact
from runner.world import SHOP, World, counts, sightings


@pytest.fixture
async def shop(memory_world: World) -> AsyncIterator[BadShop]:
    """Serve the shop, in memory alone."""
    async with bad_shop(memory_world) as shop:
        yield shop


def saying(document: object) -> Answer:
    """Return what answers with a document."""
    return lambda _request, _body: web.Response(body=compact(document), content_type="application/json")


LISTED = {"sku": "MUG", "location": None, "quantity": 3}
TAKEN = {"sku": "MUG", "location": None, "outcome": "accepted", "message": ""}
UNFIT = {
    "token with NUL": ("/orders", {"orders": [], "next": "\x00"}),
    "token with half a character": ("/orders", {"orders": [], "next": "\ud800"}),
    "token of 70 kB": ("/orders", {"orders": [], "next": "x" * 70_000}),
    "listing without a SKU": ("/listings", {"listings": [LISTED | {"sku": " "}], "next": None}),
    "listing beyond 2**63": ("/listings", {"listings": [LISTED | {"quantity": 2**64}], "next": None}),
    "listing token with NUL": ("/listings", {"listings": [], "next": "\x00"}),
    "result without a SKU": ("/stock", {"results": [TAKEN | {"sku": " "}]}),
}
"""Answers of the right shape whose values fit no record: the path, and what is answered there."""


@pytest.mark.parametrize(("path", "document"), UNFIT.values(), ids=UNFIT.keys())
async def test_value_that_fits_no_record(shop: BadShop, path: str, document: object) -> None:
    """It is the channel's mistake, named in the report, and everything else goes on."""
    await shop.run()
    shop.world.market.place("2001", lines={"MUG": 1})
    shop.answer(saying(document), path)

    report = await shop.run_later(minutes=60 * 13)

    assert {error.code for error in report.errors} == {"channel-response"}
    assert (await shop.world.level()).reserved == 1
    shop.answer_well()
    await shop.run_later(minutes=120)
    assert (await shop.run_later(minutes=120)).errors == ()
    assert shop.shop.levels == {"MUG": 9}


async def test_stored_order_that_breaks_and_heals_unchanged(shop: BadShop) -> None:
    """A stored order whose document was broken for a while leaves quarantine when it is as it was before."""
    shop.place("1")
    await shop.run()
    shop.show("1", shop.document("1") | {"total": "12,50"})
    await shop.run_later()
    assert len(await shop.quarantined()) == 1

    shop.mend("1")
    report = await shop.run_later()

    assert sightings(report.channels[SHOP]) == {"same": 1}
    assert await shop.quarantined() == []


async def test_broken_order_that_turns_out_to_be_unpaid(shop: BadShop) -> None:
    """A document that can be read again leaves quarantine, also when its order is then skipped with a reason."""
    shop.shop.place("1", lines={"MUG": 1}, paid=False)
    shop.show("1", shop.document("1") | {"total": "12,50"})
    await shop.run()
    assert len(await shop.quarantined()) == 1

    shop.mend("1")
    report = await shop.run_later()

    assert sightings(report.channels[SHOP]).keys() == {"skipped"}  # by its scan, and by the watch list
    assert await shop.quarantined() == []


async def test_decision_of_an_order_that_is_twice_on_a_page_and_once_unreadable(shop: BadShop) -> None:
    """The decision is that it was admitted, and the next run finds it the same."""
    shop.place("1")
    good = shop.document("1")
    page = {"orders": [good, good | {"total": "12,50"}], "next": None}
    shop.answer(saying(page))
    await shop.run()

    decision = await shop.world.storage.orders.decision(OrderKey(SHOP, "1"))
    assert decision is not None
    assert (decision.code, decision.admitted) == ("ADMITTED", True)
    assert sightings((await shop.run_later()).channels[SHOP]) == {"same": 1, "quarantined": 1}


async def test_update_time_in_the_future(shop: BadShop) -> None:
    """An order that once carried a time years ahead is followed again as soon as its times are right."""
    shop.place("1")
    shop.show("1", shop.document("1") | {"updated_at": "2035-01-01T00:00:00Z"})
    await shop.run()
    assert (await shop.world.level()).reserved == 1

    shop.mend("1")
    shop.shop.cancel("1")
    await shop.run_later()

    assert (await shop.world.order("1")).state is OrderState.CANCELLED
    assert (await shop.world.level()).reserved == 0


async def test_longest_reference_goes_all_the_way(shop: BadShop) -> None:
    """An order number of the most and the widest characters is reserved, processed, dispatched and confirmed."""
    reference = "🙂" * 255
    shop.place(reference)
    await shop.run()
    await shop.world.process(reference)

    report = await shop.run_later()

    assert counts(report.channels[SHOP]) == {"same": 1, "dispatched": 1, "confirmed": 1}
    assert [one.reference for one in shop.shop.shipments] == [reference]
