"""The laws of a ledger's books: what all orders hold, and that the levels are what the books add up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import pytest

from ...model.audits import LevelFinding
from ...model.ids import ChannelId, OrderKey
from ...model.stock import Claim
from ...ports import StockLedger, SupportsAudit, SupportsHistory, SupportsMovements
from ..builders import NOON, ByPlace, make_claim, make_deduction, make_key
from .laws import Cut, law, paged
from .ledger import LedgerContract, numbers
from .movements import moving
from .news import news


def audited(ledger: StockLedger) -> SupportsAudit:
    """Return the ledger as one whose books can be compared; one that cannot skips the law."""
    if not isinstance(ledger, SupportsAudit):
        pytest.skip("this ledger does not offer SupportsAudit")
    return ledger


def finding(found: tuple[int, int], books: tuple[int, int], *, location: str = "main") -> LevelFinding:
    """Build what a recount should find: on-hand and reserved of MUGs, and what the books say they are."""
    (on_hand, reserved), (moved, held) = found, books
    return LevelFinding(sku="MUG", location=location, on_hand=on_hand, moved=moved, reserved=reserved, held=held)


async def all_holds(book: SupportsAudit, *, limit: int) -> list[Claim]:
    """Read all holds page by page."""

    async def page(last: Claim | None) -> Sequence[Claim]:
        return await book.holds(after=None if last is None else last.order_key, limit=limit)

    return await paged(page, limit=limit)


class BookLaws(LedgerContract):
    """L4: whoever adds up the books finds the levels, and puts right what is none."""

    @law
    async def test_holds_are_the_newest_claims(self, ledger: StockLedger) -> None:
        """Of each order that ever claimed the newest claim is told, also when it wants nothing any more."""
        book = audited(ledger)
        assert list(await book.holds(limit=9)) == []
        await ledger.reserve([make_claim("1001", {"MUG": 3}), make_claim("1002", {"LID": 1})], at=NOON)
        rest = make_claim("1001", {("MUG", "shop"): 1}, revision=2)
        await ledger.deduct(make_deduction("1001", "p1", {"MUG": 2}, rest), at=NOON)
        gone = make_claim("1002", {}, revision=5)
        await ledger.reserve([gone], at=NOON)

        assert list(await book.holds(limit=9)) == [rest, gone]

    @law
    async def test_holds_come_by_key(self, ledger: StockLedger) -> None:
        """Holds come in order of their orders' keys, over all channels, page by page and none twice."""
        book = audited(ledger)
        channels = [ChannelId(source, account) for source in ("Shop", "Shop!", "Market") for account in ("one", "two")]
        keys = [OrderKey(channel, name) for channel in channels for name in ("9", "10", "z", "Ä", "a")]
        claims = {key: make_claim(key, revision=number) for number, key in enumerate(keys, start=1)}
        await ledger.reserve(list(claims.values()), at=NOON)
        expected = [claims[key] for key in sorted(keys)]

        for limit in (1, 4, 30):
            assert await all_holds(book, limit=limit) == expected
        nobody = OrderKey(ChannelId("Shop", "one"), "5")
        assert list(await book.holds(after=nobody, limit=1)) == [claims[OrderKey(ChannelId("Shop", "one"), "9")]]

    @law
    async def test_books_add_up_by_themselves(self, ledger: StockLedger) -> None:
        """L4: whatever orders and people did, a recount finds nothing."""
        book = audited(ledger)
        await self.put_on_hand(ledger, "MUG", quantity=5)
        wants: Sequence[ByPlace] = ({"MUG": 3, "LID": 1}, {("MUG", "shop"): 2}, {}, {"MUG": 9})
        for revision, wanted in enumerate(wants, start=1):
            await ledger.reserve([make_claim("1001", wanted, revision=revision)], at=NOON)
        await ledger.deduct(make_deduction("1001", "p1", {"MUG": 9}, make_claim("1001", {}, revision=5)), at=NOON)
        await ledger.deduct(make_deduction("1001", "p2", {"LID": 1}, make_claim("1001", {}, revision=4)), at=NOON)
        if isinstance(ledger, SupportsMovements):
            await ledger.adjust("MUG", location="shop", quantity=-2, movement_id="m1")
            await ledger.transfer("MUG", source="main", destination="shop", quantity=3, movement_id="m2")
            await ledger.set_on_hand("LID", location="main", quantity=4, movement_id="m3")

        assert list(await book.recount()) == []

    @law
    async def test_shortages_are_levels_below_zero(self, ledger: StockLedger) -> None:
        """What is short is every level of which more was sold or sent than was there, and no other."""
        book = audited(ledger)
        for sku in ("ENOUGH", "JUST ENOUGH", "OVERSOLD"):
            await self.put_on_hand(ledger, sku, quantity=2)
        wants = {"ENOUGH": 1, "JUST ENOUGH": 2, "OVERSOLD": 3}
        await ledger.reserve([make_claim("1001", wants), make_claim("1003", {("UNSEEN", "shop"): 1})], at=NOON)
        await ledger.deduct(make_deduction("1002", "p", {"SENT": 4}, make_claim("1002", {}, revision=2)), at=NOON)

        found = [(level.sku, level.location, level.on_hand, level.available) for level in await book.shortages()]
        assert found == [("OVERSOLD", "main", 2, -1), ("SENT", "main", -4, -4), ("UNSEEN", "shop", 0, -1)]

    @law
    async def test_untrue_finding_mends_nothing(self, ledger: StockLedger) -> None:
        """A finding that a recount does not make changes no level, whatever it says, and is no news."""
        book = audited(ledger)
        await self.put_on_hand(ledger, "MUG", quantity=5)
        await ledger.reserve([make_claim("1001", {"MUG": 2})], at=NOON)
        await ledger.acknowledge(await ledger.changed(limit=9) or {})
        untrue = [finding((5, 2), (9, 2)), finding((5, 2), (5, 7)), finding((4, 2), (5, 2)), finding((5, 2), (5, 2))]

        for one in (*untrue, finding((0, 0), (3, 3), location="shop")):
            assert list(await book.mend_levels([one])) == []
        assert list(await book.mend_levels([])) == []
        assert await numbers(ledger) == {("MUG", "main"): (5, 2)}
        assert not await ledger.changed(limit=9)


