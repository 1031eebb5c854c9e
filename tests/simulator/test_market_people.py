"""What people do at a simulated marketplace, and what becomes of its facts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ordersync import ChannelOrder, PaymentStatus, UnreadableOrder
from ordersync.testing.simulator.chances import Chances
from ordersync.testing.simulator.market import WEIGHTS, Crowd
from simulator.fair import START, Fair


def shown(fair: Fair, reference: str) -> ChannelOrder:
    """Return an order as a reader sees it; it must be readable."""
    document = fair.market.find_order(reference)
    assert isinstance(document, ChannelOrder)
    return document


def test_buyer_takes_what_is_shown() -> None:
    """A purchase lowers the listing at once, and nobody buys more than it shows."""
    fair = Fair()

    assert fair.market.buy({"S1": 7}) == "1001"
    assert fair.market.buy({"S1": 4}) is None
    assert fair.market.levels == {"S1": 3, "S2": 10}


def test_market_that_leaves_its_levels_alone() -> None:
    """Where the marketplace does not lower levels by itself, neither a sale nor a cancellation moves them."""
    fair = Fair(decrements_on_sale=False)
    reference = fair.buy(S1=7)
    after_the_sale = dict(fair.market.levels)

    fair.market.cancel(reference)

    assert fair.market.levels == after_the_sale == {"S1": 10, "S2": 10}


def test_nobody_buys_where_nothing_is_shown() -> None:
    """A buyer without a wish leaves empty-handed when every listing shows nothing."""
    fair = Fair()
    fair.market.offer("S1", 0)
    fair.market.offer("S2", 0)

    assert fair.market.buy() is None


def test_buyer_by_chance_takes_no_more_than_is_shown() -> None:
    """Whatever buyers choose by chance, no listing falls below zero."""
    fair = Fair(seed=3)
    while fair.market.buy() is not None:
        assert min(fair.market.levels.values()) >= 0

    assert set(fair.market.levels.values()) == {0}


def test_edit_moves_levels() -> None:
    """A line that is raised, lowered, added or dropped moves its listing, and gets no id a second time."""
    fair = Fair()
    reference = fair.buy(S1=2)

    fair.market.edit(reference, {"S1": 3, "S2": 2})
    fair.market.edit(reference, {"S1": 0})
    fair.market.edit(reference, {"S1": 1})

    assert [(line.line_id, line.quantity) for line in shown(fair, reference).lines] == [("L2", 2), ("L3", 1)]
    assert fair.market.levels == {"S1": 9, "S2": 8}


@pytest.mark.parametrize("lines", [{"S1": 0}, {"S1": 1}])
def test_edit_leaves_what_is_gone(lines: dict[str, int]) -> None:
    """An order cannot come to less than what was cancelled and shipped of it, nor to nothing."""
    fair = Fair()
    reference = fair.buy(S1=3)
    fair.market.cancel_line(reference, "L1", 1)
    fair.market.ship_by_hand(reference, {"L1": 1})

    with pytest.raises(ValueError, match="cannot come to"):
        fair.market.edit(reference, lines)


@pytest.mark.parametrize(("restock", "level"), [(True, 10), (False, 7)])
def test_cancellation(restock: bool, level: int) -> None:  # noqa: FBT001 - a parameter
    """A cancelled order says so, and goes back on sale only if it is put back."""
    fair = Fair()
    reference = fair.buy(S1=3)

    fair.market.cancel(reference, restock=restock)

    assert shown(fair, reference).status == "Cancelled"
    assert fair.market.levels["S1"] == level
    assert fair.listed() == []


def test_revival_sells_again() -> None:
    """A revived order takes its pieces off sale once more."""
    fair = Fair()
    reference = fair.buy(S1=3)
    fair.market.cancel(reference)

    fair.market.revive(reference)

    assert (shown(fair, reference).status, fair.market.levels["S1"]) == ("Ready", 7)


def test_words_and_payments() -> None:
    """An unpaid, a held, a refunded and a partly shipped order each have their word."""
    fair = Fair()
    reference = fair.market.buy({"S1": 2}, paid=False)
    assert reference is not None
    words = [shown(fair, reference).status]
    for act in (fair.market.pay, fair.market.hold, fair.market.resume, fair.market.refund):
        act(reference)
        words.append(shown(fair, reference).status)
    fair.market.pay(reference)
    fair.market.ship_by_hand(reference, {"L1": 1})
    words.append(shown(fair, reference).status)

    assert words == ["Awaiting payment", "Ready", "On hold", "Ready", "Refunded", "Part shipped"]
    assert shown(fair, reference).payment is PaymentStatus.PAID


def test_words_only() -> None:
    """A marketplace of words says nothing of payment and fulfillment itself."""
    fair = Fair(words_only=True)
    order = shown(fair, fair.buy(S1=1))

    assert (order.status, order.payment, order.fulfillment) == ("Ready", None, None)


def test_spoiled_document_is_mended() -> None:
    """A spoiled document cannot be read, differs from change to change, and is readable again once mended."""
    fair = Fair()
    reference = fair.buy(S1=1)
    fair.market.spoil(reference, anonymous=True)
    first = fair.market.find_order(reference)
    fair.market.hold(reference)
    second = fair.market.find_order(reference)
    fair.market.mend(reference)

    assert isinstance(first, UnreadableOrder)
    assert isinstance(second, UnreadableOrder)
    assert first.reference is None
    assert first.payload != second.payload
    assert shown(fair, reference).status == "On hold"


def test_vanished_order_is_shown_to_nobody() -> None:
    """An order that vanished is in no list and in no look-up, and nobody can do anything to it."""
    fair = Fair()
    reference = fair.buy(S1=1)

    fair.market.vanish(reference, restock=True)

    assert fair.market.find_order(reference) is None
    assert fair.listed(START) == []
    assert fair.market.levels["S1"] == 10
    with pytest.raises(ValueError, match="has no order"):
        fair.market.cancel(reference)


def test_last_form_that_was_told() -> None:
    """The marketplace knows which form of an order somebody was answered, and which nobody has seen."""
    fair = Fair()
    reference = fair.buy(S1=1)
    assert fair.market.last_shown(reference) is None
    fair.listed()
    fair.market.hold(reference)

    told = fair.market.last_shown(reference)

    assert told is not None
    assert told.document.reference == reference
    assert [document.status for document in fair.market.shown[reference]] == ["Ready"]


def test_placed_at_lies_near_the_sale() -> None:
    """The time that an order carries lies as far from the sale as the marketplace declares, both ways, and no more."""
    fair = Fair(placing=timedelta(seconds=10), granularity=timedelta(0))
    for _ in range(20):
        fair.buy(S1=1)
        fair.market.offer("S1", 10)

    off = [order.placed_at - order.taken_at for order in fair.market.orders.values()]
    assert min(off) < timedelta(0) < max(off)
    assert max(map(abs, off)) <= timedelta(seconds=10)


def test_effects_carry_true_time() -> None:
    """A marketplace whose clock is ahead stamps orders by it, and its effects are noted in true time."""
    fair = Fair(skew=timedelta(hours=2))
    reference = fair.buy(S1=1)

    fair.market.set_levels(fair.levels(S1=4))

    assert fair.market.applied[0].at == START - timedelta(hours=2)
    assert fair.market.orders[reference].placed_at == START


def crowd_at(fair: Fair, seed: int, **weights: float) -> Crowd:
    """Return a crowd that does these things."""
    return Crowd(fair.market, Chances(seed).child("crowd"), weights)


def test_crowd_does_everything() -> None:
    """In a long time a crowd does each of the things that it may do, and the same things again from the same seed."""

    def live(seed: int) -> tuple[str, list[str]]:
        fair = Fair(seed)
        crowd, done = Crowd(fair.market, Chances(seed).child("crowd")), []
        for _ in range(400):
            fair.wait(minutes=7)
            fair.market.offer("S1", 6)
            fair.market.offer("S2", 6)
            fair.listed(fair.time - timedelta(minutes=20))
            done.append(crowd.act() or "nothing")
        return fair.trace.digest(), done

    digest, first = live(1)
    other, second = live(2)

    expected = {*WEIGHTS, "raise", "lower", "add_line", "drop_line", "mend"} - {"edit"}
    assert expected <= {*first, *second}
    assert live(1)[0] == digest != other


def test_crowd_refuses_unknown_weights() -> None:
    """A thing that nobody does is a mistake in the options."""
    with pytest.raises(ValueError, match="nobody does juggle"):
        crowd_at(Fair(), 0, juggle=1.0)


def test_nobody_takes_back_what_was_not_seen() -> None:
    """A cancellation is taken back only once its form was told, and the pause after that is over."""
    fair = Fair()
    crowd = crowd_at(fair, 0, buy=1.0)
    reference = fair.buy(S1=2)
    fair.listed(START)
    fair.market.cancel(reference, restock=False)
    fair.wait(hours=2)
    before_it_was_told = crowd.do("revive")
    fair.listed(START)
    too_soon = crowd.do("revive")
    fair.wait(minutes=30)

    assert (before_it_was_told, too_soon, crowd.do("revive")) == (False, False, True)


@pytest.mark.parametrize(("first", "back"), [(3, "lower"), (1, "raise")])
def test_nobody_turns_an_edit_round_unseen(first: int, back: str) -> None:
    """What was bought more is not bought less, and the reverse, before anybody was told."""
    fair = Fair()
    crowd = crowd_at(fair, 0, buy=1.0)
    reference = fair.buy(S1=2)
    fair.market.edit(reference, {"S1": first})
    fair.wait(hours=2)
    unseen = crowd.do(back, reference)
    fair.listed()
    fair.wait(hours=2)

    assert (unseen, crowd.do(back, reference)) == (False, True)


def test_order_is_deleted_once_it_is_stored() -> None:
    """Nobody deletes an order whose host does not say that it has it."""
    fair = Fair()
    reference = fair.buy(S1=1)
    fair.listed()
    fair.wait(hours=1)
    doubtful = Crowd(fair.market, Chances(0).child("crowd"), stored=lambda _: False)

    assert not doubtful.do("vanish", reference)
    assert Crowd(fair.market, Chances(0).child("crowd")).do("vanish", reference)


def test_unseen_order_stays_where_stamps_say_nothing() -> None:
    """Where only the list of open orders tells of a change, no order leaves it before it was seen."""
    fair = Fair(moves_stamps=False)
    crowd = crowd_at(fair, 0, buy=1.0)
    reference = fair.buy(S1=1)
    unseen = crowd.do("cancel", reference)
    fair.listed()
    fair.wait(hours=1)

    assert (unseen, crowd.do("cancel", reference)) == (False, True)
