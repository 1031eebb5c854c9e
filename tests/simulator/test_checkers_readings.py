"""Laws of what readings come to: vanished orders, links, watches, sweeps and books; each breaks with its own name."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest

from ordersync import ChannelId, OrderKey, OrderLine, OrderState
from ordersync.lifecycle import OrderEvent
from ordersync.model.ids import Fence
from ordersync.model.listings import Listing, ListingId
from ordersync.model.orders import OrderChange
from ordersync.model.pages import PageWork, Watch
from ordersync.model.runs import Lease, Progress
from ordersync.testing.builders import NOON, SHOP, make_channel_order, make_decision, make_order
from ordersync.testing.simulator.checkers.bookkeeping import BookkeepingChecker
from ordersync.testing.simulator.checkers.orders import OrdersChecker
from ordersync.testing.simulator.checkers.orders_at_rest import all_accounted_for
from ordersync.testing.simulator.checkers.scanning import ScanningChecker
from simulator.reading import KEY, Books, Bought, Market, Traits, breaks, commit, world_of

FENCE = Fence(SHOP, 1)


@attrs.frozen
class Form:
    """A form of an order that was answered."""

    done: bool = False
    updated_at: datetime = NOON


@attrs.define
class Shop(Market):
    """A market that knows which form it answered last."""

    form: Form | None = attrs.field(factory=Form)

    def last_shown(self, reference: str) -> Any:  # noqa: ANN401, ARG002 - there is one order
        """Return the form."""
        return self.form


@attrs.define
class Told(Books):
    """A storage with a watch list and links."""

    watched: Watch | None = None
    linked: tuple[Listing, ...] = ()

    def watch(self, key: OrderKey) -> Watch | None:  # noqa: ARG002 - there is one order
        """Return the order's place on the watch list."""
        return self.watched

    def listings(self, channel: ChannelId) -> tuple[Listing, ...]:  # noqa: ARG002 - there is one channel
        """Return what is linked."""
        return self.linked

    def links_revision(self, channel: ChannelId) -> int:  # noqa: ARG002 - there is one channel
        """Return the third revision."""
        return 3


class Scene:
    """One order, its market, and a checker that has seen it stored."""

    def __init__(self, **changes: Any) -> None:  # noqa: ANN401 - fields of an order
        self.market, self.books = Shop(orders={"1001": Bought()}), Told()
        self.checker = OrdersChecker(world_of(self.market))
        seen = self.market.show(make_channel_order())
        self.order = self.books.by_key[KEY] = make_order(**changes)
        work = PageWork(channel=SHOP, new=(self.order,), decisions=(make_decision(self.order, seen=seen),))
        self.page = commit("orders", "save_page", work, fence=FENCE, answer=True)

    def vanish(self, **changes: Any) -> None:  # noqa: ANN401 - fields of an order
        """Tell that the order was found to have vanished."""
        self.checker.committed(self.page, self.books)
        after = self.books.by_key[KEY] = attrs.evolve(self.order, revision=2, **changes)
        change = OrderChange(revision=2, event=OrderEvent.VANISHED, who="channel", at=NOON)
        verb = commit("orders", "replace", after, change, fence=FENCE, answer=True)
        self.checker.committed(verb, self.books)


def test_vanished_order_is_left_to_a_person() -> None:
    """An order that its market does not show any more stays what it was."""
    scene = Scene()
    scene.market.orders["1001"].removed = True
    scene.vanish()
    ended = Scene()
    ended.market.orders["1001"].removed = True
    with breaks("L10"):
        ended.vanish(state=OrderState.CANCELLED, wanted={})


@pytest.mark.parametrize("form", [None, Form(done=True)])
def test_order_that_was_not_shown_may_count_as_vanished(form: Form | None) -> None:
    """Who was told that an order is done, or nothing, may miss it in a sweep."""
    scene = Scene()
    scene.market.form = form
    scene.vanish()


