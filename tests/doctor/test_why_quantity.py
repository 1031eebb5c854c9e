"""Why a listing shows what it shows: the rule stage by stage, and a true word about where its last push stands."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersync import ChannelSettings, StockOutcome, StockRule
from ordersync.doctor.quantities import QuantityCode, WhyQuantity, why_quantity
from ordersync.errors import ChannelUnavailableError
from ordersync.storage.memory import MemoryStorage
from ordersync.testing import FakeMarketplace, ManualClock
from runner import conftest as fixtures
from runner.world import MARKET, World

clock, open_storage, world, memory_world = (
    fixtures.clock,
    fixtures.open_storage,
    fixtures.world,
    fixtures.memory_world,
)


async def why(
    world: World, sku: str = "MUG", channel: FakeMarketplace | None = None, location: str | None = None
) -> WhyQuantity:
    """Ask about a listing, at the world's time."""
    asked = channel or world.market
    return await why_quantity(world.storage, asked, channel_sku=sku, channel_location=location, clock=world.clock)


def stages(found: WhyQuantity) -> list[tuple[str, str | None, int]]:
    """Return the steps without their details."""
    return [(stage.name, stage.sku, stage.quantity) for stage in found.stages]


async def test_each_stage_is_told(world: World) -> None:
    """Locations, sum, buffer, percentage, end-when and cap are told one by one, each with what is left after it."""
    await world.stock("MUG", 7, location="shop")
    await world.stock("MUG", 100, location="depot")
    rule = StockRule(locations={"main", "shop"}, buffer=2, percentage=Decimal(50), end_when=1, cap=5)
    market = world.open(MARKET, ChannelSettings(stock_rule=rule))

    found = await why(world, channel=market)

    assert stages(found) == [
        ("available", "MUG", 17),
        ("buffer", "MUG", 15),
        ("percentage", "MUG", 7),
        ("end-when", "MUG", 7),
        ("cap", "MUG", 5),
        ("shown", None, 5),
    ]
    assert [(one.location, one.available) for one in found.counted] == [("main", 10), ("shop", 7)]
    assert [one.location for one in found.levels] == ["depot", "main", "shop"]
    assert (found.rule, found.target and found.target.quantity) == (rule, 5)
    assert "not counted by the rule: 100 MUG at depot" in str(found)


async def test_scarcest_component_of_a_kit_decides(world: World) -> None:
    """A kit tells the stages of each of its components, what each allows, and the least of them."""
    await world.stock("LID", 9)
    await world.sell(world.market, "SET", 0, {"MUG": 2, "LID": 3}, rule=StockRule(buffer=1))

    found = await why(world, "SET")

    assert [one for one in stages(found) if one[0] in ("per piece", "kit", "shown")] == [
        ("per piece", "LID", 2),
        ("per piece", "MUG", 4),
        ("kit", None, 2),
        ("shown", None, 2),
    ]
    assert found.to_dict()["components"] == {"LID": 3, "MUG": 2}
    assert found.to_dict()["own_rule"]


async def test_oversold_is_shown_as_nothing(world: World) -> None:
    """Where more was sold than there is, the stages go below zero and the listing shows 0."""
    await world.run()
    world.shop.place("1001", lines={"MUG": 14})
    await world.run_later()

    found = await why(world)

    assert stages(found)[0] == ("available", "MUG", -4)
    assert stages(found)[-1] == ("shown", None, 0)
    assert (found.code, found.sentence) == ("SHOWS_WHAT_IT_SHOULD", "shows 0, should show 0")


async def test_location_of_the_channel_counts_its_own_stock(world: World) -> None:
    """A listing at one of the channel's own locations is told with the stock that this is mapped to."""
    await world.stock("MUG", 3, location="berlin")
    market = world.open(MARKET, ChannelSettings(location={"B": "berlin", "M": "main"}))
    await world.sell(market, "MUG", channel_location="B")

    at_berlin, nowhere = await why(world, channel=market, location="B"), await why(world, channel=market)

    assert (at_berlin.target and at_berlin.target.quantity, nowhere.target and nowhere.target.quantity) == (3, 13)
    assert at_berlin.to_dict()["rule"]["locations"] == ["berlin"]


