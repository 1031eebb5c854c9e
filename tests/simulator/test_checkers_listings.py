"""The laws of listings: each is kept in silence, and breaks with its own name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import attrs
import pytest

from ordersync import ChannelSettings, StockLevel, StockRule
from ordersync.model.listings import Attempt, ListingState, Push, StockOutcome
from ordersync.publication import target
from ordersync.testing.simulator.checkers.listing_rule import parts_of, shown_by, taken_apart
from simulator.listing_scene import FENCE, KEY, MUG, SHOP, WINDOW, Bought, ListingScene, listing_scene
from simulator.reading import breaks


@pytest.fixture
async def scene() -> AsyncIterator[ListingScene]:
    """Open a scene with ten mugs."""
    async with listing_scene() as scene:
        yield scene


async def test_p1_right_levels_are_let_through(scene: ListingScene) -> None:
    """A level that was right when its wanted was read, or since, may be applied, also when it is right no more."""
    attempt = await scene.begin(10)
    assert attempt is not None
    await scene.reserve(3)
    scene.land(attempt)
    await scene.announce()

    again = await scene.begin(7)

    assert again is not None


async def test_p1_level_that_was_never_right(scene: ListingScene) -> None:
    """A quantity that no commit made right is found when it is recorded."""
    with breaks("P1"):
        await scene.begin(9)


async def test_p1_level_older_than_what_it_serves(scene: ListingScene) -> None:
    """A quantity that was right only before its wanted was reached was read in the wrong order."""
    await scene.reserve(3)
    await scene.announce()

    with breaks("P1"):
        await scene.begin(10)


async def test_p1_other_level_than_was_recorded(scene: ListingScene) -> None:
    """A market that applies what nobody recorded for the attempt is found."""
    attempt = await scene.begin(10)
    assert attempt is not None

    with breaks("P1"):
        scene.land(attempt, 11)


async def test_p1_level_that_was_never_recorded(scene: ListingScene) -> None:
    """A level of an attempt that was never begun is found."""
    attempt = await scene.begin(10)
    assert attempt is not None

    with breaks("P1"):
        scene.land(attrs.evolve(attempt, number=7))


async def test_p1_former_settings_count_while_somebody_has_them(scene: ListingScene) -> None:
    """A program with the former rule pushes what that makes of the levels of now."""
    scene.settings[SHOP] = ChannelSettings(stock_rule=StockRule(buffer=4))
    await scene.stock(9)
    await scene.announce()

    assert await scene.begin(9) is not None


async def test_p1_kit_is_taken_apart(scene: ListingScene) -> None:
    """A kit within a kit takes what it is made of, and a listing that takes something else is found."""
    await scene.do("listings", "define_kit", "SET", {"MUG": 2, "LID": 1})
    await scene.stock(3, "LID")
    await scene.do("listings", "link", SHOP, "MUG-S", {"SET": 2})
    assert await scene.begin(1) is not None

    with breaks("P1"):
        await scene.do("listings", "define_kit", "SET", {"MUG": 3}, lie={"components": {"MUG": 5}})


RULES = (
    StockRule(),
    StockRule(locations=frozenset({"main"}), buffer=1),
    StockRule(percentage=Decimal("33.3"), end_when=1, cap=3),
    StockRule(locations=frozenset({"depot", "nowhere"}), buffer=2, percentage=Decimal(0)),
)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("parts", [{"MUG": 1}, {"MUG": 2, "LID": 3}])
def test_rule_is_worked_out_alike(rule: StockRule, parts: dict[str, int]) -> None:
    """The checker's own rule and the library's agree, whatever the levels."""
    for main in range(-3, 12):
        for depot in (-2, 0, 5):
            held = {"MUG": {"main": main, "depot": depot}, "LID": {"main": 7}}
            levels = [
                StockLevel(sku=sku, location=place, on_hand=quantity, reserved=0)
                for sku, places in held.items()
                for place, quantity in places.items()
            ]
            assert shown_by(parts_of(parts), rule, held) == target(parts, rule, levels).quantity


def test_kits_are_taken_apart_to_the_end() -> None:
    """What a kit of kits takes from stock is added up by SKU."""
    kits = {"TWO": {"SET": 2, "LID": 1}, "SET": {"MUG": 1, "LID": 2}}

    assert taken_apart({"TWO": 3, "MUG": 1}, kits) == (("LID", 15), ("MUG", 7))


async def test_p2_right_and_quiet(scene: ListingScene) -> None:
    """A listing that shows its target, and is believed to, ends well; so does one that was refused for a reason."""
    await scene.push(10)
    await scene.do("journal", "enable", SHOP, by="Ada", at=scene.now)
    scene.checker.ended(scene.reader)

    failed = {"state": ListingState.FAILED, "failure": "blocked", "next_attempt_at": scene.now}
    scene.forge(believed=None, **failed)
    scene.checker.ended(scene.reader)


@pytest.mark.parametrize("lie", [{"believed": 9}, {"wanted": 99}, {"linked_to": {"LID": 1}}])
async def test_p2_wrong_or_still_due(scene: ListingScene, lie: dict[str, Any]) -> None:
    """A listing that is believed to show something else, or is due for ever, is found at the end."""
    await scene.push(10)
    await scene.do("journal", "enable", SHOP, by="Ada", at=scene.now)
    scene.forge(**lie)

    with breaks("P1" if "linked_to" in lie else "P2"):
        scene.checker.ended(scene.reader)


async def test_p2_market_shows_something_else(scene: ListingScene) -> None:
    """A market that does not show the target is found at the end, unless its channel is disabled."""
    await scene.push(10)
    scene.market.levels["MUG-S"] = 9
    scene.checker.ended(scene.reader)
    await scene.do("journal", "enable", SHOP, by="Ada", at=scene.now)

    with breaks("P2"):
        scene.checker.ended(scene.reader)


@pytest.mark.parametrize(("bought", "decrements"), [("MUG-S", True), ("LID-S", True), ("MUG-S", False)])
async def test_p2_bought_by_who_is_not_stored(scene: ListingScene, bought: str, decrements: bool) -> None:  # noqa: FBT001
    """What an order that may still come has taken off its own listing is missing there, and only there."""
    await scene.push(10)
    await scene.do("journal", "enable", SHOP, by="Ada", at=scene.now)
    scene.market.levels["MUG-S"] = 9
    scene.market.orders[KEY.reference], scene.market.decrements_on_sale = Bought(bought), decrements
    if decrements and bought == "MUG-S":
        scene.checker.ended(scene.reader)
        return

    with breaks("P2"):
        scene.checker.ended(scene.reader)


async def test_p3_accept_settles_what_it_served(scene: ListingScene) -> None:
    """An accept settles the wanted that was read before the levels, and no more than that."""
    attempt = await scene.begin(10)
    assert attempt is not None
    await scene.reserve(3)
    await scene.announce()
    scene.land(attempt)

    with breaks("P3"):
        await scene.finish(attempt, settled=scene.mug.wanted)


async def test_p3_accept_of_what_never_landed(scene: ListingScene) -> None:
    """An answer that takes silence for an accept is found."""
    attempt = await scene.begin(10)
    assert attempt is not None

    with breaks("P3"):
        await scene.finish(attempt)


async def test_p3_refusal_settles_nothing(scene: ListingScene) -> None:
    """A push that was put off stays wanted."""
    attempt = await scene.begin(10)
    assert attempt is not None

    with breaks("P3"):
        await scene.finish(attempt, StockOutcome.RETRY, settled=1)


async def test_p3_nothing_falls(scene: ListingScene) -> None:
    """A counter that falls is found."""
    await scene.push(10)

    with breaks("P3"):
        await scene.do("listings", "mark", ["MUG"], lie={"settled": 0})


async def test_p3_settled_unsent(scene: ListingScene) -> None:
    """A listing that is settled without a push though something else is believed is found."""
    await scene.push(10)
    await scene.reserve(3)
    await scene.announce()

    with breaks("P3"):
        scene.tell("listings", "begin", SHOP, [_push(scene, 7)], answer=(), window=WINDOW, fence=FENCE, at=scene.now)


def _push(scene: ListingScene, quantity: int) -> Push:
    return Push(listing=MUG, wanted=scene.mug.wanted, quantity=quantity)


async def test_p4_late_copy_within_its_window(scene: ListingScene) -> None:
    """A late copy that lands while its window is open is no harm: the listing is looked at again."""
    late = await scene.begin(10)
    assert late is not None
    await scene.finish(late, StockOutcome.UNKNOWN)
    await scene.reserve(3)
    await scene.announce()
    await scene.push(7)

    scene.land(late)

    assert scene.mug.unresolved_until is not None


async def test_p4_late_copy_that_nobody_expects(scene: ListingScene) -> None:
    """A late copy that lands on a newer level when everything counts as settled is found at once."""
    late = await scene.begin(10)
    assert late is not None
    await scene.finish(late, StockOutcome.UNKNOWN)
    await scene.reserve(3)
    await scene.announce()
    scene.later(11)
    await scene.push(7)

    with breaks("P4"):
        scene.land(late)


async def test_p4_push_that_was_disowned(scene: ListingScene) -> None:
    """A push that counts as certainly not applied may be applied neither before nor after that was said."""
    attempt = await scene.begin(10)
    assert attempt is not None
    await scene.finish(attempt, StockOutcome.RETRY)
    with breaks("P4"):
        scene.land(attempt)

    again = await scene.begin(10)
    assert again is not None
    scene.land(again)
    with breaks("P4"):
        await scene.finish(again, StockOutcome.RETRY)


async def test_p6_nothing_is_sent_twice(scene: ListingScene) -> None:
    """A level that the channel is believed to show is not sent again; whoever does is found."""
    await scene.push(10)
    await scene.do("listings", "mark_channel", SHOP)
    assert await scene.begin(10) is None

    attempt = {"attempts": 2, "attempt_began": scene.now}
    scene.forge(**attempt)
    answer = [Attempt(push=_push(scene, 10), number=2, expected=10)]
    with breaks("P6"):
        scene.tell(
            "listings", "begin", SHOP, [_push(scene, 10)], answer=answer, window=WINDOW, fence=FENCE, at=scene.now
        )


async def test_p7_idle_world_sends_nothing(scene: ListingScene) -> None:
    """A call that changes a market is let through until the world is idle, and of a refused listing after that."""
    scene.call()
    scene.checker.idle()
    with breaks("P7"):
        scene.call()

    scene.forge(state=ListingState.FAILED)
    await scene.do("listings", "mark_channel", SHOP)
    scene.call()