def test_order_that_everybody_sees_does_not_count_as_vanished() -> None:
    """Only where rows shift between pages may a sweep lack an order that is open."""
    shifting = Scene()
    shifting.market.traits = Traits(paging="offset")
    shifting.vanish()
    with breaks("L10"):
        Scene().vanish()


@pytest.mark.parametrize(("knows", "sku"), [(2, "MUG"), (3, "CUP")])
def test_line_may_be_unlinked_where_its_link_is_news(knows: int, sku: str) -> None:
    """A line that was resolved before its listing was linked is resolved again later."""
    scene = _unlinked(knows, sku)
    scene.checker.committed(scene.page, scene.books)


def test_line_that_missed_its_link_breaks_l4() -> None:
    """A line that claims to know the newest links has what they say."""
    scene = _unlinked(3, "MUG")
    with breaks("L4"):
        scene.checker.committed(scene.page, scene.books)


def _unlinked(knows: int, sku: str) -> Scene:
    scene = Scene(lines=[OrderLine(line_id="1", channel_sku="MUG", quantity=1)], links_revision=knows)
    parts = {"MUG": 1}
    scene.books.linked = (Listing(channel=SHOP, id=ListingId(sku), components=parts, linked_to=parts),)
    return scene


def test_order_that_is_not_paid_is_watched() -> None:
    """Where one order can be asked for, what waits for its payment is looked at."""
    market, books = Shop(orders={"1001": Bought()}), Told()
    books.decided[KEY] = make_decision(KEY, admitted=False, code="NOT_PAID")
    with breaks("L2"):
        all_accounted_for(world_of(market), {}, books)
    books.watched = Watch(key=KEY, since=NOON, look_at=NOON)
    all_accounted_for(world_of(market), {}, books)
    books.watched, market.traits = None, Traits(can_look_up=False)
    all_accounted_for(world_of(market), {}, books)


@pytest.mark.parametrize(("minutes", "holds"), [(61, True), (62, False)])
def test_sweeps_come_as_often_as_the_settings_say(minutes: int, holds: bool) -> None:  # noqa: FBT001
    """When the last run began, everything had been read anew within the hour that the settings ask for, or was then."""
    books = Told(reached=Progress(swept_at=NOON))
    checker = ScanningChecker(world_of(Shop()))
    checker.rests(NOON + timedelta(minutes=minutes), books)
    if holds:
        checker.ended(books)
        return
    with breaks("L3"):
        checker.ended(books)


class Run:
    """A run of one channel whose order is due as it begins."""

    def __init__(self) -> None:
        self.books = Told(by_key={KEY: make_order()})
        self.checker = BookkeepingChecker(world_of(Shop()))
        lease = Lease(channel=SHOP, token=1, holder="run")
        self.checker.committed(commit("journal", "lease", SHOP, answer=lease), self.books)

    def end(self, status: str) -> None:
        """Tell how the run ended."""
        self.checker.run_ended("runner", {SHOP: status}, self.books)


@pytest.mark.parametrize("status", ["failed", "done", "paused"])
def test_run_that_settles_nothing_breaks_l10(status: str) -> None:
    """Whatever became of its calls, a run settles what was due."""
    with breaks("L10"):
        Run().end(status)


def test_page_of_a_run_is_settled_by_it() -> None:
    """What a run's own pages make due is settled in the same run."""
    run = Run()
    run.checker.committed(commit("orders", "reserved", {KEY: 1}, fence=FENCE), run.books)
    work = PageWork(channel=SHOP, new=(run.books.by_key[KEY],))
    run.checker.committed(commit("orders", "save_page", work, fence=FENCE, answer=True), run.books)
    with breaks("L10"):
        run.end("failed")


def test_run_owes_nothing_that_it_could_not_do() -> None:
    """A run that lost its lease owes nothing, nor what was settled or has changed again."""
    Run().end("lost")
    changed = Run()
    changed.books.by_key[KEY] = make_order(stock_revision=2)
    changed.end("failed")
    settled = Run()
    settled.checker.committed(commit("orders", "reserved", {KEY: 1}, fence=FENCE), settled.books)
    settled.end("done")
