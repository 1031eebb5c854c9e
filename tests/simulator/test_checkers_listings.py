"""The laws of listings: each is kept in silence, and breaks with its own name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest

from ordersync import ChannelSettings, StockLevel, StockRule
from ordersync.model.listings import Attempt, ChannelListing, ListingState, Push, StockOutcome
from ordersync.publication import target
from ordersync.testing.clock import START
from ordersync.testing.simulator.checkers.listing_rule import parts_of, shown_by, taken_apart
from ordersync.testing.simulator.trace import Violation
from simulator.listing_scene import FENCE, KEY, MUG, SHOP, WINDOW, Bought, ListingScene, listing_scene


@pytest.fixture
async def scene() -> AsyncIterator[ListingScene]:
    """Open a scene with ten mugs."""
    async with listing_scene() as scene:
        yield scene


def breaks(law: str) -> Any:  # noqa: ANN401 - a context of pytest's own
    """Expect that a law breaks."""
    return pytest.raises(Violation, match=f"^{law}: ")


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
