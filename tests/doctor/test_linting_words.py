"""Lint: words of a status mapping that never come, and words that come and are mapped to nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from doctor.lab import MAPPING, linted, opened_lab, set_up, shipped_once
from ordersync import StatusMapping
from ordersync.doctor.linting import Severity, lint
from ordersync.model.channel_orders import PaymentStatus
from ordersync.model.orders import OrderState
from ordersync.testing import FakeMarketplace
from runner.world import MARKET, SHOP, World


@pytest.fixture(params=["memory", "sqlite"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """Open the lab on each storage."""
    async with opened_lab(request.param, tmp_path) as world:
        yield world


async def test_nothing_mapped_to_shipped(world: World) -> None:
    """Where a mapping is needed and none of its words means shipped, what left the shop stays open here."""
    set_up(world, attrs.evolve(MAPPING, shipped=frozenset()))
    await shipped_once(world)
    world.shop.ship_by_hand("1001")
    await world.run_later(world.shop)

    found = await linted(world)

    assert list(found) == ["NOTHING_MAPPED_TO_SHIPPED", "WORD_UNMAPPED"]
    assert found["NOTHING_MAPPED_TO_SHIPPED"].severity is Severity.ERROR
    assert found["NOTHING_MAPPED_TO_SHIPPED"].evidence == {"sent": "1"}
    order = await world.order("1001")
    assert (order.state, order.conflict) == (OrderState.OPEN, None)


async def test_misspelt_word_for_shipped(world: World) -> None:
    """A misspelt word for shipped is found three times: none was seen, the word never was, and the right one is not."""
    set_up(world, attrs.evolve(MAPPING, shipped=frozenset({"Shiped"})))
    await shipped_once(world)

    found = await linted(world)

    assert list(found) == ["SHIPPED_NEVER_SEEN", "WORD_UNMAPPED", "WORD_NEVER_SEEN"]
    assert found["SHIPPED_NEVER_SEEN"].evidence == {"mapped": "'Shiped'", "sent": "1"}
    assert found["WORD_UNMAPPED"].evidence["nearest"] == "Shiped"
    assert "'Shiped' is mapped to shipped, and was never seen" in found["WORD_UNMAPPED"].next_step
    assert found["WORD_NEVER_SEEN"].evidence == {"word": "Shiped", "nearest": "Shipped"}
    assert found["WORD_NEVER_SEEN"].field == "settings.status_mapping.shipped"


async def test_nothing_shipped_yet(world: World) -> None:
    """As long as nothing was shipped, the words for it are told once, as a warning."""
    world.shop.place("1001", lines={"MUG": 1})
    world.shop.place("1002", lines={"MUG": 1}, paid=False)
    await world.run(world.shop)

    found = await linted(world)

    assert list(found) == ["SHIPPED_NEVER_SEEN"]
    assert found["SHIPPED_NEVER_SEEN"].severity is Severity.WARNING


async def test_unmapped_word(world: World) -> None:
    """A word that orders show and nobody mapped is told with how many they are, since when, and the latest."""
    await shipped_once(world)
    first_seen = world.clock.advance(minutes=10)
    for reference in ("1003", "1004"):
        world.shop.place(reference, lines={"MUG": 1})
        world.shop.set_status(reference, "Picked up")
        await world.run_later(world.shop, minutes=0)
        world.clock.advance(minutes=10)

    (finding,) = (await linted(world)).values()

    assert (finding.code, finding.channel, finding.field) == ("WORD_UNMAPPED", SHOP, "settings.status_mapping")
    assert finding.evidence == {
        "word": "Picked up",
        "orders": "2",
        "since": str(first_seen),
        "latest": "1004",
    }
    assert finding.sentence.startswith("'Picked up' is mapped to nothing, and 2 orders are shown with it")
    set_up(world, attrs.evolve(MAPPING, version="2", paid=frozenset({"Ready", "PICKED UP"})))
    assert await linted(world) == {}


async def test_word_that_only_earlier_orders_showed(world: World) -> None:
    """A word counts as seen when every order that was shown with it shows another by now."""
    world.shop.place("1001", lines={"MUG": 1}, paid=False)
    world.shop.place("1002", lines={"MUG": 1})
    await world.run(world.shop)
    world.shop.pay("1001")
    await world.run_later(world.shop)
    for reference in ("1001", "1002"):
        world.shop.ship_by_hand(reference)
    await world.run_later(world.shop)

    assert {one.status for one in await world.storage.orders.decisions(SHOP)} == {"Shipped"}
    assert await linted(world) == {}


async def test_word_that_never_came(world: World) -> None:
    """A mapped word that no order ever showed is a warning, with the unmapped word that it resembles."""
    await shipped_once(world)
    set_up(world, attrs.evolve(MAPPING, ignored=frozenset({"Qwxyz"})))

    (finding,) = (await linted(world)).values()

    assert (finding.code, finding.severity) == ("WORD_NEVER_SEEN", Severity.WARNING)
    assert finding.field == "settings.status_mapping.ignored"
    assert finding.evidence == {"word": "Qwxyz"}


async def test_word_spelt_otherwise(world: World) -> None:
    """A mapped word that differs from a seen one by blanks alone is an error that names both."""
    await shipped_once(world)
    world.shop.place("1003", lines={"MUG": 1})
    world.shop.set_status("1003", "Back  Order")
    await world.run_later(world.shop)
    set_up(world, attrs.evolve(MAPPING, ignored=frozenset({"BackOrder"})))

    found = await linted(world)

    assert list(found) == ["WORD_UNMAPPED", "WORD_SPELT_OTHERWISE"]
    assert found["WORD_SPELT_OTHERWISE"].evidence == {"word": "BackOrder", "seen": "Back  Order"}


async def test_words_of_a_default_mapping(world: World) -> None:
    """Nobody is blamed for words of the channel's own default mapping that never came."""
    kind: dict[str, Any] = {"requires_status_mapping": True, "default_mapping": MAPPING}
    world.shop = FakeMarketplace(SHOP, clock=world.clock, **kind)
    world.shop.place("1001", lines={"MUG": 1})
    await world.run(world.shop)

    assert await linted(world) == {}
    world.shop.set_status("1001", "Picked up")
    await world.run_later(world.shop)
    assert list(await linted(world)) == ["WORD_UNMAPPED"]


