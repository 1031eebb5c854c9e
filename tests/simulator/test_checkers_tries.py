"""The rules of a note's tries: each is kept in silence, and breaks with its own name."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from ordersync.model.dispatch import NoteStatus
from ordersync.model.ids import Fence
from ordersync.testing.builders import SHOP
from ordersync.testing.simulator.checkers.tries import TriesChecker
from simulator.reading import Books, Market, Traits, breaks, commit, make_note, started, world_of

FENCE = Fence(SHOP, 1)
FIRST, SECOND = tuple(make_note(name, status=NoteStatus.QUEUED) for name in ("p1", "p2"))


class Scene:
    """Two notes of an order at a market that shows things for five minutes too late, and a checker of their tries."""

    def __init__(self) -> None:
        market = Market(traits=Traits(lag=timedelta(minutes=5)))
        self.checker, self.books = TriesChecker(world_of(market)), Books()
        self.rows = {"p1": FIRST, "p2": SECOND}

    def move(self, parcel_id: str, *, minutes: float, person: bool = False, **changes: Any) -> None:  # noqa: ANN401
        """Tell that a note was written."""
        before = self.rows[parcel_id]
        self.rows[parcel_id] = attrs.evolve(before, **changes)
        facts: dict[str, Any] = {} if person else {"fence": FENCE}
        told = commit("orders", "write_note", self.rows[parcel_id], before, answer=True, minutes=minutes, **facts)
        self.checker.committed(told, self.books)

    def claim(self, parcel_id: str = "p1", *, minutes: float) -> None:
        """Tell that a note is claimed."""
        tries = self.rows[parcel_id].tries + 1
        self.move(parcel_id, minutes=minutes, status=NoteStatus.CLAIMED, tries=tries)

    def call(self, parcel_id: str = "p1", *, minutes: float) -> None:
        """Tell that a note leaves."""
        self.checker.started(started("send_dispatch", self.rows[parcel_id].note, minutes=minutes), self.books)

    def look(self, *, minutes: float) -> None:
        """Tell that the order is looked up."""
        self.checker.started(started("fetch_order", minutes=minutes), self.books)


@pytest.fixture
def scene() -> Scene:
    """Open a scene."""
    return Scene()


def test_ordinary_tries_break_nothing(scene: Scene) -> None:
    """A note is tried, looked up once all of it could be seen, and tried again; then the next one is."""
    scene.claim(minutes=0)
    scene.call(minutes=0.1)
    scene.look(minutes=17)
    scene.claim(minutes=17)
    scene.call(minutes=17)
    scene.move("p1", minutes=18, status=NoteStatus.SENT)
    scene.claim("p2", minutes=18)
    scene.call("p2", minutes=18)


def test_call_long_after_its_claim_is_found(scene: Scene) -> None:
    """A note that leaves twenty seconds after its claim breaks rule 10, or rule 11 if it left before."""
    scene.claim(minutes=0)
    with breaks("R10"):
        scene.call(minutes=0.5)
    scene.call(minutes=0.1)
    with breaks("R11"):
        scene.call(minutes=0.5)


def test_try_beside_a_late_copy_is_found(scene: Scene) -> None:
    """A note is tried again too soon while a copy may land, rule 10, or may have landed unseen, rule 15."""
    scene.claim(minutes=0)
    scene.call(minutes=0)
    scene.look(minutes=5)
    with breaks("R10"):
        scene.claim(minutes=5)
    with breaks("R15"):
        scene.claim(minutes=12)


def test_try_without_a_look_is_found(scene: Scene) -> None:
    """A note that was tried, and that a person queued anew, is looked up before it leaves: rule 13."""
    scene.claim(minutes=0)
    scene.call(minutes=0)
    scene.move("p1", minutes=1, status=NoteStatus.REJECTED)
    scene.move("p1", minutes=2, person=True, status=NoteStatus.QUEUED, tries=0)
    with breaks("R13"):
        scene.claim(minutes=30)
    scene.look(minutes=31)
    scene.claim(minutes=31)


def test_two_notes_of_an_order_under_way_are_found(scene: Scene) -> None:
    """A note leaves while another of its order may still land: rule 14."""
    scene.claim(minutes=0)
    scene.call(minutes=0)
    scene.claim("p2", minutes=1)
    with breaks("R14"):
        scene.call("p2", minutes=1)
