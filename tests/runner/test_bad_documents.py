"""An order whose document is wrong: a clear error, and nothing lost."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest

from ordersync import RunReport
from ordersync.model.listings import ListingId
from runner.bad_documents import BAD, CANARY, Bad
from runner.bad_shop import BadShop, bad_shop
from runner.world import SHOP, World, remarks, sightings

PERSONAL = (CANARY, "Grete", "Findewirth", "findewirth.example", "5550199", "Gasse", "4111111111111111")


@pytest.fixture
async def shop(world: World) -> AsyncIterator[BadShop]:
    """Serve the shop, on each storage."""
    async with bad_shop(world) as shop:
        yield shop


@pytest.fixture
async def memory_shop(memory_world: World) -> AsyncIterator[BadShop]:
    """Serve the shop, in memory alone."""
    async with bad_shop(memory_world) as shop:
        yield shop


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
async def test_bad_document(memory_shop: BadShop, bad: Bad, caplog: pytest.LogCaptureFixture) -> None:
    """It is kept byte for byte with an error that names the field, its neighbours are stored, and it may heal."""
    shop = memory_shop
    caplog.set_level(logging.DEBUG, "ordersync")
    shop.place("before", "bad", "after")
    payload = shop.show("bad", bad.spoil(shop.document("bad")))

    report = await shop.run()

    assert (sightings(report.channels[SHOP]), report.errors) == ({"new": 2, "quarantined": 1}, ())
    assert sorted(await shop.stored()) == ["after", "before"]
    assert remarks(report.channels[SHOP], "quarantined") == [("UNREADABLE", bad.reference or "(no reference)")]
    (kept,) = await shop.quarantined()
    assert (kept.error, kept.reference, kept.payload) == (bad.told, bad.reference, payload)
    await tells_nothing_personal(shop, report, caplog.text)

    shop.mend("bad")
    report = await shop.run_later()

    assert sightings(report.channels[SHOP]) == {"new": 1, "same": 2}
    assert (await shop.world.level()).reserved == 3
    still = [] if bad.reference == "bad" else [kept]  # nobody knows that it was this one
    assert await shop.quarantined() == still


async def test_all_bad_documents_on_one_page(shop: BadShop) -> None:
    """With every mistake on one page each is kept once, a second look keeps it once, and all heal together."""
    shown = {}
    for number, (name, bad) in enumerate(BAD.items()):
        shop.place(f"good {number}", name)
        document = {**shop.document(name), "reference": "bad"}
        shown[name] = shop.show(name, bad.spoil(document))

    for report in (await shop.run(), await shop.run_later(minutes=1)):
        assert report.channels[SHOP].quarantined == report.channels[SHOP].pages * len(BAD)
        assert report.errors == ()

    assert sorted(await shop.stored()) == sorted(f"good {number}" for number in range(len(BAD)))
    kept = {one.payload: (one.error, one.reference) for one in await shop.quarantined()}
    assert kept == {payload: (BAD[name].told, BAD[name].reference) for name, payload in shown.items()}
    assert (await shop.world.level()).reserved == len(BAD)
    for name in BAD:
        shop.mend(name)
    assert (await shop.run_later()).channels[SHOP].new == len(BAD)
    assert (await shop.world.level()).reserved == 2 * len(BAD)


async def tells_nothing_personal(shop: BadShop, report: RunReport, logged: str) -> None:
    """See that no text of a run holds what is personal or might be."""
    entries = await shop.world.journal()
    decisions = await shop.world.storage.orders.decisions(SHOP)
    quarantine = await shop.quarantined()
    told = [logged, str(report), report.to_json(), repr(report), repr(entries), repr(decisions), repr(quarantine)]
    assert not [word for word in PERSONAL for text in told if word in text]
    assert "quarantined Shop/north" in told[1]


async def test_unknown_status_word(shop: BadShop) -> None:
    """A word that nobody knows is quarantined with its document, and the order is stored once it has another."""
    shop.place("before", "bad", "after")
    document = shop.document("bad") | {"status": "Limbo", "fulfillment": "unknown"}
    payload = shop.show("bad", document)

    report = await shop.run()

    assert sightings(report.channels[SHOP]) == {"new": 2, "quarantined": 1}
    (kept,) = await shop.quarantined()
    assert (kept.code, kept.reference, kept.payload) == ("STATUS_UNKNOWN", "bad", payload)
    assert kept.error == "Nobody knows what the status 'Limbo' means; its channel must learn it."
    shop.mend("bad")
    assert sightings((await shop.run_later()).channels[SHOP]) == {"new": 1, "same": 2}
    assert await shop.quarantined() == []


async def test_document_that_heals_in_silence(world: World) -> None:
    """A document that is mended without a new update time is found by the next sweep, though the watermark went on."""
    async with bad_shop(world) as shop:
        await shop.run()
        shop.place("bad")
        shop.show("bad", shop.document("bad") | {"total": "12,50"})
        spoiled_at = world.clock.now()
        await shop.run_later(minutes=1)
        world.clock.advance(minutes=20)
        shop.place("after")
        await shop.run_later(minutes=1)
        watermark = await shop.watermark()
        assert watermark is not None
        assert watermark > spoiled_at

        shop.mend_silently("bad")
        await shop.run_later(minutes=1)
        assert sorted(await shop.stored()) == ["after"]
        await shop.run_later(minutes=60)

    assert sorted(await shop.stored()) == ["after", "bad"]
    assert await shop.quarantined() == []


async def test_odd_documents_that_are_right(shop: BadShop) -> None:
    """What is unusual and no mistake is stored: numbers for amounts with every digit, the edges of what is allowed."""
    odd: dict[str, dict[str, object]] = {
        "number for an amount": {"total": 12.5},
        "whole number for an amount": {"total": 2**63},
        "unknown fields": {"extra": {"a": [None, {"b": None}]}, "reference2": "x"},
        "no location": {"location": None, "paid_at": None},
        "other zone": {"placed_at": "2026-01-05T14:30:00+05:30"},
        "🙂" * 255: {"id": "🙂"},
        "1900": {"placed_at": "1900-01-01T00:00:00Z"},
        "2999": {"placed_at": "2999-12-31T23:59:59Z"},
    }
    for reference, changes in odd.items():
        shop.place(reference)
        shop.show(reference, shop.document(reference) | changes)

    report = await shop.run()

    assert sightings(report.channels[SHOP]) == {"new": len(odd)}
    stored = await shop.stored()
    assert sorted(stored) == sorted(odd)
    assert str(stored["number for an amount"].total) == "12.5 EUR"
    assert str(stored["whole number for an amount"].total) == "9223372036854775808 EUR"
    assert stored["other zone"].placed_at.isoformat() == "2026-01-05T09:00:00+00:00"
    assert stored["1900"].placed_at.year == 1900
    assert (await shop.world.level()).reserved == len(odd)
    assert sightings((await shop.run_later()).channels[SHOP]) == {"same": len(odd)}


AWKWARD = (
    "two words",
    " around ",
    'say "hi"',
    "it's; DROP TABLE orders --",
    "a/b?c=d&e#f%20@g",
    "line\nbreak\ttab",
    "🙂👩\u200d👧",
    "Ä",
    "A\u0308",
    "\u202egnp.exe",
    "null",
    "x" * 255,
    "🙂" * 255,
)


async def test_awkward_skus_make_the_round_trip(shop: BadShop) -> None:
    """Spaces, quotes, emoji and accents in a SKU come back from order to reservation to push, letter by letter."""
    world = shop.world
    for sku in AWKWARD:
        shop.shop.list_sku(sku, 10)
        await world.storage.listings.link(SHOP, sku, sku)
        await world.stock(sku, 10)
        await world.sell(world.market, sku, 10)
    shop.place("1", lines=dict.fromkeys(AWKWARD, 2))

    report = await shop.run()

    assert report.errors == ()
    assert [line.channel_sku for line in (await world.order("1")).lines] == [*AWKWARD]
    levels = await world.storage.stock.levels(AWKWARD)
    assert {one.sku: (one.on_hand, one.reserved) for one in levels} == dict.fromkeys(AWKWARD, (10, 2))
    assert world.market.levels == {"MUG": 10} | {str(ListingId(sku)): 8 for sku in AWKWARD}
    world.market.place("2", lines=dict.fromkeys(AWKWARD, 1))
    await shop.run_later()
    assert shop.shop.levels == {"MUG": 10} | {str(ListingId(sku)): 7 for sku in AWKWARD}
