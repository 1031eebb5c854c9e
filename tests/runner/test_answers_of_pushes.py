"""What a channel is asked about levels, and what the book of listings is told of its answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast

import pytest

from ordersync import Event, StockOutcome, StockResult, StockUpdate
from ordersync.errors import ChannelError, ChannelRejectedError, ChannelUnavailableError
from ordersync.model.events import LevelPushed
from ordersync.model.listings import Answer
from ordersync.ports import ListingBook
from ordersync.sync.lease import START_WINDOW_S
from ordersync.testing import FakeMarketplace
from runner.watching import watched
from runner.world import MARKET, World, counts

HOUR = timedelta(hours=1)


class Told:
    """Passes every verb on to a book of listings, and keeps the answers that it is told."""

    def __init__(self, book: ListingBook, answers: list[Answer]) -> None:
        """Stand before a book."""
        self._book, self._answers = book, answers

    def __getattr__(self, verb: str) -> Any:  # noqa: ANN401 - whatever the book has under this name
        """Return the book's own, and listen to ``finish``."""
        if verb == "finish":
            return self.finish
        return getattr(self._book, verb)

    async def finish(self, channel: Any, answers: Sequence[Answer], **options: Any) -> None:  # noqa: ANN401
        """Keep the answers."""
        self._answers.extend(answers)
        await self._book.finish(channel, answers, **options)


class Asked(FakeMarketplace):
    """Remembers what it was asked to show."""

    updates: Sequence[StockUpdate] = ()

    async def push_stock(self, updates: Sequence[StockUpdate]) -> Sequence[StockResult]:
        """Remember, then show it."""
        self.updates = [*self.updates, *updates]
        return await super().push_stock(updates)


async def answers_of(world: World, market: FakeMarketplace) -> list[Answer]:
    """Run once, and return what the book of listings was told."""
    told: list[Answer] = []
    storage = world.storage.replace(listings=cast("ListingBook", Told(world.storage.listings, told)))
    await World(storage, world.clock).run(market)
    return told


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ChannelRejectedError("Market/uk: no"), StockOutcome.REJECTED),
        (ChannelRejectedError("Market/uk: no", applied=None), StockOutcome.UNKNOWN),
        (ChannelUnavailableError("Market/uk: lost"), StockOutcome.UNKNOWN),
        (ChannelUnavailableError("Market/uk: closed", applied=False), StockOutcome.RETRY),
    ],
)
async def test_failed_call_tells_why(memory_world: World, error: ChannelError, outcome: StockOutcome) -> None:
    """What became of a level whose call failed is told to the book of listings with the words of the error."""
    world = memory_world
    await world.run()
    await world.stock("MUG", 4)
    world.market.fail_next("push_stock", error)

    answer, *_ = await answers_of(world, world.market)

    assert (answer.outcome, answer.message) == (outcome, str(error))
    rests = world.clock.now() + HOUR if outcome is StockOutcome.REJECTED else None
    assert answer.next_attempt_at == rests


async def test_level_that_is_not_mentioned_is_told_as_such(memory_world: World) -> None:
    """A level that the answer leaves out is unknown to the book of listings, and said to be left out."""
    world = memory_world
    await world.run()
    await world.stock("MUG", 4)
    world.market.mute_sku("MUG")

    answer, *_ = await answers_of(world, world.market)

    assert (answer.outcome, answer.message) == (StockOutcome.UNKNOWN, "the channel did not mention it")


async def test_level_that_was_recorded_too_long_ago_is_not_pushed(memory_world: World) -> None:
    """An attempt that took too long to record is not sent, and counts as one that never was."""
    world = memory_world
    await world.run()
    await world.stock("MUG", 4)

    async def sleep(verb: str) -> None:
        if verb == "begin":
            world.clock.advance(seconds=START_WINDOW_S)

    await World(watched(world.storage, Counter(), before=sleep), world.clock).run(world.market)

    assert (world.market.calls["push_stock"], world.market.levels) == (0, {"MUG": 10})
    listing = (await world.listings())["MUG"]
    assert (listing.unresolved_until, listing.believed, listing.failures) == (None, 10, 0)
    await world.run(world.market)
    assert world.market.levels == {"MUG": 4}


