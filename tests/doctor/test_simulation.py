"""Simulate: other settings are tried out on the orders seen, and the next run does what was foretold."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from doctor.lab import MAPPING, opened_lab
from ordersync import ChannelSettings, OrderKey, StatusMapping
from ordersync.doctor.simulation import Simulation, simulate
from ordersync.errors import ConfigurationError
from ordersync.model.channel_orders import ChannelOrder
from ordersync.model.orders import OrderState
from ordersync.model.settings import HostCheck
from ordersync.testing import FakeMarketplace, ManualClock
from runner.world import SHOP, World

SECOND = attrs.evolve(MAPPING, version="2")
SETTINGS = ChannelSettings(status_mapping=MAPPING)


@pytest.fixture(params=["memory", "sqlite"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """Open the lab on each storage."""
    async with opened_lab(request.param, tmp_path) as world:
        yield world


async def seen(world: World) -> None:
    """Run over five orders: one stored, one each unpaid, unknown, cancelled and old; the stored one is 1001."""
    for reference in ("1001", "1002", "1003", "1004"):
        world.shop.place(reference, lines={"MUG": 1}, paid=reference != "1002")
    world.shop.place("1005", lines={"MUG": 1}, at=world.clock.now() - timedelta(days=9))
    world.shop.set_status("1003", "Picked")
    world.shop.set_status("1004", "Dispatched by hand")
    world.shop.set_status("1005", "Picked")
    await world.run(world.shop)


async def tried(world: World, **changes: Any) -> Simulation:  # noqa: ANN401 - settings
    """Simulate the shop's settings with some of them changed."""
    return await simulate(world.storage, world.shop, attrs.evolve(SETTINGS, **changes))


def told(simulation: Simulation) -> dict[str, tuple[str, str]]:
    """Return the codes before and after of every order that would be decided otherwise."""
    return {change.key.reference: (change.before, change.after) for change in simulation.changes}


async def stored(world: World) -> set[str]:
    """Return the references of the orders that are stored."""
    return {order.key.reference for order in await world.storage.orders.listed()}


def with_words(**words: list[str]) -> dict[str, Any]:
    """Return a second mapping with further words."""
    more = {name: getattr(SECOND, name) | frozenset(given) for name, given in words.items()}
    return {"status_mapping": attrs.evolve(SECOND, **more)}


TRIALS: list[Any] = [
    ({}, {}),
    ({"download_unpaid": True}, {"1002": ("NOT_PAID", "ADMITTED")}),
    (
        with_words(paid=["Picked"], ignored=["Dispatched by hand"]),
        {
            "1003": ("STATUS_UNKNOWN", "ADMITTED"),
            "1004": ("STATUS_UNKNOWN", "STATUS_IGNORED"),
            "1005": ("STATUS_UNKNOWN", "ADMITTED"),
        },
    ),
    (
        with_words(paid=["picked "]) | {"initial_from": ManualClock().now() - timedelta(days=1)},
        {"1003": ("STATUS_UNKNOWN", "ADMITTED"), "1005": ("STATUS_UNKNOWN", "BEFORE_INITIAL_FROM")},
    ),
    (
        with_words(shipped=["Dispatched by hand"]) | {"import_shipped": True},
        {"1004": ("STATUS_UNKNOWN", "ADMITTED")},
    ),
    (
        {"checks": [HostCheck(code="NO_MUGS", refuses=lambda order: "No mugs." if order.lines else None)]},
        {"1001": ("ADMITTED", "NO_MUGS")},
    ),
    ({"location": {"York": "york"}}, {"1001": ("ADMITTED", "NO_LOCATION")}),
]


@pytest.mark.parametrize(("changes", "expected"), TRIALS)
async def test_next_run_does_as_foretold(
    world: World, changes: dict[str, Any], expected: dict[str, tuple[str, str]]
) -> None:
    """What would be decided otherwise is told by order, and the next run under those settings stores just these."""
    await seen(world)
    before = await stored(world)

    simulation = await tried(world, **changes)

    assert told(simulation) == expected
    assert await stored(world) == before == {"1001"}
    await world.run_later(world.shop.with_settings(attrs.evolve(SETTINGS, **changes)), minutes=61)
    assert await stored(world) - before == {one for one, (_, after) in expected.items() if after == "ADMITTED"}


