"""The laws of the change feed: no change of a level is lost on its way to the listings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from ...ports import StockLedger
from ..builders import NOON, make_claim, make_deduction
from .laws import law, paged
from .ledger import LedgerContract


async def news(ledger: StockLedger, *, limit: int = 100) -> Mapping[str, int]:
    """Return what changed; a ledger without a feed skips the law."""
    changed = await ledger.changed(limit=limit)
    if changed is None:
        pytest.skip("this ledger keeps no change feed")
    return changed


class NewsLaws(LedgerContract):
    """Rule 24: what changed is shown until exactly that version is acknowledged."""

    @law
    async def test_changes_are_shown_until_acknowledged(self, ledger: StockLedger) -> None:
        """A SKU whose level changed is shown with a version, as often as asked, until it is acknowledged."""
        assert await news(ledger) == {}
        await ledger.reserve([make_claim("1001", {"MUG": 1, "LID": 1})], at=NOON)
        first = await news(ledger)
        assert set(first) == {"MUG", "LID"}
        assert await news(ledger) == first

        await ledger.acknowledge({"MUG": first["MUG"]})
        assert set(await news(ledger)) == {"LID"}
        await ledger.acknowledge(first)
        await ledger.acknowledge(first)
        assert await news(ledger) == {}

    @law
    async def test_change_in_between_is_not_lost(self, ledger: StockLedger) -> None:
        """A level that changes after it was shown stays shown when that version is acknowledged."""
        await ledger.reserve([make_claim("1001", {"MUG": 1})], at=NOON)
        shown = await news(ledger)
        await ledger.reserve([make_claim("1002", {"MUG": 1})], at=NOON)
        await ledger.acknowledge(shown)

        assert set(await news(ledger)) == {"MUG"}

    @law
    async def test_versions_only_grow(self, ledger: StockLedger) -> None:
        """Every change raises its SKU's version, also after all was acknowledged and when the level is as before."""
        versions = [0]
        for revision in range(1, 5):
            wanted = {"MUG": 1} if revision % 2 else {}
            await ledger.reserve([make_claim("1001", wanted, revision=revision)], at=NOON)
            shown = await news(ledger)
            assert shown["MUG"] > versions[-1]
            versions.append(shown["MUG"])
            if revision > 1:
                await ledger.acknowledge(shown)

    @law
    async def test_old_acknowledgement_forgets_nothing(self, ledger: StockLedger) -> None:
        """A late acknowledgement of an older version, or one of a SKU never shown, changes nothing."""
        await ledger.reserve([make_claim("1001", {"MUG": 1})], at=NOON)
        late = await news(ledger)
        await ledger.acknowledge(late)
        await ledger.reserve([make_claim("1001", {"MUG": 2}, revision=2)], at=NOON)
        shown = await news(ledger)

        await ledger.acknowledge(late)
        await ledger.acknowledge({"NOBODY KNOWS": 1})
        assert await news(ledger) == shown

    @law
    async def test_claim_that_changes_nothing_is_no_news(self, ledger: StockLedger) -> None:
        """A stale claim, a repeated one, and a newer one that wants the same are no news."""
        await ledger.reserve([make_claim("1001", {"MUG": 1}, revision=2)], at=NOON)
        await ledger.acknowledge(await news(ledger))

        for revision, quantity in ((1, 9), (2, 1), (3, 1)):
            await ledger.reserve([make_claim("1001", {"MUG": quantity}, revision=revision)], at=NOON)
            assert await news(ledger) == {}

    @law
    async def test_moved_reservation_is_news(self, ledger: StockLedger) -> None:
        """An order that is moved changes the levels of both locations, though the sum over them stays."""
        await ledger.reserve([make_claim("1001", {("MUG", "north"): 1})], at=NOON)
        await ledger.acknowledge(await news(ledger))

        await ledger.reserve([make_claim("1001", {("MUG", "south"): 1}, revision=2)], at=NOON)
        assert set(await news(ledger)) == {"MUG"}

    @law
    async def test_deduction_is_news(self, ledger: StockLedger) -> None:
        """Goods that left without having been reserved are news of every SKU among them; a repeat is none."""
        await self.put_on_hand(ledger, "MUG", quantity=5)
        await ledger.acknowledge(await news(ledger))

        deduction = make_deduction("1001", "p1", {"MUG": 1, "LID": 1}, make_claim("1001", {}, revision=2))
        await ledger.deduct(deduction, at=NOON)
        shown = await news(ledger)
        assert set(shown) == {"MUG", "LID"}
        await ledger.acknowledge(shown)
        await ledger.deduct(deduction, at=NOON)
        assert await news(ledger) == {}

    @law
    async def test_news_is_limited_and_nobody_starves(self, ledger: StockLedger) -> None:
        """No more SKUs than asked for are shown, and in the end every one of them."""
        skus = [f"SKU {number}" for number in range(5)]
        await ledger.reserve([make_claim("1001", dict.fromkeys(skus, 1))], at=NOON)

        async def tell(_: str | None) -> Sequence[str]:
            shown = await news(ledger, limit=2)
            await ledger.acknowledge(shown)
            return list(shown)

        assert sorted(await paged(tell, limit=2)) == skus
