"""The net between a program and a simulated marketplace, fault by fault."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from ordersync import StockOutcome
from ordersync.errors import (
    ChannelAuthError,
    ChannelError,
    ChannelRejectedError,
    ChannelResponseError,
    ChannelUnavailableError,
)
from ordersync.testing.simulator.chances import Chances
from ordersync.testing.simulator.net import FAULTS, Departure, FaultNet
from ordersync.testing.simulator.processes import ProcessDied
from simulator.fair import SHOP, START, Wire, note

SEEDS = range(12)
TIMEOUT = timedelta(seconds=60)
WINDOW = timedelta(minutes=10)


async def outcome(call: Awaitable[object]) -> ChannelError | None:
    """Return how a call failed; None when it went well."""
    try:
        await call
    except ChannelError as error:
        return error
    return None


async def push(wire: Wire, quantity: int = 4) -> ChannelError | None:
    """Push a level of S1."""
    return await outcome(wire.channel.push_stock(wire.levels(S1=quantity)))


async def given_up(call: Callable[[], Awaitable[object]]) -> ChannelError | None:
    """Give up a call at its time-out, as a caller does."""
    try:
        async with asyncio.timeout(TIMEOUT.total_seconds()):
            return await outcome(call())
    except TimeoutError:
        return None


def test_quiet_net() -> None:
    """Without faults every call arrives, its answer too, and a page that was answered counts as told."""
    wire = Wire({})
    reference = wire.buy(S1=2)

    async def work() -> list[object]:
        page = await wire.channel.fetch_orders(updated_since=None)
        results = await wire.channel.push_stock(wire.levels(S1=4))
        await wire.channel.send_dispatch(note(reference, {"L1": 1}))
        return [[order.reference for order in page.orders], [result.outcome for result in results]]

    assert wire.live(work()) == [[reference], [StockOutcome.ACCEPTED]]
    assert [*(one.by for one in wire.market.applied), *(one.by for one in wire.market.notes)] == ["r1", "r1"]
    assert wire.market.last_shown(reference) is not None


def test_connection_test_tells_nobody() -> None:
    """A connection test asks for a page of orders, which nobody reads."""
    wire = Wire({})
    reference = wire.buy(S1=1)

    wire.live(wire.channel.test_connection())

    assert wire.trace.counts["call fetch_orders"] == 1
    assert wire.market.last_shown(reference) is None


def test_request_departs_at_once() -> None:
    """A call leaves before anything else can happen, and whoever listens is told what it sends."""
    wire, heard = Wire({}), list[Departure]()
    wire.net.on_departure = heard.append

    async def work() -> list[str]:
        call = wire.channel.push_stock(wire.levels(S1=4))
        call.send(None)
        told = [departure.method for departure in heard]
        call.close()
        return told

    assert wire.live(work()) == ["push_stock"]
    assert (heard[0].process, heard[0].channel, heard[0].effect) == ("r1", SHOP, True)


@pytest.mark.parametrize(
    ("fault", "effects"),
    [("lost_before", {0}), ("lost_after", {1}), ("reset", {0, 1}), ("unavailable", {0, 1})],
)
def test_unknown_effect(fault: str, effects: set[int]) -> None:
    """A call that fails underway says that nobody knows, whether or not it took effect."""
    found = set()
    for seed in SEEDS:
        wire = Wire({fault: 1.0}, seed)
        error = wire.live(push(wire))
        assert isinstance(error, ChannelUnavailableError)
        assert error.applied is None
        found.add(len(wire.market.applied))

    assert found == effects


def test_refusals_are_certain() -> None:
    """Too many calls, refused credentials and a refused batch have no effect and say so."""
    kinds: dict[str, type[ChannelError]] = {
        "too_many": ChannelUnavailableError,
        "auth": ChannelAuthError,
        "refused": ChannelRejectedError,
    }
    waits = set()
    for fault, kind in kinds.items():
        for seed in SEEDS:
            wire = Wire({fault: 1.0}, seed)
            error = wire.live(push(wire))
            assert isinstance(error, kind)
            assert (error.applied, wire.market.writes) == (False, 0)
            waits.add(error.retry_after if isinstance(error, ChannelUnavailableError) else None)

    assert None in waits
    assert len(waits) > 2


def test_late_copy_lands_within_its_window() -> None:
    """A late request lands after its time-out, and within what the channel declares, counted from sending."""

    async def work(wire: Wire) -> None:
        await given_up(lambda: wire.channel.push_stock(wire.levels(S1=4)))
        await asyncio.sleep((TIMEOUT + WINDOW).total_seconds())

    late = []
    for seed in SEEDS:
        wire = Wire({"late_apply": 1.0}, seed)
        wire.live(work(wire))
        late += [level.at - START for level in wire.market.applied]

    assert len(late) > 4
    assert min(late) >= TIMEOUT
    assert max(late) < TIMEOUT + WINDOW
    assert max(late) - min(late) > WINDOW / 4


def test_slow_call_may_land_after_its_time_out() -> None:
    """A slow call is answered in the end, or lands although its sender has given up."""

    async def work(wire: Wire) -> tuple[bool, int]:
        error = await given_up(lambda: wire.channel.push_stock(wire.levels(S1=4)))
        by_then = len(wire.market.applied)
        await asyncio.sleep(TIMEOUT.total_seconds())
        return error is None, len(wire.market.applied) - by_then

    found = set()
    for seed in SEEDS:
        wire = Wire({"slow": 1.0}, seed)
        found.add(wire.live(work(wire)))

    assert {(True, 0), (True, 1)} <= found


def test_request_applied_twice() -> None:
    """A doubled request takes effect at once and again within the window, and its sender hears nothing certain."""

    async def work(wire: Wire) -> ChannelError | None:
        error = await push(wire)
        await asyncio.sleep((TIMEOUT + WINDOW).total_seconds())
        return error

    for seed in SEEDS:
        wire = Wire({"twice": 1.0}, seed)
        error = wire.live(work(wire))
        first, second = wire.market.applied
        assert isinstance(error, ChannelUnavailableError)
        assert first.at - START < timedelta(seconds=1)
        assert first.at < second.at < START + TIMEOUT + WINDOW


def test_half_a_batch() -> None:
    """Where half a batch fails, accepted levels are applied, refused ones are not, and of some nobody hears."""
    seen = set()
    for seed in SEEDS:
        wire = Wire({"half_batch": 1.0}, seed)
        results = wire.live(wire.channel.push_stock(wire.levels(S1=4, S2=4)))
        told = {result.channel_sku: result.outcome for result in results}
        for sku in ("S1", "S2"):
            is_applied = wire.market.levels[sku] == 4
            seen.add((told.get(sku), is_applied))

    often = {
        (StockOutcome.ACCEPTED, True),
        (None, True),
        (None, False),
        (StockOutcome.RETRY, False),
        (StockOutcome.REJECTED, False),
    }
    assert often <= seen <= {*often, (StockOutcome.UNKNOWN, False)}


def test_truncated_pages() -> None:
    """A page that is cut short is nonsense, or goes on behind what it shows: nothing is lost without a word."""

    async def work(wire: Wire) -> list[str]:
        found, cursor = [], None
        while True:
            page = await wire.channel.fetch_orders(updated_since=None, cursor=cursor)
            found += [order.reference for order in page.orders]
            cursor = page.next_cursor
            if cursor is None:
                return found

    whole, nonsense = 0, 0
    for seed in SEEDS:
        wire = Wire({"truncated": 0.5}, seed)
        for _ in range(8):
            wire.buy(S1=1)
        try:
            assert sorted(wire.live(work(wire))) == sorted(wire.market.orders)
            whole += 1
        except ChannelResponseError:
            nonsense += 1

    assert min(whole, nonsense) > 0


def test_empty_page() -> None:
    """A scan's first page may wrongly show nothing, and then nobody counts as told."""
    wire = Wire({"empty": 1.0})
    reference = wire.buy(S1=1)

    page = wire.live(wire.channel.fetch_orders(updated_since=None))

    assert (page.orders, page.next_cursor) == ((), None)
    assert wire.market.last_shown(reference) is None


