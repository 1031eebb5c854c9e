"""The laws of reservations, and what all laws of ledgers share."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import permutations

from ...model.ids import ChannelId, OrderKey
from ...ports import StockLedger, SupportsMovements
from ..builders import NOON, make_claim, make_key
from .laws import Contract, law

Numbers = tuple[int, int]
"""On hand, and reserved of it."""


class LedgerContract(Contract[StockLedger]):
    """What all laws of ledgers share: a way to start with something in stock."""

    async def put_on_hand(self, ledger: StockLedger, sku: str, *, quantity: int, location: str = "main") -> None:
        """Let *quantity* pieces lie where the ledger knows of none; a foreign ledger does it in its own way."""
        if not isinstance(ledger, SupportsMovements):
            raise NotImplementedError(f"{type(self).__name__} needs a put_on_hand() that gives its ledger stock")
        await ledger.set_on_hand(
            sku, location=location, quantity=quantity, movement_id=f"opening/{location}/{sku}", at=NOON
        )

    async def misstate(self, ledger: StockLedger, sku: str, *, location: str, on_hand: int, reserved: int) -> None:
        """Write a level that its movements and holds do not add up to, behind the ledger's back.

        Only a ledger that keeps levels beside its books can do that; without this, the laws of mending are skipped.
        """
        raise NotImplementedError


async def numbers(ledger: StockLedger, *skus: str) -> Mapping[tuple[str, str], Numbers]:
    """Return on-hand and reserved of these SKUs by place; places with neither are left out."""
    return {
        (level.sku, level.location): (level.on_hand, level.reserved)
        for level in await ledger.levels(skus or ("MUG", "LID"))
        if (level.on_hand, level.reserved) != (0, 0)
    }


class ReservationLaws(LedgerContract):
    """What an order holds is what its newest claim wants."""

    @law
    async def test_unknown_sku_has_no_levels(self, ledger: StockLedger) -> None:
        """Of a SKU that nothing ever happened to there are no levels."""
        await self.put_on_hand(ledger, "MUG", quantity=3)

        assert list(await ledger.levels(["NOBODY KNOWS"])) == []
        assert list(await ledger.levels([])) == []

    @law
    async def test_levels_come_by_sku_and_location(self, ledger: StockLedger) -> None:
        """The levels of all SKUs asked for come at every location that knows them, in order, and no others."""
        for sku, location in (("B", "south"), ("A", "south"), ("B", "north"), ("C", "north")):
            await self.put_on_hand(ledger, sku, location=location, quantity=2)

        found = [(level.sku, level.location, level.on_hand) for level in await ledger.levels(["B", "A"])]
        assert found == [("A", "south", 2), ("B", "north", 2), ("B", "south", 2)]

    @law
    async def test_reserving_lowers_what_is_available(self, ledger: StockLedger) -> None:
        """A reservation lowers what is available in its location by what it wants; on-hand does not move."""
        await self.put_on_hand(ledger, "MUG", quantity=10)
        held = await ledger.reserve([make_claim("1001", {"MUG": 3})], at=NOON)

        (level,) = await ledger.levels(["MUG"])
        assert (level.on_hand, level.reserved, level.available) == (10, 3, 7)
        assert held == {make_key("1001"): 1}

    @law
    async def test_repeated_claim_changes_nothing(self, ledger: StockLedger) -> None:
        """The same claim again holds no more, and is answered as before."""
        claim = make_claim("1001", {"MUG": 3}, revision=4)
        answers = [await ledger.reserve([claim], at=NOON) for _ in range(3)]

        assert answers == [{claim.order_key: 4}] * 3
        assert await numbers(ledger) == {("MUG", "main"): (0, 3)}

    @law
    async def test_newer_claim_replaces_all_that_is_held(self, ledger: StockLedger) -> None:
        """A newer claim replaces what the order holds, whichever SKU and place it was."""
        await ledger.reserve([make_claim("1001", {("MUG", "north"): 2, ("LID", "south"): 1})], at=NOON)
        await ledger.reserve([make_claim("1001", {("MUG", "south"): 5}, revision=2)], at=NOON)

        assert await numbers(ledger) == {("MUG", "south"): (0, 5)}

    @law
    async def test_stale_claim_is_ignored(self, ledger: StockLedger) -> None:
        """A claim whose revision is not above the one held changes nothing; the answer says which one is held."""
        await ledger.reserve([make_claim("1001", {"MUG": 5}, revision=3)], at=NOON)

        for late in (1, 2, 3):
            held = await ledger.reserve([make_claim("1001", {"LID": 9}, revision=late)], at=NOON)
            assert held == {make_key("1001"): 3}
        assert await numbers(ledger) == {("MUG", "main"): (0, 5)}

    @law
    async def test_empty_claim_is_remembered(self, ledger: StockLedger) -> None:
        """An order that wants nothing any more holds nothing, and its revision still shuts out older claims."""
        await ledger.reserve([make_claim("1001", {"MUG": 5})], at=NOON)
        await ledger.reserve([make_claim("1001", {}, revision=3)], at=NOON)
        assert await numbers(ledger) == {}

        held = await ledger.reserve([make_claim("1001", {"MUG": 5}, revision=2)], at=NOON)
        assert held == {make_key("1001"): 3}
        assert await numbers(ledger) == {}

    @law
    async def test_first_claim_may_want_nothing(self, ledger: StockLedger) -> None:
        """An order whose very first claim wants nothing is remembered like any other."""
        await ledger.reserve([make_claim("1001", {}, revision=2)], at=NOON)

        held = await ledger.reserve([make_claim("1001", {"MUG": 1}, revision=1)], at=NOON)
        assert held == {make_key("1001"): 2}
        assert await numbers(ledger) == {}

    @law
    async def test_late_writers_converge(self, ledger: StockLedger) -> None:
        """In whatever order the claims of one order arrive, it ends up holding what the newest wants."""
        wants = ({("MUG", "north"): 1}, {("MUG", "south"): 2, ("LID", "south"): 1}, {("LID", "north"): 3})
        for number, order in enumerate(permutations((1, 2, 3))):
            for revision in order:
                claim = make_claim(f"order {number}", wants[revision - 1], revision=revision)
                await ledger.reserve([claim], at=NOON)

        assert await numbers(ledger) == {("LID", "north"): (0, 3 * 6)}

    @law
    async def test_batch_of_claims_adds_up(self, ledger: StockLedger) -> None:
        """The claims of many orders in one batch all count, and each is answered."""
        claims = [make_claim(f"order {number}", {"MUG": number, "LID": 1}) for number in range(1, 31)]
        held = await ledger.reserve(claims, at=NOON)

        assert held == {claim.order_key: 1 for claim in claims}
        assert await numbers(ledger) == {("MUG", "main"): (0, 465), ("LID", "main"): (0, 30)}
        assert await ledger.reserve([], at=NOON) == {}

    @law
    async def test_newest_of_two_claims_in_one_batch_counts(self, ledger: StockLedger) -> None:
        """Of two claims of one order in one batch the newer counts, whichever comes first."""
        for reference, revisions in (("rising", (1, 2)), ("falling", (2, 1))):
            claims = [make_claim(reference, {"MUG": revision}, revision=revision) for revision in revisions]
            assert await ledger.reserve(claims, at=NOON) == {make_key(reference): 2}

        assert await numbers(ledger) == {("MUG", "main"): (0, 4)}

    @law
    async def test_stale_claim_in_a_batch_stops_no_other(self, ledger: StockLedger) -> None:
        """In a batch each claim is judged by itself."""
        await ledger.reserve([make_claim("stale", {"MUG": 1}, revision=5)], at=NOON)

        claims = [make_claim("stale", {"MUG": 9}, revision=4), make_claim("fresh", {"MUG": 2})]
        assert await ledger.reserve(claims, at=NOON) == {make_key("stale"): 5, make_key("fresh"): 1}
        assert await numbers(ledger) == {("MUG", "main"): (0, 3)}

    @law
    async def test_same_reference_on_two_channels_is_two_orders(self, ledger: StockLedger) -> None:
        """Orders are told apart by channel and reference, not by how these look when written together."""
        keys = [
            OrderKey(ChannelId("A", "B"), "C/D"),
            OrderKey(ChannelId("A", "B/C"), "D"),
            OrderKey(ChannelId("A/B", "C"), "D"),
        ]
        for key in keys:
            await ledger.reserve([make_claim(key, {"MUG": 1})], at=NOON)

        assert await numbers(ledger) == {("MUG", "main"): (0, 3)}

    @law
    async def test_oversell_is_recorded(self, ledger: StockLedger) -> None:
        """More than there is can be reserved; what is available is then negative."""
        await self.put_on_hand(ledger, "MUG", quantity=2)
        await ledger.reserve([make_claim("1001", {"MUG": 5})], at=NOON)

        (level,) = await ledger.levels(["MUG"])
        assert (level.on_hand, level.reserved, level.available) == (2, 5, -3)

    @law
    async def test_concurrent_reservations_add_up(self, ledger: StockLedger) -> None:
        """Ten orders that reserve at once all hold what they want."""
        claims = [make_claim(f"order {number}", {"MUG": 2, "LID": 1}) for number in range(10)]
        await asyncio.gather(*(ledger.reserve([claim], at=NOON) for claim in claims))

        assert await numbers(ledger) == {("MUG", "main"): (0, 20), ("LID", "main"): (0, 10)}

    @law
    async def test_names_are_kept_letter_by_letter(self, ledger: StockLedger) -> None:
        """SKUs and locations that differ only in case, accents or blanks are different ones."""
        places = [("MUG", "main"), ("mug", "main"), ("MÜG", "main"), ("MUG ", "main"), ("MUG", "Main"), ("🫖", "main")]
        await ledger.reserve([make_claim("1001", dict.fromkeys(places, 1))], at=NOON)

        assert await numbers(ledger, *{sku for sku, _ in places}) == dict.fromkeys(places, (0, 1))
