"""The laws of cancelled callers, for every verb of a ledger."""

from __future__ import annotations

from ...ports import OwnStockLedger, StockLedger, SupportsAudit
from ..builders import NOON, make_claim, make_deduction, make_key
from .laws import Cut, law, reads_survive
from .ledger import LedgerContract, numbers
from .movements import moving
from .news import news


def skus(name: str) -> tuple[str, str]:
    """Return two SKUs that only one trial knows."""
    return f"MUG {name}", f"LID {name}"


class Trials:
    """What is done to a ledger in one trial after another, each with SKUs of its own."""

    def __init__(self, contract: LedgerContract, ledger: StockLedger) -> None:
        self.contract = contract
        self.ledger = ledger

    async def stocked(self, name: str) -> None:
        """Put something on hand, and let an order hold some of it."""
        mug, lid = skus(name)
        await self.contract.put_on_hand(self.ledger, mug, quantity=5)
        await self.contract.put_on_hand(self.ledger, lid, quantity=5)
        await self.ledger.reserve([make_claim(name, {mug: 1, lid: 1})], at=NOON)

    async def look(self, name: str) -> object:
        """Show the levels of a trial, and what its order is known to hold."""
        found = await numbers(self.ledger, *skus(name))
        return sorted((sku.split()[0], numbers_) for (sku, _), numbers_ in found.items())

    async def reserve(self, name: str) -> object:
        """Let two orders hold two SKUs each."""
        mug, lid = skus(name)
        claims = [make_claim(f"{name} {other}", {mug: 2, lid: 3}, revision=2) for other in ("a", "b")]
        return await self.ledger.reserve(claims, at=NOON)

    async def deduct(self, name: str) -> None:
        """Take two SKUs off on-hand, and let the order hold something else."""
        mug, lid = skus(name)
        claim = make_claim(name, {(lid, "shop"): 1}, revision=2)
        await self.ledger.deduct(make_deduction(name, "p1", {mug: 2, lid: 1}, claim), at=NOON)

    async def announced(self, name: str) -> None:
        """Make the two SKUs of a trial news."""
        await self.ledger.acknowledge(await news(self.ledger))
        await self.stocked(name)

    async def acknowledge(self, _name: str) -> None:
        """Forget the news."""
        await self.ledger.acknowledge(await news(self.ledger))

    async def look_at_news(self, _name: str) -> object:
        """Show how many SKUs are news."""
        return len(await news(self.ledger))

    async def set_on_hand(self, name: str) -> None:
        """Count one SKU."""
        await moving(self.ledger).set_on_hand(skus(name)[0], location="main", quantity=9, movement_id=name, at=NOON)

    async def adjust(self, name: str) -> None:
        """Find one SKU broken."""
        await moving(self.ledger).adjust(skus(name)[0], location="main", quantity=-2, movement_id=name, at=NOON)

    async def transfer(self, name: str) -> None:
        """Carry one SKU to another place."""
        await moving(self.ledger).transfer(
            skus(name)[0], source="main", destination="shop", quantity=2, movement_id=name, at=NOON
        )


class LedgerCancellationLaws(LedgerContract):
    """L9: a verb whose caller is cancelled is wholly done or not done, and the ledger works on."""

    @law
    async def test_reserve_may_be_cancelled(self, ledger: StockLedger) -> None:
        """A batch of claims is held as a whole or not at all."""
        trials = Trials(self, ledger)
        await Cut(prepare=trials.stocked, verb=trials.reserve, look=trials.look).check("reserve")

    @law
    async def test_deduct_may_be_cancelled(self, ledger: StockLedger) -> None:
        """Goods and hold of a deduction move together or not at all."""
        trials = Trials(self, ledger)
        await Cut(prepare=trials.stocked, verb=trials.deduct, look=trials.look).check("deduct")

    @law
    async def test_acknowledge_may_be_cancelled(self, ledger: StockLedger) -> None:
        """A batch of news is forgotten as a whole or not at all."""
        trials = Trials(self, ledger)
        await Cut(prepare=trials.announced, verb=trials.acknowledge, look=trials.look_at_news).check("acknowledge")

    @law
    async def test_stocktake_may_be_cancelled(self, ledger: StockLedger) -> None:
        """A stocktake has happened or has not."""
        moving(ledger)
        trials = Trials(self, ledger)
        await Cut(prepare=trials.stocked, verb=trials.set_on_hand, look=trials.look).check("set_on_hand")

    @law
    async def test_adjustment_may_be_cancelled(self, ledger: StockLedger) -> None:
        """An adjustment has happened or has not."""
        moving(ledger)
        trials = Trials(self, ledger)
        await Cut(prepare=trials.stocked, verb=trials.adjust, look=trials.look).check("adjust")

    @law
    async def test_transfer_may_be_cancelled(self, ledger: StockLedger) -> None:
        """A transfer has happened in both places or in none."""
        moving(ledger)
        trials = Trials(self, ledger)
        await Cut(prepare=trials.stocked, verb=trials.transfer, look=trials.look).check("transfer")

    @law
    async def test_reads_may_be_cancelled(self, ledger: StockLedger) -> None:
        """A cancelled reader leaves a ledger that answers the next one."""
        trials = Trials(self, ledger)
        await trials.stocked("1001")
        mug, _ = skus("1001")

        await reads_survive({"levels": lambda: ledger.levels([mug]), "changed": lambda: ledger.changed(limit=9)})
        if isinstance(ledger, OwnStockLedger):
            key = make_key("1001")
            await reads_survive({"history": lambda: ledger.history(mug), "held": lambda: ledger.held(key)})
        if isinstance(ledger, SupportsAudit):
            reads = {"holds": lambda: ledger.holds(limit=9), "recount": ledger.recount, "shortages": ledger.shortages}
            await reads_survive(reads)
