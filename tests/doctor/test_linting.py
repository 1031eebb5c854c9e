"""Lint: what is wrong with a channel's settings, found in what real runs left behind."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from doctor.lab import linted, opened_lab, set_up, shipped_once
from ordersync import StatusMapping
from ordersync.doctor.lint_evidence import Evidence
from ordersync.doctor.linting import LINT_CODES, WARNINGS, LintFinding, Severity, findings, lint
from ordersync.model.runs import ChannelLife, ChannelState
from ordersync.testing import FakeMarketplace, ManualClock
from runner.world import SHOP, World


@pytest.fixture(params=["memory", "sqlite"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """Open the lab on each storage."""
    async with opened_lab(request.param, tmp_path) as world:
        yield world


async def test_good_settings(world: World) -> None:
    """A mapping of which every word was seen, with an order shipped, is clean."""
    await shipped_once(world)

    assert await linted(world) == {}


async def test_new_channel(world: World) -> None:
    """Of a channel that has shown no order yet, no word is called wrong."""
    assert await linted(world) == {}


DISABLING: list[Any] = [
    (None, {}, "MAPPING_MISSING", "settings.status_mapping"),
    (None, {"download_unpaid": True}, "MAPPING_MISSING", "settings.status_mapping"),
    (StatusMapping(version="1", shipped=["Shipped"]), {}, "NOTHING_MAPPED_TO_PAID", "settings.status_mapping.paid"),
    (
        StatusMapping(version="1", unpaid=["Ready"], shipped=["Shipped"]),
        {},
        "NOTHING_MAPPED_TO_PAID",
        "settings.status_mapping.paid",
    ),
]
"""What EKM's settings page is switched off for: nothing mapped, or nothing that could ever be downloaded."""


@pytest.mark.parametrize(("mapping", "changes", "code", "field"), DISABLING)
async def test_channel_that_a_run_disables(
    world: World, mapping: StatusMapping | None, changes: dict[str, Any], code: str, field: str
) -> None:
    """A mapping that lets nothing in is found before the run that disables the channel for it, and after."""
    set_up(world, mapping, **changes)

    before = (await linted(world))[code]
    await world.run(world.shop)
    after = (await linted(world))[code]

    assert (before.severity, before.field, before.evidence["state"]) == (Severity.ERROR, field, "draft")
    assert before.sentence.startswith("The next run disables it: ")
    assert (await world.life()).state is ChannelState.DISABLED
    assert after.sentence.startswith("The channel is disabled since 2026-01-05 09:00Z: ")
    assert (after.evidence["by"], after.evidence["cause"]) == ("ordersync", (await world.life()).cause)


async def test_unpaid_alone_keeps_a_channel_enabled(world: World) -> None:
    """With download_unpaid a mapping to unpaid alone disables nothing, as EKM's rule says."""
    set_up(world, StatusMapping(version="1", unpaid=["Ready"], shipped=["Shipped"]), download_unpaid=True)

    assert await linted(world) == {}
    await world.run(world.shop)
    assert (await world.life()).state is ChannelState.ENABLED


async def test_missing_mapping_names_the_words_seen(world: World) -> None:
    """A mapping that is gone is to be written from the words that orders were seen with."""
    await shipped_once(world)
    set_up(world, None)

    found = await linted(world)

    assert list(found) == ["MAPPING_MISSING"]
    assert found["MAPPING_MISSING"].next_step.endswith("seen as 'Awaiting payment', 'Ready', 'Shipped'.")


async def test_mended_channel_that_is_still_disabled(world: World) -> None:
    """A channel that a run disabled stays so when its mapping is mended, until it is enabled; that is told."""
    set_up(world, None)
    await world.run(world.shop)
    set_up(world)
    await world.run_later(world.shop)

    assert list(await linted(world)) == ["STILL_DISABLED"]
    await world.storage.journal.enable(SHOP, by="ann", at=world.clock.now())
    assert await linted(world) == {}


async def test_channel_disabled_by_a_person(world: World) -> None:
    """What a person switched off is no finding."""
    await world.storage.journal.disable(SHOP, by="ann", cause="holidays", at=world.clock.now())

    assert await linted(world) == {}


async def test_initial_from_to_come(world: World) -> None:
    """A first moment that is still to come is a warning with how many orders it keeps away, until it has come."""
    await shipped_once(world)
    set_up(world, initial_from=world.clock.now() + timedelta(hours=1))
    world.shop.place("1003", lines={"MUG": 1})
    await world.run_later(world.shop)

    (finding,) = (await linted(world)).values()

    assert (finding.code, finding.severity) == ("INITIAL_FROM_IN_FUTURE", Severity.WARNING)
    assert finding.evidence["skipped"] == "1"
    world.clock.advance(hours=1)
    assert await linted(world) == {}


