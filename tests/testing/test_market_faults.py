"""How a fake marketplace misbehaves, and what the world knows afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from ordersync.channel import SupportsListings, SupportsOrderLookup
from ordersync.errors import ChannelAuthError, ChannelUnavailableError, ConfigurationError
from ordersync.model.dispatch import DispatchNote
from ordersync.model.ids import OrderKey
from ordersync.model.listings import StockOutcome, StockUpdate
from ordersync.model.settings import ChannelSettings, StatusMapping
from ordersync.testing import (
    START,
    BareMarketplace,
    FakeMarketplace,
    ManualClock,
    MarketplaceWithLookup,
    MarketplaceWithReadBack,
)

LOST = ChannelUnavailableError("Fake/market: connection reset; try again later")


def level(quantity: int, sku: str = "MUG") -> list[StockUpdate]:
    """Build a batch of one level."""
    return [StockUpdate(channel_sku=sku, quantity=quantity, attempt_id=f"to-{quantity}")]


async def test_lost_request_has_no_effect(market: FakeMarketplace) -> None:
    """A call that fails before its effect leaves the facts alone, and the next one goes well."""
    market.fail_next("push_stock", LOST)

    with pytest.raises(ChannelUnavailableError, match="connection reset"):
        await market.push_stock(level(3))
    lost = market.levels["MUG"]
    await market.push_stock(level(4))

    assert (lost, market.levels["MUG"]) == (10, 4)


async def test_lost_answer_hides_an_effect(market: FakeMarketplace) -> None:
    """A call that fails after its effect has changed the facts, as often as it was told to fail."""
    market.fail_next("push_stock", LOST, when="after", times=2)

    for quantity in (3, 2):
        with pytest.raises(ChannelUnavailableError):
            await market.push_stock(level(quantity))
    await market.push_stock(level(1))

    assert [one.quantity for one in market.levels_applied] == [3, 2, 1]


async def test_dead_marketplace_recovers(market: FakeMarketplace) -> None:
    """A marketplace may refuse every call until it recovers, and counts the calls meanwhile."""
    market.fail_next("*", ChannelAuthError("Fake/market: token refused; authorize again"), times=None)

    for _ in range(3):
        with pytest.raises(ChannelAuthError):
            await market.test_connection()
    with pytest.raises(ChannelAuthError):
        await market.fetch_order("1")
    market.recover()
    await market.test_connection()

    assert market.calls == {"fetch_orders": 4, "fetch_order": 1}


async def test_refusal_may_be_lost_too(market: FakeMarketplace) -> None:
    """When the answer is lost nobody learns that it was a refusal."""
    market.poison_sku("MUG")
    market.fail_next("push_stock", LOST, when="after")

    with pytest.raises(ChannelUnavailableError):
        await market.push_stock(level(3))


def test_only_methods_of_a_channel_can_fail(market: FakeMarketplace) -> None:
    """A misspelt method is an error at once, not a fault that never happens."""
    with pytest.raises(ValueError, match="'fetch_order_page' is no method"):
        market.fail_next("fetch_order_page", LOST)


async def test_faults_come_one_a_call_in_their_order(market: FakeMarketplace, clock: ManualClock) -> None:
    """Of several planned failures each call meets one, and delays come on top."""
    market.delay("push_stock", 5)
    market.fail_next("push_stock", LOST)
    market.fail_next("push_stock", ChannelAuthError("Fake/market: token refused; authorize again"))

    with pytest.raises(ChannelUnavailableError):
        await market.push_stock(level(3))
    assert clock.now() == START + timedelta(seconds=5)
    with pytest.raises(ChannelAuthError):
        await market.push_stock(level(3))
    await market.push_stock(level(3))

    assert clock.now() == START + timedelta(seconds=5)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_delay_lets_time_pass_around_the_effect(market: FakeMarketplace, clock: ManualClock, when: str) -> None:
    """A slow request takes effect late, and a slow answer comes late after an early effect."""
    market.delay("push_stock", 30, when="before" if when == "before" else "after")

    await market.push_stock(level(3))

    assert clock.now() == START + timedelta(seconds=30)
    assert market.levels_applied[0].at == START + timedelta(seconds=30 if when == "before" else 0)


async def test_late_copy_lands_when_the_clock_passes(market: FakeMarketplace, clock: ManualClock) -> None:
    """A request that timed out takes effect later, at its own moment, and overwrites what came between."""
    market.late_copy("push_stock", after=timedelta(minutes=5))
    with pytest.raises(ChannelUnavailableError) as caught:
        await market.push_stock(level(3))
    await market.push_stock(level(7))

    clock.advance(minutes=4)
    before = market.levels["MUG"]
    clock.advance(minutes=10)

    assert caught.value.applied is None
    assert (before, market.levels["MUG"]) == (7, 3)
    assert [one.at - START for one in market.levels_applied] == [timedelta(0), timedelta(minutes=5)]


@pytest.mark.parametrize(
    ("method", "look"),
    [
        ("push_stock", lambda market: market.levels["MUG"] == 3),
        ("push_stock", lambda market: len(market.levels_applied) == 1),
        ("send_dispatch", lambda market: len(market.shipments) == 1),
        ("send_dispatch", lambda market: len(market.notes_received) == 1),
        ("send_dispatch", lambda market: market.orders["1"].status == "Shipped"),
    ],
)
async def test_whoever_looks_sees_what_has_landed(
    market: FakeMarketplace, clock: ManualClock, method: str, look: Callable[[FakeMarketplace], bool]
) -> None:
    """Each of the marketplace's facts shows a late copy once it was due, whichever is looked at first."""
    market.place("1", lines={"MUG": 2})
    market.late_copy(method, after=timedelta(minutes=1))
    with pytest.raises(ChannelUnavailableError):
        await (market.push_stock(level(3)) if method == "push_stock" else market.send_dispatch(_note(market)))
    clock.advance(minutes=1)

    assert look(market)


