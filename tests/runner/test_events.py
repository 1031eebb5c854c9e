"""What a run tells its observers, and in which order."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from ordersync import Event, OrderKey, StockOutcome
from ordersync.errors import ChannelUnavailableError
from ordersync.model import events
from ordersync.model.events import (
    CallFailed,
    ChannelEvent,
    LevelPushed,
    NoteMoved,
    OrderSkipped,
    OrdersReserved,
    PageSaved,
    PhaseStarted,
    RunFinished,
    RunStarted,
    StockShort,
)
from ordersync.model.listings import ListingId
from ordersync.testing.market_orders import ADDRESS, BUYER
from runner.world import MARKET, SHOP, World

PHASES = [
    *("resume", "download", "watch", "resolve", "reserve", "announce"),
    *("drift check", "publish", "dispatch", "confirm", "publish"),
]


async def test_events_come_in_their_order(world: World) -> None:
    """A run tells of its beginning, each channel's phases in order, what happened in them, and its end."""
    world.shop.place("1001", lines={"MUG": 12})
    world.shop.place("1002", lines={"MUG": 1}, paid=False)
    await world.run(world.market)
    told: list[Event] = []

    report = await world.run(observers=[told.append])

    assert told[0] == RunStarted(run_id=report.run_id, channels=(SHOP, MARKET), dry_run=False)
    assert told[-1] == RunFinished(run_id=report.run_id, errors=0)
    assert {event.run_id for event in told} == {report.run_id}
    shop = [event for event in told if isinstance(event, ChannelEvent) and event.channel == SHOP]
    phases = [event.phase for event in shop if isinstance(event, PhaseStarted)]
    assert phases == ["resume", "connection test", *PHASES[1:]]
    rest = [event for event in shop if not isinstance(event, PhaseStarted)]
    facts: Any = {"run_id": report.run_id, "channel": SHOP}
    assert rest[:4] == [
        OrderSkipped(
            reference="1002",
            code="NOT_PAID",
            sentence="It is not paid (unpaid), and the settings download paid orders only.",
            quarantined=False,
            **facts,
        ),
        PageSaved(page=1, orders=2, seen=2, **facts),
        OrdersReserved(orders=1, **facts),
        StockShort(sku="MUG", location="main", available=-2, **facts),
    ]
    pushed = [event for event in told if isinstance(event, LevelPushed) and event.channel == MARKET]
    assert [(event.listing, event.quantity, event.outcome) for event in pushed] == [
        (ListingId("MUG"), 0, StockOutcome.ACCEPTED)
    ]


async def test_notes_and_failures_are_told(world: World) -> None:
    """An observer hears of each status of a note, and of each call that failed for good."""
    world.shop.place("1001", lines={"MUG": 1})
    await world.run()
    await world.process("1001")
    world.market.fail_next("fetch_orders", ChannelUnavailableError("Market/uk: down"))
    told: list[Event] = []

    report = await world.run(observers=[told.append])

    assert [(one.order, one.parcel_id, one.status) for one in told if isinstance(one, NoteMoved)] == [
        (OrderKey(SHOP, "1001"), "all", "sent"),
        (OrderKey(SHOP, "1001"), "all", "confirmed"),
    ]
    assert [one for one in told if isinstance(one, CallFailed)] == [
        CallFailed(
            run_id=report.run_id,
            channel=MARKET,
            phase="download",
            code="channel-unavailable",
            message="Market/uk: down",
        )
    ]
    assert told[-1] == RunFinished(run_id=report.run_id, errors=1)


async def test_dry_run_is_told_as_one(memory_world: World) -> None:
    """A dry run says that it is one, and tells of the orders that it would not download."""
    memory_world.shop.place("1001", lines={"MUG": 1}, paid=False)
    told: list[Event] = []

    await memory_world.runner(observers=[told.append]).run_once(dry_run=True)

    assert isinstance(told[0], RunStarted)
    assert told[0].dry_run
    assert [event.reference for event in told if isinstance(event, OrderSkipped)] == ["1001"]


async def test_raising_observer_stops_nothing(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """An observer that raises is logged, the others hear everything, and the run ends as without it."""
    world.shop.place("1001", lines={"MUG": 1})
    told: list[Event] = []

    def broken(event: Event) -> None:
        raise ZeroDivisionError

    with caplog.at_level(logging.ERROR, logger="ordersync"):
        report = await world.run(observers=[broken, told.append])

    assert report.errors == ()
    assert (await world.level()).reserved == 1
    assert isinstance(told[-1], RunFinished)
    assert len(caplog.records) == len(told)
    assert caplog.records[0].getMessage() == "ordersync.observer_failed event=RunStarted"


async def test_no_event_holds_who_bought(world: World) -> None:
    """Nothing that an observer hears names a buyer or an address, also when orders are refused or broken."""
    for reference, spoil in (("1", False), ("2", True)):
        world.shop.place(reference, lines={"MUG": 1})
        if spoil:
            world.shop.spoil(reference)
    await world.run()
    await world.process("1")
    told: list[Event] = []

    report = await world.run(observers=[told.append])

    everything = f"{told} {report} {report!r} {report.to_json()} {await world.journal()}"
    secrets = [BUYER.name, BUYER.email, BUYER.phone, *ADDRESS.lines, ADDRESS.city, ADDRESS.postcode]
    assert not [secret for secret in secrets if secret is not None and secret in everything]


def test_every_event_is_documented_by_a_sentence() -> None:
    """Each kind of event is a class with a sentence of its own."""
    kinds = [kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, Event)]

    assert len(kinds) == 15
    assert all((kind.__doc__ or "").endswith(".") for kind in kinds)
