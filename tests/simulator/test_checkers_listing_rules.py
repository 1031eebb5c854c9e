"""The rules between the ports that listings keep: each is kept in silence, and breaks with its own number."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from ordersync.model.listings import ChannelListing, StockOutcome
from ordersync.testing import make_channel_order
from ordersync.testing.clock import START
from simulator.listing_scene import FENCE, KEY, MUG, SHOP, Bought, ListingScene, listing_scene
from simulator.reading import breaks


@pytest.fixture
async def scene() -> AsyncIterator[ListingScene]:
    """Open a scene with ten mugs."""
    async with listing_scene() as scene:
        yield scene


async def test_r16_sale_under_a_push(scene: ListingScene) -> None:
    """A sale from before the answer of the last push makes the belief unknown; who lowers it is found."""
    await scene.push(10)

    with breaks("R16"):
        await scene.sell(ago=5, believed=9)


async def test_r16_answer_counts_from_when_it_came(scene: ListingScene) -> None:
    """An accept that is remembered as older than it is would hide a sale."""
    attempt = await scene.begin(10)
    assert attempt is not None
    scene.land(attempt)
    began = scene.now
    scene.later(1)

    with breaks("R16"):
        await scene.finish(attempt, accepted_at=began)


async def test_r16_read_back_only_where_nothing_happened(scene: ListingScene) -> None:
    """What is read back counts like an accept, but not where the listing was marked meanwhile."""
    await scene.push(10)
    before, shown = scene.mug.wanted, [ChannelListing(channel_sku="MUG-S", quantity=8)]
    facts: dict[str, Any] = {"fence": FENCE, "at": scene.now}
    await scene.do("listings", "observed", SHOP, shown, wanted={MUG: before}, **facts)
    assert scene.mug.believed == 8

    with breaks("R16"):
        await scene.do("listings", "observed", SHOP, shown, wanted={MUG: before}, lie={"accepted_at": START}, **facts)


async def test_r17_sale_lowers_once(scene: ListingScene) -> None:
    """A sale lowers the belief once, whatever people do to its order later; a second time is found at once."""
    await scene.push(10)
    scene.later(1)
    await scene.sell()
    assert scene.mug.believed == 9
    await scene.sell(revision=2)

    with breaks("R17"):
        await scene.sell(revision=3, believed=8, wanted=scene.mug.wanted + 1)


async def test_r17_sale_that_lowers_nothing(scene: ListingScene) -> None:
    """A first sale that leaves the belief as it was is found."""
    await scene.push(10)
    scene.later(1)

    with breaks("R17"):
        await scene.sell(believed=10)


async def test_r17_change_by_the_channel_doubts(scene: ListingScene) -> None:
    """What the channel changes of a sold order makes the belief unknown; who keeps it is found."""
    await scene.push(10)
    scene.later(1)
    await scene.sell()

    with breaks("R17"):
        await scene.sell(revision=2, by_channel=2, believed=9)


@pytest.mark.parametrize(
    ("verb", "args"),
    [("link", (SHOP, "MUG-S", {"MUG": 2})), ("link", (SHOP, "MUG-S", {"LID": 1}))],
)
async def test_r18_change_of_meaning_raises_wanted(scene: ListingScene, verb: str, args: tuple[Any, ...]) -> None:
    """A listing that means something else and is not due for it is found."""
    with breaks("R18"):
        await scene.do("listings", verb, *args, lie={"wanted": scene.mug.wanted})


async def test_r18_other_rule_raises_wanted(scene: ListingScene) -> None:
    """Another rule of the channel marks its listings, and the same again does not have to."""
    facts: dict[str, Any] = {"hold": timedelta(hours=1), "fence": FENCE, "at": scene.now}
    await scene.do("listings", "adopt_rule", SHOP, "one", **facts)
    await scene.do("listings", "adopt_rule", SHOP, "one", **facts)

    with breaks("R18"):
        await scene.do("listings", "adopt_rule", SHOP, "two", lie={"wanted": scene.mug.wanted}, **facts)


async def test_r19_sale_is_told_before_it_is_settled(scene: ListingScene) -> None:
    """An order is settled only once its sale was accounted for, at that revision or above."""
    await scene.push(10)
    scene.later(1)
    await scene.sell()
    scene.tell("orders", "reserved", {KEY: 1})

    with breaks("R19"):
        scene.tell("orders", "reserved", {KEY: 2})


async def test_r21_window_of_a_predecessor(scene: ListingScene) -> None:
    """A push that overtakes an unanswered one opens a window, and an older accept does not close it."""
    first = await scene.begin(10)
    second = await scene.begin(10)
    assert first is not None
    assert second is not None
    scene.land(second)
    with breaks("R21"):
        await scene.finish(second, unresolved_until=None)


async def test_r21_no_window(scene: ListingScene) -> None:
    """A push that overtakes an unanswered one without a window is found, and so is an unknown one without."""
    first = await scene.begin(10)
    assert first is not None
    with breaks("R21"):
        await scene.finish(first, StockOutcome.UNKNOWN, unresolved_until=None)
    scene.forge(attempt_began=scene.now)
    await scene.do("listings", "mark_channel", SHOP)

    with breaks("R21"):
        await scene.begin(10, unresolved_until=None)


async def test_r22_accept_older_than_a_doubt(scene: ListingScene) -> None:
    """An accept whose push began before a doubt sets no belief; who sets one is found."""
    attempt = await scene.begin(10)
    assert attempt is not None
    scene.land(attempt)
    await scene.sell()

    with breaks("R22"):
        await scene.finish(attempt, believed=10)


async def test_r22_conflict_is_a_doubt(scene: ListingScene) -> None:
    """A channel that shows something else than expected leaves no belief."""
    await scene.push(10)
    await scene.reserve(3)
    await scene.announce()
    attempt = await scene.begin(7)
    assert attempt is not None

    with breaks("R22"):
        await scene.finish(attempt, StockOutcome.CONFLICT, believed=10)


async def test_r24_change_is_forgotten_once_marked(scene: ListingScene) -> None:
    """A change that is acknowledged before its listing was marked is found; one that has grown since is not lost."""
    await scene.reserve(1)
    old = await scene.storage.stock.changed(limit=10)
    await scene.stock(8)
    await scene.do("stock", "acknowledge", old)
    await scene.announce()
    await scene.stock(7)

    with breaks("R24"):
        await scene.do("stock", "acknowledge", await scene.storage.stock.changed(limit=10))


async def test_r24_mark_reaches_every_listing(scene: ListingScene) -> None:
    """A listing that a mark leaves out is found."""
    with breaks("R24"):
        await scene.do("listings", "mark", ["MUG"], lie={"wanted": scene.mug.wanted})


async def test_r16_sale_that_is_older_than_it_says(scene: ListingScene) -> None:
    """A sale that truly was before the last accept is a doubt, whatever the stamp of its market's clock says."""
    scene.market.orders["1001"] = Bought("MUG-S", taken_at=scene.now)
    await scene.push(10)
    scene.later(1)

    with breaks("R16"):
        await scene.sell()