async def test_counts_add_up(world: World) -> None:
    """Every order that was seen is counted once: the same, more, fewer or otherwise, or unknown if unreadable."""
    await seen(world)
    world.shop.place("1006", lines={"MUG": 1})
    world.shop.spoil("1006")
    await world.run_later(world.shop)

    simulation = await tried(
        world,
        **with_words(paid=["Picked"], ignored=["Dispatched by hand"]),
        checks=[HostCheck(code="NOT_1001", refuses=lambda order: "No." if order.reference == "1001" else None)],
    )

    assert (simulation.judged, simulation.unknown) == (5, 1)
    assert (simulation.same, simulation.admitted_more) == (1, 2)
    assert (simulation.admitted_fewer, simulation.otherwise) == (1, 1)
    assert len(simulation.changes) == 4


async def test_nothing_is_written_or_asked(world: World) -> None:
    """A simulation leaves every decision and the journal as they are, and does not call the channel."""
    await seen(world)
    world.shop.calls.clear()
    before = await world.storage.orders.decisions(SHOP), await world.journal(), await world.order("1001")

    await tried(world, **with_words(paid=["Picked"]))

    assert (await world.storage.orders.decisions(SHOP), await world.journal(), await world.order("1001")) == before
    assert world.shop.calls.total() == 0


REFUSED: list[Any] = [
    ({"initial_from": ManualClock().now() + timedelta(days=1)}, "and stays; a new order like it would not be"),
    ({"status_mapping": StatusMapping(version="2", paid=["Other"])}, "left as it is: nobody would know what 'Ready'"),
    ({"status_mapping": StatusMapping(version="2", paid=["Other"], shipped=["Ready"])}, "taken for shipped, unpaid"),
]


@pytest.mark.parametrize(("changes", "sentence"), REFUSED)
async def test_stored_order_is_not_removed(world: World, changes: dict[str, Any], sentence: str) -> None:
    """An order that is here already and would be refused now stays, and what becomes of it is told."""
    world.shop.place("1001", lines={"MUG": 1})
    await world.run(world.shop)

    (change,) = (await tried(world, **changes)).changes

    assert (change.stored, change.before) == (True, "ADMITTED")
    assert "It is stored already" in change.sentence
    assert sentence in change.sentence
    await world.run_later(world.shop.with_settings(attrs.evolve(SETTINGS, **changes)), minutes=61)
    order = await world.order("1001")
    assert order.state is OrderState.OPEN
    assert (order.conflict is not None) is ("shipped" in sentence)


async def test_stored_order_understood_otherwise(world: World) -> None:
    """A stored order whose new word is mapped by the other settings would be followed, and counts as otherwise."""
    world.shop.place("1001", lines={"MUG": 1})
    await world.run(world.shop)
    world.shop.set_status("1001", "Picked")
    await world.run_later(world.shop)

    simulation = await tried(world, **with_words(paid=["Picked"]))

    assert (simulation.otherwise, simulation.admitted_more) == (1, 0)
    assert told(simulation) == {"1001": ("STATUS_UNKNOWN", "ADMITTED")}
    assert simulation.changes[0].sentence.endswith("taken for unshipped, paid.")


async def test_ended_order_that_is_stored_is_the_same(world: World) -> None:
    """An order that was stored before it was shipped is not counted as one that importing shipped ones would add."""
    world.shop.place("1001", lines={"MUG": 1})
    await world.run(world.shop)
    await world.process("1001")
    await world.run_later(world.shop)
    await world.run_later(world.shop)
    decision = await world.storage.orders.decision(OrderKey(SHOP, "1001"))
    assert decision is not None
    assert decision.status == "Shipped"

    simulation = await tried(world, import_shipped=True)

    assert (simulation.judged, simulation.same) == (1, 1)


