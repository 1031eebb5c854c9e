"""What orders must say for their listings: each rule is kept in silence, and breaks with its own number."""

from __future__ import annotations

from typing import Any, cast

import attrs

from ordersync import ChannelOrder, Decision, Order
from ordersync.model.orders import OrderChange, Outcome
from ordersync.model.pages import ChangedOrder, PageWork
from ordersync.testing import make_channel_order, make_order
from ordersync.testing.clock import START
from ordersync.testing.simulator.checkers.commits import Commit
from ordersync.testing.simulator.checkers.listing_orders import OrderedPieces
from ordersync.testing.simulator.checkers.world import World
from simulator.reading import Market, Traits, breaks

ORDER = make_order()
KEY = ORDER.key
SEEN = make_channel_order(reference=KEY.reference, lines={"MUG": 2})
PART = attrs.evolve(SEEN, lines=tuple(attrs.evolve(line, cancelled=1) for line in SEEN.lines))


class Heard:
    """A checker that hears of pages and of single orders."""

    def __init__(self) -> None:
        market = Market(traits=Traits(decrements_on_sale=True))
        self.checker = OrderedPieces(World(markets=cast("Any", {KEY.channel: market}), settings={}))

    def page(self, decision: Decision, **work: Any) -> None:  # noqa: ANN401
        """Hear of a page with one decision."""
        page = PageWork(channel=KEY.channel, decisions=(decision,), **work)
        self.tell("save_page", page)

    def tell(self, verb: str, *args: Any, **facts: Any) -> None:  # noqa: ANN401
        """Hear of a verb that has been done."""
        self.checker.committed(
            Commit(at=START, process="r", port="orders", verb=verb, args=args, facts=facts, answer=True)
        )


def decided(seen: ChannelOrder, outcome: Outcome, *, final: bool = False) -> Decision:
    """Return what was decided about an order on seeing it."""
    admitted = outcome is not Outcome.SKIPPED
    return Decision(
        key=KEY, admitted=admitted, code="", sentence="", outcome=outcome, final=final, seen=seen, digest=b""
    )


def changed(order: Order) -> tuple[ChangedOrder, ...]:
    """Return an order as a page writes it over the stored one."""
    return (ChangedOrder(order=order, expect=1),)


def test_r17_pieces_that_the_channel_moves_are_doubted() -> None:
    """An order that is shown with other pieces than before is changed by its channel, once per form."""
    heard = Heard()
    heard.page(decided(SEEN, Outcome.NEW), new=(ORDER,))
    moved = attrs.evolve(ORDER, channel_revision=ORDER.channel_revision + 1)
    heard.page(decided(PART, Outcome.CHANGED), changed=changed(moved))
    heard.page(decided(PART, Outcome.CHANGED), changed=changed(moved))

    with breaks("R17"):
        heard.page(decided(SEEN, Outcome.CHANGED), changed=changed(moved))


def test_r17_order_that_vanishes_is_changed_by_its_channel() -> None:
    """An order that its channel does not show any more may have been put back on sale."""
    heard = Heard()
    change = OrderChange(revision=2, event="vanished", who="channel", at=START)
    heard.tell("replace", attrs.evolve(ORDER, stock_revision=3, channel_revision=3), change=change)

    with breaks("R17"):
        heard.tell("replace", attrs.evolve(ORDER, stock_revision=3, channel_revision=2), change=change)


def test_r20_order_that_ends_unstored_is_a_doubt() -> None:
    """An order that has ended and was never stored doubts its listings, when it is first found to have ended."""
    heard = Heard()
    heard.page(decided(SEEN, Outcome.SKIPPED))

    with breaks("R20"):
        heard.page(decided(SEEN, Outcome.SKIPPED, final=True))