@pytest.mark.parametrize(("compares", "expected"), [(True, 10), (False, None)])
async def test_update_says_all_that_a_channel_may_ask(
    memory_world: World, *, compares: bool, expected: int | None
) -> None:
    """An update names its listing, level and attempt, and what it expects to replace where the channel compares."""
    world = memory_world
    market = Asked(MARKET, clock=world.clock, compare_and_set=compares)
    market.list_sku("MUG", 10)
    await world.run(market)
    await world.stock("MUG", 4)
    market.updates = ()

    await world.run(market)

    attempt = (await world.listings())["MUG"].attempts
    assert list(market.updates) == [
        StockUpdate(
            channel_sku="MUG",
            channel_location=None,
            quantity=4,
            attempt_id=f"Market/uk/MUG/attempt/{attempt}",
            expected=expected,
        )
    ]


@pytest.mark.parametrize(
    ("outcome", "hours"),
    [
        (StockOutcome.REJECTED, [1, 2, 4, 8, 16, 24, 24]),
        (StockOutcome.UNKNOWN_SKU, [1, 2, 4, 8, 16, 24, 24]),
        (StockOutcome.RETRY, [minutes / 60 for minutes in (1, 2, 4, 8, 16, 32, 60, 60)]),
    ],
)
async def test_listing_rests_longer_each_time_it_is_refused(
    memory_world: World, outcome: StockOutcome, hours: Sequence[float]
) -> None:
    """The rest doubles with each refusal, up to a day; where the channel only asks for time, up to an hour."""
    world = memory_world
    await world.run()
    await world.stock("MUG", 4)
    world.market.refuse_sku("MUG", outcome=outcome, message="because")

    for rest in hours:
        await world.run(world.market)
        listing = (await world.listings())["MUG"]
        assert listing.next_attempt_at == world.clock.now() + timedelta(hours=rest)
        world.clock.advance(hours=rest)


async def test_every_refused_level_is_counted_and_named_by_what_the_channel_said(memory_world: World) -> None:
    """Each refused level counts, and its remark is the channel's sentence, or the outcome where it said nothing."""
    world = memory_world
    await world.sell(world.market, "CUP", 5, "MUG")
    await world.run()
    await world.stock("MUG", 4)
    world.market.refuse_sku("MUG", outcome=StockOutcome.REJECTED, message="because")
    world.market.refuse_sku("CUP", outcome=StockOutcome.UNKNOWN_SKU, message="")

    told_of: list[Event] = []

    report = await world.run(world.market, observers=[told_of.append])

    assert counts(report.channels[MARKET]) == {"refused": 2}
    assert report.errors == ()
    pushed = {(str(one.listing), one.quantity, one.outcome) for one in told_of if isinstance(one, LevelPushed)}
    assert pushed == {("MUG", 4, StockOutcome.REJECTED), ("CUP", 4, StockOutcome.UNKNOWN_SKU)}
    told = [(one.kind, one.code, one.subject, one.sentence) for one in report.channels[MARKET].remarks]
    assert sorted(told) == [("refused", "rejected", "MUG", "because"), ("refused", "unknown-sku", "CUP", "unknown-sku")]


async def test_level_that_is_refused_by_itself_is_no_failed_call(memory_world: World) -> None:
    """A call that is refused for its only level is that level's refusal; one of unknown outcome is an error."""
    world = memory_world
    await world.run()
    await world.stock("MUG", 4)
    world.market.fail_next("push_stock", ChannelRejectedError("Market/uk: no"))
    refused = await world.run(world.market)
    await world.run_later(world.market, minutes=90)
    await world.stock("MUG", 5)
    world.market.fail_next("push_stock", ChannelRejectedError("Market/uk: hm", applied=None))
    unknown = await world.run(world.market)

    assert (refused.errors, counts(refused.channels[MARKET])["refused"]) == ((), 1)
    assert [str(error) for error in unknown.errors] == ["Market/uk: hm"]