async def test_listing_that_shows_what_it_should(world: World) -> None:
    """A listing that was pushed and answered shows what it should, which is told without asking its channel."""
    await world.run()

    calls = dict(world.market.calls)

    found = await why(world)

    assert dict(world.market.calls) == calls
    assert (found.code, found.sentence) == (QuantityCode.SHOWS_WHAT_IT_SHOULD, "shows 10, should show 10")
    assert (found.believed, found.exposure) == (10, 0)


async def test_listing_that_is_due(world: World) -> None:
    """Once stock has moved the listing is due, more can be sold there than there is, and the next run pushes it."""
    await world.run()
    await world.stock("MUG", 4)

    found = await why(world)
    await world.run_later()

    sentence = "is believed to show 10, should show 4: it is pushed by the next run"
    assert (found.code, found.sentence, found.exposure) == (QuantityCode.DUE, sentence, 6)
    assert world.market.levels == {"MUG": 4}
    assert (await why(world)).code is QuantityCode.SHOWS_WHAT_IT_SHOULD


async def test_new_listing_is_in_doubt(world: World) -> None:
    """Before anything was pushed nobody knows what a listing shows, and no exposure is made up."""
    await world.storage.journal.enable(MARKET, by="Ada", at=world.clock.now())

    found = await why(world)

    sentence = "shows an unknown quantity (no push was accepted yet), should show 10: it is pushed by the next run"
    assert (found.code, found.sentence) == (QuantityCode.IN_DOUBT, sentence)
    assert (found.believed, found.exposure) == (None, None)


async def test_doubted_listing_tells_when_it_last_answered(world: World) -> None:
    """A listing whose order was cancelled on its channel is in doubt, and it is told when it last answered."""
    await world.run()
    answered_at = world.clock.now()
    world.clock.advance(minutes=5)
    world.market.place("1001", lines={"MUG": 1})
    await world.run_later()
    world.market.cancel("1001")
    world.market.fail_next("push_stock", ChannelUnavailableError("later", applied=False), times=None)
    await world.run_later()

    found = await why(world)

    assert found.code is QuantityCode.IN_DOUBT
    assert (
        f"shows an unknown quantity (last answered {answered_at:%Y-%m-%d %H:%M:%SZ}), should show 10" in found.sentence
    )


async def test_refused_listing_tells_why(world: World) -> None:
    """A listing that the channel refused tells its reason, and from when on it is tried again."""
    await world.run()
    world.market.refuse_sku("MUG", message="this listing is blocked")
    await world.stock("MUG", 4)
    await world.run_later()
    rests_until = world.clock.now() + timedelta(hours=1)

    found = await why(world)

    assert (found.code, found.failure, found.resting_until) == (
        QuantityCode.REFUSED,
        "this listing is blocked",
        rests_until,
    )
    assert found.sentence == (
        "is believed to show 10, should show 4; the channel refused the last push (this listing is blocked): "
        f"it is pushed by the first run after {rests_until:%Y-%m-%d %H:%M:%SZ}"
    )
    world.clock.advance(hours=1)
    rested = await why(world)
    assert (rested.code, rested.resting_until) == (QuantityCode.REFUSED, None)
    assert rested.sentence.endswith("it is pushed by the next run")


async def test_resting_listing_tells_until_when(world: World) -> None:
    """A listing that the channel asked to try later rests, and it is told until when."""
    await world.run()
    world.market.refuse_sku("MUG", outcome=StockOutcome.RETRY, message="busy")
    await world.stock("MUG", 4)
    await world.run_later()

    found = await why(world)

    assert (found.code, found.failure) == (QuantityCode.RESTING, None)
    assert found.resting_until == world.clock.now() + timedelta(minutes=1)
    assert "the channel asked to try later: it is pushed by the first run after" in found.sentence