@pytest.mark.parametrize(("fault", "kind"), [("outage", ChannelUnavailableError), ("auth", ChannelAuthError)])
def test_periods(fault: str, kind: type[ChannelError]) -> None:
    """An outage lasts for minutes, in which every call of the channel fails, and is over at some time."""
    wire = Wire({fault: 0.0001})
    wire.net._begin_period(fault, SHOP, wire.loop.time())

    async def work() -> list[ChannelError | None]:
        errors = [await push(wire) for _ in range(5)]
        await asyncio.sleep(600)
        return [*errors, await push(wire)]

    *errors, last = wire.live(work())
    assert {type(error) for error in errors} == {kind}
    assert last is None


def test_calm() -> None:
    """When all is calm nothing goes wrong any more, but for credentials that are refused from now on."""
    wire = Wire(dict.fromkeys(FAULTS, 0.07))

    async def work() -> list[ChannelError | None]:
        for _ in range(20):
            await push(wire)
        wire.net.quiet()
        calm = [await push(wire) for _ in range(20)]
        wire.net.refuse(SHOP)
        return [*calm, await push(wire)]

    *calm, last = wire.live(work())
    assert set(calm) == {None}
    assert isinstance(last, ChannelAuthError)


@pytest.mark.parametrize("ends", ["cancelled", "crashed"])
def test_sender_that_is_gone(ends: str) -> None:
    """A request whose sender was cancelled lands or is lost; that of a program that died lands, and is not answered."""

    async def work(wire: Wire) -> int:
        task = asyncio.get_running_loop().create_task(wire.channel.send_dispatch(note("1001", {"L1": 1})))
        await asyncio.sleep(0.01)
        wire.process.dead = True
        if ends == "cancelled":
            task.cancel()
        (end,) = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(end, asyncio.CancelledError if ends == "cancelled" else ProcessDied)
        await asyncio.sleep(2)
        return len(wire.market.notes)

    landed = set()
    for seed in SEEDS:
        wire = Wire({}, seed)
        wire.buy(S1=1)
        landed.add(wire.live(work(wire)))

    assert landed == ({0, 1} if ends == "cancelled" else {1})


