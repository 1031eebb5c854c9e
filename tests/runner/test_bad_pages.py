"""Pages of orders that are strange as a whole: loops, thousands of orders, one order twice, edits from the past."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from ordersync import OrderState
from runner.bad_shop import Answer, BadShop, Document, bad_shop, compact
from runner.world import MARKET, SHOP, World, sightings

MOST_BYTES = 15_000
"""Of memory, for one order of a large page, its document and all that is decided of it included."""


@pytest.fixture
async def shop(world: World) -> AsyncIterator[BadShop]:
    """Serve the shop, on each storage."""
    async with bad_shop(world) as shop:
        yield shop


def pointing_to(token: str) -> Answer:
    """Return what answers with the first page for ever, and with this token of the next one."""
    first: list[Document] = []

    def answer(_request: web.Request, body: bytes) -> web.StreamResponse:
        first.append(json.loads(body))
        return web.Response(body=compact(first[0] | {"next": token}), content_type="application/json")

    return answer


def showing(*documents: object) -> Answer:
    """Return what answers with one page of these documents."""
    body = compact({"orders": documents, "next": None})
    return lambda _request, _body: web.Response(body=body, content_type="application/json")


@pytest.mark.parametrize("token", ["again", ""])
async def test_page_that_points_to_itself(shop: BadShop, token: str) -> None:
    """The loop ends by name after the second look, what was read is kept, and the next run reads the rest."""
    shop.place("1", "2")
    shop.world.market.place("2001", lines={"MUG": 1})
    shop.answer(pointing_to(token))

    report = await shop.run()

    told = f"Shop/north: page token {token!r} came twice (page 2); stopped to avoid a loop, "
    told += "what was read until then is kept"
    assert [(error.code, str(error)) for error in report.errors] == [("channel-response", told)]
    assert (report.channels[SHOP].status, report.channels[MARKET].status) == ("failed", "done")
    assert sightings(report.channels[SHOP]) == {"new": 2, "same": 2}
    assert sorted(await shop.stored()) == ["1", "2"]
    shop.answer_well()
    shop.place("3")
    report = await shop.run_later()
    assert (report.errors, report.channels[SHOP].new) == ((), 1)
    assert (await shop.world.level()).reserved == 4


@pytest.mark.parametrize("many", [500, pytest.param(10_000, marks=pytest.mark.slow)])
async def test_large_page(shop: BadShop, many: int) -> None:
    """Thousands of orders come with one call, are stored once each, and are the same when they come again."""
    await shop.run()
    large_page(shop, many)
    calls = len(shop.asked)

    report = await shop.run_later()

    assert (sightings(report.channels[SHOP]), report.channels[SHOP].pages) == ({"new": many}, 1)
    assert shop.asked[calls:].count("/orders") == 1
    assert sorted(await shop.stored()) == sorted(f"{number}" for number in range(many))
    assert (await shop.world.level()).reserved == many
    assert sightings((await shop.run_later()).channels[SHOP]) == {"same": many}


async def test_memory_of_a_large_page(shop: BadShop) -> None:
    """What a page takes of memory while it is read, decided and saved is bounded by the number of its orders."""
    await shop.run()
    large_page(shop, 500)

    tracemalloc.start()
    await shop.run_later()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 500 * MOST_BYTES


def large_page(shop: BadShop, many: int) -> None:
    """Show so many orders of one mug on one page."""
    shop.place("0")
    one = shop.document("0")
    shop.answer(showing(*(one | {"reference": f"{number}", "id": f"{number}"} for number in range(many))))


@pytest.mark.parametrize("reverse", [False, True], ids=["older first", "newer first"])
async def test_one_order_twice_on_a_page(shop: BadShop, reverse: bool) -> None:  # noqa: FBT001 - of the test
    """The newest version is stored, wherever on the page it stands, and what else there is counts as same."""
    shop.place("1", "2", lines={"MUG": 2})
    older = shop.document("1")
    newer = older | {"updated_at": "2026-01-05T09:00:01Z", "status": "On hold", "fulfillment": "on-hold"}
    pair = [newer, older] if reverse else [older, newer]
    shop.answer(showing(*pair, shop.document("2"), shop.document("2")))

    report = await shop.run()

    assert (sightings(report.channels[SHOP]), report.errors) == ({"new": 2, "same": 2}, ())
    stored = await shop.stored()
    assert {reference: order.status for reference, order in stored.items()} == {"1": "On hold", "2": "Ready"}
    assert (await shop.world.level()).reserved == 4
    assert sightings((await shop.run_later()).channels[SHOP]) == {"same": 4}


async def test_one_order_twice_of_the_same_time(shop: BadShop) -> None:
    """Of two different versions with one update time the last one on the page is stored, in every run the same."""
    shop.place("1")
    one = shop.document("1")
    shop.answer(showing(one, one | {"id": "other"}))

    assert sightings((await shop.run()).channels[SHOP]) == {"new": 1, "same": 1}
    assert (await shop.stored())["1"].channel_order_id == "other"
    assert sightings((await shop.run_later()).channels[SHOP]) == {"same": 2}


@pytest.mark.parametrize("reverse", [False, True], ids=["good first", "bad first"])
async def test_one_order_twice_and_once_unreadable(shop: BadShop, reverse: bool) -> None:  # noqa: FBT001 - as above
    """The readable version is stored and the other one kept: neither hides the other."""
    shop.place("1", "2")
    good = shop.document("1")
    bad = good | {"total": "12,50"}
    shop.answer(showing(*([bad, good] if reverse else [good, bad]), shop.document("2")))

    report = await shop.run()

    assert (sightings(report.channels[SHOP]), report.errors) == ({"new": 2, "quarantined": 1}, ())
    assert sorted(await shop.stored()) == ["1", "2"]
    assert [one.payload for one in await shop.quarantined()] == [compact(bad)]
    assert (await shop.world.level()).reserved == 2


async def test_one_unreadable_order_twice(shop: BadShop) -> None:
    """Two broken versions of one order are both kept, a repeated one once, and leave together once it is mended."""
    shop.place("1", "2")
    one = shop.document("1")
    bad = [one | {"total": "12,50"}, one | {"lines": []}, one | {"total": "12,50"}]
    shop.answer(showing(*bad, shop.document("2")))

    report = await shop.run()

    assert (sightings(report.channels[SHOP]), report.errors) == ({"new": 1, "quarantined": 3}, ())
    assert {one.payload for one in await shop.quarantined()} == {compact(bad[0]), compact(bad[1])}
    shop.answer_well()
    await shop.run_later()
    assert sorted(await shop.stored()) == ["1", "2"]
    assert await shop.quarantined() == []


async def test_edit_from_the_past(shop: BadShop) -> None:
    """A version older than the stored one changes nothing and counts as same; a newer one is followed again."""
    world = shop.world
    shop.place("1")
    past = shop.document("1")
    world.clock.advance(minutes=10)
    shop.shop.edit("1", {"MUG": 3})
    await shop.run()
    before = await world.order("1")
    shop.show("1", past)

    report = await shop.run_later()

    assert (sightings(report.channels[SHOP]), report.errors) == ({"same": 1}, ())
    assert await world.order("1") == before
    assert (await world.level()).reserved == 3
    shop.mend("1")
    shop.shop.cancel("1")
    assert sightings((await shop.run_later()).channels[SHOP]) == {"changed": 1}
    assert (await world.order("1")).state is OrderState.CANCELLED
    assert (await world.level()).reserved == 0