async def test_unanswered_push_is_unresolved(world: World) -> None:
    """After a push whose fate is unknown nobody knows what the listing shows, and until when a copy may land."""
    await world.run()
    began = world.clock.now() + timedelta(minutes=10)
    await world.stock("MUG", 4)
    world.market.fail_next("push_stock", ChannelUnavailableError("no answer"), when="after")
    await world.run_later()

    found = await why(world)

    assert found.code is QuantityCode.UNRESOLVED
    assert found.exposure is None
    assert found.unresolved_until is not None
    assert found.unresolved_until - began >= world.market.late_window
    late = f"a late copy of it may land until {found.unresolved_until:%Y-%m-%d %H:%M:%SZ}"
    assert found.sentence == (
        f"shows an unknown quantity (the fate of a push is unknown; {late}), should show 4: "
        "it is pushed by the next run"
    )


async def test_push_repeated_within_its_window_waits_for_the_end(world: World) -> None:
    """A push that was repeated and accepted is pushed once more behind the window, and no sooner."""
    await world.run()
    await world.stock("MUG", 4)
    world.market.fail_next("push_stock", ChannelUnavailableError("no answer"), when="after")
    await world.run_later()
    await world.run_later(minutes=1)
    applied = len(world.market.levels_applied)

    found = await why(world)
    await world.run_later(minutes=1)
    within = len(world.market.levels_applied)
    assert found.unresolved_until is not None
    world.clock.advance(seconds=(found.unresolved_until - world.clock.now()).total_seconds() + 1)
    await world.run()

    assert found.code is QuantityCode.UNRESOLVED
    assert f"it is pushed by the first run after {found.unresolved_until:%Y-%m-%d %H:%M:%SZ}" in found.sentence
    assert (within, len(world.market.levels_applied)) == (applied, applied + 1)
    assert (await why(world)).code is QuantityCode.SHOWS_WHAT_IT_SHOULD


async def test_push_that_was_cut_is_unresolved(world: World) -> None:
    """A push that a crash left without an answer tells since when, and its window as the run reckons it."""
    await world.run()
    await world.stock("MUG", 4)
    world.clock.advance(minutes=5)
    run = asyncio.ensure_future(world.run(world.market))

    async def cut(method: str, when: str) -> None:
        if (method, when) == ("push_stock", "after"):
            run.cancel()
            await asyncio.sleep(0)

    world.market.on_call = cut
    with pytest.raises(asyncio.CancelledError):
        await run
    world.market.on_call = None

    found = await why(world)

    assert found.code is QuantityCode.UNRESOLVED
    assert f"shows an unknown quantity since {world.clock.now():%Y-%m-%d %H:%M:%SZ}" in found.sentence
    world.clock.advance(minutes=1)
    world.market.fail_next("push_stock", ChannelUnavailableError("refused", applied=False))
    await world.run()
    assert (await world.listings())["MUG"].unresolved_until == found.unresolved_until


@pytest.mark.parametrize("unlinked", [False, True])
async def test_unlinked_listing_is_a_clear_answer(world: World, *, unlinked: bool) -> None:
    """A channel SKU that was never linked, or is no more, has an answer and no stages."""
    sku = "MUG" if unlinked else "CUP"
    if unlinked:
        await world.storage.listings.unlink(MARKET, "MUG")

    found = await why(world, sku)

    assert (found.code, found.stages, found.exposure) == (QuantityCode.UNLINKED, (), None)
    assert str(found) == (
        f"Market/uk {sku}: is linked to nothing, so nothing is pushed; link it to what it\n  sells\ncode: UNLINKED"
    )
    assert found.to_dict()["should_show"] is None


async def test_listing_linked_elsewhere_is_named(world: World) -> None:
    """A channel SKU that is linked at other locations of the channel only is told to be."""
    await world.sell(world.market, "CUP", channel_location="B")

    at_none, at_c = await why(world, "CUP"), await why(world, location="C")

    assert at_none.sentence.startswith("is linked to nothing (it is at B), so nothing is pushed")
    assert at_c.sentence.startswith("is linked to nothing (it is at no location), so nothing is pushed")


async def test_disabled_channel_is_named(world: World) -> None:
    """Nothing is pushed to a disabled channel, and its cause is told; what it should show is told all the same."""
    await world.run()
    await world.stock("MUG", 4)
    await world.storage.journal.disable(MARKET, by="Ada", cause="moving house", at=world.clock.now())

    found = await why(world)

    assert (found.code, found.to_dict()["channel"]) == (QuantityCode.DUE, "disabled")
    assert found.sentence == (
        "is believed to show 10, should show 4: it is not pushed, as the channel is disabled (moving house); enable it"
    )