def test_dead_program_sends_nothing() -> None:
    """A call that a dead program makes never departs."""
    wire = Wire({})
    wire.process.dead = True

    with pytest.raises(ProcessDied):
        wire.live(push(wire))
    assert wire.market.writes == 0


def test_same_seed_does_the_same() -> None:
    """One seed decides what goes wrong and when, whatever the order in which the rates are written."""

    def digest(seed: int, *, reverse: bool = False) -> str:
        names = sorted(FAULTS, reverse=reverse)
        wire = Wire(dict.fromkeys(names, 0.05), seed, repeats=0.2, lag=timedelta(seconds=30))

        async def work() -> None:
            for quantity in range(60):
                wire.market.buy()
                await given_up(lambda: wire.channel.fetch_orders(updated_since=None))
                await push(wire, quantity)

        wire.live(work())
        return wire.trace.digest()

    assert digest(5) == digest(5) == digest(5, reverse=True)
    assert digest(5) != digest(6)


def test_unknown_fault() -> None:
    """A fault that there is not is a mistake in the options."""
    wire = Wire({})

    with pytest.raises(ValueError, match="no fault named gremlins"):
        FaultNet({"gremlins": 0.1}, chance=Chances(0).child("net"), loop=wire.loop, trace=wire.trace)
    wire.loop.close()
