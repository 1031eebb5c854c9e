"""The laws of watermarks: each is kept in silence, and breaks with its own name."""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs
import pytest

from ordersync.model.ids import Fence
from ordersync.model.pages import PageWork
from ordersync.model.runs import Progress
from ordersync.testing.builders import NOON, SHOP, make_channel_order, make_decision, make_order
from ordersync.testing.simulator.checkers.scanning import ScanningChecker
from simulator.reading import KEY, Books, Bought, Market, Traits, breaks, commit, world_of

FENCE = Fence(SHOP, 1)


def at(minutes: float) -> datetime:
    """Return so many minutes after noon."""
    return NOON + timedelta(minutes=minutes)


class Scene:
    """One market, and a checker that has seen every page of it."""

    def __init__(self) -> None:
        self.market, self.books = Market(), Books()
        self.market.orders["1001"] = Bought(updated_at=at(5))
        self.checker = ScanningChecker(world_of(self.market))

    def show(self, minutes: float) -> None:
        """Answer the order under a stamp, and keep it."""
        self.market.show(make_channel_order(updated_at=at(minutes)))
        self.books.by_key[KEY] = make_order()

    def page(self, watermark: float | None, *, handled: bool = True, verb: str = "save_page") -> None:
        """Tell of a page, and of how far its channel is known."""
        progress = Progress(watermark=None if watermark is None else at(watermark))
        self.books.reached = progress
        work = PageWork(channel=SHOP, progress=progress, seen=(KEY,) if handled else ())
        args = (work,) if verb == "save_page" else (SHOP, progress)
        self.checker.committed(commit("orders", verb, *args, fence=FENCE, answer=True), self.books)


@pytest.fixture
def scene() -> Scene:
    """Open a scene."""
    return Scene()


def test_watermark_behind_handled_orders_breaks_nothing(scene: Scene) -> None:
    """A watermark may pass an order that was handled in its newest form."""
    scene.show(0)
    scene.page(1)
    scene.show(5)
    scene.page(10)


@pytest.mark.parametrize("shown", [[], [0], [5]])
def test_watermark_that_passes_an_order_breaks_c1(scene: Scene, shown: list[float]) -> None:
    """No watermark passes an order that was never handled, or only in an older form, or is kept nowhere."""
    scene.page(1, handled=False)
    for minutes in shown:
        scene.show(minutes)
    if shown == [5]:
        scene.books.by_key.clear()
    with breaks("C1"):
        scene.page(10)


def test_decision_counts_as_handled(scene: Scene) -> None:
    """An order that was decided against is handled."""
    scene.page(1, handled=False)
    scene.show(5)
    scene.books.by_key.clear()
    scene.books.decided[KEY] = make_decision(KEY, admitted=False)
    scene.page(10)


def test_order_that_may_not_show_yet_breaks_nothing(scene: Scene) -> None:
    """What changed within the market's lag before the watermark is left to the next scan's overlap."""
    scene.market.traits = Traits(lag=timedelta(minutes=10))
    scene.page(1, handled=False)
    scene.page(12, handled=False)
    with breaks("C1"):
        scene.page(16, handled=False)


@pytest.mark.parametrize("traits", [Traits(paging="offset"), Traits(moves_stamps=False)])
def test_market_whose_pages_prove_nothing_breaks_nothing(scene: Scene, traits: Traits) -> None:
    """Nothing is asked of a watermark where rows shift between pages, or stamps say nothing."""
    scene.market.traits = traits
    scene.page(1, handled=False)
    scene.page(10, handled=False)


@pytest.mark.parametrize("watermark", [4, None])
def test_watermark_that_falls_breaks_c1(scene: Scene, watermark: float | None) -> None:
    """No watermark falls, whichever verb writes it."""
    scene.show(0)
    scene.page(5)
    with breaks("C1"):
        scene.page(watermark, verb="set_progress")


def test_watermark_ahead_of_the_market_breaks_c1(scene: Scene) -> None:
    """No watermark is ahead of its market's own clock."""
    with breaks("C1"):
        scene.page(61)


def test_page_that_was_not_saved_is_no_progress(scene: Scene) -> None:
    """A page that changed meanwhile and was not written moves nothing."""
    work = PageWork(channel=SHOP, progress=Progress(watermark=at(90)))
    refused = commit("orders", "save_page", work, fence=FENCE, answer=False)
    scene.checker.committed(refused, scene.books)
    scene.checker.committed(attrs.evolve(refused, verb="fence", args=(FENCE,)), scene.books)