async def test_draft_channel_is_named(world: World) -> None:
    """A channel that was never reached is tested before anything is pushed to it."""
    assert (await why(world)).sentence.endswith("by the next run, once a connection test of the channel has passed")


async def test_paused_channel_is_named(world: World) -> None:
    """While a channel rests after failures, it is told until when."""
    await world.run()
    await world.stock("MUG", 4)
    until = world.clock.now() + timedelta(minutes=9)
    await world.storage.journal.set_health(
        MARKET, at=world.clock.now(), failures=3, paused_until=until, trouble="channel-unavailable"
    )

    found = await why(world)

    assert f"the channel rests until {until:%Y-%m-%d %H:%M:%SZ} as calls to it failed" in found.sentence


async def test_text_and_json_tell_the_same(world: World) -> None:
    """The text has at most 80 columns with every stage in a line, and the JSON has its schema and the same numbers."""
    await world.stock("A-VERY-LONG-SKU-THAT-FILLS-MORE-THAN-ITS-COLUMN", 10**6)
    for place in range(12):
        await world.stock("LID", 9, location=f"a shelf number {place}")
    parts = {"A-VERY-LONG-SKU-THAT-FILLS-MORE-THAN-ITS-COLUMN": 3, "LID": 1}
    await world.sell(world.market, "SET", 0, parts, rule=StockRule(cap=50))
    await world.run()

    found = await why(world, "SET")

    text, facts = str(found), json.loads(found.to_json())
    assert max(map(len, text.splitlines())) <= 80
    assert text.splitlines()[:3] == [
        "Market/uk SET: shows 16, should show 16",
        "code: SHOWS_WHAT_IT_SHOULD",
        "stage        SKU                      quantity  because",
    ]
    assert "available    LID                           108  a shelf number 0 9, a shelf" in text
    assert (facts["schema"], facts["code"], facts["believed"]) == ("ordersync.why-quantity/1", found.code, 16)
    assert [one["quantity"] for one in facts["stages"]] == [one.quantity for one in found.stages]
    assert len(facts["levels"]) == 13


RULES = st.builds(
    StockRule,
    locations=st.one_of(st.none(), st.sets(st.sampled_from(["main", "van"]), min_size=1)),
    buffer=st.integers(0, 6),
    percentage=st.integers(0, 100).map(Decimal),
    end_when=st.integers(0, 4),
    cap=st.one_of(st.none(), st.integers(0, 9)),
)
LEVELS = st.dictionaries(
    st.tuples(st.sampled_from(["MUG", "LID"]), st.sampled_from(["main", "van"])), st.integers(0, 25)
)
PARTS = st.dictionaries(st.sampled_from(["MUG", "LID"]), st.integers(1, 3), min_size=1)


@given(levels=LEVELS, parts=PARTS, own=st.one_of(st.none(), RULES), channels=RULES, sold=st.integers(0, 30))
async def test_next_run_pushes_what_was_told(
    levels: Mapping[tuple[str, str], int],
    parts: Mapping[str, int],
    own: StockRule | None,
    channels: StockRule,
    sold: int,
) -> None:
    """Whatever stock and rules are, the next run makes the channel show exactly what was told that it should."""
    clock = ManualClock()
    async with MemoryStorage(clock=clock) as storage:
        world = World(storage, clock)
        market = world.open(MARKET, ChannelSettings(stock_rule=channels))
        async with world.shop, market:
            await world.sell(world.shop, "MUG", 10)
            await world.sell(market, "SET", 3, parts, rule=own)
            for (sku, location), quantity in levels.items():
                await world.stock(sku, quantity, location=location)
            if sold:
                world.shop.place("1001", lines={"MUG": sold})
            await world.run_later(world.shop)

            told = await why(world, "SET", market)
            await world.run_later(market)

            after = await why(world, "SET", market)
            assert told.target is not None
            assert market.levels == {"SET": told.target.quantity}
            assert (after.code, after.believed) == (QuantityCode.SHOWS_WHAT_IT_SHOULD, told.target.quantity)