async def test_location_that_is_not_mapped(world: World) -> None:
    """Locations of the channel that orders come from and the map lacks are errors, one each."""
    await shipped_once(world)
    set_up(world, location={"York": "york"})
    for reference, place in (("1003", "York"), ("1004", "Berlin")):
        world.shop.place(reference, lines={"MUG": 1}, location=place)
        await world.run_later(world.shop)

    found = await lint(world.storage, world.shop, now=world.clock.now())

    assert [finding.code for finding in found] == ["LOCATION_NOT_MAPPED"] * 2
    assert found[0].evidence.get("location") is None
    assert (found[1].evidence["location"], found[1].evidence["latest"]) == ("Berlin", "1004")


async def test_carrier_that_is_not_mapped(world: World) -> None:
    """A carrier for which notes wait is an error until it is mapped."""
    await shipped_once(world)
    set_up(world, carriers={"UPS": "ups"})
    await world.process("1001", carrier="DHL")
    await world.run_later(world.shop)

    (finding,) = (await linted(world)).values()

    assert finding.code == "CARRIER_NOT_MAPPED"
    assert finding.evidence == {"carrier": "DHL", "notes": "1", "latest": "1001"}
    set_up(world, carriers={"UPS": "ups", "DHL": "dhl"})
    assert await linted(world) == {}


async def test_many_pages_are_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many pages of decisions and notes there are, all are counted."""
    monkeypatch.setattr("ordersync.doctor.lint_evidence.BATCH", 2)
    set_up(world, carriers={"UPS": "ups"})
    for number in range(5):
        world.shop.place(f"{number}", lines={"MUG": 1})
    await world.run(world.shop)
    for number in range(5):
        await world.process(f"{number}")
        world.shop.set_status(f"{number}", "Gone")
    await world.run_later(world.shop)

    found = await linted(world)

    assert found["WORD_UNMAPPED"].evidence["orders"] == "5"
    assert found["CARRIER_NOT_MAPPED"].evidence["notes"] == "5"


async def test_nothing_is_written_or_asked(world: World) -> None:
    """Linting leaves decisions and journal as they are, and does not call the channel."""
    await shipped_once(world)
    world.shop.calls.clear()
    before = await world.storage.orders.decisions(SHOP), await world.journal()

    await linted(world)

    assert (await world.storage.orders.decisions(SHOP), await world.journal()) == before
    assert world.shop.calls.total() == 0


def test_finding_cannot_steer_a_terminal() -> None:
    """A finding is one line, whatever a shop's words are."""
    finding = LintFinding(
        code="WORD_UNMAPPED",
        severity=Severity.ERROR,
        channel=SHOP,
        field="settings.status_mapping",
        sentence="\x1b[31mred\nword.",
        next_step="Map it.",
    )

    assert str(finding) == "error WORD_UNMAPPED Shop/north settings.status_mapping:  [31mred word. Map it."


def test_finding_as_json() -> None:
    """A finding can be written as JSON, channel and evidence included."""
    clock = ManualClock()
    shop = FakeMarketplace(SHOP, clock=clock, requires_status_mapping=True)
    (finding,) = findings(Evidence(channel=shop, now=clock.now(), life=ChannelLife(channel=SHOP)))

    document = json.loads(json.dumps(finding.to_dict()))

    assert [document[name] for name in ("source", "subsource", "code")] == ["Shop", "north", "MAPPING_MISSING"]
    assert (document["severity"], document["evidence"]) == ("error", {"state": "draft"})


def test_every_code_is_listed_once() -> None:
    """Codes are told once, are upper-case, and those of warnings are among them."""
    assert len(set(LINT_CODES)) == len(LINT_CODES)
    assert all(code == code.upper() for code in LINT_CODES)
    assert set(LINT_CODES) >= WARNINGS


def test_rules_are_pure() -> None:
    """What is found follows from the evidence alone, without any storage."""
    clock = ManualClock()
    shop = FakeMarketplace(SHOP, clock=clock, requires_status_mapping=True)

    (finding,) = findings(Evidence(channel=shop, now=clock.now(), life=ChannelLife(channel=SHOP)))

    assert finding.code == "MAPPING_MISSING"
    assert finding.sentence.startswith("The next run disables it")
