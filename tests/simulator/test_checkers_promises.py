"""The laws of what is promised of the whole: each is kept in silence, and breaks with its own name."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import attrs
import pytest

from ordersync import Listing
from ordersync.model.ids import ChannelId, Fence
from ordersync.model.listings import Attempt, ListingId, Push
from ordersync.model.pages import PageWork, Quarantined
from ordersync.model.runs import EntryKind, JournalEntry
from ordersync.storage.memory import MemoryStorage
from ordersync.testing.builders import NOON, SHOP, make_order
from ordersync.testing.simulator import draw, simulate
from ordersync.testing.simulator.checkers.commits import Sold
from ordersync.testing.simulator.checkers.erasure import ErasureChecker
from ordersync.testing.simulator.checkers.listings import ListingsChecker
from ordersync.testing.simulator.checkers.oversells import OversellChecker
from ordersync.testing.simulator.checkers.reports import ReportsChecker
from ordersync.testing.simulator.checkers.staleness import StalenessChecker
from ordersync.testing.simulator.hearing import listening
from ordersync.testing.simulator.market.shelf import AppliedLevel
from ordersync.testing.simulator.remains import remains
from simulator.plants import planted
from simulator.reading import KEY, Books, Bought, Market, breaks, commit, world_of

MUG = ListingId("MUG")
LISTING = Listing(channel=SHOP, id=MUG, components={"MUG": 1}, settled=1, believed=7)


@attrs.define
class Shelf(Books):
    """A storage that lists something."""

    listed: list[Listing] = attrs.field(factory=list)

    def listings(self, channel: ChannelId) -> Sequence[Listing]:  # noqa: ARG002 - there is one channel
        """Return what is listed."""
        return self.listed


def erased_by(*pieces: tuple[str, bytes], nameless: bytes = b"") -> None:
    """Let an order be erased of which these pieces remain; look for it."""
    market = Market(orders={"1001": Bought(buyer="CANARY-M1-1001")})
    checker = ErasureChecker(world_of(market), remains=lambda: pieces)
    if nameless:
        document = Quarantined(channel=SHOP, payload_hash="1", code="UNREADABLE", error="-", at=NOON, payload=nameless)
        checker.committed(commit("orders", "save_page", PageWork(channel=SHOP, quarantined=(document,))), Books())
    checker.committed(commit("orders", "erase", [KEY]), Books())
    checker.ended(Books())


def test_nothing_left_of_an_erased_buyer_breaks_nothing() -> None:
    """Others' names may stay, and one in a document that says of nobody whose it is."""
    erased_by(("shop.db", b"CANARY-M1-1002"))
    erased_by(("shop.db", b"CANARY-M1-1001"), nameless=b"CANARY-M1-1001")


def test_byte_of_an_erased_buyer_breaks_x2() -> None:
    """Whose order was erased is in no file and in no object."""
    with breaks("X2"):
        erased_by(("shop.db", b""), ("shop.db-wal", b"...CANARY-M1-1001..."))


async def test_remains_are_all_that_memory_keeps() -> None:
    """A document, a buyer and a reason are found wherever they are kept."""
    async with MemoryStorage() as storage:
        page = PageWork(channel=SHOP, new=(make_order("1001"),), raw={KEY: b"CANARY"})
        await storage.orders.save_page(page, fence=Fence(SHOP, 1), at=NOON)
        await storage.journal.write([JournalEntry(at=NOON, kind=EntryKind.ERROR, message="a reason")])

        kept = [piece for _, piece in remains(storage)]

    assert {b"CANARY", b"1001", b"a reason"} <= set(kept)


def test_everything_of_a_log_record_is_heard() -> None:
    """The message, what is extra and the exception are told, and the logger is as it was afterwards."""
    said: list[str] = []
    logger = logging.getLogger("ordersync")
    before = logger.level, logger.propagate, list(logger.handlers)

    with listening(said.append):
        try:
            int("third word")
        except ValueError:
            logger.exception("of %s", "the first word", extra={"ordersync.facts": "a second word"})

    assert all(word in said[0] for word in ("first word", "second word", "third word"))
    assert (logger.level, logger.propagate, list(logger.handlers)) == before


def sold(pieces: int, *, shown: int) -> Sold:
    """Return a sale of a mug an hour later."""
    return Sold(channel=SHOP, sku="MUG", pieces=pieces, shown=shown, at=NOON + timedelta(hours=1))