async def test_unpaid_without_words(world: World) -> None:
    """Downloading unpaid orders without a word for them is a warning that lists the words nobody mapped."""
    set_up(world, attrs.evolve(MAPPING, unpaid=frozenset()), download_unpaid=True)
    await shipped_once(world)

    found = await linted(world)

    assert list(found) == ["UNPAID_NOT_MAPPED", "WORD_UNMAPPED"]
    assert found["UNPAID_NOT_MAPPED"].evidence == {"unmapped": "Awaiting payment"}
    pending: dict[str, Any] = {"pending": frozenset({"Awaiting payment"}), "payment_methods": frozenset({"cheque"})}
    set_up(world, attrs.evolve(MAPPING, unpaid=frozenset(), **pending), download_unpaid=True)
    assert await linted(world) == {}


async def test_second_check_that_nothing_passes(world: World) -> None:
    """When no order mapped to paid says anything of its payment, a mapping that asks for it lets none in."""
    await shipped_once(world)
    set_up(world, attrs.evolve(MAPPING, confirm_payment=True))

    (finding,) = (await linted(world)).values()
    assert (finding.code, finding.evidence["latest"]) == ("PAYMENT_NEVER_CONFIRMED", "1001")

    world.shop.place("1003", lines={"MUG": 1})
    world.shop.transact("1003", PaymentStatus.PAID)
    await world.run_later(world.shop)
    assert await linted(world) == {}


async def test_orders_without_the_word_asked_for(world: World) -> None:
    """A mapping by state finds orders that show no state, and judges the others by theirs."""
    set_up(world, StatusMapping(version="1", by="state", paid=["processing"], shipped=["complete"]))
    world.shop.place("1001", lines={"MUG": 1})
    world.shop.place("1002", lines={"MUG": 1})
    world.shop.set_state("1002", "holded")
    await world.run(world.shop)

    found = await linted(world)

    assert list(found) == ["SHIPPED_NEVER_SEEN", "WORD_UNMAPPED", "WORD_ABSENT", "WORD_NEVER_SEEN"]
    assert found["WORD_ABSENT"].evidence["latest"] == "1001"
    assert found["WORD_UNMAPPED"].evidence["word"] == "holded"


async def test_word_that_the_channel_does_not_explain(world: World) -> None:
    """On a channel with fixed words an unknown one is the channel's to learn, not the settings'."""
    world.market = FakeMarketplace(MARKET, clock=world.clock)
    world.market.place("2001", lines={"MUG": 1})
    await world.run(world.market)
    assert await lint(world.storage, world.market, now=world.clock.now()) == []
    world.market.set_status("2001", "Teleported")
    await world.run_later(world.market)

    (finding,) = await lint(world.storage, world.market, now=world.clock.now())

    assert (finding.code, finding.evidence["word"]) == ("WORD_NOT_TRANSLATED", "Teleported")
    assert "FakeMarketplace does not say what the status 'Teleported' means" in finding.sentence