async def test_r17_sale_is_told_gross(scene: ListingScene) -> None:
    """A sale that is told as what is still open of its order is found."""
    scene.market.shown["1001"] = [make_channel_order(lines={"MUG-S": 2})]
    await scene.push(10)
    scene.later(1)

    with breaks("R17"):
        await scene.sell()


async def test_r21_push_leaves_soon(scene: ListingScene) -> None:
    """A push that leaves as late as its record allows is let through, and one that leaves later is found."""
    attempt = await scene.begin(10)
    assert attempt is not None
    scene.later(0.3)
    scene.call(attempt.number)
    scene.later(0.1)

    with breaks("R21"):
        scene.call(attempt.number)


async def test_r21_window_is_no_shorter_than_a_copy_may_take(scene: ListingScene) -> None:
    """A window that leaves out how late a push may still be sent is found, though it is what the verb was told."""
    scene.market.late_window = timedelta(minutes=9)
    attempt = await scene.begin(10)
    assert attempt is not None

    with breaks("R21"):
        await scene.finish(attempt, StockOutcome.UNKNOWN)


async def test_r25_rule_that_flips_back(scene: ListingScene) -> None:
    """A rule may come back after an hour; one that is taken over sooner is found."""
    await scene.adopt("second")
    scene.later(61)
    await scene.adopt("first")
    scene.later(1)
    await scene.adopt("second")

    with breaks("R25"):
        await scene.adopt("second", answer=True)


async def test_r25_who_pushes_has_the_rule_in_force(scene: ListingScene) -> None:
    """A program whose rule was not taken over pushes nothing."""
    await scene.adopt("second")
    await scene.adopt("first")

    with breaks("R25"):
        await scene.begin(10)