class Scene:
    """Ten mugs, and a run that has pushed a level of them."""

    def __init__(self, pushed: int) -> None:
        """Begin a run once there are ten, and let its level be applied."""
        self.told: dict[str, int] = {}
        self.books = Shelf(listed=[LISTING])
        self.checker = OversellChecker(world_of(Market()), tell=lambda name, more: self.told.update({name: more}))
        self.count(10, 0)
        entry = JournalEntry(at=NOON, kind=EntryKind.RUN_STARTED)
        self.checker.committed(commit("journal", "write", [entry]), self.books)
        attempt = Attempt(number=1, push=Push(listing=MUG, wanted=1, quantity=pushed), expected=None)
        self.checker.committed(commit("listings", "begin", SHOP, [attempt.push], answer=[attempt]), self.books)
        level = AppliedLevel(at=NOON, sku="MUG", quantity=pushed, attempt_id="1")
        self.checker.applied(SHOP, level, self.books)

    def count(self, pieces: int, minutes: float) -> None:
        """Let there be so many."""
        self.books.lay(pieces)
        facts: dict[str, Any] = {"location": "main", "quantity": pieces}
        self.checker.committed(commit("stock", "set_on_hand", "MUG", minutes=minutes, **facts), self.books)


def test_sale_of_what_was_there_when_the_run_began_is_explained() -> None:
    """What went since is told as a figure, with how long ago that was."""
    scene = Scene(10)
    scene.count(4, 50)

    scene.checker.sold(sold(6, shown=10), scene.books)

    assert scene.told == {"oversold within 15 minutes": 2}


def test_sale_of_more_than_a_run_could_know_breaks_s6() -> None:
    """A level that its own run could know to be too high lets nobody buy what is not there."""
    scene = Scene(12)
    scene.checker.sold(sold(10, shown=12), scene.books)

    with breaks("S6"):
        scene.checker.sold(sold(11, shown=12), scene.books)


def test_s6_finds_what_p1_would_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody looks at each push, selling what is reserved shows in what is sold."""
    for look in ("committed", "applied", "ended", "started"):
        monkeypatch.setattr(ListingsChecker, look, lambda *_: None)
    monkeypatch.setattr(StalenessChecker, "rested", lambda *_: None)

    found = (simulate(draw(seed), around=lambda: planted("what is reserved is for sale")) for seed in range(100))

    assert any(one.violation is not None and one.violation.law == "S6" for one in found)


def rested(listing: Listing, *, began: Listing = LISTING, shows: int = 7) -> None:
    """Let an undisturbed run begin with one form of the only listing and end with another; seven are there."""
    books = Shelf(listed=[began])
    books.lay(7)
    checker = StalenessChecker(world_of(Market(levels={"MUG": shows})))
    checker.applied(SHOP, AppliedLevel(at=NOON, sku="MUG", quantity=5, attempt_id="1"), books)
    checker.rests(NOON, books)
    books.listed = [listing]
    checker.rested([SHOP], books)


def test_listing_that_is_told_or_in_doubt_breaks_nothing() -> None:
    """A listing is right after a run, or was in doubt as it began, or its market has moved it by itself."""
    wrong = attrs.evolve(LISTING, believed=3)
    rested(LISTING)
    rested(LISTING, shows=6)
    rested(wrong, began=attrs.evolve(LISTING, attempt_began=NOON))
    rested(wrong, began=attrs.evolve(LISTING, unresolved_until=NOON + timedelta(minutes=1)))


@pytest.mark.parametrize(
    ("changes", "shows"), [({"believed": 3}, 7), ({"wanted": 2}, 7), ({}, 5)], ids=["believed", "due", "shown"]
)
def test_listing_that_is_not_told_in_a_run_breaks_p5(changes: dict[str, Any], shows: int) -> None:
    """A listing of which nothing was in doubt is settled, believed and shown right after one run."""
    with breaks("P5"):
        rested(attrs.evolve(LISTING, **changes), shows=shows)


def report_of(status: str, *, code: str = "channel-unavailable") -> str:
    """Return a report of one channel in JSON."""
    sums = dict.fromkeys(("seen", "new", "changed", "same", "skipped", "quarantined"), 0)
    channel = {"source": SHOP.source, "subsource": SHOP.subsource, "status": status, **sums}
    return json.dumps({"run_id": "1", "channels": [channel], "errors": [{"code": code, "message": "-"}]})


def test_channel_that_fails_by_itself_breaks_nothing() -> None:
    """A channel may fail once a call of it went wrong, or with the storage."""
    for status, troubled, code in (
        ("failed", True, "-"),
        ("failed", False, "storage-unavailable"),
        ("done", True, "-"),
    ):
        checker = ReportsChecker(world_of(Market()))
        checker.began("runner")
        if troubled:
            checker.troubled("runner", SHOP)
        checker.reported("runner", report_of(status, code=code), "")


def test_channel_that_fails_with_another_breaks_r2() -> None:
    """A channel of which no call went wrong does not fail."""
    checker = ReportsChecker(world_of(Market()))
    checker.began("runner")
    checker.troubled("runner", ChannelId("Other", "shop"))
    with breaks("R2"):
        checker.reported("runner", report_of("failed"), "")