def _note(market: FakeMarketplace) -> DispatchNote:
    return DispatchNote(
        id="n1",
        order_key=OrderKey(market.id, "1"),
        channel_order_id=None,
        lines={"L1": 2},
        carrier=None,
        service=None,
        tracking_number=None,
        tracking_url=None,
        dispatched_at=START,
    )


async def test_late_copies_land_before_whoever_comes_later(market: FakeMarketplace, clock: ManualClock) -> None:
    """A buyer who comes after a copy was due buys from the level that the copy set."""
    market.late_copy("push_stock", after=timedelta(minutes=5))
    with pytest.raises(ChannelUnavailableError):
        await market.push_stock(level(3))
    clock.advance(minutes=6)

    market.place(lines={"MUG": 1})

    assert market.levels["MUG"] == 2


async def test_answered_call_may_land_twice(market: FakeMarketplace, clock: ManualClock) -> None:
    """A copy of an answered note ships the rest of the order later, and one that is refused then has no effect."""
    market.place("1", lines={"MUG": 4})
    for number in (1, 2):
        market.late_copy("send_dispatch", after=timedelta(minutes=number), answered=True)
    note = _note(market)

    await market.send_dispatch(note)
    once = len(market.shipments)
    clock.advance(minutes=1)
    twice = len(market.shipments)
    market.recover()
    await _refused(market, note)
    clock.advance(minutes=1)

    assert (once, twice, len(market.shipments)) == (1, 2, 2)
    assert market.orders["1"].lines[0].open == 0


async def _refused(market: FakeMarketplace, note: DispatchNote) -> None:
    market.late_copy("send_dispatch", after=timedelta(minutes=1))
    with pytest.raises(ChannelUnavailableError):
        await market.send_dispatch(note)


async def test_hook_sees_each_call_before_and_after_its_effect(market: FakeMarketplace) -> None:
    """A test may act between a request's way and its effect, and between effect and answer."""
    seen: list[tuple[str, str, int]] = []

    async def watch(method: str, when: str) -> None:
        seen.append((method, when, market.levels["MUG"]))
        if when == "before":
            market.place(lines={"MUG": 1})

    market.on_call = watch

    await market.push_stock(level(3))

    assert seen == [("push_stock", "before", 10), ("push_stock", "after", 3)]
    assert market.levels["MUG"] == 3


@pytest.mark.parametrize(("when", "shown"), [("before", 10), ("after", 3)])
async def test_call_can_be_cut_at_either_end(market: FakeMarketplace, when: str, shown: int) -> None:
    """A call that is cancelled in the hook leaves the marketplace usable, with or without the effect."""
    reached = asyncio.Event()

    async def wait(_method: str, now: str) -> None:
        if now == when:
            reached.set()
            await asyncio.Event().wait()

    market.on_call = wait
    call = asyncio.create_task(_push(market, 3))
    await reached.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    market.on_call = None

    assert market.levels["MUG"] == shown
    assert await _push(market, 5) is StockOutcome.ACCEPTED


async def _push(market: FakeMarketplace, quantity: int) -> StockOutcome:
    return (await market.push_stock(level(quantity)))[0].outcome


@pytest.mark.parametrize(
    ("kind", "looks_up", "reads_back"),
    [
        (BareMarketplace, False, False),
        (MarketplaceWithLookup, True, False),
        (MarketplaceWithReadBack, False, True),
        (FakeMarketplace, True, True),
    ],
)
def test_kinds_offer_what_they_are_named_for(kind: type[BareMarketplace], *, looks_up: bool, reads_back: bool) -> None:
    """What a marketplace offers beyond the three methods is seen by isinstance."""
    market = kind()

    assert isinstance(market, SupportsOrderLookup) is looks_up
    assert isinstance(market, SupportsListings) is reads_back


def test_traits_belong_to_one_marketplace() -> None:
    """A trait given to one marketplace is no other's, and one that does not exist is refused."""
    slow = FakeMarketplace(late_window=timedelta(hours=1), scan="state")

    assert (slow.late_window, slow.scan) == (timedelta(hours=1), "state")
    assert (FakeMarketplace().late_window, FakeMarketplace().scan) == (timedelta(minutes=10), "updated")
    with pytest.raises(TypeError, match="no trait late_windo"):
        FakeMarketplace(late_windo=timedelta(hours=1))  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="no trait statuses"):
        FakeMarketplace(statuses=frozenset())  # type: ignore[call-arg]


def test_mapping_is_for_shops_with_words_of_their_own() -> None:
    """A status mapping on a marketplace with fixed statuses is refused, and taken where words decide."""
    settings = ChannelSettings(status_mapping=StatusMapping(version="1", paid=frozenset({"Ready"})))

    with pytest.raises(ConfigurationError, match="fixed statuses"):
        FakeMarketplace(settings=settings)
    taken = FakeMarketplace(settings=settings, requires_status_mapping=True).settings
    assert taken.status_mapping == settings.status_mapping


async def test_two_hosts_may_look_at_one_marketplace(market: FakeMarketplace) -> None:
    """Seen with other settings it is the same marketplace: facts, faults and counts are shared."""
    other = market.with_settings(ChannelSettings(location="berlin"))
    market.place("1", lines={"MUG": 1})
    market.fail_next("push_stock", LOST)

    with pytest.raises(ChannelUnavailableError):
        await other.push_stock(level(3))
    await other.push_stock(level(3))

    assert (market.settings.location, other.settings.location) == ("main", "berlin")
    assert market.levels["MUG"] == 3
    assert market.calls["push_stock"] == 2
    assert list(other.orders) == ["1"]