async def test_deleted_order_stays_deleted(world: World) -> None:
    """No settings bring back an order that a person deleted, or say anything else of it."""
    world.shop.place("1001", lines={"MUG": 1})
    await world.run(world.shop)
    await world.desk.delete(OrderKey(SHOP, "1001"), who="ann", why="a test")

    simulation = await tried(world, initial_from=world.clock.now() + timedelta(days=1))

    assert (simulation.judged, simulation.same, simulation.changes) == (1, 1, ())


async def test_own_check_sees_no_person(world: World) -> None:
    """A host's own check is given the order without buyer, address and document."""
    given: list[ChannelOrder] = []
    world.shop.place("1001", lines={"MUG": 1})
    await world.run(world.shop)

    await tried(world, checks=[HostCheck(code="LOOKS", refuses=given.append)])

    assert [order.reference for order in given] == ["1001"]
    assert (given[0].buyer, given[0].shipping_address, given[0].raw) == (None, None, None)


async def test_settings_are_those_of_the_channel(world: World) -> None:
    """What the settings leave open is decided by the channel's class, as in a run."""
    world.shop.place("1001", lines={"MUG": 1}, paid=False)
    await world.run(world.shop)
    kind: dict[str, Any] = {"requires_status_mapping": True, "downloads_unpaid": True, "default_mapping": SECOND}
    twin = FakeMarketplace(SHOP, clock=world.clock, settings=ChannelSettings(download_unpaid=False), **kind)

    simulation = await simulate(world.storage, twin, ChannelSettings())

    assert told(simulation) == {"1001": ("NOT_PAID", "ADMITTED")}
    assert simulation.changes[0].sentence == "It would be downloaded and parked: not paid (unpaid)."


async def test_impossible_settings_are_refused(world: World) -> None:
    """A mapping is not tried out on a channel that has fixed status words."""
    with pytest.raises(ConfigurationError, match="has fixed statuses"):
        await simulate(world.storage, world.market, SETTINGS)


async def test_many_changes_are_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many pages of decisions there are, all are judged; of the changes as many as asked for are listed."""
    monkeypatch.setattr("ordersync.doctor.simulation.BATCH", 2)
    await seen(world)

    simulation = await simulate(
        world.storage, world.shop, attrs.evolve(SETTINGS, **with_words(paid=["Picked"]), download_unpaid=True), most=2
    )

    assert (simulation.judged, simulation.admitted_more, simulation.more) == (5, 3, 1)
    assert [change.key.reference for change in simulation.changes] == ["1002", "1003"]
    assert str(simulation).endswith("  and 1 more")


async def test_text_fits_a_terminal(world: World) -> None:
    """The text has at most 80 columns and nothing that steers a terminal, whatever the shop's words are."""
    world.shop.place("1001", lines={"MUG": 1})
    world.shop.set_status("1001", "\x1b[31mred\n" + "very " * 30)
    await world.run(world.shop)

    text = str(await tried(world, **with_words(paid=["\x1b[31mred\n" + "very " * 30])))

    assert max(map(len, text.splitlines())) <= 80
    assert all(letter.isprintable() for letter in text.replace("\n", ""))
    assert text.startswith("simulation of Shop/north: 1 judged, 0 unknown\n")
    assert "\n  STATUS_UNKNOWN -> ADMITTED  1001 ( [31mred very" in text


async def test_json_tells_the_same(world: World) -> None:
    """The JSON has schema, counts and changes, and nobody's name."""
    await seen(world)

    simulation = await tried(world, **with_words(paid=["Picked"]))
    document = json.loads(simulation.to_json())

    assert document == simulation.to_dict()
    assert [document[name] for name in ("schema", "source", "subsource")] == ["ordersync.simulation/1", "Shop", "north"]
    assert (document["judged"], document["same"], document["admitted_more"]) == (5, 3, 2)
    assert document["changes"][0] == {
        "reference": "1003",
        "status": "Picked",
        "before": "STATUS_UNKNOWN",
        "after": "ADMITTED",
        "sentence": "It would be downloaded.",
        "placed_at": "2026-01-05T09:00:00+00:00",
        "stored": False,
    }
    assert "Findewirth" not in simulation.to_json() + str(simulation) + repr(simulation)