class MendingLaws(LedgerContract):
    """A level that is not what its books add up to is found and set right, while it is as it was found."""

    async def spoil(
        self, ledger: StockLedger, sku: str, *, location: str = "main", on_hand: int, reserved: int
    ) -> None:
        """Misstate a level; where nobody said how, the law is skipped."""
        try:
            await self.misstate(ledger, sku, location=location, on_hand=on_hand, reserved=reserved)
        except NotImplementedError:
            pytest.skip(f"{type(self).__name__} has no misstate() that spoils a level of its ledger")

    async def spoiled(self, ledger: StockLedger) -> SupportsAudit:
        """Let a level of MUGs say 9 and 1 that should say 5 and 2, and know all news."""
        book = audited(ledger)
        await moving(ledger).set_on_hand("MUG", location="main", quantity=5, movement_id="count", at=NOON)
        await ledger.reserve([make_claim("1001", {"MUG": 2, "LID": 1})], at=NOON)
        await self.spoil(ledger, "MUG", on_hand=9, reserved=1)
        await ledger.acknowledge(await ledger.changed(limit=9) or {})
        return book

    @law
    async def test_misstated_level_is_mended(self, ledger: StockLedger) -> None:
        """A level becomes what its movements and holds add up to; that is news, and it happens once."""
        book = await self.spoiled(ledger)
        found = list(await book.recount())
        assert found == [finding((9, 1), (5, 2))]

        assert list(await book.mend_levels(found)) == found
        assert await numbers(ledger) == {("MUG", "main"): (5, 2), ("LID", "main"): (0, 1)}
        assert list(await book.recount()) == []
        shown = await news(ledger)
        assert set(shown) == {"MUG"}

        await ledger.acknowledge(shown)
        assert list(await book.mend_levels(found)) == []
        assert await news(ledger) == {}

    @law
    async def test_one_wrong_number_is_enough(self, ledger: StockLedger) -> None:
        """A level is found also where only its on-hand or only what is reserved of it is wrong."""
        book = await self.spoiled(ledger)
        for on_hand, reserved in ((9, 2), (5, 0), (5, 7)):
            await self.spoil(ledger, "MUG", on_hand=on_hand, reserved=reserved)
            assert list(await book.recount()) == [finding((on_hand, reserved), (5, 2))]
            await book.mend_levels(await book.recount())
            assert (await numbers(ledger))["MUG", "main"] == (5, 2)

    @law
    async def test_work_goes_on_after_mending(self, ledger: StockLedger) -> None:
        """A mended level moves on like any other, and its history is whole."""
        book = await self.spoiled(ledger)
        await book.mend_levels(await book.recount())
        await moving(ledger).adjust("MUG", location="main", quantity=-1, movement_id="broken", at=NOON)
        await ledger.reserve([make_claim("1001", {}, revision=2)], at=NOON)

        assert await numbers(ledger) == {("MUG", "main"): (4, 0)}
        assert list(await book.recount()) == []
        if isinstance(ledger, SupportsHistory):
            told = [(move.id, move.on_hand_after) for move in await ledger.history("MUG")]
            assert told == [("broken", 4), ("count", 5)]

    @law
    async def test_level_that_moved_since_is_left_alone(self, ledger: StockLedger) -> None:
        """What a level became since it was found is not undone; the next recount finds it as it is then."""
        book = await self.spoiled(ledger)
        (found,) = await book.recount()
        await moving(ledger).adjust("MUG", location="main", quantity=-3, movement_id="broken", at=NOON)

        assert list(await book.mend_levels([found])) == []
        assert (await numbers(ledger))["MUG", "main"] == (6, 1)
        assert list(await book.recount()) == [finding((6, 1), (2, 2))]

    @law
    async def test_level_that_looks_as_it_did_is_left_alone(self, ledger: StockLedger) -> None:
        """A level that was mended and has come back to its old numbers by movements is right now, and stays."""
        book = await self.spoiled(ledger)
        (found,) = await book.recount()
        await book.mend_levels([found])
        await moving(ledger).adjust("MUG", location="main", quantity=4, movement_id="more", at=NOON)
        await ledger.reserve([make_claim("1001", {"MUG": 1}, revision=2)], at=NOON)

        assert list(await book.mend_levels([found])) == []
        assert await numbers(ledger) == {("MUG", "main"): (9, 1)}

    @law
    async def test_only_named_levels_are_mended(self, ledger: StockLedger) -> None:
        """Of several levels that are wrong those are set right that were asked for, one place as well as another."""
        book = await self.spoiled(ledger)
        await self.spoil(ledger, "MUG", location="shop", on_hand=3, reserved=0)
        found = await book.recount()
        assert list(found) == [finding((9, 1), (5, 2)), finding((3, 0), (0, 0), location="shop")]

        untrue = attrs.evolve(found[0], moved=6)
        assert list(await book.mend_levels([found[1], untrue])) == [found[1]]
        assert await numbers(ledger) == {("MUG", "main"): (9, 1), ("LID", "main"): (0, 1)}

    @law
    async def test_mending_may_be_cancelled(self, ledger: StockLedger) -> None:
        """L9: several levels are set right in one, or not at all."""
        book = audited(ledger)

        async def prepare(name: str) -> None:
            for sku in (f"MUG {name}", f"LID {name}"):
                await ledger.reserve([make_claim(make_key(sku), {sku: 1})], at=NOON)
                await self.spoil(ledger, sku, on_hand=7, reserved=7)

        async def mend(name: str) -> None:
            await book.mend_levels([one for one in await book.recount() if one.sku.endswith(f" {name}")])

        async def look(name: str) -> Mapping[str, object]:
            found = await numbers(ledger, f"MUG {name}", f"LID {name}")
            return {sku.split()[0]: both for (sku, _), both in found.items()}

        await Cut(prepare=prepare, verb=mend, look=look).check("mend_levels")
