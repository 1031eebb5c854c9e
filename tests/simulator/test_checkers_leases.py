"""The law of leases: it is kept in silence, and breaks with its own name."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ordersync.errors import LeaseLostError
from ordersync.model.ids import ChannelId, Fence
from ordersync.model.pages import PageWork
from ordersync.model.runs import Lease
from ordersync.testing.builders import SHOP
from ordersync.testing.simulator.checkers.leases import LeasesChecker
from simulator.reading import Books, Market, breaks, commit, started, world_of

FOUR = timedelta(minutes=4)


class Scene:
    """One channel, and a checker that has seen every lease of it."""

    def __init__(self) -> None:
        self.checker, self.books = LeasesChecker(world_of(Market())), Books()

    def tell(self, port: str, verb: str, *args: object, **facts: Any) -> None:  # noqa: ANN401 - of any verb
        """Tell of a verb."""
        self.checker.committed(commit(port, verb, *args, **facts), self.books)

    def lease(self, token: int, *, minutes: float = 0, process: str = "runner") -> Lease:
        """Tell of a lease of four minutes."""
        lease = Lease(channel=SHOP, token=token, holder=process)
        self.tell("journal", "lease", SHOP, answer=lease, duration=FOUR, minutes=minutes, process=process)
        return lease

    def write(self, token: int, *, refused: Exception | None = None, channel: ChannelId = SHOP) -> None:
        """Tell of a page that was saved under a token."""
        work = PageWork(channel=channel)
        self.tell("orders", "save_page", work, fence=Fence(SHOP, token), answer=True, refused=refused)

    def call(self, method: str, *, minutes: float = 0, process: str = "runner") -> None:
        """Tell of a call that departs."""
        self.checker.started(started(method, minutes=minutes, process=process), self.books)


@pytest.fixture
def scene() -> Scene:
    """Open a scene."""
    return Scene()


def test_ordinary_leases_break_nothing(scene: Scene) -> None:
    """A channel goes from one holder to the next when a lease is given back, or has ended; each is fenced."""
    first = scene.lease(1)
    scene.write(1)
    scene.call("push_stock", minutes=3)
    scene.tell("journal", "renew", first, duration=FOUR, answer=True, minutes=3)
    scene.call("push_stock", minutes=6)
    scene.tell("journal", "release", first, minutes=6)
    scene.lease(2, minutes=6, process="second")
    scene.tell("orders", "fence", Fence(SHOP, 2))
    scene.write(1, refused=LeaseLostError("lost"))
    scene.lease(3, minutes=10, process="third")


def test_two_holders_break_l11(scene: Scene) -> None:
    """Nobody is given a channel that another holds."""
    scene.lease(1)
    with breaks("L11"):
        scene.lease(2, minutes=3, process="second")


def test_token_that_does_not_rise_breaks_l11(scene: Scene) -> None:
    """Each holder has a higher token than the last."""
    scene.lease(1)
    with breaks("L11"):
        scene.lease(1, minutes=5, process="second")


def test_renewal_of_a_lost_lease_breaks_l11(scene: Scene) -> None:
    """Nobody renews what another holds by now."""
    first = scene.lease(1)
    scene.lease(2, minutes=5, process="second")
    with breaks("L11"):
        scene.tell("journal", "renew", first, duration=FOUR, answer=True, minutes=6)


def test_verb_of_an_old_holder_that_takes_effect_breaks_l11(scene: Scene) -> None:
    """Nothing takes effect under a lower token than its port has seen."""
    scene.lease(1)
    scene.lease(2, minutes=5, process="second")
    scene.write(1)
    scene.tell("orders", "fence", Fence(SHOP, 2))
    with breaks("L11"):
        scene.write(1)


def test_holder_that_is_refused_breaks_l11(scene: Scene) -> None:
    """Whoever holds the last token is not refused, and nobody has a token that was never given."""
    scene.lease(1)
    with breaks("L11"):
        scene.write(1, refused=LeaseLostError("lost"))
    with breaks("L11"):
        scene.write(2)


def test_verb_of_another_channel_breaks_l11(scene: Scene) -> None:
    """A fence is good for its own channel."""
    scene.lease(1)
    with breaks("L11"):
        scene.write(1, channel=ChannelId("Shop", "two"))


def test_effect_past_the_lease_breaks_l11(scene: Scene) -> None:
    """No effect starts without a lease of one's own, or past its end; a look needs none."""
    scene.lease(1)
    scene.call("fetch_order", minutes=5, process="doctor")
    with breaks("L11"):
        scene.call("push_stock", minutes=5)
    with breaks("L11"):
        scene.call("send_dispatch", process="second")


def test_call_that_may_outlive_its_lease_is_found(scene: Scene) -> None:
    """An effect that starts less than one call time-out before its lease ends breaks rule 12."""
    scene.lease(1)
    with breaks("R12"):
        scene.call("push_stock", minutes=3.5)
