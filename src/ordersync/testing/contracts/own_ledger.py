"""The laws of what our own ledgers offer beyond the five verbs: history, and what each order holds."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from ...ports import OwnStockLedger, StockLedger
from ..builders import NOON, make_claim, make_deduction, make_key
from .laws import law
from .ledger import LedgerContract, numbers


def own(ledger: StockLedger) -> OwnStockLedger:
    """Return the ledger as one of ours; a foreign one skips the law."""
    if not isinstance(ledger, OwnStockLedger):
        pytest.skip("this ledger is none of our own")
    return ledger


class OwnLedgerLaws(LedgerContract):
    """L4: on-hand is the sum of the movements, and reserved is the sum of the holds."""

    @law
    async def test_history_tells_every_movement(self, ledger: StockLedger) -> None:
        """The movements of one SKU come newest first with id, place, quantity, time and the level after each."""
        book = own(ledger)
        await book.set_on_hand("MUG", location="main", quantity=10, movement_id="count", at=NOON)
        later = NOON + timedelta(microseconds=1)
        taken = {("MUG", "main"): 3, ("LID", "main"): 1}
        await book.deduct(make_deduction("1001", "p1", taken, make_claim("1001", {}, revision=2)), at=later)
        await book.set_on_hand("MUG", location="shop", quantity=2, movement_id="count shop", at=later)

        parcel = make_key("1001").parcel_id("p1")
        told = [(m.id, m.location, m.quantity, m.on_hand_after, m.at) for m in await book.history("MUG")]
        assert told == [
            ("count shop", "shop", 2, 2, later),
            (parcel, "main", -3, 7, later),
            ("count", "main", 10, 10, NOON),
        ]
        assert [(m.sku, m.quantity) for m in await book.history("LID")] == [("LID", -1)]

    @law
    async def test_history_tells_a_transfer_twice(self, ledger: StockLedger) -> None:
        """A transfer stands in the history of both places under its one id, with the level after each."""
        book = own(ledger)
        await book.set_on_hand("MUG", location="south", quantity=9, movement_id="count", at=NOON)
        await book.transfer("MUG", source="south", destination="north", quantity=4, movement_id="van", at=NOON)
        await book.adjust("MUG", location="north", quantity=-1, movement_id="broken")

        told = [(m.id, m.location, m.quantity, m.on_hand_after, m.at) for m in await book.history("MUG")]
        assert told[0] == ("broken", "north", -1, 3, None)
        assert sorted(told[1:3]) == [("van", "north", 4, 4, NOON), ("van", "south", -4, 5, NOON)]
        assert told[3:] == [("count", "south", 9, 9, NOON)]
        assert [m.id for m in await book.history("MUG", location="north")] == ["broken", "van"]

    @law
    async def test_history_is_limited(self, ledger: StockLedger) -> None:
        """Of the history no more is told than asked for, and only of the location asked for."""
        book = own(ledger)
        for number, location in enumerate(("north", "south", "north", "north"), start=1):
            await book.set_on_hand("MUG", location=location, quantity=number, movement_id=f"m{number}", at=NOON)

        assert [m.id for m in await book.history("MUG", limit=2)] == ["m4", "m3"]
        assert [m.id for m in await book.history("MUG", location="north", limit=2)] == ["m4", "m3"]
        assert [m.id for m in await book.history("MUG", location="south")] == ["m2"]
        assert list(await book.history("LID")) == []

    @law
    async def test_on_hand_is_the_sum_of_the_movements(self, ledger: StockLedger) -> None:
        """L4: whatever happened, the movements add up to on-hand, place by place."""
        book = own(ledger)
        await book.set_on_hand("MUG", location="main", quantity=10, movement_id="m1")
        for number in range(4):
            claim = make_claim("1001", {}, revision=2)
            await book.deduct(make_deduction("1001", f"p{number % 3}", {"MUG": number + 1}, claim), at=NOON)
        await book.set_on_hand("MUG", location="main", quantity=1, movement_id="m2")

        (level,) = await book.levels(["MUG"])
        assert level.on_hand == sum(m.quantity for m in await book.history("MUG")) == 1

    @law
    async def test_held_tells_the_newest_claim(self, ledger: StockLedger) -> None:
        """What an order holds is its newest claim, also when that wants nothing; None when it never claimed."""
        book = own(ledger)
        key = make_key("1001")
        assert await book.held(key) is None
        first = make_claim(key, {("MUG", "north"): 1, ("LID", "main"): 2}, revision=2)
        await book.reserve([first, make_claim("1002", {"MUG": 4})], at=NOON)
        assert await book.held(key) == first

        await book.deduct(make_deduction(key, "p1", {"MUG": 1}, make_claim(key, {}, revision=3)), at=NOON)
        await book.reserve([first], at=NOON)
        assert await book.held(key) == make_claim(key, {}, revision=3)
        assert await book.held(make_key("1002")) == make_claim("1002", {"MUG": 4})

    @law
    async def test_reserved_is_the_sum_of_the_holds(self, ledger: StockLedger) -> None:
        """L4: whatever was claimed, what the orders hold adds up to reserved, place by place."""
        book = own(ledger)
        keys = [make_key(f"order {number}") for number in range(4)]
        for revision in (2, 1, 3):
            for number, key in enumerate(keys):
                place = ("MUG", ("north", "south")[(revision + number) % 2])
                await book.reserve([make_claim(key, {place: number + revision}, revision=revision)], at=NOON)

        held: Counter[tuple[str, str]] = Counter()
        for key in keys:
            claim = await book.held(key)
            assert claim is not None
            held.update(claim.wanted)
        assert await numbers(book) == {place: (0, quantity) for place, quantity in held.items()}
        assert len(held) == 2
