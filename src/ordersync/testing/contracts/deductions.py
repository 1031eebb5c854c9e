"""The laws of goods that leave: a movement once per id, and what the order holds afterwards."""

from __future__ import annotations

import asyncio
from itertools import permutations

from ...ports import StockLedger
from ..builders import NOON, make_claim, make_deduction, make_key
from .laws import law
from .ledger import LedgerContract, numbers


class DeductionLaws(LedgerContract):
    """Rule 3: the movement and the hold are decided each by its own condition."""

    @law
    async def test_deduction_moves_goods_and_hold_together(self, ledger: StockLedger) -> None:
        """What left is off on-hand, and the order holds what its claim says is left."""
        await self.put_on_hand(ledger, "MUG", quantity=10)
        await ledger.reserve([make_claim("1001", {"MUG": 3})], at=NOON)

        rest = make_claim("1001", {"MUG": 1}, revision=2)
        await ledger.deduct(make_deduction("1001", "p1", {"MUG": 2}, rest), at=NOON)
        assert await numbers(ledger) == {("MUG", "main"): (8, 1)}

    @law
    async def test_deduction_may_bring_the_first_claim(self, ledger: StockLedger) -> None:
        """The very first claim of an order may come with a parcel; under the revision held it changes no hold."""
        await self.put_on_hand(ledger, "MUG", quantity=10)
        await ledger.deduct(make_deduction("1001", "p1", {"MUG": 2}, make_claim("1001", {"MUG": 3})), at=NOON)
        assert await numbers(ledger) == {("MUG", "main"): (8, 3)}
        assert await ledger.reserve([make_claim("1001", {"MUG": 9})], at=NOON) == {make_key("1001"): 1}

        await ledger.deduct(make_deduction("1001", "p2", {"MUG": 1}, make_claim("1001", {"MUG": 9})), at=NOON)
        assert await numbers(ledger) == {("MUG", "main"): (7, 3)}

    @law
    async def test_deduction_happens_once(self, ledger: StockLedger) -> None:
        """L5: the same deduction again changes nothing."""
        await self.put_on_hand(ledger, "MUG", quantity=10)
        deduction = make_deduction("1001", "p1", {"MUG": 2}, make_claim("1001", {"MUG": 1}, revision=2))
        for _ in range(3):
            await ledger.deduct(deduction, at=NOON)

        assert await numbers(ledger) == {("MUG", "main"): (8, 1)}

    @law
    async def test_same_id_with_other_goods_changes_nothing(self, ledger: StockLedger) -> None:
        """L5: under a used id nothing moves, whatever quantity, SKU or place it names."""
        await self.put_on_hand(ledger, "MUG", quantity=10)
        claim = make_claim("1001", {}, revision=2)
        await ledger.deduct(make_deduction("1001", "p1", {"MUG": 2}, claim), at=NOON)

        for taken in ({"MUG": 5}, {"LID": 1}, {("MUG", "shop"): 2}, {"MUG": 2, "LID": 1}):
            await ledger.deduct(make_deduction("1001", "p1", taken, claim), at=NOON)
        assert await numbers(ledger) == {("MUG", "main"): (8, 0)}

    @law
    async def test_stale_claim_stops_no_movement(self, ledger: StockLedger) -> None:
        """Rule 3: goods leave under a new id also when the claim that comes with them is overtaken."""
        await self.put_on_hand(ledger, "MUG", quantity=10)
        await ledger.reserve([make_claim("1001", {"MUG": 5}, revision=7)], at=NOON)

        for parcel, revision in (("p1", 2), ("p2", 7)):
            late = make_claim("1001", {"MUG": 1}, revision=revision)
            await ledger.deduct(make_deduction("1001", parcel, {"MUG": 2}, late), at=NOON)
        assert await numbers(ledger) == {("MUG", "main"): (6, 5)}

    @law
    async def test_used_id_stops_no_newer_claim(self, ledger: StockLedger) -> None:
        """Rule 3: the hold is replaced by a newer claim also when the goods have moved already."""
        await self.put_on_hand(ledger, "MUG", quantity=10)
        first = make_claim("1001", {"MUG": 3}, revision=2)
        await ledger.deduct(make_deduction("1001", "p1", {"MUG": 2}, first), at=NOON)

        newer = make_claim("1001", {("LID", "shop"): 1}, revision=3)
        await ledger.deduct(make_deduction("1001", "p1", {"MUG": 2}, newer), at=NOON)
        assert await numbers(ledger) == {("MUG", "main"): (8, 0), ("LID", "shop"): (0, 1)}

    @law
    async def test_deduction_sets_the_revision_held(self, ledger: StockLedger) -> None:
        """A claim that came with a deduction shuts out older ones, also when it wants nothing."""
        await ledger.deduct(make_deduction("1001", "p1", {"MUG": 2}, make_claim("1001", {}, revision=4)), at=NOON)

        held = await ledger.reserve([make_claim("1001", {"MUG": 2}, revision=3)], at=NOON)
        assert held == {make_key("1001"): 4}
        assert await numbers(ledger) == {("MUG", "main"): (-2, 0)}

    @law
    async def test_nothing_may_be_taken(self, ledger: StockLedger) -> None:
        """A parcel of lines that are linked to nothing moves nothing, and its claim counts."""
        await ledger.reserve([make_claim("1001", {"MUG": 2})], at=NOON)
        claim = make_claim("1001", {"MUG": 1}, revision=2)
        await ledger.deduct(make_deduction("1001", "p1", {}, claim), at=NOON)

        assert await numbers(ledger) == {("MUG", "main"): (0, 1)}

    @law
    async def test_several_places_move_in_one(self, ledger: StockLedger) -> None:
        """A parcel takes all its goods, from every place it names."""
        await self.put_on_hand(ledger, "MUG", quantity=5)
        await self.put_on_hand(ledger, "MUG", location="shop", quantity=5)
        await self.put_on_hand(ledger, "LID", quantity=5)
        taken = {("MUG", "main"): 1, ("MUG", "shop"): 2, ("LID", "main"): 3}
        await ledger.deduct(make_deduction("1001", "p1", taken, make_claim("1001", {}, revision=2)), at=NOON)

        assert await numbers(ledger) == {("MUG", "main"): (4, 0), ("MUG", "shop"): (3, 0), ("LID", "main"): (2, 0)}

    @law
    async def test_on_hand_may_turn_negative(self, ledger: StockLedger) -> None:
        """Goods that left are recorded, also when none were known to be there."""
        await self.put_on_hand(ledger, "MUG", quantity=1)
        await ledger.deduct(make_deduction("1001", "p1", {"MUG": 3}, make_claim("1001", {}, revision=2)), at=NOON)

        (level,) = await ledger.levels(["MUG"])
        assert (level.on_hand, level.available) == (-2, -2)

    @law
    async def test_late_parcels_converge(self, ledger: StockLedger) -> None:
        """In whatever order claims and parcels of one order arrive, and however often, the end is the same."""
        for number, order in enumerate(permutations(range(4))):
            reference = f"order {number}"
            p1 = make_deduction(reference, "p1", {"MUG": 1}, make_claim(reference, {"MUG": 2}, revision=2))
            p2 = make_deduction(reference, "p2", {"MUG": 1}, make_claim(reference, {"MUG": 1}, revision=3))
            steps = (
                lambda r=reference: ledger.reserve([make_claim(r, {"MUG": 3})], at=NOON),
                lambda p=p1: ledger.deduct(p, at=NOON),
                lambda p=p2: ledger.deduct(p, at=NOON),
                lambda p=p1: ledger.deduct(p, at=NOON),
            )
            for step in order:
                await steps[step]()

        assert await numbers(ledger) == {("MUG", "main"): (-2 * 24, 1 * 24)}

    @law
    async def test_concurrent_repeats_move_once(self, ledger: StockLedger) -> None:
        """The same deduction ten times at once moves the goods once; ten different ones move them ten times."""
        await self.put_on_hand(ledger, "MUG", quantity=100)
        claim = make_claim("1001", {}, revision=2)
        same = [make_deduction("1001", "p", {"MUG": 1}, claim)] * 10
        others = [make_deduction("1002", f"p{number}", {"MUG": 1}, claim) for number in range(10)]
        await asyncio.gather(*(ledger.deduct(deduction, at=NOON) for deduction in same + others))

        assert await numbers(ledger) == {("MUG", "main"): (89, 0)}
